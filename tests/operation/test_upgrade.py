"""A database of an earlier schema, with what people did in it, is brought to the newest one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import inspect, text

from app import migrations
from app.db import Database, open_database
from app.deflection import audit, import_tickets, recompute_due, record
from app.deflection.judging.rulebook import Rulebook
from app.deflection.recording.events import Event, parse_event
from app.migrations import alembic_config, is_current, upgrade
from tests.postgres import cluster

DAY = 86_400_000
FIRST = 1_790_000_000_000
NOW = datetime.fromtimestamp(FIRST / 1000 + 30 * 86_400, UTC)
EVENTS: list[dict[str, Any]] = [
    {
        "event_id": "s1",
        "type": "search",
        "t_recv": FIRST,
        "search_id": "one",
        "q": "card declined",
        "mode": "submit",
        "n_results": 1,
        "results": ["card"],
    },
    {"event_id": "v1", "type": "view", "t_recv": FIRST + 5_000, "view_id": "w1", "article": "card", "source": "search", "search_id": "one"},
    {"event_id": "d1", "type": "dwell", "t_recv": FIRST + 60_000, "view_id": "w1", "active_ms": 50_000},
    {
        "event_id": "s2",
        "type": "search",
        "t_recv": FIRST + 9 * DAY,
        "search_id": "two",
        "q": "zebra",
        "mode": "submit",
        "n_results": 0,
        "results": [],
    },
]
OUT = {"event_id": "x1", "type": "exclude", "t_recv": FIRST + DAY, "target_visitor": "b2", "reason": "our own machine"}


def _event(fields: dict[str, Any]) -> Event:
    return parse_event({"visitor": "b1", "tab": "t1", **fields})


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database as the first schema left it, with events of two weeks and an exclusion."""
    if request.param == "sqlite":
        yield from _filled(f"sqlite:///{tmp_path}/old.sqlite3")
    else:
        with cluster() as url:
            yield from _filled(url)


def _filled(url: str) -> Iterator[Database]:
    database = open_database(url)
    with database.durable_engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with database.session() as db:
        for fields in [*EVENTS, OUT]:
            kept = {name: value for name, value in fields.items() if name not in ("event_id", "type", "t_recv", "target_visitor")}
            visitor = fields.get("target_visitor", "b1")
            db.execute(
                text(
                    "INSERT INTO event (event_id, type, t, t_recv, day, actor, visitor, tab, role, ua, ref, body)"
                    " VALUES (:id, :type, :t, :t, :day, :actor, 'b1', 't1', 'customer', '', :ref, :body)"
                ),
                {
                    "id": fields["event_id"], "type": fields["type"], "t": fields["t_recv"], "day": fields["t_recv"] // DAY,
                    "actor": f"v:{visitor}", "ref": kept.get("view_id") or kept.get("search_id"), "body": json.dumps(kept),
                },
            )  # fmt: skip
    yield database
    database.close()


def test_an_older_database_keeps_its_events_and_everybody_is_judged_again(old: Database) -> None:
    assert not is_current(old)
    upgrade(old)
    assert is_current(old)
    recompute_due(old, NOW, Rulebook())
    with old.session() as db:
        assert audit(db, NOW, Rulebook(), search_id="one").rule == "R6"
        assert audit(db, NOW, Rulebook(), search_id="two").rule == "R10"
        assert db.execute(text("SELECT day FROM event WHERE type = 'exclude'")).scalar() == -1
    assert "event_before_0002" not in inspect(old.engine).get_table_names()


def test_what_an_older_database_had_is_known_when_it_comes_again(old: Database) -> None:
    upgrade(old)
    with old.session() as db:
        record(db, *map(_event, EVENTS), _event({**EVENTS[0], "event_id": "new", "search_id": "three", "t_recv": FIRST + 20 * DAY}))
        assert db.execute(text("SELECT COUNT(*) FROM event")).scalar() == len(EVENTS) + 2


def test_a_ticket_that_an_older_database_holds_twice_is_held_once_and_known_when_it_comes_again(old: Database) -> None:
    row = {"ticket_id": "zd-1", "t_created": FIRST + DAY, "subject": "card declined", "account": "17"}
    update = {"status": "spam", "updated_at": FIRST + 2 * DAY}
    body = {"channel": "email", "subject": row["subject"], "t_created": row["t_created"], "ticket_id": "zd-1"}
    said = {"status": "spam", "ticket_id": "zd-1"}
    with old.session() as db:
        for way in ("feed", "file"):
            for kind, actor, what in (("ticket", "a:17", body), ("ticket_update", "k:zd-1", said)):
                db.execute(
                    text(
                        "INSERT INTO event (event_id, type, t, t_recv, t_client, day, actor, account, role, ua, ref, body)"
                        " VALUES (:id, :type, :t, :t, :client, :day, :actor, :account, 'customer', '', 'zd-1', :body)"
                    ),
                    {
                        "id": f"i-{way}-{kind}", "type": kind, "t": FIRST + 3 * DAY, "day": FIRST // DAY + 3, "actor": actor,
                        "client": FIRST + 2 * DAY if kind == "ticket_update" else None, "account": "17" if kind == "ticket" else None,
                        "body": json.dumps(what, separators=(",", ":")),
                    },
                )  # fmt: skip
        db.execute(
            text(
                "INSERT INTO outcome_ledger (need_id, to_outcome, cause, as_of, day, version)"
                " VALUES ('n', 'escalated', 'i-file-ticket', 0, 0, 'v')"
            )
        )
    upgrade(old)
    with old.session() as db:
        names = dict(db.execute(text("SELECT type, event_id FROM event WHERE ref = 'zd-1'")).all())
        assert db.execute(text("SELECT count(*) FROM event WHERE ref = 'zd-1'")).scalar() == 2
        assert db.execute(text("SELECT cause FROM outcome_ledger WHERE need_id = 'n'")).scalar() == names["ticket"]
    assert import_tickets(old, [json.dumps({**row, **update})], NOW, "k" * 32).new == 0
    recompute_due(old, NOW, Rulebook())
    with old.session() as db:
        assert db.execute(text("SELECT ticket_id, status, valid FROM contact")).one() == ("zd-1", "spam", False)


def test_the_first_schema_stays_as_it_was_released() -> None:
    first = Path(migrations.__file__).parent / "versions" / "0001_the_first_schema.py"
    digest = hashlib.sha256(first.read_bytes()).hexdigest()
    assert digest == "dd77a9af52ec0c0c0149a53e31a33fa657a4a1aa3441befb3dc34cc9bfe93ef7", "a change of the tables is a new migration"
