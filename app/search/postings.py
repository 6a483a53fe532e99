"""Posting lists as arrays: decoded once a segment, weighted and added here instead of being walked posting by posting.

The scores are those of Whoosh's BM25F for the same weighted terms (a test compares them on thousands of queries), about a hundred times
faster. Two bounded caches hold what was used last: the decoded lists of a segment, which stay true as long as the segment lives (so a
commit costs only its own new segment), and the weighted scores of a term over all segments, which are true for one commit.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from itertools import pairwise
from math import log
from typing import cast

import numpy as np

from app.search.fields import EXACT, K1, KINDS, LEARNED, LEARNED_PAIRS, B, field_name
from app.search.learned import LearnedIndex

TermScores = tuple[np.ndarray, np.ndarray, np.ndarray | None]
"""The documents that have a term, and its scores there; for a frequent term its score for every document instead."""

DECODED_BYTES = 16 * 2**20
SCORED_BYTES = 32 * 2**20
"""Together well under the 150 MB that 10,000 articles may take, so that a whole web process stays under 250 MB. The words of 400 queries at
10,000 articles take 10 and 28: with less for the scores, every query works out again what the ones before it pushed out."""

WHOLE_FROM = 8
"""A term that at least one document in so many has is also kept as one score for every document: adding that up is several times faster."""

NOTHING = np.zeros(0, dtype=np.uint32)
NO_SCORES = np.zeros(0)
NOWHERE: TermScores = (np.zeros(0, dtype=np.intp), NO_SCORES, None)


class BoundedCache:
    """Values by key, the least recently used dropped when they take more bytes than allowed. Safe for threads."""

    def __init__(self, limit: int) -> None:
        self._limit, self._size = limit, 0
        self._items: OrderedDict[object, tuple[object, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object) -> object | None:
        found = self._items.get(key)
        if found is None:
            return None
        if 4 * self._size > 3 * self._limit:  # the order matters only when something may have to go
            try:  # suppress() takes longer than all the rest, a dozen times a search
                self._items.move_to_end(key)
            except KeyError:  # another thread may just have dropped it
                pass
        return found[0]

    def put(self, key: object, value: object, size: int) -> None:
        with self._lock:
            old = self._items.pop(key, None)
            if old:
                self._size -= old[1]
            self._items[key] = (value, size)
            self._size += size
            while self._size > self._limit and len(self._items) > 1:
                self._size -= self._items.popitem(last=False)[1][1]

    @property
    def bytes(self) -> int:
        return self._size


class Segment(ABC):
    """One segment of the index as arrays; the subclass that reads the files stands in `whoosh_engine`."""

    def __init__(self, name: str, size: int, rows: np.ndarray, lengths: dict[str, np.ndarray], totals: dict[str, int]) -> None:
        self.name, self.size, self.rows = name, size, rows
        self.lengths = lengths
        """By field: how many terms each document has there (as coarsely as the index keeps it)."""
        self.totals = totals
        """By field: all terms of the segment."""
        self.extras: dict[object, object] = {}
        """Made from the segment on first use and true as long as it lives: vocabularies."""
        self._lexicons: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    @abstractmethod
    def read(self, field: str, term: str) -> tuple[np.ndarray, np.ndarray]:
        """Documents (ascending) and how often the term stands in each, deleted ones included."""

    @abstractmethod
    def read_positions(self, field: str, term: str) -> dict[int, list[int]]:
        """For a field with positions: where the term stands in each document."""

    @abstractmethod
    def positions_in(self, field: str, term: str, documents: np.ndarray) -> dict[int, list[int]]:
        """The same in a few of the documents, ascending, without reading what lies between them."""

    @abstractmethod
    def read_lexicon(self, field: str) -> list[str]:
        """All terms of a field, sorted."""

    def lexicon(self, field: str) -> list[str]:
        known = self._lexicons.get(field)
        if known is None:
            with self._lock:
                known = self._lexicons.get(field)
                if known is None:
                    known = self._lexicons[field] = self.read_lexicon(field)
        return known


class Statistics:
    """What the scores of one commit depend on: how many articles a locale has and how long their fields are. Deleted ones are included, as
    Whoosh does; hidden ones are not."""

    def __init__(self, segments: list[Segment], locales: list[str], hidden: dict[str, int] | None = None) -> None:
        self._segments, self._hidden = segments, hidden or {}
        """Of what is hidden: its terms by field, and its articles by locale."""
        self.counts = {locale: self._articles(locale) for locale in locales}
        self._averages: dict[str, float] = {}

    def average_length(self, part: str, locale: str) -> float:
        field = field_name(part, locale)
        if field not in self._averages:
            total = sum(s.totals.get(field, 0) for s in self._segments) - self._hidden.get(field, 0)
            self._averages[field] = (total / (self.counts.get(locale) or 1)) or 1.0
        return self._averages[field]

    def _articles(self, locale: str) -> int:
        """How many articles a locale has: all have words."""
        field = field_name(EXACT, locale)
        everything = sum(int(np.count_nonzero(s.lengths[field])) for s in self._segments if field in s.lengths)
        return everything - self._hidden.get(locale, 0)

    def idf(self, locale: str, frequency: int) -> float:
        return log(max(self.counts.get(locale, 1), 1) / (frequency + 1)) + 1


class Scores:
    """The weighted scores of single terms at one commit, for viewers from whom the same articles are hidden.

    A hidden article is in no list and in no statistic, so nothing that is worked out from scores can tell that it is there.
    """

    def __init__(
        self,
        segments: list[Segment],
        locales: list[str],
        decoded: BoundedCache,
        learned: LearnedIndex | None = None,
        hidden: np.ndarray | None = None,
        hidden_sizes: dict[str, int] | None = None,
        scored: BoundedCache | None = None,
    ) -> None:
        self.segments, self.learned = segments, learned
        self.bases = np.cumsum([0, *(s.size for s in segments)])
        self._hidden = None if hidden is None else [hidden[a:b] for a, b in pairwise(self.bases)]
        self.statistics = Statistics(segments, locales, hidden_sizes)
        self._decoded = decoded
        self._scored = BoundedCache(SCORED_BYTES) if scored is None else scored
        self._own = object()
        """What tells these scores from those of other viewers in the memory they share."""

    def hiding(self, hidden: np.ndarray, sizes: dict[str, int], learned: LearnedIndex) -> Scores:
        """The same without some documents, of which the sizes are known; what is remembered shares its bounds."""
        return Scores(self.segments, list(self.statistics.counts), self._decoded, learned, hidden, sizes, self._scored)

    @property
    def bytes(self) -> int:
        return self._scored.bytes + self._decoded.bytes

    def lists(self, field: str, term: str) -> list[tuple[np.ndarray, np.ndarray]]:
        """The term's documents and frequencies, segment by segment."""
        out = []
        for number, segment in enumerate(self.segments):
            key = (segment.name, field, term)
            found = self._decoded.get(key)
            if found is None:
                found = segment.read(field, term) if field in segment.totals else (NOTHING, NOTHING)
                self._decoded.put(key, found, 200 + found[0].nbytes + found[1].nbytes)
            docs, tf = cast("tuple[np.ndarray, np.ndarray]", found)
            if self._hidden is not None and len(docs) and (hides := self._hidden[number][docs]).any():
                docs, tf = docs[~hides], tf[~hides]
            out.append((docs, tf))
        return out

    def documents(self, part: str, locale: str, term: str) -> np.ndarray:
        """The numbers of all documents that have the term in a part, deleted ones included."""
        lists = self.lists(field_name(part, locale), term)
        found = [docs + base for (docs, _), base in zip(lists, self.bases, strict=False) if len(docs)]
        return (found[0] if len(found) == 1 else np.concatenate(found)) if found else NOTHING

    def of_part(self, part: str, locale: str, term: str) -> tuple[np.ndarray, np.ndarray]:
        """BM25 of one term in one field: (documents, scores)."""
        if part in (LEARNED, LEARNED_PAIRS):
            return self._of_learned(part, locale, term)
        field = field_name(part, locale)
        lists = self.lists(field, term)
        frequency = sum(len(docs) for docs, _ in lists)
        if not frequency:
            return NOTHING, NOTHING
        idf, average = self.statistics.idf(locale, frequency), self.statistics.average_length(part, locale)
        numbers, scores = [], []
        for segment, base, (docs, tf) in zip(self.segments, self.bases, lists, strict=False):
            if len(docs):
                length, tf = segment.lengths[field][docs], tf.astype(np.float64)
                scores.append(idf * (tf * (K1 + 1)) / (tf + K1 * ((1 - B) + B * length / average)))
                numbers.append(docs + base)
        return np.concatenate(numbers), np.concatenate(scores)

    def _of_learned(self, part: str, locale: str, term: str) -> tuple[np.ndarray, np.ndarray]:
        field = field_name(part, locale)
        found = self.learned.list_of(field, term) if self.learned else None
        if found is None or self.learned is None:
            return NOTHING, NOTHING
        docs, tf = found
        lengths, average = self.learned.lengths(field)
        idf = self.statistics.idf(locale, len(docs))
        return docs, idf * (tf * (K1 + 1)) / (tf + K1 * ((1 - B) + B * lengths[docs] / average))

    def having(self, kind: str, locale: str, term: str) -> np.ndarray:
        """The documents that have a term in any field of a kind."""
        return self.of_term(kind, locale, term)[0]

    def of_term(self, kind: str, locale: str, term: str) -> TermScores:
        """The weighted sum of a term's scores in all fields of a kind."""
        key = (self._own, kind, locale, term)
        found = self._scored.get(key)
        if found is None:
            found = made = self._add_up([(w, *self.of_part(part, locale, term)) for part, w in KINDS[kind].items() if w])
            self._scored.put(key, made, 250 + sum(a.nbytes for a in made if a is not None))
        return found  # type: ignore[return-value]

    def _add_up(self, weighted: list[tuple[float, np.ndarray, np.ndarray]]) -> TermScores:
        weighted = [(w, docs, scores) for w, docs, scores in weighted if len(docs)]
        if not weighted:
            return NOWHERE
        size = int(self.bases[-1])
        if len(weighted) == 1:
            weight, docs, scores = weighted[0]
            docs, values = docs.astype(np.intp), weight * scores  # numpy converts any other type of number at every use
            if len(docs) * WHOLE_FROM < size:
                return docs, values, None
        total = np.zeros(size)
        for weight, docs, scores in weighted:
            total[docs] += weight * scores
        docs = np.flatnonzero(total)
        return (docs, NO_SCORES, total) if len(docs) * WHOLE_FROM >= size else (docs, total[docs], None)

    def frequency(self, part: str, locale: str, term: str) -> int:
        """How many documents have the term in a part, deleted ones included (as the idf counts them)."""
        return sum(len(docs) for docs, _ in self.lists(field_name(part, locale), term))
