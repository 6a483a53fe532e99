"""A real database in a file, a clock that stands still, and drafts with noise around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.db import Base, Database, open_database
from app.tickets import StoredFile, TicketDraft
from app.tickets.models import TicketRow

NOW = datetime(2026, 11, 22, 9, 2, tzinfo=UTC)
assert TicketRow.__table__ is not None  # the tables are known once the models are


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/tickets.sqlite3")
    Base.metadata.create_all(opened.engine)
    yield opened
    opened.close()


@pytest.fixture
def draft() -> Callable[..., TicketDraft]:
    """Makes a draft that could be sent; each has a key of its own."""
    keys = iter(range(10_000))

    def make(**changes: Any) -> TicketDraft:
        fields: dict[str, Any] = {
            "subject": "Card declined in Lisbon",
            "message": "It was declined twice at a restaurant.",
            "email": "dana@example.com",
            "key": f"form/{next(keys)}",
        }
        return TicketDraft(**(fields | changes))

    return make


def a_file(name: str = "screen.png", sha: str = "a" * 64) -> StoredFile:
    """A stored file as the checks leave it."""
    return StoredFile(f"{abs(hash((name, sha))):032x}"[:32], name, "image/png", 1000, sha)
