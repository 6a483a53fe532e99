"""Signing in with a password: one answer for everything that is wrong, and a limit on how often one may be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session as Db

from app.accounts.models import User, UserRow
from app.accounts.one_time_codes import use_code
from app.accounts.passwords import hash_password, is_outdated, verify_password
from app.accounts.sessions import DAYS, open_session
from app.accounts.throttle import Limit, TooMany, admit, forgive, forgive_last
from app.db import Database
from app.errors import KnowledgeBaseError

KIND = "sign-in"
CODE_KIND = "one-time-code"


class SignInFailed(KnowledgeBaseError):
    """Address or password is wrong, or the account is disabled or has no password: nobody is told which."""


class CodeNeeded(KnowledgeBaseError):
    """The password is right, and this account asks for a one-time code too: no session is open yet."""

    def __init__(self, user: User) -> None:
        super().__init__("a one-time code is needed")
        self.user = user


class SignInThrottled(TooMany):
    """Too many failed sign-ins for this account or from this address."""


@dataclass(frozen=True)
class SignInRules:
    """How many failures, how long the wait, and how many days a sign-in lasts."""

    attempts: int = 10
    wait: timedelta = timedelta(minutes=15)
    days: int = DAYS


def sign_in(
    database: Database, email: str, password: str, address: str, user_agent: str, now: datetime, rules: SignInRules | None = None
) -> tuple[User, str]:
    """The user and the secret of a new session, or `SignInFailed`, `SignInThrottled` or `CodeNeeded`.

    Takes the database and not a session: hashing takes most of a second, and no transaction may be open meanwhile.
    """
    rules = rules or SignInRules()
    email = email.strip().lower()[:254]
    account_key, address_key = f"account:{email}", f"address:{address}"
    limit = Limit(rules.attempts, rules.wait)
    with database.durable_session() as db:
        try:
            admit(db, KIND, (account_key, address_key), limit, now)
        except TooMany as error:
            raise SignInThrottled("too many failed sign-ins", error.retry_after) from None
        row = db.scalar(select(UserRow).where(UserRow.email == email))
        user = row.value() if row else None
        stored = row.password_hash if row else None
    if not verify_password(stored, password) or user is None or stored is None or user.disabled:
        raise SignInFailed("email or password is wrong")
    fresh = hash_password(password) if is_outdated(stored) else None
    with database.durable_session() as db:
        row = db.get(UserRow, user.id)
        if row is None or row.disabled or row.password_hash != stored:
            # Disabled, erased or given another password while we were hashing.
            raise SignInFailed("email or password is wrong")
        if fresh:
            row.password_hash = fresh
        forgive(db, KIND, [account_key])
        # Only this one try is taken back from the address: its failures against other accounts still count.
        forgive_last(db, KIND, address_key)
        found = row.value()
        if not found.asks_for_codes:
            return found, open_session(db, found, address, user_agent, now, rules.days)
    raise CodeNeeded(found)


def sign_in_with_code(
    database: Database, user: User, code: str, address: str, user_agent: str, now: datetime, rules: SignInRules | None = None
) -> str:
    """The second step, for whoever did the first: the secret of a new session, or `SignInFailed` or `SignInThrottled`."""
    rules = rules or SignInRules()
    with database.durable_session() as db:
        admit_code(db, user, now, rules)
    with database.durable_session() as db:
        if not use_code(db, user.id, code, now):
            raise SignInFailed("the code is wrong")
        forgive(db, CODE_KIND, [f"account:{user.id}"])
        return open_session(db, user, address, user_agent, now, rules.days)


def admit_code(db: Db, user: User, now: datetime, rules: SignInRules) -> None:
    """Count a try at a code, wherever it is asked for, or raise `SignInThrottled`.

    By account only: whoever gets this far has the password or the mailbox, and six digits must not be tried from many addresses.
    """
    try:
        admit(db, CODE_KIND, [f"account:{user.id}"], Limit(rules.attempts, rules.wait), now)
    except TooMany as error:
        raise SignInThrottled("too many wrong codes", error.retry_after) from None
