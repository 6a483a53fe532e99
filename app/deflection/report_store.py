"""Rows → the material of a report: needs of a span as columns, read once and kept until something changes."""

from __future__ import annotations

import gc
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Generic, TypeVar

import numpy as np
from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from app.deflection.cluster_names import cluster_names
from app.deflection.events import milliseconds
from app.deflection.facts import Frame, TicketFact
from app.deflection.ledger import outcome_stamp
from app.deflection.need_columns import columns_of_days, frame_of_days, person_places
from app.deflection.repairs import Addition
from app.deflection.report import Mark, Material, Report, build
from app.deflection.report_request import ReportRequest, Span, span_of
from app.deflection.subjects import grouped, language_of_text
from app.deflection.thresholds import Thresholds
from app.deflection.versions import definitions_in_use, judged_otherwise

_CONTACTS = (
    "SELECT ticket_id, home, t, channel, linked, subject FROM contact"
    " WHERE day >= :start AND day < :end AND valid AND inbound AND NOT duplicate ORDER BY t, ticket_id"
)
_NEWEST = "SELECT coalesce(max(t_recv), 0) FROM event WHERE day = (SELECT max(day) FROM event)"
_RESTATED = (
    "SELECT day, count(DISTINCT need_id) FROM outcome_ledger WHERE day >= :start AND day < :end AND from_state = 'final'"
    " AND from_outcome IS NOT NULL AND coalesce(to_outcome, '') <> from_outcome GROUP BY day"
)
_LAST_YEAR = (
    "SELECT day, sum(CASE WHEN rule IN ('R2', 'R6') AND NOT post_ticket THEN 1 ELSE 0 END), count(*) FROM need"
    " WHERE day >= :start AND day < :end AND kind = 'search' AND rule NOT IN ('R0', 'R5') GROUP BY day"
)
_OF_SURVEYS = "FROM event WHERE type = 'survey' AND day IN :days"
_SURVEYS = text(f"SELECT body {_OF_SURVEYS}").bindparams(bindparam("days", expanding=True))
_SURVEYS_STAMP = text(f"SELECT count(*) {_OF_SURVEYS}").bindparams(bindparam("days", expanding=True))
_SURVEY_DAYS = 8
"""An answer may come so many days after the need."""
_SEARCH_NEEDS = text("SELECT need_id, search_id FROM need_search WHERE search_id IN :ids").bindparams(bindparam("ids", expanding=True))
_FOLDED = text(
    "SELECT e.ref, s.need_id, s.members FROM event e JOIN need n ON n.home = e.actor JOIN need_search s ON s.need_id = n.id"
    " WHERE e.ref IN :ids AND e.type = 'search'"
).bindparams(bindparam("ids", expanding=True))
_VIEW_NEEDS = text("SELECT need_id, view_id FROM need_view WHERE view_id IN :ids").bindparams(bindparam("ids", expanding=True))
_CHUNK = 500
YEAR = 364
"""Whole weeks, so that the same weekdays are compared."""


