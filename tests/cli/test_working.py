"""The worker's rhythm: what is left of a long job is done as soon as the others had their turn."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from app import deflection
from app.cli.working import MOST_JUDGED, Lane, Rhythm, Unfinished, group, judge_some, lanes, pack
from app.config import Settings
from app.db import Base
from app.portal import Portal, open_portal
from tests.waiting import until

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TOP = Path(__file__).parents[2]


@pytest.mark.parametrize(("said", "times"), [("all done", 1), (Unfinished("some done"), 3)])
def test_an_unfinished_job_is_due_again_at_once_and_a_finished_one_in_its_time(said: str, times: int, portal: Portal) -> None:
    done: list[str] = []

    def job(_portal: Portal, _now: datetime) -> str:
        done.append(said)
        return said

    rhythm = Rhythm("some job", job, timedelta(minutes=1))
    for second in range(3):
        rhythm.beat(portal, NOW + timedelta(seconds=second))
    assert len(done) == times


@pytest.fixture
def portal(tmp_path: Path) -> Portal:
    settings = Settings(root=tmp_path, content_repository=TOP, content_folder="articles", index_folder=tmp_path / "index",
                        data_folder=tmp_path / "data", brand_file=TOP / "brand.toml", database_url=f"sqlite:///{tmp_path}/w.sqlite3",
                        secret_key="x" * 40, base_url="http://localhost")  # fmt: skip
    portal = open_portal(settings)
    Base.metadata.create_all(portal.database.engine)
    return portal


def _search(i: int) -> str:
    at = int(NOW.timestamp() * 1000) - 10 * 86_400_000 + i
    return json.dumps(
        {"event_id": f"s{i}", "type": "search", "t_recv": at, "visitor": f"v{i}", "tab": f"v{i}", "search_id": f"s{i}", "q": "reset password",
         "mode": "submit", "n_results": 0, "lang": "en"}
    )  # fmt: skip


def test_an_outcome_is_there_while_every_other_job_is_still_at_it(portal: Portal) -> None:
    begun, let_go = threading.Event(), threading.Event()

    def job(_portal: Portal, _now: datetime) -> str:
        begun.set()
        let_go.wait()
        return ""

    jobs = lanes(in_turn=True)
    for rhythm in (rhythm for lane in jobs.values() for rhythm in lane if rhythm.name != "judge"):
        rhythm.job = job
    running = [Lane(portal, name, own) for name, own in jobs.items()]
    for lane in running:
        lane.start()
    try:
        assert begun.wait(60)
        deflection.import_events(portal.database, [_search(1)])
        until(lambda: _outcomes(portal), what="the outcome")
    finally:
        for lane in running:
            lane.ask_to_stop()
        let_go.set()
        for lane in running:
            lane.join()


def _outcomes(portal: Portal) -> list[str]:
    with portal.database.session() as db:
        return list(db.execute(text("SELECT outcome FROM need ORDER BY id")).scalars())


def test_what_a_complete_feed_makes_final_is_not_all_done_before_somebody_new_is_judged(portal: Portal) -> None:
    lines = map(_search, range(2100))
    deflection.import_events(portal.database, lines)
    deflection.recompute_due(portal.database, NOW - timedelta(days=9))
    assert not judge_some(portal, NOW)
    with portal.database.session() as db:
        states = dict(db.execute(text("SELECT state, count(*) FROM need GROUP BY state")).all())
    assert states == {"final": 1000, "provisional": 1100}


def test_questions_are_grouped_for_a_moment_at_a_time_until_none_is_left(portal: Portal) -> None:
    deflection.import_events(portal.database, map(_search, range(4100)))
    deflection.recompute_due(portal.database, NOW)
    said = [group(portal, NOW, 0) for _ in range(4)]
    assert [isinstance(each, Unfinished) for each in said] == [True, True, True, False]
    assert [each.split()[0] for each in said[:3]] == ["2000", "2000", "100"]
    assert said[3] == ""


def test_days_are_packed_a_few_at_a_time_until_none_is_left(portal: Portal) -> None:
    deflection.import_events(portal.database, map(_search, range(10)))
    deflection.recompute_due(portal.database, NOW)
    said = [pack(portal, NOW, 0, most=40) for _ in range(4)]
    assert [isinstance(each, Unfinished) for each in said] == [True, True, False, False]
    # What was asked is packed for 90 days, also those on which nothing was.
    assert said == ["40 day(s) packed for reports"] * 2 + ["10 day(s) packed for reports", ""]


def test_days_are_packed_when_an_import_is_judged_and_not_in_vain_before(portal: Portal) -> None:
    deflection.import_events(portal.database, map(_search, range(MOST_JUDGED + 1)))
    assert pack(portal, NOW) == ""
    judge_some(portal, NOW)
    assert pack(portal, NOW) == "90 day(s) packed for reports"


def test_a_portal_that_starts_says_once_that_its_days_are_packed(portal: Portal) -> None:
    assert pack(portal, NOW) == "90 day(s) packed for reports"
    assert pack(portal, NOW) == ""
