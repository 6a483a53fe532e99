"""Events in from files, outcomes out to files: JSON Lines in the neutral schema, through the same code as live events."""

from __future__ import annotations

import json
import marshal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import Database
from app.deflection.judging.crowds import crowds_among, ties_of
from app.deflection.judging.disjoint_sets import DisjointSets
from app.deflection.judging.ledger import watermark
from app.deflection.judging.need_rows import need_id
from app.deflection.judging.outcomes import Judgement, judge, state_of, watermark_of
from app.deflection.judging.rulebook import Rulebook
from app.deflection.recording.events import EVENT_TYPES, Event, InvalidEvent, parse_event, unknown_fields
from app.deflection.recording.names import GLOBAL
from app.deflection.recording.redaction import requester_hash
from app.deflection.recording.store import events_of_actors, record
from app.errors import Invalid

BATCH = 2000
LINE_BYTES = 64 * 1024
"""Longest line we read: every event that keeps its limits is shorter."""

Progress = Callable[[int], None]


class InvalidImport(Invalid):
    """Lines that are no events; nothing of the file was applied. `errors` maps a line number to what is wrong with it."""


@dataclass
class Imported:
    """What an import did: lines read, events that were new, lines left out with the reason of each (the first thousand).

    `ignored` counts fields that no event of the line's type has: other programs may add their own, and a misspelt one is seen here.
    """

    lines: int = 0
    events: int = 0
    new: int = 0
    bad: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    ignored: Counter[str] = field(default_factory=Counter)


def import_events(
    database: Database, lines: Iterable[str | bytes], skip_bad: bool = False, progress: Progress | None = None, key: str | bytes = ""
) -> Imported:
    """Read events from JSON Lines and record them; idempotent. All lines are checked before the first is applied.

    `key` turns a sender's address that came in clear into its keyed hash; without it such a line is refused.
    """
    report, done = Imported(), 0
    with Spool() as spool:
        for number, line in enumerate(lines, 1):
            report.lines = number
            event = _check(number, line, key, report)
            if event is not None:
                spool.add(event)
        if report.bad and not skip_bad:
            raise InvalidImport(refusal(report), {str(n): problem for n, problem in report.refused.items()})
        for batch in spool.batches():
            with database.giving_way(), database.session() as db:
                report.new += record(db, *batch)
            done += len(batch)
            if progress is not None:
                progress(done)
    return report


class Spool:
    """Checked events wait in a file of their own: nothing is applied until the last line is known to be good, whatever the size."""

    def __enter__(self) -> Spool:
        self._file = tempfile.TemporaryFile("w+b")
        self._waiting: list[dict[str, Any]] = []
        self._sizes: list[int] = []
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, event: Event) -> None:
        self._waiting.append(event.to_dict())
        if len(self._waiting) >= BATCH:
            self._put()

    def _put(self) -> None:
        packed = marshal.dumps(self._waiting)
        self._file.write(packed)
        self._sizes.append(len(packed))
        self._waiting = []

    def batches(self) -> Iterator[list[Event]]:
        """What was added, in its order."""
        self._put()
        self._file.seek(0)
        for size in self._sizes:
            rows = marshal.loads(self._file.read(size))  # noqa: S302 — our own file of a moment ago, which nobody else can open  # nosec B302
            yield [EVENT_TYPES[values.pop("type")](**values) for values in rows]


def _check(number: int, line: str | bytes, key: str | bytes, report: Imported) -> Event | None:
    if not line.strip():
        return None
    try:
        event = _hashed(_parsed(line, report), key)
    except InvalidEvent as error:
        report.bad += 1
        if len(report.refused) < 1000:
            report.refused[number] = str(error)
        return None
    report.events += 1
    return event


