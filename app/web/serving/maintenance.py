"""Planned maintenance: until the time that the operator set, every page says when we are back and how to call us meanwhile.

Nothing is asked for that may be taken apart just then: no database, and the phone only where the content answers.
"""

from __future__ import annotations

from datetime import UTC

from flask import Flask, Response, request

from app.web import context, error_pages
from app.web.contact.promises import moment_words
from app.web.frame import phones
from app.web.i18n import gettext as _

STILL_SERVED = {"assets", "health"}
"""What the page itself needs, and what watches the portal."""


def init(app: Flask) -> None:
    """Answer before any view does."""
    app.before_request(_closed)


def _closed() -> Response | None:
    ends, now = context.portal().settings.maintenance_ends, context.now()
    if ends is None or now >= ends or request.blueprint in STILL_SERVED:
        return None
    headers = {"Retry-After": str(max(1, round((ends - now).total_seconds())))}
    texts = (
        _("Planned maintenance until %(time)s"),
        _("Planned maintenance until %(time)s tomorrow"),
        _("Planned maintenance until %(time)s on %(day)s"),
    )
    detail = f"Planned maintenance until {ends.astimezone(UTC):%Y-%m-%dT%H:%MZ}."
    return error_pages.bare(503, "errors/maintenance.html", detail, headers, until=moment_words(ends, now, texts), phones=phones())
