"""Repositories for the tests of content: an empty one, and the ten articles of tests/kb."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from writers_desk import KB, Desk

from app.content import Catalog


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def bikes(desk: Desk) -> Desk:
    """The ten articles of tests/kb, committed beside files that are none of the portal's business."""
    (desk.top / "src").mkdir()
    (desk.top / "src" / "cards.md").write_text("---\ntitle: Not an article\n---\n")
    desk.commit("Unrelated code")
    shutil.copytree(KB, desk.top / "articles")
    desk.commit("The help centre", author="Berit Bergqvist")
    (desk.top / "src" / "more.py").write_text("print('unrelated')\n")
    desk.commit("More unrelated code")
    return desk


@pytest.fixture(scope="session")
def published_bikes(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The ten articles, published once; do not change anything."""
    desk = Desk(tmp_path_factory.mktemp("bikes"))
    shutil.copytree(KB, desk.top / "articles")
    desk.commit("The help centre", author="Berit Bergqvist")
    return desk.gather().catalog


@pytest.fixture
def clock() -> Callable[[], float]:
    """A clock that moves a second at every look."""
    ticks = iter(range(1_000_000))
    return lambda: float(next(ticks))
