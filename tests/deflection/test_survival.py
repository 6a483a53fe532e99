"""Time to answer, with those who never got one."""

from __future__ import annotations

import numpy as np
import pytest

from app.deflection.inference.survival import kaplan_meier


def test_curve_of_the_classic_remission_data():
    # Freireich et al. 1963, 6-mercaptopurine arm, as printed in Kalbfleisch & Prentice (1980): + means censored.
    times = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35])
    seen = np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
    curve = kaplan_meier(times, seen)
    assert curve.times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.remaining == pytest.approx((0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448), abs=6e-4)
    assert curve.errors == pytest.approx((0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346), abs=6e-4)
    assert curve.quantile(0.5) == 23
    assert curve.quantile(0.9) is None


def test_dropping_the_unanswered_would_look_faster():
    times = np.array([10.0, 20, 30, 600, 600, 600])
    answered = np.array([1, 1, 1, 0, 0, 0], dtype=bool)
    honest = kaplan_meier(times, answered)
    flattering = kaplan_meier(times[answered], answered[answered])
    assert honest.quantile(0.5) == 30
    assert flattering.quantile(0.5) == 20


def test_median_interval_covers_the_truth():
    rng = np.random.default_rng(8)
    held = 0
    for _ in range(200):
        times, ends = rng.exponential(60, 150), rng.exponential(120, 150)
        low, high = kaplan_meier(np.minimum(times, ends), times <= ends).interval(0.5)
        held += low is not None and low <= 60 * np.log(2) and (high is None or 60 * np.log(2) <= high)
    assert held / 200 >= 0.91


def test_no_needs_no_curve():
    assert kaplan_meier(np.array([]), np.array([], dtype=bool)).quantile(0.5) is None
