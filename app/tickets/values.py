"""What crosses the wall: a draft going in; tickets, messages, attachments and deliveries coming out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class TicketStatus(StrEnum):
    """Where a request stands, seen from the desk."""

    OPEN = "open"
    """We owe an answer."""
    WAITING = "waiting"
    """It is the customer's turn."""
    SOLVED = "solved"


class MessageKind(StrEnum):
    CUSTOMER = "customer"
    REPLY = "reply"
    NOTE = "note"
    """Internal: no customer ever sees it."""


@dataclass(frozen=True)
class StoredFile:
    """A file that has passed the checks and lies on disk under a generated name; it belongs to nothing until its row is written."""

    id: str
    name: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class TicketDraft:
    """A request as its form sent it. `key` and `form_id` were minted with the form."""

    subject: str
    message: str
    email: str
    key: str
    name: str = ""
    locale: str = "en"
    topic: str = ""
    account: str | None = None
    form_id: str = ""
    attachments: tuple[StoredFile, ...] = ()
    search_id: str = ""
    article_id: str = ""
    followup_of: int | None = None
    channel: str = "form"
    promised_at: datetime | None = None
    """By when we said that we would answer."""


@dataclass(frozen=True)
class Attachment:
    id: str
    name: str
    media_type: str
    size: int


@dataclass(frozen=True)
class Message:
    id: int
    kind: MessageKind
    author: str | None
    author_name: str
    text: str
    created_at: datetime
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class Ticket:
    """One request; `messages` are filled in by `find` and `thread`, and left empty in lists."""

    id: str
    number: int
    subject: str
    status: TicketStatus
    requester_email: str
    requester_name: str
    account: str | None
    locale: str
    topic: str
    created_at: datetime
    updated_at: datetime
    solved_at: datetime | None = None
    promised_at: datetime | None = None
    answered_at: datetime | None = None
    assignee: str | None = None
    assignee_name: str = ""
    form_id: str = ""
    search_id: str = ""
    article_id: str = ""
    followup_of: int | None = None
    channel: str = "form"
    messages: tuple[Message, ...] = field(default=())

    @property
    def who(self) -> str:
        """The requester as an agent calls them."""
        return self.requester_name or self.requester_email

    @property
    def first_name(self) -> str:
        return (self.requester_name.split() or [self.requester_email.split("@")[0]])[0]

    @property
    def owed_at(self) -> datetime | None:
        """When the first answer is due, while it is still owed."""
        return self.promised_at if self.answered_at is None and self.status is TicketStatus.OPEN else None


@dataclass(frozen=True)
class Submitted:
    """What became of a draft; `created` is false when the same one had been sent before."""

    ticket: Ticket
    created: bool


@dataclass(frozen=True)
class Mail:
    """One outgoing message, already in the reader's language."""

    to: str
    subject: str
    text: str
    html: str = ""
    locale: str = "en"
    reference: str = ""
    """Ties the mails of one request together (Message-ID and References)."""


@dataclass(frozen=True)
class Delivery:
    """An item of the outbox, as a connector gets it and as agents see it."""

    id: int
    connector: str
    kind: str
    key: str
    ticket_id: str | None
    payload: dict[str, object]
    state: str
    """`pending`, `done` or `dead`."""
    attempts: int
    created_at: datetime
    next_try_at: datetime
    last_error: str = ""
    reference: str = ""


@dataclass(frozen=True)
class ArticleUse:
    """An article that an agent used in a request."""

    article_id: str
    locale: str
    how: str
    used_at: datetime
