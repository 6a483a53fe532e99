"""Phrases that past searches teach the search: queries that led several people to an answer, always with the same article at the end.

Redacted before they were stored, shown only from enough persons, fading with time, and removable by writers for good: whatever is taken
away in one wording stays away in every wording of the same meaning words, or the next people's word order would bring it back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.deflection.grouping.cluster_text import stems
from app.deflection.grouping.wording import normalise
from app.deflection.judging.disjoint_sets import DisjointSets
from app.deflection.recording.events import milliseconds
from app.deflection.recording.redaction import redact
from app.deflection.reporting.facts import DAY_MS
from app.deflection.reporting.report_models import RemovedPhraseRow

FEWEST_NEEDS = 3
FEWEST_PERSONS = 3
HALF_LIFE_DAYS = 90
LOOKS_BACK_DAYS = 365
SMALLEST_WEIGHT = 0.5
"""Below this a phrase has faded: three answered needs of long ago no longer teach anything."""
LONGEST = 200

_ANSWERED = text(
    # What was opened last and closed again has answered nobody, as long as something else was read or said to have helped.
    "SELECT COALESCE((SELECT opened.article FROM need_view AS opened WHERE opened.need_id = need.id"
    "  AND (opened.active_ms >= opened.required_ms OR opened.helpful > 0) ORDER BY opened.t DESC, opened.view_id DESC LIMIT 1), article),"
    " lang, q, person, first FROM need WHERE rule IN ('R2', 'R6') AND kind = 'search' AND article <> '' AND q <> '' AND day >= :start"
)


_SAME_PERSON = text("SELECT a, b FROM identity_edge WHERE b LIKE 'r:%' OR b LIKE 'a:%'")


Group = tuple[str, str, tuple[str, ...]]
"""An article, a locale, and the stems of the meaning words: wordings that are one phrase."""


@dataclass(frozen=True)
class Answered:
    """One need that was answered: what was asked first, by whom, and the article that was read last."""

    article: str
    locale: str
    query: str
    person: str
    at: int


@dataclass(frozen=True)
class AgentAnswer:
    """An article that an agent linked into the reply to a ticket, with the ticket's subject; `person` is the hash of its requester."""

    article: str
    locale: str
    subject: str
    person: str
    at: datetime


@dataclass(frozen=True)
class Phrase:
    """A phrase for an article; `weight` is how many needs speak for it today, older ones counting less."""

    article_id: str
    locale: str
    phrase: str
    weight: float
    needs: int
    persons: int
    last_at: int
    removed: bool = False


def phrases_of(answered: Iterable[Answered], now_ms: int, k: int = FEWEST_PERSONS) -> list[Phrase]:
    """The phrases that enough needs of enough persons support, heaviest first.

    Wordings of the same meaning words support each other; the phrase is shown as most people wrote it, and that wording itself must
    have been used by `k` persons.
    """
    groups: dict[Group, list[Answered]] = defaultdict(list)
    for need in answered:
        group = _group(need.article, need.locale, _wording(need.query))
        if group[-1] and "‹" not in need.query:
            groups[group].append(need)
    found = [phrase for (article, locale, _), needs in groups.items() if (phrase := _phrase(article, locale, needs, now_ms, k))]
    return sorted(found, key=lambda p: (-p.weight, p.article_id, p.locale, p.phrase))


def _wording(query: str) -> str:
    """A query as a phrase is shown and stored."""
    return normalise(query)[:LONGEST]


def _group(article: str, locale: str, wording: str) -> Group:
    """What a wording is part of. Always by the wording, never by the whole query: a removal knows no more than what was shown."""
    return article, locale, stems(wording, locale or "en")


def _phrase(article: str, locale: str, needs: Sequence[Answered], now_ms: int, k: int) -> Phrase | None:
    persons = {need.person for need in needs}
    if len(needs) < FEWEST_NEEDS or len(persons) < max(FEWEST_PERSONS, k):
        return None
    by_wording: dict[str, set[str]] = defaultdict(set)
    for need in needs:
        by_wording[_wording(need.query)].add(need.person)
    wording = max(by_wording, key=lambda w: (len(by_wording[w]), w))
    weight = sum(0.5 ** (max(now_ms - need.at, 0) / DAY_MS / HALF_LIFE_DAYS) for need in needs)
    if len(by_wording[wording]) < k or weight < SMALLEST_WEIGHT:
        return None
    return Phrase(article, locale, wording, round(weight, 3), len(needs), len(persons), max(need.at for need in needs))


def learned_phrases(
    db: Session, now: datetime, k: int = FEWEST_PERSONS, agents: Iterable[AgentAnswer] = (), with_removed: bool = False
) -> list[Phrase]:
    """What is learned today, from searches and from agents' replies; what writers removed is left out, or marked."""
    at = milliseconds(now)
    rows = db.execute(_ANSWERED, {"start": at // DAY_MS - LOOKS_BACK_DAYS})
    people = _people(db)
    answered = [Answered(article, lang, q, people.root(person), first) for article, lang, q, person, first in rows]
    answered += [Answered(a.article, a.locale, redact(a.subject), people.root(f"r:{a.person}"), milliseconds(a.at)) for a in agents]
    removed = {_group(*row) for row in db.execute(select(RemovedPhraseRow.article, RemovedPhraseRow.locale, RemovedPhraseRow.phrase))}
    found = []
    for phrase in phrases_of(answered, at, k):
        if _group(phrase.article_id, phrase.locale, phrase.phrase) not in removed:
            found.append(phrase)
        elif with_removed:
            found.append(Phrase(**{**_fields(phrase), "removed": True}))
    return found


def _people(db: Session) -> DisjointSets:
    """Browsers, accounts and senders that belong together: whoever searched and then wrote the same is one person."""
    people = DisjointSets()
    for name, other in db.execute(_SAME_PERSON):
        people.join(name, other)
    return people


def _fields(phrase: Phrase) -> dict:
    return {name: getattr(phrase, name) for name in Phrase.__dataclass_fields__}


def remove_phrase(db: Session, article: str, locale: str, phrase: str, who: str, now: datetime) -> None:
    """Take a phrase away from an article, in all its wordings; it is not learned again until it is given back."""
    db.merge(RemovedPhraseRow(article=article, locale=locale, phrase=phrase[: 2 * LONGEST], who=who, at=milliseconds(now)))


def restore_phrase(db: Session, article: str, locale: str, phrase: str) -> None:
    """Let a removed phrase be learned again, whichever of its wordings were removed."""
    given_back = _group(article, locale, phrase)
    chosen = select(RemovedPhraseRow).where(RemovedPhraseRow.article == article, RemovedPhraseRow.locale == locale)
    for row in db.scalars(chosen):
        if _group(article, locale, row.phrase) == given_back:
            db.delete(row)
