"""Answering a query on what is served: plan, score, filter, order, and dress the hits that are shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

import numpy as np

from app.content import same_words
from app.locales import fallbacks
from app.search.analysis import analyzer_for
from app.search.engine import Explanation, Hit, Query, Results
from app.search.layouts import turned_round
from app.search.passages import Marks, best_passage, dress
from app.search.plan import Plan, Planner
from app.search.postings import NOTHING
from app.search.query_text import Parsed, parse
from app.search.ranking import best, covers, explain, having, score, with_phrases, words_matched
from app.search.served import Served
from app.search.sight import Sight

CLOSE_BELOW = 0.4
"""Share of the query's information (idf) that the best article must have; below it, hits are called close, not answers."""
LEAST_MATCH_ELSEWHERE = 0.5
"""Share of the words that an article in another language must have: single common words match by chance."""

MOST_KNOWN_AS_TYPED, LEAST_KNOWN_TURNED = 0.25, 0.75
"""Shares of a query's letters that stand in known words, as typed and on another keyboard layout, for turning it round. Single small words
are words in both by chance; and some words no dictionary has."""
LEAST_TURNED, LEAST_TURNED_ELSEWHERE = 4, 6
"""Letters in known words from which it is turned round to the reader's language and to another: short names are words there by chance."""


@dataclass
class Ranked:
    """What one locale gave: the plan, the score of every match, how many there are and the best of them."""

    plan: Plan
    scores: np.ndarray
    """Nothing for documents that are no match."""
    count: int
    top: np.ndarray
    marks: Marks | None
    """What to look for in texts; None when no text is shown."""


class Answering:
    """One query being answered."""

    def __init__(self, served: Served, query: Query, today: date) -> None:
        self.served, self.query, self.today = served, query, today
        self.order = fallbacks(query.locale, served.locales)
        self.by_category: dict[str, int] = {}
        self.by_type: dict[str, int] = {}
        self.by_locale: dict[str, int] = {}

    def planner(self, locale: str) -> Planner:
        return Planner(self.served, self._sight(locale), self.query.exact, lambda word: self._known_elsewhere(word, locale))

    def _sight(self, locale: str) -> Sight:
        return self.served.sight(self.query.viewer.audiences, self.today, locale)

    def _known_elsewhere(self, word: str, locale: str) -> bool:
        """Whether another language's articles have the word: then it is no slip."""
        others = (other for other in self.order if other != locale)
        return any(self._sight(other).knows("own_words", analyzer_for(other).stem(word)) for other in others)

    def turned(self, parsed: Parsed) -> tuple[str, str] | None:
        """(locale, text) when hardly anything typed is a word anywhere and nearly everything is, on another keyboard layout."""
        planners = [self.planner(locale) for locale in self.order]
        if max((planner.known_letters(parsed.all_text).share for planner in planners), default=0.0) > MOST_KNOWN_AS_TYPED:
            return None
        best, most = None, LEAST_KNOWN_TURNED
        for planner in planners:
            least = LEAST_TURNED if planner.locale == self.query.locale else LEAST_TURNED_ELSEWHERE
            text = turned_round(self.query.text, planner.locale, planner.is_word)
            known = planner.known_letters(text or "")
            if text and known.letters >= least and known.share > most:
                best, most = (planner.locale, text), known.share
        return best

    def rank(self, parsed: Parsed) -> list[Ranked]:
        """The reader's locale first, then the others without articles that were already found."""
        found: list[Ranked] = []
        seen: np.ndarray | None = None
        for place, locale in enumerate(self.order):
            planner = self.planner(locale)
            plan = planner.plan(parsed, widen=place == 0)
            if not plan.terms:
                continue
            sight = planner.sight
            allowed = self._filtered(plan, sight.allowed)
            scores = score(sight.scores, plan)
            if place:
                allowed = allowed & (
                    words_matched(self.served, plan) >= LEAST_MATCH_ELSEWHERE * max(1, sum(not w.joined for w in plan.words))
                )
            if seen is not None:
                allowed = allowed & ~seen[self.served.article_codes]
            if allowed is not sight.allowed:
                scores *= allowed
            elif not sight.is_all:
                scores *= sight.factors
            if place + 1 < len(self.order):
                seen = np.zeros(self.served.articles, dtype=bool) if seen is None else seen
                seen[self.served.article_codes[scores > 0]] = True
                for stem in plan.excluded:  # an article that has an excluded word is not wanted in another language either
                    seen[self.served.article_codes[having(self.served, locale, stem)]] = True
            count = self._counted(locale, scores)
            top = best(scores, self.query.offset + self.query.limit) if count else NOTHING
            if count or not place:
                marks = Marks(sight.scores.statistics, plan) if self.query.snippets or self.query.passage else None
                found.append(Ranked(plan, scores, count, top, marks))
        return found

    def _filtered(self, plan: Plan, allowed: np.ndarray) -> np.ndarray:
        if phrases := [phrase for phrase in plan.phrases if phrase]:
            allowed = allowed & with_phrases(self.served, plan.locale, phrases, allowed)
        for stem in plan.excluded:
            allowed = allowed & ~having(self.served, plan.locale, stem)
        return allowed

    def _counted(self, locale: str, scores: np.ndarray) -> int:
        """Count for the filters, each before it is applied itself, then apply them to the scores. Returns how many matches are left."""
        query, served = self.query, self.served
        in_locale = not query.only_locale or locale == query.only_locale
        matches = scores > 0
        of_type = matches & served.of_type(query.type) if query.type else matches
        in_category = matches & served.in_category(query.category) if query.category else matches
        if in_locale:
            _add(self.by_category, served.by_category(of_type))
            _add(self.by_type, served.by_type(in_category) if served.types else {})
        if query.type or query.category:
            matches = of_type & in_category
            scores *= matches
        if left := int(np.count_nonzero(matches)):
            self.by_locale[locale] = left
        return left if in_locale else 0

    def covers(self, ranked: Ranked) -> bool:
        """Whether one of the best articles has enough of the query to be more than close."""
        return covers(self._sight(ranked.plan.locale).scores.statistics, ranked.plan, ranked.top[:3], CLOSE_BELOW)

    def hits(self, found: list[Ranked]) -> tuple[Hit, ...]:
        """The page of hits that was asked for, dressed."""
        page = list(islice(self._ordered(found), self.query.offset, self.query.offset + self.query.limit))
        if not self.query.snippets and not self.query.explain:
            plain = self.served.plain_hit
            return tuple([plain(n).placed(rank, float(r.scores[n])) for rank, (r, n, _) in enumerate(page, self.query.offset + 1)])
        if self.query.snippets:
            self.served.shelf.fetch([int(self.served.rows[n]) for _, n, _ in page])
        return tuple(self._hit(r, number, rank, pinned) for rank, (r, number, pinned) in enumerate(page, self.query.offset + 1))

    def _ordered(self, found: list[Ranked]) -> Iterator[tuple[Ranked, int, bool]]:
        pinned = self._pinned()
        if pinned is not None and found:
            yield found[0], pinned, True
        for ranked in found:
            for number in ranked.top.tolist():
                if number != pinned:
                    yield ranked, number, False

    def _pinned(self) -> int | None:
        """The article that editors put first for exactly this query, if the viewer may see it and no filter leaves it out."""
        pins = self.served.context.site.pinned_answers.get(self.query.locale)
        slug = pins.get(same_words(self.query.text)) if pins else None
        if not slug or self.query.exact or self.query.only_locale not in ("", self.query.locale):
            return None
        allowed = self._sight(self.query.locale).allowed
        if self.query.category:
            allowed = allowed & self.served.in_category(self.query.category)
        if self.query.type:
            allowed = allowed & self.served.of_type(self.query.type)
        return next((number for number in self.served.named(slug) if allowed[number]), None)

    def _hit(self, ranked: Ranked, number: int, rank: int, pinned: bool) -> Hit:
        plain, value = self.served.plain_hit(number), float(ranked.scores[number])
        texts: dict[str, Any] = {}
        if self.query.snippets and ranked.marks:
            entry = self.served.entry(number)
            assert entry is not None  # deleted documents are masked
            dressed = dress(ranked.marks, entry, self.served.shelf.text(entry.row))
            texts = {"snippet": dressed.snippet, "title_marked": dressed.title, "sections": dressed.sections}
        if self.query.explain:
            texts["explanation"] = Explanation(value, explain(self._sight(ranked.plan.locale).scores, ranked.plan, number), pinned)
        return plain.placed(rank, value, **texts)


