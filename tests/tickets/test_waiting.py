"""How long a first reply takes at present, told from the requests themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from app.db import Database
from app.tickets import Author, TicketDraft, WorkingHours, reply, submit, usual_wait, working_time
from tests.tickets.conftest import NOW

AGENT = Author("Noam", "u-1")
ALWAYS = WorkingHours.parse("mon-sun 00:00-24:00", "UTC")
WEEK = WorkingHours.parse("mon-fri 08:00-18:00", "UTC")

Desk = Callable[[list[tuple[timedelta, timedelta | None]]], None]


@pytest.fixture
def requests(database: Database, draft: Callable[..., TicketDraft]) -> Desk:
    """Writes requests of (how long ago, how long until the first reply or None)."""

    def write(ages: list[tuple[timedelta, timedelta | None]]) -> None:
        with database.durable_session() as db:
            for age, wait in sorted(ages, key=lambda a: -a[0]):
                sent = submit(db, draft(), NOW - age)
                if wait is not None:
                    reply(db, sent.ticket.number, AGENT, "Here is how.", "r", NOW - age + wait)

    return write


def wait_of(database: Database, hours: WorkingHours = ALWAYS) -> timedelta | None:
    with database.session() as db:
        return usual_wait(db, hours, NOW)


def test_half_of_the_newest_requests_were_answered_within_the_usual_wait(database: Database, requests: Desk) -> None:
    requests([(timedelta(days=2, hours=n), timedelta(minutes=10 * n)) for n in range(1, 22)])
    assert wait_of(database) == timedelta(minutes=110)


def test_too_few_answered_requests_say_nothing(database: Database, requests: Desk) -> None:
    requests([(timedelta(days=2), timedelta(minutes=30))] * 19 + [(timedelta(days=1), None)] * 5)
    assert wait_of(database) is None


def test_a_desk_that_falls_behind_does_not_look_quick(database: Database, requests: Desk) -> None:
    quick = [(timedelta(days=9), timedelta(minutes=30))] * 20
    requests(quick)
    assert wait_of(database) == timedelta(minutes=30)
    requests([(timedelta(days=8), None)] * 25)
    assert wait_of(database) is None, "more than half have waited for days: nobody knows how long it takes"


def test_a_request_sent_a_minute_ago_does_not_change_the_wait(database: Database, requests: Desk) -> None:
    requests([(timedelta(days=2), timedelta(minutes=30))] * 20 + [(timedelta(minutes=1), None)] * 100)
    assert wait_of(database) == timedelta(minutes=30)


def test_what_was_long_ago_says_nothing_of_now(database: Database, requests: Desk) -> None:
    requests([(timedelta(days=29), timedelta(minutes=30))] * 40)
    assert wait_of(database) is None


@pytest.mark.parametrize(
    ("sent", "answered", "hours"),
    [
        ("2026-11-23T09:00+00:00", "2026-11-23T11:00+00:00", 2),  # a Monday
        ("2026-11-20T17:00+00:00", "2026-11-23T09:00+00:00", 2),  # over the weekend
        ("2026-11-21T12:00+00:00", "2026-11-21T13:00+00:00", 0),  # an answer on a free Saturday
        ("2026-11-23T05:00+00:00", "2026-11-25T08:30+00:00", 20.5),
    ],
)
def test_only_the_time_counts_in_which_somebody_is_at_the_desk(sent: str, answered: str, hours: float) -> None:
    assert working_time(datetime.fromisoformat(sent), datetime.fromisoformat(answered), WEEK) == timedelta(hours=hours)
