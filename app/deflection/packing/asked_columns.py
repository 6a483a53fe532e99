"""What was asked on a day, packed: how much, and by whom each query. The page of today looks 90 days back and cannot read every search.

Derived, and may be deleted at any time. Whoever stores or deletes an event takes the record of its day away in the same transaction.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.deflection.bulk import chunks, expanding, is_sqlite
from app.deflection.grouping.wording import normalise
from app.deflection.packing.packing import packed, unpacked
from app.deflection.reporting.facts import person_code

FORMAT = hashlib.blake2b(b"asked 1", digest_size=6).hexdigest()
KEPT_DAYS = 90
"""A query may be shown word for word if enough different people asked it within this many days; older records are of no use."""

# body is written with sorted keys and without spaces (store._row), and a quote inside a text is escaped there: the patterns are exact.
_SUBMITTED = "type = 'search' AND body LIKE '%\"mode\":\"submit\"%'"
_CUSTOMERS = "role NOT IN ('agent', 'test')"
_NO_RESULTS = '%"n_results":0,%'
_COUNTS = (
    "SELECT day, count(*), sum(CASE WHEN body LIKE :zero THEN 1 ELSE 0 END) FROM event"  # noqa: S608 — days are numbers  # nosec B608
    f" WHERE day IN ({{days}}) AND {_CUSTOMERS} AND {_SUBMITTED} GROUP BY day"
)
_ASKED = (
    "SELECT coalesce(account, visitor, tab, event_id), {q} FROM event"  # noqa: S608  # nosec B608
    f" WHERE day IN ({{days}}) AND {_CUSTOMERS} AND {_SUBMITTED}"
)
_RECORDS = text("SELECT day, data FROM asked_columns WHERE day >= :start AND day < :end AND format = :format")
_USED_BY = text("SELECT a, b FROM identity_edge WHERE b LIKE 'a:%'")
_KNOWN_COUNTS = text("SELECT day, searches, zero FROM asked_columns WHERE day >= :start AND day < :end AND format = :format")
_REQUESTS = text(
    "SELECT day, count(*) AS n FROM contact WHERE day >= :start AND day < :end AND valid AND inbound AND NOT duplicate GROUP BY day"
)
# Day by day: asked for all days from one on, SQLite would read every event in the order of their ids.
_STAFF = expanding("SELECT DISTINCT ref FROM event WHERE day IN :days AND type = 'ticket' AND role IN ('agent', 'test')", "days")
_REQUESTS_OF_STAFF = expanding(
    "SELECT day, count(*) AS n FROM contact WHERE ticket_id IN :ids AND day >= :start AND day < :end AND valid AND inbound AND NOT duplicate"
    " GROUP BY day"
)


@dataclass(frozen=True)
class DayCount:
    """One UTC day in numbers: submitted searches of customers, those without a result, requests written on it."""

    day: int
    searches: int = 0
    zero: int = 0
    requests: int = 0


@dataclass(frozen=True)
class Pairs:
    """Who asked what: digests of queries and of persons, each pair once."""

    queries: np.ndarray
    persons: np.ndarray


def counts_of_days(db: Session, start: int, end: int) -> list[DayCount]:
    """The days in [start, end) in order, also those on which nothing happened."""
    found = {day: (n, zero) for day, n, zero in db.execute(_KNOWN_COUNTS, {"start": start, "end": end, "format": FORMAT})}
    found |= count_searches(db, [day for day in range(start, end) if day not in found])
    requests = _requests_of_days(db, start, end)
    return [DayCount(day, *found[day], requests[day]) for day in range(start, end)]


def count_searches(db: Session, days: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Searches of some days from the events themselves: submitted, and without a result."""
    numbers = dict.fromkeys(days, (0, 0))
    rows = db.execute(text(_COUNTS.format(days=_listed(days))), {"zero": _NO_RESULTS}) if days else ()
    return numbers | {day: (n, zero or 0) for day, n, zero in rows}


