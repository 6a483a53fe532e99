"""The visitor of this request, as far as the operator's settings and the person's own wishes let us know one.

The cookie is set only by answers that are never cached: whoever asks for `actor()` records something, and such an answer is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

from flask import Flask, Response, g, request
from markupsafe import Markup

from app.accounts import STAFF_ROLES
from app.deflection import Actor
from app.web import context
from app.web.access import current_user, is_https

CONSENT = "hylla_consent"
"""`yes` or `no`, once the question has been answered."""
ASKING = frozenset({"help_center", "search_pages"})
"""The pages that ask. Those with a form do not: an answer there would take the reader away from what they were writing."""

FIRST_MOMENTS = 600
"""Seconds for which requests without the cookie are still taken for the beginning of one visit."""

_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_TAB = re.compile(r"[A-Za-z0-9._-]{1,64}")


def init(app: Flask) -> None:
    """Set or take back the cookie when an answer calls for it."""
    app.after_request(_write_cookie)
    app.jinja_env.globals.update(asks_consent=asks_consent, bound=bound)


def cookie_name() -> str:
    return "__Host-hylla_visitor" if is_https() else "hylla_visitor"


def actor(tab: str | None = None) -> Actor:
    """Who acts in this request: visitor cookie where it is allowed, tab as the page named it, account and role from the database."""
    user = current_user()
    role = "agent" if user and user.role in STAFF_ROLES else "customer"
    tab = clean_tab(tab if tab is not None else request.values.get("t"))
    ua = request.headers.get("User-Agent", "")[:300]
    if wants_no_link():
        return Actor(visitor=None, tab=tab, account=None, role=role, ua=ua)
    return Actor(visitor=_visitor(tab), tab=tab, account=user.id if user else None, role=role, ua=ua)


def clean_tab(tab: str | None) -> str | None:
    """A tab id as our pages make them; anything else is none."""
    return tab if tab and _TAB.fullmatch(tab) else None


def new_tab() -> str:
    """A tab id for a page whose script did not give one."""
    return "n-" + secrets.token_urlsafe(9)


def wants_no_link() -> bool:
    """Whether the browser asks not to be followed: then only the tab is known."""
    return request.headers.get("Sec-GPC") == "1" or request.headers.get("DNT") == "1"


def may_set_cookie() -> bool:
    """Whether settings, consent and the browser's wish allow a visitor cookie."""
    settings = context.portal().settings
    if settings.visitor_cookie == "off" or wants_no_link() or request.cookies.get(CONSENT) == "no":
        return False
    return not settings.visitor_consent or request.cookies.get(CONSENT) == "yes"


def bound() -> str:
    """An attribute that tells the script that the cookie holds this visit together: the tab need not stay in the address for a reload."""
    return Markup(" data-bound") if may_set_cookie() else Markup("")


def asks_consent() -> bool:
    """Whether this page asks. Cached pages are kept once with the question and once without (`page_cache.page_name`)."""
    settings = context.portal().settings
    if not settings.visitor_consent or settings.visitor_cookie == "off" or request.blueprint not in ASKING:
        return False
    return request.method == "GET" and request.cookies.get(CONSENT) not in {"yes", "no"} and not wants_no_link()


def _visitor(tab: str | None) -> str | None:
    if not may_set_cookie():
        return None
    if "visitor" not in g:
        known = request.cookies.get(cookie_name(), "")
        g.visitor = known if _ID.fullmatch(known) else _new_visitor(tab)
        g.sets_cookie = g.visitor != known
    return g.visitor  # type: ignore[no-any-return]


def _new_visitor(tab: str | None) -> str:
    """An id for somebody who has none. What one page sends at once, before an answer has brought the cookie, is one visitor, not several:
    for a few minutes a script's tab id gives the same id again, to the same browser at the same address."""
    if not tab or tab.startswith("n-"):
        return secrets.token_urlsafe(16)
    minutes = int(context.now().timestamp()) // FIRST_MOMENTS
    told = "\0".join((tab, request.remote_addr or "", request.headers.get("User-Agent", ""), str(minutes)))
    digest = hmac.new(context.portal().settings.secret_key.encode(), told.encode("utf-8", "replace"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def _write_cookie(response: Response) -> Response:
    if g.get("sets_cookie"):
        kind = context.portal().settings.visitor_cookie
        max_age = int(kind.removeprefix("days:")) * 86400 if kind.startswith("days:") else None
        response.set_cookie(cookie_name(), g.visitor, max_age=max_age, path="/", secure=is_https(), httponly=True, samesite="Lax")
        response.headers["Cache-Control"] = "no-store"
    elif cookie_name() in request.cookies and g.get("forgets_visitor"):
        response.delete_cookie(cookie_name(), path="/", secure=is_https(), httponly=True, samesite="Lax")
    return response


def forget() -> None:
    """Take the cookie back with this answer: the person said no."""
    g.forgets_visitor = True
