"""Tickets from another helpdesk over the signed endpoint."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

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


BAD_TIMES = [
    ("0001-01-01T00:00:00+14:00", "lies before the year 2000"),
    (1_795_000_000, "are these seconds instead of milliseconds?"),
    ("9999-12-31T23:59:59-14:00", "lies more than a day in the future"),
    (10**30, "lies more than a day in the future"),
    (float("nan"), "is neither milliseconds since 1970 nor a date and time"),
    (float("inf"), "is neither milliseconds since 1970 nor a date and time"),
    ("²", "is neither milliseconds since 1970 nor a date and time"),
    ("yesterday", "is neither milliseconds since 1970 nor a date and time"),
    (True, "is neither milliseconds since 1970 nor a date and time"),
]


@pytest.mark.parametrize(("time", "complaint"), BAD_TIMES)
@pytest.mark.parametrize("field", ["t_created", "updated_at"])
def test_a_time_that_cannot_be_is_refused_with_its_line_its_column_and_what_was_given(
    fed: FlaskClient, field: str, time: object, complaint: str
) -> None:
    status, said = send(fed, json.dumps(TICKET) + "\n" + json.dumps({**TICKET, "status": "spam", field: time}))
    assert status == 422
    assert f"line 2: {field} “" in str(said["detail"])
    assert complaint in str(said["detail"])


BAD_LINES = [
    ({"status": "closed"}, "status “closed” is none of open, solved, merged"),
    ({"status": ["spam"]}, "is none of open, solved, merged"),
    ({"status": "merged", "into": "zd-1"}, "cannot be merged into itself"),
    ({"into": "zd-2"}, "into without a status"),
    ({"status": "merged", "into": [1]}, "line 1: into must be a text"),
    ({"ticket_id": {"a": 1}}, "line 1: ticket_id must be a text"),
    ({"ticket_id": "  "}, "line 1: ticket_id is missing"),
    ({"ticket_id": "\ud800"}, "line 1: ticket_id must not hold control characters"),
    ({"subject": 5}, "line 1: subject must be a text"),
    ({"subject": "x" * 1001}, "line 1: subject must have at most 1000 characters"),
    ({"subject": "x" * 2_000_000}, "line 1: longer than 65536 bytes"),
    ({"colour": "red"}, "unknown column(s) “colour”; known are ticket_id, t_created"),
]


@pytest.mark.parametrize(("fields", "complaint"), BAD_LINES)
def test_a_wrong_line_is_told_what_is_wrong_in_the_words_of_its_columns(
    fed: FlaskClient, fields: dict[str, object], complaint: str
) -> None:
    status, said = send(fed, json.dumps({**TICKET, **fields}))
    assert status == 422
    assert complaint in str(said["detail"])


BAD_BODIES = [
    ("application/x-ndjson", b"ticket_id,t_created\nzd-1,2026-11-01\n", "line 1: no JSON but, as it seems, CSV"),
    ("application/x-ndjson", b"{'ticket_id': 1}", "line 1: no JSON: Expecting property name enclosed in double quotes at character 2"),
    ("application/x-ndjson", b"[" * 60_000, "line 1: no JSON that can be read"),
    ("application/x-ndjson", b'{"ticket_id": ' + b"9" * 5000 + b"}", "line 1: no JSON that can be read"),
    ("application/x-ndjson", b"\x1f\x8b\x08\xff", "line 1: not written in UTF-8"),
    ("text/csv", b'{"ticket_id": "zd-1"}', "line 1: no CSV but, as it seems, JSON Lines"),
    ("text/csv", b"ticket_id;t_created\nzd-1;2026-11-01\n", "line 1: the first line must name the columns, separated by commas"),
    ("text/csv", b"ticket_id,t_created,subject\nzd-1,2026-11-01\n", "line 2: 2 columns where the first line names 3"),
    ("text/csv", b'ticket_id,t_created,subject\na,2026-11-01,"x\nb,2026-11-01,y\n', "line 3: no CSV: unexpected end of data (the row begins in"),
    ("text/csv", "ticket_id,t_created,subject\na,2026-11-01,å\n".encode("latin-1"), "line 2: not written in UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "complaint"), BAD_BODIES)
def test_a_message_that_cannot_be_read_says_where_and_what_to_do(fed: FlaskClient, kind: str, body: bytes, complaint: str) -> None:
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    answer = fed.post("/api/v1/tickets/feed", data=body, headers={"X-Hylla-Signature": signature, "Content-Type": kind})
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert complaint in answer.get_json()["detail"]


def test_a_byte_order_mark_and_line_ends_of_windows_are_no_mistakes(fed: FlaskClient) -> None:
    assert send(fed, "\ufeff" + json.dumps(TICKET) + "\r\n") == (202, {"lines": 1, "new": 1})
    table = "\ufeffticket_id,t_created,subject,requester,channel\r\n" + f"zd-1,{HOUR_AGO},card declined,Ann@example.com,email\r\n"
    assert send(fed, table, **{"Content-Type": "text/csv"}) == (202, {"lines": 2, "new": 0}), "the very ticket that came as JSON"


def test_a_message_that_is_too_large_is_told_how_much_it_may_be(fed: FlaskClient) -> None:
    status, said = send(fed, json.dumps({**TICKET, "subject": "x" * 10_000_000}))
    assert (status, said["detail"]) == (413, "A message holds at most 4 MiB; send fewer tickets at a time.")


def test_a_message_sent_again_by_somebody_else_cannot_say_that_the_feed_is_complete(fed: FlaskClient) -> None:
    body = json.dumps(TICKET)
    signature = "sha256=" + hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
    answers = [fed.post(f"/api/v1/tickets/feed{query}", data=body, headers={"X-Hylla-Signature": signature}).status_code
               for query in ("", "", f"?complete_to={HOUR_AGO}", "?source=other")]  # fmt: skip
    assert answers == [202, 202, 403, 403]


def test_an_earlier_completeness_than_was_said_before_changes_nothing(fed: FlaskClient) -> None:
    for said in (HOUR_AGO, HOUR_AGO - 60_000, HOUR_AGO):
        assert send(fed, "", query=f"?source=zd&complete_to={said}")[0] == 202
    with fed.application.extensions["portal"].database.session() as db:
        assert db.execute(text("SELECT source, t_complete FROM ticket_feed")).one() == ("zd", HOUR_AGO)


@pytest.mark.parametrize("given", ["yesterday", "²", "-5", "9" * 16, "1e12"])
def test_a_completeness_that_is_no_time_is_refused(fed: FlaskClient, given: str) -> None:
    status, said = send(fed, "", query=f"?complete_to={quote(given)}")
    assert status == 422
    assert [e["field"] for e in said["errors"]] == ["complete_to"]
