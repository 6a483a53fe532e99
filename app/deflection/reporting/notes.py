"""Notes on the time line of the reports: releases, outages and whatever else may explain a change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.deflection.recording.events import milliseconds
from app.deflection.reporting.definitions import N_
from app.deflection.reporting.report_models import ReportNoteRow
from app.errors import Invalid

KINDS = ("release", "outage", "note")
LONGEST = 60
"""Characters that still fit on the chart."""


@dataclass(frozen=True)
class ReportNote:
    """A note as it stands on the time line."""

    id: int
    day: int
    kind: str
    text: str
    at: int


def add_note(db: Session, day: str, kind: str, text: str, who: str, now: datetime) -> None:
    """Write a note on a day (ISO date, not in the future); raises `Invalid` with every wrong field."""
    errors: dict[str, str] = {}
    text = " ".join(text.split())
    try:
        number = (date.fromisoformat(day) - date(1970, 1, 1)).days
    except ValueError:
        number, errors["day"] = 0, N_("Choose a day.")
    if number * 86_400_000 > milliseconds(now):
        errors["day"] = N_("Choose a day that is not to come.")
    if not 0 < len(text) <= LONGEST:
        errors["text"] = N_("Write what happened, in at most 60 characters.")
    if kind not in KINDS:
        errors["kind"] = N_("Choose what kind of thing it was.")
    if errors:
        raise Invalid("The note was not kept.", errors)
    db.add(ReportNoteRow(day=number, kind=kind, text=text, who=who, at=milliseconds(now)))


def list_notes(db: Session) -> list[ReportNote]:
    """All notes, the latest day first."""
    rows = db.scalars(select(ReportNoteRow).order_by(ReportNoteRow.day.desc(), ReportNoteRow.id.desc()))
    return [ReportNote(r.id, r.day, r.kind, r.text, r.at) for r in rows]


def remove_note(db: Session, id: int) -> None:
    """Take a note off the time line."""
    db.execute(delete(ReportNoteRow).where(ReportNoteRow.id == id))
