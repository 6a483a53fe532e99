"""What a report is asked for: a range of whole weeks and filters, read from and written to an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from app.deflection.reporting.facts import DAY_MS, Frame
from app.deflection.reporting.trends import READ_WEEKS, monday_of

RANGES = (4, 13, 26, 52)
LINKS = {"account": 2, "browser": 1, "tab": 0}
FILTERS = ("locale", "category", "surface", "device", "link")
LONGEST = 80


@dataclass(frozen=True)
class ReportRequest:
    """Whole weeks only, so that two ranges cannot be subtracted to a single day; filters are empty for 'all'."""

    weeks: int = 13
    locale: str = ""
    category: str = ""
    surface: str = ""
    device: str = ""
    link: str = ""

    @classmethod
    def from_query(cls, args: Mapping[str, str]) -> ReportRequest:
        """From the address; what makes no sense falls back to its default, because a saved link must not break."""
        weeks = args.get("w", "")
        chosen = int(weeks) if weeks.isdecimal() and len(weeks) < 4 and int(weeks) in RANGES else cls.weeks
        texts = {name: args.get(name, "")[:LONGEST] for name in FILTERS}
        if texts["link"] not in LINKS:
            texts["link"] = ""
        return cls(chosen, **texts)

    @property
    def active(self) -> dict[str, str]:
        """The filters in use."""
        return {name: value for name in FILTERS if (value := getattr(self, name))}

    def to_query(self, **changes: str | int) -> dict[str, str]:
        """The arguments of the address of this report, with some changed."""
        changed = replace(self, **changes)  # type: ignore[arg-type]
        return {"w": str(changed.weeks), **changed.active}


@dataclass(frozen=True)
class Span:
    """Days since the epoch: the period itself, the equally long one before it, and where reading must begin."""

    before: int
    start: int
    end: int
    read_from: int


def span_of(request: ReportRequest, now: datetime) -> Span:
    """The last whole weeks and the one that runs: ends with today, starts on a Monday."""
    today = int(now.astimezone(UTC).timestamp() * 1000) // DAY_MS
    week = monday_of(today)
    start = week - 7 * (request.weeks - 1)
    before = start - 7 * request.weeks
    return Span(before, start, today + 1, min(before, week - 7 * READ_WEEKS))


def apply_filters(frame: Frame, request: ReportRequest, category_of: Mapping[str, str], skip: str = "") -> np.ndarray:
    """Which needs pass the filters of the request; `skip` leaves one filter out."""
    mask = np.ones(len(frame), dtype=bool)
    for name, value in request.active.items():
        if name == skip:
            continue
        mask &= _passes(frame, name, value, category_of)
    return mask


def _passes(frame: Frame, name: str, value: str, category_of: Mapping[str, str]) -> np.ndarray:
    if name == "link":
        return frame["link_class"] == LINKS[value]
    if name == "category":
        codes = [i for i, article in enumerate(frame.names["article"]) if category_of.get(article) == value]
        return np.isin(frame["article"], codes)
    return frame[name] == frame.code(name, value)


def values_of(frame: Frame, name: str, category_of: Mapping[str, str]) -> tuple[np.ndarray, Sequence[str]]:
    """Which of a filter's values each need has: codes, and what the codes mean."""
    if name == "link":
        return frame["link_class"], sorted(LINKS, key=LINKS.__getitem__)
    if name == "category":
        texts = sorted({category_of.get(article, "") for article in frame.names["article"]})
        table = np.array([texts.index(category_of.get(article, "")) for article in frame.names["article"]] or [0])
        return table[frame["article"]], texts
    return frame[name], frame.names[name]
