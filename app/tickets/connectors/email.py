"""Mail through an SMTP server."""

from __future__ import annotations

import smtplib
import ssl
from datetime import datetime
from urllib.parse import unquote, urlsplit

from app.tickets.mail import message_of
from app.tickets.outbox import DeliveryFailed, DeliveryRefused
from app.tickets.values import Delivery


class SmtpConnector:
    """Sends mail with smtplib: `smtps://` speaks TLS from the start, `smtp://` upgrades when the server offers it."""

    name = "mail"
    timeout = 20.0

    def __init__(self, url: str, sender: str, base_url: str) -> None:
        self.url, self.sender, self.base_url = urlsplit(url), sender, base_url

    def deliver(self, delivery: Delivery, now: datetime) -> str:
        message = message_of(delivery, self.sender, self.base_url)
        try:
            with self._open() as server:
                self._introduce(server)
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _text in error.recipients.values()]
            kind = DeliveryRefused if codes and all(code >= 500 for code in codes) else DeliveryFailed
            raise kind(f"the mail server refused the recipient ({', '.join(map(str, codes))})") from error
        except smtplib.SMTPResponseException as error:
            raise DeliveryFailed(f"the mail server answered {error.smtp_code}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryFailed(f"the mail server does not answer ({error.__class__.__name__})") from error
        return str(message["Message-ID"])

    def _open(self) -> smtplib.SMTP:
        host = self.url.hostname or "localhost"
        if self.url.scheme == "smtps":
            return smtplib.SMTP_SSL(host, self.url.port or 465, timeout=self.timeout, context=ssl.create_default_context())
        return smtplib.SMTP(host, self.url.port or 25, timeout=self.timeout)

    def _introduce(self, server: smtplib.SMTP) -> None:
        """Encrypt where the server can, and sign in where the settings say how."""
        server.ehlo()
        if self.url.scheme != "smtps" and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if self.url.username:
            server.login(unquote(self.url.username), unquote(self.url.password or ""))
