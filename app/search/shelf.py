"""What is shown of articles, beside the index: one SQLite file a generation with titles, sections and where every word stands.

The index itself stores only a row number. Rows never change: a changed article gets a new row, written before the index's commit; the old
row stays for a while for readers that still serve the commit before. So the two files never disagree.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.content import Audience
from app.search.analysis import Analyzer, Word
from app.search.engine import SearchDocument
from app.search.sentences import sentence_starts

FILE_NAME = "articles.sqlite3"
TEXTS_KEPT = 1000
"""About 10 kB each; one that is not kept is read in a tenth of a millisecond."""
KEPT_SECONDS = 3600.0
"""How long the rows of replaced articles stay for readers of an earlier commit; these notice a new one within seconds."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS article (
    row INTEGER PRIMARY KEY, key TEXT NOT NULL, article_id TEXT NOT NULL, locale TEXT NOT NULL, category TEXT NOT NULL, slug TEXT NOT NULL,
    audience TEXT NOT NULL, live_from TEXT NOT NULL, live_until TEXT NOT NULL, title TEXT NOT NULL,
    sections TEXT NOT NULL, words BLOB NOT NULL, sentences BLOB NOT NULL, lengths BLOB NOT NULL, gone REAL);
CREATE INDEX IF NOT EXISTS article_key ON article (key);
CREATE INDEX IF NOT EXISTS article_gone ON article (gone) WHERE gone IS NOT NULL;
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What every hit needs, in memory for every article."""

    row: int
    key: str
    article_id: str
    locale: str
    category: str
    slug: str
    audience: Audience
    live_from: str
    live_until: str
    title: str
    lengths: bytes
    """How many terms each field of the index has (`LENGTH_TYPE`): exactly, where the index keeps it coarsely."""

    @property
    def url(self) -> str:
        return f"/{self.locale}/articles/{self.slug}"


WORD_TYPE = np.dtype([("term", "<u4"), ("start", "<u4"), ("end", "<u4"), ("section", "<u2"), ("sentence", "<u2")])
"""One word of an article's text: the hash of its stem, where it stands in its section, and the number of its sentence in the article."""
LENGTH_TYPE = np.dtype("<u4")
HEADING = 65535
"""The sentence number of words that stand in a section's heading."""
TITLE = 65535
"""The section number of the words of the article's title."""


@dataclass(frozen=True, slots=True)
class ShelvedText:
    """An article's sections and words, for passages and snippets."""

    sections: tuple[tuple[str, str, str], ...]
    words: np.ndarray
    starts: list[int]
    """Where each sentence begins in its section."""


def _storable(text: str) -> str:
    """The text without half characters, which no file can hold."""
    return text.encode("utf-8", "replace").decode()


def term_hash(stem: str) -> int:
    return zlib.crc32(stem.encode("utf-8", "replace"))


def shelved(analysed: Analysed) -> tuple[np.ndarray, np.ndarray]:
    """(all words: the title's, then each section's heading and text; where the sentences begin)."""
    rows = [(term_hash(w.stem), w.start, w.end, TITLE, HEADING) for w in analysed.title if not w.joined]
    all_starts: list[int] = []
    for number, ((_, _, text), words, heading) in enumerate(zip(analysed.sections, analysed.words, analysed.headings, strict=True)):
        section = min(number, TITLE - 1)
        rows += [(term_hash(w.stem), w.start, w.end, section, HEADING) for w in heading if not w.joined]
        starts = sentence_starts(text)
        at = 0
        for word in words:
            if word.joined:
                continue
            while at + 1 < len(starts) and starts[at + 1] <= word.start:
                at += 1
            rows.append((term_hash(word.stem), word.start, word.end, section, min(len(all_starts) + at, HEADING - 1)))
        all_starts += starts
    return np.array(rows, dtype=WORD_TYPE), np.array(all_starts, dtype="<u4")


@dataclass(frozen=True)
class Analysed:
    """An article's texts and their words; the first section is its summary, which readers see as the short answer."""

    title: list[Word]
    sections: tuple[tuple[str, str, str], ...]
    words: list[list[Word]]
    headings: list[list[Word]]

    @classmethod
    def of(cls, document: SearchDocument, analyzer: Analyzer) -> Analysed:
        sections = (("", "", document.summary), *document.sections)
        return cls(
            analyzer.words(document.title),
            sections,
            [analyzer.words(t) for _, _, t in sections],
            [analyzer.words(h) for _, h, _ in sections],
        )


