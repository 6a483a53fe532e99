"""How long things are kept, and how a person is given or rid of what we know (rule 5.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from app.db import Database
from app.deflection.clock import DAY
from app.deflection.events import milliseconds
from app.deflection.ledger import CHILDREN, ledger_entry, lock_for_judging, move_rollups, raise_stamp
from app.deflection.need_rows import rollup_key
from app.deflection.store import closure, events_of_actors, in_order

NEED_DAYS = 730
"""Needs, which hold no text by then, are kept for 24 months; roll-ups stay."""
CLUSTER_PERSONS = 5
"""A cluster with fewer persons left than this is not named on an erased need."""
_SLICE = 5000

_ROLLUP_COLUMNS = ("day", "kind", "cluster", "article", "locale", "link_class", "outcome", "state")
_NEED_COLUMNS = "id, home, person, day, kind, cluster, article, lang, link_class, outcome, rule, state, version"


@dataclass(frozen=True)
class Erased:
    """What erasing a person took away."""

    events: int = 0
    needs: int = 0
    tickets: int = 0


def apply_retention(database: Database, now: datetime, event_days: int = 180, need_days: int = NEED_DAYS) -> int:
    """Drop raw events older than `event_days` and blank the text of their needs; drop needs older than `need_days`. Gives dropped events."""
    today = milliseconds(now) // DAY
    with database.session() as db:
        lock_for_judging(db, database.is_sqlite)
        db.execute(
            text(
                "INSERT INTO event_retention (id, kept_from) VALUES (1, :t) ON CONFLICT (id) DO UPDATE SET kept_from ="
                " CASE WHEN excluded.kept_from > event_retention.kept_from THEN excluded.kept_from ELSE event_retention.kept_from END"
            ),
            {"t": (today - event_days) * DAY},
        )
    removed = 0
    while True:
        with database.session() as db:
            lock_for_judging(db, database.is_sqlite)
            step = _drop_events(db, today - event_days)
        removed += step
        if step < _SLICE:
            break
    with database.session() as db:
        lock_for_judging(db, database.is_sqlite)
        _blank_texts(db, today - event_days)
        _drop_needs(db, today - need_days)
        db.execute(text("DELETE FROM identity_edge WHERE NOT EXISTS (SELECT 1 FROM event WHERE event.actor = identity_edge.a)"))
        db.execute(text("DELETE FROM outcome_ledger WHERE day < :day"), {"day": today - need_days})
    return removed


def _drop_events(db: Session, before: int) -> int:
    # An exclusion is a setting rather than something a visitor did: it holds for as long as the browser or account lives.
    ids = list(
        db.execute(
            text("SELECT id FROM event WHERE day < :day AND type <> 'exclude' ORDER BY day, type LIMIT :n"),
            {"day": before, "n": _SLICE},
        ).scalars()
    )
    for i in range(0, len(ids), 400):
        db.execute(_expanding("DELETE FROM event WHERE id IN :ids"), {"ids": ids[i : i + 400]})
    return len(ids)


def _expanding(sql: str) -> Any:
    return text(sql).bindparams(bindparam("ids", expanding=True))


def _blank_texts(db: Session, before: int) -> None:
    db.execute(text("UPDATE need SET q = '' WHERE day < :day AND q <> ''"), {"day": before})
    db.execute(text("UPDATE need_search SET q = '' WHERE day < :day AND q <> ''"), {"day": before})
    db.execute(text("UPDATE contact SET subject = '' WHERE day < :day AND subject <> ''"), {"day": before})


def _drop_needs(db: Session, before: int) -> None:
    rows = db.execute(text(f"SELECT {_NEED_COLUMNS} FROM need WHERE day < :day"), {"day": before}).mappings().all()  # noqa: S608
    remember_removed(db, rows)
    _delete_needs(db, [row["id"] for row in rows])
    db.execute(text("DELETE FROM visitor_session WHERE day < :day"), {"day": before})
    db.execute(text("DELETE FROM contact WHERE day < :day"), {"day": before})


def remember_removed(db: Session, rows: Iterable[Any]) -> None:
    """Count needs that leave their table but stay in the roll-ups."""
    sql = text(
        f"INSERT INTO rollup_erased ({', '.join(_ROLLUP_COLUMNS)}, n) VALUES ({', '.join(':' + c for c in _ROLLUP_COLUMNS)}, 1)"  # noqa: S608
        f" ON CONFLICT ({', '.join(_ROLLUP_COLUMNS)}) DO UPDATE SET n = rollup_erased.n + 1"
    )
    values = [dict(zip(_ROLLUP_COLUMNS, rollup_key(row), strict=True)) for row in rows]
    if values:
        db.execute(sql, values)


def _delete_needs(db: Session, ids: list[str], keep_need: bool = False) -> None:
    for i in range(0, len(ids), 400):
        for name in CHILDREN:
            db.execute(_expanding(f"DELETE FROM {name} WHERE need_id IN :ids"), {"ids": ids[i : i + 400]})  # noqa: S608 — our own tables
        if not keep_need:
            db.execute(_expanding("DELETE FROM need WHERE id IN :ids"), {"ids": ids[i : i + 400]})


# -------------------------------------------------------------------------------------------------------------------- a person


def names_of_person(
    db: Session, account: str | None = None, visitor: str | None = None, requester: str | None = None, tab: str | None = None
) -> set[str]:
    """The names a person is stored under: their account and sender, and the browsers and tabs that nobody else used."""
    names = {f"{kind}:{name}" for kind, name in (("a", account), ("v", visitor), ("r", requester), ("t", tab)) if name}
    tied = closure(db, names)
    others = {name for name in tied if name[0] == "a"} - names
    if not others or account is None:
        return tied
    # A shared browser: what was done under another account belongs to that account's person.
    mine = set(names)
    for actor in sorted(tied):
        accounts = {e.account for e in events_of_actors(db, [actor]) if e.account}
        if accounts and accounts <= {account}:
            mine.add(actor)
    return mine


def export_person(db: Session, **names: str | None) -> dict[str, Any]:
    """Everything recorded about a person (`account`, `visitor`, `requester`, `tab`): events in order, and what they came to."""
    nodes = names_of_person(db, **names)
    needs = [dict(row) for home in sorted(nodes) for row in db.execute(text("SELECT * FROM need WHERE home = :h"), {"h": home}).mappings()]
    return {"events": [event.to_dict() for event in in_order(events_of_actors(db, nodes))], "needs": needs}


def erase_person(database: Database, now: datetime, **names: str | None) -> Erased:
    """Delete a person's events and names; their needs keep outcome, day and (if others share it) cluster, the roll-ups stay.

    A tie to something we know no more (a form, a ticket of somebody else) goes as well. The event ids are gone, so a beacon that is
    sent again afterwards would be new: it would come under a name that means nobody.
    """
    with database.durable_session() as db:
        lock_for_judging(db, database.is_sqlite)
        nodes = names_of_person(db, **names)
        needs = _rows_of(db, f"SELECT {_NEED_COLUMNS} FROM need WHERE home IN :ids", nodes)  # noqa: S608 — our own columns
        _forget_needs(db, needs, milliseconds(now))
        removed = dict.fromkeys(("event", "visitor_session", "contact"), 0)
        for table, column in (("event", "actor"), ("visitor_session", "home"), ("contact", "home"), ("dirty", "actor")):
            for i in range(0, len(ordered := sorted(nodes)), 400):
                found = db.execute(_expanding(f"DELETE FROM {table} WHERE {column} IN :ids"), {"ids": ordered[i : i + 400]})  # noqa: S608
                removed[table] = removed.get(table, 0) + found.rowcount  # type: ignore[attr-defined]
        for i in range(0, len(ordered), 400):
            db.execute(_expanding("DELETE FROM identity_edge WHERE a IN :ids"), {"ids": ordered[i : i + 400]})
            db.execute(_expanding("DELETE FROM identity_edge WHERE b IN :ids"), {"ids": ordered[i : i + 400]})
        return Erased(removed["event"], len(needs), removed["contact"])


def _rows_of(db: Session, sql: str, nodes: Iterable[str]) -> list[Any]:
    ordered, found = sorted(nodes), []
    for i in range(0, len(ordered), 400):
        found += db.execute(_expanding(sql), {"ids": ordered[i : i + 400]}).mappings().all()
    return found


def _forget_needs(db: Session, needs: list[Any], as_of: int) -> None:
    """Needs lose their person and text; a cluster that has too few other persons goes too."""
    if not needs:
        return
    raise_stamp(db)
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
                f"INSERT INTO outcome_ledger ({', '.join(entry)}) VALUES ({', '.join(':' + k for k in entry)})"  # noqa: S608 — our own columns
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
