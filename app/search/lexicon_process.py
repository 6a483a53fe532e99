"""Makes the hashes of one language's words from simplemma's dictionary: `python -m app.search.lexicon_process ru` writes them out.

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


def hashes_of(name: str) -> np.ndarray:
    """The hashes of a language's words, ascending: more than a second for the largest languages."""
    from simplemma.strategies.dictionaries import StreamDictionaryFactory

    words = filter(str.isalpha, StreamDictionaryFactory().get_dictionary(name))
    return np.unique(np.fromiter(chain.from_iterable(_hashes(words)), dtype=KIND))


def _hashes(words: Iterator[str]) -> Iterator[Iterable[int]]:
    """Many at once, which is twice as fast. Ё is е, as in every text here."""
    while some := list(islice(words, AT_ONCE)):
        yield map(zlib.crc32, "\n".join(some).lower().replace("ё", "е").encode().split(b"\n"))


if __name__ == "__main__":
    os.nice(PATIENCE)
    sys.stdout.buffer.write(hashes_of(sys.argv[1]).tobytes())
