"""Rows → the material of a report: needs of a span as columns, read once and kept until something changes."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from app.deflection.cluster_names import cluster_names
from app.deflection.events import milliseconds
from app.deflection.facts import COLUMNS, KINDS, Frame, TicketFact, frame_of_columns, joined
from app.deflection.report import Mark, Material, Report, build
from app.deflection.report_request import ReportRequest, Span, span_of
from app.deflection.thresholds import Thresholds

FIELDS = (
    "id", "person", "first", "last", "kind", "rule", "final_at", "link_class", "post_ticket", "lang", "surface", "device", "cluster",
    "article", "searches", "zero", "clicked", "opened", "read", "vote", "solved", "forms", "shown", "unsent", "answered_after",
    "ticket_after", "topical_after",
)  # fmt: skip
_QUOTED = ", ".join(f'"{name}"' for name in FIELDS)
_NEEDS = f"SELECT {_QUOTED} FROM need WHERE day >= :start AND day < :end"  # noqa: S608 — names of our own columns
_STAMP = (
    "SELECT (SELECT coalesce(max(id), 0) FROM event), (SELECT count(*) FROM dirty), (SELECT coalesce(max(id), 0) FROM outcome_ledger),"
    " (SELECT coalesce(max(id), 0) FROM cluster_change), (SELECT count(*) FROM need WHERE cluster IS NULL), (SELECT count(*) FROM need)"
)
_STAMP_OF_OLD = (
    "SELECT (SELECT coalesce(max(id), 0) FROM outcome_ledger WHERE day >= :start AND day < :end),"
    " (SELECT coalesce(max(id), 0) FROM cluster_change), (SELECT count(*) FROM need WHERE day >= :start AND day < :end),"
    " (SELECT count(*) FROM need WHERE day >= :start AND day < :end AND cluster IS NULL),"
    " (SELECT count(*) FROM event WHERE type = 'survey' AND day >= :start AND day < :end)"
)
"""Older days change only by a late ticket, an exclusion or an erasure (the ledger says so), a merge of clusters, or a survey answer."""
RECENT_DAYS = 10
"""Days that are read anew whenever anything happened: events older than a week are not believed about their time (rule 2.2)."""
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
_SURVEYS = "SELECT body FROM event WHERE type = 'survey' AND day >= :start AND day < :end + 8"
_SAME = (
    "first", "last", "final_at", "link_class", "post_ticket", "surface", "device", "article", "searches", "zero", "clicked", "vote", "solved",
    "forms",
)  # fmt: skip
"""Columns that are called and written alike in the row and in the frame."""
_SEARCH_NEEDS = text("SELECT need_id, search_id FROM need_search WHERE search_id IN :ids").bindparams(bindparam("ids", expanding=True))
_FOLDED = text(
    "SELECT s.need_id FROM event e JOIN need n ON n.home = e.actor JOIN need_search s ON s.need_id = n.id"
    " WHERE e.ref = :id AND e.type = 'search' AND s.members LIKE :member LIMIT 1"
)
_CHUNK = 500
_RULES = {f"R{i}": i for i in range(12)}
YEAR = 364
"""Whole weeks, so that the same weekdays are compared."""


@dataclass
class _Kept:
    """What was read of some days, and by what it can be seen to have changed."""

    stamp: tuple
    frame: Frame


@dataclass
class _Span:
    """The whole of a span, its older part, and the codes of persons, which both share."""

    persons: dict[str, int]
    old: _Kept | None = None
    whole: _Kept | None = None


_kept: OrderedDict[tuple, _Span] = OrderedDict()
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
    """The needs of some days as columns, and the codes of their persons; kept in memory, and only what may have changed is read again."""
    key, stamp = (str(db.get_bind().engine.url), start, end), tuple(db.execute(text(_STAMP)).one())
    with _lock:
        span = _kept.setdefault(key, _Span({}))
        _kept.move_to_end(key)
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
        if span.whole is None or span.whole.stamp != stamp:
            split = max(start, end - RECENT_DAYS)
            old = _old_part(db, span, start, split)
            span.whole = _Kept(stamp, joined([old, _read(db, split, end, span.persons)]))
        return span.whole.frame, span.persons


def _old_part(db: Session, span: _Span, start: int, end: int) -> Frame:
    stamp = tuple(db.execute(text(_STAMP_OF_OLD), {"start": start, "end": end}).one())
    if span.old is None or span.old.stamp != stamp:
        # Persons may have been erased or joined since: start their codes anew, the recent part is read after us.
        span.persons = {}
        span.old = _Kept(stamp, _read(db, start, end, span.persons))
    return span.old.frame


def _read(db: Session, start: int, end: int, persons: dict[str, int]) -> Frame:
    rows = db.connection().exec_driver_sql(_NEEDS.replace(":start", str(int(start))).replace(":end", str(int(end)))).cursor.fetchall()
    values = dict(zip(FIELDS, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(FIELDS, ())
    given = [json.loads(body) for (body,) in _rows(db, _SURVEYS, start, end)]
    need_of = _needs_of_things(db, given, start, end) if given else {}
    return frame_of_needs(values, given, need_of, persons)


def frame_of_needs(
    values: Mapping[str, Sequence], surveys: Sequence[Mapping], need_of: Mapping[str, str], persons: dict[str, int]
) -> Frame:
    """Columns of `need` rows (one sequence a field) as a frame, with the survey answers put to their needs.

    `persons` gives each person a code, and is filled with those it does not know yet.
    """
    asked, answers = _survey_columns(values["id"], surveys, need_of)
    columns: dict[str, Sequence | np.ndarray] = {
        **{name: values[name] for name in _SAME},
        "person": [persons.setdefault(p or f"erased:{values['id'][i]}", len(persons)) for i, p in enumerate(values["person"])],
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
        "topical_ms": [-1 if v is None else v for v in values["topical_after"]],
        "asked": asked,
        "survey": answers,
    }
    return frame_of_columns({name: columns[name] for name in COLUMNS})


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
    wanted = {s["search_id"] for s in surveys if s.get("search_id")}
    for chunk in _chunks(sorted(wanted)):
        found |= {search_id: need for need, search_id in db.execute(_SEARCH_NEEDS, {"ids": chunk})}
    if wanted - found.keys():
        # Folded into another search, by a keystroke more or a reload: it is in the need that its browser had at that moment.
        for search_id in sorted(wanted - found.keys()):
            row = db.execute(_FOLDED, {"id": search_id, "member": f'%"{search_id}"%'}).first()
            if row:
                found[search_id] = row[0]
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


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[i : i + _CHUNK] for i in range(0, len(ids), _CHUNK))
