"""A desk for every test of operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.operators_desk import Desk
from tests.operation.running_portal import RunningPortal


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def serve(desk: Desk) -> Iterator[Callable[..., RunningPortal]]:
    """Start a portal over the desk's folders and wait until it is ready; it is ended with the test."""
    started: list[RunningPortal] = []

    def make(**settings: str) -> RunningPortal:
        portal = RunningPortal(desk, **settings).start()
        started.append(portal)
        portal.ready_within(60)
        return portal

    yield make
    for portal in started:
        portal.__exit__()
