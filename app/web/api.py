"""The JSON API, version 1: search, suggestions, articles, requests, and the beacons of our own pages.

Programs show a bearer token and see what its account may see; without one they see what a visitor sees. The OpenAPI document at
/api/v1/openapi.json is made from the schemas that check the requests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

from flask import Flask, abort, redirect, request, url_for
from flask_smorest import Api, Blueprint
from flask_smorest.utils import prepare_response
from webargs.flaskparser import FlaskParser

from app.content import CUSTOMER, STAFF, VISITOR, Article, ArticleGone, ArticleMoved, Viewer, can_see
from app.deflection import Actor, Search, new_id, requester_hash
from app.errors import Forbidden, Invalid
from app.journeys import search_articles, submit_ticket
from app.locales import best_match
from app.search import Query, Results
from app.tickets import TicketDraft, sent_with_key
from app.web import api_schemas as schemas
from app.web import context, refused_readings
from app.web.access import current_user, has_scope, is_program
from app.web.event_schema import batch_schema
from app.web.letters import received
from app.web.page_events import MOST_EVENTS, sent_batch
from app.web.promises import promise
from app.web.security import admit_request, csrf, limiter
from app.web.visitors import actor

BODY_LIMIT = 256 * 1024
SUGGESTIONS_PER_SEARCH = 10
"""Typing one query asks for suggestions several times."""

AUDIENCES = {"public": VISITOR, "customers": CUSTOMER, "agents": STAFF}

View = TypeVar("View", bound=Callable[..., Any])


class InvalidRequest(Invalid):
    """Parameters or body do not fit the schema; `errors` names each field."""


class Parser(FlaskParser):
    """Says what is wrong in our own form of errors, and survives JSON that is nested to hurt."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {"query": None, "headers": None, "json": None}  # noqa: RUF012  # webargs' own type

    def handle_error(self, error: Any, req: Any, schema: Any, *, error_status_code: Any, error_headers: Any) -> NoReturn:
        """Every field that is wrong, at once."""
        raise InvalidRequest("The request does not fit the description at /api/v1/openapi.json.", _flat(error.messages))

    def _raw_load_json(self, req: Any) -> Any:
        try:
            return super()._raw_load_json(req)
        except RecursionError:
            abort(400, "This JSON is nested too deeply.")
        except ValueError as error:
            if isinstance(error, UnicodeDecodeError | json.JSONDecodeError):
                raise
            abort(400, "A number in this JSON has too many digits.")  # Python converts no more than 4,300


class ApiBlueprint(Blueprint):
    ARGUMENTS_PARSER = Parser()


class DescribedApi(Api):
    """flask-smorest for the description; errors stay in the hands of error_pages, as problem documents."""

    ERROR_SCHEMA = schemas.Problem
    DEFAULT_ERROR_RESPONSE_NAME = None  # every status is described by name, so that one that is not is found by the tests

    def _register_error_handlers(self) -> None:
        pass

    def _register_responses(self) -> None:
        for status in HTTPStatus:
            response: dict[str, Any] = {"description": status.phrase}
            if status >= 400:
                response["schema"] = self.ERROR_SCHEMA
            prepare_response(response, self.spec, "application/problem+json")
            self.spec.components.response(status.name, response, lazy=True)


bp = ApiBlueprint("api", __name__, url_prefix="/api/v1", description="Knowledge base, requests and page events")


def register(app: Flask) -> None:
    """The routes under /api/v1 and their description."""
    app.config.update(
        API_TITLE="Hylla",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "info": {"description": "Search, read and ask for help. Errors are problem documents (RFC 9457)."},
            # A caller without a token sees what a visitor sees, hence the empty alternative.
            "security": [{}, {"token": []}],
        },
    )
    api = DescribedApi(app)
    api.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer", "description": "Made with `flask kb token add`."})
    api.register_blueprint(bp)


def may_fail(*statuses: int) -> Callable[[View], View]:
    """Describe which problems a view may answer with, besides those that every view may."""

    def decorate(view: View) -> View:
        for status in sorted({400, 401, 403, 413, 429, 503, *statuses}):
            view = bp.alt_response(status, HTTPStatus(status).name)(view)
        return view

    return decorate


