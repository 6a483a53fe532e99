"""Submitting once, answering, and who may read what."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.db import Database
from app.tickets import (
    Author,
    InvalidTicket,
    KeyReused,
    MessageKind,
    TicketDraft,
    TicketNotFound,
    TicketStatus,
    add_note,
    assign,
    customer_reply,
    find,
    find_duplicate,
    find_own,
    queue,
    queue_counts,
    reply,
    solve,
    submit,
    tickets_of,
)
from app.tickets.models import AttachmentRow, MessageRow, TicketRow

from .conftest import NOW, a_file

Draft = Callable[..., TicketDraft]
NOAM = Author("Noam Levi", "u-noam")
DANA = Author("Dana Peretz", "u-dana")


def test_a_request_gets_a_number_that_starts_high_and_counts_up(database: Database, draft: Draft) -> None:
    with database.durable_session() as db:
        numbers = [submit(db, draft(), NOW).ticket.number for _ in range(3)]
    assert numbers == [10_001, 10_002, 10_003]


def test_the_same_form_sent_again_gives_the_same_request(database: Database, draft: Draft) -> None:
    form = draft()
    with database.durable_session() as db:
        first = submit(db, form, NOW)
    with database.durable_session() as db:
        again = submit(db, form, NOW + timedelta(minutes=1))
        rows = db.scalar(select(func.count()).select_from(TicketRow)), db.scalar(select(func.count()).select_from(MessageRow))
    assert (first.created, again.created) == (True, False)
    assert again.ticket == first.ticket
    assert rows == (1, 1)


@pytest.mark.parametrize(
    "change", [{"message": "Something else."}, {"subject": "Other"}, {"email": "other@example.com"}, {"topic": "cards"}, {"account": "u-1"}]
)
def test_the_same_key_with_other_words_is_a_conflict_that_names_the_first_request(
    database: Database, draft: Draft, change: dict[str, str]
) -> None:
    with database.durable_session() as db:
        number = submit(db, draft(key="form/one"), NOW).ticket.number
    with pytest.raises(KeyReused) as caught, database.durable_session() as db:
        submit(db, draft(key="form/one", **change), NOW)
    assert caught.value.number == number


def test_a_repeat_may_leave_out_its_files_but_not_bring_new_ones(database: Database, draft: Draft) -> None:
    with database.durable_session() as db:
        submit(db, draft(key="k", attachments=(a_file(),)), NOW)
    with database.durable_session() as db:
        assert not submit(db, draft(key="k"), NOW).created
        assert not submit(db, draft(key="k", attachments=(a_file("same.png"),)), NOW).created
    with pytest.raises(KeyReused), database.durable_session() as db:
        submit(db, draft(key="k", attachments=(a_file(sha="b" * 64),)), NOW)


def test_thirty_threads_with_one_key_make_one_request(database: Database, draft: Draft) -> None:
    form = draft()

    def send(_n: int) -> int:
        with database.durable_session() as db:
            return submit(db, form, NOW).ticket.number

    with ThreadPoolExecutor(10) as pool:
        numbers = set(pool.map(send, range(30)))
    with database.session() as db:
        assert db.scalar(select(func.count()).select_from(TicketRow)) == 1
    assert len(numbers) == 1


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"subject": "  "}, {"subject": "missing"}),
        ({"subject": "x" * 151}, {"subject": "too_long"}),
        ({"message": ""}, {"message": "missing"}),
        ({"message": "x" * 20_001}, {"message": "too_long"}),
        ({"message": "My card 4242 4242 4242 4242 fails"}, {"message": "card_number"}),
        ({"subject": "5555-5555-5555-4444 declined"}, {"subject": "card_number"}),
        ({"email": ""}, {"email": "missing"}),
        ({"email": "dana at example"}, {"email": "no_address"}),
        ({"email": "dana@example.com\nBcc: all@example.com"}, {"email": "no_address"}),
        ({"subject": "", "message": "", "email": ""}, {"subject": "missing", "message": "missing", "email": "missing"}),
    ],
)
def test_what_cannot_be_sent_is_named_field_by_field_and_nothing_is_written(
    database: Database, draft: Draft, change: dict[str, str], codes: dict[str, str]
) -> None:
    with pytest.raises(InvalidTicket) as caught, database.durable_session() as db:
        submit(db, draft(**change), NOW)
    assert caught.value.codes == codes
    with database.session() as db:
        assert db.scalar(select(func.count()).select_from(TicketRow)) == 0


def test_customers_find_their_own_requests_and_nobody_elses(database: Database, draft: Draft) -> None:
    with database.durable_session() as db:
        mine = submit(db, draft(email="Dana@Example.com"), NOW).ticket
        by_account = submit(db, draft(email="work@example.com", account="u-dana"), NOW).ticket
        submit(db, draft(email="other@example.com", account="u-other"), NOW)
        add_note(db, mine.number, NOAM, "She called before.", "n1", NOW)
    with database.session() as db:
        assert {t.number for t in tickets_of(db, "dana@example.com", "u-dana")} == {mine.number, by_account.number}
        own = find_own(db, mine.number, "dana@example.com")
        assert [m.kind for m in own.messages] == [MessageKind.CUSTOMER]
        assert [m.kind for m in find(db, mine.number).messages] == [MessageKind.CUSTOMER, MessageKind.NOTE]
        for number in (mine.number, 99_999, 0, -5, 10**15):
            with pytest.raises(TicketNotFound):
                find_own(db, number, "other@example.com", "u-other")


def test_a_reply_goes_out_once_and_makes_it_the_customers_turn_only_when_asked(database: Database, draft: Draft) -> None:
    with database.durable_session() as db:
        number = submit(db, draft(promised_at=NOW + timedelta(hours=3)), NOW).ticket.number
        assert find(db, number).owed_at is not None
        assert reply(db, number, NOAM, "Try again now.", "r1", NOW)
        assert not reply(db, number, NOAM, "Try again now.", "r1", NOW)
        ticket = find(db, number)
        assert (ticket.status, ticket.assignee, ticket.owed_at) == (TicketStatus.OPEN, "u-noam", None)
        reply(db, number, NOAM, "Did it work?", "r2", NOW, wait=True)
        assert find(db, number).status is TicketStatus.WAITING
        assert len(find(db, number).messages) == 3


def test_a_customers_reply_reopens_for_fourteen_days_and_then_continues_in_a_new_request(database: Database, draft: Draft) -> None:
    with database.durable_session() as db:
        number = submit(db, draft(), NOW).ticket.number
        solve(db, number, NOW)
        soon = customer_reply(db, number, DANA, "Not yet.", "a", NOW + timedelta(days=13))
        assert (soon.reopened, soon.continued, soon.ticket.status) == (True, False, TicketStatus.OPEN)
        solve(db, number, NOW + timedelta(days=13))
        late = customer_reply(db, number, DANA, "Again.", "b", NOW + timedelta(days=28))
        again = customer_reply(db, number, DANA, "Again.", "b", NOW + timedelta(days=28))
    assert late.continued
    assert late.created
    assert late.ticket.followup_of == number
    assert late.ticket.subject == "Card declined in Lisbon"
    assert (again.created, again.ticket.number) == (False, late.ticket.number)


def test_a_customers_reply_with_a_card_number_is_refused(database: Database, draft: Draft) -> None:
    with database.durable_session() as db:
        number = submit(db, draft(), NOW).ticket.number
    with pytest.raises(InvalidTicket) as caught, database.durable_session() as db:
        customer_reply(db, number, DANA, "It is 4000056655665556.", "c", NOW)
    assert caught.value.codes == {"message": "card_number"}


def test_the_queue_shows_what_is_owed_soonest_first_and_each_view_its_own(database: Database, draft: Draft) -> None:
    with database.durable_session() as db:
        later = submit(db, draft(promised_at=NOW + timedelta(hours=5)), NOW).ticket.number
        sooner = submit(db, draft(promised_at=NOW + timedelta(hours=1)), NOW).ticket.number
        answered = submit(db, draft(promised_at=NOW + timedelta(minutes=1)), NOW).ticket.number
        reply(db, answered, NOAM, "Here.", "r", NOW)
        waiting = submit(db, draft(), NOW).ticket.number
        reply(db, waiting, NOAM, "Which shop?", "r", NOW, wait=True)
        solved = submit(db, draft(), NOW).ticket.number
        solve(db, solved, NOW)
        assign(db, sooner, Author("Ella", "u-ella"), NOW)
    with database.session() as db:
        assert [t.number for t in queue(db, "open")] == [sooner, later, answered]
        assert [t.number for t in queue(db, "waiting")] == [waiting]
        assert [t.number for t in queue(db, "solved")] == [solved]
        assert {t.number for t in queue(db, "mine", "u-noam")} == {answered, waiting}
        assert queue_counts(db, "u-ella") == {"mine": 1, "open": 3, "waiting": 1, "solved": 1}


def test_a_second_request_on_the_same_matter_is_found_for_two_hours(database: Database, draft: Draft) -> None:
    with database.durable_session() as db:
        first = submit(db, draft(), NOW).ticket
        submit(db, draft(subject="Top-up not in my balance"), NOW)
        submit(db, draft(email="other@example.com"), NOW)
    with database.session() as db:
        close = NOW + timedelta(minutes=119)
        found = find_duplicate(db, "DANA@example.com", "card declined in Lisbon!", close)
        assert found is not None
        assert found.number == first.number
        assert find_duplicate(db, "dana@example.com", "Card declined in Lisbon", NOW + timedelta(minutes=121)) is None
        assert find_duplicate(db, "dana@example.com", "My statement for the mortgage", close) is None


def test_files_of_a_request_belong_to_its_first_message(database: Database, draft: Draft) -> None:
    with database.durable_session() as db:
        ticket = submit(db, draft(attachments=(a_file(), a_file("terms.pdf", "c" * 64))), NOW).ticket
        assert {a.name for a in ticket.messages[0].attachments} == {"screen.png", "terms.pdf"}
        assert set(db.scalars(select(AttachmentRow.requester_email))) == {"dana@example.com"}
