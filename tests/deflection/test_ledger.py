"""Stored outcomes follow the events: the past changes visibly, roll-ups add up, and the nightly check shouts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.db import Database
from app.deflection import Rulebook, outcome_stamp, recompute_due, record, verify_sample
from app.deflection.judging import ledger
from tests.deflection.story import START, Story, parsed

T0 = datetime.fromtimestamp(START / 1000, UTC)
H, D = 3600, 24 * 3600


def tell(database: Database, now: datetime, *stories: Story, rules: Rulebook | None = None) -> int:
    with database.session() as db:
        record(db, *parsed(*stories))
    return recompute_due(database, now, rules)


def rows(database: Database, query: str) -> list[tuple]:
    with database.session() as db:
        return [tuple(row) for row in db.execute(text(query))]


def rollup(database: Database) -> dict[tuple, int]:
    return {
        row[:-1]: row[-1]
        for row in rows(database, "SELECT outcome, state, sum(n) FROM rollup_day GROUP BY outcome, state HAVING sum(n) <> 0")
    }


def answered(visitor: str = "v1") -> Story:
    return Story(visitor=visitor, tab="t" + visitor).search(0, "s" + visitor).view(3, "w" + visitor, "s" + visitor, read=60)


def mail(ticket: str, at: float, prefix: str = "m", **fields) -> Story:
    return Story(visitor="v1", tab=None, prefix=prefix).ticket(at, ticket, channel="email", **fields)


def test_a_late_ticket_its_spam_mark_and_an_exclusion_change_the_past_visibly(either: Database) -> None:
    tell(either, T0 + timedelta(minutes=5), answered())
    assert rows(either, "SELECT outcome, rule, state FROM need") == [("answered_likely", "R6", "provisional")]
    tell(either, T0 + timedelta(days=20), mail("k1", 5 * H))
    spam = Story(visitor=None, tab=None, prefix="u").add(21 * D, "ticket_update", ticket_id="k1", status="spam")
    tell(either, T0 + timedelta(days=21), spam)
    staff = Story(visitor=None, tab=None, prefix="x").add(22 * D, "exclude", target_visitor="v1", reason="ours")
    tell(either, T0 + timedelta(days=22), staff)
    story = rows(either, "SELECT from_outcome, to_outcome, cause, as_of, version FROM outcome_ledger ORDER BY id")
    assert [row[:3] for row in story] == [
        (None, "answered_likely", "v1-tv1-2"),
        ("answered_likely", "escalated", "mv1-None-0"),
        ("escalated", "answered_likely", "uNone-None-0"),
        ("answered_likely", "excluded", "xNone-None-0"),
    ]
    assert story[1][3] == START + 20 * D * 1000
    assert {row[4] for row in story} == {Rulebook().version}
    assert rollup(either) == {("excluded", "final"): 1}
    assert verify_sample(either, T0 + timedelta(days=23), share=1.0) == []


def test_a_contact_on_the_topic_after_the_window_is_noted_and_changes_no_outcome(either: Database) -> None:
    tell(either, T0 + timedelta(minutes=5), answered())
    assert rows(either, "SELECT topical_after FROM need") == [(None,)]
    tell(either, T0 + timedelta(days=20), mail("k2", 13 * D), mail("k1", 10 * D, prefix="n"))
    last = rows(either, "SELECT last FROM need")[0][0]
    assert rows(either, "SELECT topical_after, ticket_after, outcome FROM need") == [
        (START + 10 * D * 1000 - last, None, "answered_likely")
    ]
    assert len(rows(either, "SELECT 1 FROM outcome_ledger")) == 1
    tell(
        either,
        T0 + timedelta(days=21),
        Story(visitor=None, tab=None, prefix="u").add(21 * D, "ticket_update", ticket_id="k1", status="spam"),
    )
    assert rows(either, "SELECT topical_after FROM need") == [(START + 13 * D * 1000 - last,)]
    assert verify_sample(either, T0 + timedelta(days=22), share=1.0) == []


def test_a_later_contact_on_another_topic_or_beyond_two_weeks_is_not_noted(database: Database) -> None:
    tell(database, T0 + timedelta(days=30), answered(), mail("k1", 10 * D, subject="invoice missing"), mail("k2", 15 * D, prefix="n"))
    assert rows(database, "SELECT topical_after, ticket_after FROM need") == [(None, None)]


def test_signing_in_later_joins_two_browsers_and_says_so_in_the_ledger(database: Database) -> None:
    phone = Story(visitor="v1", tab="t1").search(0, "s1")
    laptop = Story(visitor="v2", tab="t2").search(2 * H, "s2", "password reset").view(2 * H + 5, "w2", "s2", read=60)
    tell(database, T0, phone, laptop)
    assert rollup(database) == {("abandoned_with_results", "provisional"): 1, ("answered_likely", "provisional"): 1}
    tell(
        database,
        T0,
        Story(visitor="v1", tab="t1", account="acc1", prefix="a").add(3 * H, "identify"),
        Story(visitor="v2", tab="t2", account="acc1", prefix="b").add(3 * H, "identify"),
    )
    assert rollup(database) == {("answered_likely", "provisional"): 1}
    assert rows(database, "SELECT searches, link_class FROM need") == [(2, 2)]
    assert (None,) in rows(database, "SELECT to_outcome FROM outcome_ledger")
    assert verify_sample(database, T0, share=1.0) == []


def test_what_did_not_change_is_not_written_again(database: Database) -> None:
    tell(database, T0, answered())
    with database.session() as db:
        stamp = outcome_stamp(db)
    tell(database, T0, answered())
    tell(database, T0, Story(prefix="i", tab="tv1").add(20, "identify"))
    assert len(rows(database, "SELECT 1 FROM outcome_ledger")) == 1
    with database.session() as db:
        assert outcome_stamp(db) == stamp


def test_time_makes_outcomes_final_and_moves_them_in_the_rollups(either: Database) -> None:
    tell(either, T0, answered(), Story(visitor=None, tab="t7", prefix="z").search(0, "s7"))
    recompute_due(either, T0 + timedelta(days=2))
    assert rollup(either) == {("answered_likely", "provisional"): 1, ("abandoned_with_results", "final"): 1}
    recompute_due(either, T0 + timedelta(days=9))
    assert rollup(either) == {("answered_likely", "final"): 1, ("abandoned_with_results", "final"): 1}
    assert verify_sample(either, T0 + timedelta(days=9), share=1.0) == []


def test_with_a_required_watermark_outcomes_wait_for_the_ticket_feed(database: Database) -> None:
    rules = Rulebook(require_watermark=True)
    tell(database, T0, answered(), rules=rules)
    recompute_due(database, T0 + timedelta(days=30), rules)
    assert rollup(database) == {("answered_likely", "provisional"): 1}
    late = Story(visitor=None, tab=None, prefix="y").add(30 * D, "watermark", source="desk", t_complete=START + 29 * D * 1000)
    tell(database, T0 + timedelta(days=31), late, rules=rules)
    assert rollup(database) == {("answered_likely", "final"): 1}


def test_needs_that_wait_for_the_ticket_feed_hide_none_that_is_due(either: Database) -> None:
    rules = Rulebook(require_watermark=True)
    # Tab-only needs are over after a day and a half hour, but their tickets are complete only seven days later.
    waiting = [Story(visitor=None, tab=f"t{i}", prefix=f"t{i}").search(1 * D + i, f"s{i}") for i in range(5)]
    feed = Story(visitor=None, tab=None, prefix="y").add(7 * D + 3600, "watermark", source="desk", t_complete=START + (7 * D + 3600) * 1000)
    now = T0 + timedelta(days=8, hours=2)
    with either.session() as db:
        record(db, *parsed(answered(), *waiting, feed))
    recompute_due(either, T0 + timedelta(days=2), rules)
    with either.session() as db:
        assert [ledger.finish_due(db, now, rules, either.is_sqlite, limit=2) for _ in range(2)] == [1, 0]
    assert rollup(either)["answered_likely", "final"] == 1
    assert verify_sample(either, now, rules, share=1.0) == []


def test_what_somebody_does_now_is_judged_before_a_past_that_is_imported(either: Database) -> None:
    tell(either, T0, answered("v0"))
    past = [Story(visitor=f"p{i}", tab=f"tp{i}", prefix=f"p{i}").search(i, f"sp{i}") for i in range(20)]
    with either.session() as db:
        record(db, *parsed(*past))
        record(db, *parsed(Story(visitor="new", tab="tnew", prefix="n").search(9 * D, "now")))
        # Somebody of the past comes back: their old mark must not hold them up either.
        record(db, *parsed(Story(visitor="p3", tab="tp3", prefix="b").search(9 * D, "back")))
    now = T0 + timedelta(days=9, minutes=1)
    assert recompute_due(either, now, limit=2) == 2
    assert rows(either, "SELECT home FROM need WHERE home <> 'v:v0' GROUP BY home ORDER BY home") == [("v:new",), ("v:p3",)]
    assert recompute_due(either, now) == 19


def test_a_new_version_of_the_thresholds_is_kept_with_what_it_means(database: Database) -> None:
    tell(database, T0, answered())
    tell(database, T0, Story(prefix="i", tab="tv1").add(20, "identify"), rules=Rulebook(sat_ms=90_000))
    assert rows(database, "SELECT outcome, version FROM need") == [("abandoned_with_results", Rulebook(sat_ms=90_000).version)]
    assert len(rows(database, "SELECT version FROM definition")) == 2
    assert ("answered_likely", "abandoned_with_results") in rows(database, "SELECT from_outcome, to_outcome FROM outcome_ledger")


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE need SET outcome = 'answered_confirmed', fingerprint = 'x' WHERE home = 'v:v1'",
        "DELETE FROM need WHERE home = 'v:v1'",
        "DELETE FROM event WHERE actor = 'v:v1' AND type = 'dwell'",
        "UPDATE rollup_day SET n = n + 1",
        "DELETE FROM rollup_day",
    ],
)
def test_the_nightly_check_shouts_when_stored_and_computed_differ(
    database: Database, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    tell(database, T0, answered("v1"), answered("v2"))
    assert verify_sample(database, T0, share=1.0) == []
    assert not caplog.records
    with database.session() as db:
        db.execute(text(damage))
    assert verify_sample(database, T0, share=1.0)
    assert any(record.levelname == "CRITICAL" for record in caplog.records)


def test_the_nightly_sample_is_a_share_of_persons_and_leaves_out_what_is_still_waiting(database: Database) -> None:
    tell(database, T0, *[answered(f"v{i}") for i in range(50)])
    with database.session() as db:
        db.execute(text("UPDATE need SET fingerprint = 'x'"))
    assert len(verify_sample(database, T0, share=0.1, seed=1)) == 5
    with database.session() as db:
        record(db, *parsed(*[Story(visitor=f"v{i}", tab=f"tv{i}", prefix="i").add(9, "identify") for i in range(50)]))
    assert verify_sample(database, T0, share=1.0) == []


def test_a_rollup_has_no_row_that_a_need_does_not_explain(database: Database) -> None:
    tell(database, T0, *[answered(f"v{i}") for i in range(5)], mail("k1", H))
    by_key = rows(
        database, "SELECT day, kind, article, outcome, link_class, sum(n) FROM rollup_day GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0"
    )
    needs = rows(database, "SELECT day, kind, article, outcome, link_class, count(*) FROM need GROUP BY 1, 2, 3, 4, 5")
    assert sorted(by_key) == sorted(needs)


def test_a_new_event_is_visible_in_its_outcome_with_one_beat_of_the_worker(database: Database) -> None:
    tell(database, T0, answered())
    assert tell(database, T0, Story(tab="tv1", prefix="n").vote(80, 1, view_id="wv1")) == 1
    assert rows(database, "SELECT outcome FROM need") == [("answered_confirmed",)]
    assert rows(database, "SELECT outcome, searches FROM visitor_session") == [("answered_confirmed", 1)]


def test_a_person_that_cannot_be_judged_does_not_stop_the_others_and_is_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    judge = ledger.judge

    def stumbling(events, *given, **named):
        events = list(events)
        if any(event.visitor == "v3" for event in events):
            raise ZeroDivisionError("a mistake of ours")
        return judge(events, *given, **named)

    monkeypatch.setattr(ledger, "judge", stumbling)
    tell(database, T0, *[answered(f"v{i}") for i in range(6)])
    recompute_due(database, T0)
    assert len(rows(database, "SELECT 1 FROM need")) == 5
    assert rows(database, "SELECT actor FROM dirty") == [("v:v3",)]
    assert "could not be judged" in caplog.text
    monkeypatch.undo()
    assert recompute_due(database, T0 + timedelta(minutes=10)) == 0
    assert recompute_due(database, T0 + timedelta(minutes=61)) == 1
    assert len(rows(database, "SELECT 1 FROM need")) == 6
