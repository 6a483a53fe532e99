"""Tickets → the needs that led to them (rule 2.7): which ticket counts, which repeats another, and how we know whose it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from app.deflection.grouping.wording import coverage, normalise, trigrams
from app.deflection.judging.disjoint_sets import DisjointSets
from app.deflection.judging.needs import FORM, Need
from app.deflection.judging.rulebook import Rulebook
from app.deflection.judging.sessions import ACCOUNT, Senders, Session, Timed
from app.deflection.recording.clock import DAY, MINUTE, SECOND
from app.deflection.recording.events import TicketEvent, TicketUpdate

TOLERANCE = 120 * SECOND
"""A helpdesk's clock may be this much behind ours."""
SESSION_TAIL = 30 * MINUTE
REPEAT = 600 * SECOND
POST_TICKET = 7 * DAY
WATCHED = 14 * DAY
"""How long after a need a contact on its topic is noted, whatever the window: reports show what a longer one would find."""

LEVELS = ("form", "session", "browser", "account", "sender")


@dataclass(slots=True, eq=False)
class Contact:
    """A ticket with what later updates said of it."""

    ticket_id: str
    t: int
    event: TicketEvent
    status: str = "open"
    into: str | None = None
    is_spam: bool = False
    is_merged: bool = False
    duplicate: bool = False
    norm: str = ""
    grams: frozenset[str] = frozenset()

    @property
    def valid(self) -> bool:
        """Inbound and not spam or a test; merged and deleted ones still are contacts."""
        return self.event.direction == "in" and not self.is_spam


@dataclass(frozen=True, slots=True)
class Link:
    """A need is held responsible for a contact; `level` says how we know, `-weak` that only the person matches."""

    contact: Contact
    level: str
    topical: bool


def contacts_of(timed: Sequence[Timed]) -> list[Contact]:
    """All contacts in order of time, with their state and repeats; of several records of one ticket the first stays.

    What it leaves unsaid the later ones say: a mailbox knows the sender of a ticket, and an export of the same helpdesk the account.
    """
    told: dict[str, list[tuple[int, TicketEvent]]] = defaultdict(list)
    updates: list[tuple[int, str, TicketUpdate]] = []
    for t, event in timed:
        if isinstance(event, TicketEvent):
            told[event.ticket_id].append((t, event))
        elif isinstance(event, TicketUpdate):
            updates.append((_made_at(t, event), event.event_id, event))
    contacts = {ticket_id: _contact(records) for ticket_id, records in told.items()}
    for _, _, event in sorted(updates, key=lambda update: update[:2]):
        if event.ticket_id in contacts:
            _update(contacts[event.ticket_id], event)
    ordered = list(contacts.values())
    _mark_duplicates(ordered)
    return ordered


_MAY_BE_UNSAID = ("visitor", "tab", "account", "form_id", "requester", "subject")


def _contact(records: list[tuple[int, TicketEvent]]) -> Contact:
    """One ticket from all that was told of it, the earliest record first."""
    if len(records) > 1:
        # Of one moment: a record that does not say how the ticket came is read as e-mail, and so says less.
        records.sort(key=lambda record: (record[0], record[1].channel == "email"))
    t, event = records[0]
    for name in _MAY_BE_UNSAID if len(records) > 1 else ():
        said = next((value for _, record in records if (value := getattr(record, name))), None)
        if said and not getattr(event, name):
            event = replace(event, **{name: said})
    norm = normalise(event.subject)
    return Contact(event.ticket_id, t, event, norm=norm, grams=trigrams(norm))


def _made_at(t: int, event: TicketUpdate) -> int:
    """When the helpdesk says that it changed the ticket, however late we hear of it: spam and its taking back may come in one file."""
    return t if event.t_client is None or event.t_sent is not None else min(event.t_client, event.t_recv)


def _update(contact: Contact, event: TicketUpdate) -> None:
    contact.status, contact.into = event.status, event.into or contact.into
    if event.status == "merged":
        contact.is_merged = True
    elif event.status == "open":
        # A merged ticket is closed by its helpdesk afterwards; only opening it makes it a ticket of its own again.
        contact.is_merged, contact.into = False, None
    if event.status in ("spam", "test"):
        contact.is_spam = True
    elif event.status in ("open", "solved"):
        # Somebody works on it after all. Deleting or merging it says nothing about what it was.
        contact.is_spam = False


def _mark_duplicates(contacts: Sequence[Contact]) -> None:
    recent: list[Contact] = []
    one, counts = _merged(contacts)
    for contact in contacts:
        recent = [other for other in recent if contact.t - other.t <= REPEAT]
        counted = counts.get(one.root(contact.ticket_id), contact)
        again = any(_repeats(contact, other) for other in recent if one.root(other.ticket_id) != one.root(contact.ticket_id))
        contact.duplicate = again or counted is not contact or (contact.is_merged and not (contact.into and contact.valid))
        if contact.valid:
            recent.append(contact)


def _merged(contacts: Sequence[Contact]) -> tuple[DisjointSets, dict[str, Contact]]:
    """Which tickets were merged with which, and of each such lot the one that counts: the one into which they went, else the first.

    So two tickets merged into each other count once, and so does one that went into a ticket of which nobody told us, or into spam.
    """
    one = DisjointSets()
    for contact in contacts:
        if contact.is_merged and contact.into:
            one.join(contact.ticket_id, contact.into)
    counts: dict[str, Contact] = {}
    for contact in contacts:
        root = one.root(contact.ticket_id)
        if contact.valid and (root not in counts or (counts[root].is_merged and not contact.is_merged)):
            counts[root] = contact
    return one, counts


