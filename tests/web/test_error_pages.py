"""What an error page tells: whether what was sent arrived, when we are back, and nothing twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient

from app.accounts import Role
from app.errors import Unavailable
from app.web.contact import contact, requests
from tests.web.conftest import csrf_of


def form_of(client: FlaskClient, path: str = "/en/contact") -> dict[str, str]:
    page = client.get(path).get_data(as_text=True)
    token = re.search(r'name="form" value="([^"]+)"', page)
    assert token
    return {
        "form": token[1],
        "subject": "Card declined in Lisbon",
        "message": "It was declined twice at the till.",
        "email": "dana@example.com",
    }


def broken(*_args: Any, **_more: Any) -> Any:
    raise RuntimeError("broken on purpose")


def heading(page: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.S)
    assert found
    return found[1]


def test_a_fault_before_the_request_is_safe_says_that_it_was_not_sent_and_keeps_the_words(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = form_of(client)
    monkeypatch.setattr(contact, "submit_ticket", broken)
    answer = client.post("/en/contact", data=form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert heading(page) == "Something broke on our side" and "Your request was not sent." in page
    assert "It was declined twice at the till." in page
    assert re.search(r"<code>[0-9a-f]{8}</code>", page)


def test_a_fault_after_the_request_is_safe_says_that_it_was_sent_and_its_number(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = form_of(client)
    monkeypatch.setattr(contact, "_sent", broken)
    page = client.post("/en/contact", data=form).get_data(as_text=True)
    assert "Your request was sent. Its number is 10001." in page
    assert "<textarea" not in page, "nothing is offered to be sent again"


def test_a_reply_that_was_not_sent_says_so_in_the_readers_language(
    signed_in: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = signed_in(Role.CUSTOMER)
    form = form_of(customer)
    customer.post("/sv/contact", data=form | {"csrf_token": csrf_of(customer)})
    monkeypatch.setattr(requests, "continue_ticket", broken)
    answer = customer.post("/sv/requests/10001/reply", data={"message": "Det går nu.", "csrf_token": csrf_of(customer)})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert '<html lang="sv"' in page and "Ditt svar skickades inte." in page and "Det går nu." in page


def test_what_is_down_gets_a_reference_that_the_log_knows(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_args: Any, **_more: Any) -> Any:
        raise Unavailable("the disk is full")

    form = form_of(client)
    monkeypatch.setattr(contact, "submit_ticket", down)
    with structlog.testing.capture_logs() as records:
        answer = client.post("/en/contact", data=form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    assert "Your request was not sent." in page and "It was declined twice at the till." in page
    assert [r["reference"] for r in records if r["event"] == "unavailable"] == re.findall(r"<code>([0-9a-f]{8})</code>", page)


def test_a_closed_door_says_once_why_it_is_closed(signed_in: Callable[..., FlaskClient]) -> None:
    answer = signed_in(Role.CUSTOMER).get("/reports/")
    page = answer.get_data(as_text=True)
    main = page.split("<main", 1)[1]
    assert answer.status_code == 403 and heading(page) == "This page is for staff"
    assert main.count("This page is for staff") == 1


def test_what_is_sent_after_a_sign_in_ended_is_said_not_to_be_saved_and_shown(client: FlaskClient) -> None:
    client.get("/sign-in")
    answer = client.post("/reports/groups/1", data={"act": "rename", "name": "Cards lost abroad"}, headers={"Origin": "http://localhost"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 403 and heading(page) == "You need to sign in to see this"
    assert "Nothing of what you sent was saved." in page and "Cards lost abroad" in page


def test_what_another_site_sent_is_not_answered_with_a_sign_in(client: FlaskClient) -> None:
    page = client.post("/en/contact", data=form_of(client), headers={"Origin": "https://evil.example"}).get_data(as_text=True)
    assert heading(page) == "This came from another site"
    assert "It was declined twice at the till." in page


# --- planned maintenance ----------------------------------------------------------------------------------------------------


def in_an_hour() -> str:
    return f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize("path", ["/en/", "/sv/search?q=kort", "/sign-in", "/nowhere", "/agent/"])
def test_planned_maintenance_answers_every_page_with_the_time_it_ends(make_app: Callable[..., Flask], path: str) -> None:
    until = in_an_hour()
    answer = make_app(maintenance_until=until).test_client().get(path)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 503 and 0 < int(answer.headers["Retry-After"]) <= 3660
    assert until[-5:] in heading(page)
    assert "503" not in heading(page)


def test_planned_maintenance_asks_no_database_and_keeps_what_was_sent(make_app: Callable[..., Flask]) -> None:
    app = make_app(maintenance_until=in_an_hour())
    app.extensions["portal"].database.session = broken
    client = app.test_client()
    client.set_cookie("hylla_session", "anything", domain="localhost")
    answer = client.post("/en/contact", data={"message": "It was declined twice at the till."})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 503
    assert "Your request was not sent." in page and "It was declined twice at the till." in page


def test_planned_maintenance_leaves_probes_and_the_look_of_its_page(make_app: Callable[..., Flask]) -> None:
    client = make_app(maintenance_until=in_an_hour()).test_client()
    sheet = re.search(r'href="(/static/[^"]+\.css)"', client.get("/en/").get_data(as_text=True))
    assert sheet
    with client.get(sheet[1]) as served:
        assert served.status_code == 200
    assert client.get("/healthz").status_code == 200
    problem = client.get("/api/v1/search?q=card")
    assert problem.status_code == 503 and problem.content_type == "application/problem+json"


def test_planned_maintenance_ends_by_itself(make_app: Callable[..., Flask]) -> None:
    assert make_app(maintenance_until="2026-01-01 06:00").test_client().get("/en/").status_code == 200
