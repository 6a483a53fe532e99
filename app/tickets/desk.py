"""What is done with requests: submit, reply, note, solve, assign, find. Callers pass a durable session, so that a promise is kept."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Select, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import Conflict, Invalid, NotFound
from app.tickets.cards import has_card_number
from app.tickets.models import FIRST_NUMBER, AttachmentRow, MessageRow, TicketRow
from app.tickets.values import Attachment, Message, MessageKind, StoredFile, Submitted, Ticket, TicketDraft, TicketStatus

MAX_SUBJECT = 150
MAX_MESSAGE = 20_000
REOPEN_WITHIN = timedelta(days=14)
DUPLICATE_WITHIN = timedelta(hours=2)

SENTENCES = {
    "missing": "is missing",
    "too_long": "is too long",
    "no_address": "is not an e-mail address",
    "card_number": "holds a card number; take it out, it is never needed",
}


class TicketNotFound(NotFound):
    """No such request, or not this person's."""


class InvalidTicket(Invalid):
    """The draft cannot be sent; `codes` maps a field to one of `SENTENCES`, for pages that say it in their own words."""

    def __init__(self, codes: dict[str, str]) -> None:
        super().__init__("The request cannot be sent yet.", {field: SENTENCES[code] for field, code in codes.items()})
        self.codes = codes


class KeyReused(Conflict):
    """One key, two different requests: the first was sent and is named here, the second was not."""

    def __init__(self, number: int) -> None:
        super().__init__("this key has already sent another request")
        self.number = number


@dataclass(frozen=True)
class Author:
    """Who writes: an agent, or a customer with or without account."""

    name: str
    account: str | None = None


@dataclass(frozen=True)
class Replied:
    """What became of a customer's reply: the request it now stands in, and whether that was reopened or newly begun."""

    ticket: Ticket
    created: bool
    reopened: bool = False
    continued: bool = False


def normal_email(text: str) -> str:
    """An e-mail address as we compare and keep it."""
    return text.strip().lower()


def problems(draft: TicketDraft) -> dict[str, str]:
    """What keeps a draft from being sent: field → code; empty when it can go."""
    found: dict[str, str] = {}
    for field, text, limit in (("subject", draft.subject, MAX_SUBJECT), ("message", draft.message, MAX_MESSAGE)):
        if not text.strip():
            found[field] = "missing"
        elif len(text) > limit:
            found[field] = "too_long"
        elif has_card_number(text):
            found[field] = "card_number"
    if not draft.email.strip():
        found["email"] = "missing"
    elif not _is_address(draft.email):
        found["email"] = "no_address"
    if len(draft.name) > 120:
        found["name"] = "too_long"
    return found


def _is_address(text: str) -> bool:
    try:
        # No look-up: whether the domain answers today says nothing about the person. `test_environment` lets example.test pass.
        validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return len(text) <= 254


def submit(db: Session, draft: TicketDraft, now: datetime) -> Submitted:
    """Write the request down, once: the same key gives the same ticket; raises `KeyReused` if its body differs, `InvalidTicket`."""
    codes = problems(draft)
    if codes:
        raise InvalidTicket(codes)
    digest = _digest(draft.subject, draft.message, normal_email(draft.email), draft.topic, draft.account or "")
    if earlier := _by_key(db, draft.key):
        return _repeat(db, earlier, digest, draft.attachments)
    try:
        with db.begin_nested():
            row = _write(db, draft, digest, now)
    except IntegrityError:
        # Another node was faster with the same key.
        earlier = _by_key(db, draft.key)
        if earlier is None:
            raise
        return _repeat(db, earlier, digest, draft.attachments)
    return Submitted(_ticket(row, _messages(db, row.id)), created=True)


def _by_key(db: Session, key: str) -> TicketRow | None:
    return db.scalar(select(TicketRow).where(TicketRow.key == key))


def _repeat(db: Session, row: TicketRow, digest: str, files: Sequence[StoredFile]) -> Submitted:
    # A repeat may leave files out: the first one has taken them from the draft. A file that the request does not hold is something new.
    held = set(db.scalars(select(AttachmentRow.sha256).join(MessageRow).where(MessageRow.ticket_id == row.id)))
    if row.digest != digest or any(f.sha256 not in held for f in files):
        raise KeyReused(row.number)
    return Submitted(_ticket(row, _messages(db, row.id)), created=False)


