"""Adding up a plan's scores and taking the best."""

from __future__ import annotations

import numpy as np

from app.search.engine import TermWeight
from app.search.fields import EXACT, KINDS, STEMMED_PARTS, field_name
from app.search.plan import Plan
from app.search.postings import Scores
from app.search.served import Served


def score(scores: Scores, plan: Plan) -> np.ndarray:
    """The score of every document for this plan, by document number."""
    total = np.zeros(int(scores.bases[-1]))
    plan.found = []
    for term in plan.terms:
        docs, values = scores.of_term(term.kind, plan.locale, term.term)
        if len(docs):
            total[docs] += values if term.weight == 1.0 else term.weight * values
            plan.found.append((term, docs, values))
    return total


def best(total: np.ndarray, matched: np.ndarray, count: int) -> np.ndarray:
    """The best `count` of the matching documents: by score, then by number."""
    values = total[matched]
    if len(matched) > count > 0:
        least = np.partition(values, len(values) - count)[len(values) - count]
        keep = values >= least  # all ties of the last place, so that the order does not depend on the partition
        matched, values = matched[keep], values[keep]
    return matched[np.lexsort((matched, -values))[:count]]


def words_matched(served: Served, plan: Plan) -> np.ndarray:
    """How many of the query's own words every document has."""
    count = np.zeros(served.size, dtype=np.int16)
    for term, docs, _ in plan.found:
        if term.origin == "query":
            count[docs] += 1
    return count


def coverage(served: Served, plan: Plan, numbers: np.ndarray) -> float:
    """The largest share of the query's information that one of these documents has; a word that nobody has weighs as the rarest would."""
    statistics = served.scores.statistics
    typed = {term.word: len(docs) for term, docs, _ in plan.found if term.origin == "query"}
    weights = {i: statistics.idf(plan.locale, typed.get(i, 0)) for i, word in enumerate(plan.words) if not word.joined}
    whole = sum(weights.values())
    if not whole or not len(numbers):
        return 0.0
    numbers = numbers.astype(np.uint32)  # like the lists: searching would convert these otherwise
    shares = np.zeros(len(numbers))
    has: dict[int, np.ndarray] = {}
    for term, docs, _ in plan.found:
        if term.sure and term.word in weights and term.kind in ("words", "own_words"):
            there = docs[np.minimum(docs.searchsorted(numbers), len(docs) - 1)] == numbers
            has[term.word] = has[term.word] | there if term.word in has else there
    for word, there in has.items():
        shares += weights[word] * there
    return float(shares.max()) / whole


def with_phrase(served: Served, locale: str, words: list[str]) -> np.ndarray:
    """True for documents in which these words follow each other, as typed."""
    mask = np.zeros(served.size, dtype=bool)
    field = field_name(EXACT, locale)
    for segment, base in zip(served.segments, served.scores.bases, strict=False):
        if field not in segment.totals:
            continue
        positions = segment.read_positions(field, words[0])
        for offset, word in enumerate(words[1:], 1):
            if not positions:
                break
            here = segment.read_positions(field, word)
            positions = {
                doc: kept
                for doc, starts in positions.items()
                if doc in here and (kept := [p for p in starts if p + offset in set(here[doc])])
            }
        mask[[int(base) + doc for doc in positions]] = True
    return mask


def having(served: Served, locale: str, stem: str) -> np.ndarray:
    """True for documents that have a stem anywhere."""
    mask = np.zeros(served.size, dtype=bool)
    for part in STEMMED_PARTS:
        mask[served.scores.documents(part, locale, stem)] = True
    return mask


def explain(scores: Scores, plan: Plan, number: int) -> tuple[TermWeight, ...]:
    """Every field and term that gave this document its score; they add up to it."""
    causes = []
    for term in plan.terms:
        for part, weight in KINDS[term.kind].items():
            docs, values = scores.of_part(part, plan.locale, term.term)
            at = np.searchsorted(docs, number)
            if at < len(docs) and docs[at] == number:
                causes.append(TermWeight(part, term.term, term.origin, weight * term.weight, float(weight * term.weight * values[at])))
    return tuple(sorted(causes, key=lambda c: -c.score))
