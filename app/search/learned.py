"""Phrases learned from past searches, as one more field of the articles: kept in memory, so that it can change, or be switched off, at once.

Scored like every other field. A phrase's weight counts as how often it was said, so phrases that fade with time fade in the ranking too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from app.search.analysis import analyzer_for, pairs
from app.search.engine import LearnedPhrase
from app.search.fields import LEARNED, LEARNED_PAIRS, field_name

MOST_PER_ARTICLE = 30
"""Phrases an article may learn; the heaviest count."""


class LearnedIndex:
    """Terms of learned phrases by field: documents, weights, and the length of each document's learned text."""

    def __init__(self, phrases: Iterable[LearnedPhrase], number_of_key: dict[str, int], size: int) -> None:
        self._size = size
        self._lists: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = {}
        self._lengths: dict[str, np.ndarray] = {}
        counts: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(float)))
        for number, phrase in _heaviest(phrases, number_of_key):
            words = [w for w in analyzer_for(phrase.locale).words(phrase.phrase) if not w.stop]
            for stem in {w.stem for w in words}:
                counts[field_name(LEARNED, phrase.locale)][stem][number] += phrase.weight
            for pair in set(pairs(words)):
                counts[field_name(LEARNED_PAIRS, phrase.locale)][pair][number] += phrase.weight
        for field, terms in counts.items():
            lengths = self._lengths[field] = np.zeros(size)
            for term, documents in terms.items():
                docs = np.array(sorted(documents), dtype=np.uint32)
                weights = np.array([documents[int(d)] for d in docs])
                self._lists[field, term] = (docs, weights)
                lengths[docs] += weights

    def list_of(self, field: str, term: str) -> tuple[np.ndarray, np.ndarray] | None:
        """(documents, weights) of a term, or None."""
        return self._lists.get((field, term))

    def lengths(self, field: str) -> tuple[np.ndarray, float]:
        """Every document's length and the average of those that learned anything."""
        lengths = self._lengths[field]
        return lengths, float(lengths[lengths > 0].mean())


def _heaviest(phrases: Iterable[LearnedPhrase], number_of_key: dict[str, int]) -> Iterable[tuple[int, LearnedPhrase]]:
    by_article: dict[int, list[LearnedPhrase]] = defaultdict(list)
    for phrase in phrases:
        number = number_of_key.get(f"{phrase.locale}/{phrase.article_id}")
        if number is not None and phrase.weight > 0:
            by_article[number].append(phrase)
    for number, own in by_article.items():
        for phrase in sorted(own, key=lambda p: (-p.weight, p.phrase))[:MOST_PER_ARTICLE]:
            yield number, phrase
