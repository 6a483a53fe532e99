"""How long things are kept, and how a person is given or rid of what we know (rule 5.4)."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import Database, DatabaseUnavailable
from app.deflection.bulk import chunks, expanding, prefer_indexes
from app.deflection.judging.judging_lock import keep_recorders_out, lock_for_judging
from app.deflection.judging.ledger import CHILDREN, ledger_entry, move_rollups, raise_stamp
from app.deflection.judging.need_rows import rollup_key
from app.deflection.packing.asked_columns import forget_asked_before
from app.deflection.recording.clock import DAY
from app.deflection.recording.event_table import delete_events, delete_events_of, drop_slice, drop_week, kept_from, make_weeks
from app.deflection.recording.events import milliseconds
from app.deflection.recording.store import closure, events_of_actors, in_order
from app.deflection.recording.who_is_who import keep_who_is_who

log = logging.getLogger(__name__)

NEED_DAYS = 730
"""Needs, which hold no text by then, are kept for 24 months; roll-ups stay."""
CLUSTER_PERSONS = 5
"""A cluster with fewer persons left than this is not named on an erased need."""
TIES_AT_ONCE = 2000
"""Names whose ties go in one transaction: some hundredths of a second, in which others wait to write."""
WEEKS_AHEAD = 2
"""Weeks for whose events there is room before the first of them comes."""

_ROLLUP_COLUMNS = ("day", "kind", "cluster", "article", "locale", "link_class", "outcome", "state")
_NEED_COLUMNS = "id, home, person, day, kind, cluster, article, lang, link_class, outcome, rule, state, version"


@dataclass(frozen=True)
class Erased:
    """What erasing a person took away."""

    events: int = 0
    needs: int = 0
    tickets: int = 0


def apply_retention(database: Database, now: datetime, event_days: int = 180, need_days: int = NEED_DAYS) -> int:
    """Drop the weeks with raw events older than `event_days`, blank the text of their needs, and drop needs older than `need_days`.

    Gives how many events were dropped. Also makes the room for the events of the coming weeks.
    """
    today = milliseconds(now) // DAY
    kept = kept_from(today, event_days)
    with database.session() as db:
        lock_for_judging(db, database.is_sqlite)
        if not database.is_sqlite:
            make_weeks(db, [today + 7 * week for week in range(WEEKS_AHEAD + 1)])
        db.execute(
            text(
                "INSERT INTO event_retention (id, kept_from) VALUES (1, :t) ON CONFLICT (id) DO UPDATE SET kept_from ="
                " CASE WHEN excluded.kept_from > event_retention.kept_from THEN excluded.kept_from ELSE event_retention.kept_from END"
            ),
            {"t": kept * DAY},
        )
        if db.execute(text("SELECT 1 FROM event WHERE day >= 0 AND day < :day LIMIT 1"), {"day": kept}).first():
            _forget_packed(db, kept)
    with database.giving_way(), database.session() as db:
        lock_for_judging(db, database.is_sqlite)
        keep_who_is_who(db, kept)
    removed = _drop_events(database, kept)
    _day_after_day(database, _WITH_TEXTS, kept, _blank_texts)
    _day_after_day(database, _WITH_NEEDS, today - need_days, _drop_needs)
    with database.session() as db:
        lock_for_judging(db, database.is_sqlite)
        if removed:
            _forget_packed(db, kept)
    _drop_ties(database)
    return removed


def _drop_ties(database: Database) -> None:
    """Forget the ties of names under which nothing is known any more, also those that a killed worker left, some thousands at a time."""
    with database.session() as db:
        names = db.execute(_TIED_TO_NOTHING).scalars().all()
    for some in chunks(names, TIES_AT_ONCE):
        with database.giving_way(), database.session() as db:
            lock_for_judging(db, database.is_sqlite)
            # Whose first event is being written at this moment is not seen yet; what we leave then goes the next time.
            if keep_recorders_out(db, database.is_sqlite):
                prefer_indexes(db)
                db.execute(_DROP_TIES, {"ids": some})
    with database.session() as db:
        lock_for_judging(db, database.is_sqlite)
        db.execute(text("DELETE FROM crowd WHERE NOT EXISTS (SELECT 1 FROM identity_edge WHERE b = name)"))


def _forget_packed(db: Session, before: int) -> None:
    """What was packed of these days knows more than is kept."""
    forget_asked_before(db, before)
    db.execute(text("DELETE FROM need_columns WHERE day < :day AND surveys"), {"day": before})


def _day_after_day(database: Database, which: Any, before: int, act: Callable[[Session, int], None]) -> None:
    """A transaction for each day before one that there is something to do about: nobody waits for a whole year to go."""
    with database.session() as db:
        days = sorted(set(db.execute(which, {"day": before}).scalars()))
    for day in days:
        with database.giving_way(), database.session() as db:
            lock_for_judging(db, database.is_sqlite)
            act(db, day)


def _drop_events(database: Database, before: int) -> int:
    """Whole weeks where there are partitions, slices elsewhere; a transaction each, so that nobody waits for long."""
    removed = 0
    try:
        while (week := _step(database, drop_week, before)) is not None:
            removed += week
    except DatabaseUnavailable:
        log.warning("a week of events is being read and cannot be dropped: it goes by rows, its partition next time")
    while rows := _step(database, drop_slice, before):
        removed += rows
    return removed


def _step(database: Database, drop: Callable[[Session, int], int | None], before: int) -> int | None:
    with database.giving_way(), database.session() as db:
        lock_for_judging(db, database.is_sqlite)
        return drop(db, before)


_WITH_TEXTS = text(
    "SELECT day FROM need WHERE day < :day AND q <> '' UNION SELECT day FROM need_search WHERE day < :day AND q <> ''"
    " UNION SELECT day FROM contact WHERE day < :day AND subject <> ''"
)
_WITH_NEEDS = text(
    "SELECT day FROM need WHERE day < :day UNION SELECT day FROM visitor_session WHERE day < :day UNION SELECT day FROM contact WHERE day < :day"
    " UNION SELECT day FROM outcome_ledger WHERE day < :day"
)


_NOTHING_KNOWN = "NOT EXISTS (SELECT 1 FROM event WHERE event.actor = identity_edge.a)"
_TIED_TO_NOTHING = text(f"SELECT DISTINCT a FROM identity_edge WHERE {_NOTHING_KNOWN} ORDER BY a")  # noqa: S608 — no value in it  # nosec B608
_DROP_TIES = expanding(f"DELETE FROM identity_edge WHERE a IN :ids AND {_NOTHING_KNOWN}")  # noqa: S608 — no value in it  # nosec B608


def _blank_texts(db: Session, day: int) -> None:
    db.execute(text("UPDATE need SET q = '' WHERE day = :day AND q <> ''"), {"day": day})
    db.execute(text("UPDATE need_search SET q = '' WHERE day = :day AND q <> ''"), {"day": day})
    db.execute(text("UPDATE contact SET subject = '' WHERE day = :day AND subject <> ''"), {"day": day})


def _drop_needs(db: Session, day: int) -> None:
    rows = db.execute(text(f"SELECT {_NEED_COLUMNS} FROM need WHERE day = :day"), {"day": day}).mappings().all()  # noqa: S608  # nosec B608
    remember_removed(db, rows)
    _delete_needs(db, [row["id"] for row in rows])
    if rows:
        raise_stamp(db)
    for table in ("visitor_session", "contact", "need_columns", "outcome_ledger"):
        db.execute(text(f"DELETE FROM {table} WHERE day = :day"), {"day": day})  # noqa: S608 — our own tables  # nosec B608


def remember_removed(db: Session, rows: Iterable[Any]) -> None:
    """Count needs that leave their table but stay in the roll-ups."""
    sql = text(
        f"INSERT INTO rollup_erased ({', '.join(_ROLLUP_COLUMNS)}, n) VALUES ({', '.join(':' + c for c in _ROLLUP_COLUMNS)}, 1)"  # noqa: S608  # nosec B608
        f" ON CONFLICT ({', '.join(_ROLLUP_COLUMNS)}) DO UPDATE SET n = rollup_erased.n + 1"
    )
    values = [dict(zip(_ROLLUP_COLUMNS, rollup_key(row), strict=True)) for row in rows]
    if values:
        db.execute(sql, values)


def _delete_needs(db: Session, ids: list[str], keep_need: bool = False) -> None:
    for chunk in chunks(ids):
        for name in CHILDREN:
            db.execute(expanding(f"DELETE FROM {name} WHERE need_id IN :ids"), {"ids": chunk})  # noqa: S608 — our own tables  # nosec B608
        if not keep_need:
            db.execute(expanding("DELETE FROM need WHERE id IN :ids"), {"ids": chunk})


# -------------------------------------------------------------------------------------------------------------------- a person


@dataclass(frozen=True)
class _Traces:
    """Where a person is found: actors that are theirs alone, and events of theirs on browsers that others used as well."""

    actors: set[str]
    shared: dict[str, str]
    """event_id → the actor it is stored under."""
    account: str | None
    merged: frozenset[str] = frozenset()
    """Tickets of others that a helpdesk merged with theirs: judged with them, but not theirs."""


def _traces(
    db: Session, account: str | None = None, visitor: str | None = None, requester: str | None = None, tab: str | None = None
) -> _Traces:
    names = {f"{kind}:{name}" for kind, name in (("a", account), ("v", visitor), ("r", requester), ("t", tab)) if name}
    tied, merged = _without_merges(db, names, closure(db, names))
    accounts = {name[2:] for name in tied if name[0] == "a"}
    if account is None and len(accounts) == 1:
        account = next(iter(accounts))
    if accounts <= {account}:
        return _Traces(tied, {}, account, merged)
    # A shared browser: what was done under another account belongs to that account's person, the rest to nobody we could name.
    mine = set(names)
    shared: dict[str, str] = {}
    for actor in sorted(tied - names):
        events = events_of_actors(db, [actor])
        owners = {event.account for event in events}
        if owners and owners <= {account} - {None}:
            mine.add(actor)
        elif account is not None:
            shared |= {event.event_id: actor for event in events if event.account == account}
    return _Traces(mine, shared, account, merged)


def _without_merges(db: Session, names: set[str], tied: set[str]) -> tuple[set[str], frozenset[str]]:
    """What of the tied names is tied by more than two tickets having been merged, and the tickets where that ends.

    Two people may write about one thing, and a helpdesk makes one ticket of it: that does not make them one person.
    """
    beside: dict[str, set[str]] = defaultdict(set)
    merges: dict[str, set[str]] = defaultdict(set)
    for row in _rows_of(db, "SELECT a, b FROM identity_edge WHERE a IN :ids", tied):
        ties = merges if row["a"].startswith("k:") and row["b"].startswith("k:") else beside
        ties[row["a"]].add(row["b"])
        ties[row["b"]].add(row["a"])
    known, fresh = set(names), set(names)
    while fresh:
        fresh = {other for name in fresh for other in beside[name]} & tied - known
        known |= fresh
    return known, frozenset(other for name in known for other in merges[name]) - known


def export_person(db: Session, **names: str | None) -> dict[str, Any]:
    """Everything recorded about a person (`account`, `visitor`, `requester`, `tab`): events in order, and what they came to."""
    traces = _traces(db, **names)
    events = events_of_actors(db, traces.actors)
    events += [e for e in events_of_actors(db, set(traces.shared.values())) if e.event_id in traces.shared]
    return {"events": [event.to_dict() for event in in_order(events)], "needs": [dict(row) for row in _needs(db, traces, "*")]}


def _needs(db: Session, traces: _Traces, columns: str) -> list[Any]:
    found = _rows_of(db, f"SELECT {columns} FROM need WHERE home IN :ids", traces.actors)  # noqa: S608 — our own columns  # nosec B608
    if traces.account is not None:
        person = f"a:{traces.account}"
        elsewhere = _rows_of(db, f"SELECT {columns} FROM need WHERE home IN :ids", set(traces.shared.values()))  # noqa: S608  # nosec B608
        found += [row for row in elsewhere if row["person"] == person]
    return found


def erase_person(database: Database, now: datetime, **names: str | None) -> Erased:
    """Delete a person's events and names; their needs keep outcome, day and (if others share it) cluster, the roll-ups stay.

    A tie to something we know no more (a form, a ticket of somebody else) goes as well. The event ids are gone, so a beacon that is
    sent again afterwards would be new: it would come under a name that means nobody.
    """
    with database.durable_session() as db:
        lock_for_judging(db, database.is_sqlite)
        traces = _traces(db, **names)
        raise_stamp(db, _days_of_contacts(db, traces.actors))
        forget_asked_before(db)
        needs = _needs(db, traces, _NEED_COLUMNS)
        _forget_needs(db, needs, milliseconds(now))
        events = delete_events_of(db, traces.actors) + delete_events(db, traces.shared)
        _delete_where(db, "visitor_session", "home", traces.actors)
        _delete_where(db, "dirty", "actor", traces.actors)
        _delete_where(db, "survey_asked", "person", traces.actors)
        _delete_where(db, "identity_edge", "a", traces.actors)
        _delete_where(db, "identity_edge", "b", traces.actors)
        # Others who used the same browser, or whose ticket was merged with theirs, are judged again without these events.
        for actor in sorted({*traces.shared.values(), *traces.merged}):
            db.execute(
                text("INSERT INTO dirty (actor, since, cause) VALUES (:a, :t, 'erasure') ON CONFLICT (actor) DO NOTHING"),
                {"a": actor, "t": milliseconds(now)},
            )
        return Erased(events, len(needs), _delete_where(db, "contact", "home", traces.actors))


def _days_of_contacts(db: Session, actors: set[str]) -> set[int]:
    return {row["day"] for row in _rows_of(db, "SELECT DISTINCT day FROM contact WHERE home IN :ids", actors)}


def _delete_where(db: Session, table: str, column: str, names: Iterable[str]) -> int:
    removed = 0
    for chunk in chunks(sorted(names)):
        found = db.execute(expanding(f"DELETE FROM {table} WHERE {column} IN :ids"), {"ids": chunk})  # noqa: S608  # nosec B608
        removed += found.rowcount  # type: ignore[attr-defined]
    return removed


def _rows_of(db: Session, sql: str, nodes: Iterable[str]) -> list[Any]:
    return [row for chunk in chunks(sorted(nodes)) for row in db.execute(expanding(sql), {"ids": chunk}).mappings()]


def _forget_needs(db: Session, needs: list[Any], as_of: int) -> None:
    """Needs lose their person and text; a cluster that has too few other persons goes too."""
    if not needs:
        return
    raise_stamp(db, {row["day"] for row in needs})
    _delete_needs(db, [row["id"] for row in needs], keep_need=True)
    for row in needs:
        cluster = row["cluster"] if _is_shared(db, row["cluster"], row["person"]) else None
        if cluster != row["cluster"]:
            move_rollups(db, [row], [{**row, "cluster": None}])
        db.execute(
            text("UPDATE need SET home = '', person = '', q = '', cluster = :cluster WHERE id = :id"), {"cluster": cluster, "id": row["id"]}
        )
        entry = {**ledger_entry(dict(row), dict(row), "erasure of a person", as_of), "to_outcome": "erased"}
        db.execute(
            text(
                f"INSERT INTO outcome_ledger ({', '.join(entry)}) VALUES ({', '.join(':' + k for k in entry)})"  # noqa: S608 — our own columns  # nosec B608
            ),
            entry,
        )


def _is_shared(db: Session, cluster: int | None, person: str) -> bool:
    if cluster is None:
        return False
    others = db.execute(
        text("SELECT count(DISTINCT person) FROM need WHERE cluster = :c AND person <> :p AND person <> ''"), {"c": cluster, "p": person}
    ).scalar()
    return int(others or 0) >= CLUSTER_PERSONS
