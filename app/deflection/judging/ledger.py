"""What is dirty is judged again; what changed is written, together with its ledger entry and its share of the roll-ups.

One transaction a batch: mark, outcome, ledger and roll-up move together or not at all, so a killed worker loses nothing and counts
nothing twice.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session as Db

from app.db import Database, DatabaseUnavailable
from app.deflection.bulk import chunks, expanding, insert_rows, upsert_rows
from app.deflection.judging.judging_lock import lock_for_judging
from app.deflection.judging.need_rows import Row, Rows, rollup_key
from app.deflection.judging.outcomes import FINAL, PROVISIONAL, judge, state_of
from app.deflection.judging.rulebook import Rulebook
from app.deflection.judging.versions import take_up
from app.deflection.models import (
    ContactRow,
    LedgerRow,
    NeedRow,
    NeedSearchRow,
    NeedTicketRow,
    NeedViewRow,
    VisitorSessionRow,
)
from app.deflection.recording.clock import DAY, HOUR
from app.deflection.recording.events import milliseconds
from app.deflection.recording.store import Tied, closure, events_of_actors, tied_to

log = logging.getLogger(__name__)

BATCH = 100
"""Dirty actors judged in one transaction: about a tenth of a second, in which others wait to write."""
CROWD = "crowd"
"""What the ledger names as the cause when somebody is judged without those whom a copied tab or form tied to them."""

CHILDREN = {"need_search": NeedSearchRow, "need_view": NeedViewRow, "need_ticket": NeedTicketRow}
_DEFERRED = 2**53
"""Added to the time of a mark that could not be worked off: no real time is as large."""
FROZEN_MARGIN = 10 * DAY


def recompute_due(database: Database, now: datetime, rules: Rulebook | None = None, limit: int | None = None, batch: int = BATCH) -> int:
    """Judge every marked person again and make final what time made final; gives how many marks (at most `limit`) were worked off.

    Safe to run twice or to be killed. With a `limit` what is left to be made final is left too: a feed that is complete at last may
    make a whole year final, and somebody's outcome must not wait for that.
    """
    rules = rules or Rulebook()
    done = 0
    take_up(database, rules, now)
    while limit is None or done < limit:
        with database.giving_way():
            step = _recompute_some(database, now, rules, batch if limit is None else min(batch, limit - done))
        done += step
        if not step:
            break
    while True:
        with database.giving_way(), database.session() as db:
            finished = finish_due(db, now, rules, is_sqlite=database.is_sqlite)
        if not finished or limit is not None:
            return done


def _recompute_some(database: Database, now: datetime, rules: Rulebook, size: int) -> int:
    """One batch; where it fails, one by one, and the person that cannot be judged waits behind the others instead of stopping them."""
    taken: dict[str, str] = {}
    try:
        with database.session() as db:
            taken |= _take_marks(db, size, milliseconds(now), database.is_sqlite)
            _recompute(db, now, rules, taken)
    except DatabaseUnavailable:
        raise
    except Exception:  # a mistake of ours about one person must not stop everybody's outcomes
        if size > 1:
            return sum(_recompute_some(database, now, rules, 1) for _ in range(size))
        log.exception("a person could not be judged; they are tried again in an hour")
        with database.session() as db:
            later = [{"actor": actor, "later": _DEFERRED + milliseconds(now) + HOUR} for actor in taken]
            db.execute(text("UPDATE dirty SET since = :later WHERE actor = :actor"), later)
        return 0
    return len(taken)


def _recompute(db: Db, now: datetime, rules: Rulebook, marks: Mapping[str, str]) -> None:
    """Judge the persons of these marks, which vanish only with the result."""
    if not marks:
        return
    tied = tied_to(db, marks)
    nodes, as_of = tied.names, milliseconds(now)
    judgement = judge(events_of_actors(db, nodes), rules, crowds=tied.crowds)
    judgement.watermark = watermark(db)
    rows = Rows(judgement, rules, as_of)
    frozen = frozen_before(db)
    rows.needs = {k: row for k, row in rows.needs.items() if row["first"] >= frozen}
    rows.sessions = {k: row for k, row in rows.sessions.items() if row["start"] >= frozen}
    rows.contacts = {k: row for k, row in rows.contacts.items() if row["t"] >= frozen}
    _note_crowds(db, tied, as_of)
    _write_needs(db, nodes, rows, marks, as_of, frozen)
    _sync(db, VisitorSessionRow, "id", nodes, rows.sessions, "start", frozen)
    _sync(db, ContactRow, "ticket_id", nodes, rows.contacts, "t", frozen, _as_told)


def _note_crowds(db: Db, tied: Tied, as_of: int) -> None:
    """Remember tabs and forms that tie nobody any more; whoever was judged together because of them is judged again."""
    if tied.fresh.names:
        upsert_rows(db, "crowd", ("name",), [{"name": name} for name in sorted(tied.fresh.names)], "(name) DO NOTHING")
        again = [{"actor": actor, "since": as_of, "cause": CROWD} for actor in sorted(tied.fresh.members - tied.names)]
        upsert_rows(db, "dirty", ("actor", "since", "cause"), again, "(actor) DO NOTHING")


def _take_marks(db: Db, size: int, due: int, is_sqlite: bool) -> dict[str, str]:
    """Up to `size` marks, the newest first: what somebody does now must not wait behind a year that is being imported."""
    lock_for_judging(db, is_sqlite)
    marks = _take(db, "since < :low ORDER BY since DESC, actor", size, is_sqlite, low=_DEFERRED)
    if len(marks) < size:
        deferred = "since >= :low AND since <= :high ORDER BY since, actor"
        marks |= _take(db, deferred, size - len(marks), is_sqlite, low=_DEFERRED, high=_DEFERRED + due)
    return marks


def _take(db: Db, which: str, size: int, is_sqlite: bool, **bounds: int) -> dict[str, str]:
    skip = "" if is_sqlite else " FOR UPDATE SKIP LOCKED"
    chosen = f"SELECT actor FROM dirty WHERE {which} LIMIT :n{skip}"  # noqa: S608 — no value in it  # nosec B608
    sql = f"DELETE FROM dirty WHERE actor IN ({chosen}) RETURNING actor, cause"  # noqa: S608  # nosec B608
    return {row[0]: row[1] for row in db.execute(text(sql), {"n": size, **bounds})}


def many_wait(db: Db, many: int) -> bool:
    """Whether more marks than this wait to be worked off: events are being imported, and most of what is stored will change in a moment."""
    return db.execute(text("SELECT 1 FROM dirty LIMIT 1 OFFSET :n"), {"n": many}).first() is not None


def frozen_before(db: Db) -> int:
    """Needs that began before this stay as they are, because some of their events may have been dropped."""
    kept_from = db.execute(text("SELECT kept_from FROM event_retention WHERE id = 1")).scalar()
    return 0 if kept_from is None else kept_from + FROZEN_MARGIN


def watermark(db: Db) -> int | None:
    """Up to when every ticket feed is complete."""
    return db.execute(text("SELECT min(t_complete) FROM ticket_feed")).scalar()


# ------------------------------------------------------------------------------------------------------------------- writing


def _stored(db: Db, table: Any, names: Iterable[str], time_column: str, frozen: int) -> list[Row]:
    columns = [c.name for c in table.__table__.columns]
    sql = expanding(
        f"SELECT {', '.join(_quoted(c) for c in columns)} FROM {table.__tablename__}"  # noqa: S608 — names of our own columns  # nosec B608
        f" WHERE home IN :homes AND {_quoted(time_column)} >= :frozen",
        "homes",
    )
    found: list[Row] = []
    for chunk in chunks(sorted(names)):
        found += [dict(zip(columns, row, strict=True)) for row in db.execute(sql, {"homes": chunk, "frozen": frozen})]
    return found


def _quoted(column: str) -> str:
    # first, last, end are words of SQL.
    return f'"{column}"'


def _insert(db: Db, table: Any, rows: Sequence[Row]) -> None:
    if rows:
        insert_rows(db, table.__tablename__, list(rows[0]), rows)


def _delete(db: Db, table: str, column: str, ids: Iterable[str]) -> None:
    sql = expanding(f"DELETE FROM {table} WHERE {column} IN :ids")  # noqa: S608 — our own names  # nosec B608
    for chunk in chunks(sorted(ids)):
        db.execute(sql, {"ids": chunk})


def _sync(
    db: Db,
    table: Any,
    key: str,
    nodes: Iterable[str],
    new: Mapping[str, Row],
    time_column: str,
    frozen: int,
    keep: Callable[[Row, Row], None] = lambda old, new: None,
) -> None:
    """Make the stored rows of these actors equal to `new`, touching only what differs; `keep` takes over what others gave the old row."""
    old = {row[key]: row for row in _stored(db, table, nodes, time_column, frozen)}
    for k in old.keys() & new.keys():
        keep(old[k], new[k])
    different = [row for k, row in new.items() if old.get(k) != row]
    gone = [k for k in old if k not in new]
    if gone or different:
        contacts = (
            [*different, *(old[row[key]] for row in different if row[key] in old), *(old[k] for k in gone)] if table is ContactRow else []
        )
        raise_stamp(db, {row["day"] for row in contacts})
        _delete(db, table.__tablename__, key, [*gone, *(row[key] for row in different)])
        _insert(db, table, different)


def _as_told(old: Row, new: Row) -> None:
    """The language and the group of a contact stay while what they were told by does."""
    if all(old[name] == new[name] for name in ("subject", "linked", "valid", "inbound", "duplicate")):
        new |= {name: old[name] for name in ("lang", "subject_group", "told")}


def _write_needs(db: Db, nodes: set[str], rows: Rows, marks: Mapping[str, str], as_of: int, frozen: int) -> None:
    old = {row["id"]: row for row in _stored(db, NeedRow, nodes, "first", frozen)}
    different = []
    for ident, row in rows.needs.items():
        known = old.get(ident)
        row["cluster"] = known["cluster"] if known is not None and known["q"] == row["q"] else None
        if known is None or known["fingerprint"] != row["fingerprint"] or known["state"] != row["state"]:
            different.append(row)
    gone = [row for ident, row in old.items() if ident not in rows.needs]
    if not different and not gone:
        return
    raise_stamp(db, {row["day"] for row in (*different, *gone)} | {old[row["id"]]["day"] for row in different if row["id"] in old})
    touched = [row["id"] for row in different if row["id"] in old] + [row["id"] for row in gone]
    for name in (*CHILDREN, "need"):
        _delete(db, name, "id" if name == "need" else "need_id", touched)
    _insert(db, NeedRow, different)
    for name, table in CHILDREN.items():
        _insert(db, table, [child for row in different for child in rows.children[row["id"]][name]])
    _write_ledger(db, old, different, gone, _Causes(db, marks), as_of)
    move_rollups(db, [old[row["id"]] for row in different if row["id"] in old] + gone, different)


class _Causes:
    """Which event led to a change: the mark on the need's own actor, else the one mark of the batch that is tied to it."""

    def __init__(self, db: Db, marks: Mapping[str, str]) -> None:
        self._db, self._marks = db, marks
        self._tied: dict[str, str] = {}

    def of(self, home: str) -> str:
        if home in self._marks:
            return self._marks[home]
        if len(self._marks) == 1:
            return next(iter(self._marks.values()))
        if home not in self._tied:
            near = closure(self._db, [home])
            self._tied[home] = next((cause for actor, cause in sorted(self._marks.items()) if actor in near), "")
        return self._tied[home]


