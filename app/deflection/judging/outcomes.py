"""Needs and their tickets → outcomes: the decision table R0…R11, as a pure function of events and thresholds (rules 2.8, 2.9)."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.deflection.judging.contacts import Contact, Link, Linked, contacts_of, link
from app.deflection.judging.crowds import crowds_among, kept_apart, ties_of
from app.deflection.judging.needs import BROWSE, FORM, Need, needs_of, reading_of
from app.deflection.judging.rulebook import Rulebook
from app.deflection.judging.searches import Searched, by_person, first_told, opened_of, searches_of
from app.deflection.judging.sessions import TAB_ONLY, Senders, Session, Timed, is_rush, sessions_of
from app.deflection.recording.clock import corrected_time, ticket_time
from app.deflection.recording.events import Event, TicketEvent, Watermark
from app.deflection.recording.names import actor_of, edges_of

EXCLUDED = "excluded"
ESCALATED = "escalated"
ANSWERED_CONFIRMED = "answered_confirmed"
UNANSWERED_CONFIRMED = "unanswered_confirmed"
ABANDONED_FORM = "abandoned_form"
REFORMULATED = "reformulated"
ANSWERED_LIKELY = "answered_likely"
UNDETERMINED = "undetermined"
ABANDONED_NO_RESULTS = "abandoned_no_results"
ABANDONED_WITH_RESULTS = "abandoned_with_results"
NO_NEED = "no_need"

DEFLECTED = (ANSWERED_CONFIRMED, ANSWERED_LIKELY)
"""The only outcomes that may be called solved without a ticket, and only without `post_ticket`."""

WORST_FIRST = (
    ESCALATED, UNANSWERED_CONFIRMED, ABANDONED_FORM, ABANDONED_NO_RESULTS, ABANDONED_WITH_RESULTS, UNDETERMINED, ANSWERED_LIKELY,
    ANSWERED_CONFIRMED,
)  # fmt: skip

PROVISIONAL, FINAL = "provisional", "final"

PREDICATES = ("X", "T", "V+", "V-", "F", "C", "S", "O", "U", "G", "Z")

Facts = Mapping[str, bool]

RULES: tuple[tuple[str, Callable[[Facts], bool], str], ...] = (
    ("R0", lambda p: p["X"], EXCLUDED),
    ("R1", lambda p: p["T"], ESCALATED),
    ("R2", lambda p: p["V+"], ANSWERED_CONFIRMED),
    ("R3", lambda p: p["V-"], UNANSWERED_CONFIRMED),
    ("R4", lambda p: p["F"], ABANDONED_FORM),
    ("R5", lambda p: p["C"], REFORMULATED),
    ("R6", lambda p: p["S"] and p["O"], ANSWERED_LIKELY),
    ("R7", lambda p: p["S"] and not p["O"], UNDETERMINED),
    ("R8", lambda p: p["U"], UNDETERMINED),
    ("R9", lambda p: p["G"], UNDETERMINED),
    ("R10", lambda p: p["Z"], ABANDONED_NO_RESULTS),
    ("R11", lambda p: True, ABANDONED_WITH_RESULTS),
)


def decide(facts: Facts) -> tuple[str, str]:
    """The rule and outcome for a need's predicates: the first rule that matches."""
    for rule, holds, outcome in RULES:
        if holds(facts):
            return rule, outcome
    raise AssertionError("R11 always holds")


@dataclass(slots=True, eq=False)
class Verdict:
    """A need with what it came to: rule, outcome, the predicates that decided, its links, and when it is final."""

    need: Need
    facts: dict[str, bool]
    rule: str
    outcome: str
    links: list[Link]
    post_ticket: bool
    final_at: int
    last_seek: int
    topical_after: int | None = None
    """Ms from the last activity to the first contact on the topic within 14 days; no part of any rule."""

    def outcome_of_search(self, search: Searched) -> tuple[str, str]:
        """Rule and outcome of one of its searches: the last carries the need's, earlier ones were reformulated."""
        if self.rule == "R0" or search is self.need.searches[-1]:
            return self.rule, self.outcome
        return "RS", REFORMULATED


