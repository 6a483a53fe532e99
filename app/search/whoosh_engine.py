"""The engine on Whoosh: writing generations, reading their segments as arrays. The only file that imports whoosh.

Whoosh keeps the inverted index (terms, postings, positions, field lengths, deletions, atomic commits); scoring reads it through
`postings.Segment`. Three rules come from how Whoosh works:

- An index file is unpickled, so it is code: the folder is private, and it is always opened with our own schema.
- Segments are written as separate files: a compound one is copied into memory whole whenever a reader opens it.
- One writer at a time; it deletes documents by the numbers we already know, because its own search for them would open every segment.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
from whoosh import columns, fields, index
from whoosh.analysis import SpaceSeparatedTokenizer
from whoosh.codec.whoosh3 import W3Codec, W3LeafMatcher
from whoosh.filedb.filestore import FileStorage
from whoosh.matching import FilterMatcher
from whoosh.reading import SegmentReader, TermNotFound
from whoosh.util.numeric import byte_to_length

from app.content import Viewer
from app.search.analysis import analyzer_for
from app.search.answers import answer
from app.search.engine import Query, Results, SearchContext, SearchDocument, SearchUnavailable, Suggestions
from app.search.fields import FIELD_SPECS, GAP, field_name, terms_of
from app.search.lexicon import prepare_words
from app.search.postings import DECODED_BYTES, NOTHING, BoundedCache, Segment
from app.search.served import Numbering, Numberings, Origin, SegmentEntries, Served
from app.search.shelf import FILE_NAME, Analysed, Shelf
from app.search.suggestions import suggest

FORMAT = 5
"""Raised when the index must be rebuilt because what we write into it has changed."""
ROW = "row"
MOST_SEGMENTS = 12
MERGED_AT_ONCE = 40
"""Documents that one commit may merge (about 8 ms each), so that a commit of one article stays quick however large the base is."""
FAR_TOO_MANY_SEGMENTS, MERGED_AT_LAST = 48, 400
"""What hundreds of commits of different articles leave: then one commit may take longer."""
MEMORY_MB = 256
WRITER_SECONDS = 10.0
"""How long a publish waits for another one that is writing."""

_LENGTHS = np.array([byte_to_length(b) for b in range(256)], dtype=np.float64)

_log = logging.getLogger(__name__)


def schema_for(locales: Iterable[str]) -> fields.Schema:
    """Our schema: the row number, and every part of every locale. Terms come finished, so no field needs a real analyser."""
    schema = fields.Schema(**{ROW: fields.COLUMN(columns.NumericColumn("I"))})
    for locale in sorted(set(locales)):
        for spec in FIELD_SPECS:
            analyzer: Any = SpaceSeparatedTokenizer()
            schema.add(field_name(spec.part, locale), fields.TEXT(analyzer=analyzer, phrase=spec.positions, stored=False))
    return schema


class WhooshSegment(Segment):
    """A segment's files, read into arrays on demand."""

    def __init__(self, storage: FileStorage, schema: fields.Schema, segment: Any) -> None:
        self._reader = SegmentReader(storage, schema, segment)
        weakref.finalize(self, _close, self._reader)  # when the last search on it ends, in whatever thread
        self._reading = threading.Lock()  # Whoosh's files have one read position each
        size = segment.doc_count_all()
        names = [n for n in schema.names() if n != ROW and n in set(self._reader.indexed_field_names())]
        super().__init__(
            name=segment.segment_id(),
            size=size,
            rows=self._column(storage, segment, ROW, ">u4", size).astype(np.uint32),
            lengths={n: _LENGTHS[self._column(storage, segment, f"_{n}_len", "u1", size)] for n in names},
            totals={n: int(self._reader.field_length(n)) for n in names},
        )

    @staticmethod
    def _column(storage: FileStorage, segment: Any, name: str, kind: str, size: int) -> np.ndarray:
        """A numeric column as an array, read at once; Whoosh leaves out default values at its end."""
        with storage.open_file(W3Codec.column_filename(segment, name)) as file:
            values = np.frombuffer(file.read(), dtype=kind)
        return np.pad(values, (0, size - len(values))) if len(values) < size else values[:size]

    def _matcher(self, field: str, term: str) -> Any:
        try:
            matcher = self._reader.postings(field, term)
        except TermNotFound:
            return None
        # Deletions are applied by a mask at query time; the list itself stays true for the segment's life.
        return matcher.child if isinstance(matcher, FilterMatcher) else matcher

    def read(self, field: str, term: str) -> tuple[np.ndarray, np.ndarray]:
        with self._reading:
            matcher = self._matcher(field, term)
            if matcher is None:
                return NOTHING, NOTHING
            ids: list[int] = []
            weights: list[float] = []
            if isinstance(matcher, W3LeafMatcher):
                while matcher.is_active():  # block by block
                    matcher.id()
                    matcher.weight()
                    ids.extend(matcher._ids)  # type: ignore[arg-type]
                    weights.extend(matcher._weights)  # type: ignore[arg-type]
                    matcher._next_block()
                    matcher._i = 0
            else:
                while matcher.is_active():
                    ids.append(matcher.id())
                    weights.append(matcher.weight())
                    matcher.next()
        return np.array(ids, dtype=np.uint32), np.array(weights, dtype=np.float32)

    def read_positions(self, field: str, term: str) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        with self._reading:
            matcher = self._matcher(field, term)
            while matcher is not None and matcher.is_active():
                found[matcher.id()] = matcher.value_as("positions")
                matcher.next()
        return found

    def positions_in(self, field: str, term: str, documents: np.ndarray) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        with self._reading:
            matcher = self._matcher(field, term)
            for document in documents.tolist():
                if matcher is None or not matcher.is_active():
                    break
                matcher.skip_to(document)
                if matcher.is_active() and matcher.id() == document:
                    found[document] = matcher.value_as("positions")
        return found

    def read_lexicon(self, field: str) -> list[str]:
        with self._reading:
            try:
                terms = [t.decode() if isinstance(t, bytes) else t for t in self._reader.lexicon(field)]
            except TermNotFound:
                return []
        return sorted(t for t in terms if t != GAP)


