"""Rows → the material of a report: needs of a span as columns, read once and kept until something changes."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.deflection.cluster_names import cluster_names
from app.deflection.events import milliseconds
from app.deflection.facts import COLUMNS, KINDS, Frame, TicketFact, frame_of_columns
from app.deflection.report import Mark, Material, Report, build
from app.deflection.report_request import ReportRequest, Span, span_of
from app.deflection.thresholds import Thresholds

FIELDS = (
    "id", "person", "first", "last", "kind", "rule", "final_at", "link_class", "post_ticket", "lang", "surface", "device", "cluster",
    "article", "searches", "zero", "clicked", "opened", "read", "vote", "solved", "forms", "shown", "unsent", "answered_after",
    "ticket_after",
)  # fmt: skip
_QUOTED = ", ".join(f'"{name}"' for name in FIELDS)
_NEEDS = f"SELECT {_QUOTED} FROM need WHERE day >= :start AND day < :end"  # noqa: S608 — names of our own columns
_STAMP = (
    "SELECT (SELECT coalesce(max(id), 0) FROM event), (SELECT count(*) FROM dirty), (SELECT coalesce(max(id), 0) FROM outcome_ledger),"
    " (SELECT coalesce(max(id), 0) FROM cluster_change), (SELECT count(*) FROM need WHERE cluster IS NULL), (SELECT count(*) FROM need)"
)
_CONTACTS = (
    "SELECT ticket_id, home, t, channel, linked, subject FROM contact"
    " WHERE day >= :start AND day < :end AND valid AND inbound AND NOT duplicate"
)
_RESTATED = (
    "SELECT day, count(DISTINCT need_id) FROM outcome_ledger WHERE day >= :start AND day < :end AND from_state = 'final'"
    " AND from_outcome IS NOT NULL AND coalesce(to_outcome, '') <> from_outcome GROUP BY day"
)
_LAST_YEAR = (
    "SELECT day, sum(CASE WHEN rule IN ('R2', 'R6') AND NOT post_ticket THEN 1 ELSE 0 END), count(*) FROM need"
    " WHERE day >= :start AND day < :end AND kind = 'search' AND rule NOT IN ('R0', 'R5') GROUP BY day"
)
_SURVEYS = "SELECT body FROM event WHERE type = 'survey' AND day >= :start AND day < :end + 30"
_SAME = (
    "first", "last", "final_at", "link_class", "post_ticket", "surface", "device", "article", "searches", "zero", "clicked", "vote", "solved",
    "forms",
)  # fmt: skip
"""Columns that are called and written alike in the row and in the frame."""
_RULES = {f"R{i}": i for i in range(12)}
YEAR = 364
"""Whole weeks, so that the same weekdays are compared."""


@dataclass(frozen=True)
class _Kept:
    stamp: tuple
    frame: Frame
    persons: Mapping[str, int]


_kept: OrderedDict[tuple, _Kept] = OrderedDict()
_lock = threading.Lock()
MOST_KEPT = 4


def material(
    db: Session,
    span: Span,
    category_of: Mapping[str, str] | None = None,
    translated: Mapping[str, frozenset[str]] | None = None,
    marks: Sequence[Mark] = (),
) -> Material:
    """Everything a report of the span is made of. What others know of articles is passed in as values."""
    needs, persons = needs_of_span(db, span.read_from, span.end)
    return Material(
        needs=needs,
        tickets=_tickets(db, span, persons),
        names=cluster_names(db),
        category_of=category_of or {},
        translated=translated or {},
        marks=(*marks, *notes(db, span.start, span.end)),
        restated=dict(_rows(db, _RESTATED, span.start, span.end)),
        last_year=_last_year(db, span),
        newest=int(db.execute(text("SELECT coalesce(max(t_recv), 0) FROM event")).scalar_one()),
        version=str(db.execute(text("SELECT version FROM definition ORDER BY since DESC LIMIT 1")).scalar() or ""),
    )


def report_of(
    db: Session,
    request: ReportRequest,
    now: datetime,
    thresholds: Thresholds,
    category_of: Mapping[str, str] | None = None,
    translated: Mapping[str, frozenset[str]] | None = None,
    marks: Sequence[Mark] = (),
    cost: tuple[float, float] = (0.0, 0.0),
) -> Report:
    """The report of a request at this moment, from the rows. What others know of articles is passed in as values."""
    span = span_of(request, now)
    return build(material(db, span, category_of, translated, marks), request, span, milliseconds(now), thresholds, cost)


def needs_of_span(db: Session, start: int, end: int) -> tuple[Frame, Mapping[str, int]]:
    """The needs of some days as columns, and the codes of their persons; kept in memory until an outcome or a cluster changes."""
    url = str(db.get_bind().engine.url)
    key, stamp = (url, start, end), _stamp(db)
    with _lock:
        kept = _kept.get(key)
        if kept and kept.stamp == stamp:
            _kept.move_to_end(key)
            return kept.frame, kept.persons
    frame, persons = _read(db, start, end)
    with _lock:
        _kept[key] = _Kept(stamp, frame, persons)
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return frame, persons


def _stamp(db: Session) -> tuple:
    """What changes whenever a need, a survey answer or a cluster does."""
    return tuple(db.execute(text(_STAMP)).one())


def _read(db: Session, start: int, end: int) -> tuple[Frame, dict[str, int]]:
    rows = db.execute(text(_NEEDS), {"start": start, "end": end}).fetchall()
    values = dict(zip(FIELDS, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(FIELDS, ())
    given = [json.loads(body) for (body,) in _rows(db, _SURVEYS, start, end)]
    need_of = _needs_of_things(db, given, start, end) if given else {}
    return frame_of_needs(values, given, need_of)


def frame_of_needs(values: Mapping[str, Sequence], surveys: Sequence[Mapping], need_of: Mapping[str, str]) -> tuple[Frame, dict[str, int]]:
    """Columns of `need` rows (one sequence a field) as a frame, with the survey answers put to their needs; and the persons' codes."""
    persons: dict[str, int] = {}
    asked, answers = _survey_columns(values["id"], surveys, need_of)
    columns: dict[str, Sequence] = {
        **{name: values[name] for name in _SAME},
        "person": [persons.setdefault(p or f"erased:{i}", len(persons)) for i, p in enumerate(values["person"])],
        "kind": [KINDS.index(kind) for kind in values["kind"]],
        "rule": [_RULES[rule] for rule in values["rule"]],
        "locale": [lang or "" for lang in values["lang"]],
        "cluster": [cluster or 0 for cluster in values["cluster"]],
        "top": [""] * len(values["id"]),
        "opened": [bool(n) for n in values["opened"]],
        "satisfied": [bool(n) for n in values["read"]],
        "forms_shown": values["shown"],
        "forms_left": [min(a, b) for a, b in zip(values["shown"], values["unsent"], strict=True)],
        "answer_ms": [-1 if v is None else v for v in values["answered_after"]],
        "escalate_ms": [-1 if v is None else max(v, 0) for v in values["ticket_after"]],
        "asked": asked,
        "survey": answers,
    }
    return frame_of_columns({name: columns[name] for name in COLUMNS}), persons


