"""The day so far: searches and searches without a result straight from the events, requests as the worker counts them, each once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.deflection.grouping.wording import normalise
from app.deflection.packing.asked_columns import KEPT_DAYS, DayCount, counts_of_days, persons_who_asked
from app.deflection.recording.clock import DAY
from app.deflection.recording.events import AGENT, TEST, milliseconds


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


_SEARCHES = text("SELECT role, body FROM event WHERE type = 'search' AND day = :day AND body LIKE '%\"mode\":\"submit\"%'")


def report_of_today(db: Session, now: datetime, k: int, days: int = 28, limit: int = 50) -> Today:
    """Submitted searches and requests of customers on each of the last `days` days; queries only if ≥ `k` persons asked them."""
    today = milliseconds(now) // DAY
    queries, unshown = _queries(db, today, k, limit)
    return Today(tuple(counts_of_days(db, today - days + 1, today + 1)), queries, unshown)


def _queries(db: Session, today: int, k: int, limit: int) -> tuple[tuple[AskedQuery, ...], int]:
    asked: dict[tuple[str, str], list[int]] = {}
    for role, body in db.execute(_SEARCHES, {"day": today}):
        if role in (AGENT, TEST):
            continue
        search = json.loads(body)
        entry = asked.setdefault((normalise(search["q"]), search.get("lang") or ""), [0, 0])
        entry[0] += 1
        entry[1] += search["n_results"] == 0
    persons = persons_who_asked(db, {query for query, _ in asked}, today - KEPT_DAYS, today + 1)
    rows = [AskedQuery(query, locale, n, zero) for (query, locale), (n, zero) in asked.items() if persons.get(query, 0) >= k]
    rows.sort(key=lambda row: (-row.searches, -row.zero, row.query))
    total = sum(n for n, _ in asked.values())
    return tuple(rows[:limit]), total - sum(row.searches for row in rows[:limit])
