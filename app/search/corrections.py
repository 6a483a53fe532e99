"""What somebody meant by a word that no visible article has."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from app.search.analysis import Analyzer, Word, fold
from app.search.hebrew import is_hebrew
from app.search.served import Served
from app.search.sight import Sight
from app.search.spelling import LONG_WORD, SHORTEST, Correction, is_swap_or_double, likelihood, vocabulary_of

COMPOUNDING = frozenset({"de", "sv", "da", "nb", "nn", "no", "nl", "fi"})
"""Languages that write compounds as one word: parts may be found in articles that never use the whole."""
MOST_CANDIDATES = 12
LEAST_PART = 2
"""Letters of the shortest part that a word run together may be split into."""
FEW_ENDINGS = frozenset({"en", "de", "sv", "da", "nb", "nn", "no", "nl"})
SHORT = 5
"""Letters below which one wrong letter is told only beside a neighbour that fits."""
SURE_ALONE = 6
"""Letters from which a word at one edit was meant even when nothing around it says so."""
TOGETHER = 0.6
"""Share of the query's other words that an article must have beside a short word, to say that it was meant."""
LEAST_COMPOUND_PART = 4
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

    def meant(self, word: Word, around: list[Word], others: list[Word]) -> list[Correction]:
        """The likeliest words, best first: one edit away, or two for a long word when nothing is nearer.

        `around` are the neighbours in the query, `others` all its other words, when most of them are known.
        """
        typed = fold(word.text).replace("'", "")
        if len(typed) < SHORTEST - 1:
            return []
        found = self._candidates(typed, 1)
        if len(typed) < SHORTEST:
            found = [c for c in found if len(c[0]) > len(typed) or sorted(fold(c[0])) == sorted(typed)]
        far = not found and len(typed) >= LONG_WORD
        if far:
            # A different beginning makes another word of it rather than a slip: visible, invisible.
            found = [c for c in self._candidates(typed, 2) if len(c[0]) >= LONG_WORD - 1 and fold(c[0])[:1] == typed[:1]]
        found = sorted(found, key=lambda c: -c[1])[:MOST_CANDIDATES]
        ranked = [self._judged(typed, w, n, self._in_context(w, around), far, others) for w, n in found]
        return sorted(ranked, key=lambda c: (-c.likelihood, c.word))

    def _judged(self, typed: str, word: str, articles: int, in_context: int, far: bool, others: list[Word]) -> Correction:
        """How likely the word was meant, and whether to tell.

        A short word that no article has is as often another word (loan, load; bike, like) as a slip: only the other words of the query, or
        the kind of slip, can tell. In languages with many endings another ending is rather another form.
        """
        meant = fold(word)
        many_endings = self._analyzer.language not in FEW_ENDINGS
        other_form = (far or many_endings) and _only_the_ending(typed, meant, 3 if far else 2)
        other_letter = len(typed) == len(meant) < SHORT
        clear = (
            in_context > 0
            or is_swap_or_double(typed, meant)
            or len(typed) > SURE_ALONE
            or (not other_letter and (len(typed) == SURE_ALONE or self._with_most_of(word, others)))
        )
        return Correction(word, articles, likelihood(typed, meant, articles, in_context), clear and not other_form)

    def _candidates(self, typed: str, edits: int) -> list[tuple[str, int]]:
        return self._sight.remember(("near", str(edits), typed), lambda: self._near(typed, edits))

    def _near(self, typed: str, edits: int) -> list[tuple[str, int]]:
        words = {w for s in self._served.segments for w in vocabulary_of(s, self._analyzer.locale).within(typed, edits)}
        return [(w, count) for w in words if (count := self.articles_with(w))]

    def _in_context(self, word: str, around: list[Word]) -> int:
        """Beside how many of its neighbours in the query some article has the word."""
        stem = self._analyzer.stem(word)
        return sum(self._has_pair(a.stem, stem) or self._has_pair(stem, a.stem) for a in around)

    def _with_most_of(self, word: str, others: list[Word]) -> bool:
        """Whether some visible article has the word together with most of the others."""
        if not others:
            return False
        scores, locale = self._served.scores, self._analyzer.locale
        docs, _ = scores.of_term("exact", locale, word)
        docs = docs[self._allowed[docs]]
        count = np.zeros(len(docs))
        for other in others:
            count += np.isin(docs, scores.of_term("words", locale, other.stem)[0])
        return len(docs) > 0 and bool(count.max() >= TOGETHER * len(others))

    def _has_pair(self, first: str, second: str) -> bool:
        return self._sight.knows("own_pairs", f"{first}_{second}")

    def commoner(self, word: Word) -> Correction | None:
        """For a rare word: the nearly equal one that far more articles have."""
        return self._sight.remember(("commoner", word.text, word.stem, "-" if word.joined else ""), lambda: self._commoner(word))

    def _commoner(self, word: Word) -> Correction | None:
        if len(self._served.scores.of_term("words", self._analyzer.locale, word.stem)[0]) >= FAR_COMMONER:
            return None
        typed = fold(word.text)
        if len(typed) <= SHORTEST or word.joined or any(c.isdigit() for c in typed):
            return None
        count = self.articles_with(word.text)
        if not 0 < count < RARE:
            return None
        near = [
            (n, w)
            for w, n in self._candidates(typed, 1)
            if n >= FAR_COMMONER * count and w[0] == word.text[0] and not _only_the_ending(typed, fold(w))
        ]
        if not near:
            return None
        n, best = max(near)
        return Correction(best, n, likelihood(typed, fold(best), n, 0))

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
                best = Correction(f"{first} {second}", min(here, there), 0.0, sure=side_by_side)
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
