"""A ticket of another helpdesk is one ticket, whichever way we are told of it, in whichever order, how late and how often."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import permutations
from multiprocessing import get_context
from typing import Any

import pytest
from sqlalchemy import text

from app.db import Database, open_database
from app.deflection import export_outcomes, export_rates, import_events, import_tickets, recompute_due, report_of_today
from app.deflection.recording.clock import DAY, HOUR, MINUTE
from tests.deflection.story import START, Story, judged

KEY = "k" * 32
WRITTEN = START + HOUR
HEARD = datetime.fromtimestamp(START / 1000, UTC) + timedelta(days=20)
"""Long after everything: no update may be put where we heard of it."""


def lines_of(person: str) -> list[dict[str, Any]]:
    """What a mailbox and an export tell of two requests of one person: marked as spam and opened again, and merged into each other."""
    a, b = f"{person}-a", f"{person}-b"
    first = {"ticket_id": a, "t_created": WRITTEN, "subject": "reset password"}
    return [
        {**first, "requester": f"{person}@example.com"},
        {"ticket_id": a, "t_created": WRITTEN, "account": person, "status": "spam", "updated_at": START + 2 * HOUR},
        {**first, "channel": "phone", "status": "open", "updated_at": START + 3 * HOUR},
        {
            "ticket_id": b,
            "t_created": WRITTEN + 20 * MINUTE,
            "account": person,
            "status": "merged",
            "into": a,
            "updated_at": START + 4 * HOUR,
        },
        {**first, "status": "merged", "into": b, "updated_at": START + 5 * HOUR},
    ]


def tell(database: Database, rows: list[dict[str, Any]], heard: datetime = HEARD, csv: bool = False) -> int:
    names = sorted({name for row in rows for name in row})
    table = [",".join(names), *(",".join(str(row.get(name, "")) for name in names) for row in rows)]
    return import_tickets(database, table if csv else map(json.dumps, rows), heard, KEY, "import" if csv else "feed", csv=csv).new


def rows_of(database: Database, person: str) -> list[tuple[Any, ...]]:
    """Everything that is stored of a person's requests, without the person's name in it."""
    columns = "ticket_id, home, t, channel, subject, status, valid, duplicate, linked, link_class"
    sql = f"SELECT {columns} FROM contact WHERE ticket_id LIKE :own ORDER BY ticket_id"
    with database.session() as db:
        found = db.execute(text(sql), {"own": f"{person}-%"}).all()
        events = db.execute(text("SELECT count(*) FROM event WHERE ref LIKE :own"), {"own": f"{person}-%"}).scalar()
    return [(events,), *(tuple(str(int(v) if isinstance(v, bool) else v).replace(person, "") for v in row) for row in found)]


def test_every_order_of_feed_and_file_gives_the_same_rows_outcomes_and_numbers_of_the_day(either: Database) -> None:
    orders = list(permutations(range(5)))
    for i, order in enumerate(orders):
        person = f"p{i:03}"
        lines = lines_of(person)
        import_events(either, map(json.dumps, Story(visitor=None, tab=None, account=person, prefix=person).search(0, f"s{i}").events))
        for n, which in enumerate([*order, order[0]]):
            tell(either, [lines[which]], HEARD + timedelta(hours=n), csv=(which + i) % 2 == 0)
    recompute_due(either, HEARD + timedelta(days=1))
    found = {tuple(rows_of(either, f"p{i:03}")) for i in range(len(orders))}
    assert len(found) == 1
    (_, a, b) = found.pop()
    assert (a[1], a[3:]) == ("a:", ("phone", "reset password", "merged", "1", "0", "1", "2")), "known by account, counted once"
    assert b[5:8] == ("merged", "1", "1")
    assert {o["outcome"] for o in export_outcomes(either)} == {"escalated"}
    assert export_rates(either)["tickets"] == len(orders)
    with either.session() as db:
        days = report_of_today(db, HEARD, k=1).days
    assert {day.day: day.requests for day in days if day.requests} == {WRITTEN // DAY: len(orders)}, "on the day they were written"


def _told_by_another_process(url: str, backwards: bool) -> None:
    database = open_database(url)
    for person in ("p1", "p2", "p3", "p4"):
        lines = lines_of(person)
        for line in reversed(lines) if backwards else lines:
            tell(database, [line], csv=backwards)
    database.close()


def test_both_ways_at_once_tell_of_each_ticket_once(either: Database) -> None:
    url = either.engine.url.render_as_string(hide_password=False)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(_told_by_another_process, url, backwards) for backwards in (False, True)]:
            done.result()
    recompute_due(either, HEARD)
    assert {tuple(rows_of(either, person)) for person in ("p1", "p2", "p3", "p4")} == {tuple(rows_of(either, "p1"))}
    with either.session() as db:
        assert db.execute(text("SELECT count(*) FROM contact WHERE valid AND NOT duplicate")).scalar() == 4
        # Four lines of a and b with something of their own to say (the last repeats none of them), and four updates.
        assert db.execute(text("SELECT count(*), count(DISTINCT event_id) FROM event WHERE ref LIKE 'p1-%'")).one() == (9, 9)


def counting(*updates: dict[str, Any], more: tuple[str, ...] = ("k2",)) -> list[str]:
    """The tickets that count, of k1 and some more written at other times on other things."""
    story = Story().ticket(0, "k1", "one thing")
    for i, name in enumerate(more, 1):
        story.ticket(i * 3600, name, f"thing number {i}")
    for i, update in enumerate(updates):
        story.add(100_000 + i, "ticket_update", **update)
    return [contact.ticket_id for contact in judged(story).contacts if contact.valid and not contact.duplicate]


@pytest.mark.parametrize(
    ("updates", "expected"),
    [
        ([{"ticket_id": "k2", "status": "merged", "into": "k1"}], ["k1"]),
        ([{"ticket_id": "k1", "status": "merged", "into": "k2"}, {"ticket_id": "k2", "status": "merged", "into": "k1"}], ["k1"]),
        ([{"ticket_id": "k1", "status": "merged", "into": "k1"}], ["k1", "k2"]),
        ([{"ticket_id": "k1", "status": "merged", "into": "never-told"}], ["k1", "k2"]),
        ([{"ticket_id": "k2", "status": "merged", "into": "k1"}, {"ticket_id": "k2", "status": "solved"}], ["k1"]),
        ([{"ticket_id": "k2", "status": "merged", "into": "k1"}, {"ticket_id": "k2", "status": "open"}], ["k1", "k2"]),
        ([{"ticket_id": "k2", "status": "merged", "into": "k1"}, {"ticket_id": "k1", "status": "spam"}], ["k2"]),
        ([{"ticket_id": "k2", "status": "merged"}], ["k1"]),
    ],
)
def test_of_tickets_that_were_merged_exactly_one_counts(updates: list[dict[str, Any]], expected: list[str]) -> None:
    assert counting(*updates) == expected


def test_a_ticket_merged_into_a_later_one_on_the_same_thing_still_counts_once() -> None:
    story = Story().ticket(0, "k1").ticket(300, "k2").add(400, "ticket_update", ticket_id="k1", status="merged", into="k2")
    assert [c.ticket_id for c in judged(story).contacts if not c.duplicate] == ["k2"]


def test_a_ticket_counts_until_the_one_it_went_into_is_known(database: Database) -> None:
    goes = {"ticket_id": "k1", "t_created": WRITTEN, "status": "merged", "into": "k2", "updated_at": WRITTEN + HOUR}
    told: list[list[str]] = []
    for rows in ([goes], [{"ticket_id": "k2", "t_created": WRITTEN + MINUTE, "subject": "something else"}]):
        tell(database, rows)
        recompute_due(database, HEARD)
        with database.session() as db:
            told.append(list(db.execute(text("SELECT ticket_id FROM contact WHERE NOT duplicate")).scalars()))
    assert told == [["k1"], ["k2"]]


def test_a_file_of_last_months_tickets_is_no_rush_of_requests_today(database: Database) -> None:
    tell(database, [{"ticket_id": f"k{i}", "t_created": START + i * DAY} for i in range(5)])
    recompute_due(database, HEARD)
    with database.session() as db:
        days = report_of_today(db, HEARD, k=1).days
    assert (days[-1].requests, sum(day.requests for day in days)) == (0, 5)


def test_what_staff_tried_out_is_no_request_of_the_day(database: Database) -> None:
    tried = Story("v1", role="agent").ticket(0, "k1", "trying the form")
    asked = Story("v2").ticket(0, "k2", "lost card")
    import_events(database, map(json.dumps, [*tried.events, *asked.events]))
    recompute_due(database, HEARD)
    with database.session() as db:
        assert sum(day.requests for day in report_of_today(db, HEARD, k=1).days) == 1
