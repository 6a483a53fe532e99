"""The answer to what is no request that can be read: written before the portal's own code has a request, headers included.

Gunicorn would send its own page, which lacks the headers every answer of ours carries, says 500 or 501 where the sender is to blame,
and repeats what was sent.
"""

from __future__ import annotations

import json
from http import HTTPStatus

from gunicorn import http

from app.web.security import HEADERS, policy

SENTENCES = {
    HTTPStatus.BAD_REQUEST: "What arrived is not a request that can be read. Nothing was done. Check the address and the headers.",
    HTTPStatus.REQUEST_TIMEOUT: "The rest of the request did not arrive in time. Nothing was done. Send it again.",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The address is too long. Shorten it and try again.",
    HTTPStatus.EXPECTATION_FAILED: "The only expectation that can be met is 100-continue. Leave the Expect header out.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The headers are too large. Delete this site's cookies in the browser and try again.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something broke on our side. Try again in a minute.",
}

STATUSES: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (http.errors.InvalidResponseHeader, HTTPStatus.INTERNAL_SERVER_ERROR),
    (http.errors.InvalidResponseHeaderName, HTTPStatus.INTERNAL_SERVER_ERROR),
    (http.errors.LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG),
    (http.errors.LimitRequestHeaders, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    (http.errors.ExpectationFailed, HTTPStatus.EXPECTATION_FAILED),
    (http.errors.ConfigurationProblem, HTTPStatus.BAD_REQUEST),
    (http.errors.ParseException, HTTPStatus.BAD_REQUEST),
)
"""Gunicorn's failures, the narrow ones first; whatever is not here is a fault of ours."""


def status_of(failure: BaseException) -> HTTPStatus:
    """Whose fault it was, as a status."""
    return next((status for kind, status in STATUSES if isinstance(failure, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def answer(status: HTTPStatus) -> bytes:
    """The whole answer: a problem document, which people can read too, and the end of the connection."""
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": SENTENCES[status],
        "errors": [],
    }
    body = json.dumps(problem).encode()
    headers = {
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy(),
        **HEADERS,
    }
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return head.encode() + b"\r\n" + body
