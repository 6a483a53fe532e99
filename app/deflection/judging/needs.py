"""Searches, views, forms and votes of one person → needs: one question of one person each (rule 2.6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.deflection.grouping.wording import dice
from app.deflection.judging.crowds import as_told
from app.deflection.judging.rulebook import Rulebook
from app.deflection.judging.searches import Searched
from app.deflection.judging.sessions import Session
from app.deflection.recording.events import Dwell, Event, FormOpen, Suggest, View, Vote

SEARCH, BROWSE, FORM = "search", "browse", "form"
_ORDER_BEAT, _ORDER_SEARCH, _ORDER_FORM, _ORDER_VIEW, _ORDER_VOTE = range(-1, 4)

CROWD = 500
"""Searches in one excluded session above which words are no longer compared: a crawler must not cost us hours."""


@dataclass(slots=True, eq=False)
class Viewed:
    """An article opened, with the reading that was measured."""

    view_id: str
    t: int
    event: View
    session: Session
    active_ms: int
    required_ms: int

    @property
    def article(self) -> str:
        return self.event.article

    @property
    def satisfied(self) -> bool:
        return self.active_ms >= self.required_ms


@dataclass(slots=True, eq=False)
class Form:
    """A contact form opened; `sent` as soon as any ticket names it."""

    form_id: str
    t: int
    session: Session
    sent: bool = False
    arm: str = ""
    shown: bool = False
    articles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signal:
    """What the person said about a thing: `value` 1 or −1; `article` only for a vote on a view."""

    t: int
    event_id: str
    kind: str
    value: int
    thing: str
    article: str | None


@dataclass(slots=True, eq=False)
class Need:
    """One question of one person, still growing while the person's items are walked."""

    id: str
    kind: str
    person: str
    first: int
    last: int
    sessions: list[Session]
    searches: list[Searched] = field(default_factory=list)
    views: list[Viewed] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    votes: dict[tuple[str, str], Signal] = field(default_factory=dict)
    _said: Signal | None = None

    @property
    def link_class(self) -> int:
        return max(session.link_class for session in self.sessions)

    @property
    def excluded(self) -> str:
        return next((session.excluded for session in self.sessions if session.excluded), "")

    @property
    def recency(self) -> tuple[int, int, str]:
        return (self.last, self.first, self.id)

    @property
    def has_read(self) -> bool:
        return any(view.satisfied for view in self.views)

    @property
    def signal(self) -> Signal | None:
        """The explicit signal: of what was not withdrawn the latest, where `solved` outranks `helpful`."""
        return self._said

    @property
    def is_confirmed(self) -> bool:
        return self._said is not None and self._said.value > 0

    def touch(self, t: int, session: Session) -> None:
        self.first, self.last = min(self.first, t), max(self.last, t)
        if session not in self.sessions:
            self.sessions.append(session)

    def vote(self, signal: Signal) -> None:
        """Only the latest vote on each (kind, thing) stays."""
        key = (signal.kind, signal.thing)
        known = self.votes.get(key)
        if known is None or (known.t, known.event_id) <= (signal.t, signal.event_id):
            self.votes[key] = signal
        left = [vote for vote in self.votes.values() if vote.value]
        left = [vote for vote in left if vote.kind == "solved"] or left
        self._said = max(left, key=lambda vote: (vote.t, vote.event_id), default=None)

    def is_similar(self, search: Searched, rules: Rulebook) -> bool:
        return any(dice(search.grams, other.grams) >= rules.similar for other in self.searches)


Beat = tuple[int, str, int, str | None]
"""A dwell report: its time, its event id, the active time so far, and the browser that sent it."""

Reading = Mapping[tuple[str, str], Sequence[Beat]]
"""The reports on a view by a person, and by a tab: a page that got its cookie half-way reports under two names."""


def reading_of(sessions: Iterable[Session]) -> Reading:
    """All dwell reports; somebody else's report on a view they never opened counts for nobody, neither as reading nor as activity."""
    beats: dict[tuple[str, str], list[Beat]] = defaultdict(list)
    for session in sessions:
        for t, event in session.events:
            if isinstance(event, Dwell):
                beat = (t, event.event_id, event.active_ms, event.visitor)
                beats[event.view_id, session.person].append(beat)
                if event.tab:
                    beats[event.view_id, f"t:{event.tab}"].append(beat)
    return beats


def needs_of(
    person: str, sessions: Sequence[Session], searches: Sequence[Searched], reading: Reading, sent: set[str], rules: Rulebook
) -> list[Need]:
    """The needs of one person, in the order in which they began; `sent` holds the form ids that any ticket names."""
    return _Walk(person, sessions, searches, reading, sent, rules).run()


