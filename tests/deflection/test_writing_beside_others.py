"""Whoever writes what somebody waits for comes between those who write much, on SQLite's one lock."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from app import db as module
from app.db import Base, Database, DatabaseUnavailable, Waits, open_database
from app.deflection import EventQueue, parse_event

SEARCH = {"type": "search", "event_id": "e", "t_recv": 1_795_000_000_000, "visitor": "v", "tab": "t", "search_id": "s", "q": "card",
          "mode": "submit", "n_results": 0}  # fmt: skip


class Clock:
    """Time that passes only when somebody works or sleeps, and notes the sleeps."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_the_lock_is_free_long_enough_to_be_seen_each_time_it_was_held_for_a_second(database: Database, clock: Clock) -> None:
    for _ in range(30):
        with database.giving_way():
            clock.now += 0.1
    assert clock.slept == [module.LOOK_AGAIN] * 2
    assert clock.slept[0] > 0.1, "SQLite lets those who wait look every tenth of a second"


def test_an_event_is_written_in_the_first_moment_that_another_writer_leaves(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []
    with database.session() as other:
        other.execute(text("DELETE FROM dirty"))

        def another_look(seconds: float) -> None:
            looks.append(seconds)
            if len(looks) == 3:
                other.commit()

        clock = Clock()
        monkeypatch.setattr(clock, "sleep", another_look)
        monkeypatch.setattr(module, "time", clock)
        queue = EventQueue(database)
        assert queue._record([parse_event(SEARCH)])
    assert looks == [module.LOOK_SOON] * 3
    with database.session() as db:
        assert db.execute(text("SELECT actor FROM dirty")).scalars().all() == ["v:v"]


def test_a_writer_that_never_leaves_counts_as_the_database_being_away(tmp_path: Path, clock: Clock) -> None:
    ours = open_database(f"sqlite:///{tmp_path}/w.sqlite3", Waits(lock=1, answer=None))
    Base.metadata.create_all(ours.engine)
    with ours.session() as other:
        other.execute(text("DELETE FROM dirty"))
        with pytest.raises(DatabaseUnavailable), ours.prompt_session() as db:
            db.execute(text("SELECT 1"))
    assert sum(clock.slept) == pytest.approx(1)
    ours.close()
