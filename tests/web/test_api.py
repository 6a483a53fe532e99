"""The JSON API: what programs and pages are told, what they may do, and what they are refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.accounts import Role, User, disable_user, make_token
from app.deflection import Event, Search, View
from app.portal import Portal
from app.tickets import find
from app.tickets.models import DeliveryRow, TicketRow
from tests.web.conftest import csrf_of

NOW = 1_790_000_000_000
TICKET = {"subject": "Card declined in Lisbon", "message": "It was refused twice.", "email": "dana@example.com"}


@pytest.fixture
def token(portal: Portal, add_person: Callable[..., User]) -> Callable[..., dict[str, str]]:
    """Makes the header of a token with these scopes, for a new account of this role."""

    def make(role: Role, *scopes: str) -> dict[str, str]:
        user = add_person(f"program-{role.value}@example.com", role)
        with portal.database.durable_session() as db:
            return {"Authorization": f"Bearer {make_token(db, user, 'tests', scopes, datetime.now(UTC))}"}

    return make


@pytest.fixture
def recorded(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """The events that were handed over to be written."""
    seen: list[Event] = []
    real = portal.events.put

    def put(*events: Event) -> None:
        seen.extend(events)
        real(*events)

    monkeypatch.setattr(portal.events, "put", put)
    return seen


def problem_of(answer: Any, status: int) -> dict[str, str]:
    """The fields that a problem document complains of."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"
    body = answer.get_json()
    assert set(body) == {"type", "title", "status", "detail", "errors"}
    assert body["status"] == status
    return {error["field"]: error["message"] for error in body["errors"]}


def titles(answer: Any) -> set[str]:
    return {hit["title"] for hit in answer.get_json()["results"]}


# --- search -----------------------------------------------------------------------------------------------------------------


def test_a_search_answers_in_the_promised_form(client: FlaskClient, portal: Portal) -> None:
    body = client.get("/api/v1/search?q=activate+card&locale=en").get_json()
    assert set(body) == {"search_id", "query", "locale", "total", "corrected", "did_you_mean", "passage", "revision", "results"}
    assert (body["query"], body["locale"], body["revision"]) == ("activate card", "en", portal.current.get().revision)
    first = body["results"][0]
    assert set(first) == {"rank", "id", "slug", "locale", "category", "title", "url", "snippet", "score"}
    assert (first["rank"], first["slug"], first["url"]) == (1, "activate-your-card", "/en/articles/activate-your-card")
    assert client.get(first["url"]).status_code == 200
    assert "<" not in first["snippet"]


def test_a_search_can_be_narrowed_by_type_and_category(client: FlaskClient) -> None:
    assert titles(client.get("/api/v1/search?q=card&locale=en")) == {"Card declined", "Activate your card"}
    assert titles(client.get("/api/v1/search?q=card&locale=en&type=trouble")) == {"Card declined"}
    assert titles(client.get("/api/v1/search?q=card&locale=en&type=trouble&category=account")) == set()


def test_a_search_finds_what_the_caller_may_see_and_audience_only_ever_narrows_it(
    client: FlaskClient, token: Callable[..., dict[str, str]]
) -> None:
    agent, customer = token(Role.AGENT, "read"), token(Role.CUSTOMER, "read")

    def search(words: str, headers: dict[str, str] | None = None, audience: str = "") -> set[str]:
        return titles(client.get(f"/api/v1/search?q={words}&limit=50{audience and '&audience=' + audience}", headers=headers))

    assert "Quetzal override for agents" in search("quetzal", agent)
    assert "Zinfandel rates for members" in search("zinfandel", customer)
    for audience in ("", "agents", "customers", "public"):
        assert not search("quetzal", None, audience) & {"Quetzal override for agents", "Quetzal på svenska"}
        assert not search("quetzal", customer, audience) & {"Quetzal override for agents", "Quetzal på svenska"}
        assert "Zinfandel rates for members" not in search("zinfandel", None, audience)
    assert "Quetzal override for agents" not in search("quetzal", agent, "customers")
    assert "Zinfandel rates for members" in search("zinfandel", agent, "customers")
    assert "Zinfandel rates for members" not in search("zinfandel", agent, "public")


