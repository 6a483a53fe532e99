"""Clusters in the database: new needs find theirs, the nightly merge, and what an editor does; every change leaves a trace."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from app.db import Database
from app.deflection.bulk import chunks, expanding, is_sqlite
from app.deflection.grouping.cluster_text import stems
from app.deflection.grouping.clusters import Bag, Clustering
from app.deflection.judging.judging_lock import lock_for_judging
from app.deflection.judging.ledger import move_rollups, raise_stamp
from app.deflection.recording.events import milliseconds
from app.deflection.recording.redaction import redact
from app.deflection.reporting.definitions import N_
from app.deflection.reporting.report_models import ClusterBagRow, ClusterChangeRow, QueryClusterRow
from app.errors import Invalid, NotFound

NIGHTLY = "nightly"
BAG_LENGTH = 400
LONGEST_NAME = 120
NO_LANGUAGE = "und"
MOST_ASSIGNED = 2000
"""Needs that get their cluster in one transaction: some tenths of a second, in which others wait to write."""
NOTHING = 0
"""The cluster of queries that are made of nothing but signs."""


class ClusterNotFound(NotFound):
    """There is no living cluster of this number."""


@dataclass(frozen=True)
class ClusterChange:
    """One line of a cluster's history."""

    at: int
    who: str
    action: str
    cluster: int
    other: int | None
    detail: str
    id: int = 0
    can_be_undone: bool = False
    undone: bool = False


@dataclass(frozen=True)
class Before:
    """What an act changed, as it was: bags (text, group or None for a new one, leads, pinned), a name, redirections."""

    bags: tuple[tuple[str, int | None, bool, bool], ...] = ()
    name: str = ""
    given: str = ""
    """The name that was given, to see whether it still holds."""
    redirects: tuple[int, ...] = ()


def language_of(locale: str) -> str:
    return (locale or NO_LANGUAGE).split("-")[0].lower()


def bag_of(query: str, locale: str) -> Bag:
    """The bag of a query, bounded to what a column holds."""
    bag = stems(query, locale or "en")
    while len(" ".join(bag)) > BAG_LENGTH:
        bag = bag[:-1]
    return bag


def load(db: Session, language: str, now: datetime) -> Clustering:
    clustering = Clustering(lambda: _new_cluster(db, language, now))
    for row in db.scalars(select(ClusterBagRow).where(ClusterBagRow.language == language)):
        clustering.restore(row.cluster, tuple(row.bag.split()), row.n, row.leads, row.pinned)
    return clustering


def _new_cluster(db: Session, language: str, now: datetime) -> int:
    row = QueryClusterRow(language=language, name="", label="", verbatim=False, created_at=milliseconds(now))
    db.add(row)
    db.flush()
    return row.id


def assign_due(db: Session, now: datetime, limit: int = MOST_ASSIGNED) -> int:
    """Give a cluster to needs that have a query and none yet; gives how many."""
    # Before anything is read: SQLite refuses to write on what somebody changed since.
    lock_for_judging(db, is_sqlite(db))
    rows = db.execute(
        text("SELECT id, q, lang FROM need WHERE cluster IS NULL AND q <> '' ORDER BY first, id LIMIT :limit"), {"limit": limit}
    ).all()
    by_language: dict[str, list[tuple[str, Bag]]] = defaultdict(list)
    for need, q, lang in rows:
        by_language[language_of(lang)].append((need, bag_of(q, language_of(lang))))
    for language, needs in by_language.items():
        assign(db, language, needs, now)
    return len(rows)


def assign(db: Session, language: str, needs: Sequence[tuple[str, Bag]], now: datetime) -> None:
    clustering = load(db, language, now)
    counts = Counter(bag for _, bag in needs)
    known = set(clustering.known)
    # The most asked first, so that a new cluster is led by its common wording and not by a slip.
    found = {bag: clustering.assign(bag, n) if bag else NOTHING for bag, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))}
    leaders = {leader.bag for leader in clustering.leaders.values()}
    fresh = [
        {"language": language, "bag": " ".join(bag), "cluster": found[bag], "n": counts[bag], "leads": bag in leaders, "pinned": False}
        for bag in counts
        if bag and bag not in known
    ]
    if fresh:
        db.execute(insert(ClusterBagRow), fresh)
    again = [{"language": language, "bag": " ".join(bag), "n": counts[bag]} for bag in counts if bag in known]
    if again:
        db.execute(text("UPDATE cluster_bag SET n = n + :n WHERE language = :language AND bag = :bag"), again)
    move_needs(db, [(need, found[bag]) for need, bag in needs])


_SOME_OF = text("SELECT id FROM need WHERE cluster = :old ORDER BY id LIMIT :most")
_NEEDS = expanding("SELECT id, day, kind, cluster, article, lang, link_class, outcome, state FROM need WHERE id IN :ids")


