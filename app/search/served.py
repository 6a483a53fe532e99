"""What is served: one commit of the index with its articles, its masks and what editors and past searches add. Immutable but for caches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

import numpy as np

from app.content import Audience
from app.search.engine import Hit, SearchContext
from app.search.fields import FIELD_SPECS, field_name
from app.search.learned import LearnedIndex
from app.search.postings import BoundedCache, Scores, Segment
from app.search.shelf import LENGTH_TYPE, Entry, Shelf
from app.search.sight import Sight
from app.search.synonyms import Synonyms

BEGINNINGS_BYTES = 4 * 2**20
HITS_BYTES = 4 * 2**20
HIT_BYTES = 700
"""About what one hit takes."""
MOST_SIGHTS = 16


@dataclass(frozen=True)
class Origin:
    """Where a served state comes from."""

    generation: str
    commit: int
    revision: str


class Numbering:
    """A number for every category, locale and article that was met, so that arrays can hold them; the same for all commits of an engine."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.names: list[str] = []

    def number(self, name: str) -> int:
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = len(self.names)
            self.names.append(name)
        return found

    def known(self, name: str) -> int:
        """The number of a name, or -1."""
        return self._numbers.get(name, -1)


@dataclass
class Numberings:
    categories: Numbering
    locales: Numbering
    articles: Numbering


class SegmentEntries:
    """The articles of one segment as lists and arrays: made once for as long as the segment lives."""

    def __init__(self, entries: list[Entry | None], numberings: Numberings) -> None:
        self.entries = entries
        self.categories = np.array([numberings.categories.number(e.category) if e else -1 for e in entries], dtype=np.int64)
        self.locales = np.array([numberings.locales.number(e.locale) if e else -1 for e in entries], dtype=np.int64)
        self.articles = np.array([numberings.articles.number(e.article_id) if e else -1 for e in entries], dtype=np.int64)
        self._known = np.array([e is not None for e in entries], dtype=bool)
        self.by_key = {e.key: n for n, e in enumerate(entries) if e}
        self.by_name = {name: self.articles[n] for n, e in enumerate(entries) if e for name in (e.slug, e.article_id)}
        """Code of an article by its slug in any locale, and by its id."""
        self._visible: dict[tuple[frozenset[Audience], str], np.ndarray] = {}
        self._hidden_sizes: dict[tuple[frozenset[Audience], str], dict[str, int]] = {}

    def visible(self, audiences: frozenset[Audience], day: str) -> np.ndarray:
        """True where such a viewer may see the article on this day."""
        mask = self._visible.get((audiences, day))
        if mask is None:
            if len(self._visible) > 16:
                self._visible.clear()
            values = [e is not None and _may_see(e, audiences, day) for e in self.entries]
            mask = self._visible[audiences, day] = np.array(values, dtype=bool)
        return mask

    def hidden(self, audiences: frozenset[Audience], day: str) -> np.ndarray:
        """True where such a viewer may not see the article, whether or not it has been deleted since."""
        return ~self.visible(audiences, day) & self._known

    def hidden_sizes(self, audiences: frozenset[Audience], day: str) -> dict[str, int]:
        """Of the articles that are hidden: how many terms they have by field of the index, and how many they are by locale."""
        sizes = self._hidden_sizes.get((audiences, day))
        if sizes is None:
            if len(self._hidden_sizes) > MOST_SIGHTS:
                self._hidden_sizes.clear()
            by_locale: dict[str, list[np.ndarray]] = {}
            for number in np.flatnonzero(self.hidden(audiences, day)).tolist():
                if entry := self.entries[number]:
                    by_locale.setdefault(entry.locale, []).append(np.frombuffer(entry.lengths, dtype=LENGTH_TYPE))
            sizes = self._hidden_sizes[audiences, day] = {}
            for locale, lengths in by_locale.items():
                sizes[locale] = len(lengths)
                totals: list[int] = np.array(lengths).sum(axis=0, dtype=np.int64).tolist()
                sizes |= {field_name(spec.part, locale): total for spec, total in zip(FIELD_SPECS, totals, strict=True)}
        return sizes


