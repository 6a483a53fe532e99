"""Intervals against published values and against simulated truth."""

from __future__ import annotations

import numpy as np
import pytest

from app.deflection.inference.beta import beta_cdf, beta_quantile
from app.deflection.inference.statistics import (
    Proportion,
    design_effect,
    monte_carlo,
    negative_binomial_tail,
    newcombe,
    poisson_tail,
    quantiles,
    shrink,
    shrink_all,
    wilson,
)


@pytest.mark.parametrize(
    ("count", "base", "low", "high"),
    # Newcombe 1998 ("Interval estimation for the single proportion"), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(count, base, low, high):
    interval = wilson(count, base)
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize(
    ("a", "m", "b", "n", "low", "high"),
    # Newcombe 1998 ("… difference between independent proportions"), table II, method 10.
    [(56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090), (10, 10, 0, 20, 0.6791, 1.0)],
)
def test_newcombe_gives_the_published_differences(a, m, b, n, low, high):
    interval = newcombe(Proportion(a, m), Proportion(b, n))
    assert interval.low == pytest.approx(low, abs=1e-4)
    assert interval.high == pytest.approx(high, abs=1e-4)


def test_beta_distribution_agrees_with_its_closed_forms():
    assert beta_cdf(0.3, 1, 1) == pytest.approx(0.3)
    assert beta_cdf(0.3, 2, 1) == pytest.approx(0.09)
    assert beta_cdf(0.3, 1, 3) == pytest.approx(1 - 0.7**3)
    # I_x(a, b) for whole numbers is a binomial tail: P(X ≥ 3), X ~ Bin(7, 0.4).
    assert beta_cdf(0.4, 3, 5) == pytest.approx(0.580096, abs=1e-6)
    assert beta_quantile(0.5, 4, 4) == pytest.approx(0.5, abs=1e-8)
    assert beta_cdf(beta_quantile(0.025, 0.5, 300.5), 0.5, 300.5) == pytest.approx(0.025, abs=1e-6)


def test_no_rate_is_given_for_fewer_than_twenty_needs():
    assert Proportion(10, 19).rate is None
    assert Proportion(10, 19).interval is None
    assert Proportion(10, 20).rate == 0.5


def test_people_with_many_needs_widen_the_interval():
    rng = np.random.default_rng(5)
    persons = np.repeat(np.arange(200), 10)
    loyal = np.repeat(rng.random(200) < 0.5, 10)
    assert design_effect(loyal, persons) == pytest.approx(10, rel=0.05)
    independent = rng.random(2000) < 0.5
    assert design_effect(independent, np.arange(2000)) == pytest.approx(1, abs=0.01)
    assert wilson(1000, 2000, deff=10).width > 3 * wilson(1000, 2000).width


def test_clustered_interval_covers_the_truth_where_the_plain_one_does_not():
    rng = np.random.default_rng(11)
    plain = clustered = 0
    for _ in range(300):
        propensity = rng.beta(2, 2, 80)
        persons = np.repeat(np.arange(80), 8)
        hits = rng.random(640) < propensity[persons]
        k = int(hits.sum())
        plain += wilson(k, 640).holds(0.5)
        clustered += wilson(k, 640, design_effect(hits, persons)).holds(0.5)
    assert clustered / 300 >= 0.92
    assert plain / 300 < 0.88


def test_shrinkage_pulls_a_small_group_to_its_kind_and_leaves_a_large_one():
    small, large = shrink(0, 3, 0.5, 20), shrink(0, 3000, 0.5, 20)
    assert small.mean == pytest.approx(10 / 23)
    assert large.mean < 0.004
    assert small.interval.width > large.interval.width


def test_simulation_gives_the_same_answer_every_time():
    draws = [monte_carlo(lambda rng, n: rng.normal(size=n)) for _ in range(2)]
    assert (draws[0] == draws[1]).all()
    assert quantiles(draws[0]).low == pytest.approx(-1.96, abs=0.1)


def test_tails_of_counts():
    assert poisson_tail(3, 1.0) == pytest.approx(0.0803014, abs=1e-6)
    assert poisson_tail(0, 1.0) == 1.0
    assert poisson_tail(1000, 800) < 1e-10
    # Gamma–Poisson with size 2 and p ½ (mean 2, variance 4): P(X ≥ 1) = 1 − ¼.
    assert negative_binomial_tail(1, 2.0, 4.0) == pytest.approx(0.75, abs=1e-9)
    assert negative_binomial_tail(9, 2.0, 4.0) > poisson_tail(9, 2.0)


def test_many_quantiles_at_once_are_those_of_each_alone():
    # An even, a very skewed, a pole at zero, and a large one.
    a, b = np.array([3.0, 0.5, 0.2, 20_000.0]), np.array([5.0, 300.5, 20.0, 30_000.0])
    found = beta_quantile(np.array([[0.025], [0.975]]), a, b)
    assert beta_cdf(found, a, b) == pytest.approx(np.array([[0.025] * 4, [0.975] * 4]), abs=1e-9)
    alone = [[float(beta_quantile(share, p, q)) for p, q in zip(a, b, strict=True)] for share in (0.025, 0.975)]
    assert found == pytest.approx(np.array(alone), rel=1e-11)


def test_groups_shrunk_together_are_those_shrunk_alone():
    groups = ((0, 3, 0.5), (3, 9, 0.2), (1500, 3000, 0.9))
    together = [value.interval for value in shrink_all(*zip(*groups, strict=True), 20)]
    alone = [shrink(k, n, prior, 20).interval for k, n, prior in groups]
    assert [(i.low, i.high) for i in together] == [pytest.approx((i.low, i.high), rel=1e-11) for i in alone]
