"""Databases for the outcomes' tests: a small real SQLite file, and one PostgreSQL cluster for the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db import Base, Database, open_database
from app.deflection import models  # noqa: F401 — its tables
from tests.postgres import cluster


@pytest.fixture()
def database(tmp_path: Path) -> Iterator[Database]:
    yield from _opened(f"sqlite:///{tmp_path}/events.sqlite3")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with cluster() as url:
        yield url


@pytest.fixture()
def postgres(postgres_url: str) -> Iterator[Database]:
    yield from _opened(postgres_url)


@pytest.fixture(params=["sqlite", "postgres"])
def either(request: pytest.FixtureRequest) -> Database:
    """Each of the two databases in turn."""
    return request.getfixturevalue("database" if request.param == "sqlite" else "postgres")


def _opened(url: str) -> Iterator[Database]:
    database = open_database(url)
    Base.metadata.drop_all(database.engine)
    Base.metadata.create_all(database.engine)
    yield database
    database.close()
