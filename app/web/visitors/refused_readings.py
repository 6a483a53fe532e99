"""The limit on what pages report about reading. Nobody sees when a report is refused, so it is counted where operators look."""

from __future__ import annotations

import time

import structlog
from flask import Response
from flask_limiter import RequestLimit
from prometheus_client import Counter

from app.web import context

LOG_EVERY = 60.0

refused_total = Counter("hylla_readings_refused_total", "Reports of reading that were refused because one address sent too many.")
log = structlog.get_logger()


class Refused:
    """How many this process has refused since it started."""

    count = 0
    logged_at = float("-inf")


def rate() -> str:
    """The limit, as one address may use it."""
    return f"{context.portal().settings.readings_per_minute} per minute"


def note(_limit: RequestLimit) -> Response | None:
    """Called for every report that is refused; the answer stays the usual one."""
    refused_total.inc()
    Refused.count += 1
    if time.monotonic() - Refused.logged_at >= LOG_EVERY:
        Refused.logged_at = time.monotonic()
        log.warning("readings refused: more people behind one address than HYLLA_READINGS_PER_MINUTE allows for", count=Refused.count)
    return None
