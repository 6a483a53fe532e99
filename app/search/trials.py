"""Searches with a known answer: running writers' search tests, and past searches on two engines side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.content import VISITOR, Article, SearchTest, Viewer, same_words
from app.search.causes import told_together
from app.search.engine import Hit, Query, SearchEngine

if TYPE_CHECKING:
    from app.content import Catalog

LOOKED_AT = 20
"""How far down an expected article is looked for, to be able to say where it stands instead."""
MOST_EXPLAINED = 50
"""How far down the reasons of its place are looked for."""


@dataclass(frozen=True)
class TrialResult:
    """How one search test went."""

    test: SearchTest
    rank: int
    """Where the best expected article stands, from 1; 0: not among the first twenty."""
    above: tuple[str, ...] = ()
    """Slugs of the articles that stood above it (or first, when it was not found)."""
    unwanted: tuple[str, ...] = ()
    """Articles that must not be found and were, within the places looked at."""
    why: str = ""
    """For a failed test: what made the first article first, in words."""

    @property
    def passed(self) -> bool:
        return self.is_found and not self.unwanted

    @property
    def is_found(self) -> bool:
        """Whether what is expected stands where it should; a test may expect nothing."""
        return not self.test.expect or 0 < self.rank <= self.test.within

    def __str__(self) -> str:
        if self.passed:
            return f"“{self.test.query}” finds {self.test.expect[0]} at {self.rank}" if self.test.expect else f"“{self.test.query}”"
        parts = []
        if not self.is_found:
            where = f"stands at {self.rank}" if self.rank else f"is not among the first {LOOKED_AT}"
            parts.append(f"should find {' or '.join(self.test.expect)} in the first {self.test.within}, but it {where}")
            if self.above:
                parts.append(f"above it: {', '.join(self.above)}")
        if self.unwanted:
            parts.append(f"must not find {', '.join(self.unwanted)} in the first {self.test.within}, but it does")
        return f"search “{self.test.query}” " + "; ".join(parts) + (f". {self.why}" if self.why else "")


def tests_of(catalog: Catalog) -> Iterator[SearchTest]:
    """Every search test of a revision: the `queries:` of its articles, then the `search-tests.yml` of its locales."""
    for article in catalog.indexable():
        for query in article.queries:
            yield SearchTest(query, article.locale, (article.slug,), path=article.path)
    yield from catalog.search_tests


def run_tests(engine: SearchEngine, catalog: Catalog, tests: Iterable[SearchTest] | None = None) -> list[TrialResult]:
    """Run search tests on an engine that serves this catalog's revision; not those whose articles nobody has, which are problems by themselves."""
    asked = tests_of(catalog) if tests is None else tests
    return [
        _run(engine, catalog, test) for test in asked if not test.expect or any(catalog.resolve(name, test.locale) for name in test.expect)
    ]


def _run(engine: SearchEngine, catalog: Catalog, test: SearchTest) -> TrialResult:
    expected = {a.id for name in test.expect if (a := catalog.resolve(name, test.locale))}
    unwanted = {a.id: name for name in test.not_expect if (a := catalog.resolve(name, test.locale))}
    query = Query.from_text(test.query, test.locale, _reader_of(catalog, expected), limit=LOOKED_AT, snippets=False, passage=False)
    hits = engine.search(query).hits
    rank = next((h.rank for h in hits if h.article_id in expected and h.locale == test.locale), 0)
    result = TrialResult(
        test, rank, tuple(h.slug for h in hits[: (rank or test.within + 1) - 1]),
        tuple(unwanted[h.article_id] for h in hits[: test.within] if h.article_id in unwanted),
    )  # fmt: skip
    return result if result.passed else replace(result, why=_reason(engine, query, expected or set(unwanted)))


def _reader_of(catalog: Catalog, expected: set[str]) -> Viewer:
    """Whoever may see the expected articles: a test of an internal article is an agent's search."""
    articles: list[Article] = [a for i in expected for a in catalog.translations(i).values()]
    return VISITOR if not articles else Viewer(VISITOR.audiences | {a.audience for a in articles})


def _reason(engine: SearchEngine, query: Query, asked_about: set[str]) -> str:
    """The words that put the first article first, and those that the one asked about has."""
    if not same_words(query.text):
        return "It has no word that could be searched."
    hits = engine.search(replace(query, explain=True, limit=MOST_EXPLAINED)).hits
    if not hits:
        return "No article has any of its words."
    found = next((h for h in hits if h.article_id in asked_about), None)
    parts = [_words(hits[0])] if hits[0].article_id not in asked_about else []
    if found:
        parts.append(_words(found))
    else:
        parts.append(f"what is expected is not even among the first {MOST_EXPLAINED}")
    return "; ".join(parts) + "."


def _words(hit: Hit) -> str:
    explanation = hit.explanation
    pinned = "is pinned for exactly this search and " if explanation and explanation.pinned else ""
    return f"{hit.slug} {pinned}scores {hit.score:.1f}: {told_together(explanation.terms if explanation else ())}"


@dataclass(frozen=True)
class PastSearch:
    """A search that people made, and the article that answered it, as far as is known."""

    query: str
    locale: str
    article_id: str = ""
    times: int = 1


@dataclass(frozen=True)
class ReplayedSearch:
    """One past search on two revisions: the rank of what answered it, or the first hit when that is not known."""

    search: PastSearch
    before: int
    """Rank of the article that answered; 0: not among the first twenty."""
    after: int
    first_before: str
    first_after: str

    def verdict(self, within: int = 3) -> str:
        """`fixes` or `breaks` (in or out of the first three), `better`, `worse`, `other` (another first hit) or `same`."""
        if not self.search.article_id:
            if bool(self.first_before) != bool(self.first_after):
                return "fixes" if self.first_after else "breaks"
            return "same" if self.first_before == self.first_after else "other"
        was, is_now = 0 < self.before <= within, 0 < self.after <= within
        if was != is_now:
            return "fixes" if is_now else "breaks"
        if self.before == self.after:
            return "same"
        return "better" if self.after and (self.after < self.before or not self.before) else "worse"


def replay(before: SearchEngine, after: SearchEngine, searches: Iterable[PastSearch], viewer: Viewer = VISITOR) -> list[ReplayedSearch]:
    """Past searches on two engines, usually one on what is served and one on a branch."""
    out = []
    for search in searches:
        query = Query.from_text(search.query, search.locale, viewer, limit=LOOKED_AT, snippets=False, passage=False)
        found = [engine.search(query).hits for engine in (before, after)]
        ranks = [next((h.rank for h in hits if h.article_id == search.article_id), 0) for hits in found]
        firsts = [hits[0].slug if hits else "" for hits in found]
        out.append(ReplayedSearch(search, ranks[0], ranks[1], firsts[0], firsts[1]))
    return out
