"""How often something may be tried, counted in the database so that every process and every node counts the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as Db

from app.accounts.models import AttemptRow
from app.errors import KnowledgeBaseError


class TooMany(KnowledgeBaseError):
    """Tried too often; it is worth trying again after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Limit:
    """At most `count` tries of one kind by one key within `window`."""

    count: int
    window: timedelta


def admit(db: Db, kind: str, keys: Iterable[str], limit: Limit, now: datetime) -> None:
    """Count a try for every key, or raise `TooMany`.

    The try is counted before it is made: many at the same moment cannot all slip through. Refused tries are not counted, so
    that the wait ends although somebody keeps knocking.
    """
    hashed = sorted({_hash(key) for key in keys if key})
    db.execute(delete(AttemptRow).where(AttemptRow.kind == kind, AttemptRow.at <= now - limit.window))
    waits = [wait for key in hashed if (wait := _wait(db, kind, key, limit, now))]
    if waits:
        raise TooMany("too many tries", max(waits))
    db.add_all(AttemptRow(kind=kind, key=key, at=now) for key in hashed)
    db.flush()


def forgive(db: Db, kind: str, keys: Iterable[str]) -> None:
    """Forget the tries of these keys: the person turned out to be the right one."""
    db.execute(delete(AttemptRow).where(AttemptRow.kind == kind, AttemptRow.key.in_([_hash(key) for key in keys])))


def forgive_last(db: Db, kind: str, key: str) -> None:
    """Take back the newest try of a key, and only that one."""
    newest = select(func.max(AttemptRow.id)).where(AttemptRow.kind == kind, AttemptRow.key == _hash(key)).scalar_subquery()
    db.execute(delete(AttemptRow).where(AttemptRow.id == newest))


def _wait(db: Db, kind: str, key: str, limit: Limit, now: datetime) -> int:
    """Seconds until this key may try again; 0 when it may now."""
    since = now - limit.window
    newest = select(AttemptRow.at).where(AttemptRow.kind == kind, AttemptRow.key == key, AttemptRow.at > since)
    tries = list(db.scalars(newest.order_by(AttemptRow.at.desc()).limit(limit.count)))
    if len(tries) < limit.count:
        return 0
    return max(1, int((tries[-1] + limit.window - now).total_seconds()) + 1)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
