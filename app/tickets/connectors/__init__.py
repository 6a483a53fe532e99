"""Bridges to the outside: each delivers items of the outbox. The store itself is ours; what leaves the house leaves through here."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from app.config import Settings
from app.tickets.connectors.email import SmtpConnector
from app.tickets.connectors.local import FolderConnector
from app.tickets.values import Delivery


class Connector(Protocol):
    """What can deliver. `deliver` returns the reference that the other side gave; it raises `DeliveryFailed` to be tried again."""

    name: str

    def deliver(self, delivery: Delivery, now: datetime) -> str: ...


def open_connectors(settings: Settings) -> dict[str, Connector]:
    """The connectors that the settings ask for, by the name that deliveries carry."""
    mail: Connector
    if settings.smtp_url:
        mail = SmtpConnector(settings.smtp_url, settings.mail_from, settings.base_url)
    else:
        mail = FolderConnector(settings.path(settings.data_folder) / "mail", settings.mail_from, settings.base_url)
    return {"mail": mail}
