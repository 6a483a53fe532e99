"""What is old goes, a person can be given or rid of everything, and the numbers still add up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from app.db import Database
from app.deflection import apply_retention, erase_person, export_person, recompute_due, record, verify_sample
from tests.deflection.story import START, Story, parsed

T0 = datetime.fromtimestamp(START / 1000, UTC)
D = 24 * 3600


def tell(database: Database, now: datetime, *stories: Story) -> None:
    with database.session() as db:
        record(db, *parsed(*stories))
    recompute_due(database, now)


def rows(database: Database, query: str) -> list[tuple]:
    with database.session() as db:
        return [tuple(row) for row in db.execute(text(query))]


def totals(database: Database) -> dict[str, int]:
    found = rows(database, "SELECT outcome, sum(n) FROM rollup_day GROUP BY outcome HAVING sum(n) <> 0")
    return {row[0]: int(row[1]) for row in found}


def test_raw_events_go_when_their_time_is_over_and_outcomes_stay_as_they_were(either: Database) -> None:
    old = Story(prefix="o").search(0, "s1", "my secret question").view(3, "w1", "s1", read=60)
    new = Story(prefix="n", tab="t2").search(190 * D, "s2", "vat invoice")
    tell(either, T0 + timedelta(days=1), old)
    tell(either, T0 + timedelta(days=190), new)
    before = totals(either)
    assert apply_retention(either, T0 + timedelta(days=200)) == 3
    assert rows(either, "SELECT count(*) FROM event") == [(1,)]
    tell(either, T0 + timedelta(days=200), Story(prefix="x", tab="t2").add(200 * D, "identify"))
    assert totals(either) == before
    assert rows(either, "SELECT q, outcome FROM need ORDER BY day") == [("", "answered_likely"), ("vat invoice", "abandoned_with_results")]
    assert verify_sample(either, T0 + timedelta(days=200), share=1.0) == []
    assert apply_retention(either, T0 + timedelta(days=200)) == 0


def known_long_ago() -> list[Story]:
    """A browser whose sender only an old form told, and one whose account was last seen some days before its events go."""
    return [
        Story(visitor="va", prefix="o").form(0, "f1").ticket(60, "k1", "my card is lost", form_id="f1", requester="ra"),
        Story(visitor="vb", tab="tb", account="bo", prefix="b").view(15 * D, "wb", read=60),
        Story(visitor="vb", tab="tb2", prefix="c").search(40 * D, "s3", "order a card"),
        Story(visitor="va", tab="t2", prefix="n").search(195 * D, "s2", "vat invoice"),
        Story(visitor=None, tab=None, prefix="m").ticket(195 * D + 3600, "k2", "vat invoice", channel="email", requester="ra"),
        Story(visitor="vz", tab="tz", prefix="z").form(0, "f9").ticket(60, "k9", "never again", form_id="f9", requester="rz"),
        Story(visitor="vn", tab="tn", prefix="noise").search(195 * D, "s9", "vat invoice"),
    ]


def test_who_is_who_outlives_the_events_that_told_it_as_long_as_somebody_is_active(either: Database) -> None:
    tell(either, T0 + timedelta(days=197), *known_long_ago())
    before = rows(either, "SELECT id, outcome, person, link_class FROM need ORDER BY id")
    assert {row[1:3] for row in before} >= {("escalated", "v:va"), ("abandoned_with_results", "a:bo")}
    assert apply_retention(either, T0 + timedelta(days=200)) == 6
    assert rows(either, "SELECT visitor, account, t_recv FROM event WHERE type = 'identify' ORDER BY visitor") == [
        ("va", None, START + 60_000),
        ("vb", "bo", START + (15 * D + 60) * 1000),
    ]
    assert verify_sample(either, T0 + timedelta(days=200), share=1.0) == []
    tell(either, T0 + timedelta(days=200), Story(visitor="va", tab="t3", prefix="x").search(199 * D, "s4", "another question"))
    assert [row for row in rows(either, "SELECT id, outcome, person, link_class FROM need ORDER BY id") if row in before] == before
    assert apply_retention(either, T0 + timedelta(days=200)) == 0
    apply_retention(either, T0 + timedelta(days=600))
    assert rows(either, "SELECT count(*) FROM event") == rows(either, "SELECT count(*) FROM identity_edge") == [(0,)]


def test_needs_go_after_two_years_and_the_rollups_know_them_still(database: Database) -> None:
    tell(database, T0 + timedelta(days=1), Story().search(0, "s1"))
    apply_retention(database, T0 + timedelta(days=800))
    assert rows(database, "SELECT count(*) FROM need") == [(0,)]
    assert totals(database) == {"abandoned_with_results": 1}
    assert verify_sample(database, T0 + timedelta(days=800), share=1.0) == []


def anna_and_bo() -> list[Story]:
    return [
        Story(visitor="va", account="anna", tab="ta")
        .search(0, "sa", "annas question")
        .view(3, "wa", "sa", read=60)
        .add(65, "identify", requester="ra"),
        Story(visitor="va2", account="anna", tab="ta2").search(D, "sa2", "another of anna"),
        Story(visitor=None, tab=None, prefix="m").ticket(2 * D, "ka", "annas question", channel="email", requester="ra"),
        Story(visitor="vb", account="bo", tab="tb").search(0, "sb", "bos question"),
    ]


def test_erasing_a_person_leaves_no_trace_of_them_and_the_sums_unchanged(tmp_path: Path, either: Database) -> None:
    tell(either, T0 + timedelta(days=3), *anna_and_bo())
    before = totals(either)
    erased = erase_person(either, T0 + timedelta(days=4), account="anna")
    assert (erased.events, erased.needs, erased.tickets) == (6, 2, 1)
    assert totals(either) == before
    assert verify_sample(either, T0 + timedelta(days=4), share=1.0) == []
    with either.session() as db:
        tables = [
            "event",
            "seen",
            "identity_edge",
            "dirty",
            "visitor_session",
            "need",
            "need_search",
            "need_view",
            "need_ticket",
            "contact",
        ]
        everything = " ".join(str(tuple(row)) for table in tables for row in db.execute(text(f"SELECT * FROM {table}")))
    for name in ("anna", "'va'", "va2", "ra'", "'sa'", "annas"):
        assert name not in everything
    assert "bos question" in everything
    assert rows(either, "SELECT count(*) FROM outcome_ledger WHERE to_outcome = 'erased'") == [(2,)]
    tell(either, T0 + timedelta(days=5), Story(visitor="vb", account="bo", tab="tb", prefix="later").search(4 * D, "sb2"))
    assert sum(totals(either).values()) == sum(before.values()) + 1
    assert verify_sample(either, T0 + timedelta(days=5), share=1.0) == []


def test_erased_words_are_not_in_the_database_file_either(database: Database) -> None:
    tell(database, T0 + timedelta(days=3), *anna_and_bo())
    erase_person(database, T0 + timedelta(days=4), account="anna")
    path = Path(str(database.url.database))
    database.close()
    left = b"".join(file.read_bytes() for file in path.parent.iterdir() if file.name.startswith(path.name))
    assert b"annas question" not in left
    assert b"bos question" in left


def test_what_others_did_on_a_shared_browser_stays_theirs(database: Database) -> None:
    shared = [
        Story(visitor="vs", account="anna", tab="t1").search(0, "s1", "annas question"),
        Story(visitor="vs", account="bo", tab="t2").search(D, "s2", "bos question"),
        Story(visitor="va", account="anna", tab="t3").search(2 * D, "s3", "annas other question"),
    ]
    tell(database, T0 + timedelta(days=3), *shared)
    erase_person(database, T0 + timedelta(days=4), account="anna")
    assert "bos question" in str(rows(database, "SELECT body FROM event"))
    assert "annas" not in str(rows(database, "SELECT body FROM event"))


def test_a_person_gets_everything_that_is_known_of_them(database: Database) -> None:
    tell(database, T0 + timedelta(days=3), *anna_and_bo())
    with database.session() as db:
        found = export_person(db, account="anna")
    assert [e["type"] for e in found["events"]] == ["search", "view", "dwell", "identify", "search", "ticket"]
    assert sorted(need["outcome"] for need in found["needs"]) == ["abandoned_with_results", "escalated"]
    assert "bos" not in str(found)


def test_a_merged_ticket_of_somebody_else_stays_theirs(either: Database) -> None:
    merged = Story(visitor=None, tab=None, prefix="h")
    merged.ticket(2 * D, "kb", "bos question", channel="email", requester="rb")
    merged.add(2 * D + 60, "ticket_update", ticket_id="kb", status="merged", into="ka")
    tell(either, T0 + timedelta(days=3), *anna_and_bo(), merged)
    with either.session() as db:
        annas, bos = export_person(db, requester="ra"), export_person(db, requester="rb")
    assert ("annas question" in str(annas), "bos" in str(annas)) == (True, False)
    assert [(e["type"], e["ticket_id"]) for e in bos["events"]] == [("ticket", "kb"), ("ticket_update", "kb")]
    erase_person(either, T0 + timedelta(days=4), requester="ra")
    assert "bos question" in str(rows(either, "SELECT body FROM event"))
    assert "annas" not in str(rows(either, "SELECT body FROM event"))
    recompute_due(either, T0 + timedelta(days=4))
    assert verify_sample(either, T0 + timedelta(days=4), share=1.0) == []


# START is a Tuesday (14 November 2023); weeks end with Sunday.


def partitions(database: Database) -> list[str]:
    found = rows(database, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'event'::regclass ORDER BY 1")
    return [name for (name,) in found]


def test_events_go_by_whole_weeks_and_none_is_kept_longer_than_was_said(either: Database) -> None:
    for day in range(21):
        tell(either, T0 + timedelta(days=day), Story(prefix=f"d{day}", tab=f"t{day}").search(day * D, f"s{day}"))
    oldest = []
    for day in range(35, 43):
        apply_retention(either, T0 + timedelta(days=day), event_days=30)
        oldest.append(rows(either, "SELECT min(day) - :start FROM event".replace(":start", str(START // 86_400_000)))[0][0])
    assert oldest == [6, 6, 13, 13, 13, 13, 13, 13]
    assert rows(either, "SELECT count(*) FROM seen") == rows(either, "SELECT count(*) FROM event") == [(8,)]


def test_exclusions_outlive_the_events_of_their_time(either: Database) -> None:
    staff = Story(visitor=None, tab=None, prefix="x").add(0, "exclude", target_visitor="v1", reason="ours")
    tell(either, T0, staff, Story().search(5, "s1"))
    assert apply_retention(either, T0 + timedelta(days=400)) == 1
    tell(either, T0 + timedelta(days=400), Story(prefix="n", tab="t2").search(400 * D, "s2"))
    assert rows(either, "SELECT outcome FROM need ORDER BY day") == [("excluded",), ("excluded",)]


def test_an_event_that_comes_again_after_its_week_was_dropped_goes_again(either: Database) -> None:
    story = Story().search(0, "s1").search(200 * D, "s2")
    for _ in range(2):
        tell(either, T0 + timedelta(days=200), story)
        assert rows(either, "SELECT count(*) FROM event") == [(2,)]
        assert apply_retention(either, T0 + timedelta(days=200)) == 1


def test_a_week_has_a_partition_before_its_first_event_and_loses_it_with_the_last(postgres: Database) -> None:
    apply_retention(postgres, T0)
    assert partitions(postgres) == ["event_w20231113", "event_w20231120", "event_w20231127"]
    tell(postgres, T0, Story().search(0, "s1").search(60 * D, "s2"))
    assert partitions(postgres)[-1] == "event_w20240108"
    assert apply_retention(postgres, T0 + timedelta(days=60), event_days=30) == 1
    assert partitions(postgres)[0] == "event_w20240108"
    assert rows(postgres, "SELECT event_id FROM seen") == rows(postgres, "SELECT event_id FROM event") == [("v1-t1-1",)]


def test_absurd_times_share_a_partition_and_go_like_all_others(postgres: Database) -> None:
    far = [{**Story(prefix=f"f{i}").search(0, f"s{i}").events[0], "t_recv": t} for i, t in enumerate((0, 10**12, 2**47, 2**46))]
    with postgres.session() as db:
        record(db, *parsed(far))
    assert partitions(postgres) == ["event_after", "event_before"]
    assert apply_retention(postgres, T0) == 2
    assert rows(postgres, "SELECT count(*) FROM event") == rows(postgres, "SELECT count(*) FROM seen") == [(2,)]


def test_a_week_that_is_being_read_goes_by_rows_and_its_partition_later(postgres: Database) -> None:
    tell(postgres, T0, Story().search(0, "s1"))
    with postgres.session() as reader:
        reader.execute(text("SELECT count(*) FROM event"))
        assert apply_retention(postgres, T0 + timedelta(days=200)) == 1
    assert "event_w20231113" in partitions(postgres)
    assert apply_retention(postgres, T0 + timedelta(days=200)) == 0
    assert "event_w20231113" not in partitions(postgres)
