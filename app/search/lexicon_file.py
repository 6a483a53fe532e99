"""The words of a language as a file of hashes beside the index: made once from dictionaries, then only read.

Reading a dictionary takes up to a second and 20 MB in every process, and the first slip after a start waited for it. Its hashes are read in a
few milliseconds. Of 1.3 million words (Russian), one word in 3,000 that is none has the hash of one.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np

from app.search.lexicon_process import KIND, content_of

FOLDER = "words"
NO_WORDS = np.empty(0, dtype=KIND)
_TOP = Path(__file__).parents[2]


class Words(NamedTuple):
    """The hashes of a language's words, ascending."""

    right: np.ndarray
    common: np.ndarray
    """Those that people say every day; none where nobody has counted them."""


@cache
def is_supported(name: str) -> bool:
    """Whether simplemma has a dictionary of the language. (It prepares the rules of all when it is imported, for which no start waits.)"""
    from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES

    return name in SUPPORTED_LANGUAGES


def hash_of(word: str) -> int:
    """The hash of a word in lower case, without points."""
    return zlib.crc32(word.encode())


def read_words(index_folder: Path, name: str) -> Words | None:
    """The words of a language; nothing when the file is absent, damaged or of other dictionaries."""
    with suppress(OSError, ValueError):
        return _unpacked(np.fromfile(_path(index_folder, name), dtype=KIND))  # mapped, a file that is cut later would end the process
    return None


def write_words(index_folder: Path, name: str, words: Words) -> None:
    """Keep them for every start to come, by one rename. Without a place to write to, every process makes its own."""
    path = _path(index_folder, name)
    draft = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        draft.write_bytes(np.concatenate([[len(words.right), len(words.common)], *words]).astype(KIND).tobytes())
        draft.replace(path)
        for other in path.parent.glob(f"{name}-*.words"):
            if other != path:  # of another version
                other.unlink(missing_ok=True)


def share_words(index_folder: Path, other: Path) -> None:
    """Let an index of a short life use the words beside another one: none are made for it, and none are written where it is removed."""
    other.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        (index_folder / FOLDER).mkdir(parents=True, exist_ok=True, mode=0o700)
    (other / FOLDER).symlink_to((index_folder / FOLDER).resolve())


@contextmanager
def one_process_at_a_time(index_folder: Path) -> Iterator[None]:
    """All processes of a first start would make the same words at once; so the first does, and the others find them."""
    try:
        (index_folder / FOLDER).mkdir(parents=True, exist_ok=True, mode=0o700)
        file = (index_folder / FOLDER / "lock").open("w")
    except OSError:  # nothing can be kept here, so each makes its own
        yield
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def words_of(name: str) -> Words:
    """The hashes made from the dictionaries, by a process of its own."""
    done = subprocess.run(  # noqa: S603  # our own module, and a language that simplemma has
        [sys.executable, "-m", "app.search.lexicon_process", name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_TOP,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
        check=False,
    )
    made = _unpacked(np.frombuffer(done.stdout, dtype=KIND)) if done.returncode == 0 else None
    return made or _unpacked(content_of(name)) or Words(NO_WORDS, NO_WORDS)


def _unpacked(content: np.ndarray) -> Words | None:
    if len(content) < 3 or int(content[0]) + int(content[1]) != len(content) - 2:
        return None
    right, common = np.split(content[2:], [int(content[0])])
    return Words(right, common)


def _path(index_folder: Path, name: str) -> Path:
    return index_folder / FOLDER / f"{name}-{_version()}.words"


@cache
def _version() -> str:
    return f"{version('simplemma')}-{version('pyspellchecker')}"