@dataclass(slots=True)
class Judgement:
    """Everything that some events came to."""

    sessions: list[Session] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    senders: Senders = field(default_factory=lambda: Senders({}, {}))
    watermark: int | None = None

    @property
    def searches_in(self) -> dict[Session, int]:
        """How many searches each session has."""
        return Counter(search.session for verdict in self.verdicts for search in verdict.need.searches)

    def session_outcome(self) -> dict[Session, str]:
        """The outcome of each session: its worst need speaks; `no_need` if there is nothing to say."""
        found: dict[Session, set[str]] = defaultdict(set)
        for verdict in self.verdicts:
            for session in verdict.need.sessions:
                found[session].add(verdict.outcome)
        return {s: EXCLUDED if s.excluded else next((o for o in WORST_FIRST if o in found[s]), NO_NEED) for s in self.sessions}


def judge(events: Iterable[Event], rules: Rulebook, as_of: int | None = None, crowds: Collection[str] | None = None) -> Judgement:
    """What these events came to, knowing only those received by `as_of`; the order and repetition of events never matter.

    `crowds` are the tabs and forms known to tie too many together; without them they are found among these events.
    """
    timed = _without_crowds(in_time(events, as_of), crowds)
    sessions = sessions_of(timed, rules)
    contacts = contacts_of(timed)
    sent = {c.event.form_id for c in contacts if c.event.form_id}
    sent |= {e.form_id for _, e in timed if isinstance(e, TicketEvent) and e.form_id}
    reading = reading_of(sessions)
    needs: list[Need] = []
    for person, own in by_person(sessions).items():
        needs += needs_of(person, own, _searches(own, rules), reading, sent, rules)
    _tell_apart(needs)
    senders = Senders.learn(e for _, e in timed)
    linked = link(needs, contacts, senders, rules)
    latest = _latest_beginning(needs)
    forms = _tickets_by_form(contacts)
    verdicts = [_verdict(need, latest, linked, forms, rules) for need in needs]
    return Judgement(sessions, verdicts, contacts, senders, watermark_of(e for _, e in timed))


def in_time(events: Iterable[Event], as_of: int | None = None) -> list[Timed]:
    """Events with corrected times in the order (time, type, id); of a repeated event the first received stays."""
    first: dict[str, Event] = {}
    for event in events:
        if as_of is not None and event.t_recv > as_of:
            continue
        known = first.get(event.event_id)
        if known is None or _received(event) < _received(known):
            first[event.event_id] = event
    timed = [
        (
            ticket_time(event.t_created, event.t_recv)
            if isinstance(event, TicketEvent)
            else corrected_time(event.t_recv, event.t_client, event.t_sent),
            event,
        )
        for event in first.values()
    ]
    timed.sort(key=lambda pair: (pair[0], pair[1].type, pair[1].event_id))
    return timed


def _without_crowds(timed: list[Timed], known: Collection[str] | None) -> list[Timed]:
    crowds = crowds_among(ties_of(edge for _, event in timed for edge in edges_of(event))).names if known is None else known
    return [(t, kept_apart(event, actor_of(event), crowds)) for t, event in timed] if crowds else timed


