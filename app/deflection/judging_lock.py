"""One at a time changes outcomes: whoever judges, gives clusters, drops events or takes up thresholds waits for its turn here."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

_LOCK = 7_241_031
"""PostgreSQL advisory lock: one worker judges at a time, writers of events are not held up."""


def lock_for_judging(db: Session, is_sqlite: bool) -> None:
    """Only one transaction at a time changes outcomes; on PostgreSQL writers of events go on."""
    if is_sqlite:
        # A statement that may write takes the write lock before anything is read, so that nothing read can be stale.
        db.execute(text("DELETE FROM dirty WHERE actor = ''"))
    else:
        db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
