"""Time to answer with the unanswered kept in: dropping them would make every help centre look fast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.deflection.inference.statistics import z_value


@dataclass(frozen=True)
class Survival:
    """Kaplan–Meier curve: after `times[i]` the share `remaining[i]` is still without an answer."""

    times: np.ndarray
    remaining: np.ndarray
    errors: np.ndarray
    n: int
    answered: int

    def quantile(self, share: float) -> float | None:
        """The time by which `share` of all were answered; None when that many never were."""
        return self._first(self.remaining <= 1 - share + 1e-12)

    def interval(self, share: float, level: float = 0.95) -> tuple[float | None, float | None]:
        """Interval of that time by inverting the log-log band (Brookmeyer & Crowley 1982)."""
        low, high = log_log_band(self.remaining, self.errors, level)
        return self._first(low <= 1 - share), self._first(high <= 1 - share)

    def _first(self, reached: np.ndarray) -> float | None:
        return float(self.times[int(reached.argmax())]) if reached.any() else None


def log_log_band(left: np.ndarray, errors: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Band of survival shares on the log(−log) scale, which keeps it inside 0 and 1 (Kalbfleisch & Prentice 1980)."""
    inside = (left > 0) & (left < 1)
    turn = np.zeros(len(left))
    turn[inside] = z_value(level) * errors[inside] / (left[inside] * np.log(left[inside]))
    return left ** np.exp(-turn), left ** np.exp(turn)


def kaplan_meier(durations: np.ndarray, answered: np.ndarray) -> Survival:
    """Product-limit estimate with Greenwood's error (Kaplan & Meier 1958); `answered` false means censored at its duration."""
    n = len(durations)
    points, deaths = np.unique(durations[answered], return_counts=True)
    at_risk = n - np.searchsorted(np.sort(durations), points)
    remaining = np.cumprod(1 - deaths / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(at_risk > deaths, deaths / (at_risk * np.maximum(at_risk - deaths, 1)), 0.0)
    return Survival(points, remaining, remaining * np.sqrt(np.cumsum(parts)), n, int(deaths.sum()))
