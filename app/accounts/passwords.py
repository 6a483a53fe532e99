"""Passwords: which are accepted, how they are kept, and how many may be hashed at once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import Invalid, Unavailable

LONGEST = 1024
"""A longer password only makes the hash cost more."""
SHORTEST = 10

hasher = PasswordHasher()

# One hash takes 64 MB and a good part of a second of a core: two at a time leave the rest of the portal alive.
_SLOTS = BoundedSemaphore(2)
_PATIENCE_SECONDS = 20


@cache
def _dummy() -> str:
    return hasher.hash("an account that does not exist takes as long as one that does")


WELL_KNOWN = frozenset(Path(__file__).with_name("well_known_passwords.txt").read_text("utf-8").splitlines())
"""Long enough to pass and guessed first all the same."""


class PasswordRefused(Invalid):
    """The new password is `too short`, `too long` or `well known`: `reason` says which."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message, {"password": message})
        self.reason = reason


def check_new_password(password: str, email: str = "") -> None:
    """Refuse a new password that would be guessed; what characters it is made of is its owner's choice."""
    if len(password) < SHORTEST:
        raise PasswordRefused("too short", f"Use at least {SHORTEST} characters. Three or four words together make a good password.")
    if len(password) > LONGEST:
        raise PasswordRefused("too long", f"Use at most {LONGEST} characters.")
    if _is_well_known(password, email):
        raise PasswordRefused("well known", "This password is among the first that others would try. Choose another one.")


def _is_well_known(password: str, email: str) -> bool:
    folded = password.casefold()
    return folded in WELL_KNOWN or len(set(folded)) <= 2 or (bool(email) and folded in {email, email.split("@")[0] * 2})


def hash_password(password: str) -> str:
    """What is kept of a password."""
    with _slot():
        return hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether this is the password; without a stored one it takes the same time and the answer is no."""
    password = password[: LONGEST + 1]
    dummy = _dummy()
    with _slot():
        try:
            return hasher.verify(stored or dummy, password) and stored is not None and len(password) <= LONGEST
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return hasher.check_needs_rehash(stored)


class _slot:
    def __enter__(self) -> None:
        if not _SLOTS.acquire(timeout=_PATIENCE_SECONDS):
            raise Unavailable("too many people are signing in at this moment")

    def __exit__(self, *_exception: object) -> None:
        _SLOTS.release()
