"""Keys for programs: made once, shown once, limited to scopes, ended at will."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session as Db

from app.accounts.models import SCOPES, ApiToken, ApiTokenRow, User, UserRow
from app.accounts.secrets import hash_secret, new_id, new_secret
from app.errors import Invalid, NotFound

PREFIX = "hylla_"
"""Lets a scanner of repositories and logs recognise a leaked token."""


class InvalidScope(Invalid):
    """A scope that does not exist was asked for."""


def make_token(db: Db, user: User, name: str, scopes: Iterable[str], now: datetime) -> str:
    """A new token for a program that acts for `user`; the secret is returned this once and never again."""
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown or not wanted:
        message = f"{', '.join(unknown) or 'Nothing'} is no scope; choose from {', '.join(SCOPES)}."
        raise InvalidScope(message, {"scopes": message})
    secret = PREFIX + new_secret()
    db.add(
        ApiTokenRow(
            id=new_id(),
            token_hash=hash_secret(secret),
            name=name.strip()[:200] or "token",
            user_id=user.id,
            scopes=" ".join(wanted),
            created_at=now,
        )
    )
    db.flush()
    return secret


def user_of_token(db: Db, secret: str) -> tuple[User, ApiToken] | None:
    """Whose token this is and what it may do; None for a wrong or ended one and for a disabled account."""
    query = select(ApiTokenRow, UserRow).join(UserRow, UserRow.id == ApiTokenRow.user_id)
    found = db.execute(query.where(ApiTokenRow.token_hash == hash_secret(secret))).one_or_none()
    if found is None:
        return None
    token, user = found
    if token.revoked_at is not None or user.disabled:
        return None
    return user.value(), token.value()


def touch_token(db: Db, token_id: str, now: datetime) -> None:
    """Note that the token was used."""
    db.execute(update(ApiTokenRow).where(ApiTokenRow.id == token_id).values(last_used_at=now))


def list_tokens(db: Db, user: User | None = None) -> list[ApiToken]:
    """All tokens, or those of one user, the newest first."""
    query = select(ApiTokenRow).order_by(ApiTokenRow.created_at.desc(), ApiTokenRow.id)
    if user:
        query = query.where(ApiTokenRow.user_id == user.id)
    return [row.value() for row in db.scalars(query)]


def revoke_token(db: Db, token_id: str, now: datetime) -> None:
    """End a token for good."""
    row = db.get(ApiTokenRow, token_id)
    if row is None:
        raise NotFound("there is no such token")
    row.revoked_at = row.revoked_at or now
    db.flush()