def move_needs(db: Session, moves: Iterable[tuple[str, int]]) -> None:
    """Write the cluster of needs, and move them in the daily roll-ups as well, so that both keep telling the same."""
    wanted = dict(moves)
    lock_for_judging(db, is_sqlite(db))
    rows = [dict(row) for ids in chunks(sorted(wanted)) for row in db.execute(_NEEDS, {"ids": ids}).mappings()]
    # Those without any cluster yet are written even if they get none, or they would be asked about for ever.
    rows = [row for row in rows if row["cluster"] != wanted[row["id"]]]
    if rows:
        db.execute(
            text("UPDATE need SET cluster = :cluster WHERE id = :need"), [{"need": r["id"], "cluster": wanted[r["id"]]} for r in rows]
        )
        raise_stamp(db, {row["day"] for row in rows})
        move_rollups(db, rows, [{**row, "cluster": wanted[row["id"]]} for row in rows])


def merge_nightly(database: Database, now: datetime) -> int:
    """Pass 2 over the leaders of every language; gives how many clusters went into another.

    What belongs together is found before anybody has to wait for us, and each merge is a transaction of its own.
    """
    with database.session() as db:
        languages = db.execute(select(ClusterBagRow.language).distinct()).scalars().all()
        pairs = [pair for language in languages for pair in load(db, language, now).merge_leaders()]
    merged = 0
    for old, new in pairs:
        _move_ahead(database, old, new)
        with database.giving_way(), database.session() as db:
            lock_for_judging(db, database.is_sqlite)
            if _both_live(db, old, new):
                _merge(db, old, new, NIGHTLY, now, keep_pinned=True)
                merged += 1
    return merged


def _move_ahead(database: Database, old: int, new: int) -> None:
    """Of a group too large for one transaction, what is too much moves before the group does.

    Where that ends half-way, its bags still say that both are to become one, and the next night goes on.
    """
    left = MOST_ASSIGNED
    while left >= MOST_ASSIGNED:
        with database.giving_way(), database.session() as db:
            lock_for_judging(db, database.is_sqlite)
            stays = db.scalar(select(func.count()).where(ClusterBagRow.cluster == old, ClusterBagRow.pinned)) or not _both_live(
                db, old, new
            )
            ids = [] if stays else db.execute(_SOME_OF, {"old": old, "most": MOST_ASSIGNED}).scalars().all()
            left = len(ids)
            if left >= MOST_ASSIGNED:
                move_needs(db, [(need, new) for need in ids])


def _both_live(db: Session, *clusters: int) -> bool:
    """Whether an editor has not merged any of them meanwhile."""
    rows = [db.get(QueryClusterRow, id) for id in clusters]
    return all(row is not None and row.merged_into is None for row in rows)


def _merge(db: Session, old: int, new: int, who: str, now: datetime, keep_pinned: bool = False) -> None:
    held = db.scalars(select(ClusterBagRow).where(ClusterBagRow.cluster == old)).all()
    bags = update(ClusterBagRow).where(ClusterBagRow.cluster == old)
    if keep_pinned and db.scalar(select(func.count()).where(ClusterBagRow.cluster == old, ClusterBagRow.pinned)):
        # What an editor pinned stays behind as the cluster; only the rest moves.
        db.execute(bags.where(~ClusterBagRow.pinned).values(cluster=new, leads=False))
        note_act(db, now, who, "merge", old, new, "all but the pinned queries", Before(bags_before(bag for bag in held if not bag.pinned)))
        follow_bags(db, old)
        return
    redirects = tuple(db.scalars(select(QueryClusterRow.id).where(QueryClusterRow.merged_into == old)))
    before = Before(bags_before(held), redirects=redirects)
    db.execute(bags.values(cluster=new, leads=False))
    db.execute(update(QueryClusterRow).where(QueryClusterRow.merged_into == old).values(merged_into=new))
    db.execute(update(QueryClusterRow).where(QueryClusterRow.id == old).values(merged_into=new))
    note_act(db, now, who, "merge", old, new, "", before)
    ids = db.execute(text("SELECT id FROM need WHERE cluster = :old"), {"old": old}).scalars()
    move_needs(db, [(need, new) for need in ids])


def follow_bags(db: Session, cluster: int) -> None:
    """Bring the needs of a cluster to where their bags are now."""
    moves = []
    for need, q, lang in db.execute(text("SELECT id, q, lang FROM need WHERE cluster = :cluster"), {"cluster": cluster}).all():
        language = language_of(lang)
        bag = " ".join(bag_of(q, language))
        at = db.scalar(select(ClusterBagRow.cluster).where(ClusterBagRow.language == language, ClusterBagRow.bag == bag))
        if at is not None and at != cluster:
            moves.append((need, at))
    move_needs(db, moves)


def note_act(
    db: Session, now: datetime, who: str, action: str, cluster: int, other: int | None, detail: str, before: Before | None = None
) -> None:
    """One line of the history; `before` is what `cluster_undo` puts back."""
    kept = json.dumps(asdict(before), ensure_ascii=False) if before else ""
    db.add(ClusterChangeRow(at=milliseconds(now), who=who, action=action, cluster=cluster, other=other, detail=detail, before=kept))
    db.flush()


