"""Tickets that were not written because somebody found an answer, and what writing the next article could avoid.

Both rest on the same two numbers per query cluster: how many were answered, and how often people with the same question who were
not answered wrote to us (deflection.md 3). Randomness is simulated with a fixed seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.deflection.asking.calibration import CLASSES, Calibrated
from app.deflection.inference.statistics import Interval, monte_carlo, quantiles
from app.deflection.reporting import facts
from app.deflection.reporting.facts import Frame

RUNS = 1000
PRIOR_WEIGHT = 12
"""How many unanswered needs the portal's own average counts for in a cluster's propensity to write."""
KNOWN = 2
"""Link class of signed-in people: only with them is a missing ticket surely missing."""
REPAIR_PRIOR = (2.0, 2.0)
DAYS_A_MONTH = 30


@dataclass(frozen=True)
class Avoided:
    """Tickets avoided: the best estimate (None without a survey), and the range from confirmed only to the upper end."""

    estimate: float | None
    range: Interval
    needs: int


@dataclass(frozen=True)
class Gap:
    """Tickets a month that answering this cluster would avoid, with the 80 % interval; the inputs beside it."""

    cluster: int
    needs: int
    failed: int
    score: float
    interval: Interval
    unanswered_share: float
    propensity: float


@dataclass(frozen=True)
class _Groups:
    """Needs counted by cluster and kind of ending."""

    clusters: np.ndarray
    fresh: np.ndarray
    """Clusters × classes, without needs after a ticket."""
    every: np.ndarray
    known: np.ndarray
    """The same of signed-in people only."""


def _groups(needs: Frame) -> _Groups:
    clusters, index = np.unique(needs["cluster"], return_inverse=True)
    column = np.full(12, -1)
    column[list(CLASSES)] = np.arange(len(CLASSES))
    classes = column[needs["rule"]]
    flat = index * len(CLASSES) + classes
    size = len(clusters) * len(CLASSES)

    def count(mask: np.ndarray) -> np.ndarray:
        chosen = mask & (classes >= 0)
        return np.bincount(flat[chosen], minlength=size).reshape(len(clusters), len(CLASSES)).astype(float)

    known = needs["link_class"] == KNOWN
    if not known.any():
        # Nobody signs in here: people known by their browser are the best there is.
        known = needs["link_class"] >= 1
    return _Groups(clusters, count(~needs["post_ticket"]), count(np.ones(len(needs), dtype=bool)), count(known))


def answer_draws(calibrated: Calibrated | None, runs: int = RUNS) -> np.ndarray:
    """Simulated answered shares by class; without a survey, confirmed and likely count as they are."""
    if calibrated is not None:
        return calibrated.draws[:runs]
    sure = np.array([1.0 if rule in (facts.CONFIRMED, facts.LIKELY) else 0.0 for rule in CLASSES])
    return np.tile(sure, (runs, 1))


def _propensity(groups: _Groups, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The share of the unanswered who write, shrunk to the portal's average: its mean for each draw of `p`, and one draw around it."""
    escalated = groups.known[:, CLASSES.index(facts.ESCALATED)]
    unanswered = np.maximum((1 - p) @ groups.known.T, escalated)
    average = np.clip(escalated.sum() / np.maximum(unanswered.sum(axis=1), 1e-9), 1e-4, 1 - 1e-4)[:, None]
    a = escalated + PRIOR_WEIGHT * average
    b = unanswered - escalated + PRIOR_WEIGHT * (1 - average)
    return a / (a + b), monte_carlo(lambda rng, _: rng.beta(a, b), seed=20_260_603)


def tickets_avoided(needs: Frame, calibrated: Calibrated | None) -> Avoided | None:
    """Σ over clusters of answered × propensity; None if there are no needs."""
    if not len(needs):
        return None
    groups = _groups(needs)
    p = answer_draws(calibrated)
    _, propensity = _propensity(groups, p)
    totals = ((p @ groups.fresh.T) * propensity).sum(axis=1)
    confirmed = (groups.fresh[:, CLASSES.index(facts.CONFIRMED)] * propensity).sum(axis=1)
    low, high = quantiles(confirmed).low, quantiles(totals).high
    return Avoided(float(totals.mean()) if calibrated else None, Interval(min(low, high), high), len(needs))


def gaps(needs: Frame, calibrated: Calibrated | None, days: int, repair: tuple[float, float] = REPAIR_PRIOR) -> list[Gap]:
    """Every cluster by what answering it would avoid a month, highest first."""
    if not len(needs):
        return []
    groups = _groups(needs)
    p = answer_draws(calibrated)
    expected, propensity = _propensity(groups, p)
    sizes = groups.every.sum(axis=1)
    unanswered = (1 - p) @ groups.every.T / np.maximum(sizes, 1)
    demand = monte_carlo(lambda rng, runs: rng.gamma(sizes + 0.5, size=(runs, len(sizes))), seed=20_260_604, runs=len(p))
    share = monte_carlo(lambda rng, runs: rng.beta(*repair, size=(runs, 1)), seed=20_260_605, runs=len(p))
    months = max(days, 1) / DAYS_A_MONTH
    draws = demand / months * unanswered * propensity * share
    # Demand and repair do not depend on the rest: their means need no draws, and the order of rows is not left to chance.
    means = (sizes + 0.5) / months * (unanswered * expected).mean(axis=0) * repair[0] / sum(repair)
    failed = groups.every[:, [CLASSES.index(r) for r in facts.FAILED]].sum(axis=1)
    low, high = np.quantile(draws, [0.1, 0.9], axis=0)
    left, writes = unanswered.mean(axis=0), expected.mean(axis=0)
    rows = [
        Gap(
            int(k),
            int(sizes[i]),
            int(failed[i]),
            float(means[i]),
            Interval(float(low[i]), float(high[i]), 0.8),
            float(left[i]),
            float(writes[i]),
        )
        for i, k in enumerate(groups.clusters)
        if k != 0
    ]
    return sorted(rows, key=lambda gap: (-gap.score, gap.cluster))


@dataclass(frozen=True)
class Repair:
    """A cluster for which an article was published: the answered share before and after, and what untouched clusters did meanwhile."""

    before: float
    after: float
    drift: float


def repair_share(history: list[Repair]) -> tuple[float, float]:
    """The Beta of the share that a repair mends: Beta(2, 2), updated by each repair so far as one observation."""
    a, b = REPAIR_PRIOR
    for repair in history:
        mended = min(max((repair.after - repair.before - repair.drift) / max(1 - repair.before, 1e-6), 0.0), 1.0)
        a, b = a + mended, b + 1 - mended
    return a, b


@dataclass(frozen=True)
class Cost:
    """Money not spent, as a range only."""

    low: float
    high: float


def cost_avoided(avoided: Avoided | None, low: float, high: float, content: float = 0.0) -> Cost | None:
    """Tickets avoided times the marginal cost of one, less what the content cost meanwhile; None unless the operator set the costs."""
    if avoided is None or high <= 0:
        return None
    return Cost(avoided.range.low * low - content, avoided.range.high * high - content)
