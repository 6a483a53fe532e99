"""The few kinds of failure that cross walls; rooms subclass them, `web/error_pages.py` turns them into answers."""

from __future__ import annotations


class KnowledgeBaseError(Exception):
    """Anything we raise on purpose; the message is written for the person who will read it."""


class NotFound(KnowledgeBaseError):
    """The thing does not exist, or this viewer may not know that it does: the two look alike."""


class Invalid(KnowledgeBaseError):
    """What was given cannot be used. `errors` maps a field to what is wrong with it and what to do."""

    def __init__(self, message: str, errors: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.errors: dict[str, str] = dict(errors or {})


class Conflict(KnowledgeBaseError):
    """It clashes with what is already there, for example one idempotency key with two bodies."""


class Forbidden(KnowledgeBaseError):
    """The person is known and may not do this."""


class Unavailable(KnowledgeBaseError):
    """A part is down (engine, database, connector, git): never to be shown as 'nothing found'."""

    retry_after: int = 30
    """Seconds after which it is worth trying again."""
