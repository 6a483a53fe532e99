"""Labels that tune two thresholds on a portal's own searches: pairs of searches that followed each other, judged by a person.

The words of a pair are shown only where enough people used each of them, and are never kept with the label: what is kept is how alike
they are, how far apart they came, and the verdict. Pairs are drawn evenly over likeness and distance, because at random nearly all
would be far from the threshold; each label then weighs as much as the pairs that it stands for.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from app.deflection.grouping.wording import dice, normalise, trigrams
from app.deflection.inference.statistics import Interval, Proportion, monte_carlo, quantiles
from app.deflection.judging.rulebook import Rulebook
from app.deflection.recording.clock import MINUTE, SECOND
from app.deflection.recording.events import milliseconds
from app.deflection.reporting.definitions import N_
from app.deflection.reporting.facts import DAY_MS
from app.deflection.reporting.report_models import PairLabelRow
from app.errors import Invalid

SAME, DIFFERENT, UNCLEAR = "same", "different", "unclear"
VERDICTS = (SAME, DIFFERENT, UNCLEAR)
PAIRS = 100
FEWEST_LABELS = 40
"""Clear labels below which nothing is suggested."""
DAYS = 90
MOST_SEARCHES = 30_000
"""Of a log with more, the latest days that hold so many are looked at: a hundred pairs are drawn, and the page must not take seconds."""
LIKENESS = (0.0, 0.2, 0.4, 0.6, 0.8)
"""Where the strata of likeness begin."""
NEAR_MS = MINUTE
FARTHEST_MS = 30 * MINUTE
RUNS = 500
SIMILAR = tuple(round(0.05 * i, 2) for i in range(2, 19))
SECONDS = (0, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600)

_SEARCHES = text(
    "SELECT s.session_id, s.need_id, s.t AS asked, s.q, s.lang, n.person FROM need_search s JOIN need n ON n.id = s.need_id"
    " WHERE s.day >= :start AND s.q <> '' AND n.rule <> 'R0' ORDER BY s.session_id, s.t, s.search_id"
)
_PER_DAY = text("SELECT day, count(*) FROM need_search WHERE day >= :start GROUP BY day ORDER BY day DESC")
_READ = text(
    "SELECT v.need_id, v.t FROM need_view v JOIN need n ON n.id = v.need_id WHERE n.day >= :start AND v.active_ms >= v.required_ms"
)


@dataclass(frozen=True)
class Pair:
    """Two searches of one visit that followed each other, with nothing read long enough in between."""

    key: str
    first: str
    second: str
    lang: str
    likeness: float
    gap_ms: int
    stratum: str
    stands_for: float = 1.0
    """How many pairs of the log each pair drawn from its stratum stands for."""


@dataclass(frozen=True)
class Fit:
    """What the labels say: how often the rule in force agrees with them, and the thresholds that would agree most."""

    labels: int
    unclear: int
    agreement: Proportion
    similar: float
    similar_interval: Interval
    seconds: int
    seconds_interval: Interval
    best: Proportion

    def speaks_against(self, rules: Rulebook) -> bool:
        """Whether a threshold in force lies outside what the labels support."""
        return not (self.similar_interval.holds(rules.similar) and self.seconds_interval.holds(rules.synonym_ms / SECOND))


def draw_pairs(db: Session, now: datetime, k: int, most: int = PAIRS) -> list[Pair]:
    """The pairs to be labelled, the same at each look as long as the log is: up to `most`, spread over likeness and distance."""
    start = _first_day(db, milliseconds(now) // DAY_MS - DAYS)
    rows = db.execute(_SEARCHES, {"start": start}).all()
    read: dict[str, list[int]] = defaultdict(list)
    for need, t in db.execute(_READ, {"start": start}):
        read[need].append(t)
    strata: dict[str, dict[str, Pair]] = defaultdict(dict)
    sizes: dict[str, int] = defaultdict(int)
    for pair in _pairs(rows, read, _shown(rows, k)):
        sizes[pair.stratum] += 1
        strata[pair.stratum].setdefault(pair.key, pair)
    drawn = _evenly({name: sorted(found.values(), key=lambda p: p.key) for name, found in strata.items()}, most)
    taken: dict[str, int] = defaultdict(int)
    for pair in drawn:
        taken[pair.stratum] += 1
    weighed = [Pair(**{**vars(p), "stands_for": sizes[p.stratum] / taken[p.stratum]}) for p in drawn]
    return sorted(weighed, key=lambda p: p.key)


def _first_day(db: Session, earliest: int) -> int:
    """The day from which searches are looked at."""
    found, total = earliest, 0
    for day, n in db.execute(_PER_DAY, {"start": earliest}):
        if total and total + n > MOST_SEARCHES:
            break
        found, total = day, total + n
    return found


def _shown(rows: Sequence[Any], k: int) -> set[tuple[str, str]]:
    """(Language, normalised query) that enough people asked."""
    asked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        asked[row.lang, normalise(row.q)].add(row.person)
    return {key for key, persons in asked.items() if len(persons) >= k}


def _pairs(rows: Sequence[Any], read: dict[str, list[int]], shown: set[tuple[str, str]]) -> list[Pair]:
    found = []
    for a, b in pairwise(rows):
        first, second = normalise(a.q), normalise(b.q)
        gap = b.asked - a.asked
        if a.session_id != b.session_id or a.lang != b.lang or first == second or not 0 <= gap <= FARTHEST_MS:
            continue
        if (a.lang, first) not in shown or (b.lang, second) not in shown or any(a.asked <= t < b.asked for t in read.get(a.need_id, ())):
            continue
        likeness = dice(trigrams(first), trigrams(second))
        stratum = _stratum(likeness, gap)
        key = hashlib.sha256(f"{stratum}|{a.lang}|{first}|{second}".encode()).hexdigest()[:32]
        found.append(Pair(key, first, second, a.lang, likeness, gap, stratum))
    return found


def _stratum(likeness: float, gap_ms: int) -> str:
    return f"{sum(likeness >= low for low in LIKENESS)}{'near' if gap_ms <= NEAR_MS else 'far'}"


def _evenly(strata: dict[str, list[Pair]], most: int) -> list[Pair]:
    """Round after round one pair of each stratum, until enough are drawn or none is left."""
    drawn: list[Pair] = []
    for turn in range(max(map(len, strata.values()), default=0)):
        for name in sorted(strata):
            if turn < len(strata[name]) and len(drawn) < most:
                drawn.append(strata[name][turn])
    return drawn


def label_pair(db: Session, pair: Pair, verdict: str, who: str, now: datetime) -> None:
    """Keep a verdict on a pair; a second one on the same pair replaces it."""
    if verdict not in VERDICTS:
        raise Invalid(N_("Choose one of the answers."), {"verdict": "unknown"})
    db.merge(
        PairLabelRow(
            key=pair.key,
            likeness=pair.likeness,
            gap_ms=pair.gap_ms,
            stands_for=pair.stands_for,
            verdict=verdict,
            who=who,
            at=milliseconds(now),
        )
    )


def take_last_back(db: Session) -> None:
    """Forget the newest label; its pair is shown again."""
    newest = db.scalar(select(PairLabelRow.key).order_by(PairLabelRow.at.desc(), PairLabelRow.key).limit(1))
    db.execute(delete(PairLabelRow).where(PairLabelRow.key == newest))


def forget_labels(db: Session) -> None:
    """Begin again."""
    db.execute(delete(PairLabelRow))


def labelled(db: Session) -> set[str]:
    """Keys of the pairs that have a label."""
    return set(db.scalars(select(PairLabelRow.key)))


def clear_labels(db: Session) -> int:
    """How many labels say same or different."""
    return int(db.scalar(select(func.count()).where(PairLabelRow.verdict != UNCLEAR)) or 0)


def fit_labels(db: Session, rules: Rulebook) -> Fit | None:
    """The thresholds that agree most with the labels, with bootstrap intervals; None with too few clear labels, or all of one kind."""
    rows = db.execute(select(PairLabelRow).order_by(PairLabelRow.key)).scalars().all()
    clear = [row for row in rows if row.verdict != UNCLEAR]
    if len(clear) < FEWEST_LABELS or len({row.verdict for row in clear}) < 2:
        return None
    likeness = np.array([row.likeness for row in clear])
    gaps = np.array([row.gap_ms for row in clear])
    same = np.array([row.verdict == SAME for row in clear])
    weights = np.array([row.stands_for for row in clear])
    # Of thresholds that agree equally often the one nearest to the rule in force is taken.
    grid = sorted(
        ((s, t) for s in {*SIMILAR, rules.similar} for t in {*SECONDS, rules.synonym_ms // SECOND}),
        key=lambda pair: (abs(pair[0] - rules.similar) + abs(pair[1] - rules.synonym_ms / SECOND) / 600, pair),
    )
    right = np.array([_says_same(likeness, gaps, s, t) == same for s, t in grid], dtype=float)
    best = int((right @ weights).argmax())
    counts = monte_carlo(
        lambda rng, runs: rng.multinomial(len(clear), np.full(len(clear), 1 / len(clear)), size=runs), seed=20_260_801, runs=RUNS
    )
    chosen = (counts * weights @ right.T).argmax(axis=1)
    return Fit(
        len(clear),
        len(rows) - len(clear),
        _weighted(_says_same(likeness, gaps, rules.similar, rules.synonym_ms // SECOND) == same, weights),
        grid[best][0],
        quantiles(np.array([grid[i][0] for i in chosen])),
        grid[best][1],
        quantiles(np.array([grid[i][1] for i in chosen])),
        _weighted(right[best] > 0, weights),
    )


def _says_same(likeness: np.ndarray, gaps: np.ndarray, similar: float, seconds: int) -> np.ndarray:
    """The rule: similar words, or any words soon enough (2.6)."""
    return (likeness >= similar) | (gaps <= seconds * SECOND)


def _weighted(right: np.ndarray, weights: np.ndarray) -> Proportion:
    """A weighted share as one of the labels; unequal weights cost precision (Kish 1965)."""
    n = len(right)
    deff = n * float((weights**2).sum()) / float(weights.sum()) ** 2
    return Proportion(n * float((right * weights).sum() / weights.sum()), n, deff)
