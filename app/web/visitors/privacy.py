"""What is known of a visitor, stated from the settings in force, and the visitor's own choice about the cookie."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request

from app.web.access import is_https
from app.web.contact.trial import share_without_answers
from app.web.context import portal
from app.web.security import safe_next
from app.web.visitors import visitors

bp = Blueprint("privacy", __name__)

YEAR = 365 * 86400


@bp.get("/<locale>/privacy")
def statement(locale: str) -> Response:
    """The statement; personal, because it names this visitor's own choice."""
    settings = portal().settings
    cookie = settings.visitor_cookie
    response = make_response(
        render_template(
            "privacy/statement.html",
            settings=settings,
            cookie_days=int(cookie.removeprefix("days:")) if cookie.startswith("days:") else None,
            choice=_choice(),
            asked_not_to_follow=visitors.wants_no_link(),
            without_answers=share_without_answers(),
        )
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/<locale>/privacy")
def choose(locale: str) -> Response:
    """Remember yes or no to the visitor cookie; no takes the cookie back at once."""
    answer = "yes" if request.form.get("cookie") == "yes" else "no"
    response = make_response(redirect(_back(f"/{locale}/privacy"), 303))
    response.set_cookie(visitors.CONSENT, answer, max_age=YEAR, path="/", secure=is_https(), samesite="Lax")
    if answer == "no":
        visitors.forget()
    return response


def _back(statement: str) -> str:
    """To the page that asked, when it was not this one."""
    if not request.form.get("back"):
        return statement
    came_from = urlsplit(request.headers.get("Referer", ""))
    return safe_next(came_from.path + (f"?{came_from.query}" if came_from.query else ""), statement)


def _choice() -> str:
    """`yes`, `no`, or empty when the person has not chosen."""
    answer = request.cookies.get(visitors.CONSENT, "")
    return answer if answer in {"yes", "no"} else ""
