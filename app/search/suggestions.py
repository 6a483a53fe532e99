"""What is offered while somebody types: articles, then their sections, then nearly matching ones, then approved popular searches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from urllib.parse import quote_plus

import numpy as np

from app.content import Viewer, same_words
from app.locales import fallbacks
from app.search.analysis import Word, analyzer_for, fold
from app.search.answers import answer
from app.search.engine import Query, Suggestion, Suggestions
from app.search.fields import NAMES, PARTS
from app.search.hebrew import is_hebrew, without_prefix
from app.search.layouts import turned_round
from app.search.query_text import clean
from app.search.served import Served
from app.search.shelf import Entry
from app.search.spelling import begins_nearly, vocabulary_of

MOST_BYTES = 1900
"""All suggestions together stay under 2 kB, whatever the titles."""
LONGEST_TITLE = 110
MOST_WORDS = 8
MOST_RANKED = 400
"""Articles that are put in order; a beginning that fits more than these says too little yet."""
SHORTEST_SLIP = 4


def suggest(served: Served, text: str, locale: str, viewer: Viewer, today: date, limit: int = 6) -> Suggestions:
    """Suggestions for what has been typed so far, in the reader's language; another language only when that has none."""
    cleaned, _ = clean(text)
    limit = min(max(limit, 1), 20)
    visible = served.visible(viewer.audiences, today)
    items: list[Suggestion] = []
    for place, offered in enumerate(fallbacks(locale, served.locales)):
        if place and items:
            break
        items = list(_in_locale(Typing(served, offered, visible), cleaned, limit))
    if not items and len(cleaned.split()) > 1:
        items = _by_searching(served, cleaned, locale, viewer, today, limit)
    items += _popular(served, cleaned, locale, {i.title.lower() for i in items})
    return Suggestions(tuple(_bounded(items[:limit])), served.origin.revision)


class Typing:
    """What is being typed, matched against the names of one locale's articles."""

    def __init__(self, served: Served, locale: str, visible: np.ndarray) -> None:
        self.served, self.locale = served, locale
        self.mask = visible & served.in_locale(locale)
        self.analyzer = analyzer_for(locale)

    def words(self, text: str) -> list[str]:
        """The words typed, folded; small words count only at the end, where they may be the beginning of another."""
        words: list[Word] = [w for w in self.analyzer.words(text) if not w.joined][:MOST_WORDS]
        kept = [w for i, w in enumerate(words) if not w.stop or i == len(words) - 1]
        return [fold(w.text) for w in kept]

    def having(self, part: str, word: str) -> np.ndarray:
        """True for visible articles with a word in that part that begins so; a Hebrew word may have letters glued before it."""
        key = (part, self.locale, word)
        mask = self.served.beginnings.get(key)
        if mask is None:
            mask = np.zeros(self.served.size, dtype=bool)
            for beginning in without_prefix(word) if is_hebrew(word) else [word]:
                self._mark(mask, part, lambda vocabulary, b=beginning: vocabulary.beginning(b))
                if mask.any():
                    break
            self.served.beginnings.put(key, mask, mask.nbytes + 200)
        return mask & self.mask  # type: ignore[operator]

    def nearly_having(self, part: str, word: str) -> np.ndarray:
        """The same for words that begin with one slip."""
        mask = np.zeros(self.served.size, dtype=bool)
        if len(word) >= SHORTEST_SLIP and not any(c.isdigit() for c in word):
            self._mark(mask, part, lambda vocabulary: vocabulary.nearly_beginning(word))
        return mask & self.mask

    def _mark(self, mask: np.ndarray, part: str, choose: Callable[..., list[str]]) -> None:
        words = {w for s in self.served.segments for w in choose(vocabulary_of(s, self.locale, part))}
        for word in words:
            mask[self.served.scores.documents(part, self.locale, word)] = True

    def ranked(self, mask: np.ndarray, typed: list[str]) -> Iterator[Entry]:
        """The articles of a mask: titles that begin as typed first, then those with most whole words of it, then those with most words that
        are begun or typed with a slip (the others are found by their keywords), then short ones."""
        numbers = np.flatnonzero(mask)[:MOST_RANKED]
        entries = [e for n in numbers.tolist() if (e := self.served.entry(n))]
        together = " ".join(typed)

        def order(entry: Entry) -> tuple[bool, int, int, int, str]:
            title = fold(entry.title.lower())
            words = set(title.split())
            begun = sum(2 if any(w.startswith(t) for w in words) else any(begins_nearly(w, t) for w in words) for t in typed)
            return (not title.startswith(together), -sum(t in words for t in typed), -begun, len(title), title)

        yield from sorted(entries, key=order)


