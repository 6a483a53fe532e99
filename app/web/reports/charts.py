"""Numbers → positions: scales, ticks and paths for the chart macros. Everything is in percent of the plot, text stays HTML."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Shape:
    """A path of a chart and its class in the style sheet."""

    d: str
    cls: str


@dataclass(frozen=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True)
class Note:
    """A dot on the chart, with or without a label above or below it."""

    x: float
    y: float
    text: str = ""
    label_y: float = 0.0
    cls: str = ""


@dataclass(frozen=True)
class End:
    """A value written at the right end of a line."""

    y: float
    text: str
    main: bool = False


@dataclass(frozen=True)
class Chart:
    """A plot: what it says in a sentence, its shapes and its labels."""

    sentence: str
    shapes: tuple[Shape, ...] = ()
    x: tuple[Tick, ...] = ()
    y: tuple[Tick, ...] = ()
    notes: tuple[Note, ...] = ()
    ends: tuple[End, ...] = ()
    grid: tuple[float, ...] = ()
    size: str = ""
    has_provisional: bool = False
    has_seam: bool = False


@dataclass(frozen=True)
class Spark:
    sentence: str
    d: str
    dot: tuple[float, float] | None = None


@dataclass(frozen=True)
class Whisker:
    sentence: str
    left: float
    width: float
    point: float
    goal: float | None = None
    low: bool = False


@dataclass(frozen=True)
class FunnelPart:
    cls: str
    width: float


@dataclass(frozen=True)
class FunnelRow:
    meaning: str
    """The key of the number's definition."""
    label: str
    number: str
    note: str
    parts: tuple[FunnelPart, ...] = field(default=())


@dataclass(frozen=True)
class Scale:
    """A value axis from `low` (bottom) to `high` (top) with round ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def y(self, value: float) -> float:
        """The position of a value, in percent from the top."""
        return round(100 * (1 - (value - self.low) / (self.high - self.low)), 2)


def scale(values: Sequence[float], ticks: int = 6, floor: float | None = None, ceiling: float | None = None) -> Scale:
    """An axis with round steps around the values; `floor` and `ceiling` are never passed (0 and 1 for shares)."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    step = round_step((high - low) / max(ticks - 1, 1) or abs(high) / ticks or 0.25)
    bottom, top = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    if floor is not None:
        bottom = max(bottom, floor)
    if ceiling is not None:
        top = min(top, ceiling)
    if top <= bottom:
        top = bottom + step
    count = round((top - bottom) / step)
    return Scale(bottom, top, tuple(round(bottom + i * step, 10) for i in range(count + 1)))


def round_step(rough: float) -> float:
    """The next of 1, 2, 5 × 10ⁿ that is at least `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    for factor in (1, 2, 5, 10):
        if rough <= factor * power * (1 + 1e-9):
            return factor * power
    return 10 * power


def across(count: int) -> Callable[[float], float]:
    """Positions of `count` points from edge to edge."""
    return lambda i: round(100 * i / max(count - 1, 1), 2)


def line(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g},{y:g}" for x, y in points) if points else ""


def band(upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]]) -> str:
    """The area between two lines."""
    return line(list(upper) + list(reversed(lower))) + "Z" if upper else ""


def spaced(count: int, wanted: int = 7) -> range:
    """Which of `count` labels to write so that about `wanted` remain, the same distance apart."""
    return range(0, count, max(1, math.ceil(count / wanted)))


def bars(values: Sequence[float], axis: Scale, share: float = 0.7) -> str:
    """One closed path of upright bars, edge to edge."""
    slot = 100 / max(len(values), 1)
    parts = []
    for i, value in enumerate(values):
        left, width, top = slot * i + slot * (1 - share) / 2, slot * share, axis.y(value)
        if value > axis.low:
            parts.append(f"M{left:.2f},100V{top:g}h{width:.2f}V100Z")
    return "".join(parts)


def spark(values: Sequence[float], sentence: str) -> Spark:
    """A line without axes in a box of 90 by 24."""
    most = max(values, default=0) or 1
    points = [(round(2 + 84 * i / max(len(values) - 1, 1), 1), round(21 - 18 * v / most, 1)) for i, v in enumerate(values)]
    return Spark(sentence, line(points), points[-1] if points else None)


def whisker(low: float, high: float, point: float, sentence: str, goal: float | None = None, is_low: bool = False) -> Whisker:
    """An interval on a bar from 0 to 1, with an optional line to compare with."""
    left, right = percent_of(low), percent_of(high)
    return Whisker(sentence, left, round(right - left, 1), percent_of(point), None if goal is None else percent_of(goal), is_low)


def percent_of(share: float) -> float:
    return round(100 * min(max(share, 0.0), 1.0), 1)
