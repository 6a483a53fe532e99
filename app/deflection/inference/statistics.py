"""Intervals and posteriors behind every number of a report: small, without dependencies but numpy, each with its source.

A rate never travels as a bare float: `Proportion` keeps numerator, denominator and the interval made from both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from app.deflection.inference.beta import beta_cdf, beta_quantile

LEVEL = 0.95
FEWEST_FOR_A_RATE = 20
"""Below this many needs no rate is shown at all: its interval would span half the scale."""

Array = np.ndarray


@dataclass(frozen=True)
class Interval:
    """The two ends of an uncertain number, and how often such intervals hold the truth."""

    low: float
    high: float
    level: float = LEVEL

    @property
    def width(self) -> float:
        return self.high - self.low

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Proportion:
    """`count` of `base`, with its interval; `deff` says how much the clustering by person costs."""

    count: float
    base: float
    deff: float = 1.0
    level: float = LEVEL
    known: Interval | None = None
    """The interval where it does not follow from count and base, because the count is itself an estimate."""

    @property
    def enough(self) -> bool:
        """Whether there are enough needs for a rate to be shown."""
        return self.base >= FEWEST_FOR_A_RATE

    @property
    def rate(self) -> float | None:
        """The share, or None where there is too little to speak of one."""
        return self.count / self.base if self.enough else None

    @property
    def interval(self) -> Interval | None:
        if not self.enough:
            return None
        return self.known or wilson(self.count, self.base, self.deff, self.level)


@lru_cache(maxsize=64)
def z_value(level: float) -> float:
    """The two-sided normal quantile: 1.96 for 95 %."""
    return NormalDist().inv_cdf(0.5 + level / 2)


def wilson(count: float, base: float, deff: float = 1.0, level: float = LEVEL) -> Interval:
    """Score interval of a proportion with the effective size n/deff (Wilson 1927; Brown, Cai & DasGupta 2001)."""
    if base <= 0:
        return Interval(0.0, 1.0, level)
    n, p, z = base / max(deff, 1.0), min(max(count / base, 0.0), 1.0), z_value(level)
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Interval(max(0.0, middle - half), min(1.0, middle + half), level)


def design_effect(hits: Array, persons: Array) -> float:
    """Person-clustered variance ÷ binomial variance of a share (linearised ratio mean; Kish 1965, Cochran 1977 §9), never below 1.

    `hits` is 0/1 per need, `persons` an integer code per need: one person with ten needs is not ten persons.
    """
    n = len(hits)
    if n < 2:
        return 1.0
    p = float(hits.mean())
    binomial = p * (1 - p) / n
    if binomial <= 0:
        return 1.0
    codes = dense(persons)
    groups = int(np.count_nonzero(np.bincount(codes)))
    if groups < 2:
        return float(n)
    residuals = np.bincount(codes, weights=hits.astype(float) - p)
    clustered = float((residuals**2).sum()) / n**2 * groups / (groups - 1)
    return min(max(1.0, clustered / binomial), float(n))


def dense(codes: Array) -> Array:
    """Codes small enough to count by: themselves if they are, else numbered anew (which costs a sort)."""
    if len(codes) and int(codes.min()) >= 0 and int(codes.max()) < 20 * len(codes) + 1000:
        return codes
    return np.unique(codes, return_inverse=True)[1]


def newcombe(now: Proportion, before: Proportion) -> Interval:
    """Interval of the difference now − before from the two score intervals (Newcombe 1998, method 10)."""
    a, b = wilson(now.count, now.base, now.deff, now.level), wilson(before.count, before.base, before.deff, before.level)
    p, q = now.count / now.base if now.base else 0.5, before.count / before.base if before.base else 0.5
    low = (p - q) - math.hypot(p - a.low, b.high - q)
    high = (p - q) + math.hypot(a.high - p, q - b.low)
    return Interval(max(-1.0, low), min(1.0, high), now.level)


# Small cells


@dataclass(frozen=True)
class Shrunk:
    """A small group's share pulled towards its kind: posterior mean and interval of Beta(k + m·p, n − k + m·(1 − p))."""

    mean: float
    interval: Interval
    count: float
    base: float


def shrink(count: float, base: float, prior: float, weight: float, level: float = LEVEL) -> Shrunk:
    """Beta-binomial shrinkage towards `prior` with the weight of `weight` needs (Efron & Morris 1975; Gelman, BDA3 §5.3)."""
    return shrink_all([count], [base], [prior], weight, level)[0]


def shrink_all(
    counts: Sequence[float], bases: Sequence[float], priors: Sequence[float], weight: float, level: float = LEVEL
) -> list[Shrunk]:
    """The same for many groups at once, which is a hundred times faster than one after the other."""
    k, n, prior = (np.array(values, dtype=float) for values in (counts, bases, priors))
    prior = prior.clip(1e-4, 1 - 1e-4)
    a, b = k + weight * prior, (n - k).clip(0) + weight * (1 - prior)
    tail = (1 - level) / 2
    low, high = beta_quantile(np.array([[tail], [1 - tail]]), a, b).tolist()
    means = (a / (a + b)).tolist()
    rows = zip(means, low, high, counts, bases, strict=True)
    return [Shrunk(mean, Interval(left, right, level), count, base) for mean, left, right, count, base in rows]


# Simulation


def monte_carlo(draw: Callable[[np.random.Generator, int], Array], seed: int = 20_260_601, runs: int = 4000) -> Array:
    """`runs` draws of an uncertain number with a fixed seed, so that the same data always give the same report."""
    return draw(np.random.Generator(np.random.PCG64(seed)), runs)


def quantiles(draws: Array, level: float = LEVEL) -> Interval:
    """The equal-tailed interval of simulated values."""
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Interval(float(low), float(high), level)


# Counts over time


def poisson_tail(count: int, mean: float) -> float:
    """P(X ≥ count) of a Poisson variable: how surprising so many are."""
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    term = math.exp(-mean) if mean < 700 else 0.0
    if term == 0.0:
        return 0.5 * math.erfc((count - 0.5 - mean) / math.sqrt(2 * mean))
    below = 0.0
    for i in range(count):
        below += term
        term *= mean / (i + 1)
    return max(0.0, 1 - below)


def negative_binomial_tail(count: int, mean: float, variance: float) -> float:
    """P(X ≥ count) where the past varies more than a Poisson would (gamma-Poisson mixture, moments matched)."""
    if variance <= mean or mean <= 0:
        return poisson_tail(count, mean)
    size = mean * mean / (variance - mean)
    p = size / (size + mean)
    # P(X ≤ c) of a negative binomial is the incomplete beta function I_p(size, c + 1).
    return 1 - float(beta_cdf(p, size, count)) if count > 0 else 1.0
