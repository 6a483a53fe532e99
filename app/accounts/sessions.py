"""Sign-in sessions: a row for each, so that any of them can be ended from anywhere at any moment."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session as Db

from app.accounts.models import STAFF_ROLES, Role, Session, SessionRow, User, UserRow
from app.accounts.secrets import hash_secret, new_id, new_secret

DAYS = 14


def open_session(db: Db, user: User, address: str, user_agent: str, now: datetime, days: int = DAYS) -> str:
    """Start a session and return the secret for its cookie: always a new one, so that none can be planted beforehand."""
    secret = new_secret()
    db.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
    db.add(
        SessionRow(
            id=new_id(),
            token_hash=hash_secret(secret),
            user_id=user.id,
            created_at=now,
            last_seen_at=now,
            expires_at=now + timedelta(days=days),
            address=address[:64],
            user_agent=user_agent[:300],
        )
    )
    db.flush()
    return secret


def session_of_token(db: Db, token: str, now: datetime, staff_idle: timedelta | None = None) -> tuple[User, Session] | None:
    """Who holds this cookie, and in which session; None when it ended, expired, or its account is disabled.

    A session of staff also ends when it was not used for `staff_idle`: behind it are other people's requests.
    """
    query = select(SessionRow, UserRow).join(UserRow, UserRow.id == SessionRow.user_id)
    found = db.execute(query.where(SessionRow.token_hash == hash_secret(token))).one_or_none()
    if found is None:
        return None
    session, user = found
    if session.expires_at <= now or user.disabled:
        return None
    if staff_idle is not None and Role(user.role) in STAFF_ROLES and session.last_seen_at + staff_idle <= now:
        return None
    return user.value(), session.value()


def user_of_session(db: Db, token: str, now: datetime) -> User | None:
    """Who holds this cookie, with the role of this moment."""
    found = session_of_token(db, token, now)
    return found[0] if found else None


def touch_session(db: Db, session_id: str, now: datetime) -> None:
    """Note that the session was used."""
    db.execute(update(SessionRow).where(SessionRow.id == session_id).values(last_seen_at=now))


def sessions_of(db: Db, user: User, now: datetime) -> list[Session]:
    """The user's open sessions, the last used first."""
    query = select(SessionRow).where(SessionRow.user_id == user.id, SessionRow.expires_at > now)
    return [row.value() for row in db.scalars(query.order_by(SessionRow.last_seen_at.desc(), SessionRow.id))]


def end_session(db: Db, token: str) -> None:
    """End the session of this cookie; harmless when it has ended."""
    db.execute(delete(SessionRow).where(SessionRow.token_hash == hash_secret(token)))


def end_session_by_id(db: Db, user: User, session_id: str) -> bool:
    """End one of the user's own sessions; false when there is no such one, whosever it may be."""
    done = db.execute(delete(SessionRow).where(SessionRow.id == session_id, SessionRow.user_id == user.id).returning(SessionRow.id))
    return done.first() is not None


def end_other_sessions(db: Db, user: User, token: str) -> int:
    """End all of the user's sessions but the one of this cookie; an empty token ends them all. Returns how many ended."""
    query = delete(SessionRow).where(SessionRow.user_id == user.id, SessionRow.token_hash != hash_secret(token))
    return len(db.execute(query.returning(SessionRow.id)).all())