def test_why_a_result_stands_where_it_stands_is_told_to_staff_and_adds_up(
    client: FlaskClient, token: Callable[..., dict[str, str]]
) -> None:
    address = "/api/v1/search?q=quetzal&explain=1"
    hit = client.get(address, headers=token(Role.AGENT, "read")).get_json()["results"][0]
    assert {"quetzal"} <= {cause["term"] for cause in hit["explanation"]}
    assert sum(cause["score"] for cause in hit["explanation"]) == pytest.approx(hit["score"])
    assert hit["pinned"] is False
    for headers in (None, token(Role.CUSTOMER, "read")):
        assert client.get(address, headers=headers).status_code == 403
    assert "explanation" not in client.get("/api/v1/search?q=card").get_json()["results"][0]


def test_asking_over_the_api_is_a_recorded_search_only_when_asked_for(client: FlaskClient, recorded: list[Event]) -> None:
    client.get("/api/v1/search?q=card")
    client.get("/api/v1/search?q=card&record=0")
    assert recorded == []
    body = client.get("/api/v1/search?q=card&record=1&t=tab-1").get_json()
    (event,) = recorded
    assert isinstance(event, Search)
    assert (event.search_id, event.q, event.surface, event.mode, event.tab) == (body["search_id"], "card", "api", "submit", "tab-1")
    assert event.results == tuple(hit["id"] for hit in body["results"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"),
        ("q=x&limit=0", "limit"),
        ("q=x&limit=51", "limit"),
        ("q=x&limit=ten", "limit"),
        ("q=x&audience=everybody", "audience"),
        ("q=x&record=yes", "record"),
    ],
)
def test_wrong_parameters_are_named(client: FlaskClient, query: str, field: str) -> None:
    assert list(problem_of(client.get(f"/api/v1/search?{query}"), 422)) == [field]


@pytest.mark.parametrize(
    "q", ["", "%00", "*", "%22", "-", "%ff%fe", "(" * 500, "a" * 5000, "title:[a TO z]", "%F0%9F%98%80", "x~9", "\u202e"]
)
def test_whatever_is_searched_for_gets_an_answer(client: FlaskClient, q: str) -> None:
    for path in ("search", "suggest"):
        assert client.get(f"/api/v1/{path}", query_string=f"q={q}").status_code == 200


def test_a_locale_that_is_not_offered_gets_the_best_one_that_is(client: FlaskClient) -> None:
    for wanted, given in (("sv", "sv"), ("sv-FI", "sv"), ("sv_SE", "sv"), ("fr", "en"), ("", "en"), ("../..", "en")):
        assert client.get(f"/api/v1/search?q=kort&locale={wanted}").get_json()["locale"] == given
    assert client.get("/api/v1/search?q=kort", headers={"Accept-Language": "sv"}).get_json()["locale"] == "sv"