class Shelf:
    """The file, for one writer or many reading threads."""

    def __init__(self, path: Path, writing: bool = False) -> None:
        self.path = path
        self._lock = threading.Lock()
        if not writing and not path.is_file():
            raise FileNotFoundError(path)
        self._connection = sqlite3.connect(path, check_same_thread=False, timeout=10, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = OFF")  # derived data, like the index: a power failure costs a reindex at most
        if writing:
            self._connection.executescript(_SCHEMA)
        self._cached: OrderedDict[int, ShelvedText] = OrderedDict()

    def begin(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def add(self, document: SearchDocument, analysed: Analysed, lengths: list[int]) -> int:
        """Shelve one article with how many terms each of its fields has; returns its row."""
        words, starts = shelved(analysed)
        cursor = self._connection.execute(
            "INSERT INTO article (key, article_id, locale, category, slug, audience, live_from, live_until, title, sections, words, sentences,"
            " lengths) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (document.key, document.article_id, document.locale, document.category, document.slug, document.audience.value,
             document.live_from, document.live_until, _storable(document.title), json.dumps(analysed.sections), words.tobytes(),
             starts.tobytes(), np.array(lengths, dtype=LENGTH_TYPE).tobytes()),
        )  # fmt: skip
        return int(cursor.lastrowid or 0)

    def retire(self, rows: Iterable[int], now: float) -> None:
        """Mark rows that no longer belong to the newest commit, and drop those that were marked long ago."""
        self._connection.executemany("UPDATE article SET gone = ? WHERE row = ? AND gone IS NULL", [(now, int(r)) for r in rows])
        self._connection.execute("DELETE FROM article WHERE gone < ?", (now - KEPT_SECONDS,))

    def entries(self, rows: Sequence[int]) -> dict[int, Entry]:
        """The entries of these rows; many at once are read in one pass."""
        query = "SELECT row, key, article_id, locale, category, slug, audience, live_from, live_until, title, lengths FROM article"
        wanted = {int(r) for r in rows}
        found: dict[int, Entry] = {}
        with self._lock:
            if len(wanted) > 500:
                cursor = self._connection.execute(query)
            else:
                marks = ",".join("?" * len(wanted))
                cursor = self._connection.execute(f"{query} WHERE row IN ({marks})", sorted(wanted))
            for row, key, article_id, locale, category, slug, audience, live_from, live_until, title, lengths in cursor:
                if row in wanted:
                    found[row] = Entry(
                        row, key, article_id, locale, category, slug, Audience(audience), live_from, live_until, title, lengths
                    )
        return found

    def text(self, row: int) -> ShelvedText:
        """The text of a row; the ones asked for last are kept (about 8 kB each)."""
        found = self._cached.get(row)
        if found is None:
            self.fetch([row])
            found = self._cached.get(row)
        return found or _NO_TEXT

    def fetch(self, rows: Sequence[int]) -> None:
        """Read the texts of several rows at once, those that are not kept already."""
        with self._lock:
            missing = [r for r in rows if r not in self._cached]
            if missing:
                marks = ",".join("?" * len(missing))
                query = f"SELECT row, sections, words, sentences FROM article WHERE row IN ({marks})"  # noqa: S608  only question marks  # nosec B608
                for row, sections, words, starts in self._connection.execute(query, missing):
                    self._cached[row] = ShelvedText(
                        tuple((a, h, t) for a, h, t in json.loads(sections)),
                        np.frombuffer(words, dtype=WORD_TYPE),
                        np.frombuffer(starts, dtype="<u4").tolist(),
                    )
            for row in rows:
                if row in self._cached:
                    self._cached.move_to_end(row)
            while len(self._cached) > TEXTS_KEPT:
                self._cached.popitem(last=False)

    def close(self) -> None:
        with self._lock:
            self._connection.close()


_NO_TEXT = ShelvedText((), np.zeros(0, dtype=WORD_TYPE), [])
"""Stands in for a row that was dropped while an old commit was still being served."""
