"""Tickets from another helpdesk over the signed endpoint."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.deflection import events_of_ticket, milliseconds

SECRET = "shared with the helpdesk"
HOUR_AGO = milliseconds(datetime.now(UTC) - timedelta(hours=1))
TICKET = {"ticket_id": "zd-1", "t_created": HOUR_AGO, "subject": "card declined", "channel": "email", "requester": "ann@example.com"}


@pytest.fixture
def fed(make_app: Callable[..., Flask]) -> FlaskClient:
    return make_app(ticket_feed_secret=SECRET).test_client()


def send(client: FlaskClient, body: str, secret: str = SECRET, query: str = "", **headers: str) -> tuple[int, dict[str, object]]:
    message = f"{query[1:]}\n{body}" if query else body
    signature = "sha256=" + hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    answer = client.post("/api/v1/tickets/feed" + query, data=body, headers={"X-Hylla-Signature": signature, **headers})
    return answer.status_code, answer.get_json(silent=True) or {}


def test_a_signed_ticket_is_recorded_once_however_often_it_is_sent(fed: FlaskClient) -> None:
    assert send(fed, json.dumps(TICKET)) == (202, {"lines": 1, "new": 1})
    assert send(fed, json.dumps(TICKET)) == (202, {"lines": 1, "new": 0})
    status, said = send(fed, json.dumps({**TICKET, "status": "spam", "updated_at": HOUR_AGO + 1000}))
    assert (status, said["new"]) == (202, 1)
    with fed.application.extensions["portal"].database.session() as db:
        assert "ann@example.com" not in str(events_of_ticket(db, "zd-1"))


def test_csv_is_read_by_its_content_type(fed: FlaskClient) -> None:
    body = "ticket_id,t_created,subject,channel\nzd-2,2026-11-01T10:00:00Z,where is my card,phone\n"
    assert send(fed, body, **{"Content-Type": "text/csv"}) == (202, {"lines": 2, "new": 1})


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "0" * 64, "é", "md5=abc"])
def test_a_message_without_its_signature_changes_nothing(fed: FlaskClient, signature: str) -> None:
    answer = fed.post("/api/v1/tickets/feed", data=json.dumps(TICKET), headers={"X-Hylla-Signature": signature.encode().decode("latin-1")})
    assert answer.status_code == 403
    assert send(fed, json.dumps(TICKET))[1]["new"] == 1, "nothing was recorded before"


def test_a_bad_line_is_named_and_nothing_of_the_message_is_applied(fed: FlaskClient) -> None:
    status, said = send(fed, json.dumps(TICKET) + "\n" + json.dumps({**TICKET, "ticket_id": "zd-3", "colour": "red"}))
    assert status == 422
    assert [e["field"] for e in said["errors"]] == ["2"]
    assert send(fed, json.dumps(TICKET))[1]["new"] == 1


def test_without_a_secret_there_is_no_feed(client: FlaskClient) -> None:
    assert send(client, json.dumps(TICKET), secret="")[0] == 404


def test_a_feed_cannot_be_complete_up_to_tomorrow(fed: FlaskClient) -> None:
    tomorrow = milliseconds(datetime.now(UTC) + timedelta(days=1))
    assert send(fed, json.dumps(TICKET), query=f"?complete_to={tomorrow}")[0] == 422
    assert send(fed, json.dumps(TICKET), query=f"?complete_to={HOUR_AGO}")[0] == 202


@pytest.mark.parametrize("body", ["no table at all", "number,subject\n", "number,subject\n1,card\n"])
def test_a_table_without_the_column_of_numbers_is_refused_not_read_as_empty(fed: FlaskClient, body: str) -> None:
    status, said = send(fed, body, **{"Content-Type": "text/csv"})
    assert status == 422
    assert "line 1: the first line must name the columns" in str(said["detail"])
