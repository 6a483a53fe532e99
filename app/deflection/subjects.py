"""Requests that nobody searched for, grouped by their subject: what search-only gap reports can never show."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from app.deflection.cluster_text import stems
from app.deflection.clusters import Bag, cluster
from app.deflection.facts import TicketFact
from app.deflection.failures import ClusterName
from app.deflection.thresholds import label
from app.deflection.wording import normalise

_SCRIPTS = ((re.compile("[\u0590-\u05ff]"), "he"), (re.compile("[\u0400-\u04ff]"), "ru"), (re.compile("[åäö]", re.I), "sv"))


def language_of_text(text: str) -> str:
    """A rough guess by letters, enough to choose a stemmer; English when nothing speaks against it."""
    return next((language for pattern, language in _SCRIPTS if pattern.search(text)), "en")


def grouped(tickets: Sequence[TicketFact], k: int) -> tuple[list[TicketFact], dict[int, ClusterName]]:
    """The tickets with the group of their subject, and the names of the groups that may be named."""
    bags: dict[str, Counter[Bag]] = defaultdict(Counter)
    keys = []
    for ticket in tickets:
        language = ticket.locale or language_of_text(ticket.subject)
        bag = stems(ticket.subject, language)
        keys.append((language, bag))
        if bag:
            bags[language][bag] += 1
    ids = count(1)
    found = {language: cluster(counts, lambda: next(ids)).known for language, counts in sorted(bags.items())}
    marked = [
        replace(ticket, cluster=found.get(language, {}).get(bag, 0), locale=language)
        for ticket, (language, bag) in zip(tickets, keys, strict=True)
    ]
    return marked, _names(marked, k)


def _names(tickets: Sequence[TicketFact], k: int) -> dict[int, ClusterName]:
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
