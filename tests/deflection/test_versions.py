"""Thresholds that change: everybody is judged again by the new ones, and what cannot be is told apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.db import Base, open_database
from app.deflection import ReportRequest, Rulebook, Thresholds, definitions_in_use, recompute_due, report_of, verify_sample
from app.deflection.recording import simulate
from app.deflection.recording.exchange import import_events
from app.deflection.reporting.facts import DAY_MS

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
STRICT = Rulebook(sat_ms=90_000)


@pytest.fixture
def database(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/v.sqlite3")
    Base.metadata.create_all(database.engine)
    start = int((NOW - timedelta(days=100)).timestamp() * 1000)
    import_events(database, simulate.lines(simulate.stream(6, simulate.subjects(8), 700, start, 99)))
    recompute_due(database, NOW)
    yield database
    database.close()


def _versions(database):
    with database.session() as db:
        return set(db.execute(text("SELECT DISTINCT version FROM need")).scalars())


def _report(database):
    with database.session() as db:
        return report_of(db, ReportRequest(weeks=13), NOW, Thresholds(5, 3))


def test_new_thresholds_judge_everybody_again_and_old_ones_do_when_they_come_back(database):
    before = _report(database).summary.endings
    recompute_due(database, NOW, STRICT)
    assert _versions(database) == {STRICT.version}
    assert verify_sample(database, NOW, STRICT, share=1.0) == []
    assert _report(database).summary.endings.likely < before.likely
    recompute_due(database, NOW)
    assert _versions(database) == {Rulebook().version}
    assert _report(database).summary.endings == before
    with database.session() as db:
        assert next(row.version for row in definitions_in_use(db)) == Rulebook().version


def test_a_worker_that_starts_again_with_the_same_thresholds_judges_nobody_again(database):
    assert recompute_due(database, NOW) == 0


def test_a_chart_with_two_definitions_has_a_seam_and_compares_nothing_across_it(database):
    assert _report(database).seam is None
    day = int(NOW.timestamp() * 1000) // DAY_MS - 40
    recompute_due(database, NOW, STRICT)
    with database.session() as db:
        # As needs stand whose events were dropped before the change.
        db.execute(text("UPDATE need SET version = 'old' WHERE day < :day"), {"day": day})
    report = _report(database)
    assert report.otherwise > 100
    assert report.seam == day
    assert report.shift is None
    assert set(report.changes.values()) == {None}