def _digest(*parts: str, files: Iterable[StoredFile] = ()) -> str:
    clean = [" ".join(part.split()) for part in parts] + sorted(f.sha256 for f in files)
    return hashlib.sha256("\x00".join(clean).encode()).hexdigest()


def _write(db: Session, draft: TicketDraft, digest: str, now: datetime) -> TicketRow:
    row = TicketRow(
        id=f"tkt-{uuid.uuid4().hex}",
        key=draft.key,
        digest=digest,
        subject=" ".join(draft.subject.split()),
        status=TicketStatus.OPEN.value,
        requester_email=normal_email(draft.email),
        requester_name=" ".join(draft.name.split()),
        account=draft.account,
        locale=draft.locale,
        topic=draft.topic,
        created_at=now,
        updated_at=now,
        promised_at=draft.promised_at,
        form_id=draft.form_id,
        search_id=draft.search_id,
        article_id=draft.article_id,
        followup_of=draft.followup_of,
        channel=draft.channel,
    )
    db.add(row)
    db.flush()
    author = Author(row.requester_name, draft.account)
    _say(db, row, MessageKind.CUSTOMER, author, draft.message, "first", now, draft.attachments)
    return row


def _say(
    db: Session, row: TicketRow, kind: MessageKind, author: Author, text: str, key: str, now: datetime, files: Sequence[StoredFile] = ()
) -> bool:
    """Add a message once per key; false if it was there. The same key with another text is another message that nobody sent: Conflict."""
    digest = _digest(kind.value, text, files=files)
    earlier = db.scalar(select(MessageRow).where(MessageRow.ticket_id == row.id, MessageRow.key == key))
    if earlier is not None:
        if earlier.digest != digest:
            raise KeyReused(row.number)
        return False
    text = text.replace("\r\n", "\n").strip()
    message = MessageRow(
        ticket_id=row.id, kind=kind.value, author=author.account, author_name=author.name, text=text, created_at=now, key=key, digest=digest
    )
    db.add(message)
    db.flush()
    for file in files:
        _attach(db, message, row.requester_email, file, now)
    row.updated_at = now
    return True


def _attach(db: Session, message: MessageRow, email: str, file: StoredFile, now: datetime) -> None:
    waiting = db.get(AttachmentRow, file.id)
    if waiting is not None:
        waiting.message_id, waiting.draft_id, waiting.requester_email = message.id, None, email
        return
    db.add(
        AttachmentRow(
            id=file.id,
            message_id=message.id,
            name=file.name,
            media_type=file.media_type,
            size=file.size,
            sha256=file.sha256,
            requester_email=email,
            created_at=now,
        )
    )


def reply(db: Session, number: int, author: Author, text: str, key: str, now: datetime, wait: bool = False) -> bool:
    """An agent's answer; false if this key had already sent it. With `wait` it becomes the customer's turn."""
    row = _row(db, number)
    _require_text(text)
    if not _say(db, row, MessageKind.REPLY, author, text, key, now):
        return False
    row.answered_at = row.answered_at or now
    row.status = (TicketStatus.WAITING if wait else TicketStatus.OPEN).value
    row.solved_at = None
    if row.assignee is None:
        row.assignee, row.assignee_name = author.account, author.name
    return True


def add_note(db: Session, number: int, author: Author, text: str, key: str, now: datetime) -> bool:
    """An internal note; false if this key had already written it."""
    _require_text(text)
    return _say(db, _row(db, number), MessageKind.NOTE, author, text, key, now)


def customer_reply(
    db: Session, number: int, author: Author, text: str, key: str, now: datetime, files: Sequence[StoredFile] = ()
) -> Replied:
    """The customer writes again: a request solved up to 14 days ago opens again, an older one is continued in a new one linked to it."""
    row = _row(db, number)
    if codes := problems_of_text(text):
        raise InvalidTicket(codes)
    if row.status == TicketStatus.SOLVED.value and row.solved_at is not None and now - row.solved_at > REOPEN_WITHIN:
        sent = submit(db, _continuation(row, author, text, key, files), now)
        return Replied(sent.ticket, sent.created, continued=True)
    was_solved = row.status == TicketStatus.SOLVED.value
    created = _say(db, row, MessageKind.CUSTOMER, author, text, key, now, files)
    if created:
        row.status, row.solved_at = TicketStatus.OPEN.value, None
    return Replied(_ticket(row, _messages(db, row.id)), created, reopened=created and was_solved)


