"""Tabs and forms that too many browsers claim: their ids are made by the browsers themselves, and a copied one says nothing about anybody.

A tab joins what was done in it before and after a cookie came; a form joins its opening and the ticket that names it. Where tabs and
forms tie more than `MOST_TIED` names together, directly or in a chain, no person is behind that, and each of these names is judged by
itself: the tab and the form of one are not those of another. So nobody can make all of us wait by sending thousands of cookies
with one tab.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

from app.deflection.judging.disjoint_sets import DisjointSets
from app.deflection.recording.events import Event

MOST_TIED = 50
"""A browser that lost its cookie in every tab that was open, and again, ties some; nobody ties fifty."""
_TIES = "tf"
_OF = "\x1f"

Ties = Mapping[str, Set[str]]
"""Tab or form → the names that events with it stand under."""


def is_tie(name: str) -> bool:
    """Whether a name is that of a tab or a form: what a browser may call as it likes."""
    return name[0] in _TIES


@dataclass(frozen=True)
class Crowds:
    """Tabs and forms that tie too many together, and all whom they tie."""

    names: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()


def crowds_among(ties: Ties, known: Collection[str] = ()) -> Crowds:
    """The crowds of some ties; whoever touches one of the `known` belongs to it, and so do all tabs and forms of theirs."""
    if not known and all(len(actors) < 2 for actors in ties.values()):
        return Crowds()
    sets = DisjointSets()
    for name, actors in ties.items():
        for actor in actors:
            sets.join(actor, name)
    members: dict[str, set[str]] = defaultdict(set)
    for actors in ties.values():
        for actor in actors:
            members[sets.root(actor)].add(actor)
    large = {place for place, own in members.items() if len(own) > MOST_TIED} | {sets.root(name) for name in known if name in ties}
    names = frozenset(name for name in ties if sets.root(name) in large)
    return Crowds(names, frozenset(actor for place in large for actor in members[place]))


def ties_of(edges: Iterable[tuple[str, str]]) -> Ties:
    """The ties among pairs (the name that an event stands under, another name in it)."""
    ties: dict[str, set[str]] = defaultdict(set)
    for actor, name in edges:
        if is_tie(name):
            ties[name].add(actor)
    return ties


def kept_apart(event: Event, actor: str, crowds: Collection[str]) -> Event:
    """The event with tab and form as its own, where they are a crowd's."""
    changes: dict[str, Any] = {}
    if event.tab and event.visitor and f"t:{event.tab}" in crowds:
        changes["tab"] = f"{event.tab}{_OF}{event.visitor}"
    form = getattr(event, "form_id", None)
    if form and f"f:{form}" in crowds:
        changes["form_id"] = f"{form}{_OF}{actor}"
    return replace(event, **changes) if changes else event


def as_told(name: str) -> str:
    """The id of a tab or a form as the event had it."""
    return name.partition(_OF)[0]
