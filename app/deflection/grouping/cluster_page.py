"""One group of questions up close: how it ended, what exactly was asked by enough people, and what was done to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.deflection.grouping.cluster_store import ClusterChange, ClusterNotFound, history
from app.deflection.grouping.wording import normalise
from app.deflection.recording.events import milliseconds
from app.deflection.reporting.facts import DAY_MS, FAILED
from app.deflection.reporting.report_models import QueryClusterRow

DAYS = 90
MOST_LATEST = 20
_FAILED = {f"R{rule}" for rule in FAILED}
_NEEDS = text(
    "SELECT q, person, rule, article FROM need WHERE cluster = :cluster AND day >= :start AND kind = 'search' AND rule NOT IN ('R0', 'R5')"
)

_LATEST = text(
    "SELECT s.search_id, n.day, n.rule, n.q FROM need n JOIN need_search s ON s.need_id = n.id"
    " WHERE n.cluster = :cluster AND n.kind = 'search' AND n.rule NOT IN ('R0', 'R5')"
    " AND s.position = (SELECT max(position) FROM need_search WHERE need_id = n.id) ORDER BY n.first DESC, n.id LIMIT :n"
)


@dataclass(frozen=True)
class Wording:
    """A query of the group that enough people asked in these words."""

    query: str
    persons: int
    needs: int
    failed: int


@dataclass(frozen=True)
class LatestNeed:
    """One question of the group, by its last search; `query` only where enough people asked it in these words."""

    search_id: str
    day: int
    rule: int
    query: str


@dataclass(frozen=True)
class ClusterPage:
    """A group of questions over the last 90 days; `withheld` when too few people asked any of it."""

    id: int
    name: str
    label: str
    language: str
    needs: int
    failed: int
    persons: int
    withheld: bool
    wordings: tuple[Wording, ...]
    unshown: int
    articles: tuple[tuple[str, int], ...]
    history: tuple[ClusterChange, ...]
    latest: tuple[LatestNeed, ...]
    others: tuple[tuple[int, str], ...]
    """Other groups of the language, for a merge."""


def cluster_page(db: Session, cluster: int, now: datetime, k_row: int, k_query: int) -> ClusterPage:
    """The page of a living group; raises `ClusterNotFound`."""
    row = db.get(QueryClusterRow, cluster)
    if row is None:
        raise ClusterNotFound("There is no such group of questions.")
    if row.merged_into is not None:
        return cluster_page(db, row.merged_into, now, k_row, k_query)
    needs = db.execute(_NEEDS, {"cluster": cluster, "start": milliseconds(now) // DAY_MS - DAYS}).all()
    persons = {need.person for need in needs}
    withheld = len(persons) < k_row
    wordings = [] if withheld else _wordings(needs, k_query)
    articles: dict[str, set[str]] = defaultdict(set)
    for need in needs:
        if need.article:
            articles[need.article].add(need.person)
    shown = sorted(((a, len(p)) for a, p in articles.items() if len(p) >= k_row), key=lambda pair: (-pair[1], pair[0]))
    return ClusterPage(
        cluster,
        row.name,
        row.label,
        row.language,
        0 if withheld else len(needs),
        0 if withheld else sum(need.rule in _FAILED for need in needs),
        0 if withheld else len(persons),
        withheld,
        tuple(wordings),
        0 if withheld else len(needs) - sum(w.needs for w in wordings),
        tuple(shown[:10]),
        tuple(history(db, cluster)),
        () if withheld else _latest(db, cluster, {wording.query for wording in wordings}),
        _others(db, row),
    )


def _wordings(needs: Sequence[Any], k: int) -> list[Wording]:
    asked: dict[str, list] = defaultdict(list)
    for need in needs:
        asked[normalise(need.q)].append(need)
    rows = [
        Wording(query, len({n.person for n in own}), len(own), sum(n.rule in _FAILED for n in own))
        for query, own in asked.items()
        if len({n.person for n in own}) >= k
    ]
    return sorted(rows, key=lambda w: (-w.needs, w.query))


def _latest(db: Session, cluster: int, shown: set[str]) -> tuple[LatestNeed, ...]:
    rows = db.execute(_LATEST, {"cluster": cluster, "n": MOST_LATEST}).all()
    return tuple(LatestNeed(row.search_id, row.day, int(row.rule[1:]), row.q if normalise(row.q) in shown else "") for row in rows)


def _others(db: Session, row: QueryClusterRow) -> tuple[tuple[int, str], ...]:
    found = db.scalars(
        select(QueryClusterRow).where(
            QueryClusterRow.language == row.language, QueryClusterRow.merged_into.is_(None), QueryClusterRow.id != row.id
        )
    )
    named = [(other.id, other.name or other.label) for other in found if other.name or other.label]
    return tuple(sorted(named, key=lambda pair: pair[1]))


def draft_text(page: ClusterPage) -> str:
    """The text of a draft article for a group: its title, the words people use, and the searches it must be found by."""
    title = (page.name or page.label or "…").strip()
    title = title[:1].upper() + title[1:]
    queries = "".join(f"  - {_yaml(w.query)}\n" for w in page.wordings[:8])
    return (
        "---\n"
        f"title: {_yaml(title)}\n"
        "summary: \n"
        "status: draft\n" + (f"queries:\n{queries}" if queries else "") + "---\n\n"
        "<!-- What happened, and the short answer. -->\n\n"
        "## What to do now\n\n1.  \n2.  \n\n"
        "## When to contact us\n\n"
    )


def _yaml(value: str) -> str:
    """A text as a quoted YAML string, whatever characters a person typed."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
