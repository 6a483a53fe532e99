"""A customer's own requests: nobody else's, whatever the number; and what can be done in one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.accounts import Role
from app.portal import Portal
from app.tickets import (
    Author,
    TicketDraft,
    TicketStatus,
    add_note,
    deliver_due,
    find,
    reply,
    solve,
    store_file,
    submit,
    tickets_of,
)
from app.tickets.attachments import AttachmentRules
from app.tickets.models import TicketRow

SignedIn = Callable[..., FlaskClient]
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def number(portal: Portal) -> int:
    """A request of customer@example.com with a note and a reply, among others'."""
    with portal.database.durable_session() as db:
        for n in range(2):
            submit(db, TicketDraft(f"Somebody else's {n}", "Secret words.", "other@example.com", f"o{n}"), now())
        ticket = submit(
            db, TicketDraft("Zebra & <b>fee</b>", "Hi\n\n> quoted line\n\nhttps://example.com/x", "customer@example.com", "k"), now()
        )
        add_note(db, ticket.ticket.number, Author("Noam Levi", "u"), "He called before: internal.", "n", now())
        reply(db, ticket.ticket.number, Author("Noam Levi", "u"), "Try again now.", "r", now(), wait=True)
    return ticket.ticket.number


def csrf(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).get_data(as_text=True))
    assert found
    return found[1]


def test_without_a_sign_in_the_list_offers_a_link_by_mail_and_a_thread_asks_to_sign_in(client: FlaskClient, number: int) -> None:
    page = client.get("/en/requests").get_data(as_text=True)
    assert 'action="/sign-in/link"' in page
    assert "Zebra" not in page
    answer = client.get(f"/en/requests/{number}")
    assert (answer.status_code, answer.location) == (303, f"/sign-in?next=%2Fen%2Frequests%2F{number}")


def test_the_link_in_the_mail_leads_to_ones_own_requests(client: FlaskClient, portal: Portal, number: int) -> None:
    client.post("/sign-in/link", data={"email": "Customer@Example.com", "next": "/en/requests"})
    mails = set((portal.settings.path(portal.settings.data_folder) / "mail").glob("*.eml"))
    deliver_due(portal.database, portal.connectors, now())
    (new,) = set((portal.settings.path(portal.settings.data_folder) / "mail").glob("*.eml")) - mails
    body = message_from_bytes(new.read_bytes(), policy=default).get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    link = re.search(r"http://localhost(/sign-in/link/\S+)", body)
    assert link
    assert client.post(link[1]).status_code == 303
    page = client.get("/en/requests").get_data(as_text=True)
    assert "Zebra &amp; &lt;b&gt;fee" in page
    assert "Somebody else" not in page
    assert client.get(f"/en/requests/{number}").status_code == 200


def test_the_list_says_in_words_where_each_stands(signed_in: SignedIn, number: int) -> None:
    page = signed_in().get("/en/requests").get_data(as_text=True)
    assert "Your turn" in page
    assert "Nothing" not in page
    assert "No requests. Everything you send shows up here." in signed_in(Role.CUSTOMER, "new@example.com").get("/en/requests").get_data(
        as_text=True
    )


def test_the_thread_shows_what_was_said_and_never_a_note(signed_in: SignedIn, number: int) -> None:
    page = signed_in().get(f"/en/requests/{number}").get_data(as_text=True)
    assert "Zebra &amp; &lt;b&gt;fee&lt;/b&gt;" in page
    assert "<summary>Show what was quoted</summary>" in page
    assert "Try again now." in page
    assert "Noam" in page
    assert "Levi" not in page
    assert "internal" not in page
    assert 'id="latest"' in page


@pytest.mark.parametrize("what", ["", "/latest", "/files/0123456789abcdef0123456789abcdef"])
def test_anothers_number_and_one_that_does_not_exist_look_alike(signed_in: SignedIn, number: int, what: str) -> None:
    stranger = signed_in(Role.CUSTOMER, "stranger@example.com")
    there = stranger.get(f"/en/requests/{number}{what}")
    nowhere = stranger.get(f"/en/requests/99999{what}")
    assert there.status_code == nowhere.status_code == 404
    pages = [re.sub(r'name="csrf_token" value="[^"]+"', "", answer.get_data(as_text=True)) for answer in (there, nowhere)]
    assert pages[0].replace(str(number), "N") == pages[1].replace("99999", "N")


