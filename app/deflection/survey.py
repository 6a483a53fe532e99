"""The calibration survey: a random, hash-sampled share of needs gets one question; never twice in 30 days, refusable for good.

The answer is an event that feeds no outcome. What it is asked about is named by the search, so that whoever answers stays unknown.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy.orm import Session

from app.deflection.clock import DAY
from app.deflection.events import Actor, Survey, milliseconds
from app.deflection.report_models import SurveyAskedRow
from app.deflection.store import record

PAUSE = 30 * DAY
SALT = "survey"


def is_sampled(search_id: str, share: float) -> bool:
    """Whether this search is among those asked; the same answer every time, and nothing about the search itself matters."""
    drawn = int.from_bytes(hashlib.sha256(f"{SALT}|{search_id}".encode()).digest()[:8], "big") / 2**64
    return drawn < share


def person_of(actor: Actor) -> str | None:
    """Under which name we remember that we asked; nobody without account and cookie is remembered."""
    if actor.account:
        return f"a:{actor.account}"
    return f"v:{actor.visitor}" if actor.visitor else None


def may_ask(db: Session, actor: Actor, search_id: str, share: float, now: datetime) -> bool:
    """Whether to show the question: sampled, a customer, not asked within 30 days, not refused.

    Without account or cookie we could not know whether we asked before, so such people are asked once a tab: the page remembers.
    """
    if actor.role != "customer" or not is_sampled(search_id, share):
        return False
    person = person_of(actor)
    row = db.get(SurveyAskedRow, person) if person else None
    return row is None or (not row.refused and row.at <= milliseconds(now) - PAUSE)


def asked(db: Session, actor: Actor, search_id: str, now: datetime) -> None:
    """Note that the question was shown: it counts as asked, whether or not an answer comes."""
    _remember(db, actor, now, refused=False)
    record(db, Survey(**actor.stamp(now, f"survey-asked:{search_id}"), search_id=search_id, answered=None))


def answer(db: Session, actor: Actor, search_id: str, found: bool, now: datetime) -> None:
    """Record the answer; a second one to the same question changes nothing."""
    record(db, Survey(**actor.stamp(now, f"survey:{search_id}"), search_id=search_id, answered=found))


def refuse(db: Session, actor: Actor, now: datetime) -> None:
    """Never ask this person again."""
    _remember(db, actor, now, refused=True)


def _remember(db: Session, actor: Actor, now: datetime, refused: bool) -> None:
    person = person_of(actor)
    if person is None:
        return
    known = db.get(SurveyAskedRow, person)
    was = known.refused if known else False
    db.merge(SurveyAskedRow(person=person, at=milliseconds(now), refused=refused or was))