class Served:
    """Everything a search needs, from one commit; made anew for the next one, sharing the segments that stay."""

    def __init__(
        self,
        origin: Origin,
        segments: list[Segment],
        contents: list[SegmentEntries],
        deleted: list[np.ndarray],
        shelf: Shelf,
        context: SearchContext,
        decoded: BoundedCache,
        numberings: Numberings,
    ) -> None:
        self.origin, self.segments, self.shelf, self.context = origin, segments, shelf, context
        self._contents, self._numberings = contents, numberings
        self.rows = _joined([s.rows for s in segments], np.uint32)
        self._alive = ~_joined(deleted, bool)
        self.size = len(self.rows)
        self.entries: list[Entry | None] = [e for c in contents for e in c.entries]
        for number in np.flatnonzero(~self._alive):
            self.entries[number] = None
        self.category_codes = _joined([c.categories for c in contents], np.int64)
        self.article_codes = _joined([c.articles for c in contents], np.int64)
        """Translations of one article share a code."""
        self.articles = len(numberings.articles.names)
        """More than every code of an article."""
        bits = [_as_bits(self.category_codes == code) for code in range(len(numberings.categories.names))]
        self._category_bits = np.array(bits) if bits else np.zeros((0, 1), dtype=np.uint64)
        self.types = [t.slug for t in context.site.types]
        self._type_codes = self._typed()
        self._locale_codes = _joined([c.locales for c in contents], np.int64)
        counts: Sequence[int] | np.ndarray = []
        if self.size:
            counts = np.bincount(self._locale_codes[self._alive], minlength=len(numberings.locales.names))
        self.locales: list[str] = sorted(name for name, count in zip(numberings.locales.names, counts, strict=False) if count)
        self.categories = list(numberings.categories.names)
        self._learners = self.numbers_of({_key(p.locale, p.article_id) for p in context.learned})
        self.scores = Scores(segments, self.locales, decoded, LearnedIndex(context.learned, self._learners, self.size))
        """The scores for a viewer from whom nothing is hidden; others: `sight`."""
        self._scores: dict[object, Scores] = {}
        self.beginnings = BoundedCache(BEGINNINGS_BYTES)
        """Masks of articles by the beginnings of words in their names, for suggestions."""
        self._masks: dict[object, np.ndarray] = {}
        self._sights: dict[object, Sight] = {}
        self._hits = BoundedCache(HITS_BYTES)
        self._synonyms: dict[str, Synonyms] = {}

    def numbers_of(self, keys: Iterable[str]) -> dict[str, int]:
        """The document numbers of these keys, those that are here and not deleted."""
        found = {}
        for key in keys:
            base = 0
            for content in self._contents:
                number = content.by_key.get(key)
                if number is not None and self._alive[base + number]:
                    found[key] = base + number
                base += len(content.entries)
        return found

    def visible(self, audiences: frozenset[Audience], today: date) -> np.ndarray:
        """True for every document that this viewer may see today; deleted ones are False."""
        day = today.isoformat()
        mask = self._masks.get((audiences, day))
        if mask is None:
            if len(self._masks) > 32:
                self._masks.clear()
            mask = _joined([c.visible(audiences, day) for c in self._contents], bool) & self._alive
            self._masks[audiences, day] = mask
        return mask

    def forget_sights(self) -> None:
        """Find out anew what viewers see: what is kept of words was found out before their language's dictionary was there."""
        self._sights.clear()

    def sight(self, audiences: frozenset[Audience], today: date, locale: str) -> Sight:
        """What such a viewer sees today in one language."""
        key = (audiences, today, locale)
        found = self._sights.get(key)
        if found is None:
            if len(self._sights) >= MOST_SIGHTS:
                self._sights.clear()
            scores = self._scores_for(audiences, today.isoformat())
            found = self._sights[key] = Sight(scores, locale, self.visible(audiences, today) & self.in_locale(locale))
        return found

    def _scores_for(self, audiences: frozenset[Audience], day: str) -> Scores:
        """The scores without what is hidden from such a viewer."""
        found = self._scores.get((audiences, day))
        if found is None:
            if len(self._scores) >= MOST_SIGHTS:
                self._scores.clear()
            found = self.scores
            hidden = _joined([c.hidden(audiences, day) for c in self._contents], bool)
            if hidden.any():
                learners = {key: number for key, number in self._learners.items() if not hidden[number]}
                sizes: Counter[str] = Counter()
                for contents in self._contents:
                    sizes.update(contents.hidden_sizes(audiences, day))
                found = self.scores.hiding(hidden, sizes, LearnedIndex(self.context.learned, learners, self.size))
            self._scores[audiences, day] = found
        return found

    def plain_hit(self, number: int) -> Hit:
        """A document as a hit without rank, score and texts; made once."""
        found = self._hits.get(number)
        if found is None:
            entry = self.entries[number]
            assert entry is not None  # deleted documents are masked
            found = Hit(0, entry.article_id, entry.locale, entry.category, entry.slug, entry.title, entry.url, 0.0)
            self._hits.put(number, found, HIT_BYTES)
        return cast(Hit, found)

    def in_locale(self, locale: str) -> np.ndarray:
        mask = self._masks.get(locale)
        if mask is None:
            mask = self._masks[locale] = self._locale_codes == self._numberings.locales.known(locale)
        return mask

    def synonyms_of(self, locale: str) -> Synonyms:
        """The editors' synonyms of a locale, read once."""
        found = self._synonyms.get(locale)
        if found is None:
            found = self._synonyms[locale] = Synonyms(self.context.synonyms.get(locale, ()), locale)
        return found

    def by_category(self, mask: np.ndarray) -> dict[str, int]:
        """How many of the masked documents each category has, those without any left out."""
        counts = np.add.reduce(np.bitwise_count(self._category_bits & _as_bits(mask)), axis=1, dtype=np.uint32).tolist()
        return {category: count for category, count in zip(self.categories, counts, strict=True) if count}

    def by_type(self, mask: np.ndarray) -> dict[str, int]:
        """How many of the masked documents are of each type, those without any left out."""
        return {
            slug: count for number, slug in enumerate(self.types) if (count := int(np.count_nonzero(mask & (self._type_codes == number))))
        }

    def of_type(self, slug: str) -> np.ndarray:
        return self._type_codes == (self.types.index(slug) if slug in self.types else len(self.types))

    def _typed(self) -> np.ndarray:
        """The number of every document's type; -1 where it has none. Translations of one article are of one type."""
        rest = next((number for number, t in enumerate(self.context.site.types) if not t.articles), -1)
        by_article = np.full(self.articles + 1, rest, dtype=np.int64)  # the last one stands for dropped rows, which no mask shows
        for number, one in enumerate(self.context.site.types):
            for name in one.articles:
                for content in self._contents:
                    if name in content.by_name:
                        by_article[content.by_name[name]] = number
        return by_article[self.article_codes]

    def in_category(self, category: str) -> np.ndarray:
        return self.category_codes == self._numberings.categories.known(category)


def _joined(arrays: list[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype=kind)


def _as_bits(mask: np.ndarray) -> np.ndarray:
    """A mask as numbers of 64 bits, so that counting what two have in common takes next to nothing."""
    bits = np.zeros(-(-len(mask) // 64), dtype=np.uint64)
    packed = np.packbits(mask)
    bits.view(np.uint8)[: len(packed)] = packed
    return bits


def _key(locale: str, article_id: str) -> str:
    return f"{locale}/{article_id}"


def _may_see(entry: Entry, audiences: frozenset[Audience], day: str) -> bool:
    """The same rule as `content.can_see`, on the index's own copy of the facts; ISO dates compare as text."""
    return (
        entry.audience in audiences and (not entry.live_from or entry.live_from <= day) and (not entry.live_until or day < entry.live_until)
    )
