"""The calibration survey: a random, hash-sampled share of needs gets one question; never twice in 30 days, refusable for good.

The answer is an event that feeds no outcome. What it is asked about is named by the search, so that whoever answers stays unknown.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.deflection.clock import DAY, MINUTE
from app.deflection.events import Actor, Survey, milliseconds
from app.deflection.report_models import SurveyAskedRow
from app.deflection.store import record

PAUSE = 30 * DAY
OVER = 10 * MINUTE
FORGOTTEN = 7 * DAY
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

    Without account or cookie nobody is remembered, so such people are asked at most once about one search.
    """
    if actor.role != "customer" or not is_sampled(search_id, share):
        return False
    person = person_of(actor)
    if person is None:
        return db.execute(_ASKED, {"id": f"survey-asked:{search_id}"}).first() is None
    row = db.get(SurveyAskedRow, person)
    return row is None or (not row.refused and row.at <= milliseconds(now) - PAUSE)


_ASKED = text("SELECT 1 FROM seen WHERE event_id = :id")


@dataclass(frozen=True)
class Question:
    """What a person is asked about: an earlier search of theirs, by its id; its words are not repeated to whoever sits there now."""

    search_id: str


_EARLIER = text(
    "SELECT ref, body FROM event WHERE actor = :actor AND type = 'search' AND t > :oldest AND t < :newest AND role = 'customer'"
    " ORDER BY t DESC, event_id LIMIT 20"
)


def pending_question(db: Session, actor: Actor, share: float, now: datetime) -> Question | None:
    """The question to put to this person now: about their last search that is over for ten minutes and at most a week old.

    Only that one: going further back until a sampled one is found would ask almost everybody.
    """
    if actor.role != "customer" or share <= 0:
        return None
    key = f"v:{actor.visitor}" if actor.visitor else f"t:{actor.tab}" if actor.tab else None
    if key is None:
        return None
    at = milliseconds(now)
    for search_id, body in db.execute(_EARLIER, {"actor": key, "oldest": at - FORGOTTEN, "newest": at - OVER}):
        if json.loads(body).get("mode") == "submit":
            return Question(search_id) if may_ask(db, actor, search_id, share, now) else None
    return None


def question_asked(db: Session, actor: Actor, search_id: str, now: datetime) -> None:
    """Note that the question was shown: it counts as asked, whether or not an answer comes."""
    _remember(db, actor, now, refused=False)
    record(db, Survey(**actor.stamp(now, f"survey-asked:{search_id}"), search_id=search_id, answered=None))


def question_answered(db: Session, actor: Actor, search_id: str, found: bool, now: datetime) -> None:
    """Record the answer; a second one to the same question changes nothing."""
    record(db, Survey(**actor.stamp(now, f"survey:{search_id}"), search_id=search_id, answered=found))


def refuse_questions(db: Session, actor: Actor, now: datetime) -> None:
    """Never ask this person again."""
    _remember(db, actor, now, refused=True)


def _remember(db: Session, actor: Actor, now: datetime, refused: bool) -> None:
    person = person_of(actor)
    if person is None:
        return
    known = db.get(SurveyAskedRow, person)
    was = known.refused if known else False
    db.merge(SurveyAskedRow(person=person, at=milliseconds(now), refused=refused or was))
