"""One at a time changes outcomes: whoever judges, gives clusters, drops events or takes up thresholds waits for its turn here.

Whoever packs what the events of a day say must not miss one that is being written: writers of events share a second lock, and packing
waits for a moment when nobody holds it.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

_LOCK = 7_241_031
"""PostgreSQL advisory lock: one worker judges at a time, writers of events are not held up."""
_RECORDING = 7_241_033
"""PostgreSQL advisory lock: shared by writers of events."""


def lock_for_judging(db: Session, is_sqlite: bool) -> None:
    """Only one transaction at a time changes outcomes; on PostgreSQL writers of events go on."""
    if is_sqlite:
        # A statement that may write takes the write lock before anything is read, so that nothing read can be stale.
        db.execute(text("DELETE FROM dirty WHERE actor = ''"))
    else:
        db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def lock_for_recording(db: Session, is_sqlite: bool) -> None:
    """Say that events are being written, until the transaction ends. On SQLite only one writes anyhow."""
    if not is_sqlite:
        db.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _RECORDING})


def keep_recorders_out(db: Session, is_sqlite: bool) -> bool:
    """Let nobody write events until the transaction ends; False while somebody does, for whom we do not wait: it may be an import.

    On SQLite the caller holds the write lock already.
    """
    return is_sqlite or bool(db.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _RECORDING}).scalar())
