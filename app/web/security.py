"""What every answer carries and every request must pass: headers, trusted hosts, origin of forms, CSRF tokens, rate limits.

Pages for anonymous readers are cached and the same for everybody, so their forms carry no token: what protects them is the
check of Origin and Sec-Fetch-Site, which every state-changing request must pass. Signed-in people's forms carry a token too.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from flask import Flask, Response, abort, current_app, g, request
from flask_limiter import Limiter, RateLimitExceeded
from flask_wtf.csrf import CSRFProtect, generate_csrf
from markupsafe import Markup
from prometheus_client import Counter
from sqlalchemy.orm import Session

from app.accounts import Limit, TooMany, admit
from app.config import Settings
from app.errors import Forbidden
from app.web import context, error_pages

log = structlog.get_logger()

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
STAFF_BLUEPRINTS = frozenset({"agent", "writer", "reports", "admin"})
"""Their charts place marks with style attributes."""

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "report-uri": "/csp-report",
    "report-to": "csp",
}

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The no-script pixel learns from the Referer which article was read; other sites learn nothing.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=(), interest-cohort=()",
    "Reporting-Endpoints": 'csp="/csp-report"',
}
HSTS = "max-age=31536000"
REPORT_LIMIT = 16 * 1024
FORM_LIMIT = 1024 * 1024
"""Most bytes of a body without files. Werkzeug takes such a form apart in one piece: 50 MB would cost seconds and gigabytes."""

csrf = CSRFProtect()
csp_reports = Counter("hylla_csp_reports_total", "Reports of blocked content that browsers sent.", ["directive"])
refused_origins = Counter("hylla_refused_origins_total", "State-changing requests from other sites that were refused.")


def limit_key() -> str:
    """Whom a limit counts: the account of a signed-in person, else the address that the trusted proxies report."""
    from app.web.access import current_user

    user = current_user()
    return f"account:{user.id}" if user else f"address:{network_of(request.remote_addr or '')}"


limiter = Limiter(key_func=limit_key, storage_uri="memory://", headers_enabled=False)


@limiter.request_filter
def is_on_this_machine() -> bool:
    """Whether a visitor comes from the machine itself, whom the limits on searching and writing leave alone.

    Behind a proxy that the settings do not name everybody seems to come from here, and would share one limit. Sign-in is counted always.
    """
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return False
    return address.is_loopback


def admit_request(db: Session, settings: Settings, now: datetime) -> None:
    """Count a request that a visitor writes, by form and API together; raises `TooMany`. On the session that stores it."""
    if not is_on_this_machine():
        admit(db, "contact", [limit_key()], Limit(settings.requests_per_hour, timedelta(hours=1)), now)


def init(app: Flask) -> None:
    """Put the guards in front of every view and the headers on every answer."""
    settings = app.extensions["portal"].settings
    secure = settings.base_url.startswith("https://")
    app.config.update(
        TRUSTED_HOSTS=trusted_hosts(settings.base_url),
        SESSION_COOKIE_NAME="hylla_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,  # a form may stay open over lunch; its token ends with the sign-in
        WTF_CSRF_SSL_STRICT=False,  # the origin is checked below, for every form
    )
    csrf.init_app(app)
    limiter.init_app(app)
    app.jinja_env.globals.update(csrf_field=csrf_field, csrf_token=csrf_token)
    # flask-wtf puts its own `csrf_token` into every page's context; ours gives none to pages that may be cached.
    app.context_processor(lambda: {"csrf_token": csrf_token})
    app.register_error_handler(TooMany, lambda error: too_many(error.retry_after))
    app.register_error_handler(RateLimitExceeded, _limit_exceeded)
    app.before_request(limit_body)
    app.before_request(check_origin)
    app.before_request(check_token)
    app.after_request(add_headers)
    app.add_url_rule("/csp-report", "csp_report", csp_report, methods=["POST"])


def limit_body() -> None:
    """Only a form with files may be large; a view that takes other large bodies sets its own limit."""
    if request.mimetype != "multipart/form-data":
        request.max_content_length = FORM_LIMIT


def too_many(retry_after: int) -> Response:
    """The answer to whoever tried too often: how long to wait, in words and in the header."""
    detail = f"Too many tries. Wait {retry_after} seconds."
    return error_pages.answer(429, detail, {"Retry-After": str(retry_after)}, retry_after=retry_after)


def _limit_exceeded(_error: RateLimitExceeded) -> Response:
    current = limiter.current_limit
    return too_many(max(1, math.ceil(current.reset_at - time.time())) if current else 60)


def trusted_hosts(base_url: str) -> list[str]:
    """Names under which the portal may be addressed: its own, and the machine's own for probes and development."""
    return sorted({urlsplit(base_url).hostname or "", "localhost", "127.0.0.1", "[::1]"} - {""})


# --- where a form was sent from ---------------------------------------------------------------------------------------------


class SentFromElsewhere(Forbidden):
    """A page of another site sent this in the name of whoever looks at it."""

    is_foreign = True