T = TypeVar("T")


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Tens of thousands of new objects and not one cycle: looking for some would take a quarter of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class _Kept(Generic[T]):
    """The newest few of something costly, each with a stamp by which it can be seen to be out of date."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._found: OrderedDict[tuple, tuple[tuple, T]] = OrderedDict()

    def get(self, key: tuple, stamp: tuple, make: Callable[[], T]) -> T:
        with self._lock:
            kept = self._found.get(key)
        if kept is None or kept[0] != stamp:
            with _without_collecting():
                kept = (stamp, make())
            with self._lock:
                self._found[key] = kept
                self._found.move_to_end(key)
                while len(self._found) > self._most:
                    self._found.popitem(last=False)
        return kept[1]


_needs: _Kept[tuple[Frame, np.ndarray]] = _Kept(4)
_contacts: _Kept[tuple[TicketFact, ...]] = _Kept(4)


def material(
    db: Session,
    span: Span,
    category_of: Mapping[str, str] | None = None,
    translated: Mapping[str, frozenset[str]] | None = None,
    marks: Sequence[Mark] = (),
    additions: Sequence[Addition] = (),
) -> Material:
    """Everything a report of the span is made of. What others know of articles is passed in as values."""
    stamp = _stamp(db, span.read_from, span.end)
    needs, people = needs_of_span(db, span.read_from, span.end, stamp)
    return Material(
        needs=needs,
        tickets=_tickets(db, span, people, stamp),
        names=cluster_names(db),
        category_of=category_of or {},
        translated=translated or {},
        marks=(*marks, *notes(db, span.start, span.end)),
        additions=additions,
        restated=dict(_rows(db, _RESTATED, span.start, span.end)),
        last_year=_last_year(db, span),
        newest=int(db.execute(text(_NEWEST)).scalar_one()),
        version=next((row.version for row in definitions_in_use(db)), ""),
        otherwise=judged_otherwise(db, span.read_from, span.end),
    )


def report_of(
    db: Session,
    request: ReportRequest,
    now: datetime,
    thresholds: Thresholds,
    category_of: Mapping[str, str] | None = None,
    translated: Mapping[str, frozenset[str]] | None = None,
    marks: Sequence[Mark] = (),
    additions: Sequence[Addition] = (),
    cost: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Report:
    """The report of a request at this moment, from the rows. What others know of articles is passed in as values."""
    span = span_of(request, now)
    return build(material(db, span, category_of, translated, marks, additions), request, span, milliseconds(now), thresholds, cost)


def needs_of_span(db: Session, start: int, end: int, stamp: tuple | None = None) -> tuple[Frame, np.ndarray]:
    """The needs of some days as columns, and the codes of their persons; kept in memory until something changes."""

    def read() -> tuple[Frame, np.ndarray]:
        surveys = [json.loads(body) for body in db.execute(_SURVEYS, _survey_days(start, end)).scalars()]
        return frame_of_days(columns_of_days(db, start, end), _asked(db, surveys))

    return _needs.get((_where(db), start, end), stamp or _stamp(db, start, end), read)


def _stamp(db: Session, start: int, end: int) -> tuple:
    """Another one whenever needs, contacts or the surveys of these days changed."""
    return (outcome_stamp(db), *db.execute(_SURVEYS_STAMP, _survey_days(start, end)).one())


def _survey_days(start: int, end: int) -> dict[str, list[int]]:
    return {"days": list(range(start, end + _SURVEY_DAYS))}


def _where(db: Session) -> str:
    return str(db.get_bind().engine.url)


def _asked(db: Session, surveys: Sequence[Mapping]) -> dict[str, int | None]:
    return asked_needs(surveys, _needs_of_things(db, surveys) if surveys else {})


def asked_needs(surveys: Sequence[Mapping], need_of: Mapping[str, str]) -> dict[str, int | None]:
    """The needs that the survey asked about, with what was answered; None for no answer. An answer outlasts silence."""
    found: dict[str, int | None] = {}
    for survey in surveys:
        need = need_of.get(str(survey.get("search_id") or survey.get("view_id") or survey.get("form_id")))
        if need is not None and (survey.get("answered") is not None or need not in found):
            found[need] = survey.get("answered")
    return found


def _needs_of_things(db: Session, surveys: Sequence[Mapping]) -> dict[str, str]:
    """Search or view id → need, for the things that surveys name."""
    found: dict[str, str] = {}
    wanted = {s["search_id"] for s in surveys if s.get("search_id")}
    for chunk in _chunks(sorted(wanted)):
        found |= {search_id: need for need, search_id in db.execute(_SEARCH_NEEDS, {"ids": chunk})}
    for chunk in _chunks(sorted(wanted - found.keys())):
        # Folded into another search, by a keystroke more or a reload: it is among the members of one that its browser made.
        for search_id, need, members in db.execute(_FOLDED, {"ids": chunk}):
            if search_id not in found and search_id in json.loads(members):
                found[search_id] = need
    for chunk in _chunks(sorted({s["view_id"] for s in surveys if s.get("view_id")})):
        found |= {view: need for need, view in db.execute(_VIEW_NEEDS, {"ids": chunk})}
    return found


def _tickets(db: Session, span: Span, people: np.ndarray, stamp: tuple) -> tuple[TicketFact, ...]:
    """The contacts of the period; those that nobody searched for are grouped by their subjects."""

    def read() -> tuple[TicketFact, ...]:
        rows = _rows(db, _CONTACTS, span.start, span.end)
        places = person_places(people, (row[1] for row in rows))
        facts = [
            TicketFact(ticket, place, t, channel, bool(linked), 0, language_of_text(subject), subject)
            for place, (ticket, _, t, channel, linked, subject) in zip(places, rows, strict=True)
        ]
        return tuple([fact for fact in facts if fact.searched] + grouped([fact for fact in facts if not fact.searched]))

    return _contacts.get((_where(db), span.read_from, span.start, span.end), stamp, read)


def _last_year(db: Session, span: Span) -> dict[int, tuple[int, int]]:
    weeks: dict[int, list[int]] = {}
    for day, solved, n in _rows(db, _LAST_YEAR, span.start - YEAR, span.end - YEAR):
        week = weeks.setdefault(span.start + 7 * ((day + YEAR - span.start) // 7), [0, 0])
        week[0] += int(solved)
        week[1] += int(n)
    return {start: (solved, n) for start, (solved, n) in weeks.items()}


_NOTES = "SELECT day, text, kind FROM report_note WHERE day >= :start AND day < :end ORDER BY day, id"


def notes(db: Session, start: int, end: int) -> tuple[Mark, ...]:
    """What somebody wrote on the time line."""
    return tuple(Mark(day, note, kind) for day, note, kind in _rows(db, _NOTES, start, end))


def _rows(db: Session, query: str, start: int, end: int) -> list:
    return list(db.execute(text(query), {"start": start, "end": end}).all())


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[i : i + _CHUNK] for i in range(0, len(ids), _CHUNK))