def _continuation(row: TicketRow, author: Author, text: str, key: str, files: Sequence[StoredFile]) -> TicketDraft:
    return TicketDraft(
        subject=row.subject,
        message=text,
        email=row.requester_email,
        key=f"{row.id}/{key}"[:80],
        name=row.requester_name,
        locale=row.locale,
        topic=row.topic,
        account=row.account or author.account,
        attachments=tuple(files),
        followup_of=row.number,
        channel="thread",
    )


def problems_of_text(text: str) -> dict[str, str]:
    """What is wrong with a message on its own, as `problems` says it."""
    return problems(TicketDraft(subject="a subject", message=text, email="a@example.com", key=""))


def _require_text(text: str) -> None:
    if not text.strip():
        raise InvalidTicket({"message": "missing"})
    if len(text) > MAX_MESSAGE:
        raise InvalidTicket({"message": "too_long"})


def solve(db: Session, number: int, now: datetime) -> bool:
    """Call it solved; false if it already was."""
    row = _row(db, number)
    if row.status == TicketStatus.SOLVED.value:
        return False
    row.status, row.solved_at, row.updated_at = TicketStatus.SOLVED.value, now, now
    return True


def reopen(db: Session, number: int, now: datetime) -> bool:
    """Open a solved or waiting request again; false if it already was open."""
    row = _row(db, number)
    if row.status == TicketStatus.OPEN.value:
        return False
    row.status, row.solved_at, row.updated_at = TicketStatus.OPEN.value, None, now
    return True


def assign(db: Session, number: int, agent: Author | None, now: datetime) -> None:
    """Make it this agent's, or nobody's."""
    row = _row(db, number)
    row.assignee, row.assignee_name = (agent.account, agent.name) if agent else (None, "")
    row.updated_at = now


VIEWS = ("mine", "open", "waiting", "solved")


def queue(db: Session, view: str, agent: str | None = None, limit: int = 100, offset: int = 0) -> list[Ticket]:
    """The requests of one view: `mine` (this agent's and still to do), all `open`, `waiting` or `solved`; what is owed soonest first."""
    chosen = _in_view(select(TicketRow), view, agent)
    if view == "solved":
        chosen = chosen.order_by(TicketRow.solved_at.desc(), TicketRow.row.desc())
    else:
        owed = TicketRow.answered_at.is_(None)
        chosen = chosen.order_by(TicketRow.status, owed.desc(), func.coalesce(TicketRow.promised_at, TicketRow.updated_at), TicketRow.row)
    return [_ticket(row) for row in db.scalars(chosen.limit(limit).offset(offset))]


def queue_counts(db: Session, agent: str | None = None) -> dict[str, int]:
    """How many requests each view holds."""
    return {view: db.scalar(_in_view(select(func.count()).select_from(TicketRow), view, agent)) or 0 for view in VIEWS}


def _in_view(statement: Select[Any], view: str, agent: str | None) -> Select[Any]:
    if view == "mine":
        return statement.where(TicketRow.assignee == agent, TicketRow.status != TicketStatus.SOLVED.value)
    return statement.where(TicketRow.status == TicketStatus(view).value)


def find(db: Session, number: int) -> Ticket:
    """The request with this number, messages and notes included; raises `TicketNotFound`. Only for people who may see every request."""
    row = _row(db, number)
    return _ticket(row, _messages(db, row.id))


def locales_of(db: Session, contacts: Sequence[str]) -> dict[str, str]:
    """In which language those of these contacts were written that are requests of ours, or messages in one (`request.message`)."""
    requests = sorted({contact.split(".")[0] for contact in contacts})
    found: dict[str, str] = {}
    for i in range(0, len(requests), 400):
        chosen = select(TicketRow.id, TicketRow.locale).where(TicketRow.id.in_(requests[i : i + 400]))
        found |= {row.id: row.locale for row in db.execute(chosen)}
    return {contact: found[id] for contact in contacts if (id := contact.split(".")[0]) in found}


