"""What is served: one commit of the index with its articles, its masks and what editors and past searches add. Immutable but for caches."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from threading import Lock
from typing import Any, cast

import numpy as np

from app.content import Audience
from app.search.engine import Hit, SearchContext
from app.search.fields import FIELD_SPECS, field_name
from app.search.learned import LearnedIndex
from app.search.postings import BoundedCache, Scores, Segment
from app.search.shelf import Entry, Kind, Shelf
from app.search.sight import Sight
from app.search.synonyms import Synonyms

BEGINNINGS_BYTES = 4 * 2**20
HITS_BYTES = 4 * 2**20
HIT_BYTES = 700
"""About what one hit takes."""
MOST_SIGHTS = 16
READ_AT_ONCE = 64
"""Articles whose entries are read from the shelf together: they stand side by side there."""


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
        self._adding = Lock()

    def number(self, name: str) -> int:
        found = self._numbers.get(name)
        if found is None:
            with self._adding:
                if name not in self._numbers:
                    self.names.append(name)
                    self._numbers[name] = len(self.names) - 1
                found = self._numbers[name]
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
    """The articles of one segment: which kinds they are of at once, everything else when it is asked for; made once for as long as the
    segment lives. Safe for threads: what is read twice is the same."""

    def __init__(self, rows: np.ndarray, shelf: Shelf, numberings: Numberings) -> None:
        self._rows, self._shelf, self._numberings = rows, shelf, numberings
        self.size = len(rows)
        self._in_order = np.argsort(rows)
        kinds = shelf.kinds(rows.tolist())
        self._kinds = [kind for kind, _ in kinds]
        self._codes = np.full(self.size, -1, dtype=np.int64)
        """The place of every article's kind in the list; -1 where the row was dropped."""
        for code, (_, of_kind) in enumerate(kinds):
            self._codes[self.numbers(of_kind)] = code
        self.known = self._codes >= 0
        self.categories = self._each([numberings.categories.number(k.category) for k in self._kinds], -1, np.int64)
        self.locales = self._each([numberings.locales.number(k.locale) for k in self._kinds], -1, np.int64)
        self._entries: list[Entry | None] = [None] * self.size
        self._visible: dict[tuple[frozenset[Audience], str], np.ndarray] = {}
        self._hidden_sizes: dict[tuple[frozenset[Audience], str], dict[str, int]] = {}

    def _each(self, by_kind: list[Any], dropped: Any, kind: type) -> np.ndarray:
        """What is told of every kind, for every article."""
        return np.array([*by_kind, dropped], dtype=kind)[self._codes]

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        """The documents that have these rows; rows of other segments have none here."""
        if not self.size:
            return self._in_order
        at = np.searchsorted(self._rows, rows, sorter=self._in_order)
        numbers = self._in_order[np.minimum(at, self.size - 1)]
        return numbers[self._rows[numbers] == rows]

    @cached_property
    def articles(self) -> np.ndarray:
        """The code of every article, which its translations share; -1 where the row was dropped."""
        rows = self._rows.tolist()
        ids, number = self._shelf.article_ids(rows), self._numberings.articles.number
        return np.array([number(ids[row]) if row in ids else -1 for row in rows], dtype=np.int64)

    def entry(self, number: int) -> Entry | None:
        """What a hit needs of one article, read with its neighbours when it is asked for first; None when its row was dropped."""
        found = self._entries[number]
        if found is None and self.known[number]:
            start = number - number % READ_AT_ONCE
            rows = self._rows[start : start + READ_AT_ONCE].tolist()
            entries = self._shelf.entries(rows)
            self._entries[start : start + READ_AT_ONCE] = [entries.get(row) for row in rows]
            found = self._entries[number]
        return found

    def visible(self, audiences: frozenset[Audience], day: str) -> np.ndarray:
        """True where such a viewer may see the article on this day."""
        mask = self._visible.get((audiences, day))
        if mask is None:
            if len(self._visible) > 16:
                self._visible.clear()
            mask = self._each([_may_see(k, audiences, day) for k in self._kinds], False, bool)
            self._visible[audiences, day] = mask
        return mask

    def hidden(self, audiences: frozenset[Audience], day: str) -> np.ndarray:
        """True where such a viewer may not see the article, whether or not it has been deleted since."""
        return ~self.visible(audiences, day) & self.known

    def hidden_sizes(self, audiences: frozenset[Audience], day: str) -> dict[str, int]:
        """Of the articles that are hidden: how many terms they have by field of the index, and how many they are by locale."""
        sizes = self._hidden_sizes.get((audiences, day))
        if sizes is None:
            if len(self._hidden_sizes) > MOST_SIGHTS:
                self._hidden_sizes.clear()
            sizes = {}
            hidden = self.hidden(audiences, day)
            for code in np.unique(self.locales[hidden]).tolist():
                rows = self._rows[hidden & (self.locales == code)].tolist()
                locale = self._numberings.locales.names[code]
                sizes[locale] = len(rows)
                totals: list[int] = self._shelf.lengths(rows).sum(axis=0, dtype=np.int64).tolist()
                sizes |= {field_name(spec.part, locale): total for spec, total in zip(FIELD_SPECS, totals, strict=True)}
            self._hidden_sizes[audiences, day] = sizes
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
        self._bases = np.cumsum([0, *(c.size for c in contents)]).tolist()
        self.category_codes = _joined([c.categories for c in contents], np.int64)
        bits = [_as_bits(self.category_codes == code) for code in range(len(numberings.categories.names))]
        self._category_bits = np.array(bits) if bits else np.zeros((0, 1), dtype=np.uint64)
        self.types = [t.slug for t in context.site.types]
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

    @cached_property
    def article_codes(self) -> np.ndarray:
        """A number for every document's article; translations of one article share it."""
        return _joined([c.articles for c in self._contents], np.int64)

    @property
    def articles(self) -> int:
        """More than every code of an article; the last place stands for dropped rows, which no mask shows."""
        return int(self.article_codes.max(initial=-1)) + 2

    def entry(self, number: int) -> Entry | None:
        """What a hit needs of a document; None when it is deleted."""
        if not self._alive[number]:
            return None
        place = bisect_right(self._bases, number) - 1
        return self._contents[place].entry(number - self._bases[place])

    def numbers_of(self, keys: Iterable[str]) -> dict[str, int]:
        """The document numbers of these keys, those that are here and not deleted."""
        return {key: numbers[0] for key, rows in self.shelf.rows_of("key", keys).items() if (numbers := self._numbers(rows))}

    def named(self, slug: str) -> list[int]:
        """The document numbers of the articles with this slug in any locale."""
        return self._numbers(self.shelf.rows_of("slug", [slug]).get(slug, []))

    def _numbers(self, rows: list[int]) -> list[int]:
        """Where rows of the shelf stand here, those that are not deleted, ascending."""
        wanted = np.array(rows, dtype=np.int64)
        found = [base + c.numbers(wanted) for base, c in zip(self._bases, self._contents, strict=False)]
        numbers = np.sort(_joined(found, np.int64))
        return numbers[self._alive[numbers]].tolist()  # type: ignore[no-any-return]

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
            entry = self.entry(number)
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

    @cached_property
    def _type_codes(self) -> np.ndarray:
        """The number of every document's type; -1 where it has none. Translations of one article are of one type."""
        rest = next((number for number, t in enumerate(self.context.site.types) if not t.articles), -1)
        by_article = np.full(self.articles, rest, dtype=np.int64)
        for number, one in enumerate(self.context.site.types):
            for column in ("slug", "article_id"):
                for rows in self.shelf.rows_of(column, one.articles).values():
                    by_article[self.article_codes[self._numbers(rows)]] = number
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


def _may_see(kind: Kind, audiences: frozenset[Audience], day: str) -> bool:
    """The same rule as `content.can_see`, on the index's own copy of the facts; ISO dates compare as text."""
    return kind.audience in audiences and (not kind.live_from or kind.live_from <= day) and (not kind.live_until or day < kind.live_until)
