"""What a report says in whole sentences: the page and the mail say the same."""

from __future__ import annotations

from app.deflection import Calibrated, Report, Shift, Shrunk
from app.web.filters import number, percent
from app.web.i18n import gettext as _
from app.web.i18n import ngettext
from app.web.reports.report_words import interval, signed


def avoided(needs: int) -> str:
    """What the range of tickets avoided rests on."""
    return _(
        "The low end counts confirmed answers only. An estimate from %(n)s questions, not a count: it supposes that answered people would "
        "have written as often as unanswered ones.",
        n=number(needs),
    )


def not_final(provisional: int) -> str:
    """How many are left out because they are not final."""
    return ngettext(
        "%(num)s newer question is not final yet and not in these numbers.",
        "%(num)s newer questions are not final yet and not in these numbers.",
        provisional,
    )


def shift(value: Shift) -> str:
    """Whether the last weeks differ from those before, and why."""
    ends = {"n": signed(value.difference), "low": signed(value.interval.low), "high": signed(value.interval.high)}
    if value.clear:
        said = _("The last 4 final weeks differ from the 8 before by %(n)s pts (%(low)s to %(high)s).", **ends)
    else:
        said = _("No clear change of the last 4 final weeks against the 8 before: %(n)s pts (%(low)s to %(high)s).", **ends)
    because = _(
        "Of this, %(mix)s pts because people asked other things, and %(within)s pts because the same things were solved more or less often.",
        mix=signed(value.mix),
        within=signed(value.within),
    )
    return f"{said} {because}"


def group_escalation(found: Shrunk) -> str:
    """How many of the signed-in people wrote about a question, of how many of their questions."""
    said = _("Signed in, wrote to us: %(rate)s (%(interval)s)", rate=percent(found.mean), interval=interval(found.interval, 0))
    return " ".join([said, _("of %(n)s", n=number(found.base))])


def repairs(groups: int) -> str:
    """Where it is known from how much an article mends."""
    if not groups:
        return _("How much an article mends is still a guess: none has been watched for eight weeks.")
    return ngettext(
        "How much an article mends is learnt from %(num)s group of questions that got one.",
        "How much an article mends is learnt from %(num)s groups of questions that got one.",
        groups,
    )


def hidden_articles(count: int) -> str:
    """How many articles have too few readers to be listed."""
    return ngettext(
        "%(num)s article was read by too few people to be listed.", "%(num)s articles were read by too few people to be listed.", count
    )


def category() -> str:
    """Why the shares of categories are higher than those of all."""
    return _(
        "A category holds only questions in which one of its articles was opened, so its shares are higher than those of all questions."
    )


def survey(found: Calibrated | None) -> str:
    """The best estimate and what silence could make of it."""
    if found is None:
        return _("Fewer than 30 answers so far. Until then there is no best estimate, only the floor and what the log supports.")
    return _(
        "Best estimate of all questions answered: %(rate)s (%(interval)s). If everybody who did not reply had said no, or yes: %(worst)s.",
        rate=percent(found.rate, 1),
        interval=interval(found.interval),
        worst=interval(found.worst),
    )


def too_few_people(k: int) -> str:
    """Why nothing is shown."""
    return _(
        "Fewer than %(k)s people are behind this choice, or behind what it leaves out. So that nobody can be recognised, nothing is shown.",
        k=k,
    )


def two_definitions(otherwise: int) -> str:
    """Why nothing is compared with earlier weeks."""
    return ngettext(
        "%(num)s question is still counted by thresholds that are no longer in force, so nothing is compared with earlier weeks.",
        "%(num)s questions are still counted by thresholds that are no longer in force, so nothing is compared with earlier weeks.",
        otherwise,
    )


def restated(report: Report) -> str:
    """How many questions ended otherwise than was first published; empty for none."""
    if not report.restated:
        return ""
    return ngettext(
        "Restated by %(num)s question since it was first final.",
        "Restated by %(num)s questions since they were first final.",
        report.restated,
    )