def test_searching_too_often_is_answered_with_the_time_to_wait(make_app: Callable[..., Flask]) -> None:
    client = make_app(searches_per_minute=10).test_client()
    assert {client.get("/api/v1/search?q=x").status_code for n in range(20)} == {200}, "whoever is on the machine itself is not counted"
    client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    answers = [client.get("/api/v1/search?q=x", headers={"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(11)]
    assert [a.status_code for a in answers] == [200] * 10 + [429]
    problem_of(answers[-1], 429)
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 61


def test_suggestions_are_articles_and_sections_that_the_caller_may_see(client: FlaskClient, token: Callable[..., dict[str, str]]) -> None:
    body = client.get("/api/v1/suggest?q=activ&locale=en").get_json()
    assert {"type": "article", "title": "Activate your card", "url": "/en/articles/activate-your-card"} in body["suggestions"]
    assert client.get("/api/v1/suggest?q=quetz").get_json()["suggestions"] == []
    agent = client.get("/api/v1/suggest?q=quetz", headers=token(Role.AGENT, "read")).get_json()["suggestions"]
    assert any(s["title"] == "Quetzal override for agents" for s in agent)


# --- articles ---------------------------------------------------------------------------------------------------------------


def test_an_article_comes_with_its_text_in_three_forms(client: FlaskClient, portal: Portal) -> None:
    body = client.get("/api/v1/articles/card-declined?locale=en").get_json()
    assert body["title"] == "Card declined"
    assert body["summary"] == "Why a payment was refused."
    assert body["audience"] == "public"
    assert body["author"] == "Ingrid Holm"
    assert "Check the balance" in body["text"]
    assert "](activate-your-card.md)" in body["markdown"]
    assert 'href="/en/articles/activate-your-card"' in body["html"]
    assert body["revision"] == portal.current.get().revision
    assert datetime.fromisoformat(body["updated_at"]).tzinfo is not None


def test_an_article_comes_in_the_locale_asked_for_or_in_one_that_exists(client: FlaskClient) -> None:
    body = client.get("/api/v1/articles/activate-your-card?locale=sv").get_json()
    assert (body["locale"], body["title"], body["locales"]) == ("sv", "Aktivera ditt kort", ["en", "sv"])
    assert client.get("/api/v1/articles/card-declined?locale=sv").get_json()["locale"] == "en"


def test_an_archived_article_is_gone_and_names_its_successor(client: FlaskClient) -> None:
    answer = client.get("/api/v1/articles/old-fees")
    problem_of(answer, 410)
    assert "/en/articles/close-your-account" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    "slug", ["no-such", "secret-plan", "next-year", "last-year", "override-a-declined-card", "interest-for-members", "%00", "a" * 3000]
)
def test_what_a_visitor_may_not_see_does_not_exist(client: FlaskClient, slug: str) -> None:
    problem_of(client.get(f"/api/v1/articles/{slug}"), 404)


# --- tokens -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["Bearer x", "bearer hylla_x", "Bearer ", "Bearer " + "x" * 5000, "Bearer \u00e9"])
def test_a_wrong_token_is_refused_and_never_taken_for_a_visitor(client: FlaskClient, header: str) -> None:
    answer = client.get("/api/v1/search?q=x", headers={"Authorization": header})
    problem_of(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_does_what_its_scopes_say(client: FlaskClient, token: Callable[..., dict[str, str]]) -> None:
    reader, sender = token(Role.AGENT, "read"), token(Role.WRITER, "tickets:write")
    assert client.get("/api/v1/search?q=x", headers=reader).status_code == 200
    for path in ("search?q=x", "suggest?q=x", "articles/card-declined"):
        problem_of(client.get(f"/api/v1/{path}", headers=sender), 403)
    assert client.post("/api/v1/tickets", json=TICKET, headers=sender).status_code == 201
    problem_of(client.post("/api/v1/tickets", json=TICKET, headers=reader), 403)


def test_a_token_of_a_disabled_account_ends_with_it(client: FlaskClient, portal: Portal, token: Callable[..., dict[str, str]]) -> None:
    header = token(Role.AGENT, "read")
    with portal.database.durable_session() as db:
        from app.accounts import find_user_by_email

        user = find_user_by_email(db, "program-agent@example.com")
        assert user is not None
        disable_user(db, user.id)
    problem_of(client.get("/api/v1/search?q=x", headers=header), 401)


def test_a_token_opens_the_api_and_no_page(client: FlaskClient, token: Callable[..., dict[str, str]]) -> None:
    admin = token(Role.ADMIN, "read", "tickets:write")
    assert client.get("/admin/", headers=admin).status_code == 302
    assert client.get("/en/articles/override-a-declined-card", headers=admin).status_code == 404


def test_what_is_answered_to_a_token_is_kept_in_no_cache(client: FlaskClient, token: Callable[..., dict[str, str]]) -> None:
    assert client.get("/api/v1/search?q=x", headers=token(Role.AGENT, "read")).headers["Cache-Control"] == "no-store"


# --- requests ---------------------------------------------------------------------------------------------------------------


def count_tickets(portal: Portal) -> tuple[int, int]:
    with portal.database.session() as db:
        return db.scalar(select(func.count()).select_from(TicketRow)) or 0, db.scalar(select(func.count()).select_from(DeliveryRow)) or 0


def test_a_request_is_written_down_before_its_number_is_told(client: FlaskClient, portal: Portal) -> None:
    answer = client.post("/api/v1/tickets", json=TICKET | {"name": "Dana", "locale": "sv", "category": "cards"})
    assert answer.status_code == 201
    number = answer.get_json()["number"]
    assert answer.get_json() == {"number": number, "url": f"/sv/requests/{number}"}
    with portal.database.session() as db:
        ticket = find(db, number)
    assert (ticket.subject, ticket.requester_email, ticket.requester_name) == (TICKET["subject"], "dana@example.com", "Dana")
    assert (ticket.locale, ticket.topic, ticket.channel, ticket.account) == ("sv", "cards", "api", None)
    assert ticket.promised_at is not None
    assert count_tickets(portal) == (1, 1)


def test_the_same_key_gives_the_same_answer_and_one_ticket(client: FlaskClient, portal: Portal) -> None:
    key = {"Idempotency-Key": "order-17"}
    first, second = (client.post("/api/v1/tickets", json=TICKET, headers=key) for _ in range(2))
    assert (first.status_code, first.get_json()) == (second.status_code, second.get_json()) == (201, first.get_json())
    assert count_tickets(portal) == (1, 1)
    problem_of(client.post("/api/v1/tickets", json=TICKET | {"message": "Something else."}, headers=key), 409)
    assert count_tickets(portal) == (1, 1)
    assert client.post("/api/v1/tickets", json=TICKET).status_code == 201, "without a key it is another request"
    assert client.post("/api/v1/tickets", json=TICKET, headers={"Idempotency-Key": "order-18"}).status_code == 201
    assert count_tickets(portal)[0] == 3


def test_a_key_belongs_to_whoever_used_it(client: FlaskClient, portal: Portal, token: Callable[..., dict[str, str]]) -> None:
    key = {"Idempotency-Key": "1"}
    first = client.post("/api/v1/tickets", json=TICKET, headers=key).get_json()
    other = client.post("/api/v1/tickets", json=TICKET | {"email": "noam@example.com"}, headers=key | token(Role.AGENT, "tickets:write"))
    assert other.status_code == 201
    assert other.get_json() != first


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"subject", "message", "email"}),
        (TICKET | {"subject": ""}, {"subject"}),
        (TICKET | {"subject": "   "}, {"subject"}),
        (TICKET | {"subject": "x" * 151}, {"subject"}),
        (TICKET | {"email": "dana"}, {"email"}),
        (TICKET | {"message": "My card is 4111 1111 1111 1111."}, {"message"}),
        (TICKET | {"message": None}, {"message"}),
        (TICKET | {"message": ["a"]}, {"message"}),
        (TICKET | {"priority": "high"}, {"priority"}),
        (TICKET | {"account": "x", "number": 1}, {"account", "number"}),
        ([], {"body"}),
        ("x", {"body"}),
        (None, {"body"}),
    ],
)
def test_what_is_wrong_with_a_request_is_said_by_field_all_at_once(
    client: FlaskClient, portal: Portal, body: Any, fields: set[str]
) -> None:
    answer = client.post("/api/v1/tickets", data=json.dumps(body), content_type="application/json")
    assert set(problem_of(answer, 422)) == fields
    assert count_tickets(portal) == (0, 0)


