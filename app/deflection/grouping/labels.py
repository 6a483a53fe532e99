"""The labels of groups, of questions and of requests alike: what enough people wrote lately, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from app.db import Database
from app.deflection.grouping.wording import normalise
from app.deflection.judging.judging_lock import lock_for_judging
from app.deflection.recording.clock import DAY
from app.deflection.recording.events import milliseconds
from app.deflection.reporting.thresholds import label

LABEL_DAYS = 90


class Kind(NamedTuple):
    """A table of groups with labels, and the statement that gives group, words and person of all that was written since `:start`."""

    table: str
    written: TextClause


def label_groups(db: Session, kind: Kind, now: datetime, k: int) -> int:
    """Give every group the label that the last 90 days allow; gives how many changed. A label that no longer has its k persons goes."""
    return _write(db, kind, _labels(db, kind, now, k))


def label_groups_in_turn(database: Database, kind: Kind, now: datetime, k: int) -> int:
    """The same without keeping others from writing while labels are looked for."""
    with database.session() as db:
        labels = _labels(db, kind, now, k)
    with database.session() as db:
        lock_for_judging(db, database.is_sqlite)
        return _write(db, kind, labels)


def _labels(db: Session, kind: Kind, now: datetime, k: int) -> dict[int, tuple[str, bool]]:
    written: dict[int, list[tuple[str, int]]] = defaultdict(list)
    persons: dict[str, int] = {}
    for group, words, person in db.execute(kind.written, {"start": milliseconds(now) // DAY - LABEL_DAYS}):
        written[group].append((normalise(words), persons.setdefault(person, len(persons))))
    found = {group: label(own, k) for group, own in written.items()}
    return {group: (own.text, own.verbatim) for group, own in found.items() if own}


def _write(db: Session, kind: Kind, labels: Mapping[int, tuple[str, bool]]) -> int:
    table = kind.table  # one of our own
    rows = db.execute(text(f"SELECT id, label, verbatim FROM {table} WHERE merged_into IS NULL")).all()  # noqa: S608  # nosec B608
    wanted = [(row, labels.get(row.id, ("", False))) for row in rows]
    changed = [{"id": row.id, "label": new[0], "verbatim": new[1]} for row, new in wanted if new != (row.label, bool(row.verbatim))]
    if changed:
        db.execute(text(f"UPDATE {table} SET label = :label, verbatim = :verbatim WHERE id = :id"), changed)  # noqa: S608  # nosec B608
    return len(changed)
