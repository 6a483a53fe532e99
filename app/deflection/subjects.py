"""Requests that nobody searched for, grouped by their subject: what search-only gap reports can never show."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import count

from app.deflection.cluster_text import stems
from app.deflection.clusters import Bag, cluster
from app.deflection.facts import TicketFact
from app.deflection.failures import ClusterName
from app.deflection.thresholds import label
from app.deflection.wording import normalise

_SCRIPTS = ((re.compile("[\u0590-\u05ff]"), "he"), (re.compile("[\u0400-\u04ff]"), "ru"), (re.compile("[åäö]", re.I), "sv"))


MOST_COMPARED = 800
"""Wordings compared with each other for a language, the commonest first; a rarer one forms a group with its equals only.

Comparing all of ten thousand different subjects would take seconds, and a group is shown only if several people wrote it.
"""


def language_of_text(text: str) -> str:
    """A rough guess by letters, enough to choose a stemmer; English when nothing speaks against it."""
    if text.isascii():
        return "en"
    return next((language for pattern, language in _SCRIPTS if pattern.search(text)), "en")


def grouped(tickets: Sequence[TicketFact]) -> list[TicketFact]:
    """The tickets with the group of their subject."""
    bags: dict[str, Counter[Bag]] = defaultdict(Counter)
    keys = [(ticket.locale, stems(ticket.subject, ticket.locale)) for ticket in tickets]
    for language, bag in keys:
        if bag:
            bags[language][bag] += 1
    ids = count(1)
    found = {language: _groups(counts, lambda: next(ids)) for language, counts in sorted(bags.items())}
    return [ticket._replace(cluster=found.get(language, {}).get(bag, 0)) for ticket, (language, bag) in zip(tickets, keys, strict=True)]


def _groups(counts: Counter[Bag], next_id: Callable[[], int]) -> dict[Bag, int]:
    order = sorted(counts, key=lambda bag: (-counts[bag], bag))
    known = dict(cluster({bag: counts[bag] for bag in order[:MOST_COMPARED]}, next_id).known)
    return known | {bag: next_id() for bag in order[MOST_COMPARED:]}


def names_of_groups(tickets: Sequence[TicketFact], k: int) -> dict[int, ClusterName]:
    """What the groups of these tickets may be called, for those that enough people wrote about."""
    asked: dict[int, list[TicketFact]] = defaultdict(list)
    for ticket in tickets:
        if ticket.cluster:
            asked[ticket.cluster].append(ticket)
    names = {}
    for id, own in asked.items():
        found = label(((normalise(t.subject), t.person) for t in own), k)
        if found:
            names[id] = ClusterName(found.text, found.verbatim, own[0].locale)
    return names
