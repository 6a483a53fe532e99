"""Requests made from the API's own description, right ones and wrong ones: no server error, and no answer that it does not describe."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from app.accounts import Role, add_user, make_token
from app.deflection import FormOpen, TicketEvent, Vote, milliseconds
from tests.web.test_audits import OPENED, READ, SEARCHED, remember

OPERATIONS = [
    ("GET", "/api/v1/search"),
    ("GET", "/api/v1/suggest"),
    ("GET", "/api/v1/articles/{slug}"),
    ("POST", "/api/v1/tickets"),
    ("POST", "/api/v1/events"),
    ("POST", "/api/v1/tickets/feed"),
    ("GET", "/api/v1/searches/{search_id}/audit"),
]
EXAMPLES = {"GET": 130, "POST": 50}
"""For each operation, kind of data and caller: about 2,000 in all, most of them where they cost little."""


def modes(operation: tuple[str, str]) -> list[GenerationMode]:
    """Right and wrong requests; where there is nothing but a word in the address, no request is wrong."""
    return [GenerationMode.POSITIVE] if operation[1].endswith("/audit") else list(GenerationMode)


def bounded(method: str) -> settings:
    return settings(max_examples=EXAMPLES[method], deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An application whose limits do not stand in the way of many requests."""
    return make_app(requests_per_hour=10_000, searches_per_minute=100_000, readings_per_minute=100_000, ticket_feed_secret="shared")


def program(app: Flask, role: Role, *scopes: str) -> dict[str, str]:
    """What a program of somebody in this role sends along."""
    with app.extensions["portal"].database.durable_session() as db:
        user = add_user(db, "program@example.com", role, "", None, datetime.now(UTC))
        return {"Authorization": f"Bearer {make_token(db, user, 'tests', scopes or ('read', 'tickets:write'), datetime.now(UTC))}"}


def is_problem(answer: schemathesis.Response) -> bool:
    """Whether it is told what went wrong, in the same way everywhere."""
    problem = answer.json()
    return (
        answer.headers["content-type"] == ["application/problem+json"]
        and set(problem) == {"type", "title", "status", "detail", "errors"}
        and problem["status"] == answer.status_code
        and all(set(error) == {"field", "message"} for error in problem["errors"])
    )


def test_every_operation_is_described_and_asked_here(app: Flask) -> None:
    described = app.test_client().get("/api/v1/openapi.json").get_json()["paths"]
    assert sorted(OPERATIONS) == sorted(
        (method.upper(), path) for path, item in described.items() for method in item if method != "parameters"
    )
    routes = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")}
    assert {path.replace("{", "<").replace("}", ">") for path in described} == routes - {"/api/v1/openapi.json"}


@pytest.mark.parametrize(("method", "path", "mode"), [(*operation, mode) for operation in OPERATIONS for mode in modes(operation)])
def test_every_answer_to_a_visitor_is_described(app: Flask, method: str, path: str, mode: GenerationMode) -> None:
    operation = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)[path][method]
    answered = []

    @bounded(method)
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        answer = case.call_and_validate()
        assert answer.status_code < 400 or is_problem(answer)
        answered.append(answer.status_code)

    ask()
    assert len(answered) >= EXAMPLES[method] // 2
    if mode is GenerationMode.POSITIVE and "{" not in path and not path.endswith("/feed"):
        assert {status // 100 for status in answered} >= {2}, "right requests are taken"
    if mode is GenerationMode.NEGATIVE:
        assert {status // 100 for status in answered} >= {4}, "wrong ones are refused"


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_to_a_program_of_staff_is_described(app: Flask, method: str, path: str) -> None:
    header = program(app, Role.AGENT)
    operation = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)[path][method]

    @bounded(method)
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def ask(case: schemathesis.Case) -> None:
        answer = case.call_and_validate(headers=header)
        assert answer.status_code < 400 or is_problem(answer)

    ask()


def test_the_audit_of_a_search_is_what_its_description_says(app: Flask) -> None:
    portal = app.extensions["portal"]
    ticket = (TicketEvent, {"ticket_id": "k-1", "t_created": milliseconds(datetime.now(UTC)), "channel": "form", "subject": "card declined",
                            "form_id": "f-1"})  # fmt: skip
    vote = (Vote, {"kind": "helpful", "value": -1, "view_id": "v-1"})
    form = (FormOpen, {"form_id": "f-1"})
    remember(portal, SEARCHED, OPENED, READ, vote, form, ticket)
    answer = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)["/api/v1/searches/{search_id}/audit"]["GET"]
    found = answer.Case(path_parameters={"search_id": "s-1"}).call_and_validate(headers=program(app, Role.MANAGER)).json()
    assert all(found[part] for part in ("searches", "views", "votes", "forms", "tickets", "story", "changes")), "every part was checked"


def test_a_token_that_may_only_write_requests_follows_no_search(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/searches/s-1/audit", headers=program(app, Role.MANAGER, "tickets:write"))
    assert answer.status_code == 403 and "“read”" in answer.get_json()["detail"]
