"""How likely a word is a slip of another one, and whether that is likely enough to be told.

What speaks for the other word (`likelihood`) is weighed against what speaks for the word as it was typed (`doubt`). Both are sums of natural
logarithms. The weights were fitted to slips and to queries without any in the tuning halves of `benchmarks/relevance.py`, then rounded:
none needs its second digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import NamedTuple

from app.search.analysis import fold
from app.search.hebrew import is_hebrew
from app.search.layouts import are_beside
from app.search.spelling import is_one_edit


@dataclass(frozen=True, slots=True)
class Correction:
    """A word the articles have, how many articles have it, and how likely it is what was meant."""

    word: str
    articles: int
    likelihood: float
    sure: bool = True
    """Worth telling the reader. Otherwise it may as well be a word of its own, or another form: searched, not shown."""


class Typed(NamedTuple):
    """What speaks for a word as it was typed."""

    right: bool
    """A word of the language."""
    common: bool
    """One that people say every day."""
    abbreviation: bool
    """In capitals among other words."""
    in_articles: bool
    has_known_stem: bool
    has_known_parts: bool
    """Two words run together, or a compound that no article happens to use."""


class Likeness(NamedTuple):
    """How another word stands to the one that was typed."""

    other_form: bool
    """The same word by its stem, differing only after it."""
    is_right: bool
    """A word of the language itself."""
    only_the_ending: bool
    two_edits: bool


NEIGHBOURS = 5
"""Keys around one on a keyboard, about."""
ALPHABET = 26
"""Letters that a wrong or additional one may be, about."""
NEIGHBOUR = 2.0
"""What speaks for a word for each of its neighbours in the query beside which some article has it, in any form, stop words left out."""
EXACT_NEIGHBOUR = 1.5
"""The same for each beside which an article has it exactly as typed, stop words and all: what tells `in the file` from `in the files`."""
MISFIT = 1.5
"""What speaks against it besides when it stands beside none of them and the typed word is right in the language."""
MOST_UNKNOWN = 3


def likelihood(typed: str, meant: str, articles: int, named: int) -> float:
    """How likely `meant` is behind `typed` by itself: how many articles have it, how many in their title or keywords, and the slip."""
    return 0.25 * log(articles + 1) + 0.5 * log(named + 1) - _rareness(fold(typed), fold(meant), is_one_edit(typed, meant))


def company(together: int, others: int) -> float:
    """What speaks for a word when one article has it with so many of the query's other known words: in a long query, chance puts a few
    together."""
    return 0.5 * together + 1.5 * together / others if others else 0.0


def doubt(typed: str, facts: Typed, meant: str, like: Likeness) -> float:
    """How likely another word must be for telling it.

    What people know as a word is hardly ever a slip, least of all what they say every day: then the slip must be a common one. Neither is a
    form of a word, but less so when the dictionary has the other form and not this one. In Hebrew a letter more or less mostly makes another
    word of the language: there, none is taken for a slip.
    """
    points = -8.5
    if facts.right:
        points += 8.5 + 9.0 * is_hebrew(typed) + 0.75 * log(_possibilities(fold(typed), fold(meant))) + 2.0 * facts.common
    if like.other_form:
        points += 2.0 if like.is_right else 5.0
    points += 7.0 * facts.abbreviation + 2.0 * facts.in_articles + 2.0 * facts.has_known_stem + 5.0 * facts.has_known_parts
    return points + 1.5 * like.only_the_ending + 7.5 * like.two_edits


def doubt_around(unknown: int, known: int, known_elsewhere: bool) -> float:
    """The same for words of the query that no article has: the more, the more it is about something else, and so may this word be. And for
    a word that another language's articles have: it may have been meant in that language. Of several words that are all unknown, hardly any
    is a slip: they are of a language that nobody here writes."""
    return 3.0 * (unknown > 1 and not known) + 2.0 * min(unknown, MOST_UNKNOWN) + 8.0 * known_elsewhere


def _rareness(typed: str, meant: str, same_marks: bool) -> float:
    """How rarely one is typed for the other.

    Letters are left out, added, mistaken and swapped about equally often. But which one is left out or swapped is one of few
    possibilities, a wrong or additional letter one of the alphabet, or of the keys beside. The first letter is more rarely wrong. A slip in
    a word without its marks is two slips.
    """
    return log(_possibilities(typed, meant)) + 0.5 * (typed[:1] != meant[:1]) + 2.0 * (not same_marks and is_one_edit(typed, meant))


def _possibilities(typed: str, meant: str) -> int:
    """Among how many letters the one slip chose; two slips are all alike."""
    if is_swap_or_double(typed, meant) or len(typed) < len(meant):
        return 1
    at = next((i for i, (a, b) in enumerate(zip(typed, meant, strict=False)) if a != b), len(meant))
    if at == len(typed):
        return 1
    around = meant[at : at + 1] if len(typed) == len(meant) else meant[max(0, at - 1) : at + 1]
    return NEIGHBOURS if any(are_beside(typed[at], letter) for letter in around) else ALPHABET


def is_swap_or_double(typed: str, meant: str) -> bool:
    """The commonest slips: neighbours swapped, a letter doubled or one of a double left out."""
    if len(typed) == len(meant):
        return sorted(typed) == sorted(meant)
    return _without_doubles(typed) == _without_doubles(meant)


def _without_doubles(word: str) -> str:
    return "".join(c for i, c in enumerate(word) if i == 0 or c != word[i - 1])
