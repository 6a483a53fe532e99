"""What the current request can reach: the portal, the catalog, a database session, who is looking, in which locale, and when."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from datetime import UTC, date, datetime

from flask import current_app, g, request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from app.content import Catalog, Viewer
from app.errors import KnowledgeBaseError, Unavailable
from app.locales import best_match
from app.portal import Portal


def portal() -> Portal:
    """What this process has open."""
    return current_app.extensions["portal"]  # type: ignore[no-any-return]


def catalog() -> Catalog:
    """The published catalog; the same one for the whole request, even if a new revision arrives meanwhile."""
    if "catalog" not in g:
        g.catalog = portal().current.get()
    return g.catalog  # type: ignore[no-any-return]


def db() -> Session:
    """An ordinary database session for this request; committed when the request ends well."""
    if "db" not in g:
        g.db_stack = ExitStack()
        g.db = g.db_stack.enter_context(portal().database.session())
    return g.db  # type: ignore[no-any-return]


def abandon_db() -> None:
    """Roll back what this request has done: its database failed in the middle, and the error page may need a session that works."""
    stack: ExitStack | None = g.pop("db_stack", None)
    g.pop("db", None)
    if stack is not None:
        failed = Unavailable("abandoned")
        with suppress(Unavailable):
            stack.__exit__(Unavailable, failed, None)


def close_db(error: BaseException | None = None) -> None:
    """End the request's session: commit, or roll back after an error. Registered by the factory."""
    stack: ExitStack | None = g.pop("db_stack", None)
    g.pop("db", None)
    if stack is None:
        return
    if error is None:
        stack.close()
    else:
        stack.__exit__(type(error), error, error.__traceback__)


def note_sent(number: int) -> None:
    """What was sent is safe in this request: whatever breaks after this, its error page says so."""
    g.sent_number = number


def viewer() -> Viewer:
    """What the person of this request may see; the role is read from the database each time."""
    from app.web.access import current_user, viewer_of

    return viewer_of(current_user())


def now() -> datetime:
    """The time of this request (aware UTC), the same for all of it."""
    if "now" not in g:
        g.now = datetime.now(UTC)
    return g.now  # type: ignore[no-any-return]


def today() -> date:
    return now().date()


def locale() -> str:
    """The locale of this request: from the address, else from the page that signing in leads back to, else the one that the person's
    account asks for, else the best the browser asks for. A page asks thousands of times: it is looked for once."""
    asked = request._get_current_object()  # type: ignore[attr-defined]
    known: tuple[object, str] | None = g.get("locale")
    if known is None or known[0] is not asked:
        known = g.locale = (asked, _locale())
    return known[1]


def _locale() -> str:
    offered = portal().settings.locales
    wanted = (request.view_args or {}).get("locale")
    if wanted in offered:
        return str(wanted)
    first = request.path.split("/", 2)[1] if request.path.count("/") else ""
    if first in offered:
        return first
    back = _leads_back_to()
    if back in offered:
        return back
    saved = _of_the_account()
    if saved in offered:
        return saved
    return best_match([tag for tag, _quality in request.accept_languages], offered)


def _of_the_account() -> str:
    """The language that the signed-in person has chosen; empty for everybody else."""
    from app.web.access import current_user

    with suppress(KnowledgeBaseError, SQLAlchemyError):  # the page that says so needs a language too
        user = current_user()
        return user.locale if user else ""
    return ""


def _leads_back_to() -> str:
    """The first part of the address that a page of signing in returns to; empty on every other page."""
    if request.blueprint != "accounts":
        return ""
    with suppress(HTTPException):  # a form that cannot be read; the error page needs a locale all the same
        parts = request.values.get("next", "").split("/", 2)
        return parts[1] if len(parts) > 1 and not parts[0] else ""
    return ""
