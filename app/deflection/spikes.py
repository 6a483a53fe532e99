"""A group of questions far above its hourly norm: perhaps an outage. Proposes a notice; a person decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.deflection.clock import HOUR
from app.deflection.cluster_names import cluster_names
from app.deflection.events import milliseconds
from app.deflection.failures import ClusterName
from app.deflection.statistics import negative_binomial_tail

PAST_WEEKS = 4
FEWEST_PERSONS = 5
ALARM = 1e-6
"""With a hundred groups looked at every hour of a year (10⁶ looks), chance alone alarms about once."""

_RECENT = text(
    "SELECT cluster, person, first FROM need WHERE cluster IS NOT NULL AND cluster > 0 AND first >= :start AND first < :end"
    " AND kind = 'search' AND rule <> 'R0'"
)


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


def spikes(db: Session, now: datetime) -> list[Spike]:
    """Groups that ask for a notice now, the most unlikely first. Reads the last hour and the hours around it in the past weeks."""
    end = milliseconds(now)
    rows = db.execute(_RECENT, {"start": end - (PAST_WEEKS * 7 * 24 + 2) * HOUR, "end": end})
    return find_spikes([(int(c), str(p), int(t)) for c, p, t in rows], end, cluster_names(db))


def find_spikes(needs: Sequence[tuple[int, str, int]], end: int, names: Mapping[int, ClusterName] | None = None) -> list[Spike]:
    """The spikes among (cluster, person, time): the hour before `end` against the same hour, one before and one after, of past days."""
    hours: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
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
