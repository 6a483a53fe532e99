"""Another program that holds SQLite's lock on writing: people read on, and whoever writes is told so soon, with every word kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text, update

from app.accounts import Role, make_token
from app.accounts.models import SessionRow
from app.accounts.users import User
from app.config import Settings
from app.db import PAGE_WAITS, Database, open_database
from app.portal import Portal
from app.tickets import tickets_of
from app.web.factory import create_app
from tests.web.test_contact import filled

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def impatient(portal: Portal) -> Iterator[Portal]:
    """A portal that waits for the lock as its pages do, only a twentieth as long."""
    patient, portal.database = portal.database, open_database(str(portal.database.url), replace(PAGE_WAITS, lock=0.2))
    yield portal
    portal.database.close()
    portal.database = patient


@pytest.fixture
def locked(impatient: Portal) -> Callable[[], closing[sqlite3.Connection]]:
    def lock() -> closing[sqlite3.Connection]:
        other = sqlite3.connect(impatient.database.url.database or "", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        return closing(other)

    return lock


def waits(database: Database) -> list[float]:
    """Seconds that each kind of session waits for the lock."""
    found = []
    for session in (database.session, database.durable_session, database.aside_session):
        with session() as db:
            found.append(int(db.scalar(text("PRAGMA busy_timeout")) or 0) / 1000)
    return found


def test_a_person_waits_a_few_seconds_for_the_lock_and_the_worker_longer(settings: Settings) -> None:
    app = create_app(settings)
    assert waits(app.extensions["portal"].database) == [4, 4, 0.2]
    app.extensions["portal"].close()
    with closing(open_database(settings.resolved_database_url)) as database:
        assert waits(database) == [15, 15, 0.2]


def test_a_request_gets_a_503_with_its_words_and_can_be_sent_again(
    client: FlaskClient, impatient: Portal, locked: Callable[[], closing[sqlite3.Connection]]
) -> None:
    form = filled(client, message="It was charged twice, on the 3rd and the 4th.")
    with locked():
        refused = client.post("/en/contact", data=form)
        assert refused.status_code == 503 and refused.headers["Retry-After"]
        assert "on the 3rd and the 4th" in refused.get_data(as_text=True)
    with impatient.database.session() as db:
        assert tickets_of(db, "dana@example.com") == []
    assert client.post("/en/contact", data=form).status_code == 303
    with impatient.database.session() as db:
        assert len(tickets_of(db, "dana@example.com")) == 1


def test_people_and_programs_read_on_though_their_last_use_cannot_be_noted(
    impatient: Portal,
    signed_in: Callable[..., FlaskClient],
    add_person: Callable[..., User],
    locked: Callable[[], closing[sqlite3.Connection]],
) -> None:
    person = signed_in()
    with impatient.database.durable_session() as db:
        token = make_token(db, add_person("program@example.com", Role.AGENT), "reader", ("read",), LONG_AGO)
        db.execute(update(SessionRow).values(last_seen_at=datetime.now(UTC) - timedelta(hours=1)))
    headers = {"Authorization": f"Bearer {token}"}
    with locked():
        assert person.get("/en/requests").status_code == 200
        assert person.get("/api/v1/search?q=card", headers=headers).status_code == 200
    assert person.get("/api/v1/search?q=card", headers=headers).status_code == 200


def test_a_process_has_a_connection_for_each_request_and_for_what_it_writes_meanwhile(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/pool.sqlite3")
    with closing(database), ExitStack() as open_at_once:
        for _ in range(2 * 16 + 1):
            assert open_at_once.enter_context(database.session()).scalar(text("SELECT 1")) == 1
