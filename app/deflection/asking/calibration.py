"""What a random survey says about each kind of ending, and the answer rate that follows from it (deflection.md 3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.deflection.inference.statistics import Interval, design_effect, monte_carlo, quantiles
from app.deflection.reporting import facts
from app.deflection.reporting.facts import Frame

CLASSES = (
    facts.CONFIRMED, facts.LIKELY, facts.ESCALATED, facts.UNANSWERED, facts.LEFT_FORM, facts.UNOBSERVABLE, facts.UNMEASURED,
    facts.SHOWN_ONLY, facts.NO_RESULTS, facts.WITH_RESULTS,
)  # fmt: skip
"""The kinds of ending that are surveyed apart: every rule a counted need can have."""
FEWEST_ANSWERS = 30
"""Below this many survey answers there is no best estimate."""
RUNS = 2000


@dataclass(frozen=True)
class ClassAnswer:
    """The survey in one kind of ending."""

    rule: int
    needs: int
    asked: int
    replied: int
    yes: int

    @property
    def response_rate(self) -> float | None:
        return self.replied / self.asked if self.asked else None


@dataclass(frozen=True)
class Calibrated:
    """The best estimate of the answered share; `worst` is the band if everybody who kept silent had said no, or yes, with its chance."""

    rate: float
    interval: Interval
    worst: Interval
    answers: int
    asked: int
    classes: tuple[ClassAnswer, ...]
    draws: np.ndarray
    """Simulated shares answered, one row a run and one column a class of `CLASSES`: what other estimates build on."""


def survey_by_class(needs: Frame) -> tuple[ClassAnswer, ...]:
    """How often each kind of ending was asked, replied and said yes."""
    rule, asked, survey = needs["rule"], needs["asked"], needs["survey"]
    return tuple(
        ClassAnswer(
            r,
            int((rule == r).sum()),
            int((asked & (rule == r)).sum()),
            int(((survey >= 0) & (rule == r)).sum()),
            int(((survey == 1) & (rule == r)).sum()),
        )
        for r in CLASSES
    )


def calibrate(needs: Frame, surveyed: Frame | None = None) -> Calibrated | None:
    """The survey-calibrated answer rate of `needs`; None with too few answers.

    Σ over classes of share × p̂: the shares are Dirichlet, the p̂ Beta(½ + yes, ½ + no), both simulated with a fixed seed.
    `surveyed` may be a larger population (the same portal, no filter) from which the p̂ are learnt.
    """
    classes = survey_by_class(needs)
    learnt = survey_by_class(surveyed) if surveyed is not None else classes
    answers = sum(c.replied for c in learnt)
    if answers < FEWEST_ANSWERS or not len(needs):
        return None
    counts = np.array([c.needs for c in classes], dtype=float)
    deff = max(design_effect(needs.answered, needs["person"]), 1.0)

    def draw(rng: np.random.Generator, runs: int) -> np.ndarray:
        return rng.beta([0.5 + c.yes for c in learnt], [0.5 + c.replied - c.yes for c in learnt], size=(runs, len(learnt)))

    p = monte_carlo(draw, runs=RUNS)
    shares = monte_carlo(lambda rng, runs: rng.dirichlet(np.maximum(counts / deff, 1e-3), size=runs), seed=20_260_602, runs=RUNS)
    rates = (p * shares).sum(axis=1)
    interval = quantiles(rates)
    return Calibrated(float(rates.mean()), interval, _worst(learnt, shares, interval), answers, sum(c.asked for c in learnt), learnt, p)


def _worst(learnt: tuple[ClassAnswer, ...], shares: np.ndarray, best: Interval) -> Interval:
    """From the low end if the silent had all said no to the high end if they had said yes.

    Both ends are estimates from those who were asked, so the chance in them counts: where nearly everybody replies the band would else be
    narrower than the interval of the best estimate (the ends of Horowitz & Manski 2000, two-sided, which holds whatever their distance;
    Imbens & Manski 2004).
    """
    asked = np.array([max(c.asked, c.replied) for c in learnt])
    yes = np.array([c.yes for c in learnt])
    no = np.array([c.replied - c.yes for c in learnt])

    def share(sure: np.ndarray) -> np.ndarray:
        return monte_carlo(lambda rng, runs: rng.beta(0.5 + sure, 0.5 + asked - sure, size=(runs, len(learnt))), 20_260_606, len(shares))

    low, high = np.where(asked > 0, share(yes), 0.0), np.where(asked > 0, share(asked - no), 1.0)
    worst = quantiles((low * shares).sum(axis=1)).low, quantiles((high * shares).sum(axis=1)).high
    return Interval(min(worst[0], best.low), max(worst[1], best.high))
