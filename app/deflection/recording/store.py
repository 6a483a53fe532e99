"""Events in and out of the database: redacted, idempotent by `event_id`, and their persons marked for recomputation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.deflection.asking.surveyed import days_named
from app.deflection.bulk import chunks, expanding, is_sqlite, prefer_indexes, upsert_rows
from app.deflection.judging.crowds import Crowds, Ties, crowds_among, is_tie, ties_of
from app.deflection.judging.judging_lock import lock_for_recording
from app.deflection.packing.asked_columns import forget_asked_on
from app.deflection.recording.clock import DAY, HOUR, MINUTE, corrected_time, ticket_time
from app.deflection.recording.event_table import STANDING, store_once
from app.deflection.recording.events import (
    Event,
    Exclude,
    Search,
    Survey,
    TicketEvent,
    TicketUpdate,
    View,
    Watermark,
    event_from,
)
from app.deflection.recording.names import actor_of, edges_of
from app.deflection.recording.redaction import redact

# DO UPDATE, not DO NOTHING: it locks the row, so that a worker cannot take the mark away before our event is visible to it.
_MARK_AGAIN = (
    "(actor) DO UPDATE SET cause = excluded.cause, since = CASE WHEN excluded.since > dirty.since THEN excluded.since ELSE dirty.since END"
)

_FEED = text(
    "INSERT INTO ticket_feed (source, t_complete) VALUES (:source, :t) ON CONFLICT (source) DO UPDATE"
    " SET t_complete = CASE WHEN excluded.t_complete > ticket_feed.t_complete THEN excluded.t_complete ELSE ticket_feed.t_complete END"
)


def record(db: Session, *events: Event) -> int:
    """Store events in the caller's transaction: redacted, once each whatever the repeats, their persons marked dirty. Gives how many were new."""
    if not events:
        return 0
    clean = sorted((scrubbed(event) for event in events), key=lambda event: (event.event_id, event.t_recv))
    lock_for_recording(db, is_sqlite(db))
    new, replaced = store_once(db, [row_of(event) for event in clean])
    edges = sorted({edge for event in clean for edge in edges_of(event)})
    upsert_rows(db, "identity_edge", ("a", "b"), [{"a": a, "b": b} for a, b in edges], "(a, b) DO NOTHING")
    feeds = [{"source": e.source, "t": min(e.t_complete, e.t_recv)} for e in clean if isinstance(e, Watermark)]
    if feeds:
        db.execute(_FEED, feeds)
    # What was stored before has been marked by whoever stored it.
    rows = sorted((*new, *replaced), key=lambda row: (row["t_recv"], row["event_id"]))
    marks = {row["actor"]: row for row in rows if row["type"] not in ("survey", "watermark")}
    dirty = [{"actor": a, "since": r["t_recv"], "cause": r["event_id"]} for a, r in sorted(marks.items())]
    upsert_rows(db, "dirty", ("actor", "since", "cause"), dirty, _MARK_AGAIN)
    _forget_packed(db, rows)
    return len(new)


