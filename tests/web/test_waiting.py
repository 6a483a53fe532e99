"""The waiting time beside “Send a request”: measured, in words, outside hours from when, and never a reason for a page to fail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask, g

from app.portal import Portal
from app.tickets import Author, TicketDraft, reply, submit
from app.web.contact.waiting import hours_in_words, waiting_now

ALWAYS = "mon-sun 00:00-24:00"
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def answer_requests(app: Flask, wait: timedelta, now: datetime) -> None:
    """Twenty requests of yesterday, each answered after `wait`, and the waiting time measured."""
    portal: Portal = app.extensions["portal"]
    with portal.database.durable_session() as db:
        for n in range(20):
            draft = TicketDraft(subject="Card", message="It is stuck.", email="dana@example.com", key=f"form/{wait}/{n}")
            sent = submit(db, draft, now - timedelta(days=1))
            reply(db, sent.ticket.number, Author("Noam", "u-1"), "Here is how.", "r", now - timedelta(days=1) + wait)
    app.extensions["waiting_time"].measure(now)


def said(app: Flask, now: datetime, locale: str = "en") -> str:
    with app.test_request_context(f"/{locale}/"):
        g.now = now
        return waiting_now()


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (timedelta(minutes=3), "Waiting time now: about 5 minutes"),
        (timedelta(minutes=42), "Waiting time now: about 45 minutes"),
        (timedelta(minutes=80), "Waiting time now: about 1 hour"),
        (timedelta(hours=3, minutes=10), "Waiting time now: about 3 hours"),
    ],
)
def test_the_wait_is_told_in_words_people_use(make_app: Callable[..., Flask], wait: timedelta, words: str) -> None:
    app = make_app(working_hours=ALWAYS)
    answer_requests(app, wait, MONDAY)
    assert said(app, MONDAY) == words


def test_a_wait_that_does_not_end_today_names_the_day_it_ends(make_app: Callable[..., Flask]) -> None:
    app = make_app(working_hours="mon-fri 08:00-10:00")
    answer_requests(app, timedelta(days=4), MONDAY + timedelta(days=4))  # Thursday 09:00 to Monday 09:00: four working hours
    assert said(app, MONDAY) == "Waiting time now: until about 09:00 on Wednesday, 25 November"


def test_a_desk_that_never_closes_does_not_close_at_midnight(make_app: Callable[..., Flask]) -> None:
    app = make_app(working_hours=ALWAYS)
    late = MONDAY.replace(hour=23, minute=50)
    answer_requests(app, timedelta(minutes=40), late)
    assert said(app, late) == "Waiting time now: about 45 minutes"


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-11-23T06:30+00:00", "We answer from 08:00"),
        ("2026-11-23T21:00+00:00", "We answer from 08:00 tomorrow"),
        ("2026-11-27T21:00+00:00", "We answer from 08:00 on Monday, 30 November"),
    ],
)
def test_outside_working_hours_it_says_from_when_somebody_answers(make_app: Callable[..., Flask], moment: str, words: str) -> None:
    app = make_app(working_hours="mon-fri 08:00-20:00")
    answer_requests(app, timedelta(minutes=10), MONDAY)
    assert said(app, datetime.fromisoformat(moment)) == words


def test_an_unknown_wait_leaves_the_hours_only(make_app: Callable[..., Flask]) -> None:
    app = make_app(working_hours="mon-fri 08:00-20:00; sat 10:00-16:00")
    assert said(app, MONDAY) == ""
    with app.test_request_context("/en/"):
        assert hours_in_words().translate(dict.fromkeys((0x2060, 0x2066, 0x2069))) == "Mon–Fri 08:00–20:00, Sat 10:00–16:00"
    assert "Mon–Fri" in app.test_client().get("/en/").get_data(as_text=True)


def test_the_kept_home_page_changes_with_the_waiting_time_and_articles_do_not(make_app: Callable[..., Flask]) -> None:
    app = make_app(working_hours=ALWAYS)
    now = datetime.now(UTC)
    client = app.test_client()
    answer_requests(app, timedelta(minutes=10), now)
    before = {path: client.get(path).headers["ETag"] for path in ("/en/", "/en/categories/cards", "/en/articles/card-declined")}
    assert client.get("/en/", headers={"If-None-Match": before["/en/"]}).status_code == 304
    answer_requests(app, timedelta(minutes=2), now)
    assert "Waiting time now: about 5 minutes" in client.get("/en/").get_data(as_text=True)
    changed = {path for path, etag in before.items() if client.get(path).headers["ETag"] != etag}
    assert changed == {"/en/", "/en/categories/cards"}


def test_a_page_neither_waits_nor_fails_when_the_wait_cannot_be_measured(make_app: Callable[..., Flask], portal: Portal) -> None:
    app = make_app(working_hours=ALWAYS)
    answer_requests(app, timedelta(minutes=10), datetime.now(UTC))
    waiting = app.extensions["waiting_time"]
    waiting.portal.database.engine.dispose()
    from app.tickets.models import TicketRow

    TicketRow.__table__.drop(waiting.portal.database.engine)
    later = datetime.now(UTC) + timedelta(minutes=10)
    assert said(app, later) == "Waiting time now: about 10 minutes", "the last known one stays a while"
    with waiting._measuring:  # the attempt has ended
        pass
    assert said(app, later + timedelta(hours=2)) == "", "and is not told when it is old"
    assert app.test_client().get("/en/").status_code == 200
