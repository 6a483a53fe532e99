"""The day so far, straight from the events: searches, searches without a result, requests; nothing judged yet."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.deflection.bulk import is_sqlite
from app.deflection.clock import DAY
from app.deflection.events import AGENT, TEST, milliseconds
from app.deflection.wording import normalise

WINDOW_DAYS = 90
"""A query may be shown word for word if enough different people asked it within this many days."""


@dataclass(frozen=True)
class DayCount:
    """One UTC day in numbers."""

    day: int
    searches: int = 0
    zero: int = 0
    requests: int = 0


@dataclass(frozen=True)
class AskedQuery:
    """A query that enough people asked to be shown."""

    query: str
    locale: str
    searches: int
    zero: int


@dataclass(frozen=True)
class Today:
    """Today, the days before it, and what was asked most; `unshown` searches were asked by too few people to be listed."""

    days: tuple[DayCount, ...]
    queries: tuple[AskedQuery, ...]
    unshown: int

    @property
    def today(self) -> DayCount:
        return self.days[-1]


_NO_RESULTS = '%"n_results":0,%'
# body is written with sorted keys and without spaces (store._row), and a quote inside a text is escaped there: the patterns are exact.
_COUNTS = text(
    "SELECT day, type, count(*),"
    " sum(CASE WHEN type = 'search' AND body LIKE :zero THEN 1 ELSE 0 END) FROM event"
    " WHERE day >= :start AND day <= :end AND role NOT IN ('agent', 'test')"
    " AND ((type = 'search' AND body LIKE '%\"mode\":\"submit\"%') OR (type = 'ticket' AND body NOT LIKE '%\"direction\":\"out\"%'))"
    " GROUP BY day, type"
)
_SEARCHES = text(
    "SELECT coalesce(account, visitor, tab, event_id), role, body FROM event"
    " WHERE type = 'search' AND day >= :start AND day <= :end AND body LIKE '%\"mode\":\"submit\"%'"
)

_ASKED = (
    "SELECT coalesce(account, visitor, tab, event_id), {q} FROM event WHERE type = 'search' AND day >= :start AND day <= :end"
    " AND role NOT IN ('agent', 'test') AND body LIKE '%\"mode\":\"submit\"%'"
)


def report_of_today(db: Session, now: datetime, k: int, days: int = 28, limit: int = 50) -> Today:
    """Submitted searches and requests of customers on each of the last `days` days; queries only if ≥ `k` persons asked them."""
    end = milliseconds(now) // DAY
    counts: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for day, kind, n, zero in db.execute(_COUNTS, {"start": end - days + 1, "end": end, "zero": _NO_RESULTS}):
        counts[day]["requests" if kind == "ticket" else "searches"] += n
        if kind == "search":
            counts[day]["zero"] += zero or 0
    series = tuple(DayCount(d, counts[d]["searches"], counts[d]["zero"], counts[d]["requests"]) for d in range(end - days + 1, end + 1))
    queries, unshown = _queries(db, end, k, limit)
    return Today(series, queries, unshown)


def _queries(db: Session, end: int, k: int, limit: int) -> tuple[tuple[AskedQuery, ...], int]:
    asked: dict[tuple[str, str], list[int]] = {}
    for _, role, body in db.execute(_SEARCHES, {"start": end, "end": end}):
        if role in (AGENT, TEST):
            continue
        search = json.loads(body)
        entry = asked.setdefault((normalise(search["q"]), search.get("lang") or ""), [0, 0])
        entry[0] += 1
        entry[1] += search["n_results"] == 0
    persons = _persons(db, {query for query, _ in asked}, end)
    rows = [AskedQuery(query, locale, n, zero) for (query, locale), (n, zero) in asked.items() if len(persons[query]) >= k]
    rows.sort(key=lambda row: (-row.searches, -row.zero, row.query))
    total = sum(n for n, _ in asked.values())
    return tuple(rows[:limit]), total - sum(row.searches for row in rows[:limit])


def _persons(db: Session, queries: set[str], end: int) -> dict[str, set[str]]:
    """Who asked each of these queries in the window. The database takes the words out of the bodies, in half the time that we need."""
    found: dict[str, set[str]] = defaultdict(set)
    asked = text(_ASKED.format(q="body ->> '$.q'" if is_sqlite(db) else "body::json ->> 'q'"))
    meant: dict[str, str] = {}
    for person, q in db.execute(asked, {"start": end - WINDOW_DAYS, "end": end}).all() if queries else ():
        query = meant[q] if q in meant else meant.setdefault(q, normalise(q))
        if query in queries:
            found[query].add(person)
    return found
