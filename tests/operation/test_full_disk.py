"""A disk without room: writing is refused with a clear answer, reading goes on, and it heals by itself when there is room again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, func, select, text

from app.config import Settings
from app.migrations import upgrade
from app.portal import Portal, open_portal
from app.publishing import publish
from app.tickets.models import DeliveryRow, MessageRow, TicketRow
from app.web.factory import create_app
from tests.cli.operators_desk import PROJECT, Desk

TABLES = (TicketRow, MessageRow, DeliveryRow)
LARGE = "A long story. " * 400


class Disk:
    """How many pages SQLite may use: the same error as a full disk, where nobody may mount one."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.limit = 2**30

    def watch(self) -> None:
        for engine in (self.portal.database.engine, self.portal.database.durable_engine, self.portal.database.aside_engine):
            event.listen(engine, "begin", lambda connection: self._apply(connection))

    def _apply(self, connection: object) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={self.limit}")  # type: ignore[attr-defined]

    def fill(self) -> None:
        with self.portal.database.session() as db:
            self.limit = int(db.scalar(text("PRAGMA page_count")) or 0)

    def make_room(self) -> None:
        self.limit = 2**30


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    desk = Desk(tmp_path)
    environment = desk.environment({"HYLLA_BASE_URL": "http://localhost", "HYLLA_REQUESTS_PER_HOUR": "1000"})
    settings = replace(Settings.from_environ(environment), brand_file=PROJECT / "brand.toml")
    portal = open_portal(settings)
    upgrade(portal.database)
    publish(settings, portal.articles, portal.engine, datetime.now(UTC))
    yield portal
    portal.close()


@pytest.fixture
def client(portal: Portal) -> FlaskClient:
    app = create_app(portal=portal)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app.test_client()


def counts(portal: Portal) -> list[int]:
    with portal.database.session() as db:
        return [db.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES]


@pytest.fixture
def send(client: FlaskClient) -> Callable[[str], int]:
    def send(key: str) -> int:
        body = {"subject": f"Request {key}", "message": LARGE, "email": f"{key}@example.com"}
        return client.post("/api/v1/tickets", json=body, headers={"Idempotency-Key": key}).status_code

    return send


def test_a_full_disk_refuses_requests_keeps_pages_and_heals_without_a_restart(
    portal: Portal, client: FlaskClient, send: Callable[[str], int]
) -> None:
    disk = Disk(portal)
    disk.watch()
    assert send("before") == 201
    for round_ in range(3):
        disk.fill()
        sent = [send(f"full-{round_}-{n}") for n in range(12)]
        assert set(sent) <= {201, 503} and 503 in sent, sent
        refused = client.post("/api/v1/tickets", json={"subject": "S", "message": LARGE, "email": "full@example.com"})
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        assert refused.content_type == "application/problem+json"
        assert client.get("/en/articles/unlock-a-bike").status_code == 200
        found = client.get("/en/search?q=unlock+a+bike")
        assert found.status_code == 200 and b"/en/articles/unlock-a-bike" in found.data
        assert len(set(counts(portal))) == 1, f"a request is whole or not there: {counts(portal)}"

        disk.make_room()
        before = counts(portal)[0]
        refused_earlier = sent.index(503)
        assert send(f"full-{round_}-{refused_earlier}") == 201, "what was refused can be sent again, under the same key"
        assert send(f"full-{round_}-{refused_earlier}") == 201
        assert counts(portal) == [before + 1] * 3
    with portal.database.session() as db:
        assert db.scalar(text("PRAGMA integrity_check")) == "ok"
