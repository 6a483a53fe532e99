"""Tables of this room. Events are append-only; everything else here can be computed again from them.

Times are integers, milliseconds since the epoch, because the outcome rules compare them exactly. An *actor* is the narrowest
name an event came with: `v:` browser, `t:` tab, `a:` account, `r:` sender, `k:` ticket, `g:` global.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Float, Index, Integer, String, Text
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
    )

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    event_id: Mapped[str] = mapped_column(String(128), unique=True)
    type: Mapped[str] = mapped_column(String(16))
    t: Mapped[int] = mapped_column(BigInteger)
    t_recv: Mapped[int] = mapped_column(BigInteger)
    t_client: Mapped[int | None] = mapped_column(BigInteger)
    t_sent: Mapped[int | None] = mapped_column(BigInteger)
    day: Mapped[int] = mapped_column(Integer, doc="UTC day of t_recv, days since the epoch: what retention drops by")
    actor: Mapped[str] = mapped_column(String(400))
    visitor: Mapped[str | None] = mapped_column(String(128))
    tab: Mapped[str | None] = mapped_column(String(128))
    account: Mapped[str | None] = mapped_column(String(128))
    role: Mapped[str] = mapped_column(String(8))
    ua: Mapped[str] = mapped_column(Text)
    ref: Mapped[str | None] = mapped_column(String(128))
    body: Mapped[str] = mapped_column(Text, doc="the fields that only this type has, as JSON")


class IdentityEdge(Base):
    """Two names that must be judged together: a browser and an account, a ticket and the form it came from."""

    __tablename__ = "identity_edge"
    __table_args__ = (Index("ix_identity_edge_b", "b"),)

    a: Mapped[str] = mapped_column(String(400), primary_key=True)
    b: Mapped[str] = mapped_column(String(400), primary_key=True)


class Dirty(Base):
    """An actor whose outcomes must be computed again; written in the transaction that wrote its event."""

    __tablename__ = "dirty"
    __table_args__ = (Index("ix_dirty_since", "since"),)

    actor: Mapped[str] = mapped_column(String(400), primary_key=True)
    since: Mapped[int] = mapped_column(BigInteger)
    cause: Mapped[str] = mapped_column(String(128), doc="event_id of the latest event that marked it")
