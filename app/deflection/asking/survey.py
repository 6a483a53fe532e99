"""The calibration survey: a random, hash-sampled share of needs gets one question; never twice in 30 days, refusable for good.

The answer is an event that feeds no outcome. What it is asked about is named by the search, so that whoever answers stays unknown.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from app.deflection.recording.clock import DAY, MINUTE
from app.deflection.recording.events import Actor, Survey, milliseconds
from app.deflection.recording.store import record
from app.deflection.reporting.report_models import SurveyAskedRow

PAUSE = 30 * DAY
OVER = 10 * MINUTE
FORGOTTEN = 7 * DAY
SALT = "survey"
TAB = "t:"


def is_sampled(search_id: str, share: float) -> bool:
    """Whether this search is among those asked; the same answer every time, and nothing about the search itself matters."""
    drawn = int.from_bytes(hashlib.sha256(f"{SALT}|{search_id}".encode()).digest()[:8], "big") / 2**64
    return drawn < share


def names_of(actor: Actor) -> tuple[str, ...]:
    """Under which names we remember that we asked: account and browser both, so that signing in is no way to be asked twice.

    Without either it is the tab, which is all that is known: a refusal then holds as long as the tab.
    """
    names = [f"{kind}:{name}" for kind, name in (("a", actor.account), ("v", actor.visitor)) if name]
    return tuple(names) or ((f"{TAB}{actor.tab}",) if actor.tab else ())


def may_ask(db: Session, actor: Actor, search_id: str, share: float, now: datetime) -> bool:
    """Whether to show the question: sampled, a customer, under none of their names asked within 30 days or refused."""
    names = names_of(actor)
    if actor.role != "customer" or not names or not is_sampled(search_id, share):
        return False
    rows = [row for name in names if (row := db.get(SurveyAskedRow, name))]
    return all(not row.refused and row.at <= milliseconds(now) - PAUSE for row in rows)


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
    """Record the answer; a second one to the same question changes nothing, nor does anybody's who was not asked.

    The sample is random only as long as nobody can step into it, with a search of their own or of somebody else.
    """
    if _was_asked(db, actor, search_id):
        record(db, Survey(**actor.stamp(now, f"survey:{search_id}"), search_id=search_id, answered=found))


def _was_asked(db: Session, actor: Actor, search_id: str) -> bool:
    asked = db.execute(text("SELECT actor FROM seen WHERE event_id = :id"), {"id": f"survey-asked:{search_id}"}).scalar()
    # Who was asked in a tab may have taken a cookie or signed in since.
    names = {f"{kind}:{name}" for kind, name in (("a", actor.account), ("v", actor.visitor), ("t", actor.tab)) if name}
    return asked in names


def refuse_questions(db: Session, actor: Actor, now: datetime) -> None:
    """Never ask this person again."""
    _remember(db, actor, now, refused=True)


def forget_asked(db: Session, now: datetime) -> None:
    """Drop what no longer keeps anybody from being asked: old questions, and whatever a tab said that is surely closed by now."""
    db.execute(
        delete(SurveyAskedRow).where(
            SurveyAskedRow.at < milliseconds(now) - PAUSE, SurveyAskedRow.refused.is_(False) | SurveyAskedRow.person.startswith(TAB)
        )
    )


def _remember(db: Session, actor: Actor, now: datetime, refused: bool) -> None:
    for name in names_of(actor):
        known = db.get(SurveyAskedRow, name)
        was = known.refused if known else False
        db.merge(SurveyAskedRow(person=name, at=milliseconds(now), refused=refused or was))
