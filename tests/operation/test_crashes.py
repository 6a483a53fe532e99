"""kill -9 of everything that serves and publishes: what was acknowledged stays, what is searched is found, and nothing is left lying about."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.db import open_database
from app.tickets.models import DeliveryRow, TicketRow
from tests.cli.operators_desk import PROJECT, Desk
from tests.operation.running_portal import RunningPortal, acknowledged_by, children, writing
from tests.tickets.test_crash import check
from tests.waiting import until

READY = 3.0
"""Seconds within which a killed portal has to serve again; on a machine that is busy with other tests, twice its first start."""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    """One portal for all of these: it has to survive them."""
    with RunningPortal(Desk(tmp_path_factory.mktemp("crashes"))).start() as portal:
        portal.first_start = portal.ready_within(60)
        yield portal


def kill_worker(portal: RunningPortal) -> None:
    """One of the web's processes; its server starts another."""
    end_at_once([random.choice(children(portal.web()))])


def kill_web(portal: RunningPortal) -> None:
    """The server with all its processes; the supervisor starts it again."""
    web = portal.web()
    end_at_once([web, *children(web)])


def end_at_once(family: list[int]) -> None:
    """kill -9 of the first, and wait until all are gone: an answer of one that is about to die would not be a return."""
    os.kill(family[0], signal.SIGKILL)
    until(lambda: all(is_zombie(pid) for pid in family), 10, "the end of what was killed")


def kill_all(portal: RunningPortal) -> None:
    """The supervisor, after which everything it had started ends by itself; somebody starts the portal again, on the same port."""
    started = family_of(portal.pid)
    portal.kill()
    until(lambda: all(is_zombie(pid) for pid in started), 10, "the end of what a killed supervisor had started")
    portal.start()


def family_of(pid: int) -> list[int]:
    """What a process has started, and these in turn."""
    return [one for child in children(pid) for one in (child, *family_of(child))]


KILLS: list[Callable[[RunningPortal], None]] = [kill_all, kill_web, kill_worker]


def kill_while_customers_write(portal: RunningPortal, kills: int, between: Callable[[], float]) -> tuple[dict[str, int], list[float]]:
    """Kill so many times while four customers write; what they were told, and how long each return took."""
    customers = writing(portal)
    took = []
    for number in range(kills):
        so_far = sum(len(c.acknowledged) for c in customers)
        wanted = so_far + 1 + int(between() * 20)
        until(lambda wanted=wanted: sum(len(c.acknowledged) for c in customers) >= wanted, 20, "acknowledged requests")
        began = time.monotonic()
        KILLS[number % len(KILLS)](portal)
        portal.ready_within(40)
        took.append(time.monotonic() - began)
    more = sum(len(c.acknowledged) for c in customers) + 5
    until(lambda: sum(len(c.acknowledged) for c in customers) >= more, 20, "requests after the last kill")
    return acknowledged_by(customers), took


def test_kill_minus_nine_of_the_web_loses_no_acknowledged_request_and_doubles_none(portal: RunningPortal) -> None:
    acknowledged, took = kill_while_customers_write(portal, 4, random.Random(3).random)
    assert max(took) <= max(READY, 3 * portal.first_start), f"ready again after {took}, first start {portal.first_start}"
    database = open_database(portal.environment["HYLLA_DATABASE_URL"])
    check(database, acknowledged)
    database.close()


def test_one_form_sent_many_times_at_once_is_one_request(portal: RunningPortal) -> None:
    answers: list[tuple[str, str]] = []

    def send(by: Callable[[dict[str, str]], str], words: dict[str, str]) -> None:
        answers.append((words["subject"], by(words)))

    def by_form(fields: dict[str, str]) -> str:
        return portal.post_form("/en/contact", fields).headers.get("Location", "")

    def by_api(body: dict[str, str]) -> str:
        return portal.post_json("/api/v1/tickets", body, **{"Idempotency-Key": body["email"]}).body.decode()

    senders = []
    for number in range(4):
        fields = {"form": portal.form_token(), "subject": f"At once {number}", "message": "Once.", "email": f"p{number}@example.com"}
        body = {"subject": f"At once, by program {number}", "message": "Once.", "email": f"q{number}@example.com", "locale": "en"}
        for _ in range(6):
            senders.append(threading.Thread(target=send, args=(by_form, fields)))
            senders.append(threading.Thread(target=send, args=(by_api, body)))
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert len(answers) == 48
    assert len(set(answers)) == 8, f"every sender of one form was told the same number: {set(answers)}"
    database = open_database(portal.environment["HYLLA_DATABASE_URL"])
    with database.session() as db:
        tickets = list(db.scalars(select(TicketRow.id).where(TicketRow.subject.startswith("At once"))))
        assert len(tickets) == 8
        assert db.scalar(select(func.count()).where(DeliveryRow.ticket_id.in_(tickets))) == 8
    database.close()


