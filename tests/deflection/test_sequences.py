"""Looking every day must not invent effects; real ones must be found."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from app.deflection.inference.sequences import (
    Sequence,
    boundary,
    confidence_sequence,
    sample_ratio_p,
    weekly_boundary,
    weeks_until_decided,
)


def _stream(rng, n, share, control, treated):
    on = rng.random(n) < share
    return rng.random(n) < np.where(on, treated, control), on


def _ever_decided(rng, n, share, control, treated, every=200):
    outcomes, on = _stream(rng, n, share, control, treated)
    return any(confidence_sequence(outcomes[:k], on[:k], share).decided for k in range(every, n + 1, every))


def _ever_significant(rng, n, share, p, every=200):
    outcomes, on = _stream(rng, n, share, p, p)
    for k in range(every, n + 1, every):
        a, b, y = on[:k].sum(), (~on[:k]).sum(), outcomes[:k]
        error = np.sqrt(y.mean() * (1 - y.mean()) * (1 / max(a, 1) + 1 / max(b, 1)))
        if abs(y[on[:k]].mean() - y[~on[:k]].mean()) > 1.96 * error:
            return True
    return False


@pytest.mark.parametrize("share", [0.9, 0.5])
def test_looking_at_every_step_raises_few_false_alarms(share):
    rng = np.random.default_rng(17)
    assert sum(_ever_decided(rng, 6000, share, 0.84, 0.84) for _ in range(200)) / 200 <= 0.06


def test_an_ordinary_test_looked_at_every_step_would_raise_many():
    rng = np.random.default_rng(17)
    assert sum(_ever_significant(rng, 6000, 0.5, 0.84) for _ in range(200)) / 200 > 0.15


def test_a_real_effect_is_found():
    rng = np.random.default_rng(23)
    assert sum(_ever_decided(rng, 12000, 0.5, 0.84, 0.79, every=500) for _ in range(50)) >= 48


def test_nothing_is_said_before_the_smaller_arm_has_a_hundred_units():
    rng = np.random.default_rng(2)
    outcomes, on = _stream(rng, 600, 0.9, 0.1, 0.9)
    early = confidence_sequence(outcomes, on, 0.9)
    assert early.smaller_arm < 100
    assert early.interval is None
    assert not early.decided


def test_interval_is_centred_on_the_true_difference():
    rng = np.random.default_rng(29)
    outcomes, on = _stream(rng, 50_000, 0.9, 0.8, 0.7)
    look = confidence_sequence(outcomes, on, 0.9)
    assert look.difference == pytest.approx(-0.1, abs=0.02)
    assert look.interval.holds(-0.1)


def test_a_skewed_assignment_is_noticed():
    assert sample_ratio_p(900, 100, 0.9) == pytest.approx(1.0)
    assert sample_ratio_p(5200, 4800, 0.5) == pytest.approx(6.334e-5, rel=1e-3)
    assert sample_ratio_p(0, 0, 0.9) == 1.0


def test_a_rare_outcome_has_the_variance_of_two_more_hits_and_misses_in_each_arm():
    on = np.tile([True, False], 96)
    outcomes = np.zeros(192, dtype=bool)
    outcomes[[0, 2, 4]] = True
    # (3 + 2) ÷ (96 + 4) and (0 + 2) ÷ (96 + 4): 2 · 0.05 · 0.95 + 2 · 0.02 · 0.98.
    assert confidence_sequence(outcomes, on, 0.5).variance == pytest.approx(0.1342)
    assert confidence_sequence(outcomes, on, np.full(192, 0.5)).variance == pytest.approx(0.1342)


def test_the_width_is_that_of_the_published_formula():
    # Theorem 2.2 by hand: t·ρ² = 7.9362, 2 · 8.9362 ÷ (3000 · 7.9362) · ln(2.98935 ÷ 0.05) = 0.0030709.
    assert boundary(3000) == pytest.approx(0.0030709**0.5, rel=1e-4)


def test_rare_outcomes_keep_the_promise_too():
    rng = np.random.default_rng(41)
    missed = sum(_ever_decided(rng, 3000, 0.9, 0.02, 0.02, every=50) for _ in range(200))
    assert missed <= 12, "with the observed variance alone 25"


def test_half_of_the_trials_are_decided_after_the_weeks_that_were_told():
    rng = np.random.default_rng(43)
    begun, in_time = 0, 0
    for _ in range(120):
        outcomes, on = _stream(rng, 6000, 0.5, 0.8, 0.75)
        now = confidence_sequence(outcomes[:500], on[:500], 0.5)
        if now.decided:
            continue
        told = weeks_until_decided(now, 60, 0.05, 520)
        begun += 1
        in_time += any(confidence_sequence(outcomes[:k], on[:k], 0.5).decided for k in range(560, min(500 + 60 * told, 6000) + 1, 60))
    assert 0.4 < in_time / begun < 0.65


def test_who_is_undecided_late_waits_longer_than_the_width_alone_says():
    fresh = Sequence(0.0, None, 100, 50, 0.64)
    assert weeks_until_decided(fresh, 100, 0.1, 520) < weeks_until_decided(fresh, 100, 0.05, 520)
    assert weeks_until_decided(fresh, 100, 0.01, 520) is None
    seen, unseen = (Sequence(difference, None, 2500, 1250, 0.64) for difference in (0.045, 0.005))
    assert weeks_until_decided(seen, 60, 0.05, 520) < weeks_until_decided(unseen, 60, 0.05, 520) - 5


def test_weekly_looks_raise_one_alarm_in_twenty_portals_however_long_they_go_on():
    spent = [2 * (1 - NormalDist().cdf(weekly_boundary(look))) for look in range(1, 3000)]
    assert sum(spent) < 0.05
    assert sum(spent[:52]) == pytest.approx(0.025, abs=1e-4), "half of it in the first year"
    rng = np.random.default_rng(31)
    weeks = rng.normal(size=(4000, 115))
    ever = np.zeros(4000, dtype=bool)
    for look in range(1, 105):
        seen = weeks[:, look - 1 : look + 11]
        z = (seen[:, 8:].mean(axis=1) - seen[:, :8].mean(axis=1)) / (1 / 4 + 1 / 8) ** 0.5
        ever |= np.abs(z) > weekly_boundary(look)
    assert 0.005 < ever.mean() <= 0.05


def test_a_variance_that_is_guessed_from_a_few_weeks_asks_for_more():
    # Tables of Student's distribution: 4.587 for ten degrees of freedom and a two-sided error of 0.001.
    look = next(k for k in range(1, 60) if 2 * (1 - NormalDist().cdf(weekly_boundary(k))) < 0.0009434)
    assert weekly_boundary(look, 10) == pytest.approx(4.62, abs=0.03)
    assert weekly_boundary(look, 1e6) == pytest.approx(weekly_boundary(look), abs=1e-3)
