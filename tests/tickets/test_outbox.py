"""What leaves the house: once, in time, and visibly if it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select, update

from app.db import Database
from app.errors import NotFound
from app.tickets import (
    Delivery,
    DeliveryFailed,
    DeliveryRefused,
    Mail,
    count_dead,
    count_pending,
    deliver_due,
    forget_delivered,
    outbox,
    queue_mail,
    troubled_deliveries,
    try_again,
)
from app.tickets.models import DeliveryRow

from .conftest import NOW


class Remote:
    """The other side: takes what it is given, except what `refuses` says."""

    name = "mail"

    def __init__(self, refuses: Callable[[Delivery], Exception | None] = lambda _delivery: None) -> None:
        self.refuses, self.got = refuses, []  # type: ignore[var-annotated]

    def deliver(self, delivery: Delivery, now: datetime) -> str:
        if error := self.refuses(delivery):
            raise error
        self.got.append(delivery.key)
        return f"ref-{delivery.key}"


def put(database: Database, *keys: str, to: str = "dana@example.com") -> None:
    with database.durable_session() as db:
        for key in keys:
            queue_mail(db, Mail(to, "Hello", "Text"), key, NOW)


def rows(database: Database) -> dict[str, DeliveryRow]:
    with database.session() as db:
        return {row.key: row for row in db.scalars(select(DeliveryRow))}


def test_everything_due_is_delivered_once_and_oldest_first(database: Database) -> None:
    put(database, *(f"m{n:02}" for n in range(45)))
    remote = Remote()
    report = deliver_due(database, {"mail": remote}, NOW)
    assert remote.got == [f"m{n:02}" for n in range(45)]
    assert (report.done, report.failed) == (45, 0)
    assert deliver_due(database, {"mail": remote}, NOW + timedelta(days=1)).done == 0
    assert rows(database)["m07"].reference == "ref-m07"


def test_the_same_key_is_queued_once(database: Database) -> None:
    put(database, "m", "m")
    put(database, "m")
    assert len(rows(database)) == 1


def test_a_failure_waits_longer_each_time_and_is_given_up_visibly(database: Database) -> None:
    put(database, "m")
    down = {"mail": Remote(lambda _d: DeliveryFailed("the mail server does not answer"))}
    now, waits = NOW, []
    for attempt in range(1, outbox.MAX_ATTEMPTS + 1):
        report = deliver_due(database, down, now)
        row = rows(database)["m"]
        assert row.attempts == attempt
        waits.append(row.next_try_at - now)
        now = row.next_try_at
    assert report.dead == 1
    assert waits[0] < timedelta(seconds=40)
    assert all(later > earlier * 1.2 for earlier, later in pairwise(waits[:9]))
    assert max(waits) <= outbox.LONGEST_WAIT * 1.2
    with database.session() as db:
        assert count_dead(db) == 1
        assert troubled_deliveries(db)[0].last_error == "the mail server does not answer"
    assert deliver_due(database, down, now + timedelta(days=9)).dead == 0


def test_one_that_never_arrives_blocks_nobody(database: Database) -> None:
    put(database, "poison", "a", "b")
    faults = {"poison": RuntimeError("a fault of the connector")}
    remote = Remote(lambda d: faults.get(d.key))
    report = deliver_due(database, {"mail": remote}, NOW)
    assert remote.got == ["a", "b"]
    assert (report.done, report.failed) == (2, 1)
    assert rows(database)["poison"].last_error == "unforeseen: RuntimeError"


def test_a_refusal_for_good_is_not_tried_again(database: Database) -> None:
    put(database, "m")
    assert deliver_due(database, {"mail": Remote(lambda _d: DeliveryRefused("no such mailbox"))}, NOW).dead == 1


def test_the_other_side_may_ask_us_to_wait_but_not_for_more_than_an_hour(database: Database) -> None:
    put(database, "m")
    deliver_due(database, {"mail": Remote(lambda _d: DeliveryFailed("busy", timedelta(days=3)))}, NOW)
    wait = rows(database)["m"].next_try_at - NOW
    assert timedelta(hours=1) <= wait <= timedelta(hours=1, seconds=5)


def test_a_delivery_without_connector_waits_and_says_so(database: Database) -> None:
    put(database, "m")
    assert deliver_due(database, {}, NOW).failed == 1
    assert "no connector" in rows(database)["m"].last_error


def test_given_up_ones_can_be_tried_again_and_others_cannot(database: Database) -> None:
    put(database, "m")
    deliver_due(database, {"mail": Remote(lambda _d: DeliveryRefused("no such mailbox"))}, NOW)
    row = rows(database)["m"]
    put(database, "waits", "held")
    with database.durable_session() as db:
        db.execute(update(DeliveryRow).where(DeliveryRow.key != "m").values(attempts=3, next_try_at=NOW + timedelta(hours=1)))
        db.execute(update(DeliveryRow).where(DeliveryRow.key == "held").values(claim=f"{outbox._host()}/{os.getppid()}//alive"))
    with database.durable_session() as db:
        try_again(db, row.id, NOW)
    with pytest.raises(NotFound), database.durable_session() as db:
        try_again(db, rows(database)["held"].id, NOW)
    assert [(r.state, r.attempts) for r in rows(database).values()] == [("pending", 0), ("pending", 3), ("pending", 3)]
    remote = Remote()
    deliver_due(database, {"mail": remote}, NOW)
    assert remote.got == ["m"], "the others wait as before"
    with database.durable_session() as db:
        try_again(db, rows(database)["waits"].id, NOW)
    assert deliver_due(database, {"mail": remote}, NOW).done == 1
    with pytest.raises(NotFound), database.durable_session() as db:
        try_again(db, row.id, NOW)


def test_a_round_delivers_no_more_than_it_was_asked_to(database: Database) -> None:
    put(database, *(f"m{n:02}" for n in range(45)))
    remote = Remote()
    assert deliver_due(database, {"mail": remote}, NOW, limit=25).done == 25
    assert remote.got == [f"m{n:02}" for n in range(25)]


def test_two_workers_at_once_deliver_nothing_twice(database: Database) -> None:
    put(database, *(f"m{n}" for n in range(60)))
    remote = Remote()
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _n: deliver_due(database, {"mail": remote}, NOW), range(4)))
    assert sorted(remote.got) == sorted(f"m{n}" for n in range(60))
    assert sum(r.done for r in reports) == 60
    assert sum(r.lost for r in reports) == 0


def test_a_claim_of_a_killed_worker_is_taken_over_at_once(database: Database) -> None:
    put(database, "m")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    started = outbox._started(gone.pid) or "1"
    gone.wait()
    with database.durable_session() as db:
        db.execute(update(DeliveryRow).values(claim=f"{outbox._host()}/{gone.pid}/{started}/dead", claimed_at=NOW))
    remote = Remote()
    assert deliver_due(database, {"mail": remote}, NOW).done == 1


def test_a_claim_of_a_process_that_may_not_be_asked_is_respected_unless_its_number_was_given_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", forbidden)
    for started, done in ((outbox._started(os.getppid()), 0), ("", 0), ("1", 1)):
        put(database, f"m{started}")
        with database.durable_session() as db:
            claim = f"{outbox._host()}/{os.getppid()}/{started}/theirs"
            db.execute(update(DeliveryRow).where(DeliveryRow.state == "pending").values(claim=claim, claimed_at=NOW))
        assert bool(deliver_due(database, {"mail": Remote()}, NOW).done) == bool(done)


def test_a_claim_of_this_process_holds_as_long_as_its_round_lasts(database: Database) -> None:
    put(database, "m")
    claim = outbox._new_claim()
    with database.durable_session() as db:
        db.execute(update(DeliveryRow).values(claim=claim, claimed_at=NOW))
    assert deliver_due(database, {"mail": Remote()}, NOW).done == 0
    outbox._active.discard(claim)
    assert deliver_due(database, {"mail": Remote()}, NOW).done == 1


def test_of_a_process_that_is_gone_nobody_knows_when_it_started() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert outbox._started(gone.pid) == "" != outbox._started(os.getpid())


@pytest.mark.parametrize("jump", [timedelta(days=-1), timedelta(days=3652)])
def test_a_jump_of_the_clock_does_not_take_a_claim_from_a_living_worker(database: Database, jump: timedelta) -> None:
    put(database, "m")
    parent = os.getppid()
    with database.durable_session() as db:
        claim = f"{outbox._host()}/{parent}/{outbox._started(parent)}/alive"
        db.execute(update(DeliveryRow).values(claim=claim, claimed_at=NOW))
    remote = Remote()
    assert deliver_due(database, {"mail": remote}, NOW + jump).done == 0
    assert remote.got == []


def test_a_wait_written_while_the_clock_was_wrong_does_not_strand_a_mail(database: Database) -> None:
    put(database, "m")
    future = NOW + timedelta(days=3652)
    deliver_due(database, {"mail": Remote(lambda _d: DeliveryFailed("down"))}, future)
    remote = Remote()
    deliver_due(database, {"mail": remote}, NOW)
    assert remote.got == ["m"]


def test_a_worker_that_lost_its_claim_does_not_overwrite_what_the_other_wrote(database: Database) -> None:
    put(database, "m")

    def taken_over(_delivery: Delivery) -> None:
        with database.durable_session() as db:
            db.execute(update(DeliveryRow).values(claim="elsewhere/1/1/x", last_error="as the other left it"))

    report = deliver_due(database, {"mail": Remote(taken_over)}, NOW)
    assert (report.done, report.lost) == (0, 1)
    assert rows(database)["m"].last_error == "as the other left it"


def test_delivered_mail_is_forgotten_after_a_while_and_the_rest_is_not(database: Database) -> None:
    put(database, "old")
    deliver_due(database, {"mail": Remote()}, NOW)
    put(database, "waiting")
    with database.durable_session() as db:
        assert forget_delivered(db, NOW + timedelta(seconds=1)) == 1
        assert count_pending(db) == 1
