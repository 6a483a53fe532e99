"""What the answers in the contact form do: a randomised comparison that may be looked at every day (deflection.md 4).

A unit is a person at the first form opening; everyone counts in the arm assigned, whatever they saw. Fewer requests without more
people who say that they were answered is suppression, and is called harm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence as Seq
from dataclasses import dataclass

import numpy as np

from app.deflection.inference.sequences import MISMATCH_ALARM, Sequence, confidence_sequence, sample_ratio_p, weeks_until_decided
from app.deflection.inference.statistics import Interval, Proportion

ON, HOLDOUT = "on", "holdout"
SMALL_DESK = 500
"""Form openings a month below which the arms are of equal size, because a tenth would take years."""
SMALL_DESK_SHARE = 0.5
MOST_WEEKS = 520
PLANNED_EFFECT = 0.05
"""The difference that 'about n more weeks' is reckoned for."""
COUNTS_FOR_DAYS = 180
"""How long a person counts: older events may be gone."""
SALT = "form-answers"


def arm_of(unit: str, share: float, salt: str = SALT) -> str:
    """The arm of a person: SHA-256(salt | unit) < share is the holdout. A larger share keeps those who were in it."""
    drawn = int.from_bytes(hashlib.sha256(f"{salt}|{unit}".encode()).digest()[:8], "big") / 2**64
    return HOLDOUT if drawn < share else ON


def holdout_share(openings_last_month: int, setting: float) -> float:
    """The share of people without answers this month: the setting, or a half where few forms are opened; 0 stays 0."""
    return setting if setting <= 0 or openings_last_month >= SMALL_DESK else max(setting, SMALL_DESK_SHARE)


@dataclass(frozen=True)
class Exposure:
    """A person's first form opening in the trial, and what came of it."""

    unit: str
    at: int
    arm: str
    share: float
    """The probability of the holdout when this person was assigned."""
    ticket: bool
    solved: bool
    left: bool
    again: bool
    """A request within 24 h; 'this answered my question'; neither of them nor anything read; a request after that, within 7 days."""
    week_over: bool = True
    """Whether the 7 days are over, so that `again` is known."""


@dataclass(frozen=True)
class Delta:
    """One outcome in both arms, and the difference on − holdout."""

    key: str
    on: Proportion
    holdout: Proportion
    look: Sequence

    @property
    def interval(self) -> Interval | None:
        return self.look.interval

    @property
    def direction(self) -> int:
        """1 or −1 once the sequence has decided, else 0."""
        return 0 if not self.look.decided else (1 if self.look.difference > 0 else -1)


NO_EVIDENCE, MISMATCH, HELPS, SUPPRESSES, HARMS, MORE_TICKETS = "no_evidence", "mismatch", "helps", "suppresses", "harms", "more_tickets"


@dataclass(frozen=True)
class Trial:
    """Where the trial stands; with a mismatch the deltas are withheld, because the arms are not what they should be."""

    verdict: str
    units: int
    on: int
    holdout: int
    mismatch_p: float
    deltas: tuple[Delta, ...]
    weeks_to_go: int | None
    """About how many more weeks until a difference of five points would show; None when decided, when nobody comes, or beyond ten years."""
    within_reach: bool = True
    """Whether that is before the first people no longer count; if not, it will not show at this pace."""

    @property
    def must_stop(self) -> bool:
        """More people left without an answer where answers were shown: the trial ends by itself."""
        return self.verdict == HARMS


OUTCOMES = ("ticket", "solved", "left", "again")


def judge_trial(exposures: Seq[Exposure], weeks_so_far: float) -> Trial:
    """The trial at this look: all four differences together, or none."""
    ordered = sorted(exposures, key=lambda e: (e.at, e.unit))
    on = np.array([e.arm == ON for e in ordered], dtype=bool)
    shares = np.array([1 - e.share for e in ordered])
    n_on, n_off = int(on.sum()), int(len(on) - on.sum())
    p = _mismatch(n_on, n_off, shares)
    if p < MISMATCH_ALARM:
        return Trial(MISMATCH, len(ordered), n_on, n_off, p, (), None)
    deltas = tuple(_delta(key, ordered, on, shares) for key in OUTCOMES)
    weeks = _weeks_to_go(deltas[0].look, weeks_so_far)
    reach = weeks is None or weeks_so_far + weeks <= COUNTS_FOR_DAYS / 7
    return Trial(_verdict(deltas), len(ordered), n_on, n_off, p, deltas, weeks, reach)


def _mismatch(on: int, off: int, shares: np.ndarray) -> float:
    return sample_ratio_p(on, off, float(shares.mean())) if len(shares) and 0 < shares.mean() < 1 else 1.0


def _delta(key: str, exposures: Seq[Exposure], on: np.ndarray, shares: np.ndarray) -> Delta:
    known = np.array([key != "again" or e.week_over for e in exposures], dtype=bool)
    hits = np.array([getattr(e, key) for e in exposures], dtype=float)[known]
    on = on[known]
    look = confidence_sequence(hits, on, shares[known])
    return Delta(key, Proportion(int(hits[on].sum()), int(on.sum())), Proportion(int(hits[~on].sum()), int((~on).sum())), look)


def _verdict(deltas: Seq[Delta]) -> str:
    ticket, solved, left, _ = deltas
    if left.direction > 0:
        return HARMS
    if ticket.direction < 0:
        return HELPS if solved.direction > 0 else SUPPRESSES
    return MORE_TICKETS if ticket.direction > 0 else NO_EVIDENCE


def _weeks_to_go(look: Sequence, weeks_so_far: float) -> int | None:
    if look.decided or look.units == 0 or weeks_so_far <= 0:
        return None
    return weeks_until_decided(look, look.units / weeks_so_far, PLANNED_EFFECT, MOST_WEEKS)
