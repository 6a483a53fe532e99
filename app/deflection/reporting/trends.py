"""Weeks in a row: bands, provisional weeks with their nowcast, what counts as a change, and where a change comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.deflection.inference.sequences import weekly_boundary
from app.deflection.inference.statistics import FEWEST_FOR_A_RATE, Interval, Proportion
from app.deflection.reporting import facts
from app.deflection.reporting.facts import DAY_MS, Frame
from app.deflection.reporting.metrics import share

RECENT, BEFORE = 4, 8
"""Weeks compared for the flag: the last four against the eight before."""
NOISE_WEEKS = 52
"""Final weeks from which the variance between weeks is taken, whatever range a report shows: from twelve it would be a guess, and from 22
a change of eight points at 200 questions a week is found a third less often."""
CLOSE_WEEKS = 22
"""The newest of them, of which a report reads every need; of the ones before, the counts."""
READ_WEEKS = 25
"""Weeks before this one that every report reads, so that it is the same flag in all of them."""
FEWEST_FOR_A_TREND = 200
LATENESS_DAYS = 90


def monday_of(day: int) -> int:
    """The day number of the Monday of a day's week (day 0 was a Thursday)."""
    return day - (day + 3) % 7


@dataclass(frozen=True)
class Week:
    """One week: raw shares of its needs so far, and for a provisional week what it will probably become."""

    start: int
    solved: Proportion
    confirmed: int
    likely: int
    escalated: int
    provisional: bool
    nowcast: float | None = None
    """The solved share after the requests still to come; only for provisional weeks."""
    nowcast_escalated: float | None = None

    @property
    def shown(self) -> float | None:
        """The share to draw: final weeks as they are, provisional ones corrected."""
        return self.nowcast if self.provisional else self.solved.rate

    @property
    def band(self) -> Interval | None:
        """The interval of `shown`: what chance makes of so many needs, moved with the correction of a provisional week."""
        interval, shown, rate = self.solved.interval, self.shown, self.solved.rate
        if interval is None or shown is None or rate is None:
            return interval
        moved = shown - rate
        return Interval(max(interval.low + moved, 0.0), min(interval.high + moved, 1.0), interval.level)


def weekly(needs: Frame, as_of: int, start_day: int, end_day: int, lateness: Lateness | None = None) -> tuple[Week, ...]:
    """The whole weeks (Monday to Sunday) that begin in [start_day, end_day)."""
    first = monday_of(start_day + 6) if monday_of(start_day) != start_day else start_day
    return tuple(_week(needs.between(day, day + 7), day, as_of, lateness) for day in range(first, end_day, 7))


def _week(needs: Frame, start: int, as_of: int, lateness: Lateness | None) -> Week:
    provisional = bool((needs["final_at"] > as_of).any()) or (start + 7) * DAY_MS > as_of
    solved = share(needs, needs.answered)
    confirmed = int((needs.rules(facts.CONFIRMED) & ~needs["post_ticket"]).sum())
    escalated = int(needs.rules(facts.ESCALATED).sum())
    nowcast = expected = None
    if provisional and lateness is not None and solved.enough:
        expected = lateness.eventual(needs, as_of)
        nowcast = max(solved.count - (expected - escalated) * lateness.solved_before, 0.0) / len(needs)
    return Week(start, solved, confirmed, int(solved.count) - confirmed, escalated, provisional, nowcast, expected)


@dataclass(frozen=True)
class Lateness:
    """F(d): the share of eventual escalations seen d days after the need, from the last 90 days of which everything is final."""

    shares: tuple[float, ...]
    seen: int
    solved_before: float = 1.0
    """Of the requests still to come, the share that comes after what counts as solved until then: who read and still writes."""

    def at(self, age_days: np.ndarray) -> np.ndarray:
        if not self.shares:
            return np.ones(len(age_days))
        table = np.array(self.shares)
        return table[np.clip(np.floor(age_days).astype(int), 0, len(table) - 1)]

    def eventual(self, needs: Frame, as_of: int) -> float:
        """Escalations to expect in the end: by day of age, those seen ÷ F(d), never more than there are needs."""
        age = (as_of - needs["last"]) / DAY_MS
        final = needs["final_at"] <= as_of
        days = np.where(final, 10_000, np.floor(age)).astype(int)
        total = 0.0
        for day in np.unique(days):
            here = days == day
            seen = int((needs.rules(facts.ESCALATED) & here).sum())
            known = 1.0 if day >= 10_000 else float(self.at(np.array([day + 0.5]))[0])
            total += min(int(here.sum()), seen / max(known, 0.05))
        return total


