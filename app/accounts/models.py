"""Rows of the accounts room, and the values it gives to everybody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UtcDateTime


class Role(StrEnum):
    """What a person may do. A visitor, who is not signed in, has none."""

    CUSTOMER = "customer"
    """Own requests, and articles for whoever is signed in."""
    AGENT = "agent"
    """Everybody's requests and internal articles."""
    WRITER = "writer"
    """What an agent may, and the writer tools."""
    MANAGER = "manager"
    """What an agent may, and the reports."""
    ADMIN = "admin"
    """Everything, accounts included."""


STAFF_ROLES = frozenset({Role.AGENT, Role.WRITER, Role.MANAGER, Role.ADMIN})

SCOPES: dict[str, str] = {
    "read": "Read articles and search, with the eyes of the token's account.",
    "tickets:write": "Send requests in the name of anybody.",
}
"""What an API token can be allowed, and the sentence that says so: a closed list."""


@dataclass(frozen=True)
class User:
    """An account, as the other rooms and the web know it: never with its password."""

    id: str
    email: str
    name: str
    role: Role
    locale: str
    disabled: bool
    created_at: datetime
    has_password: bool = False
    asks_for_codes: bool = False
    """Whether signing in takes a second step: a one-time code."""
    reads_queries: bool = False
    """Whether they may read what one person searched for: a permission of its own, that no role includes."""

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF_ROLES


@dataclass(frozen=True)
class Session:
    """One sign-in of a user on one browser."""

    id: str
    """Names the session on pages and in forms; it is not the secret in the cookie."""
    user_id: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str
    user_agent: str


@dataclass(frozen=True)
class ApiToken:
    """A key for programs, without its secret, which only its maker saw once."""

    id: str
    name: str
    user_id: str
    scopes: frozenset[str]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True)
class AdminAct:
    """One line of the audit log: who did what to which account."""

    at: datetime
    actor: str
    """E-mail of the admin, or `command line`."""
    verb: str
    subject: str
    detail: str


class UserRow(Base):
    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    locale: Mapped[str] = mapped_column(String(35), default="")
    password_hash: Mapped[str | None] = mapped_column(Text, default=None)
    disabled: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    totp_secret: Mapped[str | None] = mapped_column(String(32), default=None)
    totp_last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    reads_queries: Mapped[bool] = mapped_column(Boolean, default=False)

    def value(self) -> User:
        return User(
            self.id,
            self.email,
            self.name,
            Role(self.role),
            self.locale,
            self.disabled,
            self.created_at,
            has_password=self.password_hash is not None,
            asks_for_codes=self.totp_secret is not None,
            reads_queries=self.reads_queries,
        )


class SessionRow(Base):
    """A sign-in. `token_hash` is the SHA-256 of the cookie, so a read of this table signs nobody in."""

    __tablename__ = "sign_in_sessions"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    address: Mapped[str] = mapped_column(String(64), default="")
    user_agent: Mapped[str] = mapped_column(String(300), default="")

    def value(self) -> Session:
        return Session(self.id, self.user_id, self.created_at, self.last_seen_at, self.expires_at, self.address, self.user_agent)


class LinkRow(Base):
    """A link sent by mail: good for one use, for one purpose, for half an hour."""

    __tablename__ = "sign_in_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    purpose: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class ApiTokenRow(Base):
    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    scopes: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)

    def value(self) -> ApiToken:
        scopes = frozenset(self.scopes.split())
        return ApiToken(self.id, self.name, self.user_id, scopes, self.created_at, self.last_used_at, self.revoked_at)


class AttemptRow(Base):
    """One try of something that is limited: `kind` says of what, `key` of whom (hashed: an address book is not our business)."""

    __tablename__ = "limited_attempts"
    __table_args__ = (Index("ix_limited_attempts_kind_key_at", "kind", "key", "at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(30))
    key: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class AdminActRow(Base):
    __tablename__ = "admin_acts"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    actor: Mapped[str] = mapped_column(String(254))
    verb: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(254))
    detail: Mapped[str] = mapped_column(String(500), default="")

    def value(self) -> AdminAct:
        return AdminAct(self.at, self.actor, self.verb, self.subject, self.detail)
