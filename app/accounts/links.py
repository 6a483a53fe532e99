"""Links sent by mail: 30 minutes, one use, one purpose. Whether the address is known makes no difference here."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session as Db

from app.accounts.models import LinkRow
from app.accounts.secrets import hash_secret, new_secret
from app.accounts.users import normal_email
from app.errors import Invalid

MINUTES = 30


class LinkExpired(Invalid):
    """The link was used, is older than 30 minutes, or never was one: the three look alike."""


def request_link(db: Db, email: str, purpose: str, now: datetime) -> str:
    """A secret that proves, once, that whoever shows it reads the mail of this address."""
    secret = new_secret()
    # Old rows go a day late, so that a second click still finds its own and not nothing.
    db.execute(delete(LinkRow).where(LinkRow.expires_at <= now - timedelta(days=1)))
    db.add(
        LinkRow(
            token_hash=hash_secret(secret),
            email=normal_email(email),
            purpose=purpose,
            created_at=now,
            expires_at=now + timedelta(minutes=MINUTES),
        )
    )
    db.flush()
    return secret


def check_link(db: Db, token: str, purpose: str, now: datetime) -> str:
    """The address of a link that still works, without using it: for the page that asks for a press of a button."""
    query = select(LinkRow.email).where(LinkRow.token_hash == hash_secret(token), LinkRow.purpose == purpose)
    email = db.scalar(query.where(LinkRow.used_at.is_(None), LinkRow.expires_at > now))
    if email is None:
        raise LinkExpired("This link was used or is older than 30 minutes. Ask for a new one.")
    return email


def use_link(db: Db, token: str, purpose: str, now: datetime) -> str:
    """Use the link up and return its address; of two at the same moment one wins."""
    query = update(LinkRow).where(LinkRow.token_hash == hash_secret(token), LinkRow.purpose == purpose)
    query = query.where(LinkRow.used_at.is_(None), LinkRow.expires_at > now)
    row = db.execute(query.values(used_at=now).returning(LinkRow.email)).first()
    if row is None:
        raise LinkExpired("This link was used or is older than 30 minutes. Ask for a new one.")
    email: str = row[0]
    # One use proves the address: the other links to it that still lie in the mailbox have done their work.
    others = update(LinkRow).where(LinkRow.email == email, LinkRow.purpose == purpose, LinkRow.used_at.is_(None))
    db.execute(others.values(used_at=now))
    return email
