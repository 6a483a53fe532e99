"""The second step of signing in: a code of six digits that an app computes from a shared secret and the time (RFC 6238).

No library: the RFC is fixed, and the whole of it is the ten lines of `code_of_step`, which its own test vectors check.
The secret is kept as it is, like every secret that a server itself must compute with: whoever reads the database has it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

from sqlalchemy import update
from sqlalchemy.orm import Session as Db

from app.accounts.models import User, UserRow

SECONDS = 30
DIGITS = 6
DRIFT = 1
"""Steps that a clock may be off, either way."""


def new_code_secret() -> str:
    """A secret as authenticator apps take it: 160 random bits, as long as the hash, in base32."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_of_step(secret: str, step: int, digits: int = DIGITS) -> str:
    """The code of one step of time (RFC 4226, section 5.3)."""
    digest = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def step_of(now: datetime) -> int:
    """The number of the step of time that a moment lies in."""
    return int(now.timestamp()) // SECONDS


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The step that this is the code of: this one, the one before or the one after. Takes as long whichever it is."""
    given, here = "".join(code.split()).encode("utf-8", "surrogatepass"), step_of(now)
    matches = [
        step
        for step in range(here - DRIFT, here + DRIFT + 1)
        if hmac.compare_digest(code_of_step(secret, step).encode(), given)  # on bytes: as text it refuses what is not ASCII
    ]
    return max(matches, default=None)


def app_address(secret: str, email: str, issuer: str) -> str:
    """What an authenticator app opens to take the secret up."""
    return f"otpauth://totp/{quote(issuer, safe='')}:{quote(email, safe='@')}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"


def turn_codes_on(db: Db, user_id: str, secret: str, code: str, now: datetime) -> bool:
    """Ask for codes from now on, if the owner can make one. Codes that are on stay as they are: a new secret needs them off first."""
    step = matching_step(secret, code, now)
    if step is None:
        return False
    query = update(UserRow).where(UserRow.id == user_id, UserRow.totp_secret.is_(None))
    done = db.execute(query.values(totp_secret=secret, totp_last_step=step).returning(UserRow.id))
    return done.first() is not None


def turn_codes_off(db: Db, user_id: str) -> None:
    """Ask for no codes any more; the caller has made sure that it may."""
    db.execute(update(UserRow).where(UserRow.id == user_id).values(totp_secret=None, totp_last_step=0))


def use_code(db: Db, user_id: str, code: str, now: datetime) -> bool:
    """Use a code up. Each works once, and none that is older than the last one used; of two at the same moment one wins."""
    row = db.get(UserRow, user_id)
    if row is None or row.disabled or row.totp_secret is None:
        return False
    step = matching_step(row.totp_secret, code, now)
    if step is None:
        return False
    query = update(UserRow).where(UserRow.id == user_id, UserRow.totp_secret == row.totp_secret, UserRow.totp_last_step < step)
    return db.execute(query.values(totp_last_step=step).returning(UserRow.id)).first() is not None


def first_step_stamp(db: Db, user_id: str) -> str:
    """Changes with the password and with the secret, so that a first step done before is worth nothing after. Empty: no such step."""
    row = db.get(UserRow, user_id)
    if row is None or row.disabled or row.totp_secret is None:
        return ""
    return hmac.new(row.totp_secret.encode(), f"{row.id} {row.password_hash}".encode(), hashlib.sha256).hexdigest()


def user_of_first_step(db: Db, user_id: str, stamp: str) -> User | None:
    """Who did the first step; None when the account was closed, or its password or secret changed since."""
    row, now_stamp = db.get(UserRow, user_id), first_step_stamp(db, user_id)
    return row.value() if row and now_stamp and hmac.compare_digest(now_stamp.encode(), stamp.encode()) else None