def _parsed(line: str | bytes, report: Imported) -> Event:
    if len(line) > LINE_BYTES:
        raise InvalidEvent(f"longer than {LINE_BYTES} bytes")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidEvent(f"no JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidEvent("an event must be a JSON object")
    unknown = unknown_fields(value)
    event = parse_event({name: v for name, v in value.items() if name not in unknown} if unknown else value)
    if len(report.ignored) < 100:
        report.ignored.update(name[:100] for name in unknown)
    return event


def _hashed(event: Event, key: str | bytes) -> Event:
    requester = getattr(event, "requester", None)
    if requester is None or "@" not in requester:
        return event
    if not key:
        raise InvalidEvent("requester must be the keyed hash of the address, not the address")
    return replace(event, requester=requester_hash(requester, key))  # type: ignore[call-arg]


def refusal(report: Imported, wrong: str = "no events") -> str:
    """What to tell the person whose file it is: the first bad lines and how many there are."""
    shown = [f"  line {number}: {problem}" for number, problem in list(report.refused.items())[:20]]
    more = [f"  … and {report.bad - len(shown)} more"] if report.bad > len(shown) else []
    return "\n".join([f"{report.bad} line(s) are {wrong}; nothing was imported:", *shown, *more])


# --------------------------------------------------------------------------------------------------------------------- export


def export_outcomes(database: Database, as_of: int | None = None, config: Rulebook | None = None) -> Iterator[dict[str, Any]]:
    """One object a search, judged from the stored events as known at `as_of` (milliseconds; None: everything, and all is final)."""
    rules = config or Rulebook()
    for judgement in judgements(database, rules, as_of):
        yield from search_outcomes(judgement, rules, as_of)


def judgements(database: Database, rules: Rulebook, as_of: int | None = None) -> Iterator[Judgement]:
    """All stored events, judged component by component, so that memory does not grow with the number of events."""
    with database.session() as db:
        complete = watermark_at(db, as_of)
        for names, crowds in components(db):
            judgement = judge(events_of_actors(db, names), rules, as_of, crowds)
            judgement.watermark = complete
            yield judgement


def watermark_at(db: Session, as_of: int | None) -> int | None:
    """The completeness of the ticket feeds as known at `as_of`."""
    if as_of is None:
        return watermark(db)
    return watermark_of(event for event in events_of_actors(db, [GLOBAL]) if event.t_recv <= as_of)


def components(db: Session, size: int = 300) -> Iterator[tuple[list[str], frozenset[str]]]:
    """Groups of actors such that everything tied together is in one group, with the crowds that tie nobody; several components share a
    group for speed."""
    sets = DisjointSets()
    edges = db.execute(text("SELECT a, b FROM identity_edge")).all()
    known = db.execute(text("SELECT name FROM crowd")).scalars().all()
    crowds = crowds_among(ties_of((a, b) for a, b in edges), known).names.union(known)
    for a, b in edges:
        if b not in crowds:
            sets.join(a, b)
    del edges
    members: dict[str, list[str]] = {}
    for actor in db.execute(text("SELECT DISTINCT actor FROM event WHERE actor <> 'g:'")).scalars():
        members.setdefault(sets.root(actor), []).append(actor)
    del sets
    group: list[str] = []
    for names in members.values():
        group += names
        if len(group) >= size:
            yield group, crowds
            group = []
    if group:
        yield group, crowds


def search_outcomes(judgement: Judgement, rules: Rulebook, as_of: int | None) -> Iterator[dict[str, Any]]:
    """The export lines of one judgement."""
    for verdict in judgement.verdicts:
        need = verdict.need
        for search in need.searches:
            rule, outcome = verdict.outcome_of_search(search)
            yield {
                "search_id": search.search_id,
                "members": list(search.members),
                "need": need_id(need),
                "outcome": outcome,
                "rule": rule,
                "state": state_of(verdict.final_at, need.last, as_of, judgement.watermark, rules),
                "final_at": verdict.final_at,
                "link_class": need.link_class,
                "post_ticket": verdict.post_ticket,
            }
