"""Who may be seen in a table: the one place that hides rows with too few people, for page, CSV, JSON, mail and API alike.

Three rules. A group with fewer than k persons is put together with others. If those together are still fewer than k, the smallest
shown group goes with them, so that a total minus the shown rows reveals nobody. And under a filter, a group is also hidden when
the people whom the filter leaves out of it, all of them or those of one other value, are fewer than k, so that views cannot be
subtracted from each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from app.deflection.facts import Frame
from app.deflection.statistics import dense

MOST_MARKED = 50_000_000
"""Pairs of group and person that are marked in memory, one byte each."""


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


def visible_groups(groups: np.ndarray, persons: np.ndarray, k: int, unseen: Sequence[tuple[np.ndarray, np.ndarray]] = ()) -> set[int]:
    """The groups that may have a row of their own; all others belong into one row together.

    `unseen` holds (groups, persons) of the needs that each active filter leaves out, as a whole and by value.
    """
    counts = persons_by_group(groups, persons)
    hidden = {group for group, n in counts.items() if n < k}
    for other_groups, other_persons in unseen:
        outside = persons_by_group(other_groups, other_persons)
        hidden |= {group for group in counts if 0 < outside.get(group, 0) < k}
    by_size = sorted((group for group in counts if group not in hidden), key=lambda group: (counts[group], group))
    while hidden and by_size and _together(groups, persons, hidden) < k:
        hidden.add(by_size.pop(0))
    return set(counts) - hidden


def _together(groups: np.ndarray, persons: np.ndarray, chosen: Iterable[int]) -> int:
    return len(np.unique(persons[np.isin(groups, list(chosen))]))


def may_show_filtered(filtered: Frame, left_out: Sequence[Frame], k: int) -> bool:
    """Whether a filtered report may be shown at all: enough people in it, and enough (or none) in what each filter leaves out."""
    return filtered.persons >= k and all(len(rest) == 0 or rest.persons >= k for rest in left_out)


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
