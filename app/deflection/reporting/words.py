"""Who may read what one person searched for: everybody on the staff if enough people asked the same, else a permission of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.deflection.grouping.wording import normalise
from app.deflection.judging.audit import Audit, Sentence
from app.deflection.recording.events import milliseconds
from app.deflection.reporting.facts import DAY_MS

DAYS = 90
HIDDEN = "…"

_GROUP = text("SELECT cluster FROM need WHERE id = :need")
_ASKED = text(
    "SELECT q, person FROM need WHERE cluster = :cluster AND day >= :start AND rule <> 'R0'"
    " UNION SELECT s.q, n.person FROM need_search s JOIN need n ON n.id = s.need_id WHERE s.need_id = :need"
)


def words_are_common(db: Session, audit: Audit, k: int, now: datetime) -> bool:
    """Whether each query of the need was asked word for word by at least `k` people of its group within 90 days."""
    cluster = db.execute(_GROUP, {"need": audit.need}).scalar()
    start = milliseconds(now) // DAY_MS - DAYS
    asked: dict[str, set[str]] = {}
    for query, person in db.execute(_ASKED, {"cluster": cluster, "start": start, "need": audit.need}):
        asked.setdefault(normalise(query), set()).add(person)
    return all(len(asked.get(normalise(search.q), ())) >= k for search in audit.searches if search.q)


def without_words(audit: Audit) -> Audit:
    """The audit with every query left out, in the evidence and in the sentences; all else stays."""
    return replace(
        audit,
        searches=tuple(replace(search, q="") for search in audit.searches),
        story=tuple(_silent(sentence) for sentence in audit.story),
    )


def _silent(sentence: Sentence) -> Sentence:
    return replace(sentence, params={**sentence.params, "query": HIDDEN}) if "query" in sentence.params else sentence
