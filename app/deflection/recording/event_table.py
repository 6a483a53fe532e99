"""The table of events: each event once, whenever it comes again, and weeks that can be dropped whole (deflection.md 5.3).

A key over all partitions of a table does not exist in PostgreSQL, so what is stored is known from a table of its own, `seen`. SQLite
keeps its events in one table and drops them by rows, a slice at a time: tables in files of their own would not commit together with
the rest, and dropping a table overwrites its pages with zeros all the same. What is kept and what goes is the same in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.deflection.bulk import chunks, expanding, insert_rows, is_sqlite, prefer_indexes, upsert_rows

COLUMNS = (
    "event_id", "type", "t", "t_recv", "t_client", "t_sent", "day", "actor", "visitor", "tab", "account", "role", "ua", "ref", "body",
)  # fmt: skip
STANDING = -1
"""The day of what never grows old: an exclusion is a setting rather than something a visitor did."""
FIRST_WEEK, LAST_WEEK = (date(year, 1, 1).toordinal() - date(1970, 1, 1).toordinal() for year in (2020, 2040))
"""Weeks outside these share a partition, so that a file with absurd times cannot make more partitions than a query may lock."""
SLICE = 5000
_MAKING = 7_241_032
"""PostgreSQL advisory lock: who makes a partition."""
_EPOCH = date(1970, 1, 1)
_OF_WEEK = "event_w"

Row = dict[str, Any]


_STORED = expanding(
    "SELECT e.event_id, e.t_recv, e.actor, e.t, e.day, e.type, e.body, e.visitor, e.tab, e.account, e.role, e.ua, e.t_client, e.t_sent"
    " FROM seen s JOIN event e ON e.actor = s.actor AND e.t = s.t AND e.event_id = s.event_id WHERE s.event_id IN :ids"
)
_NAMES_OF = expanding("SELECT event_id FROM event WHERE actor IN :ids")
_FORGET = expanding("DELETE FROM seen WHERE event_id IN :ids")


def store_once(db: Session, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Store what is new: gives the rows stored, and of the events that an earlier reception replaced what must be judged again.

    The rows come in the order of their ids, so that two writers with the same events wait for each other in turn and never in a circle.
    """
    first: dict[str, Row] = {}
    for row in rows:
        known = first.get(row["event_id"])
        if known is None or _received(row) < _received(known):
            first[row["event_id"]] = row
    if not is_sqlite(db):
        make_weeks(db, {row["day"] for row in first.values()})
    claimed = set(upsert_rows(db, "seen", ("event_id", "actor", "t", "t_recv"), list(first.values()), "(event_id) DO NOTHING", "event_id"))
    new = [row for row in first.values() if row["event_id"] in claimed]
    insert_rows(db, "event", COLUMNS, new)
    return new, _keep_first_received(db, {id: row for id, row in first.items() if id not in claimed})


