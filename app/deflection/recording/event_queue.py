"""The queue between a page and the database: a page never waits for an event to be written, and never fails because of one."""

from __future__ import annotations

import logging
import queue
import threading
import time

from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.db import Database, DatabaseUnavailable
from app.deflection.recording.events import Event
from app.deflection.recording.store import record

log = logging.getLogger(__name__)

BATCH_SECONDS = 0.05
BATCH_EVENTS = 500
CAPACITY = 50_000
"""Events kept while the database is away; about half a minute of a very busy portal."""


class EventQueue:
    """Writes events in batches at most 50 ms apart, on a thread of its own; `dropped` counts what it could not keep."""

    def __init__(self, database: Database, capacity: int = CAPACITY) -> None:
        self._database = database
        self._queue: queue.Queue[Event] = queue.Queue(maxsize=capacity)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self.dropped = 0
        self.failures = 0
        self.written = 0

    def start(self) -> None:
        """Begin writing; a second call does nothing."""
        if self._thread is None or not self._thread.is_alive():
            self._closing.clear()
            self._thread = threading.Thread(target=self._run, name="event-queue", daemon=True)
            self._thread.start()

    def put(self, *events: Event) -> None:
        """Hand over events; returns at once. Starts the thread if nobody has, so that it also lives in a forked worker."""
        for event in events:
            try:
                self._queue.put_nowait(event)
            except queue.Full:
                self.dropped += 1
        if self._thread is None or not self._thread.is_alive():
            self.start()

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything handed over so far is in the database; False if that took longer than `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._queue.all_tasks_done:
            while self._queue.unfinished_tasks:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._queue.all_tasks_done.wait(left)
        return True

    def close(self, timeout: float = 5.0) -> bool:
        """Write what is left and end the thread; False if something could not be written in time."""
        written = self.flush(timeout) if self._thread is not None else self._queue.empty()
        self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout)
            self._thread = None
        return written

    def _run(self) -> None:
        while not self._closing.is_set():
            batch = self._next_batch()
            if batch:
                self._write(batch)

    def _next_batch(self) -> list[Event]:
        try:
            batch = [self._queue.get(timeout=0.2)]
        except queue.Empty:
            return []
        deadline = time.monotonic() + BATCH_SECONDS
        while len(batch) < BATCH_EVENTS:
            try:
                batch.append(self._queue.get(timeout=max(0.0, deadline - time.monotonic())))
            except queue.Empty:
                break
        return batch

    def _write(self, batch: list[Event]) -> None:
        wait = 0.1
        while not self._record(batch):
            if self._closing.wait(wait):
                self.dropped += len(batch)
                break
            wait = min(wait * 2, 5.0)
        for _ in batch:
            self._queue.task_done()

    def _record(self, batch: list[Event]) -> bool:
        """Write a batch; True when there is nothing left of it to try again."""
        try:
            with self._database.prompt_session() as db:
                record(db, *batch)
        except (DatabaseUnavailable, PoolTimeout) as error:
            self.failures += 1
            reason = getattr(error, "reason", "") or error
            log.error("%d events could not be written; they are kept and tried again: %s", len(batch), reason)
            return False
        except Exception:  # an event that the database refuses must neither stop the others nor be tried for ever
            self.failures += 1
            if len(batch) > 1:
                return all(self._record([event]) for event in batch)
            self.dropped += 1
            log.exception("an event was refused by the database and is lost: %s", batch[0].event_id)
            return True
        self.written += len(batch)
        return True