class _Walk:
    """One pass over a person's items in the order of time; every rule of 2.6 is one method."""

    def __init__(
        self, person: str, sessions: Sequence[Session], searches: Sequence[Searched], reading: Reading, sent: set[str], rules: Rulebook
    ) -> None:
        self.person, self.rules, self.sent, self.reading = person, rules, sent, reading
        self.beats: dict[str, set[Beat]] = {}
        self.form_ids: set[str] = set()
        self.suggested: dict[str, Suggest] = {}
        self.needs: list[Need] = []
        self.open: dict[Need, None] = {}
        self.of_session: dict[Session, dict[Need, None]] = defaultdict(dict)
        self.listing: dict[tuple[Session, str], dict[Need, None]] = defaultdict(dict)
        self.of_search: dict[str, Need] = {}
        self.of_form: dict[str, Need] = {}
        self.of_view: dict[str, tuple[Need, Viewed]] = {}
        self.of_tab: dict[str, Need] = {}
        self.crowded = _crowded(searches)
        self.search_of = {member: search for search in searches for member in search.members}
        self.waiting: dict[str, list[Viewed]] = defaultdict(list)
        self.items = self._items(sessions, searches)

    def _items(self, sessions: Sequence[Session], searches: Sequence[Searched]) -> list[tuple]:
        items: list[tuple] = [(s.t, _ORDER_SEARCH, s.search_id, s, s.session) for s in searches]
        for t, event, session in _in_time(sessions):
            if isinstance(event, View) and event.view_id not in self.beats:
                items.append((t, _ORDER_VIEW, event.view_id, event, session))
                self.beats[event.view_id] = beats = self._beats_on(event)
                # Before the items of the same moment: reading up to now is activity when the next act is judged.
                items += [(at, _ORDER_BEAT, ident, event.view_id, session) for at, ident, _, _ in beats]
            elif isinstance(event, FormOpen) and event.form_id not in self.form_ids:
                self.form_ids.add(event.form_id)
                items.append((t, _ORDER_FORM, as_told(event.form_id), event, session))
            elif isinstance(event, Vote):
                items.append((t, _ORDER_VOTE, event.event_id, event, session))
            elif isinstance(event, Suggest):
                self.suggested.setdefault(event.form_id, event)
        items.sort(key=lambda item: item[:3])
        return items

    def _beats_on(self, view: View) -> set[Beat]:
        beats = set(self.reading.get((view.view_id, self.person), ()))
        # Another cookie is another browser, whatever tab it claims to be; a cookie that came or went half-way is not.
        beats.update(
            beat for beat in self.reading.get((view.view_id, f"t:{view.tab}"), ()) if not view.visitor or beat[3] in (None, view.visitor)
        )
        return beats

    def run(self) -> list[Need]:
        late: list[tuple[int, Vote, Session]] = []
        for t, order, _, item, session in self.items:
            if order == _ORDER_SEARCH:
                self._search(item)
            elif order == _ORDER_FORM:
                self._form(t, item, session)
            elif order == _ORDER_VIEW:
                self._view(t, item, session)
            elif order == _ORDER_VOTE:
                if not self._vote(t, item, session):
                    late.append((t, item, session))
            elif item in self.of_view:
                need = self.of_view[item][0]
                need.last = max(need.last, t)
                self.open[need] = None
        for t, vote, session in late:
            self._vote(t, vote, session)
        return self.needs

    def _new(self, kind: str, ident: str, t: int, session: Session) -> Need:
        need = Need(f"{kind[0]}:{ident}", kind, self.person, t, t, [])
        self.needs.append(need)
        return need

    def _give(self, need: Need, t: int, session: Session, tab: str | None) -> None:
        need.touch(t, session)
        self.open[need] = None
        if need not in self.of_session[session]:
            self.of_session[session][need] = None
            for search in need.searches:
                self._list(need, search, session)
        if tab:
            self.of_tab[tab] = need

    def _list(self, need: Need, search: Searched, session: Session) -> None:
        for article in search.results:
            self.listing[session, article][need] = None

    # ------------------------------------------------------------------------------------------------------------ searches

    def _search(self, search: Searched) -> None:
        need = None if search.session in self.crowded else self._need_here(search) or self._need_before(search)
        if need is None:
            need = self._new(SEARCH, search.members[0], search.t, search.session)
        self._give(need, search.t, search.session, search.tab)
        need.searches.append(search)
        for session in need.sessions:
            self._list(need, search, session)
        for member in search.members:
            self.of_search[member] = need
        for member in search.members:
            self._attach_waiting(need, member)

    def _need_here(self, search: Searched) -> Need | None:
        """A need of the same session: similar words, or the newest one asked again within a minute with nothing read."""
        candidates = [need for need in self.of_session[search.session] if need.searches and not need.is_confirmed]
        candidates.sort(key=_recency, reverse=True)
        for i, need in enumerate(candidates):
            if i == 0 and search.t - need.searches[-1].t <= self.rules.synonym_ms and not need.has_read:
                return need
            if need.is_similar(search, self.rules):
                return need
        return None

    def _need_before(self, search: Searched) -> Need | None:
        """A need of an earlier session on the same words that was left open within the last 48 hours."""
        for need in [need for need in self.open if search.t - need.last > self.rules.continue_ms]:
            del self.open[need]  # time only moves on; an act that revives the need puts it back
        here = self.of_session[search.session]
        others = [need for need in self.open if need.searches and need not in here and not need.has_read and not need.is_confirmed]
        others.sort(key=_recency, reverse=True)
        return next((need for need in others if need.is_similar(search, self.rules)), None)

    # --------------------------------------------------------------------------------------------------------------- views

    def _view(self, t: int, event: View, session: Session) -> None:
        required = self.rules.sat_ms if event.sat_ms is None else event.sat_ms
        active = max((active for _, _, active, _ in self.beats[event.view_id]), default=0)
        view = Viewed(event.view_id, t, event, session, active, required)
        if event.search_id and event.search_id in self.search_of:
            known, came_from = self.of_search, event.search_id
        elif event.form_id and event.form_id in self.form_ids:
            known, came_from = self.of_form, event.form_id
        else:
            self._attach(self._need_elsewhere(t, event, session), view)
            return
        if came_from in known:
            self._attach(known[came_from], view)
        else:
            # Its search or form comes later by the corrected clocks; it belongs to it all the same.
            self.waiting[came_from].append(view)

    def _attach_waiting(self, need: Need, came_from: str) -> None:
        for view in self.waiting.pop(came_from, ()):
            self._attach(need, view)

    def _need_elsewhere(self, t: int, event: View, session: Session) -> Need:
        if event.source == "internal" and event.tab and event.tab in self.of_tab:
            return self.of_tab[event.tab]
        listed = max(self.listing.get((session, event.article), ()), key=_recency, default=None)
        return listed or self._new(BROWSE, event.view_id, t, session)

    def _attach(self, need: Need, view: Viewed) -> None:
        need.views.append(view)
        self.of_view[view.view_id] = (need, view)
        self._give(need, view.t, view.session, view.event.tab)
        passed = [t for t, _, _, _ in self.beats[view.view_id] if t <= view.t]
        if passed:
            need.last = max(need.last, *passed)

    # ------------------------------------------------------------------------------------------------------- forms and votes

    def _form(self, t: int, event: FormOpen, session: Session) -> None:
        need = max(self.of_session[session], key=_recency, default=None) or self._new(FORM, as_told(event.form_id), t, session)
        suggest = self.suggested.get(event.form_id)
        need.forms.append(
            Form(
                event.form_id,
                t,
                session,
                sent=event.form_id in self.sent,
                arm=suggest.arm if suggest else "",
                shown=bool(suggest and suggest.shown),
                articles=suggest.articles if suggest else (),
            )
        )
        self.of_form[event.form_id] = need
        self._give(need, t, session, event.tab)
        self._attach_waiting(need, event.form_id)

    def _vote(self, t: int, event: Vote, session: Session) -> bool:
        """Attach a vote to the need of its view, form or search; False if none of them is known (yet)."""
        article = None
        if event.view_id in self.of_view:
            need, view = self.of_view[event.view_id]
            thing, article = f"article:{view.article}", view.article
        elif event.form_id in self.of_form:
            need, thing = self.of_form[event.form_id], f"form:{event.form_id}"
        elif event.search_id in self.of_search:
            need, thing = self.of_search[event.search_id], f"search:{self.search_of[event.search_id].search_id}"
        else:
            return False
        need.vote(Signal(t, event.event_id, event.kind, event.value, thing, article))
        self._give(need, t, session, event.tab)
        return True


def _in_time(sessions: Sequence[Session]) -> list[tuple[int, Event, Session]]:
    """All events of some sessions in the order of time, also where two browsers were used at once."""
    acts = [(t, event, session) for session in sessions for t, event in session.events]
    if len(sessions) > 1:
        acts.sort(key=lambda act: (act[0], act[1].type, act[1].event_id))
    return acts


def _recency(need: Need) -> tuple[int, int, str]:
    return need.recency


def _crowded(searches: Sequence[Searched]) -> set[Session]:
    counts: dict[Session, int] = defaultdict(int)
    for search in searches:
        counts[search.session] += 1
    return {session for session, n in counts.items() if n > CROWD and session.excluded}