def _survey_columns(ids: Sequence[str], surveys: Sequence[Mapping], need_of: Mapping[str, str]) -> tuple[np.ndarray, np.ndarray]:
    asked, answers = np.zeros(len(ids), dtype=bool), np.full(len(ids), -1)
    place = {need: i for i, need in enumerate(ids)} if surveys else {}
    for survey in surveys:
        thing = survey.get("search_id") or survey.get("view_id") or survey.get("form_id")
        i = place.get(need_of.get(str(thing), ""))
        if i is not None:
            asked[i] = True
            if survey.get("answered") is not None:
                answers[i] = int(survey["answered"])
    return asked, answers


def _needs_of_things(db: Session, surveys: Sequence[Mapping], start: int, end: int) -> dict[str, str]:
    """Search, view or form id → need, for the things that surveys name."""
    found: dict[str, str] = {}
    if any(s.get("search_id") for s in surveys):
        wanted = {s["search_id"] for s in surveys if s.get("search_id")}
        searches = _rows(db, "SELECT need_id, search_id, members FROM need_search WHERE day >= :start AND day < :end", start, end)
        for need, search_id, members in searches:
            if search_id in wanted:
                found[search_id] = need
            if members.count('"') > 2:
                found |= {member: need for member in json.loads(members) if member in wanted}
    for view in {s["view_id"] for s in surveys if s.get("view_id")}:
        row = db.execute(text("SELECT need_id FROM need_view WHERE view_id = :id"), {"id": view}).first()
        if row:
            found[view] = row[0]
    return found


def _tickets(db: Session, span: Span, persons: Mapping[str, int]) -> tuple[TicketFact, ...]:
    return ticket_facts(_rows(db, _CONTACTS, span.start, span.end), persons)


def ticket_facts(rows: Sequence[tuple], persons: Mapping[str, int]) -> tuple[TicketFact, ...]:
    """Contacts (id, home, time, channel, linked, subject) as facts; who wrote is known by the name of the home actor."""
    own: dict[str, int] = {}
    return tuple(
        TicketFact(ticket, persons.get(home, own.setdefault(home, -1 - len(own))), t, channel, bool(linked), subject=subject)
        for ticket, home, t, channel, linked, subject in rows
    )


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
    return list(db.execute(text(query), {"start": start, "end": end}))
