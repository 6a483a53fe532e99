"""Why an article stands where it stands, in words for people who write articles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from app.search.engine import TermWeight

PLACES = {
    "article": "text",
    "title": "title",
    "keywords": "keywords",
    "pairs": "side by side",
    "exact": "exactly as typed",
    "grams": "by its letters",
    "learned": "learned from past searches",
    "learned_pairs": "learned from past searches, side by side",
}
"""Where a word was found, by the parts of the index."""
ORIGINS = {
    "correction": "taken for a slip",
    "joined": "written together or apart",
    "synonym": "synonym",
    "prefix": "only its beginning was typed",
    "grams": "it looks alike",
}
"""Why a word was searched that was not typed like this."""
MOST_WORDS = 3


def told(term: TermWeight) -> str:
    """One cause: “card” in the title."""
    because = f", {ORIGINS[term.origin]}" if term.origin in ORIGINS else ""
    return f"“{term.word}” {_place(term.field)}{because}"


def told_together(terms: Iterable[TermWeight]) -> str:
    """The words that gave a score most, each with all its places: “card” 12.3 (text, title)."""
    by_word: dict[tuple[str, str], list[TermWeight]] = defaultdict(list)
    for term in terms:
        by_word[term.word, ORIGINS.get(term.origin, "")].append(term)
    groups = sorted(by_word.items(), key=lambda group: -sum(t.score for t in group[1]))[:MOST_WORDS]
    return ", ".join(_told_word(word, because, causes) for (word, because), causes in groups)


def _told_word(word: str, because: str, causes: list[TermWeight]) -> str:
    places = ", ".join(dict.fromkeys(PLACES.get(t.field, t.field) for t in causes))
    return f"“{word}” {sum(t.score for t in causes):.1f} ({f'{because}; ' if because else ''}{places})"


def _place(field: str) -> str:
    place = PLACES.get(field, field)
    return f"in the {place}" if field in {"article", "title", "keywords"} else place
