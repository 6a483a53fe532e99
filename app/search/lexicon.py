"""Which words are right in a language, whether or not an article has them.

Only for keeping quiet: a word that people know is not told as a slip because it looks like a word of an article (staking, staying).
Corrections themselves come from the articles alone. The words are those of simplemma's dictionaries, which have the forms of each; which of
them people say every day, pyspellchecker's lists know.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from pathlib import Path

import numpy as np

from app.locales import language
from app.search.hebrew import is_hebrew
from app.search.lexicon_file import Words, hash_of, is_supported, one_process_at_a_time, read_words, words_of, write_words

SHORTEST_REST = 3
"""Letters that must be left of a Hebrew word without what is glued before it; without a single letter two are enough (וכל)."""
MADE_AFTER = 1.0
"""Seconds after opening an index whose words have not been made: the first searches of a new process come first."""

_GLUED = frozenset(
    "".join(parts) for parts in product(("", "ו"), ("", "ש", "כש", "לכש", "מש"), ("", "ב", "כ", "ל", "מ", "ה", "מה")) if any(parts)
)
"""What Hebrew glues before a word, always in this order: and; that, when; in, as, to, from, the. Any letters of these in any order would
make half of all slips words (הכטיס: ה, כ, טיס)."""
_MOST_GLUED = max(map(len, _GLUED))
_RUSSIAN_ADJECTIVE = re.compile("(?<=...)(?:[аяую][юя]|[оыеи][ей]|[оеи]го|[ыи]ми|[оеи]му|[ыи][мх])$")

_making = threading.Lock()
_words: dict[str, Words] = {}
"""The words of every language that was asked about, the same wherever they were read from."""
_coming: set[str] = set()
"""Languages whose words are being made while nobody waits for them: until then, nothing is known of their words."""
_NONE = Words(np.zeros(0, dtype=np.uint32), np.zeros(0, dtype=np.uint32))


def has_lexicon(name: str) -> bool:
    """Whether anything is known about the words of a language."""
    return name in _words or (name not in _coming and is_supported(name))


def is_right(word: str, name: str) -> bool:
    """Whether a word in lower case is one of the language, or an English one, which people use in any."""
    if not word.isalpha():
        return False
    if is_hebrew(word):
        return any(_has(form, "he") for form in _without_glued(word))
    return (word.isascii() and _has(word, "en")) or (has_lexicon(name) and any(_has(form, name) for form in _as_listed(word, name)))


def is_counted(name: str) -> bool:
    """Whether anybody has counted which words of the language are common."""
    return has_lexicon(name) and len(_words_of(name).common) > 0


def is_common(word: str, name: str) -> bool:
    """Whether people who speak the language say a word in lower case every day."""
    return word.isalpha() and has_lexicon(name) and _is_among(word, _words_of(name).common)


def make_words(index_folder: Path, locales: Iterable[str]) -> None:
    """Put the words of these locales beside the index, where they are missing."""
    for name in filter(is_supported, _languages(locales)):
        with _making, one_process_at_a_time(index_folder):
            words = read_words(index_folder, name)
            if words is None:
                words = _words[name] if name in _words else words_of(name)
                write_words(index_folder, name, words)
            _words.setdefault(name, words)


def prepare_words(index_folder: Path, locales: Iterable[str], when_made: Callable[[], None] | None = None) -> None:
    """Have the words of these locales ready for the first slip. What is missing is made soon, in a thread of its own.

    Whoever meets a slip before waits for them. With `when_made` nobody does: until it is called, the language is one without a dictionary.
    """
    missing = []
    for name in _languages(locales):
        if name not in _words:
            words = read_words(index_folder, name)
            if words is None:
                missing.append(name)
            else:
                _words[name] = words
    if missing:
        if when_made:
            _coming.update(missing)
        timer = threading.Timer(MADE_AFTER, _make_missing, (index_folder, missing, when_made))
        timer.daemon = True
        timer.start()


def _make_missing(index_folder: Path, missing: list[str], when_made: Callable[[], None] | None) -> None:
    for name in missing:
        try:
            make_words(index_folder, [name])
        finally:
            _coming.discard(name)
        if when_made:
            when_made()


def _languages(locales: Iterable[str]) -> list[str]:
    return sorted({"en", *(language(locale) for locale in locales)})


def _has(word: str, name: str) -> bool:
    return _is_among(word, _words_of(name).right)


def _words_of(name: str) -> Words:
    words = _words.get(name)
    if words is None and name in _coming:
        return _NONE
    if words is None:
        with _making:  # once, by whoever comes first
            if name not in _words:
                _words[name] = words_of(name)
            words = _words[name]
    return words


def _is_among(word: str, hashes: np.ndarray) -> bool:
    wanted = hash_of(word)
    at = int(hashes.searchsorted(np.uint32(wanted)))
    return at < len(hashes) and int(hashes[at]) == wanted


def _without_glued(word: str) -> Iterator[str]:
    """The word, and what is left of it without the letters that may be glued before it in this order."""
    yield word
    for count in range(1, min(_MOST_GLUED, len(word) - SHORTEST_REST + 1) + 1):
        if word[:count] in _GLUED and (count == 1 or len(word) - count >= SHORTEST_REST):
            yield word[count:]


def _as_listed(word: str, name: str) -> Iterator[str]:
    """The word, and a Russian adjective or participle as the form that stands for all of them: the dictionary has few others."""
    yield word
    if name == "ru" and (ending := _RUSSIAN_ADJECTIVE.search(word)):
        for nominative in ("ый", "ий"):
            yield word[: ending.start()] + nominative
