"""Tickets that another helpdesk tells us of as they come: a signed endpoint, so that what was not written here counts too."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue

from app.deflection import import_tickets
from app.errors import Forbidden, Invalid
from app.web import context
from app.web.security import csrf

bp = Blueprint("ticket_feed", __name__)

MOST_BYTES = 4 * 1024 * 1024


@bp.post("/api/v1/tickets/feed")
@csrf.exempt  # sent by a program that signs every message; cookies count for nothing here
def feed() -> ResponseReturnValue:
    """JSON Lines (or CSV, by content type), one ticket a line, signed with HMAC-SHA-256 over the raw bytes. Sending twice changes nothing.

    `complete_to` in the query (milliseconds) says up to when the feed is complete, so that outcomes can become final.
    """
    secret = context.portal().settings.ticket_feed_secret
    if not secret:
        abort(404)
    request.max_content_length = MOST_BYTES
    body = request.get_data()
    if not is_signed(body, request.headers.get("X-Hylla-Signature", ""), secret):
        raise Forbidden("The signature does not fit this message; it is sha256=HMAC(secret, body) in hexadecimal, in X-Hylla-Signature.")
    portal, now = context.portal(), context.now()
    report = import_tickets(
        portal.database, body.splitlines(), now, portal.settings.secret_key,
        source=request.args.get("source", "feed")[:40], csv=request.mimetype == "text/csv", complete_to=_complete_to(now),
    )  # fmt: skip
    return jsonify({"lines": report.lines, "new": report.new}), 202


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Whether `signature` is `sha256=` and the HMAC of these very bytes; compared in constant time."""
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))


def _complete_to(now: datetime) -> datetime | None:
    given = request.args.get("complete_to", "")
    if not given:
        return None
    if not given.isdigit() or int(given) > now.timestamp() * 1000:
        raise Invalid(
            "complete_to is a time in milliseconds that is not in the future.", {"complete_to": "is no past time in milliseconds"}
        )
    return datetime.fromtimestamp(int(given) / 1000, UTC)
