"""What a report needs to know of needs and contacts, as plain values and as columns.

A report over months reads hundreds of thousands of needs: `Frame` holds them as arrays, one a field, so that every number is one
pass over an array. Text columns are held once each and referred to by code (`Frame.names`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Self

import numpy as np

from app.deflection.inference.statistics import dense

DAY_MS = 86_400_000
SEARCH, BROWSE, FORM = 0, 1, 2
KINDS = ("search", "browse", "form")

EXCLUDED, ESCALATED, CONFIRMED, UNANSWERED, LEFT_FORM, CONTINUED, LIKELY = 0, 1, 2, 3, 4, 5, 6
UNOBSERVABLE, UNMEASURED, SHOWN_ONLY, NO_RESULTS, WITH_RESULTS = 7, 8, 9, 10, 11
"""The rules R0 to R11 of deflection.md 2.8 by their numbers."""
UNDETERMINED = (UNOBSERVABLE, UNMEASURED, SHOWN_ONLY)
LEFT = (UNANSWERED, LEFT_FORM, NO_RESULTS, WITH_RESULTS)
FAILED = (ESCALATED, *LEFT)
OUTCOME_OF_RULE = (
    "excluded", "escalated", "answered_confirmed", "unanswered_confirmed", "abandoned_form", "reformulated",
    "answered_likely", "undetermined", "undetermined", "undetermined", "abandoned_no_results", "abandoned_with_results",
)  # fmt: skip

NOTHING_FOUND, NOT_OPENED, NOT_READ, NOT_SOLVED, HARD_TO_WORD, FINE = "write", "title", "structure", "content", "synonym", ""
TRANSLATE = "translate"


@dataclass(frozen=True, slots=True)
class NeedFact:
    """One need, reduced to what reports count. Times are milliseconds; None where there is nothing to say."""

    need: str
    person: int
    first: int
    last: int
    kind: int
    rule: int
    final_at: int
    link_class: int
    post_ticket: bool
    locale: str = ""
    surface: str = "portal"
    device: str = ""
    cluster: int = 0
    """The query cluster of the need's first search; 0 where it has none."""
    article: str = ""
    """The article that was read last."""
    searches: int = 0
    zero: int = 0
    """Searches of the need without a result; `clicked` those with results of which at least one was opened."""
    clicked: int = 0
    opened: bool = False
    satisfied: bool = False
    """Whether any article was opened, and whether any was read long enough."""
    vote: int = 0
    """The last vote on the article that was read last: 1, −1 or 0."""
    solved: bool = False
    """Whether the explicit signal was 'this solved it'."""
    forms: int = 0
    forms_shown: int = 0
    forms_left: int = 0
    """Contact forms opened; of these with answers shown; of those not sent."""
    answer_ms: int = -1
    """From the first search to the start of the satisfying view; −1 without one."""
    escalate_ms: int = -1
    """From the last activity to the first linked ticket; −1 without one."""
    topical_ms: int = -1
    """The same to the first contact on its topic within 14 days, whatever the window; −1 without one."""
    asked: bool = False
    survey: int = -1
    """The calibration survey: asked, and the answer 1, 0 or −1 for none."""
    query: str = ""
    """The first query, redacted."""


CODED = ("locale", "surface", "device", "article")
LEFT_OUT = ("need", "query")
_NUMBERS = {"person": np.int64, "first": np.int64, "last": np.int64, "final_at": np.int64, "answer_ms": np.int64, "escalate_ms": np.int64,
            "topical_ms": np.int64}  # fmt: skip
_BOOLEANS = {"post_ticket", "opened", "satisfied", "solved", "asked"}
COLUMNS = tuple(f.name for f in fields(NeedFact) if f.name not in LEFT_OUT)


