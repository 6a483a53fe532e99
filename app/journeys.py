"""The trips that cross rooms: a query to its results, a ticket to the store, what people did back into the ranking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.config import Settings
from app.content import (
    Article,
    Catalog,
    can_see,
    publishing_lock,
    read_pointer,
    write_pointer,
)
from app.db import Database
from app.deflection import (
    Actor,
    AgentAnswer,
    Identify,
    Phrase,
    TicketEvent,
    TicketUpdate,
    learned_phrases,
    milliseconds,
    record,
    requester_hash,
)
from app.search import LearnedPhrase, Query, Results, SearchEngine, write_learned
from app.tickets import (
    Author,
    Mail,
    Replied,
    StoredFile,
    Submitted,
    Ticket,
    TicketDraft,
    customer_reply,
    queue_mail,
    reopen,
    replies_with_articles,
    solve,
    submit,
)


def taught_phrases(settings: Settings, db: Session, now: datetime, with_removed: bool = False) -> list[Phrase]:
    """What past searches and agents' replies teach today: the same for the ranking and for the writers who look at it."""
    agents = [
        AgentAnswer(article, locale, subject, requester_hash(email, settings.secret_key), at)
        for article, locale, subject, email, at in replies_with_articles(db, now)
    ]
    return learned_phrases(db, now, settings.privacy_k_query, agents, with_removed)


def learn_phrases(settings: Settings, database: Database, now: datetime, wait: float = 60.0) -> int:
    """Take what is taught into the ranking of this node; returns how many phrases are in force. `wait` is for a publish that is running.

    The switch `HYLLA_LEARNED_PHRASES` empties them at once.
    """
    phrases: list[LearnedPhrase] = []
    index_folder = settings.path(settings.index_folder)
    # Read only once nobody else can write: what was read before a writer took a phrase away would bring it back.
    with publishing_lock(settings.path(settings.data_folder), wait):
        if settings.learned_phrases:
            with database.session() as db:
                found = taught_phrases(settings, db, now)
            phrases = [LearnedPhrase(p.article_id, p.locale, p.phrase, p.weight) for p in found]
        pointer = read_pointer(index_folder)
        digest = write_learned(index_folder, phrases)
        if pointer and pointer.learned != digest and (phrases or pointer.learned):
            write_pointer(index_folder, replace(pointer, learned=digest))
    return len(phrases)


def search_articles(engine: SearchEngine, catalog: Catalog, query: Query, today: date) -> Results:
    """Search, and check every hit again against the catalog: between a swap and a reload the index may know more than we may show."""
    results = engine.search(query)
    seen = {
        hit.article_id + "/" + hit.locale: article for hit in results.hits if (article := _article(catalog, hit.article_id, hit.locale))
    }
    hits = tuple(
        hit for hit in results.hits if (article := seen.get(f"{hit.article_id}/{hit.locale}")) and can_see(article, query.viewer, today)
    )
    passage = results.passage
    if passage and not ((article := _article(catalog, passage.article_id, passage.locale)) and can_see(article, query.viewer, today)):
        passage = None
    return replace(results, hits=hits, passage=passage)


def _article(catalog: Catalog, article_id: str, locale: str) -> Article | None:
    return catalog.translations(article_id).get(locale)


Confirmation = Callable[[Ticket], Mail]
"""Writes the mail that tells the customer the number; called once the number exists, inside the transaction."""


def submit_ticket(
    db: Session, draft: TicketDraft, actor: Actor, requester: str, now: datetime, confirmation: Confirmation | None = None
) -> Submitted:
    """A request, its outgoing mail and its events, all in the caller's durable transaction, or none of them.

    `requester` is the keyed hash of the sender's address. Sending the same draft again changes nothing.
    """
    sent = submit(db, draft, now)
    if sent.created:
        _announce(db, sent.ticket, actor, requester, now)
        if confirmation:
            queue_mail(db, confirmation(sent.ticket), f"received/{sent.ticket.id}", now, sent.ticket.id)
    return sent


def continue_ticket(
    db: Session,
    number: int,
    author: Author,
    text: str,
    key: str,
    files: Sequence[StoredFile],
    actor: Actor,
    requester: str,
    now: datetime,
    form_id: str = "",
    subject: str = "",
) -> Replied:
    """The customer writes again, with the events that follow: a request that opens again, or a new one that continues an old one.

    Words that came by the contact form (`form_id`), and words on something that was solved, are one more contact: somebody had to write.
    """
    replied = customer_reply(db, number, author, text, key, now, files)
    if replied.continued and replied.created:
        _announce(db, replied.ticket, actor, requester, now, form_id)
    elif replied.created and (form_id or replied.reopened):
        ticket = replied.ticket
        contact = f"{ticket.id}.{ticket.messages[-1].id}"
        _record_contact(db, contact, subject or ticket.subject, "form" if form_id else "thread", form_id, actor, requester, now)
    if replied.reopened:
        record(db, TicketUpdate(**actor.stamp(now), ticket_id=replied.ticket.id, status="open"))
    return replied


def set_solved(db: Session, ticket: Ticket, solved: bool, actor: Actor, now: datetime) -> bool:
    """Call a request solved, or open it again, with the event; false if it already was."""
    changed = solve(db, ticket.number, now) if solved else reopen(db, ticket.number, now)
    if changed:
        record(db, TicketUpdate(**actor.stamp(now), ticket_id=ticket.id, status="solved" if solved else "open"))
    return changed


def _announce(db: Session, ticket: Ticket, actor: Actor, requester: str, now: datetime, form_id: str = "") -> None:
    _record_contact(db, ticket.id, ticket.subject, ticket.channel, ticket.form_id or form_id, actor, requester, now)


def _record_contact(
    db: Session, ticket_id: str, subject: str, channel: str, form_id: str, actor: Actor, requester: str, now: datetime
) -> None:
    record(
        db,
        TicketEvent(
            **actor.stamp(now, f"ticket-{ticket_id}"),
            ticket_id=ticket_id,
            t_created=milliseconds(now),
            channel=channel,
            form_id=form_id or None,
            requester=requester,
            subject=subject,
        ),
        Identify(**actor.stamp(now, f"identify-{ticket_id}"), requester=requester),
    )
