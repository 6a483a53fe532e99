"""What people who were still stuck said about an article. For writers; it never feeds an outcome."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Index, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.db import Base, UtcDateTime
from app.deflection.recording.redaction import redact


class CommentRow(Base):
    """One comment; the id is that of the view it belongs to, so that sending it twice keeps one."""

    __tablename__ = "comment"
    __table_args__ = (Index("ix_comment_article_at", "article", "at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    article: Mapped[str] = mapped_column(String(128))
    locale: Mapped[str] = mapped_column(String(35))
    revision: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True)
class Comment:
    """A reason, and perhaps words, about one article at one revision."""

    id: str
    article: str
    locale: str
    revision: str
    reason: str
    text: str
    at: datetime


def leave_comment(db: Session, comment: Comment) -> None:
    """Keep a comment, redacted; a second one for the same view replaces the first."""
    clean = replace(comment, text=redact(comment.text))
    db.merge(CommentRow(**{name: getattr(clean, name) for name in Comment.__dataclass_fields__}))


def comments_of(db: Session, article: str, limit: int = 50) -> list[Comment]:
    """What was said about an article, newest first."""
    rows = db.scalars(select(CommentRow).where(CommentRow.article == article).order_by(CommentRow.at.desc(), CommentRow.id).limit(limit))
    return [Comment(**{name: getattr(row, name) for name in Comment.__dataclass_fields__}) for row in rows]