class WhooshEngine:
    """A `SearchEngine`: many threads may search while one writes. `today` decides which dated articles are live."""

    def __init__(self, index_folder: Path, today: Callable[[], date] | None = None, waits_for_words: bool = True) -> None:
        self.folder = Path(index_folder)
        self._today = today or (lambda: datetime.now(UTC).date())
        self._served: Served | None = None
        self._broken: str = "no index has been opened yet; run `flask kb publish`."
        self._opening = threading.Lock()
        self._decoded = BoundedCache(DECODED_BYTES)
        self._numberings = Numberings(Numbering(), Numbering(), Numbering())
        self._waits_for_words = waits_for_words

    # Writing

    def rebuild(self, documents: Iterable[SearchDocument], revision: str, context: SearchContext) -> str:
        """Build a new generation beside the old one and return its name; nothing that is being served changes."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{_safe(revision)[:12]}-{time.time_ns():x}"
        draft = self.folder / f".building-{name}"
        draft.mkdir(mode=0o700)
        try:
            documents = list(documents)
            _write_facts(draft, {d.locale for d in documents})
            _create_index(draft, {d.locale for d in documents})
            self._commit(draft, documents, removed=[], merge_all=True)
            draft.rename(self.folder / name)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        self._sweep(keep={name})
        return name

    def update(self, changed: Sequence[SearchDocument], removed: Sequence[str], revision: str, context: SearchContext) -> str:
        """Bring the generation that is open to `revision` in one atomic commit; returns its name."""
        served = self._state()
        folder = self.folder / served.origin.generation
        try:
            locales = _read_facts(folder)
            new = {d.locale for d in changed} - locales
            if new:
                _write_facts(folder, locales | new)
            keys = {d.key for d in changed} | set(removed)
            # Another process may have committed since we opened: take the document numbers from the newest commit.
            current = served if _newest_commit(folder) == served.origin.commit else self._load(folder.name, revision, context, served)
            gone = sorted(current.numbers_of(keys).values())
            if changed or gone:
                self._commit(folder, changed, gone, rows=[int(current.rows[n]) for n in gone])
        except SearchUnavailable:
            raise
        except Exception as error:  # reading a damaged index raises anything; see `_failure`
            raise _failure(f"the index {folder.name} cannot be updated", error) from error
        self.open(served.origin.generation, revision, context)
        return served.origin.generation

    def _commit(
        self, folder: Path, documents: Sequence[SearchDocument], removed: Sequence[int], rows: Sequence[int] = (), merge_all: bool = False
    ) -> None:
        schema = schema_for(_read_facts(folder))
        shelf = Shelf(folder / FILE_NAME, writing=True)
        try:
            writer = index.open_dir(str(folder), schema=schema).writer(
                compound=False, limitmb=MEMORY_MB, timeout=WRITER_SECONDS, codec=W3Codec(compression=0)
            )
        except index.LockError:
            shelf.close()
            raise SearchUnavailable("Another publish is writing the index; try again when it has finished.") from None
        try:
            writer.schema = schema  # type: ignore[attr-defined]  # the writer takes the schema from the file; ours knows new locales
            shelf.begin()
            for document in documents:
                writer.add_document(**_index_fields(shelf, document))
            for number in removed:
                writer.delete_document(number)
            shelf.retire(rows, time.time())
            shelf.commit()
            writer.commit(mergetype=None if merge_all else merge_few, merge=not merge_all)
        except BaseException:
            shelf.rollback()
            with suppress(Exception):  # the first error is the one to tell
                writer.cancel()
            raise
        finally:
            shelf.close()

    def _sweep(self, keep: set[str]) -> None:
        """Remove what crashed builds left, and generations that nobody names any more (older than the current and the one before)."""
        pointer = self.folder / "CURRENT"
        with suppress(OSError, ValueError):
            keep.add(str(json.loads(pointer.read_text()).get("generation", "")))
        if self._served:
            keep.add(self._served.origin.generation)
        hour_ago = time.time() - 3600
        for path in self.folder.iterdir():
            is_ours = path.is_dir() and (path.name.startswith(".building-") or (path / FACTS).is_file())
            if is_ours and path.name not in keep and path.stat().st_mtime < hour_ago:
                shutil.rmtree(path, ignore_errors=True)

    # Serving

    def open(self, generation: str, revision: str, context: SearchContext) -> None:
        """Serve this generation at its newest commit from now on. When it cannot be read, searching says so until one can."""
        with self._opening:
            previous = self._served if self._served and self._served.origin.generation == generation else None
            try:
                self._served = self._load(generation, revision, context, previous)
            except Exception as error:  # reading a damaged index raises anything; see `_failure`
                failure = _failure(f"the index {generation} cannot be read", error)
                self._broken, self._served = str(failure), None
                raise failure from error
            if previous is None:
                prepare_words(self.folder, self._served.locales, None if self._waits_for_words else self._know_more_words)

    def _know_more_words(self) -> None:
        if served := self._served:
            served.forget_sights()

    def _load(self, generation: str, revision: str, context: SearchContext, previous: Served | None) -> Served:
        folder = self.folder / generation
        if generation != Path(generation).name or not folder.is_dir():
            raise FileNotFoundError(folder)
        for attempt in range(5):
            try:
                return self._load_once(folder, revision, context, previous)
            except FileNotFoundError:
                # A writer merged segments between our reading the table of contents and opening them.
                if attempt == 4:
                    raise
        raise AssertionError("not reached")

    def _load_once(self, folder: Path, revision: str, context: SearchContext, previous: Served | None) -> Served:
        schema = schema_for(_read_facts(folder))
        toc = index.open_dir(str(folder), schema=schema)._read_toc()
        storage = FileStorage(str(folder))
        shelf = previous.shelf if previous else Shelf(folder / FILE_NAME)
        known = {s.name: s for s in previous.segments} if previous else {}
        segments: list[Segment] = [known.get(raw.segment_id()) or WhooshSegment(storage, schema, raw) for raw in toc.segments]
        deleted = [_deleted(raw) for raw in toc.segments]
        for segment in segments:
            if segment.name not in known:
                segment.extras["contents"] = SegmentEntries(segment.rows, shelf, self._numberings)
        contents = [cast(SegmentEntries, segment.extras["contents"]) for segment in segments]
        # Rows of articles that were replaced long ago may have been dropped; a living one may not.
        missing = sum(int(np.count_nonzero(~c.known & ~dead)) for c, dead in zip(contents, deleted, strict=True))
        if missing:
            raise ValueError(f"{missing} of {sum(c.size for c in contents)} articles are not in {FILE_NAME}")
        return Served(
            Origin(folder.name, toc.generation, revision), segments, contents, deleted, shelf, context, self._decoded, self._numberings
        )

    def search(self, query: Query) -> Results:
        served = self._state()
        try:
            return answer(served, query, self._today())
        except Exception as error:  # see `_failure`: down is never the same as nothing found
            raise _failure(f"searching {served.origin.generation} failed", error) from error

    def suggest(self, text: str, locale: str, viewer: Viewer, limit: int = 6) -> Suggestions:
        served = self._state()
        try:
            return suggest(served, text, locale, viewer, self._today(), limit)
        except Exception as error:  # see `_failure`
            raise _failure(f"suggesting from {served.origin.generation} failed", error) from error

    def check(self) -> None:
        """Raise `SearchUnavailable` with the reason when it cannot answer (for /readyz)."""
        served = self._state()
        if not (self.folder / served.origin.generation / FACTS).is_file():
            raise SearchUnavailable(f"The index {served.origin.generation} has been removed; run `flask kb reindex`.")

    def close(self) -> None:
        if self._served:
            self._served.shelf.close()
        self._served = None
        self._broken = "the search engine has been closed"

    @property
    def generation(self) -> str:
        """The name of the generation that is served, or nothing."""
        return self._served.origin.generation if self._served else ""

    @property
    def memory_bytes(self) -> int:
        """Bytes that the posting arrays take now."""
        return self._served.scores.bytes if self._served else 0

    def _state(self) -> Served:
        served = self._served
        if served is None:
            raise SearchUnavailable(f"Search cannot answer: {self._broken}")
        return served


def open_engine(index_folder: Path, today: Callable[[], date] | None = None, waits_for_words: bool = True) -> WhooshEngine:
    """An engine over this folder; nothing is read before `open` names a generation.

    `waits_for_words`: whether slips wait for the dictionaries of a first start, so that searching says the same from the first search on.
    """
    return WhooshEngine(index_folder, today, waits_for_words)


FACTS = "facts.json"


def _close(reader: SegmentReader) -> None:
    with suppress(Exception):  # the files of a damaged index may not even close
        reader.close()


def _failure(what: str, error: Exception) -> SearchUnavailable:
    """The one error that callers know. Whoosh has none of its own for most damage: unpickling and unpacking raise whatever they meet, and
    a search that goes wrong must be told apart from one that finds nothing. The log keeps where it happened."""
    _log.error("Search: %s\n%s", what, "".join(traceback.format_exception(error)))  # as text: the frames hold open files
    return SearchUnavailable(f"{what[0].upper()}{what[1:]}: {type(error).__name__}: {error}. If it stays so, run `flask kb reindex`.")


def _write_facts(folder: Path, locales: set[str]) -> None:
    """What must be known before the index can be opened: the locales (they make the schema) and the format."""
    draft = folder / f"{FACTS}.{os.getpid()}"
    draft.write_text(json.dumps({"format": FORMAT, "locales": sorted(locales)}))
    draft.replace(folder / FACTS)


def _read_facts(folder: Path) -> set[str]:
    facts = json.loads((folder / FACTS).read_text())
    if facts["format"] != FORMAT:
        raise ValueError(f"it was written in format {facts['format']}, this is {FORMAT}")
    return set(facts["locales"])


def _newest_commit(folder: Path) -> int:
    """The number of the newest table of contents, without reading it."""
    return max((int(p.stem.rsplit("_", 1)[1]) for p in folder.glob("_MAIN_*.toc")), default=-1)


def _deleted(segment: Any) -> np.ndarray:
    dead = np.zeros(segment.doc_count_all(), dtype=bool)
    dead[[int(n) for n in segment.deleted_docs()]] = True
    return dead


def _create_index(folder: Path, locales: set[str]) -> None:
    index.create_in(str(folder), schema_for(locales)).close()


def _index_fields(shelf: Shelf, document: SearchDocument) -> dict[str, Any]:
    analyzer = analyzer_for(document.locale)
    analysed = Analysed.of(document, analyzer)
    parts = terms_of(document.keywords, analysed, analyzer)
    values: dict[str, Any] = {field_name(part, document.locale): terms for part, terms in parts.items() if terms}
    values[ROW] = shelf.add(document, analysed, [len(parts.get(spec.part, ())) for spec in FIELD_SPECS])
    return values


def merge_few(writer: Any, segments: list[Any]) -> list[Any]:
    """Whoosh's merge hook: when there are many segments, the small ones become one; large ones wait for the next reindex."""
    if len(segments) < MOST_SEGMENTS:
        return segments
    most = MERGED_AT_ONCE if len(segments) < FAR_TOO_MANY_SEGMENTS else MERGED_AT_LAST
    kept: list[Any] = []
    merged: list[Any] = []
    documents = 0
    for segment in sorted(segments, key=lambda s: s.doc_count()):
        documents += segment.doc_count()
        (merged if documents <= most else kept).append(segment)
    if len(merged) < 2:
        return segments
    for segment in merged:
        reader = SegmentReader(writer.storage, writer.schema, segment)
        writer.add_reader(reader)
        reader.close()
    return kept


def _safe(revision: str) -> str:
    return "".join(c for c in revision if c.isalnum()) or "index"