def number_of(db: Session, ticket_id: str) -> int | None:
    """The number of the request that has this id, or whose words do (`id.message`); None if it is none of ours."""
    row = db.scalar(select(TicketRow).where(TicketRow.id == ticket_id.partition(".")[0]))
    return row.number if row else None


def find_own(db: Session, number: int, email: str, account: str | None = None) -> Ticket:
    """The same for its requester, without notes; anybody else's number raises `TicketNotFound` just as a number that does not exist."""
    row = _row(db, number)
    if not (row.requester_email == normal_email(email) or (account is not None and row.account == account)):
        raise TicketNotFound("no request of yours has this number")
    return _ticket(row, [m for m in _messages(db, row.id) if m.kind is not MessageKind.NOTE])


def tickets_of(db: Session, email: str, account: str | None = None, status: TicketStatus | None = None, limit: int = 200) -> list[Ticket]:
    """The requests of one person, by verified address or account, newest change first."""
    own = TicketRow.requester_email == normal_email(email)
    chosen = select(TicketRow).where(or_(own, TicketRow.account == account) if account else own)
    if status:
        chosen = chosen.where(TicketRow.status == status.value)
    return [_ticket(row) for row in db.scalars(chosen.order_by(TicketRow.updated_at.desc(), TicketRow.row.desc()).limit(limit))]


def find_duplicate(db: Session, email: str, subject: str, now: datetime, among: Collection[int] | None = None) -> Ticket | None:
    """The newest request by the same sender on the same subject in the last two hours, still unsolved; only `among` these numbers."""
    recent = select(TicketRow).where(
        TicketRow.requester_email == normal_email(email),
        TicketRow.created_at > now - DUPLICATE_WITHIN,
        TicketRow.created_at <= now,
        TicketRow.status != TicketStatus.SOLVED.value,
    )
    if among is not None:
        recent = recent.where(TicketRow.row.in_([number - FIRST_NUMBER + 1 for number in among]))
    wanted = _words(subject)
    for row in db.scalars(recent.order_by(TicketRow.row.desc()).limit(20)):
        have = _words(row.subject)
        if wanted and have and len(wanted & have) / len(wanted | have) >= 0.6:
            return _ticket(row)
    return None


def _words(text: str) -> set[str]:
    return {word.strip(".,;:!?()\"'“”").casefold() for word in text.split()} - {""}


def sent_with_key(db: Session, key: str) -> Ticket | None:
    """The request that this key has already sent, if it has."""
    row = _by_key(db, key)
    return _ticket(row) if row else None


def _row(db: Session, number: int) -> TicketRow:
    # An integer column has an end; a larger number in an address is simply not there.
    row = db.scalar(select(TicketRow).where(TicketRow.row == number - FIRST_NUMBER + 1)) if FIRST_NUMBER <= number < 2**31 else None
    if row is None:
        raise TicketNotFound("no request has this number")
    return row


def _messages(db: Session, ticket_id: str) -> list[Message]:
    rows = db.scalars(select(MessageRow).where(MessageRow.ticket_id == ticket_id).order_by(MessageRow.created_at, MessageRow.id)).all()
    files: dict[int, list[Attachment]] = {}
    if rows:
        attached = select(AttachmentRow).where(AttachmentRow.message_id.in_([r.id for r in rows])).order_by(AttachmentRow.created_at)
        for a in db.scalars(attached):
            files.setdefault(a.message_id or 0, []).append(Attachment(a.id, a.name, a.media_type, a.size))
    return [Message(r.id, MessageKind(r.kind), r.author, r.author_name, r.text, r.created_at, tuple(files.get(r.id, ()))) for r in rows]


def _ticket(row: TicketRow, messages: Iterable[Message] = ()) -> Ticket:
    same = (
        "id",
        "number",
        "subject",
        "requester_email",
        "requester_name",
        "account",
        "locale",
        "topic",
        "created_at",
        "updated_at",
        "solved_at",
        "promised_at",
        "answered_at",
        "assignee",
        "assignee_name",
        "form_id",
        "search_id",
        "article_id",
        "followup_of",
        "channel",
    )
    return Ticket(status=TicketStatus(row.status), messages=tuple(messages), **{name: getattr(row, name) for name in same})