def _forget_packed(db: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Take away the packed days that do not say what these events add: of their own day, and of what a survey asks about."""
    forget_asked_on(db, {row["day"] for row in rows if row["type"] == "search"})
    surveys = [json.loads(row["body"]) for row in rows if row["type"] == "survey"]
    days = [{"day": day} for day in sorted(days_named(db, surveys))] if surveys else []
    if days:
        db.execute(text("DELETE FROM need_columns WHERE day = :day AND surveys"), days)


def scrubbed(event: Event) -> Event:
    """The event as it may be stored: free text redacted."""
    if isinstance(event, Search):
        q = redact(event.q)
        return event if q == event.q else replace(event, q=q)
    if isinstance(event, TicketEvent):
        subject = redact(event.subject)
        return event if subject == event.subject else replace(event, subject=subject)
    return event


def time_of(event: Event) -> int:
    """The corrected time of an event (rule 2.2)."""
    if isinstance(event, TicketEvent):
        return ticket_time(event.t_created, event.t_recv)
    return corrected_time(event.t_recv, event.t_client, event.t_sent)


def ref_of(event: Event) -> str | None:
    """The id that the event is about, by which it can be found again."""
    if isinstance(event, Search):
        return event.search_id
    if isinstance(event, View):
        return event.view_id
    if isinstance(event, TicketEvent | TicketUpdate):
        return event.ticket_id
    if isinstance(event, Survey | Watermark | Exclude):
        return None
    return getattr(event, "view_id", None) or getattr(event, "form_id", None) or getattr(event, "search_id", None)


def row_of(event: Event) -> dict[str, Any]:
    """The event as a row of its table."""
    return {
        "event_id": event.event_id,
        "type": event.type,
        "t": time_of(event),
        "t_recv": event.t_recv,
        "t_client": event.t_client,
        "t_sent": event.t_sent,
        "day": STANDING if isinstance(event, Exclude) else event.t_recv // DAY,
        "actor": actor_of(event),
        "visitor": event.visitor,
        "tab": event.tab,
        "account": event.account,
        "role": event.role,
        "ua": event.ua,
        "ref": ref_of(event),
        "body": json.dumps(event.body(), ensure_ascii=False, separators=(",", ":"), sort_keys=True),
    }


_SELECT = "SELECT type, event_id, t_recv, t_client, t_sent, visitor, tab, account, role, ua, body FROM event"


_TIED = expanding(
    "SELECT a, b FROM identity_edge WHERE a IN :names UNION SELECT a, b FROM identity_edge WHERE b IN :tying", "names", "tying"
)
_CROWDS = expanding("SELECT name FROM crowd WHERE name IN :names", "names")
_NEAR = expanding(_SELECT + " WHERE actor IN :names AND t BETWEEN :low AND :high AND type <> 'survey'", "names")
_OF_ACTORS = expanding(_SELECT + " WHERE actor IN :names AND type <> 'survey'", "names")
# The same: a list of hundreds of names is planned anew for each partition, a join is not.
_OF_ACTORS_JOINED = text(_SELECT + " JOIN unnest(CAST(:names AS text[])) AS n(name) ON actor = n.name WHERE type <> 'survey'")


def _event(row: Any) -> Event:
    common = {
        "event_id": row[1], "t_recv": row[2], "t_client": row[3], "t_sent": row[4],
        "visitor": row[5], "tab": row[6], "account": row[7], "role": row[8], "ua": row[9],
    }  # fmt: skip
    return event_from(row[0], common, json.loads(row[10]))


@dataclass(frozen=True)
class Tied:
    """All names that are tied to some, and the tabs and forms among their names that are a crowd's and tie nobody."""

    names: set[str]
    crowds: frozenset[str] = frozenset()
    fresh: Crowds = Crowds()
    """The crowds that were not known before, with everybody in them."""


def closure(db: Session, actors: Iterable[str]) -> set[str]:
    """All names that are tied to these, directly or through others: what must be judged together."""
    return tied_to(db, actors).names


def tied_to(db: Session, actors: Iterable[str]) -> Tied:
    """The same with the crowds that were met on the way."""
    given = set(actors)
    fresh, found = Crowds(), _walk(db, given, frozenset())
    while (crowds := crowds_among(found.ties, found.met)).names - found.met:
        fresh = Crowds(fresh.names | crowds.names - found.met, fresh.members | crowds.members)
        found = _walk(db, given, fresh.names)
    return Tied(found.names, found.met, fresh)


@dataclass(frozen=True)
class _Walked:
    names: set[str]
    ties: Ties
    met: frozenset[str]
    """Tabs and forms that were known to tie nobody, and were not followed."""


def _walk(db: Session, actors: set[str], apart: frozenset[str]) -> _Walked:
    known, frontier, edges = set(actors), set(actors), set()
    any_crowd = bool(apart) or db.execute(text("SELECT 1 FROM crowd LIMIT 1")).first() is not None
    met = _crowds_in(db, known, apart) if any_crowd else set()
    while frontier:
        found: set[tuple[str, str]] = set()
        for chunk in chunks(sorted(frontier)):
            tying = [name for name in chunk if name not in met]
            found.update((a, b) for a, b in db.execute(_TIED, {"names": chunk, "tying": tying}))
        edges |= found
        names = {name for edge in found for name in edge} - known
        if any_crowd:
            met |= _crowds_in(db, names, apart)
        frontier = names - met
        known |= frontier
    return _Walked(known, ties_of(edges), frozenset(met))


def _crowds_in(db: Session, names: Iterable[str], apart: frozenset[str]) -> set[str]:
    ties = [name for name in names if is_tie(name)]
    known = {name for chunk in chunks(sorted(ties)) for name in db.execute(_CROWDS, {"names": chunk}).scalars()}
    return known | apart.intersection(ties)


def events_of_actors(db: Session, actors: Iterable[str]) -> list[Event]:
    """Everything that was recorded under these names; surveys are left out, because they never feed an outcome."""
    found: list[Event] = []
    prefer_indexes(db)
    query = _OF_ACTORS if is_sqlite(db) else _OF_ACTORS_JOINED
    for chunk in chunks(sorted(name for name in actors if name[0] != "f")):
        found += [_event(row) for row in db.execute(query, {"names": chunk}).all()]
    return found


def events_by_ref(db: Session, refs: Iterable[str]) -> list[Event]:
    """All events about any of these ids (search, view, form or ticket ids), in order of time."""
    found: list[Event] = []
    for ref in sorted(set(refs)):
        found += [_event(row) for row in db.execute(text(_SELECT + " WHERE ref = :ref"), {"ref": ref})]
    return in_order(found)


def in_order(events: Iterable[Event]) -> list[Event]:
    """Events by corrected time, type and id: the one order that everybody agrees on."""
    return sorted(events, key=lambda e: (time_of(e), e.type, e.event_id))


def events_of_search(db: Session, search_id: str) -> list[Event]:
    """The search and what was done with its results: clicks, views, reading time, votes; in order."""
    about = [e for e in events_by_ref(db, [search_id]) if getattr(e, "search_id", None) == search_id]
    actors = {actor_of(e) for e in about if isinstance(e, Search)}
    near: list[Event] = []
    for actor in sorted(actors):
        near += [_event(row) for row in db.execute(text(_SELECT + " WHERE actor = :actor ORDER BY t"), {"actor": actor})]
    views = {e.view_id for e in near if isinstance(e, View) and e.search_id == search_id}
    related = [e for e in near if getattr(e, "search_id", None) == search_id or getattr(e, "view_id", None) in views]
    return in_order({e.event_id: e for e in about + related}.values())


def events_of_ticket(db: Session, ticket_id: str, hours: int = 48) -> list[Event]:
    """What the requester did in the `hours` before writing: searches, articles read, answers shown; in order.

    All browsers of the requester count; what somebody else did under their own account on the same browser does not.
    """
    found: dict[str, Event] = {}
    for ticket in [e for e in events_by_ref(db, [ticket_id]) if isinstance(e, TicketEvent) and e.ticket_id == ticket_id]:
        at, names = time_of(ticket), closure(db, {actor_of(ticket)})
        mine = {ticket.account} if ticket.account else _accounts_of_sender(db, ticket, names)
        for chunk in chunks(sorted(name for name in names if name[0] not in "fg")):
            rows = db.execute(_NEAR, {"names": chunk, "low": at - hours * HOUR, "high": at + 2 * MINUTE})
            events = [_event(row) for row in rows]
            found |= {e.event_id: e for e in events if not mine or e.account is None or e.account in mine}
    return in_order(found.values())


def _accounts_of_sender(db: Session, ticket: TicketEvent, names: set[str]) -> set[str]:
    """The account of a ticket that came without one, if only one can be meant."""
    accounts = {name[2:] for name in names if name[0] == "a"}
    return accounts if len(accounts) == 1 else set()
