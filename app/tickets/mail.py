"""Outgoing mail: from words to a text and an HTML version, and from an item of the outbox to a message on the wire."""

from __future__ import annotations

import hashlib
import unicodedata
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.locales import direction
from app.tickets.outbox import DeliveryRefused
from app.tickets.values import Delivery, Mail

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "email"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def write_mail(
    to: str,
    subject: str,
    paragraphs: tuple[str, ...],
    locale: str,
    button: tuple[str, str] | None = None,
    quote: str = "",
    footer: str = "",
    reference: str = "",
) -> Mail:
    """A mail as text and as simple HTML; `button` is (label, address), `quote` is what somebody wrote, kept as it is."""
    values = {
        "subject": subject,
        "paragraphs": paragraphs,
        "button": button,
        "quote": quote,
        "footer": footer,
        "locale": locale,
        "direction": direction(locale),
    }
    text = _environment().get_template("message.txt").render(values)
    html = _environment().get_template("message.html").render(values)
    return Mail(to=to, subject=one_line(subject), text=text, html=html, locale=locale, reference=reference)


def one_line(text: str, limit: int = 200) -> str:
    """Text that is safe in a header: no line breaks, no control or direction characters, not endless."""
    kept = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in text if unicodedata.category(c) not in {"Cf", "Cs"})
    return " ".join(kept.split())[:limit]


def message_of(delivery: Delivery, sender: str, base_url: str) -> EmailMessage:
    """The message for one delivery; the same delivery always gets the same Message-ID, so that a repeat can be told."""
    mail = delivery.payload
    domain = urlsplit(base_url).hostname or "localhost"
    name, address = parseaddr(sender)
    try:
        to = Address(addr_spec=str(mail["to"]))
        message = EmailMessage(policy=SMTP if str(mail["to"]).isascii() else SMTPUTF8)
        message["From"] = Address(one_line(name), addr_spec=address)
        message["To"] = to
    except (ValueError, IndexError) as error:
        raise DeliveryRefused("this is no address that mail can be sent to") from error
    message["Subject"] = one_line(str(mail["subject"]))
    message["Date"] = format_datetime(delivery.created_at)
    message["Message-ID"] = f"<{hashlib.sha256(delivery.key.encode()).hexdigest()[:32]}@{domain}>"
    if mail.get("reference"):
        thread = f"<{hashlib.sha256(str(mail['reference']).encode()).hexdigest()[:32]}@{domain}>"
        message["References"] = thread
        message["In-Reply-To"] = thread
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(str(mail["text"]))
    if mail.get("html"):
        message.add_alternative(str(mail["html"]), subtype="html")
    message["Content-Language"] = one_line(str(mail.get("locale", "en")))
    return message
