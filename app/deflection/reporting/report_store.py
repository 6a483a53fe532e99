"""Rows → the material of a report: needs of a span as columns, read once and kept until something changes."""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.deflection.asking.surveyed import LATEST, answers_between, surveys_between
from app.deflection.grouping.cluster_names import cluster_names
from app.deflection.grouping.subject_groups import subject_names
from app.deflection.judging.ledger import outcome_stamp
from app.deflection.judging.versions import definitions_in_use
from app.deflection.packing.need_columns import FORMAT, columns_of_days, contacts_of_days, frame_of_days, read_days, results_shown
from app.deflection.recording.events import milliseconds
from app.deflection.reporting.facts import Contacts, Frame
from app.deflection.reporting.repairs import Addition
from app.deflection.reporting.report import Mark, Material, Report, build
from app.deflection.reporting.report_request import ReportRequest, Span, span_of
from app.deflection.reporting.thresholds import Thresholds
from app.deflection.reporting.trends import CLOSE_WEEKS, NOISE_WEEKS, READ_WEEKS, monday_of

_NEWEST = "SELECT coalesce(max(t_recv), 0) FROM event WHERE day = (SELECT max(day) FROM event)"
_BEGAN = "SELECT min(day) FROM rollup_day"
_RESTATED = (
    "SELECT day, count(DISTINCT need_id) FROM outcome_ledger WHERE day >= :start AND day < :end AND from_state = 'final'"
    " AND from_outcome IS NOT NULL AND coalesce(to_outcome, '') <> from_outcome GROUP BY day"
)
_SOLVED = "SELECT day, solved, counted FROM need_columns WHERE day >= :start AND day < :end AND format = :format"
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


@dataclass(frozen=True)
class Days:
    """The needs and contacts of some days, and how many needs of each day are judged by other definitions than the newest."""

    needs: Frame
    contacts: Contacts
    judged: Mapping[int, Mapping[str, int]]
    """Day → version of the definitions → needs judged by it."""

    def judged_otherwise(self, version: str) -> dict[int, int]:
        counts = {day: sum(n for other, n in found.items() if other != version) for day, found in self.judged.items()}
        return {day: n for day, n in counts.items() if n}


_days: _Kept[Days] = _Kept(4)


def material(
    db: Session,
    span: Span,
    category_of: Mapping[str, str] | None = None,
    translated: Mapping[str, frozenset[str]] | None = None,
    marks: Sequence[Mark] = (),
    additions: Sequence[Addition] = (),
) -> Material:
    """Everything a report of the span is made of. What others know of articles is passed in as values."""
    days = days_of_span(db, span.read_from, span.end)
    version = next((row.version for row in definitions_in_use(db)), "")
    return Material(
        needs=days.needs,
        contacts=days.contacts,
        names=cluster_names(db),
        subjects=subject_names(db),
        category_of=category_of or {},
        translated=translated or {},
        listed=lambda lots: results_shown(db, lots),
        marks=(*marks, *notes(db, span.start, span.end)),
        additions=additions,
        restated=dict(_rows(db, _RESTATED, span.start, span.end)),
        last_year=_last_year(db, span),
        weeks_before=_weeks_before(db, span),
        began=db.execute(text(_BEGAN)).scalar(),
        newest=int(db.execute(text(_NEWEST)).scalar_one()),
        version=version,
        otherwise=days.judged_otherwise(version),
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


def days_of_span(db: Session, start: int, end: int) -> Days:
    """The needs and contacts of the days in [start, end); kept in memory until something changes."""

    def read() -> Days:
        parts = columns_of_days(db, start, end)
        open_days = [day for part in parts if not part.asked and (day := part.first_day) is not None]
        answers = answers_between(db, min(open_days), end + LATEST) if open_days else {}
        judged = {day: found for part in parts for day, found in part.judged.items()}
        return Days(frame_of_days(parts, answers), contacts_of_days(parts), judged)

    stamp = (outcome_stamp(db), surveys_between(db, start, end + LATEST))
    return _days.get((str(db.get_bind().engine.url), start, end), stamp, read)


def _last_year(db: Session, span: Span) -> dict[int, tuple[int, int]]:
    start, end = span.start - YEAR, span.end - YEAR
    found: dict[int, tuple[int, int]] = {}
    for day, solved, n in db.execute(text(_SOLVED), {"start": start, "end": end, "format": FORMAT}):
        found[day] = (solved, n)
    missing = [day for day in range(start, end) if day not in found]
    frame = frame_of_days([read_days(db, missing)], {}).counted
    weeks: dict[int, list[int]] = {}
    for day, solved, n in [(day, *counts) for day, counts in found.items()] + _solved_by_day(frame):
        week = weeks.setdefault(span.start + 7 * ((day + YEAR - span.start) // 7), [0, 0])
        week[0] += solved
        week[1] += n
    return {start: (solved, n) for start, (solved, n) in weeks.items() if n}


def _weeks_before(db: Session, span: Span) -> dict[int, tuple[int, int]]:
    """Counts of the last year's weeks, from the days that are packed: to learn how much weeks differ, a day more or less does not matter."""
    end = monday_of(span.end)
    start = end - 7 * (NOISE_WEEKS + READ_WEEKS - CLOSE_WEEKS)
    weeks: dict[int, tuple[int, int]] = {}
    for day, solved, n in db.execute(text(_SOLVED), {"start": start, "end": end, "format": FORMAT}):
        before = weeks.get(monday_of(day), (0, 0))
        weeks[monday_of(day)] = before[0] + solved, before[1] + n
    return weeks


def _solved_by_day(frame: Frame) -> list[tuple[int, int, int]]:
    return [(day, int(own.answered.sum()), len(own)) for day in np.unique(frame.day).tolist() if (own := frame.between(day, day + 1))]


_NOTES = "SELECT day, text, kind FROM report_note WHERE day >= :start AND day < :end ORDER BY day, id"


def notes(db: Session, start: int, end: int) -> tuple[Mark, ...]:
    """What somebody wrote on the time line."""
    return tuple(Mark(day, note, kind) for day, note, kind in _rows(db, _NOTES, start, end))


def _rows(db: Session, query: str, start: int, end: int) -> list:
    return list(db.execute(text(query), {"start": start, "end": end}).all())
