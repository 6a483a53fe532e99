"""What admins did to accounts, in order, never changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session as Db

from app.accounts.models import AdminAct, AdminActRow


def note_act(db: Db, actor: str, verb: str, subject: str, now: datetime, detail: str = "") -> None:
    """Write one act into the log, in the transaction of the act itself."""
    db.add(AdminActRow(at=now, actor=actor[:254], verb=verb[:40], subject=subject[:254], detail=detail[:500]))
    db.flush()


def list_acts(db: Db, limit: int = 100, offset: int = 0) -> list[AdminAct]:
    """The log, the newest act first."""
    query = select(AdminActRow).order_by(AdminActRow.id.desc()).limit(limit).offset(offset)
    return [row.value() for row in db.scalars(query)]
