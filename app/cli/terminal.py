"""What every command shares at the terminal: the portal it opens, its progress bar, and how it ends when something is wrong."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from app.config import Settings
from app.errors import Invalid, KnowledgeBaseError

if TYPE_CHECKING:  # the database and the rooms above it are imported by the commands that need them: the others start sooner
    from app.content import ArticleRepository
    from app.db import Database
    from app.portal import Portal
    from app.search import SearchEngine


FOLDERS = (
    "The account that runs this must be able to write the folders of HYLLA_DATA_FOLDER and HYLLA_INDEX_FOLDER, and the disk needs room."
)


@contextmanager
def opened_content() -> Iterator[tuple[Settings, ArticleRepository, SearchEngine]]:
    """Only the articles and their index, for publishing, which must be live within a second."""
    from app.content import ArticleRepository
    from app.search import open_engine

    settings = Settings.from_environ()
    engine = open_engine(settings.path(settings.index_folder))
    try:
        yield settings, ArticleRepository.of(settings), engine
    finally:
        engine.close()


@contextmanager
def opened_portal() -> Iterator[Portal]:
    """The portal of the settings in force, closed at the end."""
    from app.portal import open_portal

    portal = open_portal(Settings.from_environ())
    try:
        yield portal
    finally:
        portal.close()


@contextmanager
def opened_database() -> Iterator[tuple[Database, Settings]]:
    """Only the database, for commands that need neither articles nor index."""
    from app.db import open_database
    from app.portal import with_secret_key

    settings = with_secret_key(Settings.from_environ())
    database = open_database(settings.resolved_database_url)
    try:
        make_tables(database)
        yield database, settings
    finally:
        database.close()


def make_tables(database: Database) -> None:
    """A first command on a new machine finds an empty database: it gets its tables instead of an error."""
    from sqlalchemy import inspect

    if not inspect(database.engine).has_table("alembic_version"):
        from app.migrations import upgrade

        upgrade(database)


def plain_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Foreseen failures end a command with their message and exit code 1, without a traceback."""

    @functools.wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except OSError as error:
            if error.filename is None:
                raise
            click.echo(f"Error: {os.fsdecode(error.filename)}: {error.strerror}. {FOLDERS}", err=True)
            raise SystemExit(1) from None
        except KnowledgeBaseError as error:
            reason = getattr(error, "reason", "")
            click.echo(f"Error: {error}{f': {reason}' if reason else ''}", err=True)
            if isinstance(error, Invalid):
                for name, problem in error.errors.items():
                    if name not in str(error):
                        click.echo(f"  {name}: {problem}", err=True)
            raise SystemExit(1) from None

    return wrapper


class ProgressLine:
    """A progress bar on a terminal for what takes over two seconds; silent otherwise, so that logs stay readable."""

    WIDTH = 30

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._drawn = False

    def __call__(self, doing: str, done: int, total: int) -> None:
        if not sys.stderr.isatty() or time.monotonic() - self._start < 2:
            return
        filled = round(self.WIDTH * done / total) if total else 0
        bar = f"[{'#' * filled}{'.' * (self.WIDTH - filled)}] {done}/{total}" if total else f"{done} …"
        click.echo(f"\r{doing} {bar}", nl=False, err=True)
        self._drawn = True

    def close(self) -> None:
        if self._drawn:
            click.echo(err=True)
