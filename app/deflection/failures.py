"""Questions that fail most, by cluster, with the kind of gap and the next step; and tickets that nobody searched for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.deflection import facts
from app.deflection.avoided import Gap
from app.deflection.facts import DAY_MS, Frame, TicketFact, gap_kind
from app.deflection.statistics import Interval, Shrunk, shrink
from app.deflection.thresholds import visible_groups, visible_rows

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
    unseen: Sequence[Frame] = (),
    translated: Mapping[str, frozenset[str]] | None = None,
) -> list[FailureRow]:
    """Every cluster that may be shown, most to gain first, and one row for the rest.

    `translated` says in which locales each article exists; a question that is answered in another language needs a translation.
    """
    outside = [(rest["cluster"], rest["person"]) for rest in unseen]
    visible = visible_groups(needs["cluster"], needs["person"], k, outside) - {0}
    known = needs.where(needs["link_class"] == 2)
    average = float(known.rules(facts.ESCALATED).mean()) if len(known) else 0.0
    by_gap = {gap.cluster: gap for gap in gaps}
    rows = []
    order = np.argsort(needs["cluster"], kind="stable")
    sorted_clusters = needs["cluster"][order]
    for cluster in visible:
        low, high = np.searchsorted(sorted_clusters, [cluster, cluster + 1])
        own = needs.where(order[low:high])
        rows.append(_row(cluster, own, needs, names.get(cluster), by_gap.get(cluster), average, translated or {}))
    rows = [row for row in rows if row.failed]
    rows.sort(key=lambda row: (-(row.gap or 0.0), -row.failed, row.cluster))
    rest = needs.where(~np.isin(needs["cluster"], list(visible)))
    if len(rest):
        rows.append(_others(rest, needs))
    return rows


def _row(
    cluster: int,
    own: Frame,
    every: Frame,
    name: ClusterName | None,
    gap: Gap | None,
    average: float,
    translated: Mapping[str, frozenset[str]],
) -> FailureRow:
    failed = own.rules(*facts.FAILED)
    known = own.where(own["link_class"] == 2)
    kind, article = _next_step(own, name, translated)
    return FailureRow(
        cluster,
        name,
        len(own),
        int(failed.sum()),
        shrink(int(known.rules(facts.ESCALATED).sum()), len(known), average, PRIOR_WEIGHT) if len(own) >= 20 else None,
        kind,
        article,
        spark_of(own["first"][failed], every),
        gap.score if gap else None,
        gap.interval if gap else None,
    )


def _next_step(own: Frame, name: ClusterName | None, translated: Mapping[str, frozenset[str]]) -> tuple[str, str]:
    kinds = Counter(kind for kind in gap_kind(own).tolist() if kind)
    kind = max(kinds, key=lambda key: (kinds[key], key)) if kinds else facts.NOTHING_FOUND
    article = _commonest(own, "article") or _commonest(own, "top")
    locales = translated.get(article)
    if name and name.locale and locales is not None and name.locale not in locales and kind != facts.NOTHING_FOUND:
        kind = facts.TRANSLATE
    return kind, "" if kind == facts.NOTHING_FOUND else article


def _commonest(own: Frame, column: str) -> str:
    codes = own[column][own[column] != own.code(column, "")]
    return own.names[column][int(np.bincount(codes).argmax())] if len(codes) else ""


def _others(rest: Frame, every: Frame) -> FailureRow:
    failed = rest.rules(*facts.FAILED)
    return FailureRow(OTHERS, None, len(rest), int(failed.sum()), None, "", "", spark_of(rest["first"][failed], every), None, None)


def spark_of(times: np.ndarray, every: Frame) -> tuple[int, ...]:
    """Counts over the period of all needs, in thirteen equal parts."""
    if not len(every):
        return ()
    low, high = int(every["first"].min()) // DAY_MS, int(every["first"].max()) // DAY_MS + 1
    edges = np.linspace(low * DAY_MS, high * DAY_MS, SPARK_POINTS + 1)
    return tuple(int(n) for n in np.histogram(times, edges)[0])


@dataclass(frozen=True)
class UnsearchedRow:
    """Requests on one subject from people who had not searched."""

    cluster: int
    name: ClusterName | None
    tickets: int
    channels: tuple[tuple[str, int], ...]


def unsearched_rows(tickets: Sequence[TicketFact], names: Mapping[int, ClusterName], k: int) -> list[UnsearchedRow]:
    """Requests without a search before them, by subject; subjects of too few people together."""
    groups: dict[int, list[TicketFact]] = {}
    for ticket in tickets:
        if not ticket.searched:
            groups.setdefault(ticket.cluster, []).append(ticket)
    keys = sorted(groups)
    shown = visible_rows([frozenset(t.person for t in groups[key]) for key in keys], k)
    rows = [_unsearched(key, names.get(key), groups[key]) for key, show in zip(keys, shown, strict=True) if show and key in names]
    rows.sort(key=lambda row: (-row.tickets, row.cluster))
    rest = [t for key in keys if key not in {row.cluster for row in rows} for t in groups[key]]
    if rest:
        rows.append(_unsearched(OTHERS, None, rest))
    return rows


def _unsearched(cluster: int, name: ClusterName | None, tickets: Sequence[TicketFact]) -> UnsearchedRow:
    channels = Counter(t.channel for t in tickets)
    return UnsearchedRow(cluster, name, len(tickets), tuple(channels.most_common()))