def check_origin() -> None:
    """Refuse a state-changing request that a browser sends on behalf of another site."""
    if request.method in SAFE_METHODS or request.endpoint == "csp_report":
        return
    if not is_own_origin(request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site"), request.headers.get("Referer"), _origins()):
        refused_origins.inc()
        raise SentFromElsewhere("This was sent from another site, so nothing was done. Open the page here and send it again.")


def is_own_origin(origin: str | None, fetch_site: str | None, referer: str | None, own: set[str]) -> bool:
    """Whether the request comes from a page of ours, or from no page at all (a program, which has nobody's cookies)."""
    if origin is not None:
        return origin in own
    if fetch_site is not None:
        return fetch_site in {"same-origin", "none"}
    if referer:
        parts = urlsplit(referer)
        return f"{parts.scheme}://{parts.netloc}" in own
    return True


def _origins() -> set[str]:
    base = urlsplit(context.portal().settings.base_url)
    return {f"{base.scheme}://{base.netloc}", request.host_url.rstrip("/")}


def check_token() -> None:
    """Ask for the CSRF token when a signed-in person changes something; views on cached pages are exempt (`csrf.exempt`)."""
    if request.method in SAFE_METHODS or not request.endpoint or not current_app.config["WTF_CSRF_ENABLED"]:
        return
    from app.web.access import current_user, is_program

    if current_user() is not None and not is_program():
        csrf.protect(apply_exemptions=True)


def csrf_token() -> str:
    """The token for a signed-in person's form; empty for everybody else, so that no cookie is set on a page that is cached."""
    from app.web.access import current_user

    return generate_csrf() if current_user() is not None else ""


def csrf_field() -> Markup:
    """The hidden field with the token, or nothing: put it into every form."""
    token = csrf_token()
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(token) if token else Markup("")


# --- where a reader may be sent ---------------------------------------------------------------------------------------------


def safe_next(url: str | None, default: str = "/") -> str:
    """The address if it is a path of our own, else the default: nobody is sent to another site by a link that looks like ours."""
    if not url or len(url) > 2000 or not url.startswith("/"):
        return default
    if any(c <= " " or c == "\x7f" for c in url):
        return default
    # Decoded as often as a careless proxy might; browsers read a backslash as a slash and drop tabs and line breaks.
    path = re.split(r"[?#]", url, maxsplit=1)[0]
    for _ in range(4):
        if "//" in path or "\\" in path or any(c <= " " or c == "\x7f" for c in path):
            return default  # two slashes anywhere: a proxy that takes `/.` and `/x/..` away would bring them to the front
        path = unquote(path)
    return url


# --- what every answer carries ----------------------------------------------------------------------------------------------


def add_headers(response: Response) -> Response:
    """Security headers; and no shared cache keeps what was made for one person."""
    from app.web.access import is_personal

    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", policy(request.blueprint in STAFF_BLUEPRINTS))
    if context.portal().settings.base_url.startswith("https://"):
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    if is_personal() or g.get("sets_cookie") or "Set-Cookie" in response.headers:
        response.headers["Cache-Control"] = "no-store"
        response.headers.pop("ETag", None)
        response.vary.add("Cookie")
    return response


def policy(staff: bool = False) -> str:
    """The content security policy: everything from here, nothing inline; staff pages may use style attributes."""
    rules = POLICY | ({"style-src-attr": "'unsafe-inline'"} if staff else {})
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def csp_report() -> tuple[str, int]:
    """Count and log what a browser blocked; a report is never believed further than that."""
    if (request.content_length or 0) > REPORT_LIMIT:
        abort(413)
    for directive, blocked, page in _reports(request.get_data(cache=False)[:REPORT_LIMIT]):
        csp_reports.labels(directive if directive in POLICY else "other").inc()
        log.warning("csp report", directive=directive[:60], blocked=blocked[:200], page=page[:200])
    return "", 204


def _reports(data: bytes) -> list[tuple[str, str, str]]:
    """(directive, what was blocked, page) of a report in the old or the new form; anything else is none."""
    try:
        body: Any = json.loads(data)
    except (ValueError, RecursionError):
        return []
    found = []
    for item in body[:20] if isinstance(body, list) else [body]:
        report = item.get("csp-report", item.get("body")) if isinstance(item, dict) else None
        if isinstance(report, dict):
            directive = report.get("effective-directive") or report.get("effectiveDirective") or report.get("violated-directive") or ""
            blocked = report.get("blocked-uri") or report.get("blockedURL") or ""
            page = report.get("document-uri") or report.get("documentURL") or ""
            found.append((_line(directive).split(" ")[0].removesuffix("-elem"), _line(blocked), _line(page)))
    return found


def _line(value: object) -> str:
    return "".join(c for c in str(value)[:500] if c.isprintable())


def network_of(address: str) -> str:
    """What counts as one visitor: an IPv4 address, or the /64 that one IPv6 customer has to himself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
