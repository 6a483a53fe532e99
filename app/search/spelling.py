"""The words that articles use, and which of them are near a word that was typed.

Candidates at one edit (a letter missing, too many, wrong, or two neighbours swapped) are what a symmetric-delete dictionary would find;
here they come from comparing letter sets of the whole vocabulary at once, 10 bytes a word and nothing to build or keep up to date, then
checking the few that are left. Two edits only from 8 letters on. Never anything with a digit: numbers, codes, product names.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np

from app.search.analysis import fold, grams
from app.search.fields import EXACT, field_name
from app.search.hebrew import is_hebrew, without_prefix
from app.search.postings import Segment

LONG_WORD = 8
"""Letters from which two edits are looked for."""
SHORTEST = 4
"""Letters below which a word is not corrected, but for one letter that is missing or swapped."""
GRAM = 4
LEAST_ALIKE = 0.4
"""Share of common 4-grams from which a word counts as similar."""


class Vocabulary:
    """The words of one segment in one locale. What the viewer may see is asked of the posting lists, not here."""

    def __init__(self, words: list[str]) -> None:
        self._ordered, self._by_fold = _in_order(words)
        self.words = [w for w in words if len(w) >= 3 and (w.isalpha() or not any(c.isdigit() for c in w))]
        self.folded = [fold(w).replace("'", "") for w in self.words]
        self._lengths = np.array([len(w) for w in self.folded], dtype=np.int64)
        self._text = "\n" + "\n".join(self.folded) + "\n"
        self._starts = 1 + np.cumsum(self._lengths + 1) - (self._lengths + 1)
        self._letters = _letter_sets(self._text, self._starts)

    def within(self, word: str, edits: int) -> list[str]:
        """The words at this many edits or fewer from a folded word, itself not counted."""
        near = np.abs(self._lengths - len(word)) <= edits
        differing = np.bitwise_count(self._letters ^ _letter_sets(word, np.zeros(1, dtype=np.int64)))
        found = np.flatnonzero(near & (differing <= 2 * edits))
        test = is_one_edit if edits == 1 else is_two_edits
        return [self.words[i] for i in found if self.folded[i] != word and test(word, self.folded[i])]

    def beginning(self, prefix: str, limit: int = 200) -> list[str]:
        """The words that begin with a folded prefix, in order."""
        start, end = bisect_left(self._by_fold, prefix), bisect_right(self._by_fold, prefix + "\U0010ffff")
        return self._ordered[start : min(end, start + limit)]

    def nearly_beginning(self, prefix: str) -> list[str]:
        """The words that begin with a folded prefix but for one slip after its first letter, and those that are one edit away."""
        found = set(self.within(prefix, 1))
        start, end = bisect_left(self._by_fold, prefix[0]), bisect_right(self._by_fold, prefix[0] + "\U0010ffff")
        nearly = (w for w, folded in zip(self._ordered[start:end], self._by_fold[start:end], strict=True) if begins_nearly(folded, prefix))
        return sorted(found.union(nearly))

    def similar(self, word: str) -> dict[str, float]:
        """Words that share 4-grams with a folded word, and how large the common part is (Dice)."""
        mine = set(grams(word, GRAM))
        shared: dict[int, int] = {}
        for gram in mine:
            at = self._text.find(gram)
            last = -1
            while at >= 0:
                number = int(np.searchsorted(self._starts, at, side="right")) - 1
                if number != last:  # a gram twice in one word counts once
                    shared[number] = shared.get(number, 0) + 1
                    last = number
                at = self._text.find(gram, at + 1)
        alike = {}
        for number, count in shared.items():
            dice = 2 * count / (len(mine) + max(1, len(self.folded[number]) - GRAM + 1))
            if dice >= LEAST_ALIKE:
                alike[self.words[number]] = dice
        return alike


def vocabulary_of(segment: Segment, locale: str, part: str = EXACT) -> Vocabulary:
    """A segment's vocabulary, made once for as long as the segment lives."""
    key = (part, locale)
    found = segment.extras.get(key)
    if not isinstance(found, Vocabulary):
        field = field_name(part, locale)
        found = segment.extras[key] = Vocabulary(segment.lexicon(field) if field in segment.totals else [])
    return found


def _in_order(words: list[str]) -> tuple[list[str], list[str]]:
    """The words by how they begin when folded; Hebrew ones also by what is left without the letters glued before them."""
    pairs = sorted((form, w) for w in words for form in (without_prefix(fold(w)) if is_hebrew(w) else [fold(w)]))
    return [w for _, w in pairs], [form for form, _ in pairs]


def _letter_sets(text: str, starts: np.ndarray) -> np.ndarray:
    """The set of letters of every word of a text as bits, of words that end where a line does; letters of other alphabets share bits, which
    only lets more candidates through."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    bits = np.where((codes >= 97) & (codes <= 122), codes - 97, 26 + codes % 38).astype(np.uint64)
    letters = np.where(codes == 10, np.uint64(0), np.uint64(1) << bits)
    return np.bitwise_or.reduceat(letters, starts) if len(starts) else np.zeros(0, dtype=np.uint64)


def is_one_edit(a: str, b: str) -> bool:
    """Whether one missing, additional, wrong or swapped letter makes one of the other."""
    if len(a) > len(b):
        a, b = b, a
    i = 0
    while i < len(a) and a[i] == b[i]:
        i += 1
    if len(a) == len(b):
        return a[i + 1 :] == b[i + 1 :] or (i + 1 < len(a) and a[i] == b[i + 1] and a[i + 1] == b[i] and a[i + 2 :] == b[i + 2 :])
    return len(b) - len(a) == 1 and a[i:] == b[i + 1 :]


def begins_nearly(word: str, prefix: str) -> bool:
    """Whether a longer word begins with a prefix of at least four letters but for one slip after its first letter."""
    size = len(prefix)
    if not SHORTEST <= size < len(word) or word[0] != prefix[0]:
        return False
    return any(is_one_edit(prefix, word[:n]) for n in (size - 1, size, size + 1))


def is_two_edits(a: str, b: str) -> bool:
    """Whether at most two edits (a swap of neighbours counts as one) lie between the words."""
    if abs(len(a) - len(b)) > 2:
        return False
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > 2:
            return False
    return row[-1] <= 2
