"""What one kind of viewer sees in one language at one commit: the mask of articles, and what was found out about words there.

Corrections ask the same of the same words again and again: does a visible article have it, how many do, what is near it. The answers
depend on nothing but the commit, the viewer's audiences, the day and the language, so they are kept here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from app.search.fields import NAMES
from app.search.postings import BoundedCache, Scores

REMEMBERED_BYTES = 2 * 2**20
"""For each sight; there are as many as audiences times languages."""
ANSWER_BYTES = 400
"""About what one answer takes, its key counted."""
FIRST = 32

T = TypeVar("T")


class Sight:
    """The mask `allowed`, and answers about words under it. Safe for threads: an answer may be worked out twice, never wrongly."""

    def __init__(self, scores: Scores, locale: str, allowed: np.ndarray) -> None:
        self.scores, self.locale, self.allowed = scores, locale, allowed
        self.factors = allowed.astype(np.float64)
        """The mask as numbers to multiply scores by."""
        self.is_all = bool(allowed.all())
        self._answers = BoundedCache(REMEMBERED_BYTES)

    def remember(self, key: tuple[str, ...], make: Callable[[], T]) -> T:
        """The answer to a question that is known by its key, worked out when it is not known yet."""
        found = self._answers.get(key)
        if found is None:
            made = make()
            found = (made,)  # so that None can be an answer
            self._answers.put(key, found, ANSWER_BYTES * (1 + len(made) // 2 if isinstance(made, list) else 1))
        return found[0]  # type: ignore[index, no-any-return]  # cast() would be a call, twenty times a search

    def knows(self, kind: str, term: str) -> bool:
        """Whether any visible article has the term."""
        return self.remember(("knows", kind, term), lambda: self._knows(kind, term))

    def _knows(self, kind: str, term: str) -> bool:
        docs = self.scores.having(kind, self.locale, term)
        # Mostly one of the first few is visible already.
        return bool(self.allowed[docs[:FIRST]].any() or (len(docs) > FIRST and self.allowed[docs].any()))

    def articles_with(self, word: str) -> int:
        """How many visible articles have exactly this word."""
        return self.remember(("articles", word), lambda: self.count(word))

    def count(self, word: str) -> int:
        """The same, not kept: for one of many words of which something else is kept."""
        docs = self.scores.having("exact", self.locale, word)
        return int(np.count_nonzero(self.allowed[docs])) if len(docs) else 0

    def named(self, word: str) -> int:
        """How many visible articles have exactly this word in their title or keywords. Not kept, like `count`."""
        return int(np.count_nonzero(self.allowed[self.scores.documents(NAMES, self.locale, word)]))
