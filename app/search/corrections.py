"""What somebody meant by a word that no visible article has, or hardly any."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import NamedTuple

import numpy as np

from app.search.analysis import Analyzer, Word, fold
from app.search.fields import EXACT, field_name
from app.search.hebrew import is_hebrew
from app.search.lexicon import has_lexicon, is_common, is_counted, is_right
from app.search.served import Served
from app.search.sight import Sight
from app.search.slips import (
    EXACT_NEIGHBOUR,
    MISFIT,
    NEIGHBOUR,
    Correction,
    Likeness,
    Typed,
    company,
    doubt,
    doubt_around,
    is_swap_or_double,
    likelihood,
)
from app.search.spelling import LONG_WORD, SHORTEST, is_one_edit, vocabulary_of

COMPOUNDING = frozenset({"de", "sv", "da", "nb", "nn", "no", "nl", "fi"})
"""Languages that write compounds as one word: parts may be found in articles that never use the whole."""
LEAST_COMPOUND_PART = 4
MOST_CANDIDATES = 12
MOST_WEIGHED = 32
"""Of more words within reach (of three letters, dozens), the likeliest by themselves."""
MOST_COMPARED = 4
"""Candidates whose exact neighbours are looked at: it takes longer than all else."""
MOST_GAINED = 2 * EXACT_NEIGHBOUR
LEAST_PART = 2
"""Letters of the shortest part that a word run together may be split into."""
LOOKED_INTO = 32
"""Articles that have two words, in which it is looked whether they stand side by side: common neighbours do in one of the first."""
RARE = 3
FAR_COMMONER = 10
"""Of a word that fewer than three articles have, one that ten times as many have may be offered."""


@dataclass(frozen=True, slots=True)
class Around:
    """What stands in the query with a word."""

    beside: list[Word]
    """Its neighbours, stop words left out."""
    before: str = ""
    """The word typed before it, stop words and all."""
    after: str = ""
    others: tuple[Word, ...] = ()
    """Its other words that articles have."""
    unknown: int = 0
    """How many other words no article has."""
    known_elsewhere: bool = False
    """Whether another language's articles have the word."""
    abbreviation: bool = False
    """Whether it was typed as one: in capitals among other words, or with the sign of one in Hebrew."""


class _Neighbour(NamedTuple):
    """A word within reach of a typed one, with all that does not depend on the rest of the query: kept from one search to the next."""

    word: str
    articles: int
    stem: str
    likelihood: float
    doubt: float
    misfit: float
    """What is to be added to the doubt when it stands beside no neighbour."""


@dataclass(slots=True)
class _Candidate:
    """A word that may have been meant while it is weighed in its query."""

    neighbour: _Neighbour
    beside: int
    likelihood: float
    doubt: float

    @property
    def lacks(self) -> float:
        """How much likelier it would have to be."""
        return self.doubt - self.likelihood

    def place(self) -> tuple[float, str]:
        return -self.likelihood, self.neighbour.word


