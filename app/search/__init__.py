"""Searching the articles: what a query and its results are, and the engine behind them.

This room knows articles (through the content room's front door) and nothing of people, tickets or pages. It never decides who may
see what: it asks `content.can_see`'s audience rule through the viewer it is given, and callers check every hit again.
"""

from app.search.causes import told
from app.search.documents import search_context, search_document, search_documents
from app.search.engine import (
    Explanation,
    Hit,
    LearnedPhrase,
    Passage,
    Query,
    Results,
    SearchContext,
    SearchDocument,
    SearchEngine,
    SearchUnavailable,
    Suggestion,
    Suggestions,
    TermWeight,
)
from app.search.learned_file import read_learned, write_learned
from app.search.lexicon_file import share_words
from app.search.synonyms import idle_synonyms
from app.search.trials import LOOKED_AT, PastSearch, ReplayedSearch, TrialResult, replay, run_tests, tests_of
from app.search.whoosh_engine import WhooshEngine, open_engine

__all__ = [
    "LOOKED_AT",
    "Explanation",
    "Hit",
    "LearnedPhrase",
    "Passage",
    "PastSearch",
    "Query",
    "ReplayedSearch",
    "Results",
    "SearchContext",
    "SearchDocument",
    "SearchEngine",
    "SearchUnavailable",
    "Suggestion",
    "Suggestions",
    "TermWeight",
    "TrialResult",
    "WhooshEngine",
    "idle_synonyms",
    "open_engine",
    "read_learned",
    "replay",
    "run_tests",
    "search_context",
    "search_document",
    "search_documents",
    "share_words",
    "tests_of",
    "told",
    "write_learned",
]
