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

OPERATIONS = [
    ("GET", "/api/v1/search"),
    ("GET", "/api/v1/suggest"),
    ("GET", "/api/v1/articles/{slug}"),
    ("POST", "/api/v1/tickets"),
    ("POST", "/api/v1/events"),
]
EXAMPLES = 25
"""For each operation, kind of data and caller."""

bounded = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def roomy_app(make_app: Callable[..., Flask]) -> Flask:
    """An application whose limits do not stand in the way of many requests."""
    return make_app(requests_per_hour=10_000, searches_per_minute=100_000)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_to_a_visitor_is_described(roomy_app: Flask, method: str, path: str, mode: GenerationMode) -> None:
    operation = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", roomy_app)[path][method]
    answered = []

    @bounded
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        answered.append(case.call_and_validate().status_code)

    ask()
    assert len(answered) >= EXAMPLES // 2
    if mode is GenerationMode.POSITIVE:
        assert {status // 100 for status in answered} & {2, 4}


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_to_a_program_of_staff_is_described(roomy_app: Flask, method: str, path: str) -> None:
    with roomy_app.extensions["portal"].database.durable_session() as db:
        agent = add_user(db, "agent@example.com", Role.AGENT, "", None, datetime.now(UTC))
        header = {"Authorization": f"Bearer {make_token(db, agent, 'tests', ['read', 'tickets:write'], datetime.now(UTC))}"}
    operation = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", roomy_app)[path][method]

    @bounded
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(headers=header)

    ask()
