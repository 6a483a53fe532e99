"""The rows of a request: tickets, messages, attachments, drafts, the outbox, and which article served which ticket."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UtcDateTime

FIRST_NUMBER = 10_001
"""Where counting starts: a first customer should not read 'request 1'."""


class TicketRow(Base):
    """One request. `row` orders and numbers; `id` is what events and mail speak of; nobody gets in by knowing `number`."""

    __tablename__ = "tickets"
    __table_args__ = (
        Index("ix_tickets_requester", "requester_email", "created_at"),
        Index("ix_tickets_account", "account", "created_at"),
        Index("ix_tickets_queue", "status", "updated_at"),
        {"sqlite_autoincrement": True},
    )

    row: Mapped[int] = mapped_column(Integer, primary_key=True)
    id: Mapped[str] = mapped_column(String(40), unique=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    """The idempotency key minted with the form."""
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of what was sent, to tell a repeat from another request under the same key."""
    subject: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(12))
    requester_email: Mapped[str] = mapped_column(String(254))
    requester_name: Mapped[str] = mapped_column(String(120), default="")
    account: Mapped[str | None] = mapped_column(String(40), default=None)
    locale: Mapped[str] = mapped_column(String(12))
    topic: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime())
    solved_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), default=None)
    promised_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), default=None)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), default=None)
    """When the first reply went out; until then `promised_at` is owed."""
    assignee: Mapped[str | None] = mapped_column(String(40), default=None)
    assignee_name: Mapped[str] = mapped_column(String(120), default="")
    form_id: Mapped[str] = mapped_column(String(80), default="", index=True)
    search_id: Mapped[str] = mapped_column(String(80), default="")
    article_id: Mapped[str] = mapped_column(String(200), default="")
    followup_of: Mapped[int | None] = mapped_column(Integer, default=None)
    """Number of the solved request that this one continues."""
    channel: Mapped[str] = mapped_column(String(20), default="form")

    @property
    def number(self) -> int:
        return self.row + FIRST_NUMBER - 1


class MessageRow(Base):
    """One thing said in a request, or an internal note."""

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("ticket_id", "key"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    author: Mapped[str | None] = mapped_column(String(40), default=None)
    """User id of an agent or of a signed-in customer."""
    author_name: Mapped[str] = mapped_column(String(120), default="")
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    key: Mapped[str] = mapped_column(String(80))
    digest: Mapped[str] = mapped_column(String(64))


class AttachmentRow(Base):
    """A file; `message_id` is empty while it waits in a draft. `id` is also its name on disk."""

    __tablename__ = "attachments"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True, default=None)
    draft_id: Mapped[str | None] = mapped_column(String(80), index=True, default=None)
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    requester_email: Mapped[str] = mapped_column(String(254), default="", index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


class DraftRow(Base):
    """Words that were typed and not sent: a customer's form (by its id) or an agent's reply (by ticket, agent and kind)."""

    __tablename__ = "ticket_drafts"

    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True)


class DeliveryRow(Base):
    """One item of the outbox: what a connector has yet to deliver, has delivered, or has given up."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("ix_deliveries_due", "state", "next_try_at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    connector: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(120), unique=True)
    """What makes a repeat recognisable, here and on the other side."""
    ticket_id: Mapped[str | None] = mapped_column(String(40), index=True, default=None)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    next_try_at: Mapped[datetime] = mapped_column(UtcDateTime())
    claim: Mapped[str | None] = mapped_column(String(40), default=None)
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), default=None)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), default=None)
    reference: Mapped[str] = mapped_column(String(200), default="")
    """The id that the other side gave it."""
    last_error: Mapped[str] = mapped_column(String(500), default="")


class TicketArticleRow(Base):
    """An article that an agent used in a request: how, when, and by whom."""

    __tablename__ = "ticket_articles"
    __table_args__ = (UniqueConstraint("ticket_id", "article_id", "how"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), index=True)
    article_id: Mapped[str] = mapped_column(String(200), index=True)
    locale: Mapped[str] = mapped_column(String(12))
    how: Mapped[str] = mapped_column(String(12))
    """`inserted`, `link` or `markdown`."""
    agent: Mapped[str] = mapped_column(String(40))
    used_at: Mapped[datetime] = mapped_column(UtcDateTime())
