"""Which words are right in a language, whether or not an article has them.

Only for keeping quiet: a word that people know is not told as a slip because it looks like a word of an article (staking, staying).
Corrections themselves come from the articles alone. The words are simplemma's dictionaries, which know the forms of each.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from itertools import product
from typing import TYPE_CHECKING

from app.locales import language
from app.search.hebrew import is_hebrew

if TYPE_CHECKING:  # it prepares the rules of every language when it is imported, for which no start waits
    from simplemma.strategies import DictionaryLookupStrategy

SHORTEST_REST = 3
"""Letters that must be left of a Hebrew word without what is glued before it."""
REMEMBERED = 16_384
READ_AFTER = 1.0
"""Seconds after opening an index: the first searches of a new process come first."""

_GLUED = frozenset(
    "".join(parts) for parts in product(("", "ו"), ("", "ש", "כש", "לכש", "מש"), ("", "ב", "כ", "ל", "מ", "ה", "מה")) if any(parts)
)
"""What Hebrew glues before a word, always in this order: and; that, when; in, as, to, from, the. Any letters of these in any order would
make half of all slips words (הכטיס: ה, כ, טיס)."""
_MOST_GLUED = max(map(len, _GLUED))
_RUSSIAN_ADJECTIVE = re.compile("(?<=...)(?:[аяую][юя]|[оыеи][ей]|[оеи]го|[ыи]ми|[оеи]му|[ыи][мх])$")

_loading = threading.Lock()
_loaded: set[str] = set()


def has_lexicon(name: str) -> bool:
    """Whether anything is known about the words of a language."""
    return name in _languages()


@cache
def _languages() -> frozenset[str]:
    from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES

    return frozenset(SUPPORTED_LANGUAGES)


@cache
def _words() -> DictionaryLookupStrategy:
    """10 to 20 MB for each language that is asked about; it stays, because reading it takes up to half a second."""
    from simplemma.strategies import DictionaryLookupStrategy
    from simplemma.strategies.dictionaries import StreamDictionaryFactory

    return DictionaryLookupStrategy(StreamDictionaryFactory(cache_max_size=len(_languages())))


def is_right(word: str, name: str) -> bool:
    """Whether a word in lower case is one of the language, or an English one, which people use in any."""
    if not word.isalpha():
        return False
    if is_hebrew(word):
        return any(_has(form, "he") for form in _without_glued(word))
    return (word.isascii() and _has(word, "en")) or (has_lexicon(name) and any(_has(form, name) for form in _as_listed(word, name)))


def prepare_beside(locales: Iterable[str]) -> None:
    """Read the dictionaries of these locales soon, in a thread of their own: a large one takes half a second, and hardly a search should
    have to wait for it."""
    missing = sorted({"en", *(language(locale) for locale in locales)} - _loaded)
    if missing:
        timer = threading.Timer(READ_AFTER, lambda: [_has("a", n) for n in missing if has_lexicon(n)])
        timer.daemon = True
        timer.start()


@lru_cache(maxsize=REMEMBERED)
def _has(word: str, name: str) -> bool:
    if name not in _loaded:
        with _loading:  # read once, by whoever comes first
            _words().get_lemma(word, name)
            _loaded.add(name)
    return _words().get_lemma(word, name) is not None


def _without_glued(word: str) -> Iterator[str]:
    """The word, and what is left of it without the letters that may be glued before it in this order."""
    yield word
    for count in range(1, min(_MOST_GLUED, len(word) - SHORTEST_REST) + 1):
        if word[:count] in _GLUED:
            yield word[count:]


def _as_listed(word: str, name: str) -> Iterator[str]:
    """The word, and a Russian adjective or participle as the form that stands for all of them: the dictionary has few others."""
    yield word
    if name == "ru" and (ending := _RUSSIAN_ADJECTIVE.search(word)):
        for nominative in ("ый", "ий"):
            yield word[: ending.start()] + nominative