def bags_before(bags: Iterable[ClusterBagRow]) -> tuple[tuple[str, int | None, bool, bool], ...]:
    """How some bags stand now: text, group, whether it leads, whether it is pinned."""
    return tuple((bag.bag, bag.cluster, bag.leads, bag.pinned) for bag in bags)


# What an editor does


def living(db: Session, cluster: int) -> QueryClusterRow:
    row = db.get(QueryClusterRow, cluster)
    if row is None or row.merged_into is not None:
        raise ClusterNotFound("There is no such group of questions, or it went into another.")
    return row


def rename_cluster(db: Session, cluster: int, name: str, who: str, now: datetime) -> None:
    """Give a cluster a name of an editor's choice; an empty one gives the label back."""
    row, name = living(db, cluster), _name(name, "name")
    if name == row.name:
        return
    note_act(db, now, who, "rename", cluster, None, f"{row.name or row.label} → {name or row.label}", Before(name=row.name, given=name))
    row.name = name


def _name(given: str, field: str) -> str:
    name = " ".join(given.split())
    if len(name) > LONGEST_NAME:
        raise Invalid("The name is too long.", {field: N_("Write a name of at most 120 characters.")})
    return name


def merge_clusters(db: Session, old: int, into: int, who: str, now: datetime) -> None:
    """Put one cluster into another of the same language."""
    a, b = living(db, old), living(db, into)
    if old == into or a.language != b.language:
        raise Invalid(
            "Groups can be merged only with another one of the same language.", {"into": N_("Choose another group of the same language.")}
        )
    _merge(db, old, into, who, now)


def pin_query(db: Session, query: str, locale: str, cluster: int, who: str, now: datetime, k: int = 1) -> None:
    """Put a query into a cluster where no merge will move it.

    What fewer than `k` people asked so far stays where it is, and nothing says that it was there: else whoever knows the words could move
    one person's question and see by the difference how it ended.
    """
    row = living(db, cluster)
    bag = " ".join(bag_of(query, row.language))
    if not bag:
        raise Invalid("This query has no words to go by.", {"query": N_("Write at least one word.")})
    known = db.scalar(select(ClusterBagRow).where(ClusterBagRow.language == row.language, ClusterBagRow.bag == bag))
    if known and known.cluster == cluster and known.pinned:
        return
    came_from = known.cluster if known and _persons_of(db, known) >= k else None
    before = Before(bags_before([known]) if known else ((bag, None, False, False),))
    if known is None:
        db.add(ClusterBagRow(language=row.language, bag=bag, cluster=cluster, n=0, leads=False, pinned=True))
    else:
        known.cluster, known.pinned, known.leads = cluster, True, known.leads and known.cluster == cluster
    db.flush()
    note_act(db, now, who, "pin", cluster, came_from if came_from != cluster else None, redact(query), before)
    if came_from and came_from != cluster:
        follow_bags(db, came_from)


def _persons_of(db: Session, bag: ClusterBagRow) -> int:
    rows = db.execute(text("SELECT q, lang, person FROM need WHERE cluster = :cluster"), {"cluster": bag.cluster})
    return len({person for q, lang, person in rows if " ".join(bag_of(q, language_of(lang))) == bag.bag})


def split_cluster(db: Session, cluster: int, queries: Sequence[str], name: str, who: str, now: datetime) -> int:
    """Take some queries out of a cluster into a new one, and pin them there; gives its number."""
    row, name = living(db, cluster), _name(name, "new-name")
    words = {" ".join(bag_of(query, row.language)): query for query in queries}
    held = db.scalars(select(ClusterBagRow).where(ClusterBagRow.cluster == cluster)).all()
    chosen = [bag for bag in held if bag.bag in words]
    if not chosen or len(chosen) == len(held):
        raise Invalid(
            "Choose some of the group's queries, not none and not all.", {"queries": N_("Choose some of the queries, but not all.")}
        )
    before = Before(bags_before(held))
    new = _new_cluster(db, row.language, now)
    db.get_one(QueryClusterRow, new).name = name
    for i, bag in enumerate(sorted(chosen, key=lambda b: (-b.n, b.bag))):
        bag.cluster, bag.pinned, bag.leads = new, True, i == 0
    left = [bag for bag in held if bag not in chosen]
    if not any(bag.leads for bag in left):
        max(left, key=lambda bag: (bag.n, bag.bag)).leads = True
    db.flush()
    note_act(db, now, who, "split", new, cluster, ", ".join(sorted(redact(words[bag.bag]) for bag in chosen)), before)
    follow_bags(db, cluster)
    return new


def history(db: Session, cluster: int) -> list[ClusterChange]:
    """Everything that was done to a cluster, newest first."""
    about = (ClusterChangeRow.cluster == cluster) | (ClusterChangeRow.other == cluster)
    rows = db.scalars(select(ClusterChangeRow).where(about).order_by(ClusterChangeRow.id.desc()))
    return [
        ClusterChange(
            r.at, r.who, r.action, r.cluster, r.other, r.detail, r.id, bool(r.before) and r.undone_at is None, r.undone_at is not None
        )
        for r in rows
    ]