class Corrector:
    """Corrections from the vocabulary of what one viewer may see in one locale."""

    def __init__(self, served: Served, analyzer: Analyzer, sight: Sight) -> None:
        self._served, self._analyzer, self._sight, self._allowed = served, analyzer, sight, sight.allowed

    def articles_with(self, word: str) -> int:
        """How many visible articles have exactly this word."""
        return self._sight.articles_with(word)

    def is_right(self, word: str) -> bool:
        """Whether the word is one of the language."""
        return self._sight.remember(("right", word), lambda: is_right(word, self._analyzer.language))

    def may_be_meant(self, word: Word) -> bool:
        """Whether people may well say this very word, so that another is offered and not put in its place. Where nobody has counted what
        they say every day, every word of the language may be."""
        language = self._analyzer.language
        return self.is_right(word.text) and (is_common(word.text, language) or not is_counted(language))

    def meant(self, word: Word, around: Around) -> list[Correction]:
        """The likeliest words, best first: one edit away, or two for a long word when nothing is nearer."""
        unknown = doubt_around(around.unknown, len(around.others), around.known_elsewhere)
        candidates = [self._candidate(neighbour, around, unknown) for neighbour in self._neighbours(word, around.abbreviation)]
        if not candidates:
            return []
        # What stands in one article, and what next to each other, takes longer to find out: only where it can decide.
        others, shared = len(around.others), self._shared(around.others)
        for candidate in _within(candidates, company(others, others) + MOST_GAINED):
            candidate.likelihood += company(self._together(candidate.neighbour.word, shared), others)
        closest = sorted(_within(candidates, MOST_GAINED), key=_Candidate.place)[:MOST_COMPARED]
        if len(closest) > 1 or 0 < closest[0].lacks <= MOST_GAINED:
            for candidate in closest:
                candidate.likelihood += EXACT_NEIGHBOUR * self._next_to(candidate.neighbour.word, around)
        return [
            Correction(c.neighbour.word, c.neighbour.articles, c.likelihood, self._is_told(word, c))
            for c in sorted(candidates, key=_Candidate.place)[:MOST_CANDIDATES]
        ]

    def hope(self, word: Word) -> float:
        """How near something else is by itself to being told for a word that articles have, in any form. Mostly far, and known at once."""
        return self._sight.remember(("hope", word.text), lambda: self._hope(word))

    def _hope(self, word: Word) -> float:
        if self.articles_with(word.text) >= RARE or any(c.isdigit() for c in word.text) or self._sight.named(word.text):
            return -inf  # what stands in a title or among keywords was chosen
        return max((n.likelihood - n.doubt for n in self._neighbours(word, abbreviation=False)), default=-inf)

    def _neighbours(self, word: Word, abbreviation: bool) -> list[_Neighbour]:
        key = ("neighbours", word.text, "in capitals" if abbreviation else "")
        return self._sight.remember(key, lambda: self._weighed_neighbours(word, abbreviation))

    def _weighed_neighbours(self, typed: Word, abbreviation: bool) -> list[_Neighbour]:
        plain, articles = fold(typed.text), self.articles_with(typed.text)
        known = self._sight.knows("words", typed.stem)
        found = [(w, n) for w, n in self._within_reach(plain, far=not known) if n >= FAR_COMMONER * articles]
        if not found:
            return []
        right = self.is_right(typed.text)
        facts = Typed(
            right,
            right and is_common(typed.text, self._analyzer.language),
            abbreviation,
            articles > 0,
            known,
            self.split(typed) is not None,
        )
        weighed = []
        for word, count in found:
            meant, form = fold(word), self._is_other_form(typed, word)
            like = Likeness(
                form, form and is_right(word, self._analyzer.language), _only_the_ending(plain, meant), not is_one_edit(plain, meant)
            )
            speaks, against = likelihood(typed.text, word, count, self._sight.named(word)), doubt(typed.text, facts, word, like)
            weighed.append(_Neighbour(word, count, self._analyzer.stem(word), speaks, against, MISFIT if right else 0.0))
        return sorted(weighed, key=lambda n: (-n.likelihood, n.word))[:MOST_WEIGHED]

    def _candidate(self, neighbour: _Neighbour, around: Around, unknown: float) -> _Candidate:
        beside = self._beside(neighbour.stem, around)
        doubt = neighbour.doubt + unknown + (0.0 if beside else neighbour.misfit)
        return _Candidate(neighbour, beside, neighbour.likelihood + NEIGHBOUR * beside, doubt)

    def _is_told(self, typed: Word, meant: _Candidate) -> bool:
        """Whether to speak. Where we do not know the language's words, neighbours or the kind of slip must speak for it, too."""
        if meant.lacks > 0:
            return False
        if has_lexicon(self._analyzer.language):
            return True
        word = meant.neighbour.word
        return (meant.beside > 0 or is_swap_or_double(fold(typed.text), fold(word))) and not self._is_other_form(typed, word)

    def _within_reach(self, typed: str, far: bool) -> list[tuple[str, int]]:
        """The words that may have been meant with how many articles have them; `far`: two edits away, when none is nearer."""
        if len(typed) < SHORTEST - 1:
            return []
        found = self._near(typed, 1)
        if len(typed) < SHORTEST:
            found = [c for c in found if len(c[0]) > len(typed) or sorted(fold(c[0])) == sorted(typed)]
        if found or not far or len(typed) < LONG_WORD:
            return found
        # A different beginning makes another word of it rather than a slip: visible, invisible.
        return [c for c in self._near(typed, 2) if len(c[0]) >= LONG_WORD - 1 and fold(c[0])[:1] == typed[:1]]

    def _is_other_form(self, typed: Word, word: str) -> bool:
        """Whether the two are one word by their stem and differ only after it: registerhaltig, registerhaltiger."""
        if self._analyzer.stem(word) != typed.stem:
            return False
        short, long = sorted((fold(typed.text), fold(word)), key=len)
        ending = long[len(short) :]
        if is_hebrew(word):  # what is glued stands before
            return long.startswith(short) or long.endswith(short)
        if self._analyzer.language == "en":  # has few forms, and the dictionary knows them; names may stand in the plural
            return long == short + "s"
        return long.startswith(short) if ending else short[:-1] == long[:-1]

    def _near(self, typed: str, edits: int) -> list[tuple[str, int]]:
        words = {w for s in self._served.segments for w in vocabulary_of(s, self._analyzer.locale).within(typed, edits)}
        return [(w, count) for w in words if (count := self._sight.count(w))]

    def _beside(self, stem: str, around: Around) -> int:
        """Beside how many of its neighbours in the query some article has the word, in any form."""
        return sum(self._has_pair(a.stem, stem) or self._has_pair(stem, a.stem) for a in around.beside)

    def _has_pair(self, first: str, second: str) -> bool:
        return self._sight.knows("own_pairs", f"{first}_{second}")

    def _next_to(self, word: str, around: Around) -> int:
        """Next to how many of its neighbours some article has the word, exactly as typed."""
        return self._follow(around.before, word) + self._follow(word, around.after)

    def _follow(self, first: str, second: str) -> bool:
        return self._sight.remember(("follow", first, second), lambda: self._side_by_side(first, second)) if first and second else False

    def _side_by_side(self, first: str, second: str) -> bool:
        scores, field = self._sight.scores, field_name(EXACT, self._analyzer.locale)
        left = LOOKED_INTO
        lists = zip(self._served.segments, scores.bases, scores.lists(field, first), scores.lists(field, second), strict=False)
        for segment, base, (here, _), (there, _) in lists:
            both = np.intersect1d(here, there, assume_unique=True)
            both = both[self._allowed[both + base]][:left]
            left -= len(both)
            if len(both) and _one_follows(segment.positions_in(field, first, both), segment.positions_in(field, second, both)):
                return True
        return False

    def _shared(self, others: tuple[Word, ...]) -> np.ndarray | None:
        """How many of the other words every article has; nothing when there are none."""
        if not others:
            return None
        count = np.zeros(self._served.size, dtype=np.int16)
        for other in others:
            count[self._sight.scores.having("words", self._analyzer.locale, other.stem)] += 1
        return count

    def _together(self, word: str, shared: np.ndarray | None) -> int:
        """The most of the other words that a visible article has which has this word."""
        if shared is None:
            return 0
        docs = self._sight.scores.having("exact", self._analyzer.locale, word)
        docs = docs[self._allowed[docs]]
        return int(shared[docs].max()) if len(docs) else 0

    def split(self, word: Word) -> Correction | None:
        """Two words run together: where some article has them side by side (`topup`), or a compound's known parts (`Mausmodus`)."""
        return self._sight.remember(("split", word.text), lambda: self._split(word.text))

    def _split(self, typed: str) -> Correction | None:
        if len(typed) < 2 * LEAST_PART or not typed.isalpha() or is_hebrew(typed):
            return None
        best: Correction | None = None
        for cut in range(LEAST_PART, len(typed) - LEAST_PART + 1):
            first, second = typed[:cut], typed[cut:]
            if not (self._is_written(first) and self._is_written(second)):
                continue
            if not (here := self._sight.count(first)) or not (there := self._sight.count(second)):
                continue
            side_by_side = self._has_pair(self._analyzer.stem(first), self._analyzer.stem(second))
            compound = self._analyzer.language in COMPOUNDING and min(len(first), len(second)) >= LEAST_COMPOUND_PART
            if (side_by_side or compound) and (best is None or min(here, there) > best.articles):
                best = Correction(f"{first} {second}", min(here, there), 0.0, sure=False)  # as good a way to write it
        return best

    def _is_written(self, word: str) -> bool:
        """Whether any article has the word, visible or not: known sooner than which."""
        field = field_name(EXACT, self._analyzer.locale)
        return any(_is_in(s.lexicon(field), word) for s in self._served.segments if field in s.totals)

    def joined(self, words: list[Word]) -> Iterator[tuple[Word, str]]:
        """Neighbours that some article writes as one word (`log in`, `kredit karte`), with the one of the two that says more. Not where
        articles have them side by side: what writes them with a hyphen (`single-use`) has both the pair and the whole."""
        for a, b in pairwise(w for w in words if not w.joined):
            together = a.text + b.text
            if (a.stop and b.stop) or not together.isalpha():
                continue
            # Hardly any two neighbours are written as one word: asking that first leaves more room for other answers in memory.
            if self.articles_with(together) and not self._has_pair(a.stem, b.stem):
                yield (b if a.stop else a), together

    def similar(self, word: Word) -> list[tuple[str, float]]:
        """Words that share most of their letters' sequences, when nothing nearer is known."""
        return self._sight.remember(("similar", word.text), lambda: self._similar(fold(word.text)))

    def _similar(self, typed: str) -> list[tuple[str, float]]:
        if len(typed) < SHORTEST + 1:
            return []
        alike: dict[str, float] = {}
        for segment in self._served.segments:
            alike |= vocabulary_of(segment, self._analyzer.locale).similar(typed)
        seen = sorted(alike.items(), key=lambda item: (-item[1], item[0]))[: 2 * MOST_CANDIDATES]
        return [(w, d) for w, d in seen if self.articles_with(w)][:MOST_CANDIDATES]


def most_gained(others: int) -> float:
    """What the rest of a query can add at most to a word's likelihood."""
    return 2 * NEIGHBOUR + company(others, others) + MOST_GAINED


def _is_in(ordered: list[str], word: str) -> bool:
    at = bisect_left(ordered, word)
    return at < len(ordered) and ordered[at] == word


def _within(candidates: list[_Candidate], reach: float) -> list[_Candidate]:
    """Those that are at most so much less likely than the likeliest."""
    most = max(c.likelihood for c in candidates)
    return [c for c in candidates if c.likelihood >= most - reach]


def _one_follows(firsts: dict[int, list[int]], seconds: dict[int, list[int]]) -> bool:
    """Whether in some article a place of the second word comes right after one of the first."""
    return any(not {p + 1 for p in places}.isdisjoint(seconds[doc]) for doc, places in firsts.items() if doc in seconds)


def _only_the_ending(a: str, b: str, letters: int = 2) -> bool:
    """Whether the words differ only in their last letters: then they are rather two forms than a slip (folded, folder)."""
    alike = min(len(a), len(b)) - letters
    return a[:alike] == b[:alike]