def _requests_of_days(db: Session, start: int, end: int) -> Counter[int]:
    """Requests by the day they were written, each once, however often and late we were told of it; what staff tried out is none."""
    given = {"start": start, "end": end}
    counts = Counter({row.day: row.n for row in db.execute(_REQUESTS, given)})
    staff = sorted(db.execute(_STAFF, {"days": list(range(start, end))}).scalars())
    for chunk in chunks(staff):
        counts.subtract({row.day: row.n for row in db.execute(_REQUESTS_OF_STAFF, {**given, "ids": chunk})})
    return counts


def persons_who_asked(db: Session, queries: Iterable[str], start: int, end: int) -> dict[str, int]:
    """How many people asked each of these normalised queries on the days in [start, end)."""
    wanted = {person_code(query): query for query in queries}
    if not wanted:
        return {}
    records = {day: _pairs(data) for day, data in db.execute(_RECORDS, {"start": start, "end": end, "format": FORMAT})}
    rest = asked_on(db, [day for day in range(start, end) if day not in records])
    codes = np.array(sorted(wanted), dtype=np.int64)
    chosen = [_among(pairs, codes) for pairs in (*records.values(), rest)]
    accounts = _accounts(db)
    persons = [accounts.get(code, code) for code in np.concatenate([p.persons for p in chosen]).tolist()]
    pairs = np.unique(np.stack([np.concatenate([p.queries for p in chosen]), np.array(persons, dtype=np.int64)]), axis=1)
    found, counts = np.unique(pairs[0], return_counts=True)
    return {wanted[code]: n for code, n in zip(found.tolist(), counts.tolist(), strict=True)}


def _accounts(db: Session) -> dict[int, int]:
    """The account behind a browser or tab, by digest, where it is one: somebody with three browsers is not three people."""
    accounts: dict[str, set[str]] = defaultdict(set)
    for name, account in db.execute(_USED_BY):
        accounts[name].add(account)
    return {person_code(name[2:]): person_code(own.pop()[2:]) for name, own in accounts.items() if len(own) == 1}


def _among(pairs: Pairs, codes: np.ndarray) -> Pairs:
    here = codes[np.searchsorted(codes, pairs.queries).clip(max=len(codes) - 1)] == pairs.queries
    return Pairs(pairs.queries[here], pairs.persons[here])


def asked_on(db: Session, days: Sequence[int]) -> Pairs:
    """Who asked what on some days, from the events; the database takes the words out of the bodies, in half the time that we need."""
    found: set[tuple[int, int]] = set()
    queries: dict[str, int] = {}
    sql = _ASKED.format(q="body ->> '$.q'" if is_sqlite(db) else "body::json ->> 'q'", days=_listed(days))
    for person, q in db.execute(text(sql)).all() if days else ():
        if q not in queries:
            queries[q] = person_code(normalise(q))
        found.add((queries[q], person_code(person)))
    rows = np.array(sorted(found), dtype=np.int64).reshape(-1, 2)
    return Pairs(rows[:, 0], rows[:, 1])


def _listed(days: Sequence[int]) -> str:
    return ", ".join(str(int(day)) for day in days)


def record_of(db: Session, day: int) -> Mapping[str, object]:
    """The record of a day, as a row of its table."""
    pairs, (searches, zero) = asked_on(db, [day]), count_searches(db, [day])[day]
    data = packed({"queries": pairs.queries, "persons": pairs.persons}, {})
    return {"day": day, "format": FORMAT, "searches": searches, "zero": zero, "data": data}


def _pairs(data: bytes) -> Pairs:
    arrays, _ = unpacked(data)
    return Pairs(arrays["queries"], arrays["persons"])


def forget_asked_on(db: Session, days: Iterable[int]) -> None:
    """Take the records of some days away, because their events change."""
    gone = [{"day": day} for day in sorted(set(days))]
    if gone:
        db.execute(text("DELETE FROM asked_columns WHERE day = :day"), gone)


def forget_asked_before(db: Session, day: int | None = None) -> None:
    """Take the records of all days before one away; of all days without one."""
    db.execute(text("DELETE FROM asked_columns WHERE day < :day"), {"day": day if day is not None else 2**31 - 1})
