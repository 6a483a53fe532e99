"""What somebody meant by a word that no visible article has."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from app.search.analysis import Analyzer, Word, fold
from app.search.hebrew import is_hebrew
from app.search.lexicon import has_lexicon, is_right
from app.search.served import Served
from app.search.sight import Sight
from app.search.spelling import LONG_WORD, SHORTEST, Correction, is_swap_or_double, likelihood, vocabulary_of

COMPOUNDING = frozenset({"de", "sv", "da", "nb", "nn", "no", "nl", "fi"})
"""Languages that write compounds as one word: parts may be found in articles that never use the whole."""
LEAST_COMPOUND_PART = 4
MOST_CANDIDATES = 12
LEAST_PART = 2
"""Letters of the shortest part that a word run together may be split into."""
LIKELY = 2.0
"""How likely another word must be (see `likelihood`) for telling it beside a word that is right in the language."""
RARE = 3
FAR_COMMONER = 10
"""Of a word that fewer than three articles have, one that ten times as many have is offered."""


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

    def meant(self, word: Word, around: list[Word], others: list[Word]) -> list[Correction]:
        """The likeliest words, best first: one edit away, or two for a long word when nothing is nearer.

        `around` are the word's neighbours in the query, `others` all its other words that articles have.
        """
        typed = fold(word.text)
        if len(typed) < SHORTEST - 1:
            return []
        found = self._candidates(typed, 1)
        if len(typed) < SHORTEST:
            found = [c for c in found if len(c[0]) > len(typed) or sorted(fold(c[0])) == sorted(typed)]
        far = not found and len(typed) >= LONG_WORD
        if far:
            # A different beginning makes another word of it rather than a slip: visible, invisible.
            found = [c for c in self._candidates(typed, 2) if len(c[0]) >= LONG_WORD - 1 and fold(c[0])[:1] == typed[:1]]
        shares = self._shares(others) if len(found) > 1 or self.is_right(word.text) else None
        ranked = [self._judged(word, w, n, self._in_context(w, around), self._together(w, shares), far) for w, n in found]
        return sorted(ranked, key=lambda c: (-c.likelihood, c.word))[:MOST_CANDIDATES]

    def _judged(self, typed: Word, word: str, articles: int, beside: int, together: float, far: bool) -> Correction:
        """How likely the word was meant, and whether to tell.

        A word that is right in the language is as often meant as a slip (loan, load; bike, like): only its neighbours can tell. Where we
        do not know the language's words, neighbours or the kind of slip must. Another ending is another form.
        """
        points = likelihood(typed.text, word, articles, beside, together)
        if not has_lexicon(self._analyzer.language):
            told = beside > 0 or is_swap_or_double(fold(typed.text), fold(word))
        elif self.is_right(typed.text):
            told = beside > 0 and not far and points >= LIKELY
        else:
            told = True
        return Correction(word, articles, points, told and not self._is_other_form(typed, word))

    def _is_other_form(self, typed: Word, word: str) -> bool:
        """Whether the two are one word by their stem and differ only after it: registerhaltig, registerhaltiger."""
        if self._analyzer.stem(word) != typed.stem:
            return False
        short, long = sorted((fold(typed.text), fold(word)), key=len)
        ending = long[len(short) :]
        if self._analyzer.language == "en":  # has few forms, and the dictionary knows them; names may stand in the plural
            return long == short + "s"
        return long.startswith(short) if ending else short[:-1] == long[:-1]

    def _candidates(self, typed: str, edits: int) -> list[tuple[str, int]]:
        return self._sight.remember(("near", str(edits), typed), lambda: self._near(typed, edits))

    def _near(self, typed: str, edits: int) -> list[tuple[str, int]]:
        words = {w for s in self._served.segments for w in vocabulary_of(s, self._analyzer.locale).within(typed, edits)}
        return [(w, count) for w in words if (count := self.articles_with(w))]

    def _in_context(self, word: str, around: list[Word]) -> int:
        """Beside how many of its neighbours in the query some article has the word."""
        stem = self._analyzer.stem(word)
        return sum(self._has_pair(a.stem, stem) or self._has_pair(stem, a.stem) for a in around)

    def _shares(self, others: list[Word]) -> np.ndarray | None:
        """Which part of the other words every article has; nothing when there are none."""
        if not others:
            return None
        count = np.zeros(self._served.size)
        for other in others:
            count[self._sight.scores.of_term("own_words", self._analyzer.locale, other.stem)[0]] += 1
        return count / len(others)

    def _together(self, word: str, shares: np.ndarray | None) -> float:
        """The largest part of the other words that a visible article has which has this word."""
        if shares is None:
            return 0.0
        docs, _ = self._sight.scores.of_term("exact", self._analyzer.locale, word)
        docs = docs[self._allowed[docs]]
        return float(shares[docs].max()) if len(docs) else 0.0

    def _has_pair(self, first: str, second: str) -> bool:
        return self._sight.knows("own_pairs", f"{first}_{second}")

    def is_doubtful(self, word: Word) -> bool:
        """Whether something else may have been meant by a word that articles have, or have in another form. Mostly not, and known at once."""
        return self._sight.remember(("doubtful", word.text), lambda: self._is_doubtful(word))

    def _is_doubtful(self, word: Word) -> bool:
        if any(c.isdigit() for c in word.text):
            return False
        return bool(self._commoner(word)) if self.articles_with(word.text) else not self.is_right(word.text)

    def commoner(self, word: Word, around: list[Word]) -> Correction | None:
        """For a rare word: the nearly equal one that far more articles have. A word that is right in the language must not fit where it
        stands, and the other must."""
        for count, best in self._commoner(word):
            beside = self._in_context(best, around)
            if not self.is_right(word.text) or (beside and not self._in_context(word.text, around)):
                return Correction(best, count, likelihood(word.text, best, count, beside, 0.0))
        return None

    def _commoner(self, word: Word) -> list[tuple[int, str]]:
        """The candidates, most frequent first."""
        if len(self._sight.scores.of_term("words", self._analyzer.locale, word.stem)[0]) >= FAR_COMMONER:
            return []
        typed = fold(word.text)
        if len(typed) <= SHORTEST:
            return []
        count = self.articles_with(word.text)
        if not 0 < count < RARE:
            return []
        near = [(n, w) for w, n in self._candidates(typed, 1) if n >= FAR_COMMONER * count and not _only_the_ending(typed, fold(w))]
        return sorted(near, reverse=True)

    def split(self, word: Word) -> Correction | None:
        """Two words run together: where some article has them side by side (`topup`), or a compound's known parts (`Mausmodus`)."""
        return self._sight.remember(("split", word.text), lambda: self._split(word.text))

    def _split(self, typed: str) -> Correction | None:
        if len(typed) < 2 * LEAST_PART or not typed.isalpha() or is_hebrew(typed):
            return None
        best: Correction | None = None
        for cut in range(LEAST_PART, len(typed) - LEAST_PART + 1):
            first, second = typed[:cut], typed[cut:]
            if not (here := self.articles_with(first)) or not (there := self.articles_with(second)):
                continue
            side_by_side = self._has_pair(self._analyzer.stem(first), self._analyzer.stem(second))
            compound = self._analyzer.language in COMPOUNDING and min(len(first), len(second)) >= LEAST_COMPOUND_PART
            if (side_by_side or compound) and (best is None or min(here, there) > best.articles):
                best = Correction(f"{first} {second}", min(here, there), 0.0, sure=False)  # as good a way to write it
        return best

    def joined(self, words: list[Word]) -> Iterator[tuple[Word, str]]:
        """Neighbours that some article writes as one word (`log in`, `kredit karte`), with the one of the two that says more."""
        for a, b in pairwise(w for w in words if not w.joined):
            together = a.text + b.text
            if not (a.stop and b.stop) and together.isalpha() and self.articles_with(together):
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


def _only_the_ending(a: str, b: str, letters: int = 2) -> bool:
    """Whether the words differ only in their last letters: then they are rather two forms than a slip (folded, folder)."""
    alike = min(len(a), len(b)) - letters
    return a[:alike] == b[:alike]