def test_letters_that_no_database_keeps_become_the_sign_for_a_lost_one(client: FlaskClient, portal: Portal) -> None:
    body = json.dumps(TICKET | {"subject": "  and space around ", "message": "half \ud800 here", "name": "a\0b"})
    number = client.post("/api/v1/tickets", data=body, content_type="application/json").get_json()["number"]
    with portal.database.session() as db:
        ticket = find(db, number)
    assert (ticket.messages[0].text, ticket.requester_name) == ("half \ufffd here", "a\ufffdb")


@pytest.mark.parametrize("body", ["{", "", "\xff", "[" * 100_000, '{"a":' * 20_000, "NaN"])
def test_what_is_no_json_is_refused(client: FlaskClient, body: str) -> None:
    answer = client.post("/api/v1/tickets", data=body.encode("latin-1"), content_type="application/json")
    assert answer.status_code in {400, 422}
    assert answer.content_type == "application/problem+json"


def test_a_huge_body_is_not_read(client: FlaskClient) -> None:
    problem_of(client.post("/api/v1/tickets", data=b"x" * 300_000, content_type="application/json"), 413)


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "\u00e9"])
def test_a_key_that_cannot_be_kept_is_refused(client: FlaskClient, key: str) -> None:
    assert set(problem_of(client.post("/api/v1/tickets", json=TICKET, headers={"Idempotency-Key": key}), 422)) == {"Idempotency-Key"}


