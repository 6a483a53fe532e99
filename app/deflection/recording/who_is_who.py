"""What dropped events told about who is who, kept as long as somebody of it is still active.

A form that was sent years ago is the only thing that says whose browser this is; without it, a mail of the same person that comes tomorrow
could not be joined to what they search tomorrow, and who is judged again would be judged by less than was known. So before events go, what
they told of a browser, an account and a sender stays as an `identify` event that never grows old, at the latest time it was told.
It goes when none of the three has any newer event left.
"""

from __future__ import annotations

import hashlib
import json
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.deflection.bulk import chunks, expanding, prefer_indexes
from app.deflection.recording.event_table import STANDING, delete_events, store_once
from app.deflection.recording.events import Identify
from app.deflection.recording.store import row_of

FORM = "form"
"""The channel of a ticket whose body names none: no other ticket proves a browser."""


class Known(NamedTuple):
    """Names of one person: any two or all three of them."""

    visitor: str | None
    account: str | None
    requester: str | None

    @property
    def names(self) -> list[str]:
        return [f"{kind}:{name}" for kind, name in zip("var", self, strict=True) if name]


class Told(NamedTuple):
    """When something was last told, and by whom."""

    t: int
    role: str


_ACCOUNTS = text(
    "SELECT visitor, account, role, max(t) FROM event WHERE day >= 0 AND day < :before AND visitor IS NOT NULL AND account IS NOT NULL"
    " AND type NOT IN ('ticket', 'ticket_update', 'exclude') GROUP BY visitor, account, role"
)
_SENDERS = text(
    "SELECT type, visitor, account, role, t, body FROM event WHERE day >= 0 AND day < :before AND type IN ('identify', 'ticket')"
    " AND (visitor IS NOT NULL OR account IS NOT NULL)"
)
_STANDING = text("SELECT event_id, actor, visitor, account, role, t, body FROM event WHERE day = :standing AND type = 'identify'")
_ACTIVE = expanding(
    "SELECT actor FROM event WHERE actor IN :names AND day >= :before UNION SELECT b FROM identity_edge WHERE b IN :names AND EXISTS"
    " (SELECT 1 FROM event WHERE event.actor = identity_edge.a AND event.day >= :before)",
    "names",
)


def keep_who_is_who(db: Session, before: int) -> None:
    """Keep what events received before a day told of people who are active since; forget what is kept of others."""
    standing = {row["event_id"]: row for row in db.execute(_STANDING, {"standing": STANDING}).mappings()}
    told = _told(db, before)
    for row in standing.values():
        _hear(told, Known(row["visitor"], row["account"], json.loads(row["body"]).get("requester")), Told(row["t"], row["role"]))
    active = _active(db, {name for known in told for name in known.names}, before)
    kept = {_id(known, told[known]): known for known in told if not active.isdisjoint(known.names)}
    delete_events(db, {event_id: row["actor"] for event_id, row in standing.items() if event_id not in kept})
    new = [_event(known, told[known]) for event_id, known in kept.items() if event_id not in standing]
    for some in chunks(new):
        store_once(db, [{**row_of(event), "day": STANDING} for event in some])


def _told(db: Session, before: int) -> dict[Known, Told]:
    told: dict[Known, Told] = {}
    for visitor, account, role, t in db.execute(_ACCOUNTS, {"before": before}):
        _hear(told, Known(visitor, account, None), Told(t, role))
    for row in db.execute(_SENDERS, {"before": before}).mappings():
        said = json.loads(row["body"])
        if row["type"] == "identify" or said.get("channel", FORM) == FORM:
            _hear(told, Known(row["visitor"], row["account"], said.get("requester")), Told(row["t"], row["role"]))
    return told


def _hear(told: dict[Known, Told], known: Known, when: Told) -> None:
    if len(known.names) > 1:
        told[known] = max(when, told.get(known, when))


def _active(db: Session, names: set[str], before: int) -> set[str]:
    """Those of the names under which, or together with which, something was received since."""
    prefer_indexes(db)
    return {name for some in chunks(sorted(names)) for name in db.execute(_ACTIVE, {"names": some, "before": before}).scalars()}


def _id(known: Known, told: Told) -> str:
    digest = hashlib.sha256(json.dumps([*known, *told]).encode()).hexdigest()
    return f"who-is-who:{digest[:32]}"


def _event(known: Known, told: Told) -> Identify:
    return Identify(
        event_id=_id(known, told), t_recv=told.t, visitor=known.visitor, account=known.account, requester=known.requester, role=told.role
    )
