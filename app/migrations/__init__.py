"""Database migrations (Alembic). They stand on floor 5 because they know the tables of every room."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from app.db import Base, Database
from app.errors import Invalid

if TYPE_CHECKING:
    from alembic.config import Config

HERE = Path(__file__).parent


class SchemaMismatch(Invalid):
    """The database has tables, but not those of this version."""


def head() -> str:
    """The newest schema: revisions are numbered in their file names."""
    return max(path.name.split("_")[0] for path in (HERE / "versions").glob("[0-9]*_*.py"))


def is_current(database: Database) -> bool:
    """Whether the database has the newest schema; asked without Alembic, whose import would delay every start."""
    with database.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == head()


def upgrade(database: Database) -> None:
    """Bring the database to the newest schema; one node at a time, the others wait and find nothing to do."""
    if is_current(database):
        return
    from alembic import command
    from alembic.util import CommandError

    with database.durable_engine.begin() as connection:
        if not database.is_sqlite:
            # Two nodes that start together must not migrate together; the lock ends with the transaction.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4961231)")
        config = alembic_config()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise SchemaMismatch(_other_version(database, str(error))) from None


def check_tables(database: Database) -> None:
    """Refuse a database that lacks what this version's tables have: each page that needed it would be a 503 without a reason."""
    import app.accounts
    import app.deflection
    import app.tickets  # noqa: F401  # rooms register their tables by being imported

    with database.engine.connect() as connection:
        found = inspect(connection).get_multi_columns()
    columns = {name: {column["name"] for column in columns} for (_schema, name), columns in found.items()}
    missing = [
        f"{table.name}.{column.name}" for table in Base.metadata.sorted_tables for column in table.columns
        if column.name not in columns.get(table.name, set())
    ]  # fmt: skip
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise SchemaMismatch(_other_version(database, f"it lacks {', '.join(missing[:5])}{more}"))


def _other_version(database: Database, what: str) -> str:
    where = database.url.render_as_string(hide_password=True)
    return (
        f"The database {where} was made by another version of this program: {what}. Nothing was changed. Start the version that made it, "
        "or move it away (a new one is made at the next start), or name another one in HYLLA_DATABASE_URL."
    )


def alembic_config() -> Config:
    """Alembic's configuration, without an ini file: the connection comes from us."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "os")
    return config
