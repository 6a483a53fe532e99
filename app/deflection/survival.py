"""Time to answer with the unanswered kept in: dropping them would make every help centre look fast."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.deflection.statistics import Interval, z_value


@dataclass(frozen=True)
class Survival:
    """Kaplan–Meier curve: after `times[i]` the share `remaining[i]` is still without an answer."""

    times: tuple[float, ...]
    remaining: tuple[float, ...]
    errors: tuple[float, ...]
    n: int
    answered: int

    def quantile(self, share: float) -> float | None:
        """The time by which `share` of all were answered; None when that many never were."""
        for time, left in zip(self.times, self.remaining, strict=True):
            if left <= 1 - share + 1e-12:
                return time
        return None

    def interval(self, share: float, level: float = 0.95) -> tuple[float | None, float | None]:
        """Interval of that time by inverting the log-log band (Brookmeyer & Crowley 1982)."""
        low = high = None
        for time, left, error in zip(self.times, self.remaining, self.errors, strict=True):
            band = log_log_band(left, error, level)
            if low is None and band.low <= 1 - share:
                low = time
            if high is None and band.high <= 1 - share:
                high = time
        return low, high


def log_log_band(left: float, error: float, level: float = 0.95) -> Interval:
    """Band of a survival share on the log(−log) scale, which keeps it inside 0 and 1 (Kalbfleisch & Prentice 1980)."""
    if not 0 < left < 1:
        return Interval(left, left, level)
    turn = z_value(level) * error / (left * math.log(left))
    return Interval(left ** math.exp(-turn), left ** math.exp(turn), level)


def kaplan_meier(durations: np.ndarray, answered: np.ndarray) -> Survival:
    """Product-limit estimate with Greenwood's error (Kaplan & Meier 1958); `answered` false means censored at its duration."""
    order = np.argsort(durations, kind="stable")
    times, events = durations[order], answered[order].astype(bool)
    n = len(times)
    points, starts = np.unique(times, return_index=True)
    at_risk = n - starts
    deaths = np.add.reduceat(events.astype(int), starts) if n else np.array([], dtype=int)
    kept = deaths > 0
    points, at_risk, deaths = points[kept], at_risk[kept], deaths[kept]
    remaining = np.cumprod(1 - deaths / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(at_risk > deaths, deaths / (at_risk * np.maximum(at_risk - deaths, 1)), 0.0)
    errors = remaining * np.sqrt(np.cumsum(parts))
    return Survival(tuple(map(float, points)), tuple(map(float, remaining)), tuple(map(float, errors)), n, int(events.sum()))
