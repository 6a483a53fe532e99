"""Who may be seen in a table: the one place that hides rows with too few people, for page, CSV, JSON, mail and API alike.

A group with fewer than k persons is put together with others. If those together are still fewer than k, the smallest shown group goes
with them, so that a total minus the shown rows reveals nobody. The values of one filter are such groups.

Several filters, or rows under filters, make a table of more axes, of which every sum can be had as another report. A combination of few
people is hidden there, and with it the other corners of a box through it, so that views cannot be subtracted from each other.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from app.deflection.inference.statistics import dense

MOST_MARKED = 50_000_000
"""Pairs of group and person that are marked in memory, one byte each."""
MOST_CELLS = 50_000
"""Combinations that are looked at; of a larger table, as several hundred groups under four filters make one, nothing is shown."""
MOST_CORNERS = 40_000
"""Corners of boxes that are looked for; where a table would need more, all of a row is hidden if anything in it is."""


@dataclass(frozen=True)
class Thresholds:
    """Fewest people behind a row, and behind a query that is shown word for word."""

    row: int = 5
    query: int = 3


def persons_by_group(groups: np.ndarray, persons: np.ndarray) -> dict[int, int]:
    """How many different persons stand behind each group."""
    if not len(groups):
        return {}
    known, group = np.unique(groups, return_inverse=True)
    person = dense(persons)
    people = int(person.max()) + 1
    pairs = group.astype(np.int64) * people + person
    if len(known) * people <= MOST_MARKED:
        # Marking pairs is ten times faster than sorting them, as long as all that are possible fit into memory.
        marks = np.zeros(len(known) * people, dtype=bool)
        marks[pairs] = True
        counts = np.count_nonzero(marks.reshape(len(known), people), axis=1)
    else:
        counts = np.bincount(np.unique(pairs) // people, minlength=len(known))
    return dict(zip(known.tolist(), counts.tolist(), strict=True))


@dataclass(frozen=True)
class Split:
    """All needs (or requests) of the time, whatever the filters say: the group of each, its value for each filter, and its person.

    `chosen` are the values that the filters choose.
    """

    groups: np.ndarray
    axes: Sequence[np.ndarray]
    persons: np.ndarray
    chosen: tuple[int, ...]


def visible_groups(groups: np.ndarray, persons: np.ndarray, k: int, split: Split | None = None) -> set[int]:
    """The groups that may have a row of their own; all others belong into one row together. `split` is given where filters are in use."""
    counts = persons_by_group(groups, persons)
    hidden = {group for group, n in counts.items() if n < k}
    if split is not None:
        hidden |= counts.keys() - _visible_by_filters(split, k)
    by_size = sorted((group for group in counts if group not in hidden), key=lambda group: (counts[group], group))
    while hidden and by_size and _together(groups, persons, hidden) < k:
        hidden.add(by_size.pop(0))
    return set(counts) - hidden


def _together(groups: np.ndarray, persons: np.ndarray, chosen: Iterable[int]) -> int:
    return len(np.unique(persons[np.isin(groups, list(chosen))]))


def _visible_by_filters(split: Split, k: int) -> set[int]:
    """The groups that may be listed under the filters, beside what other choices of the same filters list."""
    if not len(split.groups):
        return set()
    names, group = np.unique(split.groups, return_inverse=True)
    seen = visible_cells([group, *split.axes], split.persons, k, rows=True)
    for at in split.chosen:
        # Each choice takes the next axis away.
        seen = seen[:, at] if 0 <= at < seen.shape[1] else seen[:, 0] & False
    return set(names[seen].tolist())


def visible_cells(axes: Sequence[np.ndarray], persons: np.ndarray, k: int, rows: bool = False) -> np.ndarray:
    """Which combinations of codes (0, 1, …) on some axes may be shown beside each other and beside every sum of theirs.

    With `rows`, the first axis are rows of a table, of which nobody sees whether they are hidden or nobody is behind them.
    """
    sizes = [int(axis.max()) + 1 for axis in axes]
    alone = [_marked(visible_groups(axis, persons, k), size) for axis, size in zip(axes, sizes, strict=True)]
    if len(axes) == 1:
        return alone[0]
    # What no axis shows alone is one value of it, code 0: only together can these be had.
    codes = [np.where(seen, np.cumsum(seen), 0) for seen in alone]
    if math.prod(int(code.max()) + 1 for code in codes) > MOST_CELLS:
        return np.zeros(sizes, dtype=bool)
    lumped = [code[axis] for axis, code in zip(axes, codes, strict=True)]
    hidden: dict[tuple[int, ...], np.ndarray] = {}
    for some in _sides(len(axes)):
        counts = counts_of_cells([lumped[i] for i in some], persons)
        lumps, inside = np.zeros(counts.shape, dtype=bool), np.zeros(counts.shape, dtype=bool)
        for place, i in enumerate(some):
            lumps[(slice(None),) * place + (0,)] = True
            # A sum that fewer axes hide stays hidden in all of its parts, or they would add up.
            inside |= np.expand_dims(hidden[fewer], place) if len(fewer := tuple(j for j in some if j != i)) > 1 else False
        hidden[some] = lumps if len(some) == 1 else _with_boxes(counts, lumps | inside, inside, k, rows and some[0] == 0)
    return ~hidden[tuple(range(len(axes)))][np.ix_(*codes)]


def _marked(chosen: Iterable[int], size: int) -> np.ndarray:
    marks = np.zeros(size, dtype=bool)
    marks[list(chosen)] = True
    return marks


def _with_boxes(counts: np.ndarray, hidden: np.ndarray, inside: np.ndarray, k: int, rows: bool) -> np.ndarray:
    """What must be hidden so that no small cell follows from sums: with it all corners of a box, those that cost the fewest people.

    People moved around the corners of a box, by turns more and fewer, change no sum along any axis: no sum can tell the corner. What lies
    `inside` of a hidden sum needs no box if there is none.
    """
    small = (counts > 0) & (counts < k)
    hidden = hidden | small
    if int(small.sum()) * 2**counts.ndim > MOST_CORNERS:
        touched = small.reshape(len(small), -1).max(axis=1)
        hidden[touched if int(touched[1:].sum()) > 1 else slice(None)] = True
        return hidden
    for cell in map(tuple, np.argwhere(small).tolist()):
        far = _far_corner(counts, hidden, cell, k, rows)
        if far is None and not inside[cell]:
            # Without company it would be known, were anything else of it shown.
            hidden[cell[0] if rows else slice(None)] = True
        if far is not None:
            hidden[np.ix_(*([at, to] for at, to in zip(cell, far, strict=True)))] = True
    return hidden


def _far_corner(counts: np.ndarray, hidden: np.ndarray, cell: tuple[int, ...], k: int, rows: bool) -> tuple[int, ...] | None:
    """The corner opposite of a cell in the box that hides the fewest more people, best with k of them in every corner; None if there is none.

    Where nobody sees that a corner is empty, it is enough that either every second corner has people or all the others.
    """
    if cell[0]:
        # What is hidden anyway costs nothing and need not be searched for.
        near = _far_corner(counts[[0, cell[0]]], hidden[[0, cell[0]]], (1, *cell[1:]), k, rows) if counts.shape[0] > 2 else None
        if near is not None:
            return near
    cost, most = np.zeros(counts.shape), np.iinfo(np.int64).max
    even, odd = np.full(counts.shape, most), np.full(counts.shape, most)
    for sides in _sides(counts.ndim):
        corner = tuple(slice(None) if i in sides else slice(at, at + 1) for i, at in enumerate(cell))
        cost = cost + np.where(hidden[corner], 0, counts[corner])
        side = odd if len(sides) % 2 else even
        np.minimum(side, counts[corner], out=side)
    for i, at in enumerate(cell):
        even[(slice(None),) * i + (at,)] = odd[(slice(None),) * i + (at,)] = 0
    least = np.minimum(even, odd)
    for possible in (least >= k, least >= 1, (np.maximum(even, odd) >= 1) & rows):
        if possible.any():
            place = int(np.where(possible, cost, np.inf).argmin())
            return tuple(int(at) for at in np.unravel_index(place, counts.shape))
    return None


@lru_cache
def _sides(axes: int) -> list[tuple[int, ...]]:
    return [sides for size in range(1, axes + 1) for sides in combinations(range(axes), size)]


def counts_of_cells(axes: Sequence[np.ndarray], persons: np.ndarray) -> np.ndarray:
    """How many different persons stand behind each combination of codes."""
    shape = tuple(int(axis.max()) + 1 for axis in axes)
    counts = np.zeros(int(np.prod(shape)), dtype=np.int64)
    found = persons_by_group(np.ravel_multi_index([axis.astype(np.int64) for axis in axes], shape), persons)
    counts[list(found)] = list(found.values())
    return counts.reshape(shape)


@dataclass(frozen=True)
class Label:
    """What a cluster is called: a query in full only if enough people asked exactly that, else its frequent words."""

    text: str
    verbatim: bool


def label(asked: Iterable[tuple[str, int]], k: int, words: int = 4) -> Label | None:
    """The label of a cluster from (normalised query, person) pairs; None if not even a word was used by enough people."""
    by_query: dict[str, set[int]] = defaultdict(set)
    by_word: dict[str, set[int]] = defaultdict(set)
    for query, person in asked:
        by_query[query].add(person)
        for word in query.split():
            by_word[word].add(person)
    enough = [(len(persons), query) for query, persons in by_query.items() if len(persons) >= k]
    if enough:
        return Label(max(enough, key=lambda pair: (pair[0], -len(pair[1]), pair[1]))[1], True)
    common = sorted(((len(persons), word) for word, persons in by_word.items() if len(persons) >= k), key=lambda pair: (-pair[0], pair[1]))
    return Label(" ".join(word for _, word in common[:words]), False) if common else None
