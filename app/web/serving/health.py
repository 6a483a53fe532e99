"""For machines that watch the portal: alive, ready, and figures."""

from __future__ import annotations

import hmac
import ipaddress
import os
import time
from collections.abc import Callable, Iterator

from flask import Blueprint, Flask, Response, abort, current_app, g, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.content import staleness
from app.errors import KnowledgeBaseError
from app.portal import Portal
from app.tickets import count_dead, count_pending
from app.web import context
from app.web.serving.draining import is_draining
from app.web.visitors.refused_readings import Refused

bp = Blueprint("health", __name__)

FORWARDING = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Host")

requests_total = Counter("hylla_requests_total", "Requests answered.", ["blueprint", "method", "status"])
request_seconds = Histogram("hylla_request_seconds", "Time to answer.", ["blueprint"], buckets=(0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5))


def register(app: Flask) -> None:
    """The routes, and the counting of every request."""
    app.register_blueprint(bp)
    app.before_request(_start_clock)
    app.after_request(_count)


@bp.get("/healthz")
def healthz() -> Response:
    """The process is alive; nothing is asked, so that a slow database does not get the portal killed."""
    return _plain("ok\n")


@bp.get("/readyz")
def readyz() -> Response:
    """Whether this process can serve readers now; if not, 503 with every reason."""
    reasons = not_ready(context.portal())
    response = jsonify({"ready": not reasons, "reasons": reasons, "warnings": warnings(context.portal())})
    response.status_code = 503 if reasons else 200
    response.headers["Cache-Control"] = "no-store"
    return response


def not_ready(portal: Portal) -> dict[str, str]:
    """What is missing, by part; empty when everything answers. It names kinds of failure, never addresses or paths."""
    if is_draining(portal.settings.path(portal.settings.data_folder)):
        return {"shutdown": "is ending; open requests are answered, new ones should go elsewhere"}
    checks: dict[str, Callable[[Portal], object]] = {"database": _database, "content": _content, "index": _index}
    reasons = {}
    for part, check in checks.items():
        try:
            check(portal)
        except (KnowledgeBaseError, SQLAlchemyError, OSError) as error:
            reasons[part] = f"does not answer: {error.__class__.__name__}"
    return reasons


def warnings(portal: Portal) -> dict[str, str]:
    """What is lost or late although readers are served."""
    found = {}
    if stale := staleness(portal.settings.path(portal.settings.data_folder)):
        found["content"] = f"may be older than its repository since {stale.since.isoformat(timespec='seconds')}; /writer/ says why"
    if portal.events.dropped:
        found["events"] = f"{portal.events.dropped} could not be written"
    if Refused.count:
        found["readings"] = f"{Refused.count} reports were refused; see HYLLA_READINGS_PER_MINUTE"
    return found


def _database(portal: Portal) -> None:
    with portal.database.session() as db:
        db.execute(text("SELECT 1"))


def _content(portal: Portal) -> None:
    portal.current.get()


def _index(portal: Portal) -> None:
    portal.engine.check()


# --- figures ----------------------------------------------------------------------------------------------------------------


@bp.get("/metrics")
def metrics() -> Response:
    """Figures for Prometheus: to this machine, or to whoever shows the token."""
    if not (_has_token() or _is_local()):
        abort(403, "Figures are for this machine, or for whoever shows the token.")
    registry: CollectorRegistry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    body = generate_latest(registry) + generate_latest(_portal_registry(context.portal()))
    response = Response(body, content_type=CONTENT_TYPE_LATEST)
    response.headers["Cache-Control"] = "no-store"
    return response


def _has_token() -> bool:
    wanted = context.portal().settings.metrics_token
    header = request.headers.get("Authorization", "")
    return bool(wanted) and hmac.compare_digest(header.encode(), f"Bearer {wanted}".encode())


def _is_local() -> bool:
    """Whether the request comes from this machine itself: from loopback, and through no proxy that we were not told of."""
    if not context.portal().settings.trusted_proxies and any(name in request.headers for name in FORWARDING):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


class _PortalFigures:
    """What is counted elsewhere and only read here."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal

    def collect(self) -> Iterator[Metric]:
        events = self.portal.events
        yield GaugeMetricFamily("hylla_events_written", "Events this process wrote.", value=events.written)
        yield GaugeMetricFamily("hylla_events_dropped", "Events this process had to drop.", value=events.dropped)
        try:
            with self.portal.database.session() as db:
                pending, dead = count_pending(db), count_dead(db)
        except (KnowledgeBaseError, SQLAlchemyError):
            yield GaugeMetricFamily("hylla_database_up", "Whether the database answers.", value=0)
            return
        yield GaugeMetricFamily("hylla_database_up", "Whether the database answers.", value=1)
        yield GaugeMetricFamily("hylla_outbox_pending", "Deliveries that have yet to be made.", value=pending)
        yield GaugeMetricFamily("hylla_outbox_dead", "Deliveries that were given up.", value=dead)


def _portal_registry(portal: Portal) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_PortalFigures(portal))  # type: ignore[arg-type]
    return registry


def _start_clock() -> None:
    g.started = time.perf_counter()


def _count(response: Response) -> Response:
    blueprint = request.blueprint or "none"
    # A method that a stranger made up must not become a time series of its own.
    method = request.method if request.method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"
    requests_total.labels(blueprint, method, str(response.status_code)).inc()
    if "started" in g:
        request_seconds.labels(blueprint).observe(time.perf_counter() - g.started)
    return response


def _plain(body: str) -> Response:
    response = current_app.response_class(body, mimetype="text/plain")
    response.headers["Cache-Control"] = "no-store"
    return response