def lateness(needs: Frame, as_of: int) -> Lateness:
    """How late requests come here.

    Measured on the last 90 days that are final as a whole: of a younger day only those are final who were early, and needs without a
    cookie, which are final after a day.
    """
    open_needs = needs.provisional(as_of)
    end = min(as_of // DAY_MS, int(open_needs.day.min()) if len(open_needs) else as_of // DAY_MS)
    final = needs.between(end - LATENESS_DAYS, end)
    recent = final.where(final.rules(facts.ESCALATED) & (final["escalate_ms"] >= 0))
    if len(recent) < FEWEST_FOR_A_RATE:
        return Lateness((), len(recent))
    delays = recent["escalate_ms"] / DAY_MS
    # A need of age d has been watched for d to d+1 days: the middle of that day is fair.
    shares = tuple(float((delays <= d + 0.5).mean()) for d in range(math.ceil(float(delays.max())) + 1))
    # A request that takes twice as long is still to come for twice as many questions.
    weights = delays + 1e-9
    return Lateness(shares, len(recent), float(np.average(recent["satisfied"] & (recent["link_class"] >= 1), weights=weights)))


@dataclass(frozen=True)
class Shift:
    """The last four final weeks against the eight before, with an interval that survives being looked at every week."""

    difference: float
    interval: Interval
    clear: bool
    mix: float
    within: float
    """The difference split: other questions than before, and other shares on the same questions."""


Counts = Mapping[int, tuple[int, int]]
"""Week start → (solved, all)."""


def shift(needs: Frame, weeks: tuple[Week, ...], began: int | None = None, earlier: Counts | None = None) -> Shift | None:
    """Whether the solved share moved; None with fewer than twelve final weeks of enough needs.

    `began` is the day of the first need there ever was: how often somebody could look before follows from it. `earlier` are counts of
    weeks before these, from which only the variance between weeks is learnt.
    """
    final = [w for w in weeks if not w.provisional and w.solved.enough][-CLOSE_WEEKS:]
    if len(final) < RECENT + BEFORE:
        return None
    late, early = final[-RECENT:], final[-RECENT - BEFORE : -RECENT]
    difference = _mean(late) - _mean(early)
    year = [*_before(final, earlier or {}), *(w.solved for w in final)]
    extra = _between_weeks(year)
    # A variance that the weeks themselves tell is an estimate; neighbours' differences are worth two thirds of their number (von Neumann).
    freedom = 2 * (len(year) - 1) / 3 if extra else math.inf
    error = math.sqrt(
        sum(_variance(w.solved) + extra for w in late) / RECENT**2 + sum(_variance(w.solved) + extra for w in early) / BEFORE**2
    )
    half = weekly_boundary(_looks(late[-1].start, final[0].start if began is None else began), freedom) * error
    now, then = needs.between(late[0].start, late[-1].start + 7), needs.between(early[0].start, early[-1].start + 7)
    mix, within = decompose(now, then)
    return Shift(difference, Interval(difference - half, difference + half), abs(difference) > half, mix, within)


def _before(final: Sequence[Week], earlier: Counts) -> list[Proportion]:
    """The weeks before the final ones, as clustered by person as these are."""
    deff = sum(w.solved.deff for w in final) / len(final)
    found = [Proportion(solved, n, deff) for start, (solved, n) in sorted(earlier.items()) if start < final[0].start]
    return [week for week in found if week.enough][len(final) - NOISE_WEEKS :]


def _looks(last: int, began: int) -> int:
    """Which weekly look this is: the first was when twelve whole weeks since the beginning were final."""
    return (last - monday_of(began + 6)) // 7 - (RECENT + BEFORE) + 2


def _mean(weeks: list[Week]) -> float:
    return sum(w.solved.count / w.solved.base for w in weeks) / len(weeks)


def _variance(solved: Proportion) -> float:
    p = (solved.count + 0.5) / (solved.base + 1)
    return p * (1 - p) / solved.base * solved.deff


def _between_weeks(weeks: Sequence[Proportion]) -> float:
    """Variance between weeks beyond chance, from differences of neighbours, so that a step or a drift does not count as noise."""
    rates = np.array([w.count / w.base for w in weeks])
    # Half the mean squared difference of neighbours estimates the noise variance (von Neumann 1941).
    noise = float((np.diff(rates) ** 2).mean()) / 2
    return max(0.0, noise - float(np.mean([_variance(w) for w in weeks])))


def decompose(now: Frame, before: Frame) -> tuple[float, float]:
    """A change of the solved share as (mix, within): Σ Δshare × rate and Σ share × Δrate over clusters, exact in sum (Kitagawa 1955)."""
    if not len(now) or not len(before):
        return 0.0, 0.0
    clusters = np.unique(np.concatenate([now["cluster"], before["cluster"]]))
    mix = within = 0.0
    shares, rates = [], []
    for frame in (now, before):
        index = np.searchsorted(clusters, frame["cluster"])
        sizes = np.bincount(index, minlength=len(clusters)).astype(float)
        hits = np.bincount(index, weights=frame.answered, minlength=len(clusters))
        shares.append(sizes / len(frame))
        rates.append(np.divide(hits, sizes, out=np.full(len(clusters), np.nan), where=sizes > 0))
    # A cluster seen on one side only changes the mix, nothing else: give it the same rate on both sides.
    a, b = np.where(np.isnan(rates[0]), rates[1], rates[0]), np.where(np.isnan(rates[1]), rates[0], rates[1])
    mix = float(((shares[0] - shares[1]) * (a + b) / 2).sum())
    within = float(((shares[0] + shares[1]) / 2 * (a - b)).sum())
    return mix, within
