"""What would help a group of questions that fails, and which article it is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.deflection.reporting import facts
from app.deflection.reporting.facts import GAP_KINDS, Frame, gap_kind

Listed = Callable[[Sequence[Frame]], Sequence[Sequence[Sequence[str]]]]
"""Some needs after some others → for each lot the result lists that its needs saw last, best first."""
NEWEST = 20
"""So many of a group's newest needs are looked at for what they were shown: more of them searched the same words in the same index."""


@dataclass(frozen=True)
class NextStep:
    """`kind` names what is missing; `article` is the one to mend, `unopened` the needs that must be asked for it."""

    kind: str
    article: str = ""
    unopened: Frame | None = None


def nothing_listed(lots: Sequence[Frame]) -> Sequence[Sequence[Sequence[str]]]:
    """Where nobody knows what was shown."""
    return [() for _ in lots]


def next_step(own: Frame, locale: str, translated: Mapping[str, frozenset[str]]) -> NextStep:
    """What helps most of a group's needs that failed or were hard; `locale` is the language they are asked in."""
    kind_of = gap_kind(own)
    kinds = {kind: n for kind, n in zip(GAP_KINDS, np.bincount(kind_of).tolist(), strict=False) if kind and n}
    kind = max(kinds, key=lambda key: (kinds[key], key)) if kinds else facts.NOTHING_FOUND
    if kind == facts.NOTHING_FOUND:
        return NextStep(kind)
    read = commonest(own, "article")
    locales = translated.get(read)
    if locale and locales is not None and locale not in locales:
        return NextStep(facts.TRANSLATE, read)
    these = own.where(kind_of == GAP_KINDS.index(kind))
    if kind == facts.NOT_OPENED:
        # The article that answered others is the one they did not recognise, if it was there to be seen.
        answering = commonest(own.where(own.rules(facts.CONFIRMED, facts.LIKELY)), "article")
        return NextStep(kind, answering or read, these.where(np.argsort(these["first"], kind="stable")[-NEWEST:]))
    return NextStep(kind, commonest(these, "article") or read)


def with_articles(steps: Sequence[NextStep], listed: Listed) -> list[str]:
    """The article of each step; of those that are about something found and not opened, from what was shown."""
    unopened = [step.unopened for step in steps if step.unopened is not None]
    shown = iter(listed(unopened) if unopened else ())
    return [step.article if step.unopened is None else offered(next(shown), step.article) for step in steps]


def offered(lists: Sequence[Sequence[str]], answering: str) -> str:
    """The article whose title did not say that it answers: the one that does if most lists had it, else the one most often on top."""
    lists = [results for results in lists if results]
    if not lists or 2 * sum(answering in results for results in lists) > len(lists):
        return answering
    tops = Counter(results[0] for results in lists)
    return max(tops, key=lambda article: (tops[article], article))


def commonest(needs: Frame, column: str) -> str:
    """The text that a column holds most often; empty if it holds none."""
    codes = needs[column][needs[column] != needs.code(column, "")]
    return needs.names[column][int(np.bincount(codes).argmax())] if len(codes) else ""
