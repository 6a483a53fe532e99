"""What is packed of past days says what rows and events say, whatever came or went since."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import text

from app.db import Database
from app.deflection import (
    ReportRequest,
    apply_retention,
    assign_due,
    erase_person,
    import_events,
    pack_asked,
    pack_days,
    recompute_due,
    report_of_today,
    tell_contacts,
)
from app.deflection.packing.packing import packed, unpacked
from app.deflection.recording import simulate
from app.deflection.reporting.facts import DAY_MS
from app.deflection.reporting.report_request import span_of
from app.deflection.reporting.report_store import _days, days_of_span

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = int(NOW.timestamp() * 1000) // DAY_MS
START = (TODAY - 40) * DAY_MS


def _filled(database: Database) -> Database:
    import_events(database, simulate.lines(simulate.stream(3, simulate.subjects(8), 500, START, 40, simulate.Behaviour(surveyed=0.4))))
    _work(database)
    return database


def _work(database: Database) -> None:
    recompute_due(database, NOW)
    with database.session() as db:
        while assign_due(db, NOW) or tell_contacts(db, NOW):
            pass


def _line(id: str, type: str, at: int, **fields: object) -> str:
    return json.dumps({"event_id": id, "type": type, "t_client": at, "t_sent": at, "t_recv": at, "ua": "Mozilla", **fields})


def _content(database: Database) -> tuple[Counter, Counter]:
    """Needs and contacts as a report gets them, whatever the order."""
    span = span_of(ReportRequest(13), NOW)
    _days._found.clear()
    with database.session() as db:
        days = days_of_span(db, span.read_from, span.end)
    needs, contacts = days.needs, days.contacts
    said = ("first", "last", "final_at", "rule", "cluster", "asked", "survey", "answer_ms", "searches")
    return (
        Counter(zip(*(needs[name].tolist() for name in said), strict=True)),
        Counter(zip(*(contacts[name].tolist() for name in ("person", "at", "searched", "group")), strict=True)),
    )


def _from_rows(database: Database) -> tuple[Counter, Counter]:
    with database.session() as db:
        db.execute(text("DELETE FROM need_columns"))
    return _content(database)


def _settled(database: Database) -> int:
    with database.session() as db:
        return int(db.execute(text("SELECT count(*) FROM need_columns WHERE surveys")).scalar_one())


@pytest.mark.parametrize("narrow", [np.int8, np.int16, np.int32, np.int64])
def test_numbers_survive_packing_however_wide_they_are(narrow):
    edges = np.array([np.iinfo(narrow).min, -1, 0, np.iinfo(narrow).max], dtype=np.int64)
    arrays, head = unpacked(packed({"a": edges, "b": edges > 0, "none": edges[:0]}, {"é": 1}))
    assert (arrays["a"].tolist(), arrays["b"].tolist(), arrays["none"].tolist(), head) == (
        edges.tolist(),
        (edges > 0).tolist(),
        [],
        {"é": 1},
    )


def test_survey_answers_are_packed_once_they_are_in(either):
    database = _filled(either)
    rows = _content(database)
    assert any(answered for *_, answered, _, _, _ in rows[0])
    pack_days(database, NOW)
    assert 0 < _settled(database) < 40
    assert _content(database) == rows


def test_a_late_answer_reaches_a_day_that_was_packed_with_its_answers(either):
    database = _filled(either)
    pack_days(database, NOW)
    with database.session() as db:
        search = db.execute(
            text(
                "SELECT s.search_id FROM need_search s JOIN need n ON n.id = s.need_id WHERE n.day < :day AND s.search_id NOT IN"
                " (SELECT coalesce(ref, '') FROM event WHERE type = 'survey') ORDER BY n.day LIMIT 1"
            ),
            {"day": TODAY - 25},
        ).scalar_one()
    settled = _settled(database)
    at = (TODAY - 1) * DAY_MS
    import_events(database, [_line("late", "survey", at, visitor="x", tab="x", search_id=search, answered=1)])
    assert _settled(database) == settled - 1
    pack_days(database, NOW)
    packed_days = _content(database)
    assert packed_days == _from_rows(database)


def test_a_new_contact_takes_its_packed_day_away(either):
    database = _filled(either)
    pack_days(database, NOW)
    mail = {"ticket_id": "k-new", "t_created": START + 20 * DAY_MS, "channel": "email", "subject": "new thing", "requester": "0" * 32}
    import_events(database, [_line("n", "ticket", START + 20 * DAY_MS, **mail)])
    _work(database)
    pack_days(database, NOW)
    packed_days = _content(database)
    assert packed_days == _from_rows(database)


def test_what_retention_drops_is_in_no_packed_day(either):
    database = _filled(either)
    pack_days(database, NOW)
    pack_asked(database, NOW)
    apply_retention(database, NOW, event_days=20)
    pack_days(database, NOW)
    packed_days = _content(database)
    assert packed_days == _from_rows(database)
    with database.session() as db:
        assert db.execute(text("SELECT count(*) FROM asked_columns WHERE searches > 0 AND day < :day"), {"day": TODAY - 27}).scalar() == 0


def _today(database: Database):
    with database.session() as db:
        return report_of_today(db, NOW - timedelta(days=1), 3)


def test_the_page_of_today_says_the_same_from_packed_days(either):
    database = _filled(either)
    from_events = _today(database)
    assert from_events.queries
    assert sum(day.requests for day in from_events.days)
    assert pack_asked(database, NOW) > 80
    assert _today(database) == from_events
    assert pack_asked(database, NOW) == 0


def test_a_search_that_comes_late_and_one_that_goes_change_what_today_says(either):
    database = _filled(either)
    pack_asked(database, NOW)
    at = (TODAY - 5) * DAY_MS + 1000
    search = {"q": "quite new words", "mode": "submit", "n_results": 0}
    for i in range(3):
        when = at if i < 2 else at + 4 * DAY_MS
        import_events(database, [_line(f"n{i}", "search", when, visitor=f"n{i}", tab=f"n{i}", search_id=f"n{i}", **search)])
    assert "quite new words" in {row.query for row in _today(database).queries}
    pack_asked(database, NOW)
    assert "quite new words" in {row.query for row in _today(database).queries}
    erase_person(database, NOW, visitor="n0")
    assert "quite new words" not in {row.query for row in _today(database).queries}


def test_somebody_with_three_browsers_and_one_account_is_one_person_on_the_page_of_today(either):
    at, words = (TODAY - 1) * DAY_MS + 1000, {"mode": "submit", "n_results": 0}
    lines = [_line(f"b{i}", "search", at, visitor=f"b{i}", tab=f"b{i}", search_id=f"b{i}", q="in my basement", **words) for i in range(3)]
    import_events(either, lines)
    assert "in my basement" in {row.query for row in _today(either).queries}, "three people, as far as anybody knows"
    pack_asked(either, NOW)
    signed_in = [
        _line(f"a{i}", "search", at + 1, visitor=f"b{i}", tab=f"b{i}", account="one", search_id=f"a{i}", q="something else", **words)
        for i in range(3)
    ]
    import_events(either, signed_in)
    assert "in my basement" not in {row.query for row in _today(either).queries}


def test_days_are_not_packed_while_somebody_writes_events(postgres):
    database = _filled(postgres)
    with database.session() as writer:
        writer.execute(text("SELECT pg_advisory_xact_lock_shared(7241033)"))
        assert pack_days(database, NOW) == pack_asked(database, NOW) == 0
    assert pack_days(database, NOW) > 30
