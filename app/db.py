"""The database: one declarative base, UTC times, and sessions of two strengths.

On SQLite an ordinary session commits with `synchronous=NORMAL` (events: fast, a power cut may take the last moments) and a
durable one with `synchronous=FULL` (tickets, outbox, accounts: synced before we answer). PostgreSQL is always durable.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Dialect, Engine, MetaData, create_engine, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DatabaseError, InternalError, OperationalError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from app.errors import Unavailable

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


@dataclass(frozen=True)
class Waits:
    """How long a session waits before the database counts as away."""

    lock: float
    """Seconds for SQLite's one lock on writing, while somebody else holds it."""
    answer: float | None
    """Seconds for PostgreSQL's answer to one statement: a server that has stopped says nothing, not even no. None: as long as it takes."""


WORK_WAITS = Waits(lock=15, answer=None)
"""Commands and the background worker: nobody is watching, and some of their statements take long."""
PAGE_WAITS = Waits(lock=4, answer=15)
"""A person's request: many times what a crowd of writers or a large report needs, then it is told to come back."""
ASIDE_LOCK = 0.2
"""Seconds for what is only noted beside an answer, and may be left out."""

POOL = {"pool_size": 8, "max_overflow": 32, "pool_timeout": 5}
"""A web process answers 16 requests at a time, and one that writes holds two connections: its own, and that of the durable transaction."""

LOOK_AGAIN = 0.12
"""Seconds in which everybody who waits for SQLite's lock looks at it once: it does so every tenth of a second."""
HELD_AT_MOST = 10 * LOOK_AGAIN
"""Seconds for which many short transactions together may hold it, before it stays free for that long."""

LOOK_SOON = 0.005
"""Seconds between two looks of somebody who must not wait: those who write much hardly leave it free for longer between two transactions."""

LOST_CONNECTION = "8s2b"
"""SQLAlchemy's code of a transaction that cannot be ended because its connection is gone."""


