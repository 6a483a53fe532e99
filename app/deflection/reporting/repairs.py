"""What articles mended so far: clusters that got one, against clusters that nobody touched meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from app.deflection.asking.calibration import Calibrated
from app.deflection.inference.statistics import FEWEST_FOR_A_RATE
from app.deflection.reporting.avoided import CLASSES, Repair, answer_draws
from app.deflection.reporting.facts import DAY_MS, Frame

WEEKS = 8
"""How long before and after the publication is compared; what is not final yet is left out by the caller."""
LED_BY = 0.25
"""An article was published for a cluster if at least this share of what is read there afterwards is read last in it."""


@dataclass(frozen=True)
class Addition:
    """An article that appeared in a locale on a day (days since the epoch)."""

    article: str
    locale: str
    day: int


def repairs(needs: Frame, additions: Iterable[Addition], calibrated: Calibrated | None = None) -> list[Repair]:
    """One repair for each cluster that got an article and has enough needs before and after it; of several articles the first counts.

    `needs` are counted and final. The drift is what clusters without any new article did over the same two times.
    """
    touched = _touched(needs, additions)
    answered = answer_draws(calibrated).mean(axis=0)
    chance = np.zeros(12)
    chance[list(CLASSES)] = answered
    untouched = needs.where(~np.isin(needs["cluster"], [0, *touched]))
    found = []
    for cluster, day in sorted(touched.items()):
        own = needs.where(needs["cluster"] == cluster)
        before, after = _rate(own, day - 7 * WEEKS, day, chance), _rate(own, day + 1, day + 1 + 7 * WEEKS, chance)
        then, now = _rate(untouched, day - 7 * WEEKS, day, chance), _rate(untouched, day + 1, day + 1 + 7 * WEEKS, chance)
        if before is not None and after is not None:
            found.append(Repair(before, after, now - then if now is not None and then is not None else 0.0))
    return found


def _rate(needs: Frame, start: int, end: int, chance: np.ndarray) -> float | None:
    chosen = needs.between(start, end)
    return float(chance[chosen["rule"]].mean()) if len(chosen) >= FEWEST_FOR_A_RATE else None


def _touched(needs: Frame, additions: Iterable[Addition]) -> dict[int, int]:
    """Cluster → the day of the first article that was published for it."""
    found: dict[int, int] = {}
    first: dict[tuple[str, str], int] = {}
    for addition in additions:
        key = (addition.article, addition.locale)
        first[key] = min(addition.day, first.get(key, addition.day))
    nothing = needs.code("article", "")
    for (article, locale), day in sorted(first.items(), key=lambda item: (item[1], item[0])):
        code = needs.code("article", article)
        if code < 0:
            continue
        after = needs.where(
            (needs["first"] >= (day + 1) * DAY_MS) & (needs["article"] != nothing) & (needs["locale"] == needs.code("locale", locale))
        )
        read, led = _counts(after["cluster"]), _counts(after["cluster"][after["article"] == code])
        for cluster, n in led.items():
            if cluster and n >= LED_BY * read[cluster]:
                found.setdefault(cluster, day)
    return found


def _counts(clusters: Sequence[int] | np.ndarray) -> dict[int, int]:
    values, counts = np.unique(clusters, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))