def _in_locale(typing: Typing, text: str, limit: int) -> Iterator[Suggestion]:
    typed = typing.words(text)
    if not typed:
        return
    seen: set[str] = set()
    for chosen in (typing.having, _or_nearly(typing)):
        named = [chosen(NAMES, word) for word in typed]
        for entry in typing.ranked(np.logical_and.reduce(named), typed):
            if entry.article_id not in seen and len(seen) < limit:
                seen.add(entry.article_id)
                yield _article(entry)
        if len(seen) < limit:
            with_parts = [mask | chosen(PARTS, word) for mask, word in zip(named, typed, strict=True)]
            for entry in typing.ranked(np.logical_and.reduce(with_parts), typed):
                if entry.article_id not in seen and len(seen) < limit:
                    seen.add(entry.article_id)
                    yield _section(typing, entry, typed)
        if len(seen) >= limit:
            return
    if not seen:
        other = turned_round(text, typing.locale, lambda word: bool(typing.having(NAMES, word).any()))
        if other and (named := [typing.having(NAMES, word) for word in typing.words(other)]):
            yield from (_article(e) for e in list(typing.ranked(np.logical_and.reduce(named), [other]))[:limit])


def _or_nearly(typing: Typing) -> Callable[[str, str], np.ndarray]:
    """Words as typed where some article has them, nearly as typed where none has."""

    def choose(part: str, word: str) -> np.ndarray:
        exact = typing.having(part, word)
        return exact if exact.any() else typing.nearly_having(part, word)

    return choose


def _article(entry: Entry) -> Suggestion:
    return Suggestion("article", _short(entry.title), entry.url, entry.category, entry.article_id)


def _section(typing: Typing, entry: Entry, typed: list[str]) -> Suggestion:
    """The section whose heading has most of the words; the article itself when no heading has any."""
    best = (0, "", "")
    for anchor, heading, _ in typing.served.shelf.text(entry.row).sections:
        words = [fold(w.text) for w in typing.analyzer.words(heading)]
        count = sum(any(w.startswith(t) for w in words) for t in typed)
        if anchor and count > best[0]:
            best = (count, anchor, heading)
    if not best[0]:
        return _article(entry)
    return Suggestion("section", _short(best[2]), f"{entry.url}#{best[1]}", entry.category, entry.article_id)


def _by_searching(served: Served, text: str, locale: str, viewer: Viewer, today: date, limit: int) -> list[Suggestion]:
    """For a whole question, whose words stand in no one title: the articles that searching would show first."""
    query = Query.from_text(text, locale, viewer, limit=limit, snippets=False, passage=False)
    results = answer(served, query, today)
    return [] if results.close else [Suggestion("article", _short(h.title), h.url, h.category, h.article_id) for h in results.hits]


def _popular(served: Served, text: str, locale: str, taken: set[str]) -> list[Suggestion]:
    """Approved searches whose words begin like those typed."""
    typed = same_words(text).split()
    out = []
    for query in served.context.site.popular.get(locale, ()):
        words = same_words(query).split()
        if typed and query.lower() not in taken and all(any(w.startswith(t) for w in words) for t in typed):
            out.append(Suggestion("query", _short(query), f"/{locale}/search?q={quote_plus(query)}"))
    return out


def _short(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1].rstrip() + "…"


def _bounded(items: list[Suggestion]) -> Iterator[Suggestion]:
    used = 20
    for item in items:
        used += len(item.title.encode()) + len(item.url.encode()) + len(item.where) + len(item.article_id) + len(item.type) + 70
        if used > MOST_BYTES:
            return
        yield item
