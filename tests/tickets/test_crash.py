"""kill -9 in the middle of writing: what was acknowledged is there, once, with its mail and its event."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

from sqlalchemy import select, text

from app.db import Base, Database, open_database
from app.deflection import EVENT_TYPES
from app.tickets.models import DeliveryRow, MessageRow, TicketRow

WRITER = Path(__file__).with_name("crash_writer.py")
ROOT = Path(__file__).parents[2]
KILLS = 5
assert EVENT_TYPES


def kill_while_writing(url: str, run: int, after: int) -> dict[str, int]:
    """Start the writer, kill it once it has acknowledged `after` requests, and give all it acknowledged: key → number."""
    command = [sys.executable, "-m", "tests.tickets.crash_writer", url, str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        lines = [writer.stdout.readline() for _ in range(after)]
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.readlines()
    acknowledged = {}
    for line in lines:
        if line.endswith("\n"):  # a half-printed line was not read by anybody
            key, number = line.split()
            acknowledged[key] = int(number)
    return acknowledged


def check(database: Database, acknowledged: dict[str, int]) -> None:
    """Every acknowledged request is there under its number; nothing is doubled; each has its message, its mail and its event."""
    with database.session() as db:
        rows = list(db.scalars(select(TicketRow)))
        assert acknowledged == {r.key: r.number for r in rows if r.key in acknowledged}
        assert max(Counter(r.key for r in rows).values()) == 1
        ids = [r.id for r in rows]
        assert sorted(db.scalars(select(MessageRow.ticket_id))) == sorted(ids)
        assert sorted(db.scalars(select(DeliveryRow.ticket_id))) == sorted(ids)
        assert sorted(db.scalars(text("SELECT ref FROM event WHERE type = 'ticket'"))) == sorted(ids)
        assert db.scalar(text("PRAGMA integrity_check")) == "ok"


def test_kill_minus_nine_loses_no_acknowledged_request_and_doubles_none(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/crash.sqlite3"
    database = open_database(url)
    Base.metadata.create_all(database.engine)
    acknowledged: dict[str, int] = {}
    chance = random.Random(7)
    for run in range(KILLS):
        acknowledged |= kill_while_writing(url, run, chance.randint(1, 25))
    assert len(acknowledged) >= KILLS
    check(database, acknowledged)
    database.close()


def test_a_backup_taken_while_requests_are_written_is_whole_and_holds_what_was_acknowledged_before_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/busy.sqlite3"
    database = open_database(url)
    Base.metadata.create_all(database.engine)
    command = [sys.executable, "-m", "tests.tickets.crash_writer", url, "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        before = dict(writer.stdout.readline().split() for _ in range(20))
        # What `.backup` of the command line does (docs/operating.md), a few pages at a time and so with writing in between.
        with closing(sqlite3.connect(f"{tmp_path}/busy.sqlite3")) as busy, closing(sqlite3.connect(f"{tmp_path}/copy.sqlite3")) as copy:
            busy.backup(copy, pages=20)
        assert len(writer.stdout.readline().split()) == 2, "it was written meanwhile"
        writer.kill()
    database.close()
    restored = open_database(f"sqlite:///{tmp_path}/copy.sqlite3")
    check(restored, {key: int(number) for key, number in before.items()})
    restored.close()
