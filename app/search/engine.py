"""What searching means here, whatever engine does it: a query, its results, and the interface between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.content import Audience, Site, Viewer
from app.errors import Unavailable
from app.search.query_text import clean


class SearchUnavailable(Unavailable):
    """The engine failed. Never the same as 'nothing found'."""


@dataclass(frozen=True)
class SearchDocument:
    """One article as the engine needs it."""

    key: str
    """`locale/id`: unique in the index."""
    article_id: str
    locale: str
    category: str
    slug: str
    audience: Audience
    title: str
    summary: str
    keywords: tuple[str, ...]
    sections: tuple[tuple[str, str, str], ...]
    """(anchor, heading, plain text), in order."""
    blob: str
    live_from: str = ""
    """ISO date before which it is hidden, or empty."""
    live_until: str = ""


@dataclass(frozen=True)
class Query:
    """A bounded, harmless query: made with `from_text`, which never raises."""

    text: str
    """What was asked, trimmed to 200 characters."""
    locale: str
    viewer: Viewer
    category: str = ""
    type: str = ""
    """Filter: articles of this type of `site.yml`."""
    only_locale: str = ""
    """Filter: hits in this locale only."""
    exact: bool = False
    """'Search for the exact words': no corrections, synonyms or learned phrases."""
    offset: int = 0
    limit: int = 10
    snippets: bool = True
    passage: bool = True
    explain: bool = False
    was_cut: bool = False
    """The text was longer than 200 characters; the page says so."""

    @classmethod
    def from_text(cls, text: str, locale: str, viewer: Viewer, *, page: int = 1, limit: int = 10, **filters: Any) -> Query:
        """Whatever a person typed, as a query: control characters out, at most 200 characters, page and limit bounded."""
        cleaned, was_cut = clean(text)
        limit = min(max(limit, 1), 50)
        return cls(
            text=cleaned, locale=locale, viewer=viewer, limit=limit, offset=(min(max(page, 1), 100) - 1) * limit, was_cut=was_cut, **filters
        )


@dataclass(frozen=True)
class Hit:
    """One article among the results."""

    rank: int
    """From 1, over all pages."""
    article_id: str
    locale: str
    category: str
    slug: str
    title: str
    url: str
    score: float
    snippet: str = ""
    """Plain text with `[[` and `]]` around matched words; pages escape it and turn the marks into <mark>."""
    title_marked: str = ""
    sections: tuple[tuple[str, str], ...] = ()
    """Up to two (anchor, heading) that answer, for deep links."""
    explanation: Explanation | None = None

    def placed(self, rank: int, score: float, **texts: Any) -> Hit:
        """The same article at a place in a list: what `dataclasses.replace` gives, several times faster, for ten are made at every search."""
        made = object.__new__(Hit)
        made.__dict__.update(self.__dict__, rank=rank, score=score, **texts)
        return made


@dataclass(frozen=True)
class TermWeight:
    """One cause of a score: a term in a field, why it was searched, and what it added."""

    field: str
    term: str
    word: str
    """The term as the query has it or as it was corrected, where it stands for a word of these; pairs as two words."""
    origin: str
    """`query`, `correction`, `joined`, `synonym`, `shingle`, `exact`, `grams`, `prefix`."""
    weight: float
    score: float


@dataclass(frozen=True)
class Explanation:
    """Why a hit stands where it stands; the term scores add up to `score`."""

    score: float
    terms: tuple[TermWeight, ...]
    pinned: bool = False


@dataclass(frozen=True)
class Passage:
    """Two or three sentences, word for word from an article, that answer the query."""

    text: str
    article_id: str
    locale: str
    title: str
    anchor: str
    heading: str
    url: str
    score: float
    text_marked: str = ""


@dataclass(frozen=True)
class Results:
    """What came back. An engine that fails raises `SearchUnavailable` instead."""

    query: Query
    hits: tuple[Hit, ...]
    total: int
    revision: str
    by_category: dict[str, int] = field(default_factory=dict)
    by_type: dict[str, int] = field(default_factory=dict)
    by_locale: dict[str, int] = field(default_factory=dict)
    """Counts over all hits this viewer may see, for the filters (before the filter of the same kind is applied)."""
    corrected: str | None = None
    """The query that was searched instead: with what was taken for slips put right, or as on the keyboard that was meant."""
    also_searched: tuple[str, ...] = ()
    """Words that were added to the search (synonyms, other ways to write a word), to be named on the page."""
    for_slips: tuple[str, ...] = ()
    """Words that were searched for one taken for a slip, told or not."""
    did_you_mean: str | None = None
    passage: Passage | None = None
    close: bool = False
    """The hits are only near: the page says 'Close, but maybe not it'."""
    took_ms: float = 0.0


@dataclass(frozen=True)
class Suggestion:
    """A hit offered while typing: an article, one of its sections, or an approved popular search."""

    type: str
    """`article`, `section` or `query`."""
    title: str
    url: str
    where: str = ""
    """Category slug, for a second line."""
    article_id: str = ""


@dataclass(frozen=True)
class Suggestions:
    items: tuple[Suggestion, ...]
    revision: str = ""


@dataclass(frozen=True)
class LearnedPhrase:
    """A past query that ended in an answer, tied to the article that gave it."""

    article_id: str
    locale: str
    phrase: str
    weight: float


@dataclass(frozen=True)
class SearchContext:
    """What editors and past searches add to the ranking, taken together with a revision."""

    site: Site
    synonyms: dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...], bool], ...]] = field(default_factory=dict)
    """By locale: (words, words that mean the same, whether it also holds the other way round)."""
    learned: tuple[LearnedPhrase, ...] = ()


class SearchEngine(Protocol):
    """An engine that indexes articles and answers queries. Readers may be many threads; there is one writer."""

    def rebuild(self, documents: Iterable[SearchDocument], revision: str, context: SearchContext) -> str:
        """Build a new generation beside the old one and return its name; nothing that is being served changes."""

    def update(self, changed: Sequence[SearchDocument], removed: Sequence[str], revision: str, context: SearchContext) -> str:
        """Bring the current generation to `revision` in one atomic commit; returns the generation's name."""

    def open(self, generation: str, revision: str, context: SearchContext) -> None:
        """Serve this generation from now on (called by whoever swaps, and by readers that notice the swap)."""

    def search(self, query: Query) -> Results: ...

    def suggest(self, text: str, locale: str, viewer: Viewer, limit: int = 6) -> Suggestions: ...

    def check(self) -> None:
        """Raise `SearchUnavailable` with the reason when it cannot answer (for /readyz)."""

    def close(self) -> None: ...
