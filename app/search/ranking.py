"""Adding up a plan's scores and taking the best."""

from __future__ import annotations

from functools import partial, reduce

import numpy as np

from app.search.analysis import analyzer_for
from app.search.engine import TermWeight
from app.search.fields import EXACT, KINDS, WHOLE, field_name
from app.search.plan import Plan
from app.search.postings import Scores, Statistics
from app.search.served import Served


def score(scores: Scores, plan: Plan) -> np.ndarray:
    """The score of every document for this plan, by document number."""
    total = np.zeros(int(scores.bases[-1]))
    plan.found = []
    for term in plan.terms:
        docs, values, whole = scores.of_term(term.kind, plan.locale, term.term)
        if not len(docs):
            continue
        if whole is not None:
            total += whole if term.weight == 1.0 else term.weight * whole
        else:
            total[docs] += values if term.weight == 1.0 else term.weight * values
        plan.found.append((term, docs))
    return total


MEANINGS = ("words", "own_words", "pairs", "own_pairs")
"""Kinds of terms that can stand for a word of the query: a pair does when it is a synonym of two words."""
GROUPS = 64
"""Documents that are looked at together for a first bound on the best scores."""


def best(scores: np.ndarray, count: int) -> np.ndarray:
    """The `count` documents with the best scores above nothing: by score, then by number."""
    least = _least_of_best(scores, count)
    numbers = (scores >= least if least > 0 else scores > 0).nonzero()[0]
    return numbers[(-scores[numbers]).argsort(kind="stable")[:count]]


def _least_of_best(scores: np.ndarray, count: int) -> float:
    """A bound that at least `count` documents reach, and few others; ties at the last place reach it too.

    The best of many groups of documents are that many different documents, so the `count`-th best of those is such a bound.
    """
    size = len(scores)
    if not 0 < count < size:
        return 0.0
    groups = size // GROUPS
    if groups >= 2 * count:
        tops = np.maximum.reduce(scores[: groups * GROUPS].reshape(GROUPS, groups), axis=0)
    else:
        tops = scores.copy()
    place = len(tops) - count
    tops.partition(place)
    return float(tops[place])


def words_matched(served: Served, plan: Plan) -> np.ndarray:
    """How many of the query's own words every document has."""
    count = np.zeros(served.size, dtype=np.int16)
    for term, docs in plan.found:
        if term.origin == "query":
            count[docs] += 1
    return count


def covers(statistics: Statistics, plan: Plan, numbers: np.ndarray, share: float) -> bool:
    """Whether one of these documents has this share of the query's information; a word that nobody has weighs as the rarest would."""
    typed = {term.word: len(docs) for term, docs in plan.found if term.origin == "query"}
    weights = {i: statistics.idf(plan.locale, typed.get(i, 0)) for i, word in enumerate(plan.words) if not word.joined}
    needed = share * sum(weights.values())
    if not needed:
        return False
    lists = [(t.word, docs) for t, docs in plan.found if t.sure and t.word in weights and t.kind in MEANINGS]
    return any(_reaches(number, lists, weights, needed) for number in numbers.tolist())


def _reaches(number: int, lists: list[tuple[int, np.ndarray]], weights: dict[int, float], needed: float) -> bool:
    """Whether the words that a document has weigh this much together."""
    has: set[int] = set()
    for word, docs in lists:
        if word in has:
            continue
        at = int(docs.searchsorted(number))
        if at < len(docs) and docs[at] == number:
            has.add(word)
            needed -= weights[word]
            if needed <= 1e-12:
                return True
    return False


def with_phrases(served: Served, locale: str, phrases: list[list[str]], allowed: np.ndarray) -> np.ndarray:
    """True for those of the allowed documents in which the words of every phrase follow each other, as typed."""
    mask = np.zeros(served.size, dtype=bool)
    field = field_name(EXACT, locale)
    words = {word for phrase in phrases for word in phrase}
    for number, (segment, base) in enumerate(zip(served.segments, served.scores.bases, strict=False)):
        if field not in segment.totals:
            continue
        # Only what has all the words is looked at, and of every word the positions are read once: they cost the most.
        lists = [served.scores.lists(field, word)[number][0] for word in words]
        documents = reduce(partial(np.intersect1d, assume_unique=True), lists)
        documents = documents[allowed[documents + base]]
        places = {word: segment.positions_in(field, word, documents) for word in words} if len(documents) else {}
        having = [d for d in documents.tolist() if all(_follow_in(d, phrase, places) for phrase in phrases)]
        mask[[int(base) + document for document in having]] = True
    return mask


def _follow_in(document: int, phrase: list[str], places: dict[str, dict[int, list[int]]]) -> bool:
    """Whether the words of a phrase stand side by side in a document that has them all."""
    starts = set(places[phrase[0]][document])
    for offset, word in enumerate(phrase[1:], 1):
        starts.intersection_update([place - offset for place in places[word][document]])
        if not starts:
            return False
    return True


def having(served: Served, locale: str, stem: str) -> np.ndarray:
    """True for documents that have a stem anywhere."""
    mask = np.zeros(served.size, dtype=bool)
    mask[served.scores.documents(WHOLE, locale, stem)] = True
    return mask


def explain(scores: Scores, plan: Plan, number: int) -> tuple[TermWeight, ...]:
    """Every field and term that gave this document its score; they add up to it."""
    causes = []
    analyzer = analyzer_for(plan.locale)
    written = {word.stem: word.text for added in (*plan.added, *plan.together) for word in analyzer.words(added)}
    written |= {analyzer.stem(c.word): c.word for c in plan.corrections.values()} | {w.stem: w.text for w in plan.words}
    for term in plan.terms:
        word = " ".join(written.get(part, part) for part in term.term.split("_"))
        for part, weight in KINDS[term.kind].items():
            docs, values = scores.of_part(part, plan.locale, term.term)
            at = np.searchsorted(docs, number)
            if at < len(docs) and docs[at] == number:
                causes.append(
                    TermWeight(part, term.term, word, term.origin, weight * term.weight, float(weight * term.weight * values[at]))
                )
    return tuple(sorted(causes, key=lambda c: -c.score))
