"""Errors become answers, once: a page for people, problem+json for programs. A visitor never sees a traceback."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from http import HTTPStatus

import structlog
from flask import Flask, Response, current_app, g, jsonify, render_template, request
from jinja2 import TemplateNotFound
from werkzeug.exceptions import HTTPException, SecurityError

from app.errors import Conflict, Forbidden, Invalid, KnowledgeBaseError, NotFound, Unavailable
from app.locales import direction
from app.web.context import abandon_db, close_db
from app.web.i18n import current_locale
from app.web.i18n import gettext as _

log = structlog.get_logger()

SENDING = {"contact.send": "request", "contact.check": "request", "contact.add": "request", "requests.reply": "reply"}
"""Views that send what a customer wrote, and what that is."""

FOREIGN_NAME = "This server does not answer to the host name of the request. Use the portal's own address (HYLLA_BASE_URL)."
"""Said without the name, which a stranger chose."""

STATUS: tuple[tuple[type[KnowledgeBaseError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (Forbidden, 403),
    (Unavailable, 503),
    (Invalid, 422),
)


def init(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(KnowledgeBaseError, _known)
    app.register_error_handler(HTTPException, from_http)
    app.register_error_handler(Exception, _unforeseen)
    app.after_request(_commit)
    app.jinja_env.globals["what_became_of_it"] = what_became_of_it


def _commit(response: Response) -> Response:
    """End the request's session before the answer leaves: what could not be written must not look as if it had been."""
    try:
        close_db()
    except Unavailable as error:
        return _known(error)
    return response


def wants_json() -> bool:
    """Programs get JSON: the API, and whoever asks for it."""
    return request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json"


def answer(
    status: int, detail: str, headers: dict[str, str] | None = None, errors: dict[str, str] | None = None, **context: object
) -> Response:
    """The page or the problem document for one status."""
    return _answer(status, detail, headers, errors, lambda: _page(status, detail, context))


def bare(status: int, template: str, detail: str, headers: dict[str, str], **context: object) -> Response:
    """The same with a page that needs neither frame nor database."""
    return _answer(status, detail, headers, None, lambda: _bare(template, context))


def _answer(status: int, detail: str, headers: dict[str, str] | None, errors: dict[str, str] | None, page: Callable[[], str]) -> Response:
    if wants_json():
        body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
        body["errors"] = [{"field": k, "message": v} for k, v in (errors or {}).items()]  # type: ignore[assignment]
        response = jsonify(body)
        response.content_type = "application/problem+json"
    else:
        response = Response(page(), mimetype="text/html")
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def _page(status: int, detail: str, context: dict[str, object]) -> str:
    """The page for a status; one without frame, database or catalog when these are what broke."""
    names = () if status == 500 else (f"errors/{status}.html", "errors/error.html")
    for name in names:
        try:
            return render_template(name, status=status, detail=detail, **context)
        except TemplateNotFound:
            continue
        except KnowledgeBaseError as error:
            log.error("an error page fell back to the bare one", reason=str(error), status=status)
            break
    return _bare("errors/500.html", context)


def _bare(template: str, context: dict[str, object]) -> str:
    # Without the context processors, which ask the database who is there.
    locale = current_locale()
    return current_app.jinja_env.get_template(template).render(locale=locale, direction=direction(locale), **context)


def what_became_of_it() -> str:
    """Of what was sent with the request that failed: whether it is safe with us. Empty when nothing was sent."""
    if request.method != "POST":
        return ""
    what, number = SENDING.get(request.endpoint or "", ""), g.get("sent_number")
    if what == "request":
        return _("Your request was sent. Its number is %(number)s.", number=number) if number else _("Your request was not sent.")
    if what == "reply":
        return _("Your reply was sent.") if number else _("Your reply was not sent.")
    return _("What you sent may not have arrived.")


def _known(error: KnowledgeBaseError) -> Response:
    status = next(code for kind, code in STATUS if isinstance(error, kind))
    if status < 500:
        return answer(status, str(error), None, getattr(error, "errors", None), error=error)
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, Unavailable) else {}
    reference = secrets.token_hex(4)
    abandon_db()
    log.error("unavailable", reference=reference, reason=str(error), cause=getattr(error, "reason", ""), path=request.path)
    return answer(status, str(error), headers, error=error, ref=reference)


def from_http(error: HTTPException) -> Response:
    """The answer to an error of HTTP itself."""
    if error.response is not None and error.response.status_code < 400:
        return error.response  # type: ignore[return-value]  # a redirect raised by the router
    code = error.code or 500
    if code < 400:
        return error.get_response()  # type: ignore[return-value]
    headers = {k: v for k, v in error.get_headers() if k.lower() in {"retry-after", "allow", "www-authenticate"}}
    detail = FOREIGN_NAME if isinstance(error, SecurityError) else error.description or ""
    return answer(code, detail, headers, error=error)


def _unforeseen(error: Exception) -> Response:
    # Whatever was not foreseen is logged with a reference; the visitor gets the reference, never the cause.
    reference = secrets.token_hex(4)
    log.exception("unforeseen", reference=reference, path=request.path)
    abandon_db()
    return answer(500, "", ref=reference)
