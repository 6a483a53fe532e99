"""Taking back what was done to a group of questions, from its history: a name, a pin, a split, a merge, by whomever."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app.deflection.grouping.cluster_store import (
    Before,
    ClusterNotFound,
    assign,
    bag_of,
    follow_bags,
    language_of,
    living,
    move_needs,
    note_act,
)
from app.deflection.recording.events import milliseconds
from app.deflection.reporting.definitions import N_
from app.deflection.reporting.report_models import ClusterBagRow, ClusterChangeRow, QueryClusterRow
from app.errors import Conflict


class CannotUndo(Conflict):
    """The act was undone already, or something done later stands on it."""


def undo_change(db: Session, change: int, who: str, now: datetime) -> int:
    """Take an act back and note that; gives the group to look at then. Raises `CannotUndo` and `ClusterNotFound`."""
    row = db.get(ClusterChangeRow, change)
    if row is None or row.action not in _UNDO:
        raise ClusterNotFound("There is no such act.")
    if not row.before or row.undone_at is not None:
        raise CannotUndo(N_("This was undone already."))
    shown = _UNDO[row.action](db, row, _before(row.before), now)
    row.undone_at = milliseconds(now)
    other = row.cluster if row.cluster != shown else row.other
    note_act(db, now, who, "undo", shown, other, row.detail)
    return shown


def _before(kept: str) -> Before:
    given = json.loads(kept)
    return Before(
        tuple((b, c, bool(leads), bool(pin)) for b, c, leads, pin in given["bags"]), given["name"], given["given"], given["redirects"]
    )


def _undo_rename(db: Session, act: ClusterChangeRow, before: Before, now: datetime) -> int:
    row = living(db, act.cluster)
    if row.name != before.given:
        raise CannotUndo(N_("It was renamed again since. Undo that first."))
    row.name = before.name
    return row.id


def _undo_pin(db: Session, act: ClusterChangeRow, before: Before, now: datetime) -> int:
    row = living(db, act.cluster)
    name, home, leads, pinned = before.bags[0]
    bag = _bag(db, row.language, name)
    if bag is None or bag.cluster != row.id:
        raise CannotUndo(N_("The query was moved again since. Undo that first."))
    if home is None:
        # Nobody had asked it before it was put here: the next one finds its group by itself, and so do those who asked meanwhile.
        db.delete(bag)
        db.flush()
        _assign_again(db, row, name, now)
        return row.id
    _put(bag, living(db, home).id, leads and _leads_nothing(db, home, name), pinned)
    db.flush()
    follow_bags(db, row.id)
    return row.id


def _undo_split(db: Session, act: ClusterChangeRow, before: Before, now: datetime) -> int:
    new, old = living(db, act.cluster), living(db, act.other or 0)
    known = {name: (leads, pinned) for name, _home, leads, pinned in before.bags}
    for bag in _bags_of(db, new.id, old.id):
        # What came to the new group since goes along; only what was there before gets back what it was.
        leads, pinned = known.get(bag.bag, (False, bag.pinned))
        _put(bag, old.id, leads, pinned)
    new.merged_into = old.id
    db.flush()
    move_needs(db, [(need, old.id) for need in db.execute(text("SELECT id FROM need WHERE cluster = :new"), {"new": new.id}).scalars()])
    return old.id


def _undo_merge(db: Session, act: ClusterChangeRow, before: Before, now: datetime) -> int:
    into = living(db, act.other or 0)
    old = db.get_one(QueryClusterRow, act.cluster)
    if old.merged_into not in (into.id, None):
        raise CannotUndo(N_("The groups were merged further since. Undo that first."))
    known = {name: leads for name, _home, leads, _pinned in before.bags}
    back = [bag for bag in _bags_of(db, into.id) if bag.bag in known]
    if not back:
        raise CannotUndo(N_("None of its queries is there any more."))
    was_gone, old.merged_into = old.merged_into is not None, None
    for bag in back:
        # Pinned, or the next night would merge them again.
        _put(bag, old.id, was_gone and known[bag.bag], True)
    if was_gone and not any(bag.leads for bag in back):
        max(back, key=lambda bag: (bag.n, bag.bag)).leads = True
    redirected = QueryClusterRow.id.in_(list(before.redirects)) & (QueryClusterRow.merged_into == into.id)
    db.execute(update(QueryClusterRow).where(redirected).values(merged_into=old.id))
    db.flush()
    follow_bags(db, into.id)
    return old.id


_UNDO: dict[str, Callable[[Session, ClusterChangeRow, Before, datetime], int]] = {
    "rename": _undo_rename,
    "pin": _undo_pin,
    "split": _undo_split,
    "merge": _undo_merge,
}


def _bag(db: Session, language: str, name: str) -> ClusterBagRow | None:
    return db.scalar(select(ClusterBagRow).where(ClusterBagRow.language == language, ClusterBagRow.bag == name))


def _bags_of(db: Session, *clusters: int) -> Sequence[ClusterBagRow]:
    return db.scalars(select(ClusterBagRow).where(ClusterBagRow.cluster.in_(clusters)).order_by(ClusterBagRow.bag)).all()


def _put(bag: ClusterBagRow, cluster: int, leads: bool, pinned: bool) -> None:
    bag.cluster, bag.leads, bag.pinned = cluster, leads, pinned


def _leads_nothing(db: Session, cluster: int, name: str) -> bool:
    """Whether no other bag leads the group already: a group is compared by one."""
    return not any(bag.leads for bag in _bags_of(db, cluster) if bag.bag != name)


def _assign_again(db: Session, row: QueryClusterRow, name: str, now: datetime) -> None:
    needs = db.execute(text("SELECT id, q, lang FROM need WHERE cluster = :cluster"), {"cluster": row.id}).all()
    mine = [(need, bag) for need, q, lang in needs if " ".join(bag := bag_of(q, language_of(lang))) == name]
    if mine:
        assign(db, row.language, mine, now)