@bp.before_request
def limit_body() -> None:
    """Bodies of the API are small; a larger one is refused before it is read."""
    request.max_content_length = BODY_LIMIT


# --- reading ----------------------------------------------------------------------------------------------------------------


@bp.get("/search")
@limiter.limit(lambda: f"{context.portal().settings.searches_per_minute}/minute")
@may_fail(422)
@bp.arguments(schemas.SearchArguments, location="query")
@bp.response(200, schemas.SearchAnswer)
def search(arguments: dict[str, Any]) -> dict[str, Any]:
    """Search the articles that the caller may see."""
    _needs("read")
    viewer = _narrowed(context.viewer(), arguments["audience"])
    query = Query.from_text(
        arguments["q"],
        _locale(arguments["locale"]),
        viewer,
        limit=arguments["limit"],
        category=arguments["category"],
        type=arguments["type"],
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
        "results": [
            {
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
            for hit in results.hits
        ],
    }


@bp.get("/suggest")
@limiter.limit(lambda: f"{context.portal().settings.searches_per_minute * SUGGESTIONS_PER_SEARCH}/minute")
@may_fail(422)
@bp.arguments(schemas.SuggestArguments, location="query")
@bp.response(200, schemas.SuggestAnswer)
def suggest(arguments: dict[str, Any]) -> dict[str, Any]:
    """Articles and sections whose titles go with what was typed so far."""
    _needs("read")
    context.catalog()  # a process that has just started opens its index with its first catalog
    found = context.portal().engine.suggest(arguments["q"], _locale(arguments["locale"]), context.viewer(), arguments["limit"])
    kinds = {"article", "section"}
    return {"suggestions": [{"type": s.type, "title": s.title, "url": s.url} for s in found.items if s.type in kinds]}


@bp.get("/articles/<slug>")
@may_fail(404, 410, 422)
@bp.arguments(schemas.ArticleArguments, location="query")
@bp.response(200, schemas.ArticleAnswer)
@bp.alt_response(301, description="It has another address now.", success=True)
def article(arguments: dict[str, Any], slug: str) -> Any:
    """One article: what is known of it, and its text as HTML, Markdown and plain text."""
    _needs("read")
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
@may_fail(409, 422)
@bp.arguments(schemas.TicketArguments)
@bp.arguments(schemas.TicketHeaders, location="headers")
@bp.response(201, schemas.TicketAnswer)
def add_ticket(body: dict[str, str], headers: dict[str, str | None]) -> dict[str, Any]:
    """Send a request. With an `Idempotency-Key` it may be repeated after a lost answer without being sent twice."""
    _needs("tickets:write")
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
@may_fail(422)
@bp.response(204)
def add_events() -> None:
    """What happened on a page: a batch is taken as a whole or not at all."""
    context.portal().events.put(*sent_batch())


# --- what the views share ---------------------------------------------------------------------------------------------------


def _needs(scope: str) -> None:
    if not has_scope(scope):
        raise Forbidden(f"This token lacks the scope “{scope}”.")


def _locale(wanted: str) -> str:
    """The offered locale that was asked for or fits it best; without a wish, the best for the browser."""
    offered = context.portal().settings.locales
    return best_match([wanted], offered) if wanted else best_match([tag for tag, _quality in request.accept_languages], offered)


def _narrowed(viewer: Viewer, audience: str | None) -> Viewer:
    return viewer if audience is None else Viewer(viewer.audiences & AUDIENCES[audience].audiences)


def _flat(messages: Any) -> dict[str, str]:
    """webargs' messages (by place, then nested by field) as field → sentence; the place (`json`, `query`) says nothing to the caller."""
    found: dict[str, str] = {}
    for inner in messages.values() if isinstance(messages, Mapping) else [messages]:
        found |= _named(inner, "")
    return found


def _named(messages: Any, path: str) -> dict[str, str]:
    if isinstance(messages, Mapping):
        found: dict[str, str] = {}
        for name, inner in messages.items():
            found |= _named(inner, path if name == "_schema" else f"{path}.{name}".lstrip("."))
        return found
    return {path or "body": "; ".join(map(str, messages)) if isinstance(messages, list) else str(messages)}
