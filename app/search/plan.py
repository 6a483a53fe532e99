"""From a query to weighted terms in one locale: what is looked up, with what weight, and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.search.analysis import Analyzer, Word, grams, pairs
from app.search.query_text import MAX_WORDS, Parsed


@dataclass(frozen=True, slots=True)
class PlanTerm:
    """One term to look up: a kind is a group of fields (see `fields.KINDS`)."""

    kind: str
    term: str
    weight: float
    origin: str
    """`query`, `correction`, `synonym`, `shingle`, `exact`, `grams`, `prefix`, `layout`."""
    word: int = -1
    """Which of the query's words it stands for; -1: none alone (pairs)."""


@dataclass
class Plan:
    """Everything that is asked of one locale's fields."""

    locale: str
    terms: list[PlanTerm] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    """The words that count, in order."""
    phrases: list[list[str]] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)

    def add(self, kind: str, term: str, weight: float, origin: str, word: int = -1) -> None:
        if term and not any(t.kind == kind and t.term == term for t in self.terms):
            self.terms.append(PlanTerm(kind, term, weight, origin, word))


def content_words(words: list[Word]) -> list[Word]:
    """The words that say something; all of them when nothing else is left."""
    kept = [w for w in words if not w.stop] or words
    return kept[: MAX_WORDS + sum(w.joined for w in kept[:MAX_WORDS])]


def plain_plan(parsed: Parsed, a: Analyzer) -> Plan:
    """The query as it was typed: stems, the words themselves, neighbouring pairs."""
    words = a.words(parsed.all_text)
    plan = Plan(a.locale, words=content_words(words))
    for number, word in enumerate(plan.words):
        plan.add("words", word.stem, 1.0, "query", number)
        plan.add("exact", word.text, 1.0, "exact", number)
        if a.grams:
            for gram in grams(word.text, a.grams):
                plan.add("grams", gram, 1.0, "grams", number)
    for pair in pairs(words)[:MAX_WORDS]:
        plan.add("pairs", pair, 1.0, "shingle")
    plan.phrases = [[w.text for w in a.words(p) if not w.joined] for p in parsed.phrases]
    plan.excluded = [w.stem for e in parsed.excluded for w in a.words(e)]
    return plan
