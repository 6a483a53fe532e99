"""What clusters are called where they are shown: the editor's name, else the label that enough people made sayable."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import Database
from app.deflection.grouping.labels import Kind, label_groups, label_groups_in_turn
from app.deflection.reporting.failures import ClusterName

_CLUSTERS = Kind(
    "query_cluster",
    text("SELECT cluster, q, person FROM need WHERE cluster IS NOT NULL AND day >= :start AND q <> '' AND rule <> 'R0'"),
)


def cluster_names(db: Session) -> dict[int, ClusterName]:
    """The names of all clusters that may be named; those of too few people are absent."""
    rows = db.execute(text("SELECT id, name, label, verbatim, language FROM query_cluster WHERE merged_into IS NULL"))
    return {
        id: ClusterName(name or found, bool(verbatim) and not name, language)
        for id, name, found, verbatim, language in rows
        if name or found
    }


def label_clusters(db: Session, now: datetime, k: int) -> int:
    """Give every cluster the label that the last 90 days allow; gives how many changed."""
    return label_groups(db, _CLUSTERS, now, k)


def label_clusters_in_turn(database: Database, now: datetime, k: int) -> int:
    """The same without keeping others from writing while labels are looked for."""
    return label_groups_in_turn(database, _CLUSTERS, now, k)
