"""Database migrations (Alembic). They stand on floor 5 because they know the tables of every room."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from app.db import Database

HERE = Path(__file__).parent


def upgrade(database: Database) -> None:
    """Bring the database to the newest schema; one node at a time, the others wait and find nothing to do."""
    with database.durable_engine.begin() as connection:
        if not database.is_sqlite:
            # Two nodes that start together must not migrate together; the lock ends with the transaction.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4961231)")
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def alembic_config() -> Config:
    """Alembic's configuration, without an ini file: the connection comes from us."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "os")
    return config
