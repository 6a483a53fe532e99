"""An engine to try things on."""

from __future__ import annotations

from pathlib import Path

import pytest
from desks import Desk, MakeDesk

from app.search import SearchContext, SearchDocument


@pytest.fixture
def desk(tmp_path: Path) -> MakeDesk:
    """Make an engine with these articles."""
    count = iter(range(100))

    def make(*documents: SearchDocument, context: SearchContext | None = None) -> Desk:
        return Desk(tmp_path / f"index{next(count)}", documents, context)

    return make
