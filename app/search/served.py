"""What is served: one commit of the index with its articles, its masks and what editors and past searches add. Immutable but for caches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from app.content import Audience
from app.search.engine import SearchContext
from app.search.fields import EXACT, field_name
from app.search.learned import LearnedIndex
from app.search.postings import BoundedCache, Scores, Segment, Statistics
from app.search.shelf import Entry, Shelf
from app.search.synonyms import Synonyms

BEGINNINGS_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Origin:
    """Where a served state comes from."""

    generation: str
    commit: int
    revision: str


class Served:
    """Everything a search needs, from one commit; made anew for the next one, sharing the segments that stay."""

    def __init__(
        self,
        origin: Origin,
        segments: list[Segment],
        deleted: list[np.ndarray],
        shelf: Shelf,
        entries: dict[int, Entry],
        context: SearchContext,
        decoded: BoundedCache,
    ) -> None:
        self.origin, self.segments, self.shelf, self.context = origin, segments, shelf, context
        self.rows = np.concatenate([s.rows for s in segments]) if segments else np.zeros(0, np.uint32)
        dead = np.concatenate(deleted) if deleted else np.zeros(0, bool)
        self.entries_by_row = entries
        self.entries: list[Entry | None] = [None if gone else entries.get(int(row)) for row, gone in zip(self.rows, dead, strict=True)]
        self.size = len(self.entries)
        self.locales: list[str] = sorted({e.locale for e in self.entries if e})
        counts = {locale: self._articles(locale) for locale in self.locales}
        self._codes()
        learned = LearnedIndex(context.learned, self.number_of_key, self.size) if context.learned else None
        self.scores = Scores(segments, Statistics(segments, counts), decoded, learned)
        self.beginnings = BoundedCache(BEGINNINGS_BYTES)
        """Masks of articles by the beginnings of words in their names, for suggestions."""
        self._masks: dict[object, np.ndarray] = {}
        self._synonyms: dict[str, Synonyms] = {}

    def _articles(self, locale: str) -> int:
        field = field_name(EXACT, locale)
        return sum(int(np.count_nonzero(s.lengths[field])) for s in self.segments if field in s.lengths)

    def _codes(self) -> None:
        self.categories = sorted({e.category for e in self.entries if e})
        category_code = {c: i for i, c in enumerate(self.categories)}
        locale_code = {code: i for i, code in enumerate(self.locales)}
        self.category_codes = np.array([category_code[e.category] if e else 0 for e in self.entries], dtype=np.int32)
        self.locale_codes = np.array([locale_code[e.locale] if e else 0 for e in self.entries], dtype=np.int32)
        articles = {article_id: i for i, article_id in enumerate(sorted({e.article_id for e in self.entries if e}))}
        self.article_codes = np.array([articles[e.article_id] if e else -1 for e in self.entries], dtype=np.int64)
        """Translations of one article share a code."""
        self.number_of_key = {e.key: number for number, e in enumerate(self.entries) if e}

    def visible(self, audiences: frozenset[Audience], today: date) -> np.ndarray:
        """True for every document that this viewer may see today; deleted ones are False."""
        day = today.isoformat()
        key = (audiences, day)
        mask = self._masks.get(key)
        if mask is None:
            if len(self._masks) > 32:
                self._masks.clear()
            mask = self._masks[key] = np.array([e is not None and _may_see(e, audiences, day) for e in self.entries], dtype=bool)
        return mask

    def in_locale(self, locale: str) -> np.ndarray:
        key = ("locale", locale)
        mask = self._masks.get(key)
        if mask is None:
            code = self.locales.index(locale) if locale in self.locales else -1
            mask = self._masks[key] = self.locale_codes == code
        return mask

    def synonyms_of(self, locale: str) -> Synonyms:
        """The editors' synonyms of a locale, read once."""
        found = self._synonyms.get(locale)
        if found is None:
            found = self._synonyms[locale] = Synonyms(self.context.synonyms.get(locale, ()), locale)
        return found

    def in_category(self, category: str) -> np.ndarray:
        code = self.categories.index(category) if category in self.categories else -1
        return self.category_codes == code


def _may_see(entry: Entry, audiences: frozenset[Audience], day: str) -> bool:
    """The same rule as `content.can_see`, on the index's own copy of the facts; ISO dates compare as text."""
    return entry.audience in audiences and (not entry.live_from or entry.live_from <= day) and (not entry.live_until or day < entry.live_until)
