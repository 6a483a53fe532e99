"""Database migrations (Alembic). They stand on floor 5 because they know the tables of every room."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from app.db import Database

if TYPE_CHECKING:
    from alembic.config import Config

HERE = Path(__file__).parent


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

    with database.durable_engine.begin() as connection:
        if not database.is_sqlite:
            # Two nodes that start together must not migrate together; the lock ends with the transaction.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4961231)")
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def alembic_config() -> Config:
    """Alembic's configuration, without an ini file: the connection comes from us."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "os")
    return config