def _write_ledger(db: Db, old: Mapping[str, Row], different: Sequence[Row], gone: Sequence[Row], causes: _Causes, as_of: int) -> None:
    entries = []
    for row in different:
        known = old.get(row["id"])
        if known is None or (known["outcome"], known["rule"]) != (row["outcome"], row["rule"]):
            entries.append(ledger_entry(known, row, causes.of(row["home"]), as_of))
    entries += [ledger_entry(row, None, causes.of(row["home"]), as_of) for row in gone]
    _insert(db, LedgerRow, entries)


def ledger_entry(old: Row | None, new: Row | None, cause: str, as_of: int) -> Row:
    """A ledger row: a need is new, had one outcome and now has another, or is part of another need."""
    old, any_row = old or {}, new or old or {}
    new = new or {}
    return {
        "need_id": any_row["id"],
        "from_outcome": old.get("outcome"),
        "to_outcome": new.get("outcome"),
        "from_rule": old.get("rule"),
        "to_rule": new.get("rule"),
        "from_state": old.get("state"),
        "cause": cause,
        "as_of": as_of,
        "day": old.get("day", any_row["day"]),
        "version": any_row["version"],
    }


def raise_stamp(db: Db, days: Iterable[int] = ()) -> None:
    """Say that stored needs changed, so that whoever keeps numbers made of them reads again; `days` are those whose columns changed."""
    db.execute(text("INSERT INTO outcome_stamp (id, n) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = outcome_stamp.n + 1"))
    gone = [{"day": day} for day in sorted(days)]
    if gone:
        db.execute(text("DELETE FROM need_columns WHERE day = :day"), gone)


