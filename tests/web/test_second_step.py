"""The second step of signing in, as a browser sees it: switched on and off on the account page, asked for after the first."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import segno
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.accounts import Role, User, list_acts, set_password, turn_codes_on
from app.accounts.one_time_codes import code_of_step, step_of
from app.portal import Portal
from app.web import context
from tests.web.conftest import csrf_of
from tests.web.test_accounts import enter, last_link, who

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # the one of the RFC


def code(steps: int = 0, secret: str = SECRET) -> str:
    return code_of_step(secret, step_of(datetime.now(UTC)) + steps)


def guarded(portal: Portal, user: User) -> User:
    """Codes are on for this account since an hour ago."""
    before = datetime.now(UTC) - timedelta(hours=1)
    with portal.database.durable_session() as db:
        assert turn_codes_on(db, user.id, SECRET, code_of_step(SECRET, step_of(before)), before)
    return user


@pytest.fixture
def noam(portal: Portal, add_person: Callable[..., User]) -> User:
    return guarded(portal, add_person("noam@example.com", Role.AGENT))


def hidden(answer: TestResponse, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.text)
    return html.unescape(found[1]) if found else ""


def second(client: FlaskClient, first: TestResponse, given: str) -> TestResponse:
    return client.post("/sign-in/code", data={"step": hidden(first, "step"), "next": hidden(first, "next"), "code": given})


def test_neither_password_nor_link_alone_opens_a_session(client: FlaskClient, portal: Portal, noam: User) -> None:
    first = enter(client, noam.email)
    client.post("/sign-in/link", data={"email": noam.email})
    by_link = client.post(last_link(portal))
    for answer in (first, by_link):
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
        assert 'inputmode="numeric" autocomplete="one-time-code"' in answer.text
    assert who(client) == ""
    assert second(client, by_link, code()).status_code == 303
    assert who(client) == noam.email


def test_the_second_step_leads_back_to_where_the_reader_was(client: FlaskClient, noam: User) -> None:
    first = enter(client, noam.email, next="/en/articles/card-declined")
    wrong = second(client, first, "not a code")
    assert wrong.status_code == 401
    assert "Set-Cookie" not in wrong.headers
    done = second(client, wrong, code())
    assert done.headers["Location"] == "/en/articles/card-declined"
    assert who(client) == noam.email


def test_a_code_that_was_seen_does_not_sign_in_again(app: Flask, client: FlaskClient, noam: User) -> None:
    seen = code()
    assert second(client, enter(client, noam.email), seen).status_code == 303
    other = app.test_client()
    assert second(other, enter(other, noam.email), seen).status_code == 401
    assert who(other) == ""


def test_a_wrong_password_looks_as_it_does_without_codes(client: FlaskClient, noam: User, add_person: Callable[..., User]) -> None:
    add_person("dana@example.com")
    answers = [enter(client, email, "wrong password") for email in ("noam@example.com", "dana@example.com", "none@example.com")]
    assert {answer.status_code for answer in answers} == {401}
    assert len({re.sub(r"\w+@example.com", "", answer.text) for answer in answers}) == 1


@pytest.mark.parametrize("step", ["", "x", "WyJhIiwiYiIsOTk5OTk5OTk5OTld.c2lnbmVkIGJ5IG5vYm9keQ"])
def test_a_second_step_without_a_first_is_nothing(client: FlaskClient, noam: User, step: str) -> None:
    answer = client.post("/sign-in/code", data={"step": step, "code": code()})
    assert answer.status_code == 401
    assert "Sign in again" in answer.text
    assert who(client) == ""


def test_a_first_step_lasts_ten_minutes(client: FlaskClient, noam: User, monkeypatch: pytest.MonkeyPatch) -> None:
    first = enter(client, noam.email)
    later = datetime.now(UTC) + timedelta(minutes=10, seconds=1)
    monkeypatch.setattr(context, "now", lambda: later)
    assert second(client, first, code_of_step(SECRET, step_of(later))).status_code == 401
    assert second(client, enter(client, noam.email), code_of_step(SECRET, step_of(later))).status_code == 303


def test_a_first_step_with_the_old_password_is_worth_nothing_after_a_new_one(client: FlaskClient, portal: Portal, noam: User) -> None:
    first = enter(client, noam.email)
    with portal.database.durable_session() as db:
        set_password(db, noam.id, "another lamp Oslo")
    assert second(client, first, code()).status_code == 401
    assert who(client) == ""


def test_wrong_codes_make_the_account_wait(make_app: Callable[..., Flask], portal: Portal, noam: User) -> None:
    client = make_app(sign_in_attempts=3).test_client()
    for _n in range(3):
        assert second(client, enter(client, noam.email), "x").status_code == 401
    # The password, right each time, buys no more tries; nor would the right code now.
    answer = second(client, enter(client, noam.email), code())
    assert answer.status_code == 429
    assert 890 <= int(answer.headers["Retry-After"]) <= 901
    assert who(client) == ""


def test_staff_switch_codes_on_and_off_with_a_code(app: Flask, signed_in: Callable[..., FlaskClient]) -> None:
    client = signed_in(Role.WRITER)
    token = {"csrf_token": csrf_of(client)}
    assert 'href="/account/codes"' in client.get("/account").text
    page = client.get("/account/codes")
    secret = re.search(r"<code[^>]*>([A-Z2-7]{32})</code>", page.text)
    assert secret
    link = re.search(r'href="(otpauth://[^"]+)"', page.text)
    assert link and html.unescape(link[1]).startswith("otpauth://totp/Fennel:writer@example.com?secret=" + secret[1])
    drawn = re.search(r'role="img" aria-label="The key as a QR code">(<svg.*?</svg>)', page.text)
    wanted = segno.make_qr(html.unescape(link[1]), error="m").svg_inline(
        scale=5, border=4, dark="#000", light="#fff", svgclass=None, lineclass=None
    )
    assert drawn and drawn[1] == wanted and "style=" not in wanted, "the policy lets no style attribute through"
    signed = {"secret": hidden(page, "secret")} | token
    wrong = client.post("/account/codes/on", data=signed | {"code": "x"})
    assert wrong.status_code == 422
    assert secret[1] in wrong.text
    assert client.post("/account/codes/on", data=token | {"secret": SECRET, "code": code()}).status_code == 303
    assert enter(app.test_client(), "writer@example.com").status_code == 303  # a secret that we did not make switches nothing on
    elsewhere = app.test_client()
    enter(elsewhere, "writer@example.com")
    assert client.post("/account/codes/on", data=signed | {"code": code(-1, secret[1])}).status_code == 303
    assert who(elsewhere) == ""
    assert enter(app.test_client(), "writer@example.com").status_code == 200
    assert secret[1] not in client.get("/account/codes").text
    assert client.post("/account/codes/off", data=token | {"code": "x"}).status_code == 422
    assert client.post("/account/codes/off", data=token | {"code": code(1, secret[1])}).status_code == 303
    assert enter(app.test_client(), "writer@example.com").status_code == 303


def test_codes_are_for_staff(signed_in: Callable[..., FlaskClient]) -> None:
    client = signed_in(Role.CUSTOMER)
    token = {"csrf_token": csrf_of(client)}
    assert "/account/codes" not in client.get("/account").text
    assert client.get("/account/codes").status_code == 303
    assert client.post("/account/codes/on", data=token | {"code": code()}).status_code == 403


def test_an_admin_resets_codes_and_the_log_says_so(app: Flask, portal: Portal, noam: User, signed_in: Callable[..., FlaskClient]) -> None:
    admin = signed_in(Role.ADMIN)
    token = {"csrf_token": csrf_of(admin)}
    there = f"/admin/users/{noam.id}/reset-codes"
    assert there in admin.get(f"/admin/users/{noam.id}").text
    agent = signed_in(Role.AGENT)
    assert agent.post(there, data={"csrf_token": csrf_of(agent)}).status_code == 403
    assert enter(app.test_client(), noam.email).status_code == 200
    assert admin.post(there, data=token).status_code == 303
    assert enter(app.test_client(), noam.email).status_code == 303
    with portal.database.session() as db:
        assert [(act.actor, act.verb, act.subject) for act in list_acts(db)] == [("admin@example.com", "reset-codes", "noam@example.com")]
