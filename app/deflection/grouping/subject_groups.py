"""Requests that nobody searched for, grouped by their subject: what search-only gap reports can never show.

Like groups of questions (`cluster_store`): a new subject finds its group by itself, every night groups that turned out to be the same
become one, numbers are never used again. Nobody edits them, so they have no history.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from app.db import Database
from app.deflection.bulk import is_sqlite
from app.deflection.grouping.cluster_store import bag_of, language_of
from app.deflection.grouping.clusters import Bag, Clustering
from app.deflection.grouping.labels import Kind, label_groups, label_groups_in_turn
from app.deflection.judging.judging_lock import lock_for_judging
from app.deflection.judging.ledger import raise_stamp
from app.deflection.recording.contact_language import Languages, Sent, languages_of
from app.deflection.recording.events import milliseconds
from app.deflection.reporting.failures import ClusterName
from app.deflection.reporting.report_models import SubjectBagRow, SubjectGroupRow

MOST_TOLD = 500

_UNTOLD = text("SELECT ticket_id, home, subject, day, linked FROM contact WHERE NOT told ORDER BY day, ticket_id LIMIT :n")
_TELL = text("UPDATE contact SET lang = :lang, subject_group = :group, told = :told WHERE ticket_id = :ticket")
_GROUPS = Kind(
    "subject_group",
    text(
        "SELECT subject_group, subject, home FROM contact WHERE subject_group > 0 AND NOT linked AND valid AND inbound AND day >= :start"
        " AND subject <> ''"
    ),
)
_COUNT_AGAIN = text("UPDATE subject_bag SET n = n + :n WHERE language = :language AND bag = :bag")


def tell_contacts(db: Session, now: datetime, known: Languages | None = None, limit: int = MOST_TOLD) -> int:
    """Say of new contacts what language they are in, and of those that nobody searched for what they are about; gives how many."""
    lock_for_judging(db, is_sqlite(db))
    rows = db.execute(_UNTOLD, {"n": limit}).all()
    if not rows:
        return 0
    languages = languages_of(db, [Sent(row.ticket_id, row.home, row.subject) for row in rows], known or Languages())
    wanted: dict[str, list[tuple[str, Bag]]] = defaultdict(list)
    for row in rows:
        language = language_of(languages[row.ticket_id])
        if not row.linked and (bag := bag_of(row.subject, language)):
            wanted[language].append((row.ticket_id, bag))
    groups = {ticket: group for language, own in sorted(wanted.items()) for ticket, group in _assign(db, language, own, now).items()}
    told = [{"ticket": r.ticket_id, "lang": languages[r.ticket_id], "group": groups.get(r.ticket_id, 0), "told": True} for r in rows]
    db.execute(_TELL, told)
    raise_stamp(db, {row.day for row in rows})
    return len(rows)


def _assign(db: Session, language: str, tickets: Sequence[tuple[str, Bag]], now: datetime) -> dict[str, int]:
    clustering = _load(db, language, now)
    counts = Counter(bag for _, bag in tickets)
    known = set(clustering.known)
    # The commonest first, so that a new group is led by its common wording and not by a slip.
    found = {bag: clustering.assign(bag, n) for bag, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))}
    leaders = {leader.bag for leader in clustering.leaders.values()}
    fresh = [
        {"language": language, "bag": " ".join(bag), "subject_group": found[bag], "n": n, "leads": bag in leaders}
        for bag, n in counts.items()
        if bag not in known
    ]
    if fresh:
        db.execute(insert(SubjectBagRow), fresh)
    again = [{"language": language, "bag": " ".join(bag), "n": n} for bag, n in counts.items() if bag in known]
    if again:
        db.execute(_COUNT_AGAIN, again)
    return {ticket: found[bag] for ticket, bag in tickets}


def _load(db: Session, language: str, now: datetime) -> Clustering:
    clustering = Clustering(lambda: _new_group(db, language, now))
    rows = db.execute(
        text("SELECT subject_group, bag, n, leads FROM subject_bag WHERE language = :language ORDER BY id"), {"language": language}
    )
    for group, bag, n, leads in rows:
        clustering.restore(group, tuple(bag.split()), n, bool(leads))
    return clustering


def _new_group(db: Session, language: str, now: datetime) -> int:
    row = SubjectGroupRow(language=language, label="", verbatim=False, created_at=milliseconds(now))
    db.add(row)
    db.flush()
    return row.id


def merge_subjects(database: Database, now: datetime) -> int:
    """Groups whose leaders are softly the same become one; gives how many went into another.

    What belongs together is found before anybody has to wait for us, and each merge is a transaction of its own: what a killed worker
    leaves is found again the next time.
    """
    with database.session() as db:
        languages = db.execute(select(SubjectBagRow.language).distinct()).scalars().all()
        merged = [pair for language in languages for pair in _load(db, language, now).merge_leaders()]
    for old, new in merged:
        with database.giving_way(), database.session() as db:
            lock_for_judging(db, database.is_sqlite)
            _merge(db, old, new)
    return len(merged)


def _merge(db: Session, old: int, new: int) -> None:
    db.execute(update(SubjectBagRow).where(SubjectBagRow.subject_group == old).values(subject_group=new, leads=False))
    moved = SubjectGroupRow.id.in_([old]) | (SubjectGroupRow.merged_into == old)
    db.execute(update(SubjectGroupRow).where(moved).values(merged_into=new))
    given = {"old": old, "new": new}
    days = set(db.execute(text("SELECT DISTINCT day FROM contact WHERE subject_group = :old"), given).scalars())
    db.execute(text("UPDATE contact SET subject_group = :new WHERE subject_group = :old"), given)
    raise_stamp(db, days)


def name_subjects(db: Session, now: datetime, k: int) -> int:
    """Give every group the label that the last 90 days allow; gives how many changed."""
    lock_for_judging(db, is_sqlite(db))
    return label_groups(db, _GROUPS, now, k)


def name_subjects_in_turn(database: Database, now: datetime, k: int) -> int:
    """The same without keeping others from writing while labels are looked for."""
    return label_groups_in_turn(database, _GROUPS, now, k)


def subject_names(db: Session) -> dict[int, ClusterName]:
    """What the groups may be called; those of too few people are absent."""
    rows = db.execute(text("SELECT id, label, verbatim, language FROM subject_group WHERE merged_into IS NULL AND label <> ''"))
    return {id: ClusterName(found, bool(verbatim), language) for id, found, verbatim, language in rows}
