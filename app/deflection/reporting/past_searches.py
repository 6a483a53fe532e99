"""What people searched and what answered it: the material on which a change of the content is tried out."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.deflection.models import NeedRow

ANSWERED = ("answered_confirmed", "answered_likely")


@dataclass(frozen=True)
class PastQuery:
    """The first query of some needs in one language, redacted as it was stored."""

    query: str
    locale: str
    article_id: str
    """The article that answered most of those needs that were answered; empty when none was."""
    times: int
    persons: int


def past_queries(db: Session, since_ms: int, limit: int = 5000) -> list[PastQuery]:
    """The queries with which needs began since a moment (milliseconds), most frequent first."""
    rows = db.execute(
        select(NeedRow.q, NeedRow.lang, NeedRow.article, NeedRow.outcome, NeedRow.person).where(
            NeedRow.kind == "search", NeedRow.first >= since_ms, NeedRow.q != "", NeedRow.outcome != "excluded"
        )
    )
    times: Counter[tuple[str, str]] = Counter()
    persons: dict[tuple[str, str], set[str]] = defaultdict(set)
    answers: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for query, lang, article, outcome, person in rows:
        times[query, lang] += 1
        persons[query, lang].add(person)
        if outcome in ANSWERED and article:
            answers[query, lang][article] += 1
    return [
        PastQuery(query, lang, answers[query, lang].most_common(1)[0][0] if answers[query, lang] else "", count, len(persons[query, lang]))
        for (query, lang), count in sorted(times.items(), key=lambda item: (-item[1], item[0]))[:limit]
    ]
