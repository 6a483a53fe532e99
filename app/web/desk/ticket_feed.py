"""Tickets that another helpdesk tells us of as they come: a signed endpoint, so that what was not written here counts too."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime

from flask import abort, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.deflection import FUTURE_TOLERANCE, import_tickets, milliseconds
from app.errors import Forbidden, Invalid
from app.web import context
from app.web.api import api_schemas as schemas
from app.web.api.api_description import ApiBlueprint
from app.web.security import csrf

bp = ApiBlueprint("ticket_feed", __name__, url_prefix="/api/v1/tickets", description="Tickets that another helpdesk tells of")

_MILLISECONDS = re.compile("[0-9]{1,15}")
MOST_BYTES = 4 * 1024 * 1024


@bp.post("/feed")
@csrf.exempt  # sent by a program that signs every message; cookies count for nothing here
@bp.doc(
    # By hand, because nothing of a message is looked at before its signature.
    parameters=[
        {"in": "header", "name": "X-Hylla-Signature", "required": True, "schema": {"type": "string"}},
        {"in": "query", "name": "source", "schema": {"type": "string"}},
        {"in": "query", "name": "complete_to", "schema": {"type": "string", "pattern": "^[0-9]*$"}},
    ],
    requestBody={
        "required": True,
        "content": {"application/x-ndjson": {"schema": {"type": "string"}}, "text/csv": {"schema": {"type": "string"}}},
    },
)
@bp.may_fail(404, 422)
@bp.response(202, schemas.FeedAnswer)
def feed() -> dict[str, int]:
    """JSON Lines (or CSV, by content type), one ticket a line, signed with HMAC-SHA-256 over the raw bytes. Sending twice changes nothing.

    `complete_to` in the query (milliseconds) says up to when the tickets of `source` are complete, so that outcomes can become final; an
    earlier one than was said before changes nothing. Where there is a query, the signature is over the query, a line feed and the body.
    """
    secret = context.portal().settings.ticket_feed_secret
    if not secret:
        abort(404)
    body = _body()
    if not is_signed(_signed(request.query_string, body), request.headers.get("X-Hylla-Signature", ""), secret):
        raise Forbidden(
            "The signature does not fit this message. X-Hylla-Signature is sha256= and the HMAC-SHA-256, in hexadecimal, of the body under the"
            " secret in HYLLA_TICKET_FEED_SECRET; where the address has a query, of the query, a line feed and the body."
        )
    portal, now = context.portal(), context.now()
    report = import_tickets(
        portal.database, body.splitlines(), now, portal.settings.secret_key,
        source=request.args.get("source", "feed")[:40], csv=request.mimetype == "text/csv", complete_to=_complete_to(now),
    )  # fmt: skip
    return {"lines": report.lines, "new": report.new}


def _body() -> bytes:
    request.max_content_length = MOST_BYTES
    try:
        return request.get_data()
    except RequestEntityTooLarge:
        raise RequestEntityTooLarge(f"A message holds at most {MOST_BYTES // 1024**2} MiB; send fewer tickets at a time.") from None


def _signed(query: bytes, body: bytes) -> bytes:
    """What the signature is over: were the query not in it, whoever heard one message could say that the feed is complete up to now."""
    return query + b"\n" + body if query else body


def is_signed(message: bytes, signature: str, secret: str) -> bool:
    """Whether `signature` is `sha256=` and the HMAC of these very bytes; compared in constant time."""
    expected = "sha256=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))


def _complete_to(now: datetime) -> datetime | None:
    given = request.args.get("complete_to", "")
    if not given:
        return None
    if not _MILLISECONDS.fullmatch(given):
        raise Invalid(f"complete_to “{given[:40]}” is no time in milliseconds since 1970.", {"complete_to": "is no time in milliseconds"})
    if int(given) > milliseconds(now) + FUTURE_TOLERANCE:
        raise Invalid(
            f"complete_to “{given}” lies in the future, up to which no feed can be complete; is one of the two clocks wrong?",
            {"complete_to": "is in the future"},
        )
    return datetime.fromtimestamp(int(given) / 1000, UTC)
