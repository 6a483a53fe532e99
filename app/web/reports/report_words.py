"""Numbers of a report as people read them: percentages with intervals, changes that are called one only when they are."""

from __future__ import annotations

from babel.numbers import format_decimal

from app.deflection import Change, Interval, Proportion
from app.locales import own_name
from app.web.filters import babel_locale, number, percent
from app.web.i18n import N_
from app.web.i18n import gettext as _

NOTHING = "–"
FEW_VOTES = 30
"""Under so many votes on an article it is said that they are few."""


def rate(value: Proportion, digits: int = 1) -> str:
    """61.4%, or a dash where there is too little to speak of a rate."""
    return NOTHING if value.rate is None else percent(value.rate, digits)


def points(value: float, digits: int = 1) -> str:
    """A share in percent without the sign, for the ends of an interval."""
    return format_decimal(round(100 * value, digits), format=f"#,##0.{'0' * digits}" if digits else "#,##0", locale=babel_locale())


def interval(value: Interval | None, digits: int = 1) -> str:
    """60.9 to 61.9"""
    if value is None:
        return NOTHING
    return _("%(low)s to %(high)s", low=points(value.low, digits), high=points(value.high, digits))


def sure(value: Proportion, digits: int = 1, interval_digits: int | None = None) -> str:
    """61.4% (60.9 to 61.9): a share never goes without its interval."""
    if value.rate is None:
        return NOTHING
    return f"{rate(value, digits)} ({interval(value.interval, digits if interval_digits is None else interval_digits)})"


def few(value: Proportion) -> str:
    """Why there is no rate."""
    return _("%(n)s of %(base)s: too few for a rate", n=number(value.count), base=number(value.base))


def signed(value: float, digits: int = 1) -> str:
    """+5.8 or −1.3, with a real minus; nothing before a zero."""
    rounded = round(100 * value, digits)
    text = format_decimal(abs(rounded), format=f"#,##0.{'0' * digits}", locale=babel_locale())
    return ("+" if rounded > 0 else "−" if rounded < 0 else "") + text


def change_text(value: Change | None) -> str:
    """+5.8 pts; empty where nothing can be compared."""
    return _("%(n)s pts", n=signed(value.difference)) if value else ""


def change_note(value: Change | None) -> str:
    """What may be said about the change."""
    if value is None:
        return _("Too little to compare with the weeks before")
    if not value.clear:
        said = _("No clear change: the interval of the difference includes zero")
        return f"{said} ({change_interval(value)})"
    return _(
        "Change against as many weeks before: %(low)s to %(high)s pts", low=signed(value.interval.low), high=signed(value.interval.high)
    )


def change_short(value: Change | None) -> str:
    """The same in a few words, where there is little room."""
    if value is None:
        return _("Nothing to compare with")
    said = _("Clear change") if value.clear else _("No clear change")
    return f"{said} ({change_interval(value)})"


def change_interval(value: Change) -> str:
    """−1.2 to +3.4: where the difference lies."""
    return _("%(low)s to %(high)s", low=signed(value.interval.low), high=signed(value.interval.high))


def change_class(value: Change | None, up_is_good: bool = True) -> str:
    """up (good), down (bad) or steady."""
    if value is None or not value.clear:
        return "steady"
    return "up" if (value.difference > 0) == up_is_good else "down"


def amount(value: float) -> str:
    """A whole number with separators; small ones with one digit."""
    return number(round(value)) if abs(value) >= 10 else number(round(value, 1))


def amounts(value: Interval) -> str:
    """131 to 13,185"""
    return _("%(low)s to %(high)s", low=amount(value.low), high=amount(value.high))


def duration(seconds: float | None) -> str:
    """12 s, 3.4 min, 29 h, 3 d"""
    if seconds is None:
        return NOTHING
    if seconds < 90:
        return _("%(n)s s", n=number(round(seconds)))
    if seconds < 90 * 60:
        return _("%(n)s min", n=number(round(seconds / 60, 1)))
    hours = seconds / 3600
    return _("%(n)s h", n=number(round(hours))) if hours < 48 else _("%(n)s d", n=number(round(hours / 24)))


def durations(ends: tuple[float | None, float | None]) -> str:
    """13 s to 14 s; an end that was never reached is a dash."""
    return _("%(low)s to %(high)s", low=duration(ends[0]), high=duration(ends[1])) if ends != (None, None) else NOTHING