def test_too_many_requests_wait_and_a_repeat_is_none(make_app: Callable[..., Flask]) -> None:
    app = make_app(requests_per_hour=2)
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    for n in range(2):
        assert client.post("/api/v1/tickets", json=TICKET, headers={"Idempotency-Key": f"k{n}"}).status_code == 201
    answer = client.post("/api/v1/tickets", json=TICKET, headers={"Idempotency-Key": "k2", "X-Forwarded-For": "10.0.0.9"})
    problem_of(answer, 429)
    assert 3500 < int(answer.headers["Retry-After"]) <= 3601
    assert client.post("/api/v1/tickets", json=TICKET, headers={"Idempotency-Key": "k1"}).status_code == 201


def test_a_signed_in_page_sends_its_token_along(portal: Portal, signed_in: Callable[..., FlaskClient]) -> None:
    customer = signed_in(Role.CUSTOMER)
    problem_of(customer.post("/api/v1/tickets", json=TICKET), 400)
    answer = customer.post("/api/v1/tickets", json=TICKET, headers={"X-CSRFToken": csrf_of(customer)})
    assert answer.status_code == 201
    with portal.database.session() as db:
        assert find(db, answer.get_json()["number"]).account


# --- events from pages ------------------------------------------------------------------------------------------------------


def view(**fields: Any) -> dict[str, Any]:
    known = {"event_id": "e1", "type": "view", "t_client": NOW, "t_sent": NOW, "tab": "n-tab", "view_id": "v1"}
    return known | {"article": "cards/activate-your-card", "source": "direct"} | fields


def send(client: FlaskClient, events: Any, content_type: str = "application/json", **headers: str) -> Any:
    return client.post("/api/v1/events", data=json.dumps(events), content_type=content_type, headers=headers)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain;charset=UTF-8", "application/json; charset=utf-8"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_page_reports_what_happened_on_it(client: FlaskClient, recorded: list[Event], content_type: str, wrapped: bool) -> None:
    batch = [view(), {"type": "dwell", "event_id": "e2", "view_id": "v1", "active_ms": 4000, "tab": "n-tab"}]
    assert send(client, {"events": batch} if wrapped else batch, content_type).status_code == 204
    assert [e.event_id for e in recorded] == ["e1", "e2"]
    assert recorded[0].tab == "n-tab"


def test_who_it_was_and_when_it_came_is_not_for_the_page_to_say(
    client: FlaskClient, recorded: list[Event], signed_in: Callable[..., FlaskClient]
) -> None:
    claims = {"t_recv": 1, "visitor": "somebody", "account": "boss", "role": "test", "ua": "Googlebot"}
    assert send(client, [view(**claims)], **{"User-Agent": "Mozilla"}).status_code == 204
    event = recorded[0]
    assert (event.account, event.role, event.ua) == (None, "customer", "Mozilla")
    assert event.visitor not in {None, "somebody"}
    assert event.t_recv > NOW / 10
    assert send(signed_in(Role.AGENT), [view(event_id="e9", **claims)]).status_code == 204
    assert recorded[1].role == "agent"
    assert recorded[1].account not in {None, "boss"}


def test_a_view_is_stamped_with_how_long_reading_it_takes(client: FlaskClient, portal: Portal, recorded: list[Event]) -> None:
    article = portal.current.get().by_id("cards/activate-your-card", "en", *_visitor())
    send(client, [view(article=article.id, sat_ms=1, revision="x"), view(event_id="e2", view_id="v2", article="unknown")])
    first, second = recorded
    assert isinstance(first, View)
    assert isinstance(second, View)
    assert first.sat_ms == 5000
    assert first.revision == portal.current.get().revision
    assert second.sat_ms is None


