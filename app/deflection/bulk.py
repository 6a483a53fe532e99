"""Many rows at once, by the shortest way that each database has; several times faster than a statement a row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.orm import Session

from app.db import DatabaseUnavailable

Row = Mapping[str, Any]
Item = TypeVar("Item")

MOST_NAMED = 400
"""Names in one statement: databases allow some thousands at least, and each length is planned anew."""


def expanding(sql: str, *lists: str) -> TextClause:
    """A statement with parameters that stand for lists (`IN :ids`)."""
    return text(sql).bindparams(*(bindparam(name, expanding=True) for name in lists or ("ids",)))


def chunks(items: Iterable[Item], size: int = MOST_NAMED) -> Iterator[Sequence[Item]]:
    """The items in their order, so many at a time."""
    whole = items if isinstance(items, Sequence) else list(items)
    return (whole[i : i + size] for i in range(0, len(whole), size))


def is_sqlite(db: Session) -> bool:
    return db.get_bind().dialect.name == "sqlite"


def prefer_indexes(db: Session) -> None:
    """For the rest of the transaction, what is looked up by name is found by an index.

    PostgreSQL would rather read all weeks of events whole than go into the index of each for a few hundred names, which costs twenty
    times as much; and compile its plan, which costs more than the look-up.
    """
    if not is_sqlite(db):
        db.execute(text("SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)"))


def insert_rows(db: Session, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows none of which is there: straight through SQLite's driver, by COPY into PostgreSQL."""
    if not rows:
        return
    values = [tuple([row[column] for column in columns]) for row in rows]
    if is_sqlite(db):
        marks = ", ".join(["?"] * len(columns))
        db.connection().exec_driver_sql(f"INSERT INTO {table} ({_named(columns)}) VALUES ({marks})", values)  # noqa: S608 — our own names  # nosec B608
        return
    _copy(db, f"COPY {table} ({_named(columns)}) FROM STDIN", values)


def _copy(db: Session, command: str, rows: Sequence[tuple]) -> None:
    connection, errors = db.connection(), db.get_bind().dialect.loaded_dbapi
    try:
        with connection.connection.driver_connection.cursor() as cursor, cursor.copy(command) as copy:  # type: ignore[union-attr]
            for row in rows:
                copy.write_row(row)
    except (errors.OperationalError, errors.InternalError) as error:
        # What goes past SQLAlchemy must be told to it: the connection may be dead, and the server away rather than our rows wrong.
        connection.invalidate(error)
        raise DatabaseUnavailable(f"the database does not answer: {error.__class__.__name__}") from error


def upsert_rows(db: Session, table: str, columns: Sequence[str], rows: Sequence[Row], conflict: str, returning: str = "") -> list[Any]:
    """Insert rows of texts and whole numbers in one statement, which says what to do about those that are there already.

    Gives the column `returning` of the rows that were written.
    """
    if not rows:
        return []
    tail = f"ON CONFLICT {conflict}" + (f" RETURNING {returning}" if returning else "")
    if is_sqlite(db):
        names = ", ".join(f"value ->> {i}" for i in range(len(columns)))
        # "WHERE true" keeps the parser from taking ON CONFLICT for a join's condition.
        source, given = f"{names} FROM json_each(?) WHERE true", (json.dumps([[row[c] for c in columns] for row in rows]),)
    else:
        kinds = ", ".join("%s::bigint[]" if isinstance(rows[0][c], int) else "%s::text[]" for c in columns)
        source, given = f"* FROM unnest({kinds})", tuple([row[c] for row in rows] for c in columns)  # type: ignore[assignment]
    sql = f"INSERT INTO {table} ({_named(columns)}) SELECT {source} {tail}"
    found = db.connection().exec_driver_sql(sql, given)
    return list(found.scalars()) if returning else []


def _named(columns: Sequence[str]) -> str:
    # first, last and end are words of SQL: all names are quoted.
    return ", ".join(f'"{column}"' for column in columns)
