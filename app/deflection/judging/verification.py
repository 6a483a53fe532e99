"""The nightly doubt: what is stored must be what the events say, and the roll-ups must be the sum of what is stored."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import Database
from app.deflection.judging.ledger import frozen_before
from app.deflection.judging.need_rows import Rows, rollup_key
from app.deflection.judging.outcomes import judge
from app.deflection.judging.rulebook import Rulebook
from app.deflection.recording.events import milliseconds
from app.deflection.recording.store import events_of_actors, tied_to

log = logging.getLogger(__name__)

GROUP = 100


@dataclass(frozen=True)
class Difference:
    """One stored thing that is not what its events say; `where` is a need id or a row of the roll-ups."""

    where: str
    stored: str
    computed: str

    def __str__(self) -> str:
        return f"{self.where}: stored {self.stored}, computed {self.computed}"


def verify_sample(
    database: Database, now: datetime, rules: Rulebook | None = None, share: float = 0.01, seed: int | None = None
) -> list[Difference]:
    """Judge a random share of all persons again and compare exactly; also add the roll-ups up. Differences are logged as errors."""
    rules = rules or Rulebook()
    chance = random.Random(seed if seed is not None else milliseconds(now))  # noqa: S311 — a sample, not a secret
    differences: list[Difference] = []
    for homes in _sample(database, share, chance):
        with _one_moment(database) as db:
            differences += differences_of(db, homes, rules)
    with _one_moment(database) as db:
        differences += rollup_differences(db)
    for difference in differences[:20]:
        log.error("stored outcome differs from its events: %s", difference)
    if differences:
        log.critical("%d stored outcomes or sums differ from what the events say", len(differences))
    return differences


@contextmanager
def _one_moment(database: Database) -> Iterator[Session]:
    """A session in which everything read stands as it was at one moment: events, marks and outcomes fit together, and nobody waits."""
    with database.session() as db:
        if not database.is_sqlite:
            db.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield db


def _sample(database: Database, share: float, chance: random.Random) -> Iterator[list[str]]:
    with database.session() as db:
        homes = list(db.execute(text("SELECT DISTINCT home FROM visitor_session ORDER BY home")).scalars())
    chosen = chance.sample(homes, min(len(homes), max(1, round(len(homes) * share)))) if homes else []
    return (chosen[i : i + GROUP] for i in range(0, len(chosen), GROUP))


def differences_of(db: Session, homes: list[str], rules: Rulebook) -> list[Difference]:
    """Where the stored needs of these actors differ from their events; actors with work still waiting are left out."""
    waiting = set(db.execute(text("SELECT actor FROM dirty")).scalars())
    nodes: set[str] = set()
    crowds: set[str] = set()
    for home in homes:
        tied = tied_to(db, [home])
        if not tied.names & waiting:
            nodes |= tied.names
            crowds |= tied.crowds
    rows = Rows(judge(events_of_actors(db, nodes), rules, crowds=crowds), rules, None)
    frozen = frozen_before(db)
    computed = {k: row["fingerprint"] for k, row in rows.needs.items() if row["first"] >= frozen}
    stored: dict[str, str] = {}
    versions: dict[str, str] = {}
    for home in sorted(nodes):
        found = db.execute(
            text('SELECT id, fingerprint, version FROM need WHERE home = :home AND "first" >= :frozen'), {"home": home, "frozen": frozen}
        )
        for ident, fingerprint, version in found:
            stored[ident], versions[ident] = fingerprint, version
    # Needs judged by other thresholds are no mistake: they are judged again when their person does something.
    return [
        Difference(ident, stored.get(ident, "nothing"), computed.get(ident, "nothing"))
        for ident in sorted(stored.keys() | computed.keys())
        if stored.get(ident) != computed.get(ident) and versions.get(ident, rules.version) == rules.version
    ]


def rollup_differences(db: Session) -> list[Difference]:
    """Where a roll-up is not the number of its needs plus those that erasure and retention took out."""
    sums: Counter[tuple] = Counter()
    rows = db.execute(text("SELECT day, kind, cluster, article, lang, link_class, outcome, state FROM need")).mappings()
    for row in rows:
        sums[rollup_key(dict(row))] += 1
    for key, n in _removed(db).items():
        sums[key] += n
    stored: dict[tuple, int] = {}
    for found in db.execute(text("SELECT day, kind, cluster, article, locale, link_class, outcome, state, n FROM rollup_day")):
        stored[tuple(found)[:8]] = found[8]
    return [
        Difference(f"roll-up {key}", str(stored.get(key, 0)), str(sums.get(key, 0)))
        for key in sorted(stored.keys() | sums.keys())
        if stored.get(key, 0) != sums.get(key, 0)
    ]


def _removed(db: Session) -> Counter[tuple]:
    found: Counter[tuple] = Counter()
    for row in db.execute(text("SELECT day, kind, cluster, article, locale, link_class, outcome, state, n FROM rollup_erased")):
        found[tuple(row)[:8]] += row[8]
    return found
