"""The derived store: what was rendered (by blob), pictures, facts of git's history, and the files of every published revision.

One SQLite file. It may be deleted at any time; the next publish fills it again.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from app.content.articles import Heading, Rendering, Section
from app.content.history import FileFacts, History
from app.content.rendering import VERSION, Rendered
from app.content.states import FileState, dumped, loaded

NAME = "content.sqlite3"
_SCHEMA_VERSION = 1
_KEPT_GENERATIONS = 5
_SCHEMA = """
CREATE TABLE rendering (blob TEXT, locale TEXT, version INTEGER, words INTEGER, reason TEXT, facts TEXT, body BLOB,
                        PRIMARY KEY (blob, locale)) WITHOUT ROWID;
CREATE TABLE media (blob TEXT PRIMARY KEY, data BLOB);
CREATE TABLE generation (number INTEGER PRIMARY KEY, revision TEXT, published_at TEXT, fingerprint TEXT);
CREATE TABLE file (path TEXT, blob TEXT, data TEXT, since INTEGER, until INTEGER);
CREATE INDEX file_since ON file (since);
CREATE INDEX file_until ON file (until);
CREATE INDEX file_path ON file (path);
CREATE TABLE history (path TEXT PRIMARY KEY, origin TEXT, revision TEXT, at TEXT, author TEXT) WITHOUT ROWID;
CREATE TABLE move (old TEXT PRIMARY KEY, new TEXT) WITHOUT ROWID;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Generation:
    """A revision as it was gathered, under the settings named by `fingerprint`."""

    number: int
    revision: str
    published_at: datetime
    fingerprint: str
    """The settings it depends on, as JSON."""

    @property
    def folder(self) -> str:
        return str(json.loads(self.fingerprint)["folder"])

    @property
    def locales(self) -> tuple[str, ...]:
        return tuple(json.loads(self.fingerprint)["locales"])


@dataclass(frozen=True)
class RenderedFacts:
    """What is known of a rendering without its text."""

    words: int
    reason: str
    """Why it had to be shown as plain text; empty if it was rendered."""
    headings: tuple[Heading, ...]
    links: tuple[str, ...]
    images: tuple[str, ...]


def copy_store(data_folder: Path, target: Path) -> None:
    """Put a copy of the store into another folder, so that a rehearsal renders only what was never rendered before."""
    if not (data_folder / NAME).is_file():
        return
    try:
        with closing(sqlite3.connect(data_folder / NAME, timeout=30)) as old, closing(sqlite3.connect(target / NAME)) as new:
            old.backup(new)
    except sqlite3.DatabaseError:
        (target / NAME).unlink(missing_ok=True)  # damaged: derived, so the rehearsal makes its own


