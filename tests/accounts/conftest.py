"""A real database with the accounts tables, and hashes that are quick to make where their cost is not the point."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from app.accounts import passwords
from app.db import Base, Database, open_database

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path}/accounts.sqlite3")
    Base.metadata.create_all(database.engine)
    yield database
    database.close()


@pytest.fixture
def db(database: Database) -> Iterator[Session]:
    with database.session() as session:
        yield session


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[PasswordHasher]:
    """Real argon2 with the smallest parameters."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "hasher", quick)
    passwords._dummy.cache_clear()
    yield quick
    passwords._dummy.cache_clear()
