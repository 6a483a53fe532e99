"""Events come in once, checked and masked, and never hold up or fail a page."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from app.db import Base, Database, DatabaseUnavailable, open_database
from app.deflection import (
    EVENT_TYPES,
    Actor,
    EventQueue,
    InvalidEvent,
    Search,
    events_of_search,
    events_of_ticket,
    parse_event,
    record,
    requester_hash,
)
from app.deflection.bulk import insert_rows
from app.deflection.judging.outcomes import in_time
from tests.deflection.story import START, Story, parsed

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)

SCHEMA = {
    "search": {"search_id", "q", "mode", "n_results", "results", "surface", "answer_shown", "lang"},
    "click": {"search_id", "form_id", "article", "rank"},
    "view": {"view_id", "article", "source", "search_id", "form_id", "beacon", "sat_ms"},
    "dwell": {"view_id", "active_ms"},
    "vote": {"kind", "value", "view_id", "form_id", "search_id"},
    "form_open": {"form_id"},
    "suggest": {"form_id", "articles", "arm", "shown"},
    "ticket": {"ticket_id", "t_created", "channel", "form_id", "requester", "subject", "direction"},
    "ticket_update": {"ticket_id", "status", "into"},
    "identify": {"requester"},
    "exclude": {"target_visitor", "target_account", "reason"},
    "watermark": {"source", "t_complete"},
    "survey": {"search_id", "view_id", "form_id", "answered"},
}
OURS = {"search": {"revision"}, "view": {"revision"}}
"""Fields we add to the neutral schema: which content revision a person saw."""


def test_the_closed_list_has_the_specified_types_and_fields() -> None:
    common = {"event_id", "t_client", "t_sent", "t_recv", "visitor", "tab", "account", "role", "ua"}
    found = {kind: {f.name for f in fields(cls)} - common for kind, cls in EVENT_TYPES.items()}
    assert found == {kind: names | OURS.get(kind, set()) for kind, names in SCHEMA.items()}


def search(**changes: Any) -> dict[str, Any]:
    event = {"type": "search", "event_id": "e1", "t_recv": START, "search_id": "s1", "q": "card", "mode": "submit", "n_results": 1}
    return {k: v for k, v in (event | changes).items() if v != "(left out)"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "keylog"}, "type"),
        ({"type": None}, "type"),
        ({"type": ["search"]}, "type"),
        ({"password": "x"}, "password"),
        ({"view_id": "w1"}, "view_id"),
        ({"q": 7}, "q"),
        ({"q": "x" * 1001}, "q"),
        ({"q": "(left out)"}, "q"),
        ({"q": None}, "q"),
        ({"search_id": ""}, "search_id"),
        ({"search_id": "x" * 129}, "search_id"),
        ({"search_id": "a\nb"}, "search_id"),
        ({"mode": "telepathy"}, "mode"),
        ({"n_results": -1}, "n_results"),
        ({"n_results": True}, "n_results"),
        ({"n_results": 1.5}, "n_results"),
        ({"n_results": 10**30}, "n_results"),
        ({"results": "a1"}, "results"),
        ({"results": ["a"] * 11}, "results"),
        ({"results": [1]}, "results"),
        ({"answer_shown": "yes"}, "answer_shown"),
        ({"role": "root"}, "role"),
        ({"t_recv": "now"}, "t_recv"),
        ({"t_recv": "(left out)"}, "t_recv"),
        ({"t_client": 2**60}, "t_client"),
        ({"type": "vote", "kind": "helpful", "value": 2, "view_id": "w"}, "value"),
        ({"type": "vote", "kind": "helpful", "value": True, "view_id": "w"}, "value"),
        ({"type": "vote", "kind": "helpful", "value": 1, "search_id": None}, "view_id"),
        ({"type": "dwell", "view_id": "w", "active_ms": -5}, "active_ms"),
    ],
)
def test_a_wrong_field_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        parse_event(search(**changes))
    assert field in refused.value.errors


@pytest.mark.parametrize(
    ("kind", "field", "value", "expected"),
    [
        ("suggest", "shown", True, True),
        ("suggest", "shown", 0, False),
        ("suggest", "shown", 3, True),
        ("suggest", "shown", ["a1"], True),
        ("suggest", "shown", [], False),
        ("suggest", "shown", -1, None),
        ("suggest", "shown", "maybe", None),
        ("survey", "answered", False, False),
        ("survey", "answered", 1, True),
        ("survey", "answered", "no", False),
        ("survey", "answered", "perhaps", None),
        ("survey", "answered", 2, None),
    ],
)
def test_yes_and_no_are_understood_as_other_senders_write_them(kind: str, field: str, value: Any, expected: bool | None) -> None:
    event = {"type": kind, "event_id": "e", "t_recv": START, "form_id": "f", field: value}
    if expected is None:
        with pytest.raises(InvalidEvent):
            parse_event(event)
    else:
        assert getattr(parse_event(event), field) is expected


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(InvalidEvent) as refused:
        parse_event(search(q=1, mode="x", extra=1, n_results="(left out)"))
    assert set(refused.value.errors) == {"q", "mode", "extra", "n_results"}


@pytest.mark.parametrize("thing", [None, [], "search", 5])
def test_what_is_no_object_is_no_event(thing: Any) -> None:
    with pytest.raises(InvalidEvent):
        parse_event(thing)


def test_absent_fields_have_the_specified_defaults_and_events_survive_a_round_trip() -> None:
    event = parse_event(search(q="caf\u0000é \ud800"))
    assert isinstance(event, Search)
    assert (event.role, event.surface, event.q) == ("customer", "portal", "caf é �")
    ticket = parse_event({"type": "ticket", "event_id": "e", "t_recv": START, "ticket_id": "k", "t_created": START})
    assert (ticket.channel, ticket.direction) == ("form", "in")  # type: ignore[attr-defined]
    view = parse_event({"type": "view", "event_id": "e", "t_recv": START, "view_id": "w", "article": "a", "source": "direct"})
    assert view.beacon is True  # type: ignore[attr-defined]
    for example in (event, ticket, view):
        assert parse_event(example.to_dict()) == example


def test_the_server_stamps_its_own_events() -> None:
    actor = Actor(visitor="v", tab="t", ua="x" * 5000)
    event = Search(**actor.stamp(NOW), search_id="s", q="card", mode="submit", n_results=0)
    assert (event.t_recv, event.t_client, event.t_sent) == (1777636800000,) * 3
    assert parse_event(event.to_dict()) == event
    assert len({actor.stamp(NOW)["event_id"] for _ in range(3)}) == 3, "each event has a name of its own"


def rows(database: Database, query: str) -> list[tuple]:
    with database.session() as db:
        return [tuple(row) for row in db.execute(text(query))]


def test_an_event_is_stored_once_however_often_it_is_sent(either: Database) -> None:
    events = parsed(Story().search(0, "s1").view(3, "w1", "s1", read=60))
    for _ in range(3):
        with either.session() as db:
            record(db, *events, *events)
    assert rows(either, "SELECT count(*) FROM event") == [(3,)]
    assert rows(either, "SELECT actor FROM dirty") == [("v:v1",)]


def test_of_a_repeated_event_the_first_received_stays_whichever_comes_first_to_us(either: Database) -> None:
    early, late = parse_event(search(q="early")), parse_event(search(q="late", t_recv=START + 5))
    for order in ((early, late), (late, early)):
        with either.session() as db:
            db.execute(text("DELETE FROM event"))
            db.execute(text("DELETE FROM seen"))
            for event in order:
                record(db, event)
        assert [body for (body,) in rows(either, "SELECT body FROM event")] == [
            '{"mode":"submit","n_results":1,"q":"early","search_id":"s1"}'
        ]


def test_of_two_receptions_in_one_moment_the_same_one_stays_whichever_comes_first_to_us(either: Database) -> None:
    with_cookie, without = parse_event(search(visitor="v1", tab="t1")), parse_event(search(visitor=None, tab="t1"))
    kept = set()
    for order in ((with_cookie, without), (without, with_cookie)):
        for pieces in ([order], [order[:1], order[1:]]):
            with either.session() as db:
                db.execute(text("DELETE FROM event"))
                db.execute(text("DELETE FROM seen"))
                for piece in pieces:
                    record(db, *piece)
            kept |= {tuple(row) for row in rows(either, "SELECT visitor, tab FROM event")}
    assert kept == {(None, "t1")}
    assert in_time([with_cookie, without])[0][1] == in_time([without, with_cookie])[0][1] == without


def test_free_text_is_masked_before_it_is_stored(database: Database) -> None:
    story = Story().search(0, "s1", "mail to anna@example.com").ticket(5, "k1", "card 4111 1111 1111 1111 refused")
    with database.session() as db:
        record(db, *parsed(story))
    stored = " ".join(body for (body,) in rows(database, "SELECT body FROM event"))
    assert "‹email›" in stored and "‹card›" in stored
    assert "anna" not in stored and "4111" not in stored


def test_an_event_goes_away_with_the_transaction_that_wrote_it(database: Database) -> None:
    with pytest.raises(RuntimeError), database.session() as db:
        record(db, *parsed(Story().search(0, "s1")))
        raise RuntimeError
    assert rows(database, "SELECT count(*) FROM event") == [(0,)]
    assert rows(database, "SELECT count(*) FROM dirty") == [(0,)]


def test_surveys_and_watermarks_mark_nobody(database: Database) -> None:
    story = Story().add(0, "survey", search_id="s1", answered=True).add(1, "watermark", source="desk", t_complete=START)
    with database.session() as db:
        record(db, *parsed(story))
    assert rows(database, "SELECT count(*) FROM dirty") == [(0,)]
    assert rows(database, "SELECT source, t_complete FROM ticket_feed") == [("desk", START)]


def test_the_queue_writes_what_many_threads_hand_over(either: Database) -> None:
    queue = EventQueue(either)
    queue.start()

    def browser(n: int) -> None:
        for event in parsed(Story(visitor=f"v{n}", tab=f"t{n}").search(0, f"s{n}").view(1, f"w{n}", f"s{n}", read=5)):
            queue.put(event)

    threads = [threading.Thread(target=browser, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert queue.close()
    assert rows(either, "SELECT count(*) FROM event") == [(60,)]
    assert (queue.written, queue.dropped, queue.failures) == (60, 0, 0)


def test_a_database_that_is_down_loses_nothing_and_is_not_noticed_by_the_page(tmp_path, caplog: pytest.LogCaptureFixture) -> None:
    database = open_database(f"sqlite:///{tmp_path}/later.sqlite3")
    queue = EventQueue(database)
    queue.start()
    queue.put(*parsed(Story().search(0, "s1")))
    assert not queue.flush(timeout=0.3), "there are no tables yet, so nothing can be written"
    Base.metadata.create_all(database.engine)
    assert queue.flush(timeout=5)
    assert queue.failures >= 1 and queue.dropped == 0
    assert rows(database, "SELECT count(*) FROM event") == [(1,)]
    queue.close()
    database.close()


def test_a_full_queue_drops_and_counts_instead_of_waiting(tmp_path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/none.sqlite3")
    queue = EventQueue(database, capacity=2)
    queue._thread = threading.current_thread()  # nobody writes: the queue must fill up
    events = parsed(Story().search(0, "s1").search(1, "s2").search(2, "s3"))
    queue.put(*events)
    assert queue.dropped == 1
    database.close()


def test_one_event_that_the_database_refuses_does_not_stop_the_others(postgres: Database, caplog: pytest.LogCaptureFixture) -> None:
    good = parsed(Story().search(0, "s1"))[0]
    # Such an event cannot come through parse_event; a programming error could make one.
    bad = Search(event_id="bad", t_recv=2**70, search_id="s2", q="x", mode="submit", n_results=0)
    queue = EventQueue(postgres)
    queue.put(bad, good)
    assert queue.close()
    assert rows(postgres, "SELECT event_id FROM event") == [(good.event_id,)]
    assert queue.dropped == 1 and "refused by the database" in caplog.text


def test_the_events_of_a_search_are_its_clicks_views_reading_and_votes_in_order(database: Database) -> None:
    story = Story().search(0, "s1").add(2, "click", search_id="s1", article="a1", rank=1).view(3, "w1", "s1", read=60)
    story.vote(70, 1, view_id="w1").search(100, "s2", "vat invoice").view(110, "w2", "s2", read=5)
    stranger = Story(visitor="v2", tab="t9", prefix="x").view(4, "w7", "s1", read=9)
    with database.session() as db:
        record(db, *parsed(story, stranger))
        found = [(e.type, getattr(e, "view_id", None)) for e in events_of_search(db, "s1")]
    assert found == [("search", None), ("click", None), ("view", "w1"), ("dwell", "w1"), ("vote", "w1")]


def test_an_agent_sees_what_the_requester_did_before_the_ticket_and_nothing_of_others(database: Database) -> None:
    story = Story().search(-3 * 24 * 3600, "old").search(0, "s1").view(3, "w1", "s1", read=60).form(70, "f1")
    story.add(72, "suggest", form_id="f1", articles=["a1"], arm="on", shown=True).ticket(120, "k1", form_id="f1")
    story.search(500, "after", "something else")
    other = Story(visitor="v2", tab="t2", prefix="x").search(10, "s9")
    with database.session() as db:
        record(db, *parsed(story, other))
        found = [(e.type, getattr(e, "search_id", None)) for e in events_of_ticket(db, "k1")]
    assert found == [("search", "s1"), ("view", "s1"), ("dwell", None), ("form_open", None), ("suggest", None), ("ticket", None)]


def test_a_senders_hash_is_the_same_for_the_same_address_and_key_only() -> None:
    assert requester_hash(" Anna@Example.com", "k" * 32) == requester_hash("anna@example.com", "k" * 32)
    assert requester_hash("anna@example.com", "k" * 32) != requester_hash("anna@example.com", "x" * 32)
    assert "anna" not in requester_hash("anna@example.com", "k" * 32)


def test_a_server_that_goes_away_while_rows_are_copied_is_away_and_our_rows_are_not_wrong(postgres: Database) -> None:
    with pytest.raises(DatabaseUnavailable), postgres.session() as db:
        record(db, *parsed(Story().search(0, "s1")))
        with postgres.engine.connect() as other:
            own = db.execute(text("SELECT pg_backend_pid()")).scalar()
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": own})
        insert_rows(db, "identity_edge", ("a", "b"), [{"a": "v:1", "b": "t:1"}])
    with postgres.session() as db:
        record(db, *parsed(Story().search(0, "s1")))
    assert rows(postgres, "SELECT count(*) FROM event") == [(1,)]


def test_going_on_after_the_server_went_away_does_not_make_it_our_mistake(postgres: Database) -> None:
    with pytest.raises(DatabaseUnavailable), postgres.session() as db:
        own = db.execute(text("SELECT pg_backend_pid()")).scalar()
        with postgres.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": own})
        with suppress(DatabaseUnavailable):
            db.execute(text("SELECT 1"))
