"""Tables of this room. Events are append-only; everything else here can be computed again from them.

Times are integers, milliseconds since the epoch, because the outcome rules compare them exactly. An *actor* is the narrowest
name an event came with: `v:` browser, `t:` tab, `a:` account, `r:` sender, `k:` ticket, `g:` global.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Index, Integer, LargeBinary, String, Text
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

# SQLite numbers rows by itself only for INTEGER; PostgreSQL needs BIGINT to last.
Serial = BigInteger().with_variant(Integer, "sqlite")


class EventRow(Base):
    """One event as it came in, redacted; `ref` is the id it is about, `t` its corrected time."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_actor_t", "actor", "t"),
        Index("ix_event_ref", "ref"),
        Index("ix_event_day_type", "day", "type"),
        {"postgresql_partition_by": "RANGE (day)"},
    )

    event_id: Mapped[str] = mapped_column(String(128))
    type: Mapped[str] = mapped_column(String(16))
    t: Mapped[int] = mapped_column(BigInteger)
    t_recv: Mapped[int] = mapped_column(BigInteger)
    t_client: Mapped[int | None] = mapped_column(BigInteger)
    t_sent: Mapped[int | None] = mapped_column(BigInteger)
    day: Mapped[int] = mapped_column(Integer, doc="UTC day of t_recv, days since the epoch: what retention drops by; -1 holds for good")
    actor: Mapped[str] = mapped_column(String(400))
    visitor: Mapped[str | None] = mapped_column(String(128))
    tab: Mapped[str | None] = mapped_column(String(128))
    account: Mapped[str | None] = mapped_column(String(128))
    role: Mapped[str] = mapped_column(String(8))
    ua: Mapped[str] = mapped_column(Text)
    ref: Mapped[str | None] = mapped_column(String(128))
    body: Mapped[str] = mapped_column(Text, doc="the fields that only this type has, as JSON")

    # No key: one over all partitions does not exist, and `seen` keeps what it would. The mapper wants to hear of one.
    __mapper_args__ = {"primary_key": [event_id]}  # noqa: RUF012 — as its base class declares it


class SeenRow(Base):
    """Which events are stored, and where: what makes a repeat harmless. Goes when its event goes."""

    __tablename__ = "seen"
    __table_args__ = ({"sqlite_with_rowid": False},)

    event_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    actor: Mapped[str] = mapped_column(String(400))
    t: Mapped[int] = mapped_column(BigInteger)
    t_recv: Mapped[int] = mapped_column(BigInteger)


class IdentityEdge(Base):
    """Two names that must be judged together: a browser and an account, a ticket and the form it came from."""

    __tablename__ = "identity_edge"
    __table_args__ = (Index("ix_identity_edge_b", "b"),)

    a: Mapped[str] = mapped_column(String(400), primary_key=True)
    b: Mapped[str] = mapped_column(String(400), primary_key=True)


class CrowdRow(Base):
    """A tab or form that ties too many together; once it is known it ties nobody any more (`crowds`)."""

    __tablename__ = "crowd"

    name: Mapped[str] = mapped_column(String(400), primary_key=True)


class Dirty(Base):
    """An actor whose outcomes must be computed again; written in the transaction that wrote its event."""

    __tablename__ = "dirty"
    __table_args__ = (Index("ix_dirty_since", "since"),)

    actor: Mapped[str] = mapped_column(String(400), primary_key=True)
    since: Mapped[int] = mapped_column(BigInteger)
    cause: Mapped[str] = mapped_column(String(128), doc="event_id of the latest event that marked it")


