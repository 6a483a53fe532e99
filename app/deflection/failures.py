"""Questions that fail most, by cluster, with the kind of gap and the next step; and tickets that nobody searched for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.deflection import facts
from app.deflection.avoided import Gap
from app.deflection.facts import DAY_MS, GAP_KINDS, Contacts, Frame, gap_kind
from app.deflection.statistics import FEWEST_FOR_A_RATE, Interval, Shrunk, shrink_all
from app.deflection.thresholds import Split, visible_groups

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
    """The article that was read last, or offered first, most often: what to mend."""
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
) -> list[FailureRow]:
    """Every cluster that may be shown, most to gain first, and one row for the rest.

    `translated` says in which locales each article exists; a question that is answered in another language needs a translation.
    """
    visible = visible_groups(needs["cluster"], needs["person"], k, split) - {0}
    known = needs.where(needs["link_class"] == 2)
    average = float(known.rules(facts.ESCALATED).mean()) if len(known) else 0.0
    by_gap = {gap.cluster: gap for gap in gaps}
    span = _span(needs)
    groups = [(cluster, own) for cluster, own in needs.groups("cluster") if cluster in visible]
    writing = _escalated([own for _, own in groups], average)
    rows = [
        _row(cluster, own, span, names.get(cluster), by_gap.get(cluster), escalated, translated or {})
        for (cluster, own), escalated in zip(groups, writing, strict=True)
    ]
    rows = [row for row in rows if row.failed]
    rows.sort(key=lambda row: (-(row.gap or 0.0), -row.failed, row.cluster))
    rest = needs.where(~np.isin(needs["cluster"], list(visible)))
    if len(rest):
        rows.append(_others(rest, span))
    return rows


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
    translated: Mapping[str, frozenset[str]],
) -> FailureRow:
    failed = own.rules(*facts.FAILED)
    kind, article = _next_step(own, name, translated)
    return FailureRow(
        cluster,
        name,
        len(own),
        int(failed.sum()),
        escalated,
        kind,
        article,
        spark_of(own["first"][failed], span),
        gap.score if gap else None,
        gap.interval if gap else None,
    )


def _next_step(own: Frame, name: ClusterName | None, translated: Mapping[str, frozenset[str]]) -> tuple[str, str]:
    kinds = {kind: n for kind, n in zip(GAP_KINDS, np.bincount(gap_kind(own)).tolist(), strict=False) if kind and n}
    kind = max(kinds, key=lambda key: (kinds[key], key)) if kinds else facts.NOTHING_FOUND
    article = _commonest(own, "article")
    locales = translated.get(article)
    if name and name.locale and locales is not None and name.locale not in locales and kind != facts.NOTHING_FOUND:
        kind = facts.TRANSLATE
    return kind, "" if kind == facts.NOTHING_FOUND else article


def _commonest(own: Frame, column: str) -> str:
    codes = own[column][own[column] != own.code(column, "")]
    return own.names[column][int(np.bincount(codes).argmax())] if len(codes) else ""


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
