"""What clusters are called where they are shown: the editor's name, else the label that enough people made sayable."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from app.deflection.clock import DAY
from app.deflection.events import milliseconds
from app.deflection.failures import ClusterName
from app.deflection.report_models import QueryClusterRow
from app.deflection.thresholds import label
from app.deflection.wording import normalise

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
    asked: dict[int, list[tuple[str, int]]] = defaultdict(list)
    persons: dict[str, int] = {}
    for cluster, q, person in db.execute(_ASKED, {"start": milliseconds(now) // DAY - LABEL_DAYS}):
        asked[cluster].append((normalise(q), persons.setdefault(person, len(persons))))
    changed = 0
    for row in db.execute(text("SELECT id, label, verbatim FROM query_cluster WHERE merged_into IS NULL")).all():
        found = label(asked.get(row.id, ()), k)
        new = (found.text, found.verbatim) if found else ("", False)
        if new != (row.label, bool(row.verbatim)):
            db.execute(update(QueryClusterRow).where(QueryClusterRow.id == row.id).values(label=new[0], verbatim=new[1]))
            changed += 1
    return changed
