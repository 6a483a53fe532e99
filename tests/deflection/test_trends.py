"""Weeks: what is final, what is corrected, what is a change."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from report_needs import NOW, need

from app.deflection.inference.sequences import weekly_boundary
from app.deflection.reporting.facts import DAY_MS, frame_of
from app.deflection.reporting.report_request import RANGES, ReportRequest, span_of
from app.deflection.reporting.trends import decompose, lateness, monday_of, shift, weekly

TODAY = NOW // DAY_MS


def _weeks(rates, n=300, seed=1):
    """Needs of whole weeks ending three weeks ago, each with its solved share."""
    rng = random.Random(seed)
    start = monday_of(TODAY) - 7 * (len(rates) + 2)
    return start, [
        need(w * n + i, first=(start + 7 * w) * DAY_MS + int(rng.random() * 7 * DAY_MS), rule=6 if rng.random() < rate else 11)
        for w, rate in enumerate(rates)
        for i in range(n)
    ]


def test_weeks_begin_on_monday():
    # 2026-11-16 was a Monday.
    assert monday_of(20773) == 20773
    assert monday_of(20779) == 20773
    assert monday_of(20780) == 20780


def test_newest_weeks_are_provisional_and_corrected_for_requests_to_come():
    frame = _late_requests(after_reading=True)
    weeks = weekly(frame, NOW, monday_of(TODAY) - 70, TODAY + 1, lateness(frame, NOW))
    final = [w for w in weeks if not w.provisional]
    newest = weeks[-1]
    assert newest.provisional
    assert len(final) >= 5 and {w.nowcast for w in final} == {None}
    truth = 0.7
    assert newest.solved.rate > truth + 0.1, "raw, the newest week looks better than it is"
    assert newest.nowcast == pytest.approx(truth, abs=0.05)


def _late_requests(after_reading):
    """Three of ten write within six days; until then they count as solved if they had read, else as left without an answer."""
    rng = random.Random(4)
    facts = []
    for i in range(12_000):
        first = NOW - int(rng.uniform(0, 80) * DAY_MS)
        delay = int(rng.uniform(0, 6) * DAY_MS) if rng.random() < 0.3 else -1
        seen = delay >= 0 and first + 60_000 + delay <= NOW
        before = 11 if delay >= 0 and not after_reading else 6
        facts.append(need(i, first=first, rule=1 if seen else before, escalate_ms=delay if seen else -1, satisfied=after_reading))
    return frame_of(facts)


def test_requests_to_come_are_taken_from_where_such_requests_came_from():
    frame = _late_requests(after_reading=False)
    newest = weekly(frame, NOW, monday_of(TODAY) - 70, TODAY + 1, lateness(frame, NOW))[-1]
    assert newest.nowcast == newest.solved.rate, "nobody who wrote had read anything: the solved share stays"
    assert newest.nowcast_escalated > newest.escalated


def test_the_band_of_a_corrected_week_moves_with_it():
    frame = _late_requests(after_reading=True)
    first, *_, newest = weekly(frame, NOW, monday_of(TODAY) - 70, TODAY + 1, lateness(frame, NOW))
    assert first.band == first.solved.interval
    assert newest.band.low - newest.solved.interval.low == pytest.approx(newest.nowcast - newest.solved.rate)


def test_lateness_is_learnt_from_ninety_days_that_are_final_as_a_whole():
    facts = [need(i, first=NOW - 50 * DAY_MS, rule=1, escalate_ms=2 * DAY_MS) for i in range(60)]
    # Without a cookie a question is final after a day: of the days that are open for others these are the quick ones only.
    facts += [need(100 + i, first=NOW - 3 * DAY_MS, rule=1, link_class=0, escalate_ms=0, final_at=NOW - DAY_MS) for i in range(60)]
    facts += [need(200, first=NOW - 4 * DAY_MS, final_at=NOW + 4 * DAY_MS)]
    found = lateness(frame_of(facts), NOW)
    assert found.seen == 60
    assert found.shares[0] == 0.0
    older = [need(300 + i, first=NOW - 95 * DAY_MS, rule=1, escalate_ms=0) for i in range(30)]
    assert lateness(frame_of([*facts, *older]), NOW).seen == 60
    earlier = [need(400 + i, first=NOW - 93 * DAY_MS, rule=1, escalate_ms=0) for i in range(30)]
    assert lateness(frame_of([*facts, *earlier]), NOW).seen == 90


def test_a_step_is_found_and_noise_is_not():
    start, facts = _weeks([0.5] * 8 + [0.62] * 4)
    frame = frame_of(facts)
    found = shift(frame, weekly(frame, NOW, start, TODAY + 1))
    assert found.clear
    assert found.interval.holds(0.12)
    alarms = 0
    for seed in range(40):
        start, facts = _weeks([0.5] * 12, n=150, seed=seed)
        frame = frame_of(facts)
        alarms += shift(frame, weekly(frame, NOW, start, TODAY + 1)).clear
    assert alarms <= 2


def test_the_bound_grows_with_the_looks_there_were_and_with_noise_between_weeks():
    start, facts = _weeks([0.5] * 12)
    frame = frame_of(facts)
    weeks = weekly(frame, NOW, start, TODAY + 1)
    first, later = shift(frame, weeks, start), shift(frame, weeks, start - 7 * 520)
    assert first.difference == later.difference
    assert later.interval.width > 1.2 * first.interval.width
    start, facts = _weeks([0.4, 0.6] * 6)
    frame = frame_of(facts)
    assert shift(frame, weekly(frame, NOW, start, TODAY + 1), start).interval.width > 3 * first.interval.width


def test_a_year_of_weeks_makes_what_they_vary_by_less_of_a_guess():
    rates = [0.5, 0.56] * 11
    start, facts = _weeks(rates)
    frame = frame_of(facts)
    weeks = weekly(frame, NOW, start, TODAY + 1)
    alone = shift(frame, weeks, start)
    final = [w.solved for w in weeks if not w.provisional]
    same = {start - 7 * (22 - i): (final[i].count, final[i].base) for i in range(22)}
    year = shift(frame, weeks, start, same)
    assert year.difference == alone.difference
    # Student's quantiles of the same error for 29 and 14 degrees of freedom, of about the same variance.
    assert year.interval.width / alone.interval.width == pytest.approx(weekly_boundary(11, 86 / 3) / weekly_boundary(11, 14), abs=0.03)
    few = dict.fromkeys(same, (1, 3))
    assert shift(frame, weeks, start, few) == alone, "weeks of too few questions say nothing"
    read = {w.start: (1, 300) for w in weeks}
    assert shift(frame, weeks, start, read) == alone, "weeks that the report reads are not counted twice"


def test_the_flag_is_the_same_in_every_range():
    start, facts = _weeks([0.5, 0.56] * 9 + [0.5] * 8 + [0.6] * 4)
    frame = frame_of(facts)
    now = datetime.fromtimestamp(NOW / 1000, UTC)
    spans = [span_of(ReportRequest(weeks), now) for weeks in RANGES]
    found = {shift(frame, weekly(frame, NOW, span.read_from, span.end), start) for span in spans}
    assert len(found) == 1
    (one,) = found
    assert one is not None
    assert one.difference == pytest.approx(0.089, abs=0.001)


def test_no_shift_is_spoken_of_before_there_are_twelve_final_weeks():
    start, facts = _weeks([0.5] * 11)
    frame = frame_of(facts)
    assert shift(frame, weekly(frame, NOW, start, TODAY + 1)) is None


def test_other_questions_are_told_from_better_answers():
    # Simpson's paradox: both clusters stay as they are, only the easy one grows.
    before = [need(i, cluster=1, rule=6 if i % 10 < 8 else 11) for i in range(100)]
    before += [need(1000 + i, cluster=2, rule=6 if i % 10 < 2 else 11) for i in range(300)]
    now = [need(i, cluster=1, rule=6 if i % 10 < 8 else 11) for i in range(300)]
    now += [need(1000 + i, cluster=2, rule=6 if i % 10 < 2 else 11) for i in range(100)]
    mix, within = decompose(frame_of(now), frame_of(before))
    assert within == pytest.approx(0, abs=1e-9)
    assert mix == pytest.approx(0.65 - 0.35)
    better = [need(i, cluster=1, rule=6 if i % 10 < 9 else 11) for i in range(100)]
    better += [need(1000 + i, cluster=2, rule=6 if i % 10 < 3 else 11) for i in range(300)]
    mix, within = decompose(frame_of(better), frame_of(before))
    assert mix == pytest.approx(0, abs=1e-9)
    assert within == pytest.approx(0.1)
