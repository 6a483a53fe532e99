"""Errors become answers, once: a page for people, problem+json for programs. A visitor never sees a traceback."""

from __future__ import annotations

import secrets
from http import HTTPStatus

import structlog
from flask import Flask, Response, current_app, jsonify, render_template, request
from jinja2 import TemplateNotFound
from werkzeug.exceptions import HTTPException, SecurityError

from app.errors import Conflict, Forbidden, Invalid, KnowledgeBaseError, NotFound, Unavailable
from app.web.context import abandon_db, close_db

log = structlog.get_logger()

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
    if wants_json():
        body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
        body["errors"] = [{"field": k, "message": v} for k, v in (errors or {}).items()]  # type: ignore[assignment]
        response = jsonify(body)
        response.content_type = "application/problem+json"
    else:
        response = Response(_page(status, detail, context), mimetype="text/html")
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
    return current_app.jinja_env.get_template("errors/500.html").render(status=status, request=request, **context)


def _known(error: KnowledgeBaseError) -> Response:
    status = next(code for kind, code in STATUS if isinstance(error, kind))
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, Unavailable) else {}
    if status >= 500:
        abandon_db()
        log.error("unavailable", reason=str(error), cause=getattr(error, "reason", ""), path=request.path)
    return answer(status, str(error), headers, getattr(error, "errors", None), error=error)


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