def _add(counts: dict[str, int], more: dict[str, int]) -> None:
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count


def answer(served: Served, query: Query, today: date) -> Results:
    """The results of a query for its viewer. Raises only what reading a damaged index raises."""
    started = time.perf_counter()
    answering = Answering(served, query, today)
    parsed = parse(query.text)
    corrected = None
    found = answering.rank(parsed)
    little_known = not found or sum(found[0].plan.known) <= MOST_KNOWN_AS_TYPED * len(found[0].plan.known)
    if little_known and not query.exact and not parsed.phrases and (turned := answering.turned(parsed)):
        corrected = turned[1]
        answering = Answering(served, query, today)
        answering.order = [turned[0], *(loc for loc in answering.order if loc != turned[0])]
        parsed = parse(corrected)
        found = answering.rank(parsed)
    close = False
    if parsed.phrases and not any(r.count for r in found):
        # Nobody has the quoted words like this: show what has them at all, and say that it is only close.
        answering = Answering(served, query, today)
        found = answering.rank(parsed.loosened)
        close = True
    plan = found[0].plan if found else None
    hits = answering.hits(found)
    total = sum(r.count for r in found)
    pinned = answering._pinned() is not None
    if hits and not pinned and plan:
        close = close or not any(answering.covers(r) for r in found)
    if plan and corrected is None and hits and any(c.sure for c in plan.corrections.values()):
        corrected = plan.corrected(query.text, plan.corrections)
    did_you_mean = plan.corrected(query.text, plan.rare) if plan and plan.rare and corrected is None else None
    passage = None
    if query.passage and found and hits and not close and query.offset == 0 and found[0].marks:
        passage = best_passage(served, found[0].marks, found[0].scores, found[0].top)
    return Results(
        query=query, hits=hits, total=max(total, len(hits)), revision=served.origin.revision, by_category=answering.by_category,
        by_type=answering.by_type, by_locale=answering.by_locale, corrected=corrected,
        also_searched=tuple(dict.fromkeys(plan.added)) if plan else (), did_you_mean=did_you_mean,
        for_slips=tuple(dict.fromkeys(c.word for c in plan.corrections.values())) if plan else (),
        passage=passage, close=close, took_ms=(time.perf_counter() - started) * 1000,
    )  # fmt: skip
