"""The whole portal over PostgreSQL, and PostgreSQL restarted under it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, select, text

from app.db import PAGE_WAITS, Base, Database, DatabaseUnavailable, open_database
from app.tickets.models import DeliveryRow, MessageRow, TicketRow
from tests.cli.operators_desk import PROJECT, Desk
from tests.operation.running_portal import RunningPortal, acknowledged_by, writing
from tests.postgres import Cluster, running_cluster
from tests.waiting import until

PASSWORD = "tiger lamp Oslo"
FIRST_ANSWER = 5.0
"""Seconds after PostgreSQL accepts again within which the portal has to be ready."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as made:
        yield made


@pytest.fixture(scope="module")
def portal(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    desk = Desk(tmp_path_factory.mktemp("postgresql"))
    with RunningPortal(desk, HYLLA_DATABASE_URL=cluster.url).start() as portal:
        portal.ready_within(60)
        yield portal


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    database = open_database(cluster.url)
    yield database
    database.close()


def kb(portal: RunningPortal, *args: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flask", "kb", *args]
    return subprocess.run(
        command, cwd=PROJECT, env=portal.environment, input=given, capture_output=True, text=True, timeout=120, check=False
    )


def test_two_nodes_that_start_together_migrate_once_and_the_schema_is_that_of_the_models(cluster: Cluster) -> None:
    admin = open_database(cluster.url)
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE together"))
    admin.close()
    url = cluster.url.replace("/postgres?", "/together?")
    node = "import sys; from app.db import open_database; from app.migrations import upgrade; upgrade(open_database(sys.argv[1]))"
    nodes = [subprocess.Popen([sys.executable, "-c", node, url], cwd=PROJECT, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [node.communicate(timeout=60)[1] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0, 0], said
    import app.accounts
    import app.deflection  # noqa: F401

    database = open_database(url)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    database.close()


def test_signing_in_searching_and_writing_reach_postgresql_and_are_worked_on(portal: RunningPortal, database: Database) -> None:
    assert kb(portal, "user", "add", "noam@example.com", "--role", "agent", given=PASSWORD).returncode == 0
    answer = portal.post_form("/sign-in", {"email": "noam@example.com", "password": PASSWORD})
    assert answer.status == 303
    assert portal.get("/agent/", Cookie=answer.cookies).status == 200

    search_page = portal.get("/en/search?q=unlock+a+bike&t=tab-1")
    assert search_page.status == 200 and b"/en/articles/unlock-a-bike" in search_page.body

    token = portal.form_token()
    fields = {"form": token, "subject": "The lock stays shut", "message": "Since noon.", "email": "dana@example.com", "t": "tab-1"}
    assert portal.post_form("/en/contact", fields).status == 303

    def delivered() -> bool:
        with database.session() as db:
            return list(db.scalars(select(DeliveryRow.state).join(TicketRow, TicketRow.id == DeliveryRow.ticket_id))) == ["done"]

    until(delivered, 20, "the delivery of the confirmation")
    mails = list((portal.desk.folder / "var" / "mail").iterdir())
    assert any("dana@example.com" in mail.read_text(errors="replace") for mail in mails)

    def judged() -> set[str]:
        exported = kb(portal, "outcomes", "export")
        assert exported.returncode == 0, exported.stderr
        return {json.loads(line)["outcome"] for line in exported.stdout.splitlines()}

    assert until(judged, 20, "an outcome")
    with database.session() as db:
        assert db.scalar(text("SELECT count(*) FROM event WHERE type = 'search'")) >= 1


class Reader(threading.Thread):
    """Asks for an article and a search page without pause, and counts the statuses."""

    def __init__(self, portal: RunningPortal) -> None:
        super().__init__(daemon=True)
        self.portal = portal
        self.statuses: Counter[int] = Counter()
        self.enough = threading.Event()

    def run(self) -> None:
        while not self.enough.is_set():
            for path in ("/en/articles/unlock-a-bike", "/en/search?q=bike"):
                self.statuses[self.portal.get(path).status] += 1


def test_postgresql_restarted_under_traffic_costs_503s_and_nothing_else(
    portal: RunningPortal, cluster: Cluster, database: Database
) -> None:
    customers, reader = writing(portal, 4), Reader(portal)
    reader.start()

    def written() -> int:
        return sum(len(c.acknowledged) for c in customers)

    for mode in ("fast", "immediate", "fast"):
        wanted = written() + 6
        until(lambda wanted=wanted: written() >= wanted, 30, "acknowledged requests")
        cluster.stop(mode)
        assert until(lambda: portal.get("/readyz").status == 503, 10, "unreadiness")
        assert portal.get("/healthz").status == 200
        cluster.start()
        began = time.monotonic()
        portal.ready_within(20)
        assert time.monotonic() - began <= FIRST_ANSWER
    wanted = written() + 6
    until(lambda: written() >= wanted, 30, "requests after the last restart")
    acknowledged = acknowledged_by(customers)
    reader.enough.set()
    reader.join(timeout=30)

    assert set(reader.statuses) <= {200, 503}, reader.statuses
    statuses = Counter[int]()
    for customer in customers:
        statuses.update(customer.statuses)
    assert set(statuses) <= {303, 201, 503}, statuses
    assert statuses[503] > 0, "the restarts have to be noticed, or this proves nothing"
    with database.session() as db:
        rows = {row.key: (row.number, row.id) for row in db.scalars(select(TicketRow))}
        assert {key: rows[key][0] for key in acknowledged} == acknowledged
        assert len({number for number, _ in rows.values()}) == len(rows) == db.scalar(select(func.count()).select_from(TicketRow))
        for table in (MessageRow, DeliveryRow):
            per_ticket = Counter(db.scalars(select(table.ticket_id)))
            assert {ticket for _, ticket in rows.values()} == set(per_ticket)
            assert max(per_ticket.values()) == 1
        events = Counter(db.scalars(text("SELECT ref FROM event WHERE type = 'ticket'")))
        assert set(events) == {ticket for _, ticket in rows.values()} and max(events.values()) == 1


def test_a_server_that_falls_silent_is_away_once_it_has_not_answered_in_time(cluster: Cluster) -> None:
    database = open_database(cluster.url, replace(PAGE_WAITS, answer=0.3))
    patient = open_database(cluster.url)
    with patient.durable_session() as db:
        db.execute(text("CREATE TABLE said (word text)"))
    with closing(database), closing(patient), database.durable_session() as db:
        assert db.scalar(text("SELECT count(*) FROM said")) == 0
        with cluster.silent(), pytest.raises(DatabaseUnavailable) as found:
            db.execute(text("INSERT INTO said VALUES ('lost')"))
        assert "has not answered for 0.3 s" in found.value.reason
        db.rollback()
        with database.durable_session() as after:
            assert after.scalar(text("SELECT count(*) FROM said")) == 0, "half a transaction is none, and nothing had to be started anew"
        with patient.session() as work:
            assert work.scalar(text("SELECT 1 FROM pg_sleep(0.5)")) == 1, "the worker waits as long as it takes"
