"""The worker's part of the packed days: which are made, and when again. What is in them: `need_columns` and `asked_columns`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import Database
from app.deflection.asking.surveyed import LATEST, Answers, answers_between, surveys_between
from app.deflection.bulk import chunks
from app.deflection.judging.judging_lock import keep_recorders_out, lock_for_judging
from app.deflection.judging.ledger import outcome_stamp
from app.deflection.packing.asked_columns import FORMAT as ASKED_FORMAT
from app.deflection.packing.asked_columns import KEPT_DAYS, forget_asked_before, forget_asked_on, record_of
from app.deflection.packing.need_columns import FORMAT, Columns, frame_of_days, read_days, solved_of
from app.deflection.recording.clock import DAY
from app.deflection.recording.events import milliseconds

_DAYS_AT_ONCE = 4
"""Days packed in one transaction, in which others wait to write."""
_MISSING = text(
    "SELECT day FROM (SELECT day FROM rollup_day WHERE day < :today UNION SELECT day FROM contact WHERE day < :today) AS d WHERE NOT EXISTS"
    " (SELECT 1 FROM need_columns c WHERE c.day = d.day AND c.format = :format AND (c.surveys OR c.day >= :settled))"
    " ORDER BY day DESC LIMIT :most"
)
_ASKED_KNOWN = text("SELECT day FROM asked_columns WHERE day >= :start AND format = :format")
_INSERT = text(
    "INSERT INTO need_columns (day, format, surveys, solved, counted, data) VALUES (:day, :format, :surveys, :solved, :counted, :data)"
)
_INSERT_ASKED = text("INSERT INTO asked_columns (day, format, searches, zero, data) VALUES (:day, :format, :searches, :zero, :data)")


def pack_days(database: Database, now: datetime, most: int = 1000) -> int:
    """Make the records of days that have none, newest first; gives how many. The day that runs changes too often to be worth it.

    What the survey says of a day is packed with it once the answers are in; until then reports look it up.
    """
    today = milliseconds(now) // DAY
    settled = today - LATEST - 1
    with database.session() as db:
        given = {"today": today, "settled": settled, "format": FORMAT, "most": most}
        missing = list(db.execute(_MISSING, given).scalars())
    surveys = _Surveys(min(missing, default=today), today + 2)
    packed = 0
    for days in chunks(missing, _DAYS_AT_ONCE):
        with database.giving_way(), database.session() as db:
            packed += _pack(db, days, settled, surveys, database.is_sqlite)
    return packed


def _pack(db: Session, days: Sequence[int], settled: int, surveys: _Surveys, is_sqlite: bool) -> int:
    # Nobody changes a need between our reading it and our record of it, and nobody answers a survey.
    lock_for_judging(db, is_sqlite)
    if not keep_recorders_out(db, is_sqlite):
        return 0
    made: list[dict[str, Any]] = []
    for day in days:
        columns = read_days(db, [day], base=day * DAY)
        solved, counted = solved_of(columns)
        if day < settled:
            columns = with_surveys(columns, surveys.read(db))
        made.append(
            {"day": day, "format": FORMAT, "surveys": columns.asked, "solved": solved, "counted": counted, "data": columns.packed()}
        )
    db.execute(text("DELETE FROM need_columns WHERE day = :day"), [{"day": day} for day in days])
    db.execute(_INSERT, made)
    return len(made)


class _Surveys:
    """What was answered since a day; read again whenever anything of it may have changed since it was last asked for."""

    def __init__(self, start: int, end: int) -> None:
        self._start, self._end = start, end
        self._stamp: tuple[int, int] | None = None
        self._answers: Answers = {}

    def read(self, db: Session) -> Answers:
        stamp = (outcome_stamp(db), surveys_between(db, self._start, self._end))
        if stamp != self._stamp:
            self._stamp, self._answers = stamp, answers_between(db, self._start, self._end)
        return self._answers


def with_surveys(columns: Columns, answers: Answers) -> Columns:
    """The same with the survey's columns filled."""
    frame = frame_of_days([columns], answers)
    return replace(columns, needs={**columns.needs, "asked": frame["asked"], "survey": frame["survey"]}, asked=True)


def pack_asked(database: Database, now: datetime, most: int = 1000) -> int:
    """Make the records of what was asked on past days, and drop those that are too old; gives how many were made."""
    today = milliseconds(now) // DAY
    start = today - KEPT_DAYS
    with database.session() as db:
        forget_asked_before(db, start)
        known = set(db.execute(_ASKED_KNOWN, {"start": start, "format": ASKED_FORMAT}).scalars())
    packed = 0
    missing = [day for day in range(today - 1, start - 1, -1) if day not in known]
    for days in chunks(missing[:most], _DAYS_AT_ONCE):
        with database.giving_way(), database.session() as db:
            lock_for_judging(db, database.is_sqlite)
            if keep_recorders_out(db, database.is_sqlite):
                made = [record_of(db, day) for day in days]
                forget_asked_on(db, days)
                db.execute(_INSERT_ASKED, made)
                packed += len(made)
    return packed
