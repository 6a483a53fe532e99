"""Who acts in a request, as far as settings, consent and the browser's wish let us know."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from app.accounts import Role
from app.deflection import Actor
from app.web.visitors.visitors import actor, clean_tab, new_tab

COOKIE = "hylla_visitor"


def watched(app: Flask) -> tuple[FlaskClient, list[Actor]]:
    """A client, and what each visit to /watched was taken for."""
    seen: list[Actor] = []

    @app.get("/watched")
    def watch() -> Response:
        seen.extend([actor(), actor()])
        return Response("", headers={"Cache-Control": "public, max-age=60"})

    return app.test_client(), seen


def test_a_visitor_gets_one_cookie_and_keeps_it(app: Flask) -> None:
    client, seen = watched(app)
    answer = client.get("/watched?t=n-abc", headers={"User-Agent": "Mozilla"})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Max-Age" not in cookie, "it ends with the browser's session"
    assert answer.headers["Cache-Control"] == "no-store", "an answer that sets a cookie is kept nowhere"
    assert "Set-Cookie" not in client.get("/watched").headers
    assert len({a.visitor for a in seen}) == 1
    assert seen[0] == Actor(visitor=seen[0].visitor, tab="n-abc", account=None, role="customer", ua="Mozilla")
    assert client.application.test_client().get("/watched").headers["Set-Cookie"] != cookie


def test_requests_that_leave_a_page_before_the_first_cookie_came_are_one_visitor(app: Flask) -> None:
    _, seen = watched(app)

    def visitor_of(tab: str, agent: str = "Mozilla", address: str = "127.0.0.1") -> str | None:
        asks = {"headers": {"User-Agent": agent}, "environ_base": {"REMOTE_ADDR": address}}
        app.test_client().get(f"/watched?t={tab}", **asks)  # a suggestion that is cancelled never brings its cookie
        return seen[-1].visitor

    first = visitor_of("mwr9tab")
    assert visitor_of("mwr9tab") == first
    assert first not in {visitor_of("another"), visitor_of("mwr9tab", agent="Other"), visitor_of("mwr9tab", address="192.0.2.7")}
    one, other = visitor_of("n-minted"), visitor_of("n-minted")
    assert one != other, "this one stands in links, and links are shared"


def test_the_operator_can_have_no_cookie_or_one_that_lasts(make_app: Callable[..., Flask]) -> None:
    client, seen = watched(make_app(visitor_cookie="off"))
    assert "Set-Cookie" not in client.get("/watched").headers
    client.set_cookie(COOKIE, "a" * 22, domain="localhost")
    client.get("/watched")
    assert {a.visitor for a in seen} == {None}
    client, _ = watched(make_app(visitor_cookie="days:30"))
    assert f"Max-Age={30 * 86400}" in client.get("/watched").headers["Set-Cookie"]


@pytest.mark.parametrize("header", ["Sec-GPC", "DNT"])
def test_a_browser_that_asks_not_to_be_followed_is_a_tab_and_nothing_more(
    app: Flask, signed_in: Callable[..., FlaskClient], header: str
) -> None:
    _, seen = watched(app)
    client = signed_in(Role.CUSTOMER)
    client.set_cookie(COOKIE, "a" * 22, domain="localhost")
    answer = client.get("/watched?t=tab-1", headers={header: "1"})
    assert not any(c.startswith(COOKIE) for c in answer.headers.getlist("Set-Cookie"))
    assert (seen[0].visitor, seen[0].account, seen[0].tab) == (None, None, "tab-1")
    client.get("/watched", headers={header: "0"})
    assert seen[-1].visitor == "a" * 22
    assert seen[-1].account


def test_where_the_operator_asks_first_only_a_yes_sets_the_cookie(make_app: Callable[..., Flask]) -> None:
    client, seen = watched(make_app(visitor_consent=True))
    for answer, expected in ((None, False), ("no", False), ("maybe", False), ("yes", True)):
        if answer:
            client.set_cookie("hylla_consent", answer, domain="localhost")
        assert ("Set-Cookie" in client.get("/watched").headers) is expected
        assert (seen[-1].visitor is not None) is expected


def test_pages_ask_until_the_question_is_answered_and_lead_back_without_script(make_app: Callable[..., Flask]) -> None:
    client = make_app(visitor_consent=True).test_client()
    page, question = "/en/articles/card-declined", "May we set one cookie"
    asking = client.get(page)
    assert question in asking.text
    assert "Set-Cookie" not in asking.headers
    assert {"Cookie", "Sec-GPC", "DNT"} <= set(asking.headers["Vary"].split(", "))
    answer = client.post("/en/privacy", data={"cookie": "no", "back": "1"}, headers={"Referer": f"http://localhost{page}?x=1"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{page}?x=1")
    quiet = client.get(page)
    assert question not in quiet.text
    assert quiet.headers["ETag"] != asking.headers["ETag"]
    client.delete_cookie("hylla_consent", domain="localhost")
    assert question in client.get(page).text
    assert question not in client.get(page, headers={"Sec-GPC": "1"}).text
    assert question not in client.get("/en/contact").text


def test_an_answer_about_the_cookie_leads_nowhere_but_to_our_own_pages(app: Flask) -> None:
    answer = app.test_client().post(
        "/en/privacy", data={"cookie": "no", "back": "1"}, headers={"Referer": "http://localhost//evil.example/x"}
    )
    assert answer.headers["Location"] == "/en/privacy"
    assert "May we set one cookie" not in app.test_client().get("/en/").text


@pytest.mark.parametrize("value", ["", "x", "a" * 23, "a" * 5000, "<script>", "a" * 21 + "\u00e9"])
def test_a_cookie_that_is_not_ours_is_replaced(app: Flask, value: str) -> None:
    client, seen = watched(app)
    client.get("/watched", headers={"Cookie": f"{COOKIE}={value}".encode().decode("latin-1")})
    assert seen[0].visitor
    assert seen[0].visitor != value


@pytest.mark.parametrize("role", list(Role))
def test_staff_are_marked_and_everybody_signed_in_is_known_by_account(
    app: Flask, signed_in: Callable[..., FlaskClient], role: Role
) -> None:
    _, seen = watched(app)
    signed_in(role).get("/watched")
    assert seen[0].role == ("customer" if role is Role.CUSTOMER else "agent")
    assert seen[0].account


@pytest.mark.parametrize("tab", ["", None, "x" * 65, "a b", "<b>", "a\n", "\u05d0"])
def test_a_tab_id_that_no_page_of_ours_made_is_none(tab: str | None) -> None:
    assert clean_tab(tab) is None


def test_a_tab_id_made_here_is_taken_back() -> None:
    made = new_tab()
    assert clean_tab(made) == made
    assert new_tab() != made


def test_a_long_agent_string_is_cut(app: Flask) -> None:
    client, seen = watched(app)
    client.get("/watched", headers={"User-Agent": "x" * 5000})
    assert len(seen[0].ua) == 300


def test_saying_no_takes_the_cookie_back(app: Flask) -> None:
    client, _ = watched(app)
    client.get("/watched")
    assert client.get_cookie(COOKIE)
    client.post("/en/privacy", data={"cookie": "no"})
    assert client.get_cookie(COOKIE) is None
    assert "Set-Cookie" not in client.get("/watched").headers