def _repeats(contact: Contact, earlier: Contact) -> bool:
    a, b = contact.event, earlier.event
    same_form = bool(a.form_id) and a.form_id == b.form_id
    same_person = any(x and x == y for x, y in ((a.visitor, b.visitor), (a.account, b.account), (a.requester, b.requester)))
    return same_form or (same_person and contact.norm == earlier.norm)


class Reach:
    """Finds the needs that a contact can be linked to, by the names both are known under."""

    def __init__(self, needs: Iterable[Need], senders: Senders) -> None:
        self.senders = senders
        self.by_form: dict[str, list[Need]] = defaultdict(list)
        self.by_account: dict[str, list[Need]] = defaultdict(list)
        self.by_session: dict[Session, list[Need]] = defaultdict(list)
        for need in needs:
            for form in need.forms:
                self.by_form[form.form_id].append(need)
            for session in need.sessions:
                self.by_session[session].append(need)
            if need.link_class == ACCOUNT:
                self.by_account[need.person[2:]].append(need)
        self.of_visitor: dict[str, list[Session]] = defaultdict(list)
        self.of_tab: dict[str, list[Session]] = defaultdict(list)
        for session in self.by_session:
            if session.visitor:
                self.of_visitor[session.visitor].append(session)
            for tab in session.tabs:
                self.of_tab[tab].append(session)

    def levels(self, contact: Contact) -> dict[Need, str]:
        """Every need the contact reaches, with the strongest level; `tab` for a tab long after its session."""
        event = contact.event
        found: dict[Need, str] = {}

        def add(needs: Iterable[Need], level: str) -> None:
            for need in needs:
                found.setdefault(need, level)

        if event.form_id:
            add(self.by_form.get(event.form_id, ()), "form")
        browser, tab = self.of_visitor.get(event.visitor or "", ()), self.of_tab.get(event.tab or "", ())
        for session in (*browser, *tab):
            if session.start - TOLERANCE <= contact.t <= session.end + SESSION_TAIL:
                add(self.by_session[session], "session")
        add(self._of_sessions(browser), "browser")
        add(self.by_account.get(event.account or "", ()), "account")
        if event.requester:
            for account in sorted(self.senders.accounts.get(event.requester, ())):
                add(self.by_account.get(account, ()), "sender")
            for visitor in sorted(self.senders.browsers.get(event.requester, ())):
                add(self._of_sessions(self.of_visitor.get(visitor, ())), "sender")
        add(self._of_sessions(tab), "tab")
        return found

    def _of_sessions(self, sessions: Iterable[Session]) -> Iterator[Need]:
        return (need for session in sessions for need in self.by_session[session])


def is_topical(need: Need, contact: Contact, rules: Rulebook) -> bool:
    """Whether half of some query of the need occurs in the contact's subject."""
    return any(coverage(search.grams, contact.grams) >= rules.topical for search in need.searches)


@dataclass(frozen=True, slots=True)
class Linked:
    """What contacts mean for needs; only `links` and `after` decide about outcomes."""

    links: Mapping[Need, list[Link]]
    after: set[Need]
    """Needs that began after a contact on their topic (`post_ticket`)."""
    first_topical: Mapping[Need, int]
    """Need → ms from its last activity to the person's first contact on its topic within 14 days."""


def link(needs: Sequence[Need], contacts: Sequence[Contact], senders: Senders, rules: Rulebook) -> Linked:
    """The links of each need to valid contacts, the needs that began after one, and when the first on the topic came."""
    reach = Reach(needs, senders)
    links: dict[Need, list[Link]] = defaultdict(list)
    after: set[Need] = set()
    first: dict[Need, int] = {}
    for contact in contacts:
        if not contact.valid:
            continue
        levels = reach.levels(contact)
        after.update(need for need in levels if TOLERANCE < need.first - contact.t <= POST_TICKET and is_topical(need, contact, rules))
        for need, found in _links(contact, levels, rules):
            links[need].append(found)
        for need in _on_topic(contact, levels, rules):
            first[need] = min(first.get(need, WATCHED), max(0, contact.t - need.last))
    return Linked(links, after, first)


def _on_topic(contact: Contact, levels: Mapping[Need, str], rules: Rulebook) -> list[Need]:
    return [
        need
        for need, level in levels.items()
        if level in LEVELS and need.first - TOLERANCE <= contact.t <= need.last + WATCHED and is_topical(need, contact, rules)
    ]


def _links(contact: Contact, levels: dict[Need, str], rules: Rulebook) -> list[tuple[Need, Link]]:
    candidates = {
        need: level
        for need, level in levels.items()
        if level in LEVELS and need.first - TOLERANCE <= contact.t <= need.last + rules.window_ms
    }
    topical = [need for need in candidates if is_topical(need, contact, rules)]
    chosen = [(need, Link(contact, candidates[need], True)) for need in topical]
    own = [need for need, level in candidates.items() if level == "form" and need not in topical and (not topical or need.kind == FORM)]
    chosen += [(need, Link(contact, "form", False)) for need in own]
    if chosen:
        return chosen
    unsettled = [need for need in candidates if not need.is_confirmed]
    here = [need for need in unsettled if candidates[need] == "session"]
    if here:
        return [(max(here, key=lambda need: need.recency), Link(contact, "session", False))]
    near = [need for need in unsettled if contact.t - need.last <= rules.weak_window_ms]
    if near:
        latest = max(near, key=lambda need: need.recency)
        return [(latest, Link(contact, candidates[latest] + "-weak", False))]
    return []
