"""The outbox: what has to leave the house is a row, written with what caused it, and delivered later until it arrives or is given up.

A claim belongs to a running process. Whether it still runs decides if a claim may be taken over, not the clock: a clock that jumps
can then neither send twice nor strand anything.
"""

from __future__ import annotations

import os
import random
import secrets
import socket
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from app.db import Database
from app.errors import NotFound, Unavailable
from app.tickets.models import DeliveryRow
from app.tickets.values import Delivery, Mail

if TYPE_CHECKING:
    from app.tickets.connectors import Connector

log = structlog.get_logger()

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=6)
MAX_ATTEMPTS = 16
"""With these waits about two days of trying."""
FOREIGN_LEASE = timedelta(minutes=15)
"""How long a claim of another host is respected, by the database's own clock."""
BATCH = 20


class DeliveryFailed(Unavailable):
    """It did not arrive and may be tried again; `wait` is how long the other side asked us to."""

    def __init__(self, message: str, wait: timedelta | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class DeliveryRefused(DeliveryFailed):
    """It will never arrive: trying again would be pointless."""


@dataclass(frozen=True)
class DeliveryReport:
    """What one round of delivering did."""

    done: int = 0
    failed: int = 0
    dead: int = 0
    """Given up in this round."""
    lost: int = 0
    """Finished although the claim had gone to somebody else; the row was left as they have it."""


def queue_mail(db: Session, mail: Mail, key: str, now: datetime, ticket_id: str | None = None) -> None:
    """Put a mail into the outbox, in the caller's transaction; the same key is queued once."""
    queue_delivery(db, "mail", "mail", asdict(mail), key, now, ticket_id)


def queue_delivery(
    db: Session, connector: str, kind: str, payload: dict[str, object], key: str, now: datetime, ticket_id: str | None = None
) -> None:
    """Put an item into the outbox, in the caller's transaction; the same key is queued once."""
    insert = sqlite_insert if db.get_bind().dialect.name == "sqlite" else postgresql_insert
    values = {
        "connector": connector,
        "kind": kind,
        "key": key,
        "ticket_id": ticket_id,
        "payload": payload,
        "state": "pending",
        "attempts": 0,
        "created_at": now,
        "next_try_at": now,
        "reference": "",
        "last_error": "",
    }
    db.execute(insert(DeliveryRow).values(**values).on_conflict_do_nothing(index_elements=["key"]))


def deliver_due(database: Database, connectors: Mapping[str, Connector], now: datetime, limit: int = 10_000) -> DeliveryReport:
    """Deliver what is due, oldest first; one that fails waits longer each time and blocks nobody."""
    done = failed = dead = lost = tried = 0
    claim = _new_claim()
    try:
        while tried < limit:
            batch = _claim(database, claim, now, min(BATCH, limit - tried))
            if not batch:
                break
            tried += len(batch)
            for delivery in batch:
                outcome = _deliver(database, connectors.get(delivery.connector), delivery, claim, now)
                done += outcome == "done"
                failed += outcome == "pending"
                dead += outcome == "dead"
                lost += outcome == "lost"
    finally:
        with _active_lock:
            _active.discard(claim)
    return DeliveryReport(done, failed, dead, lost)


def _claim(database: Database, claim: str, now: datetime, size: int) -> list[Delivery]:
    with database.durable_session() as db:
        clock = now if database.is_sqlite else db.scalar(select(func.now())) or now
        free = _free(db, clock)
        due = (
            select(DeliveryRow).where(DeliveryRow.state == "pending", free, _is_due(now)).order_by(DeliveryRow.next_try_at, DeliveryRow.id)
        )
        rows = list(db.scalars(due.limit(size).with_for_update(skip_locked=True)))
        for row in rows:
            row.claim, row.claimed_at = claim, clock
        return [_delivery(row) for row in rows]


def _is_due(now: datetime) -> ColumnElement[bool]:
    # A waiting time longer than the longest one was written while the clock stood wrong; it is not kept.
    return or_(DeliveryRow.next_try_at <= now, DeliveryRow.next_try_at > now + 2 * LONGEST_WAIT)


def _free(db: Session, clock: datetime) -> ColumnElement[bool]:
    claims = db.scalars(select(DeliveryRow.claim).where(DeliveryRow.state == "pending", DeliveryRow.claim.is_not(None)).distinct())
    abandoned = [c for c in claims if c and _owner_has_ended(c)]
    foreign = and_(DeliveryRow.claim.not_like(f"{_host()}/%"), DeliveryRow.claimed_at < clock - FOREIGN_LEASE)
    return or_(DeliveryRow.claim.is_(None), DeliveryRow.claim.in_(abandoned), foreign)


def _deliver(database: Database, connector: Connector | None, delivery: Delivery, claim: str, now: datetime) -> str:
    """Try one; returns the state it is left in."""
    try:
        if connector is None:
            raise DeliveryFailed(f"there is no connector called “{delivery.connector}”")
        reference = connector.deliver(delivery, now)
    except DeliveryFailed as error:
        return _put_back(database, delivery, claim, now, str(error), isinstance(error, DeliveryRefused), error.wait)
    except Exception as error:  # a connector's own fault must not stop the others' mail: it is kept with the delivery, visible to agents
        log.exception("delivery_failed", delivery=delivery.id, connector=delivery.connector)
        return _put_back(database, delivery, claim, now, f"unforeseen: {error.__class__.__name__}", False, None)
    values = {"state": "done", "done_at": now, "reference": reference[:200], "claim": None, "claimed_at": None, "last_error": ""}
    return _finish(database, delivery, claim, values | {"attempts": delivery.attempts + 1})


def _put_back(database: Database, delivery: Delivery, claim: str, now: datetime, why: str, final: bool, wait: timedelta | None) -> str:
    attempts = delivery.attempts + 1
    state = "dead" if final or attempts >= MAX_ATTEMPTS else "pending"
    log.warning("delivery_dead" if state == "dead" else "delivery_waits", delivery=delivery.id, attempts=attempts, reason=why)
    values = {"state": state, "attempts": attempts, "last_error": why[:500], "claim": None, "claimed_at": None}
    return _finish(database, delivery, claim, values | {"next_try_at": now + waiting_time(attempts, wait)})


def waiting_time(attempts: int, asked: timedelta | None = None) -> timedelta:
    """How long to wait after so many attempts: doubling, at most six hours, spread so that a crowd does not return at once."""
    if asked is not None:
        return min(asked, timedelta(hours=1)) + timedelta(seconds=random.uniform(0, 5))  # noqa: S311 - spreading, not secrecy
    wait = min(FIRST_WAIT * 2 ** min(attempts - 1, 20), LONGEST_WAIT)
    return wait * random.uniform(0.8, 1.2)  # noqa: S311


def _finish(database: Database, delivery: Delivery, claim: str, values: dict[str, object]) -> str:
    with database.durable_session() as db:
        held = update(DeliveryRow).where(DeliveryRow.id == delivery.id, DeliveryRow.claim == claim, DeliveryRow.state == "pending")
        if db.execute(held.values(**values)).rowcount != 1:  # type: ignore[attr-defined]
            # Somebody took the claim over meanwhile; what they write is newer.
            log.warning("delivery_claim_lost", delivery=delivery.id)
            return "lost"
    return str(values["state"])


_active: set[str] = set()
_active_lock = threading.Lock()


def _host() -> str:
    return socket.gethostname()[:12].replace("/", "-").replace("%", "-").replace("_", "-")


def _started(pid: int) -> str:
    """When a process started, as the kernel counts it; empty where there is no /proc."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _new_claim() -> str:
    claim = f"{_host()}/{os.getpid()}/{_started(os.getpid())}/{secrets.token_hex(4)}"
    with _active_lock:
        _active.add(claim)
    return claim


def _owner_has_ended(claim: str) -> bool:
    """Whether the process behind a claim of this host is gone; unknown owners are taken to be alive."""
    host, _, rest = claim.partition("/")
    pid_text, _, rest = rest.partition("/")
    started = rest.partition("/")[0]
    if host != _host() or not pid_text.isdigit():
        return False
    pid = int(pid_text)
    if pid == os.getpid() and started == _started(pid):
        with _active_lock:
            return claim not in _active
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return bool(started) and _started(pid) != started


def deliveries_of(db: Session, ticket_id: str) -> list[Delivery]:
    """Everything that left, or has yet to leave, because of one request."""
    return [_delivery(r) for r in db.scalars(select(DeliveryRow).where(DeliveryRow.ticket_id == ticket_id).order_by(DeliveryRow.id))]


def troubled_deliveries(db: Session, limit: int = 200) -> list[Delivery]:
    """What was given up, and what has failed at least once and is being tried again: newest first."""
    trouble = or_(DeliveryRow.state == "dead", and_(DeliveryRow.state == "pending", DeliveryRow.attempts > 0))
    return [
        _delivery(r) for r in db.scalars(select(DeliveryRow).where(trouble).order_by(DeliveryRow.state, DeliveryRow.id.desc()).limit(limit))
    ]


def count_dead(db: Session) -> int:
    """How many deliveries were given up."""
    return db.scalar(select(func.count()).select_from(DeliveryRow).where(DeliveryRow.state == "dead")) or 0


def count_pending(db: Session) -> int:
    """How many deliveries have yet to be made."""
    return db.scalar(select(func.count()).select_from(DeliveryRow).where(DeliveryRow.state == "pending")) or 0


def try_again(db: Session, delivery_id: int, now: datetime) -> None:
    """Give a delivery that was given up, or that waits, a new start."""
    found = update(DeliveryRow).where(
        DeliveryRow.id == delivery_id, DeliveryRow.state.in_(["dead", "pending"]), DeliveryRow.claim.is_(None)
    )
    if db.execute(found.values(state="pending", attempts=0, next_try_at=now)).rowcount != 1:  # type: ignore[attr-defined]
        raise NotFound("no delivery is waiting under this number")


def forget_delivered(db: Session, before: datetime) -> int:
    """Remove what was delivered before this time: the outbox is no archive of people's mail."""
    gone = db.execute(delete(DeliveryRow).where(DeliveryRow.state == "done", DeliveryRow.done_at < before))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _delivery(row: DeliveryRow) -> Delivery:
    return Delivery(
        row.id,
        row.connector,
        row.kind,
        row.key,
        row.ticket_id,
        row.payload,
        row.state,
        row.attempts,
        row.created_at,
        row.next_try_at,
        row.last_error,
        row.reference,
    )