def _received(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What decides which of several receptions was the first; of those in one moment anything, but always the same (as in `outcomes`)."""
    names = [row[name] or "" for name in ("visitor", "tab", "account", "role", "ua")]
    times = [-1 if row[name] is None else row[name] for name in ("t_client", "t_sent")]
    return (row["t_recv"], row["body"], *names, *times)


def _keep_first_received(db: Session, again: Mapping[str, Row]) -> list[Row]:
    replaced: list[Row] = []
    if again:
        prefer_indexes(db)
    for chunk in chunks(sorted(again)):
        for found in db.execute(_STORED, {"ids": chunk}).mappings().all():
            stored = dict(found)
            row = again[stored["event_id"]]
            if _received(row) < _received(stored):
                _replace(db, stored, row)
                replaced += [stored, row]
    return replaced


def _replace(db: Session, stored: Mapping[str, Any], row: Row) -> None:
    db.execute(
        text("DELETE FROM event WHERE actor = :actor AND t = :t AND event_id = :id"),
        {"actor": stored["actor"], "t": stored["t"], "id": row["event_id"]},
    )
    db.execute(text("UPDATE seen SET actor = :actor, t = :t, t_recv = :t_recv WHERE event_id = :event_id"), row)
    insert_rows(db, "event", COLUMNS, [row])


# -------------------------------------------------------------------------------------------------------------------- taking away


def delete_events_of(db: Session, actors: Iterable[str]) -> int:
    """Delete everything recorded under these names, and that it was ever seen; gives how many events."""
    removed = 0
    for chunk in chunks(sorted(actors)):
        removed += _forget(db, db.execute(_NAMES_OF, {"ids": chunk}).scalars())
        db.execute(expanding("DELETE FROM event WHERE actor IN :ids"), {"ids": chunk})
    return removed


def delete_events(db: Session, actor_of: Mapping[str, str]) -> int:
    """Delete single events, named by their ids and the names they are stored under."""
    for event_id, actor in sorted(actor_of.items()):
        db.execute(text("DELETE FROM event WHERE actor = :actor AND event_id = :id"), {"actor": actor, "id": event_id})
    return _forget(db, actor_of)


def _forget(db: Session, ids: Iterable[str]) -> int:
    known = list(ids)
    for chunk in chunks(sorted(known)):
        db.execute(_FORGET, {"ids": chunk})
    return len(known)


def drop_slice(db: Session, before: int) -> int:
    """Delete some of the events received before a day, oldest first; gives how many (0: none is left)."""
    place = "rowid" if is_sqlite(db) else "(tableoid, ctid)"
    old = "day >= 0 AND day < :before"
    chosen = f"SELECT {place.strip('()')} FROM event WHERE {old} ORDER BY day LIMIT :n"  # noqa: S608 — names of our own  # nosec B608
    sql = f"DELETE FROM event WHERE {old} AND {place} IN ({chosen}) RETURNING event_id"  # noqa: S608  # nosec B608
    return _forget(db, db.execute(text(sql), {"before": before, "n": SLICE}).scalars())


def drop_week(db: Session, before: int) -> int | None:
    """Drop one partition that holds nothing newer than a day; gives how many events it had, None if there is no such partition."""
    if is_sqlite(db):
        return None
    name = min((name for name in _partitions(db) if name.startswith(_OF_WEEK) and _day_after(name) <= before), default=None)
    if name is None:
        return None
    # A reader that takes its time must not make everybody wait behind us: we come again later.
    db.execute(text("SET LOCAL lock_timeout = '3s'"))
    db.execute(text("LOCK TABLE event IN ACCESS EXCLUSIVE MODE"))
    removed: int = db.execute(text(f"DELETE FROM seen USING {name} old WHERE seen.event_id = old.event_id")).rowcount  # type: ignore[attr-defined]  # noqa: S608  # nosec B608
    db.execute(text(f"DROP TABLE {name}"))
    return removed


# ---------------------------------------------------------------------------------------------------------------------- partitions


def monday_of(day: int) -> int:
    """The day number of the Monday of a day's week (day 0 was a Thursday)."""
    return day - (day + 3) % 7


def make_weeks(db: Session, days: Iterable[int]) -> None:
    """Make the partitions that these days need (PostgreSQL)."""
    wanted = {name: (low, high) for name, low, high in map(_partition_of, days)}
    if wanted.keys() <= _partitions(db):
        return
    db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MAKING})
    for name in sorted(wanted.keys() - _partitions(db)):
        low, high = wanted[name]
        # Made aside and attached: unlike a table made in its place, that lets others go on reading and writing.
        db.execute(text(f"CREATE TABLE {name} (LIKE event INCLUDING DEFAULTS INCLUDING INDEXES)"))
        db.execute(text(f"ALTER TABLE event ATTACH PARTITION {name} FOR VALUES FROM ({low}) TO ({high})"))


def _partitions(db: Session) -> set[str]:
    # Read as rows: what functions like to_regclass remember may be older than the lock we hold.
    sql = "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'event'::regclass"
    return set(db.execute(text(sql)).scalars())


def _partition_of(day: int) -> tuple[str, str, str]:
    """Name and bounds of the partition of a day."""
    if day == STANDING:
        return "event_standing", str(STANDING), "0"
    first, last = monday_of(FIRST_WEEK), monday_of(LAST_WEEK)
    if day < first:
        return "event_before", "0", str(first)
    if day >= last:
        return "event_after", str(last), "MAXVALUE"
    monday = monday_of(day)
    return f"{_OF_WEEK}{_EPOCH + timedelta(days=monday):%Y%m%d}", str(monday), str(monday + 7)


def _day_after(name: str) -> int:
    """The day after the last of the week that a partition is called by."""
    return (date.fromisoformat(name.removeprefix(_OF_WEEK)) - _EPOCH).days + 7


def kept_from(today: int, most_days: int) -> int:
    """The first day of which events are kept: whole weeks, none of them older than `most_days`."""
    return monday_of(today - most_days + 6)
