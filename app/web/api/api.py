"""The JSON API, version 1: search, suggestions, articles, requests, and the beacons of our own pages.

Programs show a bearer token and see what its account may see; without one they see what a visitor sees. The OpenAPI document at
/api/v1/openapi.json is made from the schemas that check the requests.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import abort, redirect, request, url_for

from app.content import CUSTOMER, STAFF, VISITOR, Article, ArticleGone, ArticleMoved, Viewer, can_see
from app.deflection import Actor, Search, new_id, requester_hash
from app.journeys import search_articles, submit_ticket
from app.locales import best_match
from app.search import Hit, Query, Results
from app.tickets import TicketDraft, sent_with_key
from app.web import context
from app.web.access import current_user, is_program
from app.web.api import api_schemas as schemas
from app.web.api.api_description import ApiBlueprint, needs_scope
from app.web.contact.letters import received
from app.web.contact.promises import promise
from app.web.security import admit_request, csrf, limiter
from app.web.visitors import refused_readings
from app.web.visitors.event_schema import batch_schema
from app.web.visitors.page_events import MOST_EVENTS, sent_batch
from app.web.visitors.visitors import actor

BODY_LIMIT = 256 * 1024
SUGGESTIONS_PER_SEARCH = 10
"""Typing one query asks for suggestions several times."""

AUDIENCES = {"public": VISITOR, "customers": CUSTOMER, "agents": STAFF}

bp = ApiBlueprint("api", __name__, url_prefix="/api/v1", description="Knowledge base, requests and page events")


@bp.before_request
def limit_body() -> None:
    """Bodies of the API are small; a larger one is refused before it is read."""
    request.max_content_length = BODY_LIMIT


# --- reading ----------------------------------------------------------------------------------------------------------------


@bp.get("/search")
@limiter.limit(lambda: f"{context.portal().settings.searches_per_minute}/minute")
@bp.may_fail(403, 422)
@bp.arguments(schemas.SearchArguments, location="query")
@bp.response(200, schemas.SearchAnswer)
def search(arguments: dict[str, Any]) -> dict[str, Any]:
    """Search the articles that the caller may see."""
    needs_scope("read")
    if arguments["explain"] and not context.viewer().is_staff:
        abort(403, "Why a result stands where it stands is told to staff only.")
    viewer = _narrowed(context.viewer(), arguments["audience"])
    query = Query.from_text(
        arguments["q"],
        _locale(arguments["locale"]),
        viewer,
        limit=arguments["limit"],
        category=arguments["category"],
        type=arguments["type"],
        explain=bool(arguments["explain"]),
    )
    results = search_articles(context.portal().engine, context.catalog(), query, context.today())
    search_id = new_id()
    if arguments["record"]:
        context.portal().events.put(_search_event(search_id, results))
    return _search_answer(search_id, results)


def _search_event(search_id: str, results: Results) -> Search:
    return Search(
        **actor().stamp(context.now()),
        search_id=search_id,
        q=results.query.text,
        mode="submit",
        n_results=results.total,
        results=tuple(hit.article_id for hit in results.hits[:10]),
        surface="api",
        answer_shown=results.passage is not None,
        lang=results.query.locale,
        revision=results.revision,
    )


def _search_answer(search_id: str, results: Results) -> dict[str, Any]:
    passage = results.passage
    return {
        "search_id": search_id,
        "query": results.query.text,
        "locale": results.query.locale,
        "total": results.total,
        "corrected": results.corrected,
        "did_you_mean": results.did_you_mean,
        "passage": passage and {"text": passage.text, "article_id": passage.article_id, "anchor": passage.anchor, "url": passage.url},
        "revision": results.revision,
        "results": [_hit(hit) for hit in results.hits],
    }


def _hit(hit: Hit) -> dict[str, Any]:
    told: dict[str, Any] = {
        "rank": hit.rank,
        "id": hit.article_id,
        "slug": hit.slug,
        "locale": hit.locale,
        "category": hit.category,
        "title": hit.title,
        "url": hit.url,
        "snippet": hit.snippet,
        "score": hit.score,
    }
    if hit.explanation:
        told |= {"pinned": hit.explanation.pinned, "explanation": [asdict(term) for term in hit.explanation.terms]}
    return told


@bp.get("/suggest")
@limiter.limit(lambda: f"{context.portal().settings.searches_per_minute * SUGGESTIONS_PER_SEARCH}/minute")
@bp.may_fail(422)
@bp.arguments(schemas.SuggestArguments, location="query")
@bp.response(200, schemas.SuggestAnswer)
def suggest(arguments: dict[str, Any]) -> dict[str, Any]:
    """Articles and sections whose titles go with what was typed so far."""
    needs_scope("read")
    context.catalog()  # a process that has just started opens its index with its first catalog
    found = context.portal().engine.suggest(arguments["q"], _locale(arguments["locale"]), context.viewer(), arguments["limit"])
    kinds = {"article", "section"}
    return {"suggestions": [{"type": s.type, "title": s.title, "url": s.url} for s in found.items if s.type in kinds]}


@bp.get("/articles/<slug>")
@bp.may_fail(404, 410, 422)
@bp.arguments(schemas.ArticleArguments, location="query")
@bp.response(200, schemas.ArticleAnswer)
@bp.alt_response(301, description="It has another address now.", success=True)
def article(arguments: dict[str, Any], slug: str) -> Any:
    """One article: what is known of it, and its text as HTML, Markdown and plain text."""
    needs_scope("read")
    catalog, viewer, today = context.catalog(), context.viewer(), context.today()
    locale = _locale(arguments["locale"])
    try:
        found = catalog.find(locale, slug, viewer, today)
    except ArticleMoved as moved:
        new_slug = moved.url.split("?")[0].rstrip("/").rsplit("/", 1)[-1]
        return redirect(url_for("api.article", slug=new_slug, locale=locale), 301)
    except ArticleGone as gone:
        instead = f" It was replaced by {gone.replacement.url}." if gone.replacement else ""
        abort(410, f"“{gone.title}” is archived.{instead}")
    return _article_answer(found, viewer)


def _article_answer(found: Article, viewer: Viewer) -> dict[str, Any]:
    catalog, today = context.catalog(), context.today()
    rendering = catalog.rendering(found)
    translations = catalog.translations(found.id)
    return {
        "id": found.id,
        "slug": found.slug,
        "locale": found.locale,
        "category": found.category,
        "title": found.title,
        "summary": found.summary,
        "keywords": list(found.keywords),
        "audience": found.audience.value,
        "url": found.url,
        "updated_at": found.updated_at,
        "author": found.author,
        "words": found.words,
        "locales": sorted(tag for tag, one in translations.items() if can_see(one, viewer, today)),
        "html": rendering.html,
        "markdown": rendering.markdown,
        "text": rendering.text,
        "revision": catalog.revision,
    }


# --- writing ----------------------------------------------------------------------------------------------------------------


@bp.post("/tickets")
@bp.may_fail(409, 422)
@bp.arguments(schemas.TicketArguments)
@bp.arguments(schemas.TicketHeaders, location="headers")
@bp.response(201, schemas.TicketAnswer)
def add_ticket(body: dict[str, str], headers: dict[str, str | None]) -> dict[str, Any]:
    """Send a request. With an `Idempotency-Key` it may be repeated after a lost answer without being sent twice."""
    needs_scope("tickets:write")
    now, portal, user = context.now(), context.portal(), current_user()
    who = f"program-{user.id}" if user and is_program() else user.id if user else "visitor"
    draft = TicketDraft(
        subject=body["subject"],
        message=body["message"],
        email=body["email"],
        key=f"api/{who}/{headers['key'] or new_id()}"[:300],
        name=body["name"],
        locale=_locale(body["locale"]),
        topic=body["category"],
        account=user.id if user and not is_program() else None,
        channel="api",
        promised_at=promise(now),
    )
    requester = requester_hash(draft.email, portal.settings.secret_key)
    with portal.database.durable_session() as db:
        if sent_with_key(db, draft.key) is None:
            # Counted together with the contact form, by the same kind and key: the API is no way around that limit.
            admit_request(db, portal.settings, now)
        sent = submit_ticket(db, draft, _requester(), requester, now, received)
    return {"number": sent.ticket.number, "url": f"/{draft.locale}/requests/{sent.ticket.number}"}


def _requester() -> Actor:
    """Who is behind a request: a program writes for somebody else, so neither its account nor its connection says who."""
    return Actor(ua=request.headers.get("User-Agent", "")[:300]) if is_program() else actor()


@bp.post("/events")
@csrf.exempt  # sent by pages that are cached; the origin is checked
@limiter.limit(refused_readings.rate, on_breach=refused_readings.note)
@bp.doc(
    requestBody={
        "required": True,
        "description": "A list of events, or an object with the list under `events`; also as text/plain, as `sendBeacon` sends it.",
        "content": {"application/json": {"schema": batch_schema(MOST_EVENTS)}},
    }
)
@bp.may_fail(422)
@bp.response(204)
def add_events() -> None:
    """What happened on a page: a batch is taken as a whole or not at all."""
    context.portal().events.put(*sent_batch())


# --- what the views share ---------------------------------------------------------------------------------------------------


def _locale(wanted: str) -> str:
    """The offered locale that was asked for or fits it best; without a wish, the best for the browser."""
    offered = context.portal().settings.locales
    return best_match([wanted], offered) if wanted else best_match([tag for tag, _quality in request.accept_languages], offered)


def _narrowed(viewer: Viewer, audience: str | None) -> Viewer:
    return viewer if audience is None else Viewer(viewer.audiences & AUDIENCES[audience].audiences)