def _received(event: Event) -> tuple[Any, ...]:
    """What decides which of several receptions was the first; of those in one moment anything, but always the same (as in `event_table`)."""
    body = json.dumps(event.body(), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    names = [name or "" for name in (event.visitor, event.tab, event.account, event.role, event.ua)]
    times = [-1 if t is None else t for t in (event.t_client, event.t_sent)]
    return (event.t_recv, body, *names, *times)


def watermark_of(events: Iterable[Event]) -> int | None:
    """Up to when every ticket feed that reports at all is complete, which is never later than it told us; None if none does."""
    complete: dict[str, int] = {}
    for event in events:
        if isinstance(event, Watermark):
            t = min(event.t_complete, event.t_recv)
            complete[event.source] = max(t, complete.get(event.source, t))
    return min(complete.values(), default=None)


def _searches(sessions: Sequence[Session], rules: Rulebook) -> list[Searched]:
    opened, first = opened_of(sessions), first_told(sessions)
    searches: list[Searched] = []
    for session in sessions:
        found = searches_of(session, opened, rules, first)
        if not session.excluded and is_rush([search.t for search in found]):
            session.excluded = "rush"
        searches += found
    return searches


def _tell_apart(needs: Iterable[Need]) -> None:
    """Two persons on one browser may have told of one id: the second need bears its person's name too, so that both are kept."""
    taken: set[tuple[str, str]] = set()
    for need in needs:
        if (need.sessions[0].key, need.id) in taken:
            need.id = f"{need.id} {need.person}"
        taken.add((need.sessions[0].key, need.id))


def _latest_beginning(needs: Iterable[Need]) -> dict[Session, int]:
    """When the last need of each session began."""
    latest: dict[Session, int] = {}
    for need in needs:
        for session in need.sessions:
            latest[session] = max(need.first, latest.get(session, need.first))
    return latest


def _tickets_by_form(contacts: Iterable[Contact]) -> dict[str, list[Contact]]:
    grouped: dict[str, list[Contact]] = defaultdict(list)
    for contact in contacts:
        if contact.event.form_id:
            grouped[contact.event.form_id].append(contact)
    return grouped


def _verdict(
    need: Need,
    latest: Mapping[Session, int],
    linked: Linked,
    by_form: Mapping[str, list[Contact]],
    rules: Rulebook,
) -> Verdict:
    links = linked.links.get(need, [])
    facts = predicates(need, links, latest, by_form)
    rule, outcome = decide(facts)
    window = rules.unseen_window_ms if need.link_class == TAB_ONLY else rules.window_ms
    return Verdict(
        need,
        facts,
        rule,
        outcome,
        links,
        need in linked.after,
        need.last + window + rules.grace_ms,
        last_seek(need),
        linked.first_topical.get(need),
    )


def last_seek(need: Need) -> int:
    """When the person last looked for something: the latest search or unsent form opening, else the need's beginning."""
    seeks = [search.t for search in need.searches] + [form.t for form in need.forms if not form.sent]
    return max(seeks, default=need.first)


def predicates(need: Need, links: Sequence[Link], latest: Mapping[Session, int], by_form: Mapping[str, list[Contact]]) -> dict[str, bool]:
    """The eleven facts that the decision table looks at."""
    seek = last_seek(need)
    signal = need.signal
    after = [view for view in need.views if view.t >= seek]
    last = need.searches[-1] if need.searches else None
    return {
        "X": bool(need.excluded) or _is_spam_form(need, by_form),
        "T": bool(links),
        "V+": signal is not None and signal.value > 0 and not _sought_after(need, signal.t),
        "V-": signal is not None
        and signal.value < 0
        and not any(v.satisfied and v.t > signal.t and v.article != signal.article for v in need.views),
        "F": any(not form.sent and not any(v.satisfied and v.t >= form.t for v in need.views) for form in need.forms),
        "C": need.kind == BROWSE and not need.has_read and any(latest[session] > need.first for session in need.sessions),
        "S": any(view.satisfied for view in after),
        "O": need.link_class >= 1,
        "U": any(not view.event.beacon and view.active_ms == 0 for view in after),
        "G": last is not None and last.answer_shown and not after,
        "Z": last is not None and last.n_results == 0 and not after,
    }


def _sought_after(need: Need, t: int) -> bool:
    return any(search.t > t for search in need.searches) or any(form.t > t for form in need.forms if not form.sent)


def _is_spam_form(need: Need, by_form: Mapping[str, list[Contact]]) -> bool:
    """A pure form need whose forms were all sent, none of them with a ticket that counts."""
    if need.kind != FORM or not need.forms or not all(form.sent for form in need.forms):
        return False
    return not any(contact.valid for form in need.forms for contact in by_form.get(form.form_id, ()))


def state_of(final_at: int, last: int, as_of: int | None, watermark: int | None, rules: Rulebook) -> str:
    """Final once the window and the grace are over (and the ticket feed is known complete, if that is asked for)."""
    if as_of is None:
        return FINAL
    if as_of < final_at:
        return PROVISIONAL
    if rules.require_watermark and (watermark is None or watermark < last + rules.window_ms):
        return PROVISIONAL
    return FINAL