KINDS = {
    "write": N_("Write an article"),
    "title": N_("Better title and words"),
    "structure": N_("Answer earlier in the text"),
    "content": N_("Mend what it says"),
    "synonym": N_("Add a synonym"),
    "translate": N_("Translate it"),
}
KIND_REASONS = {
    "write": N_("Nothing was found"),
    "title": N_("Found, but not opened"),
    "structure": N_("Opened, but not read long enough"),
    "content": N_("Read, and still not solved"),
    "synonym": N_("Solved only after several searches"),
    "translate": N_("Answered in another language only"),
}
DEVICES = {"phone": N_("Phone"), "tablet": N_("Tablet"), "desktop": N_("Computer")}
LINKS = {"account": N_("Signed in"), "browser": N_("Known by cookie"), "tab": N_("No cookie")}
FILTERS = {
    "locale": N_("Language"),
    "category": N_("Category"),
    "surface": N_("Where"),
    "device": N_("Device"),
    "link": N_("How well known"),
}
CHANNELS = {"email": N_("e-mail"), "phone": N_("phone"), "form": N_("contact form"), "chat": N_("chat"), "api": N_("programs")}


def value_name(name: str, value: str, categories: dict[str, str]) -> str:
    """What a value of a filter is called."""
    if name == "locale":
        return own_name(value)
    if name == "category":
        return categories.get(value, value)
    return _(DEVICES.get(value) or LINKS.get(value) or value)


NOTE_KINDS = {"release": N_("Release"), "outage": N_("Outage"), "note": N_("Something else")}
ENDINGS = {
    1: N_("Wrote to us"),
    2: N_("Confirmed"),
    3: N_("Said “No”"),
    4: N_("Left the contact form"),
    6: N_("Likely answered"),
    7: N_("Read, but without a cookie"),
    8: N_("Reading time not measured"),
    9: N_("Saw an answer in the results"),
    10: N_("Found nothing"),
    11: N_("Read nothing long enough"),
}
VENDORS = {
    "zendesk": (
        N_("Self-service score (Zendesk)"),
        N_("Visitors of the help centre for each person who wrote"),
        N_("It grows with traffic: more visitors make it better, whether they find anything or not."),
    ),
    "intercom": (
        N_("Assumed resolution (as Intercom counts answers of its bot)"),
        N_("Opened an article, did not say no, and did not write within 24 hours; or said it helped"),
        N_("A person who gives up in silence counts as resolved, and so does one whose request we could not see."),
    ),
    "servicenow": (
        N_("Confirmed and potential deflection (ServiceNow)"),
        N_("Said it helped, or opened anything and did not write within 24 hours, of all questions"),
        N_("Opening is taken for reading; requests after a day are not looked at."),
    ),
    "form": (
        N_("Form not sent"),
        N_("Contact forms with answers shown that were not sent"),
        N_("People leave forms anyway. All of them land in the count; only a trial can tell the difference."),
    ),
    "silence": (
        N_("No ticket after a search"),
        N_("Every question that no request followed"),
        N_("Silence is not an answer: nothing found and nothing read count as success."),
    ),
    "hylla": (
        N_("Solved without a ticket (here)"),
        N_("Confirmed, or read long enough with no request within the window by somebody whose request we would have seen"),
        N_("The only one that leaves out what nobody can know."),
    ),
}
TRIAL_OUTCOMES = {
    "ticket": (N_("Sent a request within 24 hours"), N_("Fewer are good only if more say that they were answered")),
    "solved": (N_("Said “this answered my question”"), N_("More is better")),
    "left": (N_("Left without an answer"), N_("More ends the trial")),
    "again": (N_("Wrote again within 7 days"), N_("Fewer is better")),
}
VERDICTS = {
    "no_evidence": N_("No evidence yet."),
    "mismatch": N_("The two groups do not have the sizes they were drawn with, so no result is shown. Something treats them differently."),
    "helps": N_("The answers help: fewer requests, and more people who say that they were answered."),
    "suppresses": N_(
        "The answers suppress requests: fewer requests without more people who say that they were answered. This is harm, not self-service."
    ),
    "harms": N_("The answers harm: more people leave without an answer where answers are shown. The trial ends by itself."),
    "more_tickets": N_("People send more requests where answers are shown."),
}
ACTIONS = {
    "rename": N_("Renamed"),
    "merge": N_("Merged"),
    "split": N_("Split"),
    "pin": N_("Query put here"),
    "undo": N_("Undone"),
}
