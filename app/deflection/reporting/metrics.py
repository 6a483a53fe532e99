"""The numbers of a report over columns of needs, exactly as docs/deflection.md defines them; each with its size and interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.deflection.asking.calibration import Calibrated, calibrate
from app.deflection.inference.statistics import Interval, Proportion, dense, design_effect, newcombe, z_value
from app.deflection.inference.survival import Survival, kaplan_meier
from app.deflection.reporting import facts
from app.deflection.reporting.avoided import Avoided, tickets_avoided
from app.deflection.reporting.facts import Frame

KNOWN_PEOPLE = 2


def share(needs: Frame, mask: np.ndarray) -> Proportion:
    """How many of the needs, with the design effect of persons who have several."""
    return Proportion(int(mask.sum()), len(needs), design_effect(mask, needs["person"]))


def share_of_searches(needs: Frame, hits: np.ndarray, sizes: np.ndarray) -> Proportion:
    """A share of searches, which come in bundles of needs and persons: deff of the ratio Σ hits ÷ Σ sizes."""
    count, base = int(hits.sum()), int(sizes.sum())
    if base < 2 or not 0 < count < base:
        return Proportion(count, base)
    p = count / base
    codes = dense(needs["person"])
    groups = int(np.count_nonzero(np.bincount(codes)))
    residuals = np.bincount(codes, weights=hits - p * sizes)
    clustered = float((residuals**2).sum()) / base**2 * groups / max(groups - 1, 1)
    return Proportion(count, base, min(max(1.0, clustered / (p * (1 - p) / base)), float(base)))


@dataclass(frozen=True)
class Endings:
    """Where the needs end; the parts sum to `total`, always."""

    total: int
    persons: int
    confirmed: int
    likely: int
    after_ticket: int
    """Answered, but the person had already written on the topic: helped, yet nothing was saved."""
    escalated: int
    said_no: int
    left_form: int
    no_results: int
    with_results: int
    unobservable: int
    unmeasured: int
    shown_only: int
    opened: int
    """Not an ending: how many opened an article at all."""

    @property
    def solved(self) -> int:
        return self.confirmed + self.likely

    @property
    def left(self) -> int:
        return self.said_no + self.left_form + self.no_results + self.with_results

    @property
    def unknown(self) -> int:
        return self.unobservable + self.unmeasured + self.shown_only


def endings(needs: Frame) -> Endings:
    """Count the endings of counted needs."""
    by_rule = np.bincount(needs["rule"], minlength=12)
    fresh = ~needs["post_ticket"]
    confirmed = int((needs.rules(facts.CONFIRMED) & fresh).sum())
    likely = int((needs.rules(facts.LIKELY) & fresh).sum())
    return Endings(
        total=len(needs),
        persons=needs.persons,
        confirmed=confirmed,
        likely=likely,
        after_ticket=int(by_rule[facts.CONFIRMED] + by_rule[facts.LIKELY]) - confirmed - likely,
        escalated=int(by_rule[facts.ESCALATED]),
        said_no=int(by_rule[facts.UNANSWERED]),
        left_form=int(by_rule[facts.LEFT_FORM]),
        no_results=int(by_rule[facts.NO_RESULTS]),
        with_results=int(by_rule[facts.WITH_RESULTS]),
        unobservable=int(by_rule[facts.UNOBSERVABLE]),
        unmeasured=int(by_rule[facts.UNMEASURED]),
        shown_only=int(by_rule[facts.SHOWN_ONLY]),
        opened=int(needs["opened"].sum()),
    )


@dataclass(frozen=True)
class TimeToAnswer:
    """Seconds from the first search to opening the satisfying article; None where too few were ever answered."""

    median: float | None
    median_interval: tuple[float | None, float | None]
    p90: float | None
    p90_interval: tuple[float | None, float | None]
    needs: int
    answered: int


def time_to_answer(needs: Frame) -> TimeToAnswer:
    """Kaplan–Meier over all needs: the unanswered are censored at the end of what they did."""
    answered = needs.rules(facts.CONFIRMED, facts.LIKELY) & (needs["answer_ms"] >= 0)
    durations = np.where(answered, needs["answer_ms"], needs["last"] - needs["first"]) / 1000
    curve: Survival = kaplan_meier(durations, answered)
    if len(needs) < 20:
        return TimeToAnswer(None, (None, None), None, (None, None), len(needs), int(answered.sum()))
    half, most = ((curve.quantile(part), curve.interval(part)) for part in (0.5, 0.9))
    return TimeToAnswer(*half, *most, len(needs), int(answered.sum()))


@dataclass(frozen=True)
class Summary:
    """Every headline number of a period, over final needs with a search."""

    endings: Endings
    opened: Proportion
    solved: Proportion
    confirmed: Proportion
    likely: Proportion
    escalated: Proportion
    escalated_known: Proportion
    """The same among signed-in people only: the most reliable figure."""
    left: Proportion
    unknown: Proportion
    confirmed_log: Proportion
    """R2 of all, also after a ticket."""
    answered_log: Proportion
    """R2 + R6 of all, also after a ticket: what the log says was answered."""
    answered_upper: Proportion
    """The same with everything undetermined counted as answered."""
    zero: Proportion
    clicked: Proportion
    asked_again: Proportion
    first_search: Proportion
    calibrated: Calibrated | None
    avoided: Avoided | None
    self_service: Proportion
    tickets: int
    time: TimeToAnswer
    searches: int

    @property
    def tickets_per_hundred(self) -> float | None:
        return 100 * self.tickets / self.endings.total if self.solved.enough else None


def summary(needs: Frame, tickets: int = 0, surveyed: Frame | None = None) -> Summary:
    """All headline numbers of `needs` (counted, final); `tickets` are all valid contacts of the period, whoever wrote them."""
    answered = needs.rules(facts.CONFIRMED, facts.LIKELY)
    undetermined = needs.rules(*facts.UNDETERMINED)
    known = needs.where(needs["link_class"] == KNOWN_PEOPLE)
    searches, zero, clicked = needs["searches"], needs["zero"], needs["clicked"]
    calibrated = calibrate(needs, surveyed)
    estimated = calibrated.rate * len(needs) if calibrated else float(answered.sum())
    log = share(needs, answered)
    return Summary(
        endings=endings(needs),
        opened=share(needs, needs["opened"]),
        solved=share(needs, needs.answered),
        confirmed=share(needs, needs.rules(facts.CONFIRMED) & ~needs["post_ticket"]),
        likely=share(needs, needs.rules(facts.LIKELY) & ~needs["post_ticket"]),
        escalated=share(needs, needs.rules(facts.ESCALATED)),
        escalated_known=share(known, known.rules(facts.ESCALATED)),
        left=share(needs, needs.rules(*facts.LEFT)),
        unknown=share(needs, undetermined),
        confirmed_log=share(needs, needs.rules(facts.CONFIRMED)),
        answered_log=log,
        answered_upper=share(needs, answered | undetermined),
        zero=share_of_searches(needs, zero, searches),
        clicked=share_of_searches(needs, clicked, searches - zero),
        asked_again=share_of_searches(needs, (searches - 1).clip(0), searches),
        first_search=share(needs, answered & (searches == 1)),
        calibrated=calibrated,
        avoided=tickets_avoided(needs, calibrated),
        self_service=_self_service(len(needs), calibrated.interval if calibrated else log.interval, estimated, tickets),
        tickets=tickets,
        time=time_to_answer(needs),
        searches=int(searches.sum()),
    )


def _self_service(needs: int, answered: Interval | None, estimate: float, tickets: int) -> Proportion:
    """Answered ÷ (answered + requests), as unsure as the two numbers are, which are estimates and no counts of one base.

    The logarithm of answered ÷ requests is a difference: its ends follow from those of both (MOVER; Zou & Donner 2008), for the requests from
    the square root of a Poisson count (Anscombe 1948).
    """
    if answered is None or estimate <= 0:
        return Proportion(estimate, estimate + tickets)
    z = z_value(answered.level)
    fewer, more = max(math.sqrt(tickets) - z / 2, 0.0) ** 2, (math.sqrt(tickets + 0.75) + z / 2) ** 2
    if not tickets:
        return Proportion(estimate, estimate, known=Interval(answered.low * needs / (answered.low * needs + more), 1.0))
    odds = estimate / tickets
    low = odds * math.exp(-math.hypot(_log(estimate, answered.low * needs), _log(more, tickets)))
    high = odds * math.exp(math.hypot(_log(answered.high * needs, estimate), _log(tickets, fewer)))
    return Proportion(estimate, estimate + tickets, known=Interval(low / (1 + low), high / (1 + high)))


def _log(larger: float, smaller: float) -> float:
    """How far apart two counts are on the log scale; of a count that may be none, as far as half of one."""
    return math.log(max(larger, 0.5) / max(smaller, 0.5))


def narrow_form_rate(needs: Frame) -> Proportion:
    """'This solved it' in a form that showed answers, of all forms that did; `needs` are all of the period, whatever began them."""
    mine = needs.where(~needs.rules(facts.EXCLUDED) & (needs["forms_shown"] > 0))
    said = mine.rules(facts.CONFIRMED) & mine["solved"]
    return share_of_searches(mine, said.astype(np.int64), mine["forms_shown"])


@dataclass(frozen=True)
class Change:
    """A difference between two periods, and whether it may be called one."""

    difference: float
    interval: Interval
    clear: bool


def change(now: Proportion, before: Proportion) -> Change | None:
    """Newcombe's difference; None if either side has too little, clear only if its interval excludes zero."""
    if not now.enough or not before.enough:
        return None
    interval = newcombe(now, before)
    return Change(now.count / now.base - before.count / before.base, interval, not interval.holds(0.0))


SENSITIVITY_HOURS = (1, 6, 24, 72, 168, 336)
HOUR_MS = 3_600_000


@dataclass(frozen=True)
class WindowPoint:
    """What the escalated share would be with this attribution window, on the same needs."""

    hours: int
    escalated: Proportion


def window_sensitivity(needs: Frame, as_of: int) -> tuple[WindowPoint, ...]:
    """The escalated share for windows of 1 hour to 14 days; it should flatten before the window in use.

    All points rest on the same needs, those watched for all of 14 days. Beyond the window in use only contacts on the topic count,
    which is all that the rules would link there.
    """
    watched = needs.where(needs["last"] + SENSITIVITY_HOURS[-1] * HOUR_MS <= as_of)
    never = np.iinfo(np.int64).max
    delays = (watched[name] for name in ("escalate_ms", "topical_ms"))
    first = np.minimum(*(np.where(delay >= 0, delay, never) for delay in delays))
    return tuple(WindowPoint(h, share(watched, first <= h * HOUR_MS)) for h in SENSITIVITY_HOURS)
