"""An audit in the reader's words: for the page of one search, and beside a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

from app.deflection import Audit, AuditSearch, Sentence, UnknownSearch, audit, audits_of_ticket, rules_from
from app.tickets import number_of
from app.web import context
from app.web.filters import date_time
from app.web.i18n import gettext as _
from app.web.i18n import gettext_html
from app.web.reports.report_words import CHANNELS, duration
from app.web.reports.told_events import title_of

OUTCOMES = {
    "answered_confirmed": lambda: _("Answered, as the customer said"),
    "answered_likely": lambda: _("Probably answered"),
    "escalated": lambda: _("Wrote to us"),
    "unanswered_confirmed": lambda: _("Not answered, as the customer said"),
    "abandoned_form": lambda: _("Left the contact form"),
    "abandoned_no_results": lambda: _("Left: nothing was found"),
    "abandoned_with_results": lambda: _("Left: nothing was read"),
    "undetermined": lambda: _("Nobody can know"),
    "reformulated": lambda: _("Searched again in other words"),
    "excluded": lambda: _("Not counted"),
}


KNOWN = {
    2: lambda: _("Signed in: a request of theirs would be seen."),
    1: lambda: _("Known by a cookie: a request from this browser, or from an address known to belong to it, would be seen."),
    0: lambda: _("Known by one tab only: a request that came another way could not be seen."),
}


@dataclass(frozen=True)
class ToldList:
    """What one search listed: (rank, title, whether it was opened from there), and on which content."""

    words: str
    locale: str
    revision: str
    rows: list[tuple[int, str, bool]]


@dataclass(frozen=True)
class Told:
    """An audit as a page shows it."""

    outcome: str
    rule: str
    is_final: bool
    story: list[tuple[datetime | None, str]]
    shown: list[ToldList]
    known: str
    after_ticket: bool
    reason: str
    finality: str
    changes: list[str]
    ledger: list[tuple[str, str, datetime, str]]
    counts_as: str
    query: str
    version: str


def audit_of_search(search_id: str) -> Audit | None:
    """The audit of one search; None when it does not count by itself (too short, folded into nothing, or past its time)."""
    try:
        return audit(context.db(), context.now(), rules_from(context.portal().settings), search_id=search_id)
    except UnknownSearch:
        return None


def audits_of_request(ticket_id: str) -> list[Told]:
    """Every need that led to a request, latest first."""
    try:
        found = audits_of_ticket(context.db(), ticket_id, context.now(), rules_from(context.portal().settings))
    except UnknownSearch:
        return []
    return [told(one) for one in found]


def told(one: Audit) -> Told:
    """The audit in the reader's language."""
    return Told(
        outcome=OUTCOMES[one.outcome](),
        rule=one.rule,
        is_final=one.state == "final",
        story=[(None if s.t is None else _when(s.t), _say(s)) for s in one.story],
        shown=[_list(search) for search in one.searches if search.results],
        known=KNOWN[one.link_class](),
        after_ticket=one.post_ticket,
        reason=_say(one.reason),
        finality=_say(one.finality),
        changes=[_say(s) for s in one.changes],
        ledger=[(_named(c.from_outcome), _named(c.to_outcome), _when(c.as_of), c.cause) for c in one.ledger],
        counts_as=OUTCOMES[one.search_outcome]() if one.search_outcome in OUTCOMES else "",
        query=one.searches[0].q if one.searches else "",
        version=one.version,
    )


def _list(search: AuditSearch) -> ToldList:
    opened = {article for _rank, article in search.opened}
    rows = [(rank, title_of(article), article in opened) for rank, article in enumerate(search.results, 1)]
    return ToldList(search.q, search.lang, search.revision or "", rows)


def _named(outcome: str | None) -> str:
    return OUTCOMES[outcome]() if outcome in OUTCOMES else _("nothing")


def _when(t: int) -> datetime:
    return datetime.fromtimestamp(t / 1000, UTC)


def _say(sentence: Sentence) -> Markup:
    return gettext_html(sentence.template, **{name: _worded(name, value) for name, value in sentence.params.items()})


def _worded(name: str, value: Any) -> Any:
    """A value as a reader knows it: an article by its title, a moment as a date, a request by its number, a phrase in their language."""
    if isinstance(value, datetime):
        return date_time(value)
    if name == "delay":
        return duration(value / 1000)
    if name == "channel":
        return _(CHANNELS.get(value, value))
    if name == "article" and value:
        return title_of(value)
    if name == "articles" and value:
        return escape(_("”, “")).join(Markup("<bdi>%s</bdi>") % title_of(article) for article in value.split(", "))
    if name in {"ticket", "tickets"}:
        return ", ".join(str(number_of(context.db(), one) or one) for one in value.split(", "))
    return _(value) if name == "how" else value