class VisitorSessionRow(Base):
    """A run of one browser's (or cookie-less tab's) events with no gap above 30 minutes."""

    __tablename__ = "visitor_session"
    __table_args__ = (Index("ix_visitor_session_home", "home"), Index("ix_visitor_session_day", "day"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    home: Mapped[str] = mapped_column(String(400), doc="the actor whose events it is made of")
    person: Mapped[str] = mapped_column(String(400))
    link_class: Mapped[int] = mapped_column(Integer, doc="2 account, 1 browser, 0 tab only")
    start: Mapped[int] = mapped_column(BigInteger)
    end: Mapped[int] = mapped_column(BigInteger)
    day: Mapped[int] = mapped_column(Integer)
    searches: Mapped[int] = mapped_column(Integer)
    excluded: Mapped[str] = mapped_column(String(16), doc="why it does not count: machine, rush, staff, listed; else empty")
    outcome: Mapped[str] = mapped_column(String(32), doc="the worst need speaks; no_need if there is none")


class NeedRow(Base):
    """One question of one person, and how it ended. `home` is the actor that its first item came under."""

    __tablename__ = "need"
    __table_args__ = (
        Index("ix_need_home", "home"),
        Index("ix_need_person_last", "person", "last"),
        Index("ix_need_day", "day", "kind"),
        Index("ix_need_state_final_at", "state", "final_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    home: Mapped[str] = mapped_column(String(400))
    person: Mapped[str] = mapped_column(String(400), doc="empty after erasure")
    kind: Mapped[str] = mapped_column(String(8), doc="search, browse or form")
    link_class: Mapped[int] = mapped_column(Integer)
    outcome: Mapped[str] = mapped_column(String(32))
    rule: Mapped[str] = mapped_column(String(4))
    predicates: Mapped[str] = mapped_column(String(40), doc="the true ones, in the order of the table: 'V+ S O'")
    state: Mapped[str] = mapped_column(String(12), doc="provisional or final")
    post_ticket: Mapped[bool] = mapped_column(Boolean)
    first: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger)
    final_at: Mapped[int] = mapped_column(BigInteger)
    day: Mapped[int] = mapped_column(Integer, doc="UTC day of its first activity, days since the epoch")
    lang: Mapped[str] = mapped_column(String(35), doc="of its last search that says so, else empty")
    surface: Mapped[str] = mapped_column(String(128), doc="of its first search, else empty")
    device: Mapped[str] = mapped_column(String(8), doc="phone, tablet or desktop, from the agent string")
    searches: Mapped[int] = mapped_column(Integer)
    q: Mapped[str] = mapped_column(Text, doc="its first query, redacted; empty without a search")
    zero: Mapped[int] = mapped_column(Integer, doc="its searches without a result")
    clicked: Mapped[int] = mapped_column(Integer, doc="its searches with results of which one was opened")
    opened: Mapped[int] = mapped_column(Integer, doc="views")
    read: Mapped[int] = mapped_column(Integer, doc="views read long enough")
    article: Mapped[str] = mapped_column(String(128), doc="of its last view, else empty")
    vote: Mapped[int] = mapped_column(Integer, doc="the last vote on that article in this need: 1, -1 or 0")
    answered_after: Mapped[int | None] = mapped_column(BigInteger, doc="ms from first search to the start of the satisfying view")
    solved: Mapped[bool] = mapped_column(Boolean, doc="the explicit signal is a 'solved'")
    forms: Mapped[int] = mapped_column(Integer, doc="contact forms opened")
    unsent: Mapped[int] = mapped_column(Integer, doc="of these, left without a ticket")
    arm: Mapped[str] = mapped_column(String(8), doc="arm of the form trial: on, holdout or empty")
    shown: Mapped[int] = mapped_column(Integer, doc="forms in which answers were shown")
    ticket_after: Mapped[int | None] = mapped_column(BigInteger, doc="ms from last activity to its first linked ticket")
    topical_after: Mapped[int | None] = mapped_column(
        BigInteger, doc="ms to the first contact on its topic within 14 days; decides nothing"
    )
    version: Mapped[str] = mapped_column(String(32), doc="of the definition it was judged by")
    fingerprint: Mapped[str] = mapped_column(String(32), doc="digest of the need and its searches, views and tickets")
    cluster: Mapped[int | None] = mapped_column(Integer, index=True, doc="of its first query; given by the clustering, kept here")


class NeedSearchRow(Base):
    """One search of a need; `search_id` is the last id of its burst, `members` all ids folded into it (JSON)."""

    __tablename__ = "need_search"
    __table_args__ = (Index("ix_need_search_search_id", "search_id"), Index("ix_need_search_day", "day"))

    need_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    search_id: Mapped[str] = mapped_column(String(128))
    session_id: Mapped[str] = mapped_column(String(32))
    t: Mapped[int] = mapped_column(BigInteger)
    day: Mapped[int] = mapped_column(Integer)
    q: Mapped[str] = mapped_column(Text)
    lang: Mapped[str] = mapped_column(String(35))
    surface: Mapped[str] = mapped_column(String(128))
    n_results: Mapped[int] = mapped_column(Integer)
    results: Mapped[str] = mapped_column(Text, doc="the articles listed, best first (JSON)")
    answer_shown: Mapped[bool] = mapped_column(Boolean)
    clicked: Mapped[bool] = mapped_column(Boolean, doc="a result of any member was clicked or viewed")
    members: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(String(32))
    rule: Mapped[str] = mapped_column(String(4))


class NeedViewRow(Base):
    """One article opened for a need, with what was read and what would have been enough."""

    __tablename__ = "need_view"
    __table_args__ = (Index("ix_need_view_article_t", "article", "t"), Index("ix_need_view_view_id", "view_id"))

    need_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    view_id: Mapped[str] = mapped_column(String(128))
    article: Mapped[str] = mapped_column(String(128))
    t: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(12))
    beacon: Mapped[bool] = mapped_column(Boolean)
    active_ms: Mapped[int] = mapped_column(BigInteger)
    required_ms: Mapped[int] = mapped_column(BigInteger)
    helpful: Mapped[int] = mapped_column(Integer, doc="last vote on this article in this need: 1, -1 or 0")
    last: Mapped[bool] = mapped_column(Boolean, doc="the last thing read in its need")


class NeedTicketRow(Base):
    """A valid contact that a need is held responsible for, and how we know."""

    __tablename__ = "need_ticket"
    __table_args__ = (Index("ix_need_ticket_ticket_id", "ticket_id"),)

    need_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    ticket_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    level: Mapped[str] = mapped_column(String(16), doc="form, session, browser, account, sender; '…-weak' when not on the topic")
    topical: Mapped[bool] = mapped_column(Boolean)
    t: Mapped[int] = mapped_column(BigInteger)
    delay: Mapped[int] = mapped_column(BigInteger, doc="ms after the need's last activity")


class ContactRow(Base):
    """A ticket as outcomes see it: does it count, is it a repeat, did a need lead to it."""

    __tablename__ = "contact"
    __table_args__ = (
        Index("ix_contact_day", "day"),
        Index("ix_contact_home", "home"),
        Index("ix_contact_untold", "day", sqlite_where=sql_text("NOT told"), postgresql_where=sql_text("NOT told")),
        Index("ix_contact_subject_group", "subject_group"),
    )

    ticket_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    home: Mapped[str] = mapped_column(String(400))
    t: Mapped[int] = mapped_column(BigInteger)
    day: Mapped[int] = mapped_column(Integer)
    channel: Mapped[str] = mapped_column(String(128))
    subject: Mapped[str] = mapped_column(Text)
    inbound: Mapped[bool] = mapped_column(Boolean)
    status: Mapped[str] = mapped_column(String(8))
    valid: Mapped[bool] = mapped_column(Boolean)
    duplicate: Mapped[bool] = mapped_column(Boolean, doc="the same contact again, or merged: links, but counts no second time")
    linked: Mapped[bool] = mapped_column(Boolean, doc="some need with a search led to it")
    link_class: Mapped[int] = mapped_column(Integer, doc="2 known account, 1 known browser, 0 neither")
    lang: Mapped[str] = mapped_column(String(35), default="", doc="what it was probably written in; given by the worker, kept here")
    subject_group: Mapped[int] = mapped_column(Integer, default=0, doc="of its subject where nobody searched before it; 0: none")
    told: Mapped[bool] = mapped_column(Boolean, default=False, doc="language and group were given")


class LedgerRow(Base):
    """A change of the past: an outcome that had been published became another one, because of an event."""

    __tablename__ = "outcome_ledger"
    __table_args__ = (
        Index("ix_outcome_ledger_need_id", "need_id"),
        Index("ix_outcome_ledger_as_of", "as_of"),
        Index(
            "ix_outcome_ledger_restated",
            "day",
            sqlite_where=sql_text("from_state = 'final'"),
            postgresql_where=sql_text("from_state = 'final'"),
        ),
    )

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    need_id: Mapped[str] = mapped_column(String(32))
    from_outcome: Mapped[str | None] = mapped_column(String(32), doc="empty: the need is new")
    to_outcome: Mapped[str | None] = mapped_column(String(32), doc="empty: it is part of another need now; 'erased'")
    from_rule: Mapped[str | None] = mapped_column(String(4))
    to_rule: Mapped[str | None] = mapped_column(String(4))
    from_state: Mapped[str | None] = mapped_column(String(12))
    cause: Mapped[str] = mapped_column(String(128), doc="event_id of the latest event that led to it, or a sentence")
    as_of: Mapped[int] = mapped_column(BigInteger)
    day: Mapped[int] = mapped_column(Integer, doc="day of the need, so that a report can say by how much it was restated")
    version: Mapped[str] = mapped_column(String(32))


class RollupRow(Base):
    """How many needs of a day ended how; no person in it, so it stays when events and needs go."""

    __tablename__ = "rollup_day"

    day: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    cluster: Mapped[int] = mapped_column(Integer, primary_key=True, doc="0: none yet")
    article: Mapped[str] = mapped_column(String(128), primary_key=True, doc="the last one opened")
    locale: Mapped[str] = mapped_column(String(35), primary_key=True)
    link_class: Mapped[int] = mapped_column(Integer, primary_key=True)
    outcome: Mapped[str] = mapped_column(String(32), primary_key=True)
    state: Mapped[str] = mapped_column(String(12), primary_key=True)
    n: Mapped[int] = mapped_column(Integer)


class ErasedRow(Base):
    """What erasure and retention took out of the needs but left in the roll-ups, so that the nightly check still adds up."""

    __tablename__ = "rollup_erased"

    day: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    cluster: Mapped[int] = mapped_column(Integer, primary_key=True)
    article: Mapped[str] = mapped_column(String(128), primary_key=True)
    locale: Mapped[str] = mapped_column(String(35), primary_key=True)
    link_class: Mapped[int] = mapped_column(Integer, primary_key=True)
    outcome: Mapped[str] = mapped_column(String(32), primary_key=True)
    state: Mapped[str] = mapped_column(String(12), primary_key=True)
    n: Mapped[int] = mapped_column(Integer)


class DefinitionRow(Base):
    """A version of the definitions, with the thresholds it stands for (JSON); only when it last came into use changes."""

    __tablename__ = "definition"

    version: Mapped[str] = mapped_column(String(32), primary_key=True)
    config: Mapped[str] = mapped_column(Text)
    since: Mapped[int] = mapped_column(BigInteger)
    used_from: Mapped[int] = mapped_column(BigInteger, doc="when it last came into force; the latest is")


class FeedRow(Base):
    """Up to when the ticket feed of a source is complete."""

    __tablename__ = "ticket_feed"

    source: Mapped[str] = mapped_column(String(128), primary_key=True)
    t_complete: Mapped[int] = mapped_column(BigInteger)


class RetentionRow(Base):
    """Up to where raw events were dropped; needs from before stay as they were judged last. One row."""

    __tablename__ = "event_retention"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kept_from: Mapped[int] = mapped_column(BigInteger)


class StampRow(Base):
    """Counts the changes of stored outcomes. One row."""

    __tablename__ = "outcome_stamp"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(BigInteger)


class NeedColumnsRow(Base):
    """The needs and contacts of a day, packed for reports; taken away when one of them changes, and made again by the worker."""

    __tablename__ = "need_columns"

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True, doc="another one whenever it is made again")
    day: Mapped[int] = mapped_column(Integer, unique=True)
    format: Mapped[str] = mapped_column(String(16), doc="digest of the layout; others are not read")
    surveys: Mapped[bool] = mapped_column(Boolean, doc="what the survey said is in it, because hardly any answer will come any more")
    solved: Mapped[int] = mapped_column(Integer, doc="needs solved without a ticket, of those counted")
    counted: Mapped[int] = mapped_column(Integer)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class AskedColumnsRow(Base):
    """What was asked on a day, from the events, packed for the page of today; taken away when an event of that day comes or goes."""

    __tablename__ = "asked_columns"

    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    format: Mapped[str] = mapped_column(String(16), doc="digest of the layout; others are not read")
    searches: Mapped[int] = mapped_column(Integer, doc="submitted by customers")
    zero: Mapped[int] = mapped_column(Integer, doc="of these, without a result")
    data: Mapped[bytes] = mapped_column(LargeBinary, doc="digests of queries and of who asked them")