class ContentStore:
    """Opened once a process; safe to use from several threads and after a fork."""

    def __init__(self, data_folder: Path) -> None:
        self.path = data_folder / NAME
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._opened_by: tuple[int, int] = (0, 0)

    # Connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            yield self._connected()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All or nothing."""
        with self._lock:
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connected(self) -> sqlite3.Connection:
        """The connection; a new one after a fork, and after someone deleted the file."""
        try:
            mark = (os.getpid(), self.path.stat().st_ino)
        except FileNotFoundError:
            mark = (os.getpid(), 0)
        if self._connection is None or self._opened_by != mark:
            if self._connection is not None and self._opened_by[0] == mark[0]:
                self._connection.close()
            self._connection = self._open()
            self._opened_by = (os.getpid(), self.path.stat().st_ino)
        return self._connection

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for attempt in (1, 2):
            connection = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version == _SCHEMA_VERSION:
                    return connection
                if version == 0:
                    self._create(connection)
                    return connection
            except sqlite3.DatabaseError as error:
                if "locked" in str(error) or attempt == 2:
                    raise
            connection.close()
            self._discard()  # damaged, or of another version of the portal: derived, so it is simply made again
        raise AssertionError("unreachable")

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:  # another process may have been first
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")
        connection.execute("COMMIT")

    def _discard(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None and self._opened_by[0] == os.getpid():
                self._connection.close()
            self._connection = None

    # Renderings

    def known(self, blob: str, locale: str) -> RenderedFacts | None:
        """What is known of a rendering, if this blob was rendered by this version."""
        with self.reading() as db:
            row = db.execute(
                "SELECT words, reason, facts FROM rendering WHERE blob=? AND locale=? AND version=?", (blob, locale, VERSION)
            ).fetchone()
        if not row:
            return None
        facts = json.loads(row[2])
        return RenderedFacts(row[0], row[1], tuple(Heading(*h) for h in facts["headings"]), tuple(facts["links"]), tuple(facts["images"]))

    def keep(self, renderings: Iterable[tuple[str, str, str, Rendered, str]]) -> None:
        """Keep (blob, locale, Markdown, rendering, reason)."""
        rows = [
            (
                blob,
                locale,
                VERSION,
                r.words,
                reason,
                json.dumps(
                    {"headings": [[h.anchor, h.text, h.level] for h in r.headings], "links": r.links, "images": r.images},
                    ensure_ascii=False,
                ),
                zlib.compress(
                    json.dumps({"html": r.html, "sections": [list(asdict(s).values()) for s in r.sections], "markdown": markdown}).encode(),
                    1,
                ),
            )
            for blob, locale, markdown, r, reason in renderings
        ]
        with self.writing() as db:
            db.executemany(
                "INSERT OR REPLACE INTO rendering (blob, locale, version, words, reason, facts, body) VALUES (?,?,?,?,?,?,?)", rows
            )

    def rendering(self, blob: str, locale: str) -> Rendering | None:
        """A rendering with its links still as the writer wrote them."""
        with self.reading() as db:
            row = db.execute("SELECT body, reason, facts FROM rendering WHERE blob=? AND locale=?", (blob, locale)).fetchone()
        if not row:
            return None
        body, facts = json.loads(zlib.decompress(row[0])), json.loads(row[2])
        return Rendering(
            html=body["html"],
            sections=tuple(Section(*s) for s in body["sections"]),
            headings=tuple(Heading(*h) for h in facts["headings"]),
            markdown=body["markdown"],
            plain=bool(row[1]),
        )

    # Pictures

    def keep_media(self, blob: str, data: bytes) -> None:
        with self.writing() as db:
            db.execute("INSERT OR REPLACE INTO media (blob, data) VALUES (?,?)", (blob, data))

    def media(self, blob: str) -> bytes | None:
        with self.reading() as db:
            row = db.execute("SELECT data FROM media WHERE blob=?", (blob,)).fetchone()
        return row[0] if row else None

    # History

    def history(self) -> tuple[History, dict[str, str]]:
        """The facts kept so far, and the marks of the repository they belong to."""
        with self.reading() as db:
            meta = dict(db.execute("SELECT key, value FROM meta"))
            facts = {
                path: FileFacts(origin, revision, datetime.fromisoformat(at), author)
                for path, origin, revision, at, author in db.execute("SELECT path, origin, revision, at, author FROM history")
            }
            moves = dict(db.execute("SELECT old, new FROM move"))
        return History(meta.get("head", ""), facts, moves), meta

    def keep_history(self, history: History, marks: dict[str, str], afresh: bool) -> None:
        with self.writing() as db:
            if afresh:
                db.execute("DELETE FROM history")
                db.execute("DELETE FROM move")
            facts = [(p, f.origin, f.revision, f.at.isoformat(), f.author) for p in history.dirty if (f := history.facts.get(p))]
            db.executemany("DELETE FROM history WHERE path=?", [(p,) for p in history.dirty if p not in history.facts])
            db.executemany("INSERT OR REPLACE INTO history VALUES (?,?,?,?,?)", facts)
            db.executemany("DELETE FROM move WHERE old=?", [(p,) for p in history.dirty if p not in history.moves])
            db.executemany("INSERT OR REPLACE INTO move VALUES (?,?)", [(p, history.moves[p]) for p in history.dirty if p in history.moves])
            db.executemany("INSERT OR REPLACE INTO meta VALUES (?,?)", [*marks.items(), ("head", history.head)])
        history.dirty.clear()

    # Published revisions

    def generation(self, revision: str) -> Generation | None:
        """The latest complete gathering of a revision."""
        with self.reading() as db:
            row = db.execute(
                "SELECT number, revision, published_at, fingerprint FROM generation WHERE revision=? ORDER BY number DESC", (revision,)
            ).fetchone()
        return Generation(row[0], row[1], datetime.fromisoformat(row[2]), row[3]) if row else None

    def files(self, number: int) -> dict[str, FileState]:
        """Every file of a generation."""
        with self.reading() as db:
            rows = db.execute("SELECT path, blob, data FROM file WHERE since<=? AND (until IS NULL OR until>?)", (number, number))
            # Row by row: all of them at once would leave a hole of their size in the memory of every process that reads.
            return {path: loaded(path, blob, data) for path, blob, data in rows}

    def changes(self, older: int, newer: int) -> tuple[dict[str, FileState], set[str]] | None:
        """What to put and what to drop to come from one generation to a later one; None when the older is no longer kept."""
        with self.reading() as db:
            if older > newer or not db.execute("SELECT 1 FROM generation WHERE number=?", (older,)).fetchone():
                return None
            put = db.execute(
                "SELECT path, blob, data FROM file WHERE since>? AND since<=? AND (until IS NULL OR until>?)", (older, newer, newer)
            ).fetchall()
            dropped = {row[0] for row in db.execute("SELECT path FROM file WHERE since<=? AND until>? AND until<=?", (older, older, newer))}
        states = {path: loaded(path, blob, data) for path, blob, data in put}
        return states, dropped - set(states)

    def keep_generation(
        self, served: int | None, revision: str, now: datetime, fingerprint: str, put: Iterable[FileState], drop: Iterable[str]
    ) -> Generation:
        """Add a generation on top of the served one. What an interrupted publish left above it is removed in the same transaction."""
        put = list(put)
        with self.writing() as db:
            last = db.execute("SELECT max(number) FROM generation").fetchone()[0] or 0
            # Never a number that was given before, even if the file was deleted in between: readers remember theirs.
            number = max(last + 1, int(now.timestamp()))
            if served is None:
                db.execute("DELETE FROM file")
                db.execute("DELETE FROM generation")
            else:
                db.execute("DELETE FROM file WHERE since>?", (served,))
                db.execute("UPDATE file SET until=NULL WHERE until>?", (served,))
                db.execute("DELETE FROM generation WHERE number>?", (served,))
                ended = [(number, path) for path in [*(s.path for s in put), *drop]]
                db.executemany("UPDATE file SET until=? WHERE path=? AND until IS NULL", ended)
            db.executemany("INSERT INTO file VALUES (?,?,?,?,NULL)", [(s.path, s.blob, dumped(s), number) for s in put])
            db.execute("INSERT INTO generation VALUES (?,?,?,?)", (number, revision, now.isoformat(), fingerprint))
            self._forget_old(db)
        return Generation(number, revision, now, fingerprint)

    def _forget_old(self, db: sqlite3.Connection) -> None:
        kept = [row[0] for row in db.execute("SELECT number FROM generation ORDER BY number DESC LIMIT ?", (_KEPT_GENERATIONS,))]
        db.execute("DELETE FROM file WHERE until<=?", (kept[-1],))
        db.execute("DELETE FROM generation WHERE number<?", (kept[-1],))

    def forget_renderings(self, used: Iterable[tuple[str, str]]) -> None:
        """Drop the renderings and pictures that none of the kept revisions needs, once they are the greater part."""
        with self.reading() as db:
            kept = db.execute("SELECT count(*) FROM rendering").fetchone()[0]
        wanted = set(used)
        if kept < 2 * len(wanted) + 500:
            return
        with self.writing() as db:
            db.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (blob TEXT, locale TEXT, PRIMARY KEY (blob, locale))")
            db.execute("DELETE FROM wanted")
            db.executemany("INSERT INTO wanted VALUES (?,?)", wanted)
            db.execute("DELETE FROM rendering WHERE (blob, locale) NOT IN (SELECT blob, locale FROM wanted)")
