"""The catalog that is served: follows `CURRENT`, loads only what changed, and swaps."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from app.content.catalog import Catalog
from app.content.errors import ContentUnavailable
from app.content.pointer import Pointer, read_pointer
from app.content.store import ContentStore, Generation

log = logging.getLogger(__name__)


class CurrentCatalog:
    """Gives the published catalog; looks for a newer one at most every `check_every` seconds.

    `on_change(catalog, generation)` is called before a new catalog is given out, so that the search engine can be opened for it.
    """

    def __init__(
        self,
        index_folder: Path,
        data_folder: Path,
        on_change: Callable[[Catalog, str], None] | None = None,
        check_every: float = 0.2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._index_folder = index_folder
        self._store = ContentStore(data_folder)
        self._on_change = on_change
        self._check_every = check_every
        self._clock = clock
        self._lock = threading.Lock()
        self._catalog: Catalog | None = None
        self._pointer: Pointer | None = None
        self._looked_at = float("-inf")

    def get(self) -> Catalog:
        """The published catalog; raises `ContentUnavailable` before the first publish."""
        catalog = self._catalog
        if catalog is not None and self._clock() - self._looked_at < self._check_every:
            return catalog
        if catalog is not None and not self._lock.acquire(blocking=False):
            return catalog  # another thread is loading the next one; this request is served from the one we have
        if catalog is None:
            self._lock.acquire()
        try:
            return self._look()
        finally:
            self._lock.release()

    def _look(self) -> Catalog:
        if self._catalog is not None and self._clock() - self._looked_at < self._check_every:
            return self._catalog
        pointer = read_pointer(self._index_folder)
        if pointer is None and self._catalog is None:
            raise ContentUnavailable("Nothing has been published yet; run `flask kb publish`.")
        if pointer is not None and pointer != self._pointer:
            self._swap(pointer)
        self._looked_at = self._clock()
        assert self._catalog is not None
        return self._catalog

    def _swap(self, pointer: Pointer) -> None:
        generation = self._store.generation(pointer.revision)
        if generation is None:
            if self._catalog is None:
                raise ContentUnavailable("The content store does not hold the published revision; run `flask kb publish`.")
            log.error("the content store does not hold revision %s; still serving %s", pointer.revision, self._catalog.revision)
            return
        catalog = load_catalog(self._store, generation, self._catalog)
        if self._on_change is not None:
            self._on_change(catalog, pointer.generation)
        self._catalog, self._pointer = catalog, pointer

    def close(self) -> None:
        self._store.close()


def load_catalog(store: ContentStore, generation: Generation, previous: Catalog | None = None) -> Catalog:
    """The catalog of a generation; what `previous` already holds is not read again."""
    collecting = gc.isenabled()
    gc.disable()  # hundreds of thousands of new objects and not one cycle: collecting would only take time
    try:
        files = None
        if previous is not None and previous.generation.fingerprint == generation.fingerprint:
            changes = store.changes(previous.generation.number, generation.number)
            if changes is not None:
                put, drop = changes
                files = {path: state for path, state in previous.files.items() if path not in drop} | put
        if files is None:
            files = store.files(generation.number)
        return Catalog(generation, files, store)
    finally:
        if collecting:
            gc.enable()