def outcome_stamp(db: Db) -> int:
    """A number that is another one whenever any stored need changed."""
    return int(db.execute(text("SELECT n FROM outcome_stamp WHERE id = 1")).scalar() or 0)


_ROLLUP = text(
    "INSERT INTO rollup_day (day, kind, cluster, article, locale, link_class, outcome, state, n)"
    " VALUES (:day, :kind, :cluster, :article, :locale, :link_class, :outcome, :state, :n)"
    " ON CONFLICT (day, kind, cluster, article, locale, link_class, outcome, state) DO UPDATE SET n = rollup_day.n + excluded.n"
)
_ROLLUP_COLUMNS = ("day", "kind", "cluster", "article", "locale", "link_class", "outcome", "state")


def move_rollups(db: Db, removed: Iterable[Mapping[str, Any]], added: Iterable[Mapping[str, Any]]) -> None:
    """Signed deltas for needs that left and entered; each row needs the columns of `rollup_key`."""
    deltas: Counter[tuple[Any, ...]] = Counter()
    for row in added:
        deltas[rollup_key(row)] += 1
    for row in removed:
        deltas[rollup_key(row)] -= 1
    moves = [{**dict(zip(_ROLLUP_COLUMNS, key, strict=True)), "n": n} for key, n in sorted(deltas.items()) if n]
    if moves:
        db.execute(_ROLLUP, moves)


