"""Who is asking: Flask-Login over the session table for people, bearer tokens for programs, and `@requires(...)` for views."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlencode

import flask_login
from flask import Flask, Request, Response, current_app, g, redirect, request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session as Db

from app.accounts import STAFF_ROLES, ApiToken, Role, Session, User, session_of_token, touch_session, touch_token, user_of_token
from app.content import CUSTOMER, STAFF, VISITOR, Viewer
from app.errors import Forbidden, KnowledgeBaseError
from app.web import context, error_pages

COOKIE = "hylla_session"
SEEN_EVERY = timedelta(minutes=15)
"""How exact 'last used' is; every request would be a write."""

P = ParamSpec("P")
R = TypeVar("R")

login_manager = flask_login.LoginManager()


class SignInNeeded(Forbidden):
    """Nobody is signed in, and the page is for somebody."""


class InvalidToken(KnowledgeBaseError):
    """The bearer token is wrong, ended, or its account is disabled."""


class Person(flask_login.UserMixin):
    """A user as Flask-Login wants to see one; the plain value stays free of Flask."""

    def __init__(self, user: User, session: Session) -> None:
        self.user = user
        self.session = session


def init(app: Flask) -> None:
    """Let Flask-Login ask the session table.

    Its own `init_app` is left out: it would read Flask's session after every request for the sake of a remember-me cookie that we
    do not have, and so put `Vary: Cookie` on every page, style sheet and picture.
    """
    login_manager.session_protection = None
    login_manager.request_loader(_load)
    app.login_manager = login_manager  # type: ignore[attr-defined]
    app.register_error_handler(SignInNeeded, _sign_in_needed)
    app.register_error_handler(InvalidToken, _invalid_token)
    app.jinja_env.globals["current_user"] = current_user
    app.context_processor(lambda: {"current_user": current_user()})


def _sign_in_needed(error: SignInNeeded) -> Response:
    if request.path.startswith("/api/"):
        return error_pages.answer(401, str(error), {"WWW-Authenticate": "Bearer"})
    return error_pages.answer(403, str(error), error=error)


def _invalid_token(error: InvalidToken) -> Response:
    return error_pages.answer(401, str(error), {"WWW-Authenticate": 'Bearer error="invalid_token"'})


def cookie_name() -> str:
    """`__Host-` binds the cookie to this very host, which browsers honour over https only."""
    return f"__Host-{COOKIE}" if is_https() else COOKIE


def is_https() -> bool:
    return context.portal().settings.base_url.startswith("https://")


def session_token() -> str:
    """The secret in the cookie of this request, or empty."""
    return request.cookies.get(cookie_name(), "")[:200]


def _load(_request: Request) -> Person | None:
    idle = timedelta(minutes=context.portal().settings.staff_idle_minutes)
    found = session_of_token(context.db(), session_token(), context.now(), idle)
    if found is None:
        return None
    user, session = found
    _note_use(session.last_seen_at, touch_session, session.id)
    return Person(user, session)


def _note_use(last: datetime | None, touch: Callable[[Db, str, datetime], None], thing: str) -> None:
    if last is not None and context.now() - last < SEEN_EVERY:
        return
    try:
        with context.portal().database.aside_session() as db:
            touch(db, thing, context.now())
    except (SQLAlchemyError, KnowledgeBaseError) as error:
        # A database that cannot be written still lets people and programs read.
        current_app.logger.warning("last use was not noted: %s", error.__class__.__name__)


def current_user() -> User | None:
    """Who is asking, with the role of this moment; None for a visitor."""
    token = _bearer()
    if token is not None:
        return token[0]
    person = _person()
    return person.user if person else None


def current_session() -> Session | None:
    """The sign-in session of this request, for people; programs have none."""
    person = _person()
    return person.session if person else None


def _person() -> Person | None:
    # Without our cookie there is nobody to load, and Flask-Login would read (and so vary by) Flask's session.
    if not session_token():
        return None
    person: Any = flask_login.current_user._get_current_object()
    return person if isinstance(person, Person) else None


def is_program() -> bool:
    """Whether this request shows a valid bearer token instead of a cookie."""
    return _bearer() is not None


def has_scope(scope: str) -> bool:
    """Whether a program may do this; people in a browser are not limited by scopes."""
    token = _bearer()
    return token is None or scope in token[1].scopes


def _bearer() -> tuple[User, ApiToken] | None:
    """The account and token of `Authorization: Bearer …` on the API; a wrong one is an error, never a visitor."""
    if "bearer" not in g:
        g.bearer = _load_bearer()
    return g.bearer  # type: ignore[no-any-return]


def _load_bearer() -> tuple[User, ApiToken] | None:
    header = request.headers.get("Authorization", "")
    if not request.path.startswith("/api/") or not header.lower().startswith("bearer "):
        return None
    found = user_of_token(context.db(), header[7:].strip()[:200])
    if found is None:
        raise InvalidToken("This token is wrong or was ended. Make one with `flask kb token add`.")
    _note_use(found[1].last_used_at, touch_token, found[1].id)
    return found


def viewer_of(user: User | None) -> Viewer:
    """What this person may see of the articles."""
    if user is None:
        return VISITOR
    return STAFF if user.role in STAFF_ROLES else CUSTOMER


def is_personal() -> bool:
    """Whether this answer was made for one person: it was asked with a sign-in cookie or a token, whatever came of it."""
    return bool(session_token() or (request.path.startswith("/api/") and request.headers.get("Authorization")))


def requires(*roles: Role) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """Let only these roles into a view (an admin always); without roles, whoever is signed in.

    A visitor who opens a page is sent to sign in and comes back to it; everybody else is told that they may not.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            user = current_user()
            if user is None:
                if request.method in {"GET", "HEAD"} and not request.path.startswith("/api/"):
                    return redirect("/sign-in?" + urlencode({"next": request.full_path.rstrip("?")}), 302)  # type: ignore[return-value]
                raise SignInNeeded("You need to sign in to see this.")
            if roles and user.role is not Role.ADMIN and user.role not in roles:
                raise Forbidden("This page is for staff." if user.role is Role.CUSTOMER else "Your role may not do this.")
            return view(*args, **kwargs)

        return guarded

    return decorate
