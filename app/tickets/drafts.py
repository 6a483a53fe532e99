"""Words typed and not yet sent: kept so that an error, a sign-in or a lost session never costs a person their text, and then forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from app.tickets.models import AttachmentRow, DraftRow

KEEP_CUSTOMER_DRAFTS = timedelta(days=2)
KEEP_AGENT_DRAFTS = timedelta(days=30)
_AGENT = "agent/"


@dataclass(frozen=True)
class KeptDraft:
    """What was typed, by field, and when it was last kept."""

    fields: dict[str, str]
    updated_at: datetime


def keep_draft(db: Session, draft_id: str, fields: dict[str, str], now: datetime) -> None:
    """Keep these words under an id; the newest stay."""
    insert = sqlite_insert if db.get_bind().dialect.name == "sqlite" else postgresql_insert
    new = insert(DraftRow).values(id=draft_id, fields=fields, updated_at=now)
    db.execute(
        new.on_conflict_do_update(index_elements=["id"], set_={"fields": new.excluded.fields, "updated_at": new.excluded.updated_at})
    )


def kept_draft(db: Session, draft_id: str) -> KeptDraft | None:
    """What is kept under an id."""
    row = db.scalar(select(DraftRow).where(DraftRow.id == draft_id))
    return KeptDraft({str(k): str(v) for k, v in row.fields.items()}, row.updated_at) if row else None


def forget_draft(db: Session, draft_id: str) -> None:
    """The words were sent, or are no longer wanted."""
    db.execute(delete(DraftRow).where(DraftRow.id == draft_id))
    db.execute(delete(AttachmentRow).where(AttachmentRow.draft_id == draft_id))


def agent_draft_id(ticket_id: str, agent: str, kind: str) -> str:
    """Where an agent's unsent reply or note to a request is kept."""
    return f"{_AGENT}{ticket_id}/{agent}/{kind}"


def forget_old_drafts(db: Session, now: datetime) -> int:
    """Customers' drafts go after two days, agents' after thirty."""
    is_agent = DraftRow.id.startswith(_AGENT)
    old = [
        *db.scalars(select(DraftRow.id).where(~is_agent, DraftRow.updated_at < now - KEEP_CUSTOMER_DRAFTS)),
        *db.scalars(select(DraftRow.id).where(is_agent, DraftRow.updated_at < now - KEEP_AGENT_DRAFTS)),
    ]
    for draft_id in old:
        forget_draft(db, draft_id)
    stray = AttachmentRow.draft_id.is_not(None) & (AttachmentRow.created_at < now - KEEP_CUSTOMER_DRAFTS)
    db.execute(delete(AttachmentRow).where(stray))
    return len(old)


def others_writing(db: Session, ticket_id: str, agent: str, since: datetime) -> list[str]:
    """Names of the other agents who have been writing in this request since then."""
    prefix = f"{_AGENT}{ticket_id}/"
    rows = db.scalars(select(DraftRow).where(DraftRow.id.startswith(prefix, autoescape=True), DraftRow.updated_at >= since))
    return sorted({str(r.fields.get("name", "")) for r in rows if not r.id.startswith(f"{prefix}{agent}/") and r.fields.get("text")})
