"""Events → sessions of one browser (or tab), the person behind each, and how well we would see that person's ticket (rules 2.3, 2.4)."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.deflection.judging.rulebook import Rulebook
from app.deflection.recording.clock import DAY
from app.deflection.recording.events import (
    CUSTOMER,
    Click,
    Dwell,
    Event,
    Exclude,
    FormOpen,
    Identify,
    Search,
    Suggest,
    TicketEvent,
    View,
    Vote,
)
from app.deflection.recording.names import own_name

TAB_ONLY, BROWSER, ACCOUNT = 0, 1, 2
ACTIVITY = (Search, Click, View, Dwell, Vote, FormOpen, Suggest, Identify)
ACCOUNT_MEMORY = 30 * DAY
RUSH_SEARCHES, RUSH_MS = 30, 600_000

_MACHINE = re.compile(
    r"bot|crawl|spider|slurp|headless|phantom|preview|monitor|uptime|curl/|wget/|python-requests|httpclient|okhttp|scrapy|lighthouse", re.I
)

Timed = tuple[int, Event]
"""An event with its corrected time."""


def is_machine(ua: str) -> bool:
    """Whether an agent string names itself as a program."""
    return bool(_MACHINE.search(ua))


@dataclass(slots=True, eq=False)
class Session:
    """A run of one key's events without a gap of more than 30 minutes; `excluded` says why it does not count, or is empty."""

    key: str
    start: int
    end: int
    events: list[Timed] = field(default_factory=list)
    visitor: str | None = None
    tabs: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    person: str = ""
    link_class: int = TAB_ONLY
    excluded: str = ""

    @property
    def id(self) -> str:
        return f"{self.key}@{self.start}"


@dataclass(frozen=True, slots=True)
class Senders:
    """What is known of senders' addresses: their accounts and their browsers; from `identify` and from tickets sent by form."""

    accounts: dict[str, frozenset[str]]
    browsers: dict[str, frozenset[str]]

    @classmethod
    def learn(cls, events: Iterable[Event]) -> Senders:
        accounts: dict[str, set[str]] = defaultdict(set)
        browsers: dict[str, set[str]] = defaultdict(set)
        for event in events:
            if isinstance(event, Identify) or (isinstance(event, TicketEvent) and event.channel == "form"):
                if event.requester and event.account:
                    accounts[event.requester].add(event.account)
                if event.requester and event.visitor:
                    browsers[event.requester].add(event.visitor)
        return cls({k: frozenset(v) for k, v in accounts.items()}, {k: frozenset(v) for k, v in browsers.items()})


def sessions_of(timed: Sequence[Timed], rules: Rulebook) -> list[Session]:
    """All sessions in the order of their start; `timed` must be in order. Persons and exclusions are filled in."""
    sessions: list[Session] = []
    latest: dict[str, Session] = {}
    for t, event in timed:
        key = session_key(event) if isinstance(event, ACTIVITY) else None
        if key is None:
            continue
        session = latest.get(key)
        if session is None or t - session.end > rules.session_gap_ms:
            session = latest[key] = Session(key, t, t, visitor=event.visitor)
            sessions.append(session)
        session.end = t
        session.events.append((t, event))
        if event.tab:
            session.tabs.add(event.tab)
        if event.account:
            session.accounts.add(event.account)
    _name_persons(sessions, timed)
    _exclude(sessions, timed)
    return sessions


def session_key(event: Event) -> str | None:
    """Browser, else tab; an event of a program that has neither stands under its account, or alone.

    None for what only names a sender's address: nobody did anything in any browser.
    """
    return own_name(event) or (None if isinstance(event, Identify) else f"e:{event.event_id}")


def _name_persons(sessions: Sequence[Session], timed: Sequence[Timed]) -> None:
    seen = _accounts_on_browsers(timed)
    for session in sessions:
        account = _account_of(session, seen)
        if account is not None:
            session.person, session.link_class = f"a:{account}", ACCOUNT
        else:
            session.person, session.link_class = session.key, BROWSER if session.visitor else TAB_ONLY


def _accounts_on_browsers(timed: Sequence[Timed]) -> dict[str, list[tuple[int, str]]]:
    """When each account was seen on each browser. A helpdesk's record never proves a browser; a form sent from it does."""
    seen: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for t, event in timed:
        if (
            event.visitor
            and event.account
            and (isinstance(event, ACTIVITY) or (isinstance(event, TicketEvent) and event.channel == "form"))
        ):
            seen[event.visitor].append((t, event.account))
    return seen


def _account_of(session: Session, seen: dict[str, list[tuple[int, str]]]) -> str | None:
    if len(session.accounts) == 1:
        return next(iter(session.accounts))
    if session.accounts or not session.visitor:
        return None
    known = seen.get(session.visitor, ())
    low = bisect_left(known, (session.start - ACCOUNT_MEMORY, ""))
    high = bisect_right(known, (session.end + ACCOUNT_MEMORY, "\U0010ffff" * 8))
    accounts = {account for _, account in known[low:high]}
    return accounts.pop() if len(accounts) == 1 else None


def _exclude(sessions: Sequence[Session], timed: Sequence[Timed]) -> None:
    visitors = {e.target_visitor for _, e in timed if isinstance(e, Exclude) and e.target_visitor}
    accounts = {e.target_account for _, e in timed if isinstance(e, Exclude) and e.target_account}
    for session in sessions:
        if any(event.role != CUSTOMER for _, event in session.events):
            session.excluded = "staff"
        elif session.visitor in visitors or session.accounts & accounts or session.person in {f"a:{a}" for a in accounts}:
            session.excluded = "listed"
        elif any(is_machine(ua) for ua in {event.ua for _, event in session.events}):
            session.excluded = "machine"


def is_rush(times: Sequence[int]) -> bool:
    """Whether 30 committed searches fall within 10 minutes; `times` must be in order."""
    return any(times[i + RUSH_SEARCHES - 1] - times[i] <= RUSH_MS for i in range(len(times) - RUSH_SEARCHES + 1))
