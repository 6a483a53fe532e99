"""The words of a language as a file of hashes beside the index: made once from simplemma's dictionary, then only read.

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

import numpy as np

from app.search.lexicon_process import KIND, hashes_of

FOLDER = "words"
_TOP = Path(__file__).parents[2]


@cache
def is_supported(name: str) -> bool:
    """Whether simplemma has a dictionary of the language. (It prepares the rules of all when it is imported, for which no start waits.)"""
    from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES

    return name in SUPPORTED_LANGUAGES


def hash_of(word: str) -> int:
    """The hash of a word in lower case, without points."""
    return zlib.crc32(word.encode())


def read_words(index_folder: Path, name: str) -> np.ndarray | None:
    """The hashes of a language's words, ascending; nothing when the file is absent, damaged or of another dictionary."""
    with suppress(OSError, ValueError):
        words = np.fromfile(_path(index_folder, name), dtype=KIND)  # mapped, a file that is cut later would end the process
        if len(words) > 1 and words[0] == len(words) - 1:
            return words[1:]
    return None


def write_words(index_folder: Path, name: str, words: np.ndarray) -> None:
    """Keep them for every start to come, by one rename. Without a place to write to, every process makes its own."""
    path = _path(index_folder, name)
    draft = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        draft.write_bytes(np.concatenate([[len(words)], words]).astype(KIND).tobytes())
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


def words_of(name: str) -> np.ndarray:
    """The hashes made from the dictionary, by a process of its own."""
    done = subprocess.run(  # noqa: S603  # our own module, and a language that simplemma has
        [sys.executable, "-m", "app.search.lexicon_process", name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_TOP,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
        check=False,
    )
    return np.frombuffer(done.stdout, dtype=KIND) if done.returncode == 0 else hashes_of(name)


def _path(index_folder: Path, name: str) -> Path:
    return index_folder / FOLDER / f"{name}-{_version()}.words"


@cache
def _version() -> str:
    return version("simplemma")
