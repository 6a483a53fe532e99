"""The report from rows: what is kept in memory never hides what changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import text

from app.db import Base, open_database
from app.deflection import ReportRequest, Thresholds, erase_person, export_rates, name_subjects, pack_days, report_of, tell_contacts
from app.deflection.grouping.cluster_store import assign_due, merge_clusters
from app.deflection.judging.ledger import recompute_due
from app.deflection.packing import need_columns
from app.deflection.recording import simulate
from app.deflection.recording.exchange import import_events
from app.deflection.reporting import report_store
from app.deflection.reporting.facts import DAY_MS
from app.deflection.reporting.report_request import span_of
from app.deflection.reporting.report_store import material
from app.deflection.reporting.report_tables import tables

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
START = int((NOW - timedelta(days=100)).timestamp() * 1000)


@pytest.fixture
def database(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/r.sqlite3")
    Base.metadata.create_all(database.engine)
    import_events(database, _stream())
    _work(database)
    yield database
    database.close()


def _stream():
    return simulate.lines(simulate.stream(4, simulate.subjects(12), 1500, START, 99, simulate.Behaviour(surveyed=0.3)))


def _work(database):
    recompute_due(database, NOW)
    with database.session() as db:
        while assign_due(db, NOW) or tell_contacts(db, NOW):
            pass
        name_subjects(db, NOW, 3)


def _report(database, weeks=13, **filters):
    with database.session() as db:
        return report_of(db, ReportRequest(weeks=weeks, **filters), NOW, Thresholds(5, 3))


def _fresh(database, weeks=13):
    report_store._days._found.clear()
    need_columns._unpacked.clear()
    return _report(database, weeks)


def _same(a, b):
    first, second = ((r.summary.endings, r.summary.solved, r.summary.zero, r.provisional) for r in (a, b))
    return first == second


def _line(id, type, at, **fields):

    return json.dumps({"event_id": id, "type": type, "t_client": at, "t_sent": at, "t_recv": at, "ua": "Mozilla", **fields})


def test_what_is_kept_is_what_a_fresh_reading_gives_after_new_events(database):
    before = _report(database)
    at = int((NOW - timedelta(days=9)).timestamp() * 1000)
    search = {"q": "new words", "mode": "submit", "n_results": 0}
    import_events(database, [_line(f"n{i}", "search", at, visitor=f"n{i}", tab=f"n{i}", search_id=f"n{i}", **search) for i in range(30)])
    _work(database)
    after = _report(database)
    assert after.summary.endings.no_results == before.summary.endings.no_results + 30
    assert _same(after, _fresh(database))


def test_a_request_that_touches_no_question_is_in_the_next_report(database):
    before = _report(database).summary.tickets
    at = int((NOW - timedelta(days=9)).timestamp() * 1000)
    mail = {"ticket_id": "k-new", "t_created": at, "channel": "email", "subject": "something", "requester": "0" * 32}
    import_events(database, [_line("n", "ticket", at, **mail)])
    recompute_due(database, NOW)
    assert _report(database).summary.tickets == before + 1


def test_unsearched_requests_are_grouped_by_what_they_are_about(database):
    report = _report(database)
    rows, until = report.unsearched, report.rows_until * DAY_MS
    named = {row.name.text for row in rows if row.name}
    assert {name for name in named if len(name.split()) > 1}
    with database.session() as db:
        contacts = material(db, span_of(ReportRequest(), NOW)).contacts
    start = span_of(ReportRequest(), NOW).start * DAY_MS
    assert sum(row.tickets for row in rows) == int((~contacts["searched"] & (contacts["at"] >= start) & (contacts["at"] < until)).sum())


def _packed_days(database):
    with database.session() as db:
        return set(db.execute(text("SELECT day FROM need_columns")).scalars())


def _tables(report):
    return {table.key: table.rows for table in tables(report)}


def test_packed_days_give_the_report_that_rows_give(database):
    from_rows = _tables(_fresh(database))
    assert pack_days(database, NOW) == len(_packed_days(database)) > 80
    assert _tables(_fresh(database)) == from_rows
    assert pack_days(database, NOW) == 0


def test_the_weeks_of_the_last_year_are_counted_from_packed_days(database):
    pack_days(database, NOW)
    later = NOW + timedelta(weeks=40)
    with database.session() as db:
        found = material(db, span_of(ReportRequest(4), later)).weeks_before
        counted = material(db, span_of(ReportRequest(52), later)).needs.counted
    assert found
    for start, (solved, n) in found.items():
        week = counted.between(start, start + 7)
        # The newest day is not packed yet.
        assert (int(week.answered.sum()), len(week)) == (solved, n) or week.day.max() >= NOW.timestamp() // 86400 - 1
    assert len(found) >= 14


def test_a_change_takes_away_only_the_packed_days_that_it_concerns(database):
    pack_days(database, NOW)
    whole, day = _packed_days(database), START // 86_400_000 + 50
    at = day * 86_400_000 + 3_600_000
    search = {"q": "new words", "mode": "submit", "n_results": 0, "t_recv": at}
    import_events(database, [_line("late", "search", at, visitor="late", tab="late", search_id="late", **search)])
    recompute_due(database, NOW)
    assert whole - _packed_days(database) == {day}
    pack_days(database, NOW)
    with database.session() as db:
        while assign_due(db, NOW):
            pass
    assert whole - _packed_days(database) == {day}
    assert _same(_report(database), _fresh(database))


def test_a_changed_group_and_an_erased_person_leave_the_packed_days(database):
    pack_days(database, NOW)
    whole = _packed_days(database)
    with database.session() as db:
        home, n, day = db.execute(
            text("SELECT home, count(*), max(day) FROM need WHERE home LIKE 'v:%' GROUP BY home ORDER BY 2 DESC")
        ).first()
    erase_person(database, NOW, visitor=home[2:])
    assert n and day in whole - _packed_days(database)
    pack_days(database, NOW)
    with database.session() as db:
        one, two = db.execute(text("SELECT cluster FROM need WHERE cluster > 0 GROUP BY cluster ORDER BY count(*) DESC LIMIT 2")).scalars()
        days = set(db.execute(text("SELECT DISTINCT day FROM need WHERE cluster = :c"), {"c": one}).scalars())
        merge_clusters(db, one, two, "editor", NOW)
    assert whole - _packed_days(database) == days & whole
    assert one not in {row.cluster for row in _report(database).failures}
    assert _tables(_report(database)) == _tables(_fresh(database))


def test_a_late_spam_mark_changes_the_past_and_the_page_says_so(database):
    before = _report(database)
    with database.session() as db:
        ticket = db.execute(
            text("SELECT t.ticket_id FROM need_ticket t JOIN need n ON n.id = t.need_id WHERE n.day < :d AND n.day > :e AND n.state = 'final'"),
            {"d": START // 86_400_000 + 60, "e": START // 86_400_000 + 20},
        ).first()[0]  # fmt: skip
    at = int(NOW.timestamp() * 1000)
    import_events(database, [_line("spam", "ticket_update", at, ticket_id=ticket, status="spam")])
    _work(database)
    after = _report(database)
    assert after.summary.endings.escalated < before.summary.endings.escalated
    assert after.restated > 0
    assert _same(after, _fresh(database))


def test_survey_answers_reach_their_needs(database):
    found = _report(database).summary.calibrated
    with database.session() as db:
        given = db.execute(text("SELECT count(*) FROM event WHERE type = 'survey'")).scalar()
    assert found is not None
    assert 0.7 * given < found.asked <= given
    assert found.answers < found.asked


def test_page_and_rates_export_agree(database):
    page = _report(database, weeks=13)
    export = export_rates(database, as_of=int(NOW.timestamp() * 1000), start=datetime(1970, 1, 1).date() + timedelta(days=page.span.start))
    assert export["needs"]["final"] == page.summary.endings.total
    assert export["rates"]["solved_without_a_ticket"]["count"] == page.summary.solved.count
    assert export["rates"]["zero_result_rate"]["count"] == page.summary.zero.count
    assert export["calibrated_answer_rate"]["asked"] == page.summary.calibrated.asked


def test_calibrated_export_covers_the_truth_of_simulated_streams(tmp_path):
    held = 0
    for seed in range(8):
        database = open_database(f"sqlite:///{tmp_path}/s{seed}.sqlite3")
        Base.metadata.create_all(database.engine)
        stream = simulate.stream(seed, simulate.subjects(10), 400, START, 60, simulate.Behaviour(surveyed=0.5, replies_not=0.5))
        import_events(database, simulate.lines(stream))
        found = export_rates(database)["calibrated_answer_rate"]
        held += found["low"] <= stream.answered_share <= found["high"]
        database.close()
    assert held >= 7


def test_slices_of_a_filter_add_up_and_filters_narrow(database):
    whole = _report(database)
    devices = whole.slices["device"]
    assert sum(row.needs for row in devices) == whole.summary.endings.total
    phones = _report(database, device="phone")
    assert phones.summary.endings.total == next(row.needs for row in devices if row.value == "phone")
    assert np.isclose(phones.summary.solved.rate, next(row.solved.rate for row in devices if row.value == "phone"))


def test_the_same_stream_gives_the_same_report_on_both_databases(database, postgres):
    import_events(postgres, _stream())
    _work(postgres)
    assert _tables(_fresh(postgres)) == _tables(_fresh(database))
    assert pack_days(postgres, NOW) == pack_days(database, NOW) > 80
    assert _tables(_fresh(postgres)) == _tables(_fresh(database))
    at = int((NOW - timedelta(days=40)).timestamp() * 1000)
    for each in (database, postgres):
        late = _line("late", "search", at, visitor="late", tab="late", search_id="late", q="x y z", mode="submit", n_results=0)
        import_events(each, [late])
        _work(each)
    assert _tables(_fresh(postgres)) == _tables(_fresh(database))


def test_rows_of_groups_and_articles_do_not_change_within_a_week(database):
    """Otherwise yesterday's page subtracted from today's would tell what one person asked."""
    monday = NOW - timedelta(days=NOW.weekday())
    seen = []
    for day in range(7):
        with database.session() as db:
            report = report_of(db, ReportRequest(weeks=13), monday + timedelta(days=day), Thresholds(5, 3))
        seen.append(([(row.cluster, row.needs, row.failed) for row in report.failures], [(a.article, a.needs) for a in report.articles]))
        assert sum(row.failed for row in report.failures) <= report.row_needs
    assert len({str(rows) for rows in seen[1:]}) == 1
    assert seen[0][0]


def test_a_portal_younger_than_a_whole_final_week_lists_what_is_final(tmp_path):
    young = open_database(f"sqlite:///{tmp_path}/young.sqlite3")
    Base.metadata.create_all(young.engine)
    start = int((NOW - timedelta(days=11)).timestamp() * 1000)
    import_events(young, simulate.lines(simulate.stream(4, simulate.subjects(3), 400, start, 10)))
    _work(young)
    assert _report(young, weeks=4).failures
    young.close()


def test_an_invented_past_holds_nothing_that_has_not_happened_yet():

    end = START + 20 * DAY_MS
    times = [json.loads(line)["t_recv"] for line in simulate.simulated_lines(1, simulate.subjects(4), 400, START, 20)]
    assert START < min(times) < max(times) < end


@pytest.mark.parametrize("packed", [False, True])
def test_what_was_found_and_not_opened_names_an_article_that_those_searches_listed(database, packed):
    at = int((NOW - timedelta(days=30)).timestamp() * 1000)
    lists = [["umbrella", "coat"]] * 5 + [["coat", "umbrella"]] * 3
    # Searched again without a result: what was shown before is what counts.
    shown = [
        _line(f"u{i}{n}", "search", at + i * 60_000 + n * 5000, visitor=f"u{i}", tab=f"u{i}", search_id=f"u{i}{n}", q="stolen umbrella",
              mode="submit", n_results=len(results), results=results)
        for i, listed in enumerate(lists) for n, results in enumerate((listed, []) if i == 0 else (listed,))
    ]  # fmt: skip
    import_events(database, shown)
    _work(database)
    with database.session() as db:
        group = db.execute(text("SELECT DISTINCT cluster FROM need WHERE q = 'stolen umbrella'")).scalar_one()
    if packed:
        pack_days(database, NOW)
    row = next(row for row in _fresh(database).failures if row.cluster == group)
    assert (row.kind, row.article) == ("title", "umbrella")
