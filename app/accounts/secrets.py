"""Random secrets that we hand out once and keep only as a hash."""

from __future__ import annotations

import hashlib
import secrets
import uuid


def new_secret() -> str:
    """256 random bits, safe in an address, a cookie or a header."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """What is kept of a secret. A plain hash is enough: nobody can try all of 2**256."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def new_id() -> str:
    """The id of a row that pages may show."""
    return str(uuid.uuid4())
