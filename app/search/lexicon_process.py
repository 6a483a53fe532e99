"""Makes the hashes of one language's words: `python -m app.search.lexicon_process ru` writes them out, as they stand in their file.

Right words are those of simplemma's dictionary, common ones those that films say most (pyspellchecker's counts, for a dozen languages).
A process of its own, because a large dictionary takes 90 MB while it is read, which a web process would keep ever after.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain, islice

import numpy as np

KIND = np.dtype("<u4")
AT_ONCE = 20_000
PATIENCE = 10
"""How much readers come first (as `nice` counts)."""
COMMON = 30_000
"""A common word is one of so many that are said, or more: 1,600 words in English."""


def content_of(name: str) -> np.ndarray:
    """How many words are right and how many common, then the hashes of the ones and of the others, ascending: more than a second for the
    largest languages."""
    right, common = (np.unique(np.fromiter(chain.from_iterable(_hashes(words)), dtype=KIND)) for words in (_right(name), _common(name)))
    return np.concatenate([[len(right), len(common)], right, common]).astype(KIND)


def _right(name: str) -> Iterator[str]:
    from simplemma.strategies.dictionaries import StreamDictionaryFactory

    return filter(str.isalpha, StreamDictionaryFactory().get_dictionary(name))


def _common(name: str) -> Iterator[str]:
    from spellchecker import SpellChecker

    if name not in SpellChecker.languages():
        return iter(())
    counted = SpellChecker(language=name).word_frequency
    return (word for word, count in counted.dictionary.items() if count * COMMON >= counted.total_words and word.isalpha())


def _hashes(words: Iterator[str]) -> Iterator[Iterable[int]]:
    """Many at once, which is twice as fast. Ё is е, as in every text here."""
    while some := list(islice(words, AT_ONCE)):
        yield map(zlib.crc32, "\n".join(some).lower().replace("ё", "е").encode().split(b"\n"))


if __name__ == "__main__":
    os.nice(PATIENCE)
    sys.stdout.buffer.write(content_of(sys.argv[1]).tobytes())