def person_code(key: str) -> int:
    """A person key as a number that fits a column; 63 bits, so that two persons do not meet."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") >> 1


@lru_cache(maxsize=256)
def _table_of(rules: tuple[int, ...]) -> np.ndarray:
    """For each rule whether it is one of these: faster to look up than to compare."""
    table = np.zeros(len(OUTCOME_OF_RULE), dtype=bool)
    table[list(rules)] = True
    return table


class Table:
    """Rows as columns; `names` turns the codes of a text column back into its texts.

    A selection holds only which rows it wants, and takes a column out of the whole when somebody asks for it: a report makes hundreds
    of selections and looks at a few columns of each.
    """

    def __init__(self, columns: dict[str, np.ndarray], names: dict[str, tuple[str, ...]], rows: np.ndarray | None = None) -> None:
        self.names = names
        self._whole, self._rows = columns, rows
        self._own: dict[str, np.ndarray] = columns if rows is None else {}

    def __len__(self) -> int:
        return len(next(iter(self._whole.values()))) if self._rows is None else len(self._rows)

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._own:
            self._own[name] = self._whole[name][self._rows]
        return self._own[name]

    def where(self, chosen: np.ndarray) -> Self:
        """The rows for which a mask holds, or those at some places."""
        places = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return type(self)(self._whole, self.names, places if self._rows is None else self._rows[places])

    def groups(self, name: str) -> Iterator[tuple[int, Self]]:
        """Each value of a column with its rows, in the order of the values; one sort, however many values there are."""
        order = np.argsort(self[name], kind="stable")
        values, starts = np.unique(self[name][order], return_index=True)
        for value, low, high in zip(values.tolist(), starts, np.append(starts, len(order))[1:], strict=True):
            yield value, self.where(order[low:high])

    def code(self, name: str, text: str) -> int:
        """The code of a text in a column; −1 if no row has it."""
        return self.names[name].index(text) if text in self.names[name] else -1


class Contacts(Table):
    """Valid, de-duplicated contacts in the order of time: `person`, `at`, `channel`, `locale`, `searched` (whether anybody searched
    before writing), and the `group` of their subject where nobody did (0: none)."""


NO_CONTACTS = Contacts(
    {name: np.zeros(0, dtype=np.int64) for name in ("person", "at", "channel", "locale", "group")} | {"searched": np.zeros(0, dtype=bool)},
    {"channel": (), "locale": ()},
)


class Frame(Table):
    """Needs as columns."""

    def rules(self, *rules: int) -> np.ndarray:
        return _table_of(rules)[self["rule"]]

    @property
    def day(self) -> np.ndarray:
        """Days since the epoch, UTC."""
        return self["first"] // DAY_MS

    @property
    def persons(self) -> int:
        return int(np.count_nonzero(np.bincount(dense(self["person"])))) if len(self) else 0

    @property
    def counted(self) -> Frame:
        """The base of all search rates: needs with a search, without the excluded and the continued ones."""
        return self.where((self["kind"] == SEARCH) & ~self.rules(EXCLUDED, CONTINUED))

    def final(self, as_of: int) -> Frame:
        """The needs whose outcome was final at `as_of`."""
        return self.where(self["final_at"] <= as_of)

    def provisional(self, as_of: int) -> Frame:
        return self.where(self["final_at"] > as_of)

    def between(self, start_day: int, end_day: int) -> Frame:
        """Needs that began on `start_day` up to and without `end_day` (days since the epoch)."""
        return self.where((self["first"] >= start_day * DAY_MS) & (self["first"] < end_day * DAY_MS))

    @property
    def answered(self) -> np.ndarray:
        """Confirmed or likely answered, and not after a ticket on the topic: what we call solved without a ticket."""
        return self.rules(CONFIRMED, LIKELY) & ~self["post_ticket"]


def frame_of(facts: Iterable[NeedFact]) -> Frame:
    """Columns of some needs."""
    rows = list(facts)
    return frame_of_columns({name: [getattr(row, name) for row in rows] for name in COLUMNS})


def frame_of_columns(values: Mapping[str, Sequence | np.ndarray]) -> Frame:
    """A frame from lists, one a field of `COLUMNS`."""
    columns: dict[str, np.ndarray] = {}
    names: dict[str, tuple[str, ...]] = {}
    for name in COLUMNS:
        if name in CODED:
            columns[name], names[name] = _coded(values[name])
        else:
            dtype = bool if name in _BOOLEANS else _NUMBERS.get(name, np.int32)
            columns[name] = np.array(values[name], dtype=dtype)
    return Frame(columns, names)


def _coded(texts: Sequence | np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    seen: dict[str, int] = {}
    codes = np.fromiter((seen.setdefault(text, len(seen)) for text in texts), dtype=np.int32, count=len(texts))
    return codes, tuple(seen)


GAP_KINDS = (FINE, NOTHING_FOUND, NOT_OPENED, NOT_READ, NOT_SOLVED, HARD_TO_WORD)


def gap_kind(frame: Frame) -> np.ndarray:
    """Why each failed need failed, as the place in `GAP_KINDS` of the next step that would help; 0 for needs that did not fail.

    What ended undetermined says nothing: nobody knows that it failed. A vote against an article blames its content, however long it was read.
    """
    hard = frame.rules(CONFIRMED, LIKELY) & (frame["searches"] >= 3)
    return np.select(
        [
            hard,
            ~frame.rules(*FAILED),
            frame.rules(UNANSWERED) | (frame["vote"] < 0),
            (frame["zero"] >= frame["searches"]) & ~frame["opened"],
            ~frame["opened"],
            ~frame["satisfied"],
        ],
        [GAP_KINDS.index(kind) for kind in (HARD_TO_WORD, FINE, NOT_SOLVED, NOTHING_FOUND, NOT_OPENED, NOT_READ)],
        default=GAP_KINDS.index(NOT_SOLVED),
    )


def joined(parts: Sequence[Frame]) -> Frame:
    """Frames one after the other; text columns get common codes."""
    columns: dict[str, np.ndarray] = {}
    names: dict[str, tuple[str, ...]] = {}
    for name in COLUMNS:
        if name not in CODED:
            columns[name] = np.concatenate([part[name] for part in parts])
            continue
        seen: dict[str, int] = {}
        tables = [np.array([seen.setdefault(text, len(seen)) for text in part.names[name]], dtype=np.int32) for part in parts]
        columns[name] = np.concatenate([table[part[name]] if len(table) else part[name] for table, part in zip(tables, parts, strict=True)])
        names[name] = tuple(seen)
    return Frame(columns, names)
