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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import Any, Literal, NamedTuple

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
    audience TEXT NOT NULL, live_from TEXT NOT NULL, live_until TEXT NOT NULL, title TEXT NOT NULL, lengths BLOB NOT NULL, gone REAL);
CREATE TABLE IF NOT EXISTS text (row INTEGER PRIMARY KEY, sections TEXT NOT NULL, words BLOB NOT NULL, sentences BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS article_key ON article (key);
CREATE INDEX IF NOT EXISTS article_slug ON article (slug);
CREATE INDEX IF NOT EXISTS article_id ON article (article_id);
CREATE INDEX IF NOT EXISTS article_kind ON article (locale, category, audience, live_from, live_until);
CREATE INDEX IF NOT EXISTS article_gone ON article (gone) WHERE gone IS NOT NULL;
"""
"""Texts stand apart, so that reading something of every article does not read them. Opening an index reads `article_kind` and nothing else."""
KINDS_QUERY = "SELECT locale, category, audience, live_from, live_until, group_concat(row) FROM article GROUP BY 1, 2, 3, 4, 5"
"""Thousands of numbers are read faster as one text."""
MOST_ASKED = 500
"""Values in one question; from so many on, reading everything in one pass is quicker."""


class Kind(NamedTuple):
    """What decides who finds an article, and under which filter; most articles share it with many others."""

    locale: str
    category: str
    audience: Audience
    live_from: str
    live_until: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What every hit needs of its article."""

    row: int
    article_id: str
    locale: str
    category: str
    slug: str
    title: str

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
            "INSERT INTO article (key, article_id, locale, category, slug, audience, live_from, live_until, title, lengths)"
            " VALUES (?,?,?,?,?,?,?,?,?,?)",
            (document.key, document.article_id, document.locale, document.category, document.slug, document.audience.value,
             document.live_from, document.live_until, _storable(document.title), np.array(lengths, dtype=LENGTH_TYPE).tobytes()),
        )  # fmt: skip
        row = int(cursor.lastrowid or 0)
        texts = (row, json.dumps(analysed.sections), words.tobytes(), starts.tobytes())
        self._connection.execute("INSERT INTO text (row, sections, words, sentences) VALUES (?,?,?,?)", texts)
        return row

    def retire(self, rows: Iterable[int], now: float) -> None:
        """Mark rows that no longer belong to the newest commit, and drop those that were marked long ago."""
        self._connection.executemany("UPDATE article SET gone = ? WHERE row = ? AND gone IS NULL", [(now, int(r)) for r in rows])
        long_ago = (now - KEPT_SECONDS,)
        self._connection.execute("DELETE FROM text WHERE row IN (SELECT row FROM article WHERE gone < ?)", long_ago)
        self._connection.execute("DELETE FROM article WHERE gone < ?", long_ago)

    def kinds(self, rows: Sequence[int]) -> list[tuple[Kind, np.ndarray]]:
        """The kinds of articles with the rows of each: those of these rows, or all when they are many."""
        if len(rows) <= MOST_ASKED:
            few = self._ask("locale, category, audience, live_from, live_until, row", "row", rows)
            return [(_kind(row[:-1]), np.array(row[-1:], dtype=np.int64)) for row in few]
        with self._lock:
            found = self._connection.execute(KINDS_QUERY).fetchall()
        return [(_kind(row[:-1]), np.fromstring(row[-1], dtype=np.int64, sep=",")) for row in found]

    def article_ids(self, rows: Sequence[int]) -> dict[int, str]:
        """The id of the article of each of these rows that is still there; of all rows when they are many."""
        if len(rows) <= MOST_ASKED:
            return dict(self._ask("row, article_id", "row", rows))
        with self._lock:
            return dict(self._connection.execute("SELECT row, article_id FROM article"))

    def rows_of(self, column: Literal["key", "slug", "article_id"], values: Iterable[str]) -> dict[str, list[int]]:
        """The rows that have one of these values, those of earlier commits too."""
        found: dict[str, list[int]] = {}
        for value, row in self._ask(f"{column}, row", column, list(values)):
            found.setdefault(value, []).append(row)
        return found

    def lengths(self, rows: Sequence[int]) -> np.ndarray:
        """How many terms each field of the index has, for each of these rows: exactly, where the index keeps it coarsely."""
        blobs = [blob for _, blob in self._ask("row, lengths", "row", rows)]
        return np.frombuffer(b"".join(blobs), dtype=LENGTH_TYPE).reshape(len(blobs), -1)

    def entries(self, rows: Sequence[int]) -> dict[int, Entry]:
        """The entries of these rows, those that are still there."""
        found = self._ask("row, article_id, locale, category, slug, title", "row", rows)
        return {entry.row: entry for entry in starmap(Entry, found)}

    def _ask(self, what: str, column: str, values: Sequence[object]) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(values), MOST_ASKED):
            part = values[start : start + MOST_ASKED]
            marks = ",".join("?" * len(part))
            query = f"SELECT {what} FROM article WHERE {column} IN ({marks})"  # noqa: S608  names of ours  # nosec B608
            with self._lock:
                found = self._connection.execute(query, part).fetchall()
            yield from found

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
                query = f"SELECT row, sections, words, sentences FROM text WHERE row IN ({marks})"  # noqa: S608  only question marks  # nosec B608
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


def _kind(columns: tuple[str, ...]) -> Kind:
    locale, category, audience, live_from, live_until = columns
    return Kind(locale, category, Audience(audience), live_from, live_until)


_NO_TEXT = ShelvedText((), np.zeros(0, dtype=WORD_TYPE), [])
"""Stands in for a row that was dropped while an old commit was still being served."""
