"""Mail for a portal without a mail server: each message is a .eml file in the data folder and a line in the log."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path

import structlog

from app.tickets.mail import message_of
from app.tickets.values import Delivery

log = structlog.get_logger()


class FolderConnector:
    """Writes mail into a folder. The name comes from the delivery's key, so that a repeat overwrites instead of doubling."""

    name = "mail"

    def __init__(self, folder: Path, sender: str, base_url: str) -> None:
        self.folder, self.sender, self.base_url = folder, sender, base_url

    def deliver(self, delivery: Delivery, now: datetime) -> str:
        message = message_of(delivery, self.sender, self.base_url)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{delivery.created_at:%Y%m%dT%H%M%S}-{hashlib.sha256(delivery.key.encode()).hexdigest()[:16]}.eml"
        draft = self.folder / f".{name}.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_bytes(bytes(message))
        draft.replace(self.folder / name)
        log.info("mail_written", subject=str(message["Subject"]), file=str(self.folder / name))
        return name
