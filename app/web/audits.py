"""Why a search counts as it does, in the reader's words: beside a request, behind a number of a report, and in the API."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue

from app.accounts import Role
from app.content import VISITOR
from app.deflection import Audit, Sentence, UnknownSearch, audit, audits_of_ticket, rules_from, sentences
from app.journeys import search_articles
from app.search import Query, SearchUnavailable
from app.web import context
from app.web.access import requires
from app.web.filters import short_date
from app.web.i18n import gettext as _

bp = Blueprint("audits", __name__)

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


@dataclass(frozen=True)
class Told:
    """An audit as a page shows it."""

    outcome: str
    rule: str
    is_final: bool
    story: list[tuple[int | None, str]]
    reason: str
    finality: str
    changes: list[str]
    ledger: list[tuple[str, str, datetime, str]]
    counts_as: str
    query: str
    version: str


@dataclass(frozen=True)
class RunAgain:
    """What the same words find today, beside what they found then: (article title, rank then or None, rank now or None)."""

    rows: list[tuple[str, int | None, int | None]]
    unavailable: bool = False


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
        story=[(s.t, _say(s)) for s in one.story],
        reason=_say(one.reason),
        finality=_say(one.finality),
        changes=[_say(s) for s in one.changes],
        ledger=[(_named(c.from_outcome), _named(c.to_outcome), _when(c.as_of), c.cause) for c in one.ledger],
        counts_as=OUTCOMES[one.search_outcome]() if one.search_outcome in OUTCOMES else "",
        query=one.searches[0].q if one.searches else "",
        version=one.version,
    )


def _named(outcome: str | None) -> str:
    return OUTCOMES[outcome]() if outcome in OUTCOMES else _("nothing")


def _when(t: int) -> datetime:
    return datetime.fromtimestamp(t / 1000, UTC)


def _say(sentence: Sentence) -> str:
    values = {name: short_date(v) if isinstance(v, datetime) else v for name, v in sentence.params.items()}
    return _(sentence.template, **values)


def run_again(one: Audit, search_id: str) -> RunAgain | None:
    """The same words on today's articles, as the visitor would find them, beside what was listed then."""
    then = next((s for s in one.searches if search_id in s.members), None)
    if then is None or not then.q:
        return None
    portal, catalog = context.portal(), context.catalog()
    locale = then.lang if then.lang in portal.settings.locales else portal.settings.default_locale
    try:
        now = search_articles(
            portal.engine, catalog, Query.from_text(then.q, locale, VISITOR, passage=False, snippets=False), context.today()
        )
    except SearchUnavailable:
        return RunAgain([], unavailable=True)
    before = {article: rank for rank, article in enumerate(then.results, 1)}
    after = {hit.article_id: hit.rank for hit in now.hits}
    titles = {a: _title(a, locale) for a in {**before, **after}}
    ordered = sorted(titles, key=lambda a: (after.get(a, 99), before.get(a, 99)))
    return RunAgain([(titles[a], before.get(a), after.get(a)) for a in ordered])


def _title(article_id: str, locale: str) -> str:
    versions = context.catalog().translations(article_id)
    found = versions.get(locale) or next(iter(versions.values()), None)
    return found.title if found else article_id


@bp.get("/reports/searches/<search_id>")
@requires(Role.AGENT, Role.MANAGER, Role.WRITER)
def page(search_id: str) -> str:
    """One search followed to its end."""
    found = audit_of_search(search_id[:128])
    if found is None:
        raise UnknownSearch(_("There is no such search, or it is past its time."))
    return render_template("reports/audit.html", search_id=search_id, audit=told(found), again=run_again(found, search_id))


@bp.get("/api/v1/searches/<search_id>/audit")
@requires(Role.AGENT, Role.MANAGER, Role.WRITER)
def as_json(search_id: str) -> ResponseReturnValue:
    """The same, for programs: the evidence as data, and the sentences in English."""
    found = audit_of_search(search_id[:128])
    if found is None:
        raise UnknownSearch("There is no such search, or it is past its time.")
    response = jsonify({**_plain(found), "sentences": [s.text for s in sentences(found)]})
    response.headers["Cache-Control"] = "no-store"
    return response


def _plain(value: Any) -> Any:
    if isinstance(value, Sentence):
        return {"code": value.code, "text": value.text, "t": value.t}
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value
