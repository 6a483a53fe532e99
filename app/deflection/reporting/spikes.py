"""A group of questions far above its hourly norm: perhaps an outage. Proposes a notice; a person decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from app.deflection.grouping.cluster_names import cluster_names
from app.deflection.inference.statistics import negative_binomial_tail
from app.deflection.packing.need_columns import columns_of_days, frame_of_days
from app.deflection.recording.clock import DAY, HOUR
from app.deflection.recording.events import milliseconds
from app.deflection.reporting.facts import EXCLUDED, SEARCH
from app.deflection.reporting.failures import ClusterName
from app.deflection.reporting.thresholds import persons_by_group

PAST_WEEKS = 4
FEWEST_PERSONS = 5
ALARM = 1e-6
"""With a hundred groups looked at every hour of a year (10⁶ looks), chance alone alarms about once."""


@dataclass(frozen=True)
class Spike:
    """A group with how many persons asked it in the last hour, how many usually do at this time, and how unlikely that is."""

    cluster: int
    name: ClusterName | None
    persons: int
    usual: float
    p: float

    @property
    def times(self) -> float:
        return self.persons / max(self.usual, 0.1)


def unusual(now_count: int, past: Sequence[int]) -> tuple[float, float]:
    """The usual count and the probability of at least `now_count`, from the same hours of the past.

    Poisson with the mean of the past (half a person added, so that a silent past does not make one person an alarm); where the past
    varies more than Poisson, the negative binomial with its variance.
    """
    mean = (sum(past) + 0.5) / max(len(past), 1)
    variance = float(np.var(past, ddof=1)) if len(past) > 1 else mean
    return mean, negative_binomial_tail(now_count, mean, max(variance, mean))


def spikes(db: Session, now: datetime, k: int = FEWEST_PERSONS) -> list[Spike]:
    """Groups that ask for a notice now, of at least `k` people, the most unlikely first: the last hour against those of past weeks."""
    end = milliseconds(now)
    start = end - (PAST_WEEKS * 7 * 24 + 2) * HOUR
    every = frame_of_days(columns_of_days(db, start // DAY, end // DAY + 1), {})
    within = (every["first"] >= start) & (every["first"] < end)
    asked = every.where(within & (every["cluster"] > 0) & (every["kind"] == SEARCH) & ~every.rules(EXCLUDED))
    # Only a group that enough people ask now can be a spike; the past of all others is not looked at.
    latest = asked.where(asked["first"] >= end - HOUR)
    many = [cluster for cluster, n in persons_by_group(latest["cluster"], latest["person"]).items() if n >= max(k, FEWEST_PERSONS)]
    if not many:
        return []
    own = asked.where(np.isin(asked["cluster"], many))
    needs = zip(own["cluster"].tolist(), own["person"].tolist(), own["first"].tolist(), strict=True)
    return find_spikes(list(needs), end, cluster_names(db), int(asked["first"].min()))


def find_spikes(
    needs: Sequence[tuple[int, Hashable, int]], end: int, names: Mapping[int, ClusterName] | None = None, oldest: int | None = None
) -> list[Spike]:
    """The spikes among (cluster, person, time): the hour before `end` against the same hour, one before and one after, of past days.

    `oldest` is when anything at all was asked first, where these are not all needs.
    """
    hours: dict[int, dict[int, set[Hashable]]] = defaultdict(lambda: defaultdict(set))
    if oldest is None:
        oldest = min((t for _, _, t in needs), default=end)
    for cluster, person, t in needs:
        hours[cluster][(end - 1 - t) // HOUR].add(person)
    known_days = min(PAST_WEEKS * 7, (end - oldest) // (24 * HOUR))
    compared = [24 * day + shift for day in range(1, known_days + 1) for shift in (-1, 0, 1)]
    found = []
    for cluster, by_hour in hours.items():
        persons = len(by_hour.get(0, ()))
        if persons < FEWEST_PERSONS or not compared:
            continue
        usual, p = unusual(persons, [len(by_hour.get(hour, ())) for hour in compared])
        if p < ALARM:
            found.append(Spike(cluster, (names or {}).get(cluster), persons, usual, p))
    return sorted(found, key=lambda spike: (spike.p, spike.cluster))


def notice_proposal(spike: Spike, now: datetime) -> str:
    """A block for `notices.yml` that a writer completes: what is known goes in, what is not stays a question."""
    about = spike.name.text if spike.name else ""
    locale = (spike.name.locale if spike.name else "") or "en"
    quoted = about.replace("\\", "\\\\").replace('"', '\\"')
    return (
        f"- id: spike-{now:%Y-%m-%d-%H}-{spike.cluster}\n"
        "  tone: warning\n"
        f'  headline: {{{locale}: "Known problem: …"}}\n'
        f'  text: {{{locale}: "Many people ask about “{quoted}” right now. We are looking into it. Next update at …"}}\n'
        f"  starts: {now:%Y-%m-%dT%H:%M}Z\n"
        f'  matches: ["{quoted}"]\n'
    )
