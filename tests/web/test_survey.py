"""The calibration question: rarely asked, never twice, refusable, and never in the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app import deflection
from app.deflection.asking.survey import may_ask

QUESTION = "Did you find what you needed?"
AGENT = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}


@pytest.fixture
def client(make_app):
    app = make_app(survey_share=1.0)
    client = app.test_client()
    client.portal = app.extensions["portal"]
    return client


def _earlier(client, visitor="v" * 22, minutes=30, role="customer", i=1):
    """A search of this browser some time ago."""
    now = int((datetime.now(UTC) - timedelta(minutes=minutes)).timestamp() * 1000)
    event = deflection.Search(
        event_id=f"e{visitor}{i}", t_recv=now, t_client=now, t_sent=now, visitor=visitor, tab="t1", role=role, search_id=f"s{visitor}{i}",
        q="lost card", mode="submit", n_results=1,
    )  # fmt: skip
    with client.portal.database.session() as db:
        deflection.record(db, event)
    client.set_cookie("hylla_visitor", visitor, domain="localhost")
    return event.search_id


def _page(client):
    return client.get("/en/search?q=card", headers=AGENT).get_data(as_text=True)


def _said(client):
    with client.portal.database.session() as db:
        return db.execute(text("SELECT body FROM event WHERE type = 'survey' ORDER BY rowid")).scalars().all()


def _press(client, search_id, found):
    data = {"search_id": search_id, "found": found, "next": "/en/search?q=card"}
    return client.post("/survey", data=data, headers={**AGENT, "Origin": "http://localhost"})


def test_question_comes_at_the_next_visit_and_only_once(client):
    _earlier(client)
    assert QUESTION in _page(client)
    assert QUESTION not in _page(client)
    _earlier(client, minutes=20, i=2)
    assert QUESTION not in _page(client), "not twice within 30 days"


def test_nobody_is_asked_about_what_they_are_doing_right_now(client):
    _earlier(client, minutes=2)
    assert QUESTION not in _page(client)


def test_an_answer_is_recorded_once_and_feeds_no_outcome(client):
    search = _earlier(client)
    _page(client)
    assert _press(client, search, "no").headers["Location"].endswith("/en/search?q=card")
    _press(client, search, "yes")
    answers = [body for body in _said(client) if "answered" in body]
    assert answers == [f'{{"answered":false,"search_id":"{search}"}}']


def test_nobody_answers_who_was_not_asked_about_this_very_search(client):
    search = _earlier(client)
    _press(client, search, "no")
    assert _said(client) == [], "not asked yet"
    _page(client)
    other = _earlier(client, minutes=20, i=2)
    _press(client, other, "no")
    client.set_cookie("hylla_visitor", "w" * 22, domain="localhost")
    _press(client, search, "no")
    assert [body for body in _said(client) if "answered" in body] == [], "another search, and another browser"
    client.set_cookie("hylla_visitor", "v" * 22, domain="localhost")
    _press(client, search, "yes")
    assert [body for body in _said(client) if "answered" in body] == [f'{{"answered":true,"search_id":"{search}"}}']


def test_who_says_never_is_never_asked_again(client):
    search = _earlier(client)
    _page(client)
    _press(client, search, "never")
    with client.portal.database.session() as db:
        db.execute(text("UPDATE survey_asked SET at = 0"))
    _earlier(client, minutes=20, i=2)
    assert QUESTION not in _page(client)


def test_a_refusal_outlives_the_visitor_cookie(client):
    search = _earlier(client)
    _page(client)
    _press(client, search, "never")
    client.delete_cookie("hylla_visitor", domain="localhost")
    _earlier(client, visitor="w" * 22, i=3)
    assert QUESTION not in _page(client)
    client.delete_cookie("hylla_no_questions")
    assert QUESTION in _page(client), "only the refusal kept it away"


def test_staff_are_not_asked(client):
    _earlier(client, role="agent")
    assert QUESTION not in _page(client)


def test_share_decides_by_the_search_alone():
    from app.deflection.asking.survey import is_sampled

    ids = [f"s{i}" for i in range(20_000)]
    chosen = [id for id in ids if is_sampled(id, 0.05)]
    assert abs(len(chosen) / len(ids) - 0.05) < 0.006
    assert set(chosen) <= {id for id in ids if is_sampled(id, 0.1)}


def test_an_answer_sends_nobody_to_another_site(client):
    data = {"search_id": "s1", "found": "yes", "next": "//evil.example/"}
    assert client.post("/survey", data=data, headers={**AGENT, "Origin": "http://localhost"}).headers["Location"] == "/"


def test_signing_in_is_no_way_to_be_asked_twice(client):
    now = datetime.now(UTC)
    browser = deflection.Actor(visitor="v" * 22, tab="t1", account=None, role="customer", ua="")
    both = deflection.Actor(visitor="v" * 22, tab="t1", account="u1", role="customer", ua="")
    elsewhere = deflection.Actor(visitor="w" * 22, tab="t2", account="u1", role="customer", ua="")
    with client.portal.database.session() as db:
        deflection.question_asked(db, browser, "s1", now)
        assert not may_ask(db, both, "s2", 1.0, now)
        deflection.question_asked(db, both, "s3", now)
        assert not may_ask(db, elsewhere, "s4", 1.0, now)
        assert may_ask(db, elsewhere, "s4", 1.0, now + timedelta(days=31))


def test_a_refusal_without_a_cookie_holds_as_long_as_the_tab(client):
    now = datetime.now(UTC)
    tab = deflection.Actor(visitor=None, tab="tab-9", account=None, role="customer", ua="")
    known = deflection.Actor(visitor="x" * 22, tab="t", account=None, role="customer", ua="")
    with client.portal.database.session() as db:
        deflection.refuse_questions(db, tab, now)
        deflection.refuse_questions(db, known, now)
        assert not may_ask(db, tab, "s1", 1.0, now + timedelta(days=2))
        deflection.forget_asked(db, now + timedelta(days=40))
        assert db.execute(text("SELECT person, refused FROM survey_asked")).all() == [("v:" + "x" * 22, 1)]