def _visitor() -> tuple[Any, Any]:
    from app.content import VISITOR

    return VISITOR, datetime.now(UTC).date()


@pytest.mark.parametrize(
    "event",
    [
        view(colour="red"),
        view(type="nonsense"),
        view(type=None),
        view(type=["view"]),
        view(article=None),
        view(article=""),
        view(source="heaven"),
        view(view_id=5),
        view(tab="a b"),
        view(tab={"a": 1}),
        view(event_id="x" * 200),
        view(t_client="now"),
        {"type": "dwell", "event_id": "e", "view_id": "v", "active_ms": -1},
        {"type": "dwell", "event_id": "e", "view_id": "v", "active_ms": 1.5},
        {"type": "vote", "event_id": "e", "kind": "solved", "value": 2, "view_id": "v"},
        {"type": "vote", "event_id": "e", "kind": "solved", "value": 1},
        {"type": "exclude", "event_id": "e", "target_visitor": "rival"},
        {"type": "ticket", "event_id": "e", "ticket_id": "t", "t_created": 1},
        {"type": "watermark", "event_id": "e", "source": "x", "t_complete": 1},
        {"type": "identify", "event_id": "e", "requester": "x"},
        None,
        5,
        "view",
        [],
        {},
    ],
)
def test_one_wrong_event_refuses_the_batch_and_names_itself(client: FlaskClient, recorded: list[Event], event: Any) -> None:
    fields = problem_of(send(client, [view(), event]), 422)
    assert fields
    assert all(field.startswith("events[1]") for field in fields)
    assert recorded == []


@pytest.mark.parametrize("body", [{}, {"events": 1}, {"events": [], "more": 1}, 5, "x", None, [None] * 101])
def test_what_is_no_batch_is_refused(client: FlaskClient, recorded: list[Event], body: Any) -> None:
    problem_of(send(client, body), 422)
    assert recorded == []


def test_odd_bodies_of_beacons_are_refused(client: FlaskClient, recorded: list[Event]) -> None:
    cases: Iterable[tuple[bytes, str]] = [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[" * 50_000, "text/plain"),
        (b"\xff\xfe", "text/plain"),
        (b"events=1", "application/x-www-form-urlencoded"),
        (b" " * 70_000, "text/plain"),
    ]
    for data, content_type in cases:
        problem_of(client.post("/api/v1/events", data=data, content_type=content_type), 422)
    assert recorded == []


def test_a_signed_in_persons_cached_page_may_report_without_a_token(signed_in: Callable[..., FlaskClient], recorded: list[Event]) -> None:
    assert send(signed_in(Role.CUSTOMER), [view()]).status_code == 204
    assert recorded[0].account


# --- all of it --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/nothing", 404), ("POST", "/api/v1/search", 405), ("DELETE", "/api/v1/tickets", 405), ("GET", "/api/", 404)],
)
def test_even_what_does_not_exist_is_answered_as_json(client: FlaskClient, method: str, path: str, status: int) -> None:
    problem_of(client.open(path, method=method), status)


def test_the_description_names_the_token_the_key_and_the_problems(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    tickets = document["paths"]["/api/v1/tickets"]["post"]
    assert {"201", "409", "422", "429", "503"} <= set(tickets["responses"])
    assert "Idempotency-Key" in {p["name"] for p in tickets["parameters"]}
    problem = document["components"]["responses"]["UNPROCESSABLE_ENTITY"]["content"]
    assert list(problem) == ["application/problem+json"]


@pytest.mark.parametrize("body", ["9" * 5000, '{"subject": ' + "[" * 50_000, '{"subject": "a", "n": -' + "1" * 5000 + "}"])
def test_json_that_is_written_to_hurt_is_a_client_error(client: FlaskClient, body: str) -> None:
    answer = client.post("/api/v1/tickets", data=body, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert answer.content_type == "application/problem+json"
