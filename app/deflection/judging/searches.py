"""Keystrokes and reloads → searches: what one person meant as one (rule 2.5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.deflection.grouping.wording import continues, is_enough_text, normalise, trigrams
from app.deflection.judging.rulebook import Rulebook
from app.deflection.judging.sessions import Session
from app.deflection.recording.events import Click, Search, View

Opened = Mapping[str, int]
"""The first moment at which a result of a search id was clicked or viewed."""


@dataclass(slots=True, eq=False)
class Searched:
    """One search: the last query of a burst, with every id that was folded into it."""

    search_id: str
    t: int
    q: str
    norm: str
    session: Session
    tab: str | None
    surface: str
    lang: str
    n_results: int
    results: tuple[str, ...]
    answer_shown: bool
    members: list[str]
    clicked: bool
    mode: str
    revision: str | None = None
    last_repeat: int = 0
    grams: frozenset[str] = field(default_factory=frozenset)


@dataclass(slots=True, eq=False)
class _Burst:
    members: list[Search]
    norm: str
    t: int
    opened_at: int | None

    @property
    def last(self) -> Search:
        return self.members[-1]


def opened_of(sessions: Sequence[Session]) -> dict[str, int]:
    """When a result of each search id was first clicked or viewed in these sessions."""
    opened: dict[str, int] = {}
    for session in sessions:
        for t, event in session.events:
            if isinstance(event, Click | View) and event.search_id and t < opened.get(event.search_id, t + 1):
                opened[event.search_id] = t
    return opened


def first_told(sessions: Sequence[Session]) -> dict[str, str]:
    """Search id → the event that told of it first, by corrected time; the same id told again is not another search."""
    first: dict[str, tuple[int, str]] = {}
    for session in sessions:
        for t, event in session.events:
            if isinstance(event, Search):
                known = first.get(event.search_id)
                if known is None or (t, event.event_id) < known:
                    first[event.search_id] = (t, event.event_id)
    return {search_id: event_id for search_id, (_, event_id) in first.items()}


def searches_of(session: Session, opened: Opened, rules: Rulebook, first: Mapping[str, str]) -> list[Searched]:
    """The searches of one session in the order of their last event; `first` names the event that counts for each search id."""
    committed = [burst for burst in _bursts(session, opened, rules, first) if _counts(burst, opened)]
    return _fold_repeats(committed, session, opened, rules)


def _bursts(session: Session, opened: Opened, rules: Rulebook, first: Mapping[str, str]) -> list[_Burst]:
    bursts: list[_Burst] = []
    current: dict[tuple[str, str], _Burst] = {}
    for t, event in session.events:
        if not isinstance(event, Search) or first[event.search_id] != event.event_id:
            continue
        norm = normalise(event.q)
        place = (event.tab or "", event.surface)
        burst = current.get(place)
        if burst is not None and _joins(burst, t, norm, rules):
            burst.members.append(event)
            burst.t, burst.norm = t, norm
        else:
            burst = current[place] = _Burst([event], norm, t, None)
            bursts.append(burst)
        at = opened.get(event.search_id)
        if at is not None and (burst.opened_at is None or at < burst.opened_at):
            burst.opened_at = at
    return sorted(bursts, key=lambda b: (b.t, b.last.event_id))


def _joins(burst: _Burst, t: int, norm: str, rules: Rulebook) -> bool:
    return (
        burst.last.mode == "type"
        and not (burst.opened_at is not None and burst.opened_at <= t)
        and t - burst.t <= rules.burst_pause_ms
        and continues(burst.norm, norm)
    )


def _counts(burst: _Burst, opened: Opened) -> bool:
    if not burst.norm:
        return False
    return burst.last.mode != "type" or any(m.search_id in opened for m in burst.members) or is_enough_text(burst.norm)


def _fold_repeats(bursts: Sequence[_Burst], session: Session, opened: Opened, rules: Rulebook) -> list[Searched]:
    searches: list[Searched] = []
    by_words: dict[str, Searched] = {}
    for burst in bursts:
        earlier = by_words.get(burst.norm)
        if earlier is not None and burst.t - earlier.last_repeat <= rules.repeat_ms:
            _take_over(earlier, burst, opened)
        else:
            by_words[burst.norm] = searched = _searched(burst, session, opened)
            searches.append(searched)
    return searches


def _take_over(search: Searched, burst: _Burst, opened: Opened) -> None:
    last = burst.last
    search.n_results, search.results, search.answer_shown = last.n_results, last.results, last.answer_shown
    search.members += [m.search_id for m in burst.members]
    search.clicked = search.clicked or any(m.search_id in opened for m in burst.members)
    search.last_repeat = burst.t


def _searched(burst: _Burst, session: Session, opened: Opened) -> Searched:
    last = burst.last
    return Searched(
        search_id=last.search_id,
        t=burst.t,
        q=last.q,
        norm=burst.norm,
        session=session,
        tab=last.tab,
        surface=last.surface,
        lang=last.lang or "",
        n_results=last.n_results,
        results=last.results,
        answer_shown=last.answer_shown,
        members=[m.search_id for m in burst.members],
        clicked=any(m.search_id in opened for m in burst.members),
        mode=last.mode,
        revision=last.revision,
        last_repeat=burst.t,
        grams=trigrams(burst.norm),
    )


def by_person(sessions: Sequence[Session]) -> dict[str, list[Session]]:
    """Sessions under the person of each, in the order of their start."""
    grouped: dict[str, list[Session]] = defaultdict(list)
    for session in sessions:
        grouped[session.person].append(session)
    return grouped
