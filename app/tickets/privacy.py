"""One requester's requests: all of it given out, or all of it erased."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.tickets.models import AttachmentRow, DeliveryRow, DraftRow, MessageRow, TicketArticleRow, TicketRow


def export_requester(db: Session, email: str) -> list[dict[str, Any]]:
    """Every request of an address with what was said in it; notes among staff are not the requester's and stay out."""
    return [
        {
            "number": ticket.row,
            "subject": ticket.subject,
            "status": ticket.status,
            "name": ticket.requester_name,
            "created_at": ticket.created_at,
            "messages": [
                {"at": m.created_at, "by": m.author_name, "text": m.text}
                for m in db.scalars(select(MessageRow).where(MessageRow.ticket_id == ticket.id).order_by(MessageRow.id))
                if m.kind != "note"
            ],
        }
        for ticket in db.scalars(select(TicketRow).where(TicketRow.requester_email == _normal(email)).order_by(TicketRow.row))
    ]


def erase_requester(db: Session, email: str, attachments_folder: Path) -> int:
    """Delete an address's requests, messages, files, drafts and mail; returns how many requests there were."""
    address = _normal(email)
    tickets = list(db.scalars(select(TicketRow.id).where(TicketRow.requester_email == address)))
    messages = list(db.scalars(select(MessageRow.id).where(MessageRow.ticket_id.in_(tickets))))
    files = list(
        db.scalars(select(AttachmentRow.id).where((AttachmentRow.requester_email == address) | AttachmentRow.message_id.in_(messages)))
    )
    db.execute(delete(AttachmentRow).where(AttachmentRow.id.in_(files)))
    db.execute(delete(TicketArticleRow).where(TicketArticleRow.ticket_id.in_(tickets)))
    db.execute(delete(MessageRow).where(MessageRow.id.in_(messages)))
    db.execute(delete(TicketRow).where(TicketRow.id.in_(tickets)))
    _erase_mentions(db, DeliveryRow, "payload", address, tickets)
    _erase_mentions(db, DraftRow, "fields", address, [])
    for name in files:
        (attachments_folder / name).unlink(missing_ok=True)
    return len(tickets)


def _erase_mentions(db: Session, table: type[DeliveryRow] | type[DraftRow], column: str, address: str, tickets: list[str]) -> None:
    """Rows whose JSON speaks of the address anywhere, or that belong to one of the tickets; both tables are short-lived and small."""
    for row in db.scalars(select(table)):
        if address in str(getattr(row, column)).lower() or getattr(row, "ticket_id", None) in tickets:
            db.delete(row)


def _normal(email: str) -> str:
    return email.strip().lower()
