"""The form trial: arms that stay, results that may be looked at, and harm that is called harm."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.db import Base, open_database
from app.deflection.asking import experiment_store
from app.deflection.asking.experiments import HARMS, HELPS, MISMATCH, NO_EVIDENCE, SUPPRESSES, Exposure, arm_of, holdout_share, judge_trial
from app.deflection.judging.ledger import recompute_due
from app.deflection.recording import simulate
from app.deflection.recording.exchange import import_events


def _exposures(n, on, holdout, share=0.5, seed=1):
    """People whose chances are (ticket, solved, left, again) by arm."""
    rng = random.Random(seed)
    found = []
    for i in range(n):
        arm = "holdout" if rng.random() < share else "on"
        chances = holdout if arm == "holdout" else on
        found.append(Exposure(f"u{i}", i, arm, share, *(rng.random() < p for p in chances)))
    return found


@pytest.mark.parametrize(
    ("on", "verdict"),
    [
        ((0.5, 0.2, 0.2, 0.05), HELPS),
        ((0.5, 0.0, 0.2, 0.05), SUPPRESSES),
        ((0.5, 0.2, 0.4, 0.05), HARMS),
        ((0.8, 0.0, 0.2, 0.05), NO_EVIDENCE),
    ],
)
def test_verdict_looks_at_all_outcomes_together(on, verdict):
    trial = judge_trial(_exposures(3000, on, (0.8, 0.0, 0.2, 0.05)), weeks_so_far=10)
    assert trial.verdict == verdict
    assert [delta.key for delta in trial.deltas] == ["ticket", "solved", "left", "again"]
    assert trial.must_stop == (verdict == HARMS)


def test_arms_of_the_wrong_size_show_no_result():
    skewed = [e for e in _exposures(3000, (0.5, 0.2, 0.2, 0), (0.8, 0, 0.2, 0)) if e.arm == "on" or hash(e.unit) % 4]
    trial = judge_trial(skewed, 10)
    assert trial.verdict == MISMATCH
    assert trial.deltas == ()


def test_it_says_how_long_evidence_will_take():
    small = judge_trial(_exposures(60, (0.7, 0.1, 0.2, 0), (0.8, 0, 0.2, 0)), weeks_so_far=4)
    assert small.verdict == NO_EVIDENCE
    assert small.deltas[0].interval is None
    assert small.weeks_to_go > 20


def test_a_person_stays_in_the_arm_and_a_larger_share_keeps_the_holdout():
    units = [f"v:{i}" for i in range(5000)]
    tenth = {u for u in units if arm_of(u, 0.1) == "holdout"}
    half = {u for u in units if arm_of(u, 0.5) == "holdout"}
    assert abs(len(tenth) / 5000 - 0.1) < 0.02
    assert tenth < half


def test_small_desks_compare_halves():
    assert holdout_share(499, 0.1) == 0.5
    assert holdout_share(500, 0.1) == 0.1
    assert holdout_share(10, 0.0) == 0.0, "switched off stays off"


def test_trial_is_read_from_real_rows(tmp_path):
    now = datetime(2026, 11, 20, tzinfo=UTC)
    database = open_database(f"sqlite:///{tmp_path}/t.sqlite3")
    Base.metadata.create_all(database.engine)
    behaviour = simulate.Behaviour(holdout=0.5, form_helps=0.5, by_form=1.0)
    stream = simulate.stream(5, simulate.subjects(5), 1500, int((now - timedelta(days=60)).timestamp() * 1000), 58, behaviour)
    import_events(database, simulate.lines(stream))
    recompute_due(database, now)
    with database.session() as db:
        trial = experiment_store.form_trial(db, now, 0.1)
        assert experiment_store.current_share(db, now, 0.1) == 0.5
        people = {e.get("account") or e.get("visitor") or e["tab"] for e in stream.events if e["type"] == "suggest"}
        assert trial.units == len(people)
        ticket, solved = trial.deltas[0], trial.deltas[1]
        assert ticket.look.difference < -0.1
        assert solved.look.difference > 0.05
    assert experiment_store.watch_trial(database, now, 0.1) == ""
    with database.session() as db:
        assert experiment_store.trial_stopped(db) == ""
    database.close()


def test_odds_are_those_of_the_day_and_openings_while_the_trial_was_off_are_no_part_of_it(tmp_path):
    now = datetime(2026, 11, 20, tzinfo=UTC)
    database = open_database(f"sqlite:///{tmp_path}/o.sqlite3")
    Base.metadata.create_all(database.engine)
    behaviour = simulate.Behaviour(holdout=0.5, by_form=1.0)
    stream = simulate.stream(7, simulate.subjects(5), 1500, int((now - timedelta(days=60)).timestamp() * 1000), 58, behaviour)
    import_events(database, simulate.lines(stream))
    recompute_due(database, now)
    with database.session() as db:
        whole = experiment_store.form_trial(db, now, 0.3).units
        assert experiment_store.form_trial(db, now, 0.0).units == 0, "switched off all the time"
        experiment_store.note_share(db, now - timedelta(days=70), 0.3)
        experiment_store.note_share(db, now - timedelta(days=30), 0.0)
        switched_off = experiment_store.exposures(db, now, 0.0)
        assert 0 < len(switched_off) < whole
        assert max(e.at for e in switched_off) < (now - timedelta(days=30)).timestamp() * 1000
        assert {e.share for e in switched_off} == {0.5}, "a small desk drew halves then"
        experiment_store.note_share(db, now - timedelta(days=20), 1.0)
        assert len(experiment_store.exposures(db, now, 1.0)) == len(switched_off), "while it was stopped nobody was drawn"
    database.close()


def test_weeks_to_go_before_the_first_look_follow_from_the_plan_and_never_run_into_centuries():
    few = [Exposure(f"u{i}", i, "holdout" if i % 10 == 0 else "on", 0.1, i % 3 == 0, False, False, False) for i in range(200)]
    soon = judge_trial(few, 2.0)
    assert soon.verdict == "no_evidence"
    assert 10 < soon.weeks_to_go < 520
    assert judge_trial(few, 2000.0).weeks_to_go is None


def test_a_desk_too_small_for_the_half_year_that_people_count_is_told_so():
    people = _exposures(200, (0.8, 0.0, 0.2, 0.0), (0.8, 0.0, 0.2, 0.0))
    few, many = judge_trial(people, 10.0), judge_trial(people, 1.0)
    assert few.weeks_to_go > 26
    assert not few.within_reach
    assert many.weeks_to_go < 24
    assert many.within_reach


def _line(type, at, who, **fields):
    common = {"type": type, "t_client": at, "t_sent": at, "t_recv": at, "visitor": who, "tab": who, "ua": "Mozilla"}
    return json.dumps({"event_id": f"{type}-{who}-{at}", **common, **fields})


def test_everyone_who_opened_the_form_counts_whatever_they_saw(tmp_path):
    now = datetime(2026, 11, 20, tzinfo=UTC)
    at, hour = int(now.timestamp() * 1000) - 10 * 86_400_000, 3_600_000
    database = open_database(f"sqlite:///{tmp_path}/e.sqlite3")
    Base.metadata.create_all(database.engine)
    lines = []
    for i in range(40):
        lines.append(_line("form_open", at + i, f"p{i}", form_id=f"f{i}"))
        if i % 2:
            # Nothing was found for the words of the others.
            lines.append(_line("suggest", at + i, f"p{i}", form_id=f"f{i}", articles=["a"], arm="on", shown=True))
    lines.append(_line("form_open", at + hour, "p0", form_id="again"))
    lines.append(_line("vote", at + hour, "p0", kind="solved", value=1, form_id="again"))
    lines.append(_line("form_open", at, "robot", form_id="machine", ua="Mozilla (compatible; SomeBot/1.0)"))
    lines.append(_line("form_open", at + 7 * 86_400_000, "young", form_id="young"))
    import_events(database, lines)
    recompute_due(database, now)
    with database.session() as db:
        found = {e.unit: e for e in experiment_store.exposures(db, now, 0.1)}
    assert set(found) == {f"p{i}" for i in range(40)} | {"young"}
    assert {found[f"p{i}"].arm for i in range(1, 40, 2)} == {"on"}
    assert all(found[f"p{i}"].arm == arm_of(f"p{i}", 0.5) for i in range(0, 40, 2))
    assert found["p0"].solved
    assert found["p0"].at == at, "the first opening counts"
    assert found["p0"].week_over
    assert not found["young"].week_over
    database.close()


def test_a_second_request_is_compared_only_where_seven_days_are_over():
    ordered = _exposures(600, (0.5, 0.1, 0.2, 0.3), (0.5, 0.1, 0.2, 0.3))
    young = [replace(e, unit=f"y{i}", again=False, week_over=False) for i, e in enumerate(ordered)]
    ticket, _, _, again = judge_trial([*ordered, *young], 10).deltas
    assert ticket.on.base + ticket.holdout.base == 1200
    assert again.on.base + again.holdout.base == 600
    assert again.look.units == 600