# ------------------------------------------------------------------------------------------------------------------ finality


def finish_due(db: Db, now: datetime, rules: Rulebook, is_sqlite: bool = True, limit: int = 1000) -> int:
    """Needs whose window is over become final; gives how many did."""
    lock_for_judging(db, is_sqlite)
    as_of, complete = milliseconds(now), watermark(db)
    if rules.require_watermark and complete is None:
        return 0
    # Needs whose tickets may not all be there yet are left out here, not below: a thousand of them would hide those that are due.
    seen = as_of if complete is None or not rules.require_watermark else complete - rules.window_ms
    rows = db.execute(
        text(
            "SELECT id, day, kind, cluster, article, lang, link_class, outcome, state, final_at, last FROM need"
            " WHERE state = :state AND final_at <= :as_of AND last <= :seen ORDER BY final_at LIMIT :n"
        ),
        {"state": PROVISIONAL, "as_of": as_of, "seen": seen, "n": limit},
    ).mappings().all()  # fmt: skip
    due = [dict(row) for row in rows if state_of(row["final_at"], row["last"], as_of, complete, rules) == FINAL]
    if due:
        sql = expanding("UPDATE need SET state = :final WHERE id IN :ids AND state = :was")
        for chunk in chunks(sorted(row["id"] for row in due)):
            db.execute(sql, {"final": FINAL, "was": PROVISIONAL, "ids": chunk})
        raise_stamp(db)
        move_rollups(db, due, [{**row, "state": FINAL} for row in due])
    return len(due)
