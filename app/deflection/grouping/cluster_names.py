"""What clusters are called where they are shown: the editor's name, else the label that enough people made sayable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import Database
from app.deflection.grouping.wording import normalise
from app.deflection.judging.judging_lock import lock_for_judging
from app.deflection.recording.clock import DAY
from app.deflection.recording.events import milliseconds
from app.deflection.reporting.failures import ClusterName
from app.deflection.reporting.thresholds import label

LABEL_DAYS = 90
_ASKED = text("SELECT cluster, q, person FROM need WHERE cluster IS NOT NULL AND day >= :start AND q <> '' AND rule <> 'R0'")


def cluster_names(db: Session) -> dict[int, ClusterName]:
    """The names of all clusters that may be named; those of too few people are absent."""
    rows = db.execute(text("SELECT id, name, label, verbatim, language FROM query_cluster WHERE merged_into IS NULL"))
    return {
        id: ClusterName(name or found, bool(verbatim) and not name, language)
        for id, name, found, verbatim, language in rows
        if name or found
    }


def label_clusters(db: Session, now: datetime, k: int) -> int:
    """Give every cluster the label that the last 90 days allow; gives how many changed. A label that no longer has its k persons goes."""
    return _write(db, _labels(db, now, k))


def label_clusters_in_turn(database: Database, now: datetime, k: int) -> int:
    """The same without keeping others from writing while labels are looked for."""
    with database.session() as db:
        labels = _labels(db, now, k)
    with database.session() as db:
        lock_for_judging(db, database.is_sqlite)
        return _write(db, labels)


def _labels(db: Session, now: datetime, k: int) -> dict[int, tuple[str, bool]]:
    asked: dict[int, list[tuple[str, int]]] = defaultdict(list)
    persons: dict[str, int] = {}
    for cluster, q, person in db.execute(_ASKED, {"start": milliseconds(now) // DAY - LABEL_DAYS}):
        asked[cluster].append((normalise(q), persons.setdefault(person, len(persons))))
    found = {cluster: label(own, k) for cluster, own in asked.items()}
    return {cluster: (own.text, own.verbatim) for cluster, own in found.items() if own}


def _write(db: Session, labels: Mapping[int, tuple[str, bool]]) -> int:
    rows = db.execute(text("SELECT id, label, verbatim FROM query_cluster WHERE merged_into IS NULL")).all()
    wanted = [(row, labels.get(row.id, ("", False))) for row in rows]
    changed = [{"id": row.id, "label": new[0], "verbatim": new[1]} for row, new in wanted if new != (row.label, bool(row.verbatim))]
    if changed:
        db.execute(text("UPDATE query_cluster SET label = :label, verbatim = :verbatim WHERE id = :id"), changed)
    return len(changed)
