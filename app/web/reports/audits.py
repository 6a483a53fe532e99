"""Why a search counts as it does, in the reader's words: beside a request, behind a number of a report, and in the API."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, render_template

from app import accounts
from app.accounts import Role
from app.content import VISITOR
from app.deflection import Audit, Sentence, UnknownSearch, sentences, without_words, words_are_common
from app.journeys import search_articles
from app.search import Query, SearchUnavailable
from app.web import context
from app.web.access import current_user, requires
from app.web.api.api_description import ApiBlueprint, needs_scope, object_of, schema_of
from app.web.i18n import gettext as _
from app.web.reports.told_audits import audit_of_search, told

bp = Blueprint("audits", __name__)
DESK = (Role.AGENT, Role.MANAGER, Role.ADMIN)
"""Who answers requests, and therefore sees what was searched before one; writers do not."""
api = ApiBlueprint("audit", __name__, url_prefix="/api/v1/searches", description="Why a search counts as it does")
SAID = {Sentence: object_of({"code": {"type": "string"}, "text": {"type": "string"}, "t": {"type": ["integer", "null"]}})}
AUDIT = schema_of(Audit, SAID)
"""An audit as the API tells it: the evidence, and beside it the sentences in English."""
AUDIT = AUDIT | object_of({**AUDIT["properties"], "sentences": {"type": "array", "items": {"type": "string"}}})


@dataclass(frozen=True)
class RunAgain:
    """What the same words find today, beside what they found then: (article title, rank then or None, rank now or None)."""

    rows: list[tuple[str, int | None, int | None]]
    unavailable: bool = False


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
    readable = as_readable(found)
    return render_template(
        "reports/audit.html",
        search_id=search_id,
        audit=told(readable),
        again=run_again(found, search_id),
        hidden=readable is not found,
        k=context.portal().settings.privacy_k_query,
    )


@api.get("/<search_id>/audit")
@requires(Role.AGENT, Role.MANAGER, Role.WRITER)
@api.may_fail(404)
@api.response(200, AUDIT)
def as_json(search_id: str) -> Response:
    """The same, for programs: the evidence as data, and the sentences in English."""
    needs_scope("read")
    found = audit_of_search(search_id[:128])
    if found is None:
        raise UnknownSearch("There is no such search, or it is past its time.")
    found = as_readable(found)
    response = jsonify({**_plain(found), "sentences": [s.text for s in sentences(found)]})
    response.headers["Cache-Control"] = "no-store"
    return response


def as_readable(found: Audit) -> Audit:
    """The audit as the person of this request may read it: with the words, or without; reading rare words is logged."""
    user, db, now = current_user(), context.db(), context.now()
    # Whoever wrote to us is answered by people who see what they tried; and what many ask is nobody's secret.
    answers = user is not None and user.role in DESK and bool(found.tickets)
    if answers or words_are_common(db, found, context.portal().settings.privacy_k_query, now):
        return found
    if user is None or not user.reads_queries:
        return without_words(found)
    with context.portal().database.durable_session() as writing:
        accounts.note_act(writing, user.email, "read-query", found.search_id or found.need, now)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Sentence):
        return {"code": value.code, "text": value.text, "t": value.t}
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value