class Base(DeclarativeBase):
    """What every table in every room descends from."""

    metadata = MetaData(naming_convention=NAMING)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; a naive one is refused, because nobody can say later what it meant."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time reached the database; pass aware UTC times")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class DatabaseUnavailable(Unavailable):
    """The database does not answer, is full, damaged or read-only. Visitors learn no more than that; `reason` is for the operator."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


def _translate(context: ExceptionContext) -> BaseException | None:
    """Our own error for whatever the server, and not our question, is the reason of: gone, full, read-only, restarting."""
    error, original = context.sqlalchemy_exception, context.original_exception
    # SQLite says with the bare `DatabaseError` that a file is damaged or no database at all.
    if context.is_disconnect or isinstance(error, OperationalError | InternalError) or type(error) is DatabaseError:
        where = (
            f"{context.engine.url.render_as_string(hide_password=True)}, see HYLLA_DATABASE_URL" if context.engine else "HYLLA_DATABASE_URL"
        )
        return DatabaseUnavailable(f"the database does not answer: {type(original).__name__}", f"{_first_line(original)} ({where})")
    return None


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


class Database:
    """An open database; its four kinds of sessions are SQLAlchemy's and commit when the block ends well.

    `waits` says how long each of them is ready to wait.
    """

    def __init__(self, url: str, waits: Waits = WORK_WAITS) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = self._engine(False, waits)
        self.durable_engine = self._engine(True, waits) if self.is_sqlite else self.engine
        self.prompt_engine = self._engine(False, waits, prompt=True) if self.is_sqlite else self.engine
        self.aside_engine = self._engine(False, replace(waits, lock=ASIDE_LOCK)) if self.is_sqlite else self.engine
        self._held = threading.local()
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._durable_sessions = sessionmaker(self.durable_engine, expire_on_commit=False)
        self._prompt_sessions = sessionmaker(self.prompt_engine, expire_on_commit=False)
        self._aside_sessions = sessionmaker(self.aside_engine, expire_on_commit=False)

    def _engine(self, durable: bool, waits: Waits, prompt: bool = False) -> Engine:
        if not self.is_sqlite:
            # Pre-ping finds connections that died while idle; the time-outs keep a silent server from holding a request.
            engine = create_engine(self.url, pool_pre_ping=True, connect_args={"connect_timeout": 5}, **POOL)
            event.listen(engine, "handle_error", _translate, retval=True)
            if waits.answer is not None:
                _limit_answers(engine, waits.answer)
            return engine
        in_a_file = bool(self.url.database) and self.url.database != ":memory:"
        if in_a_file:
            Path(self.url.database or "").parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(self.url, connect_args={"timeout": waits.lock}, **(POOL if in_a_file else {}))
        event.listen(engine, "handle_error", _translate, retval=True)
        synchronous = "FULL" if durable else "NORMAL"

        @event.listens_for(engine, "connect")
        def _configure(connection, _record):  # type: ignore[no-untyped-def]
            # The driver's own transaction handling is switched off, so that BEGIN is ours to choose (SQLAlchemy's documented recipe).
            connection.isolation_level = None
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute(f"PRAGMA synchronous={synchronous}")
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.execute("PRAGMA secure_delete=ON")
            if prompt:
                cursor.execute("PRAGMA busy_timeout=0")
            cursor.close()

        @event.listens_for(engine, "begin")
        def _begin(connection):  # type: ignore[no-untyped-def]
            # A durable session is opened to write: taking the lock at once avoids the upgrade that SQLite refuses under contention.
            if prompt:
                _wait_for_lock(connection.connection.driver_connection, waits.lock)
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE" if durable else "BEGIN")

        return engine

    @contextmanager
    def session(self) -> Iterator[Session]:
        """An ordinary session; commits at the end of the block, rolls back when it raises."""
        with self._translated(), self._sessions.begin() as session:
            yield session

    @contextmanager
    def durable_session(self) -> Iterator[Session]:
        """A session whose commit has reached the disk when the block ends: for what we promise a person."""
        with self._translated(), self._durable_sessions.begin() as session:
            yield session

    @contextmanager
    def prompt_session(self) -> Iterator[Session]:
        """A session for what somebody waits for: it has SQLite's lock before its first statement, and soon, whoever writes much beside it."""
        with self._translated(), self._prompt_sessions.begin() as session:
            yield session

    @contextmanager
    def aside_session(self) -> Iterator[Session]:
        """A session for what an answer can do without: where somebody else is writing, it gives up almost at once."""
        with self._translated(), self._aside_sessions.begin() as session:
            yield session

    @contextmanager
    def giving_way(self) -> Iterator[None]:
        """Around one of many transactions: when those of this thread have held SQLite's lock for a second, it stays free for a tenth.

        A gap after each would be as long in all, but too short to be met by those who wait: a customer's request, or somebody's outcome,
        could wait for a whole import. PostgreSQL's locks go to those who wait in their order.
        """
        start = time.monotonic()
        yield
        held = getattr(self._held, "seconds", 0.0) + time.monotonic() - start
        if self.is_sqlite and held >= HELD_AT_MOST:
            time.sleep(LOOK_AGAIN)
            held = 0.0
        self._held.seconds = held

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, PoolTimeout) as error:
            raise DatabaseUnavailable(f"the database does not answer: {error.__class__.__name__}") from error
        except PendingRollbackError as error:
            if error.code != LOST_CONNECTION:
                raise
            # Somebody went on after the connection broke, for example because a page can be shown without what was asked for.
            raise DatabaseUnavailable("the database does not answer: the connection was lost") from error

    def compact(self) -> None:
        """Write the log of changes into the file and empty it, so that what was deleted stands nowhere any more (SQLite)."""
        if self.is_sqlite:
            with self.durable_engine.connect() as connection:
                connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]

    def close(self) -> None:
        """Give back every connection."""
        for engine in (self.engine, self.durable_engine, self.prompt_engine, self.aside_engine):
            engine.dispose()


def _wait_for_lock(connection: sqlite3.Connection, seconds: float) -> None:
    """Begin to write as soon as nobody else does; SQLite's own waiting looks ten times a second and misses most of the moments."""
    until = time.monotonic() + seconds
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise DatabaseUnavailable(f"the database does not answer: {type(error).__name__}", str(error)) from error
        time.sleep(LOOK_SOON)


def _limit_answers(engine: Engine, seconds: float) -> None:
    """Give up a connection on which a statement was not answered in time; libpq itself would wait for ever."""
    import psycopg
    from psycopg.errors import _WaitTimeout

    class Connection(psycopg.Connection[Any]):
        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            try:
                return super().wait(gen, interval, timeout or seconds)
            except _WaitTimeout:
                self.close()
                raise psycopg.OperationalError(f"the server has not answered for {seconds:g} s") from None

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect, _record, given, options):  # type: ignore[no-untyped-def]
        return Connection.connect(*given, **options)


def open_database(url: str, waits: Waits = WORK_WAITS) -> Database:
    """Open the database at an SQLAlchemy URL; tables come from the migrations, not from here."""
    return Database(url, waits)
