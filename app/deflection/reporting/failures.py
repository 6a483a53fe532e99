"""Questions that fail most, by cluster, with the kind of gap and the next step; and tickets that nobody searched for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.deflection.inference.statistics import FEWEST_FOR_A_RATE, Interval, Shrunk, shrink_all
from app.deflection.reporting import facts
from app.deflection.reporting.avoided import Gap
from app.deflection.reporting.facts import DAY_MS, Contacts, Frame
from app.deflection.reporting.next_steps import Listed, NextStep, next_step, nothing_listed, with_articles
from app.deflection.reporting.thresholds import Split, visible_groups

PRIOR_WEIGHT = 20
SPARK_POINTS = 13
OTHERS = -1
"""The row into which everything goes that too few people asked."""


@dataclass(frozen=True)
class ClusterName:
    """What a cluster is called, and the languages it is asked in."""

    text: str
    verbatim: bool
    locale: str = ""


@dataclass(frozen=True)
class FailureRow:
    """One cluster of questions; `kind` names what is missing: write, title, structure, content, synonym, translate."""

    cluster: int
    name: ClusterName | None
    needs: int
    failed: int
    escalated: Shrunk | None
    kind: str
    article: str
    """The article that the next step is about: of the questions that failed in this way, what they read last or were offered most often."""
    spark: tuple[int, ...]
    gap: float | None
    gap_interval: Interval | None


def failure_rows(
    needs: Frame,
    gaps: Sequence[Gap],
    names: Mapping[int, ClusterName],
    k: int,
    split: Split | None = None,
    translated: Mapping[str, frozenset[str]] | None = None,
    listed: Listed = nothing_listed,
) -> list[FailureRow]:
    """Every cluster that may be shown, most to gain first, and one row for the rest.

    `translated` says in which locales each article exists; a question that is answered in another language needs a translation.
    `listed` is asked once, for the results that were shown to questions of the rows that may be seen.
    """
    visible = visible_groups(needs["cluster"], needs["person"], k, split) - {0}
    known = needs.where(needs["link_class"] == 2)
    average = float(known.rules(facts.ESCALATED).mean()) if len(known) else 0.0
    by_gap = {gap.cluster: gap for gap in gaps}
    span = _span(needs)
    groups = [(cluster, own) for cluster, own in needs.groups("cluster") if cluster in visible]
    writing = _escalated([own for _, own in groups], average)
    steps = [next_step(own, _locale_of(names.get(cluster)), translated or {}) for cluster, own in groups]
    articles = with_articles(steps, listed)
    rows = [
        _row(cluster, own, span, names.get(cluster), by_gap.get(cluster), escalated, replace(step, article=article))
        for (cluster, own), escalated, step, article in zip(groups, writing, steps, articles, strict=True)
    ]
    rows = [row for row in rows if row.failed]
    rows.sort(key=lambda row: (-(row.gap or 0.0), -row.failed, row.cluster))
    rest = needs.where(~np.isin(needs["cluster"], list(visible)))
    if len(rest):
        rows.append(_others(rest, span))
    return rows


def _locale_of(name: ClusterName | None) -> str:
    return name.locale if name else ""


def _escalated(groups: Sequence[Frame], average: float) -> list[Shrunk | None]:
    """How many of the signed-in people write about each question; None where fewer than twenty of their questions would have to tell."""
    known = [own.where(own["link_class"] == 2) for own in groups]
    counts = [int(people.rules(facts.ESCALATED).sum()) for people in known]
    shrunk = shrink_all(counts, [len(people) for people in known], [average] * len(groups), PRIOR_WEIGHT)
    return [value if value.base >= FEWEST_FOR_A_RATE else None for value in shrunk]


def _row(
    cluster: int,
    own: Frame,
    span: tuple[int, int],
    name: ClusterName | None,
    gap: Gap | None,
    escalated: Shrunk | None,
    step: NextStep,
) -> FailureRow:
    failed = own.rules(*facts.FAILED)
    return FailureRow(
        cluster,
        name,
        len(own),
        int(failed.sum()),
        escalated,
        step.kind,
        step.article,
        spark_of(own["first"][failed], span),
        gap.score if gap else None,
        gap.interval if gap else None,
    )


def _others(rest: Frame, span: tuple[int, int]) -> FailureRow:
    failed = rest.rules(*facts.FAILED)
    return FailureRow(OTHERS, None, len(rest), int(failed.sum()), None, "", "", spark_of(rest["first"][failed], span), None, None)


def _span(needs: Frame) -> tuple[int, int]:
    """The first and last moment of the days in which the needs began."""
    if not len(needs):
        return 0, DAY_MS
    return int(needs["first"].min()) // DAY_MS * DAY_MS, (int(needs["first"].max()) // DAY_MS + 1) * DAY_MS


def spark_of(times: np.ndarray, span: tuple[int, int]) -> tuple[int, ...]:
    """Counts over a span, in thirteen equal parts."""
    return tuple(np.histogram(times, SPARK_POINTS, span)[0].tolist())


@dataclass(frozen=True)
class UnsearchedRow:
    """Requests on one subject from people who had not searched."""

    cluster: int
    name: ClusterName | None
    tickets: int
    channels: tuple[tuple[str, int], ...]


def unsearched_rows(contacts: Contacts, names: Mapping[int, ClusterName], k: int, split: Split | None = None) -> list[UnsearchedRow]:
    """Requests without a search before them, by subject; subjects of too few people together."""
    visible = visible_groups(contacts["group"], contacts["person"], k, split) & names.keys()
    groups = {group: own for group, own in contacts.groups("group") if group in visible}
    rows = [_unsearched(group, names[group], own) for group, own in groups.items()]
    rows.sort(key=lambda row: (-row.tickets, row.cluster))
    rest = contacts.where(~np.isin(contacts["group"], list(groups)))
    if len(rest):
        rows.append(_unsearched(OTHERS, None, rest))
    return rows


def _unsearched(group: int, name: ClusterName | None, contacts: Contacts) -> UnsearchedRow:
    channels = Counter(contacts["channel"].tolist()).most_common()
    return UnsearchedRow(group, name, len(contacts), tuple((contacts.names["channel"][code], n) for code, n in channels))