def test_strangers_cannot_write_into_a_request(signed_in: SignedIn, client: FlaskClient, portal: Portal, number: int) -> None:
    stranger = signed_in(Role.CUSTOMER, "stranger@example.com")
    token = csrf(stranger, "/account")
    for person, fields in ((stranger, {"csrf_token": token}), (client, {})):
        for act in ("reply", "solved"):
            answer = person.post(f"/en/requests/{number}/{act}", data={"message": "Hello", **fields})
            assert answer.status_code == 404
    with portal.database.session() as db:
        assert len(find(db, number).messages) == 3


def test_a_reply_is_added_once_and_makes_it_our_turn(signed_in: SignedIn, portal: Portal, number: int) -> None:
    person = signed_in()
    page = person.get(f"/en/requests/{number}").get_data(as_text=True)
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key
    data = {"csrf_token": csrf(person, f"/en/requests/{number}"), "key": key[1], "message": "It works."}
    locations = {person.post(f"/en/requests/{number}/reply", data=data).location for _ in range(2)}
    assert locations == {f"/en/requests/{number}#latest"}
    with portal.database.session() as db:
        ticket = find(db, number)
        assert (len(ticket.messages), ticket.status) == (4, TicketStatus.OPEN)


def test_a_reply_that_cannot_be_sent_keeps_its_words(signed_in: SignedIn, number: int) -> None:
    person = signed_in()
    data = {"csrf_token": csrf(person, f"/en/requests/{number}"), "key": "k1"}
    empty = person.post(f"/en/requests/{number}/reply", data=data | {"message": "  "})
    assert (empty.status_code, "<title>Error: " in empty.get_data(as_text=True)) == (422, True)
    card = person.post(f"/en/requests/{number}/reply", data=data | {"message": "Card 4242424242424242, see."}).get_data(as_text=True)
    assert "Card •••• 4242, see." in card
    assert "4242424242424242" not in card


def test_it_is_solved_and_writing_again_opens_it_or_after_two_weeks_begins_a_new_one(
    signed_in: SignedIn, portal: Portal, number: int
) -> None:
    person = signed_in()
    token = {"csrf_token": csrf(person, f"/en/requests/{number}")}
    person.post(f"/en/requests/{number}/solved", data=token)
    assert "Reply to open it again." in person.get(f"/en/requests/{number}").get_data(as_text=True)
    person.post(f"/en/requests/{number}/reply", data=token | {"message": "Not quite.", "key": "a"})
    with portal.database.durable_session() as db:
        assert find(db, number).status is TicketStatus.OPEN
        solve(db, number, now())
        db.execute(update(TicketRow).where(TicketRow.row == number - 10_000).values(solved_at=now() - timedelta(days=15)))
    answer = person.post(f"/en/requests/{number}/reply", data=token | {"message": "Again.", "key": "b"})
    with portal.database.session() as db:
        newest = max(tickets_of(db, "customer@example.com"), key=lambda t: t.number)
    assert newest.followup_of == number
    assert answer.location == f"/en/requests/{newest.number}#latest"


def test_files_are_only_ever_downloads_under_their_own_name(signed_in: SignedIn, portal: Portal) -> None:
    folder = portal.settings.path(portal.settings.data_folder) / "attachments"
    stored = store_file(folder, 'קבלה; "x".png', PNG, AttachmentRules(10_000, 5, 100_000))
    with portal.database.durable_session() as db:
        number = submit(db, TicketDraft("s", "m", "customer@example.com", "k", attachments=(stored,)), now()).ticket.number
    with signed_in().get(f"/en/requests/{number}/files/{stored.id}") as answer:
        assert answer.data == PNG
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "filename*=UTF-8''%D7%A7" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
