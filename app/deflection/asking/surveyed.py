"""Which needs the calibration survey asked about, and what was answered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from app.deflection.bulk import chunks, expanding

LATEST = 8
"""An answer hardly ever comes more days after its need began."""

_BODIES = expanding("SELECT body FROM event WHERE type = 'survey' AND day IN :days ORDER BY t_recv, event_id", "days")
_COUNT = expanding("SELECT count(*) FROM event WHERE type = 'survey' AND day IN :days", "days")
_SEARCH_NEEDS = expanding("SELECT need_id, search_id FROM need_search WHERE search_id IN :ids")
_FOLDED = expanding(
    "SELECT e.ref, s.need_id, s.members FROM event e JOIN need n ON n.home = e.actor JOIN need_search s ON s.need_id = n.id"
    " WHERE e.ref IN :ids AND e.type = 'search'"
)
_VIEW_NEEDS = expanding("SELECT need_id, view_id FROM need_view WHERE view_id IN :ids")
_DAYS = expanding("SELECT DISTINCT day FROM need WHERE id IN :ids")

Answers = Mapping[str, int | None]
"""Need → what was answered; None for no answer."""


def answers_between(db: Session, start: int, end: int) -> Answers:
    """What was asked and answered on the days in [start, end)."""
    surveys = [json.loads(body) for body in db.execute(_BODIES, {"days": list(range(start, end))}).scalars()]
    return asked_needs(surveys, needs_named(db, surveys) if surveys else {})


def surveys_between(db: Session, start: int, end: int) -> int:
    """How many questions and answers there are of the days in [start, end)."""
    return int(db.execute(_COUNT, {"days": list(range(start, end))}).scalar_one())


def asked_needs(surveys: Sequence[Mapping], need_of: Mapping[str, str]) -> dict[str, int | None]:
    """The needs that the survey asked about, with what was answered; None for no answer. An answer outlasts silence."""
    found: dict[str, int | None] = {}
    for survey in surveys:
        need = need_of.get(str(survey.get("search_id") or survey.get("view_id") or survey.get("form_id")))
        if need is not None and (survey.get("answered") is not None or need not in found):
            found[need] = survey.get("answered")
    return found


def needs_named(db: Session, surveys: Sequence[Mapping]) -> dict[str, str]:
    """Search or view id → need, for the things that surveys name."""
    found: dict[str, str] = {}
    wanted = {s["search_id"] for s in surveys if s.get("search_id")}
    for chunk in chunks(sorted(wanted)):
        found |= {search_id: need for need, search_id in db.execute(_SEARCH_NEEDS, {"ids": chunk})}
    for chunk in chunks(sorted(wanted - found.keys())):
        # Folded into another search, by a keystroke more or a reload: it is among the members of one that its browser made.
        for search_id, need, members in db.execute(_FOLDED, {"ids": chunk}):
            if search_id not in found and search_id in json.loads(members):
                found[search_id] = need
    for chunk in chunks(sorted({s["view_id"] for s in surveys if s.get("view_id")})):
        found |= {view: need for need, view in db.execute(_VIEW_NEEDS, {"ids": chunk})}
    return found


def days_named(db: Session, surveys: Sequence[Mapping]) -> set[int]:
    """The days of the needs that surveys name, as far as they are judged."""
    needs = sorted(set(needs_named(db, surveys).values()))
    return {day for chunk in chunks(needs) for day in db.execute(_DAYS, {"ids": chunk}).scalars()}