class Searcher(threading.Thread):
    """Searches without pause and remembers what was not as it should be."""

    def __init__(self, portal: RunningPortal) -> None:
        super().__init__(daemon=True)
        self.portal = portal
        self.wrong: list[str] = []
        self.count = 0
        self.enough = threading.Event()

    def run(self) -> None:
        while not self.enough.is_set():
            answer = self.portal.get("/api/v1/search?q=unlock+a+bike&locale=en")
            if answer.status != 200 or not any(r["slug"] == "unlock-a-bike" for r in answer.json()["results"]):
                self.wrong.append(f"{answer.status} {answer.body[:300]!r}")
            self.count += 1

    def finished(self) -> list[str]:
        self.enough.set()
        self.join(timeout=30)
        return self.wrong


def write_articles(desk: Desk, name: str, count: int) -> None:
    for number in range(count):
        text = (
            f"---\ntitle: The {name} lamp {number}\nsummary: About {name}.\n---\n\nThe {name} lamp is new. " + "It shines at night. " * 40
        )
        (desk.content / f"articles/en/hire/{name}-lamp-{number}.md").write_text(text)
    desk.commit(f"Articles about the {name} lamp")


def start_publish(portal: RunningPortal) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "flask", "kb", "publish"]
    with (portal.desk.folder / "publish.log").open("wb") as log:
        return subprocess.Popen(command, cwd=PROJECT, env=portal.environment, stdout=log, stderr=log, start_new_session=True)


def kill_publishes(portal: RunningPortal, kills: int, articles: int, chance: random.Random) -> int:
    """Kill so many publishes of new articles, each at a random moment of its life; returns how many were killed in time.

    One that ended before its moment was quicker than the first: another is tried, sooner.
    """
    desk = portal.desk
    write_articles(desk, "first", articles)
    began = time.monotonic()
    assert start_publish(portal).wait(timeout=120) == 0
    usual = time.monotonic() - began
    cut = 0
    for number in range(min(99, 4 * kills)):
        if cut == kills:
            break
        write_articles(desk, f"{'abcdefghij'[number % 10]}{'klmnopqrst'[number // 10]}lamp", articles)
        publish = start_publish(portal)
        try:
            publish.wait(timeout=usual * chance.uniform(0.15, 0.95))
            usual *= 0.7
        except subprocess.TimeoutExpired:
            cut += 1
            os.kill(publish.pid, signal.SIGKILL)
        publish.wait()
        until(lambda pid=publish.pid: not group_runs(pid), 10, "the end of what the killed publish had started")
    return cut


def group_runs(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def generations(desk: Desk) -> list[str]:
    """The index's own folders; beside them stand the pointer, and what is learned or read for all of them."""
    return sorted(p.name for p in (desk.folder / "index").iterdir() if p.is_dir() and "-" in p.name)


def test_kill_minus_nine_of_a_publish_leaves_the_old_revision_served_and_nothing_behind(portal: RunningPortal) -> None:
    desk = portal.desk
    before = len(generations(desk))
    searcher = Searcher(portal)
    searcher.start()
    cut = kill_publishes(portal, 3, 10, random.Random(5))
    assert cut >= 2, "the kills have to hit"
    write_articles(desk, "final", 3)
    assert start_publish(portal).wait(timeout=120) == 0, (desk.folder / "publish.log").read_text()
    until(lambda: portal.get("/en/articles/final-lamp-2").status == 200, 10, "the last article")

    def found() -> set[str]:
        return {r["slug"] for r in portal.get("/api/v1/search?q=final+lamp&locale=en").json()["results"]}

    # Each of two processes looks for a new revision once a second: one may have it before the other.
    until(lambda: "final-lamp-1" in found(), 10, "the last article in search")
    until(lambda: portal.get("/en/articles/aklamp-lamp-1").status == 200, 10, "what the killed publish was about")
    assert searcher.finished() == []
    assert searcher.count > 10
    assert 1 <= len(generations(desk)) <= before + 1, generations(desk)
    leftovers = [p for folder in ("index", "var") for p in (desk.folder / folder).rglob("*") if p.name.endswith((".tmp", ".new", ".draft"))]
    assert leftovers == []


def test_an_ended_portal_leaves_no_process_and_no_mark(portal: RunningPortal) -> None:
    family = [*children(portal.pid), *children(portal.web())]
    assert portal.stop() == 0
    assert [pid for pid in family if Path(f"/proc/{pid}").exists() and not is_zombie(pid)] == []
    assert not list((portal.desk.folder / "var").glob("draining-*"))


def is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
