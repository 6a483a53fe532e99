"""The mails about requests, in the customer's language: received, answered."""

from __future__ import annotations

from app.tickets import Mail, Ticket, write_mail
from app.web import context
from app.web.contact.promises import promise_words
from app.web.i18n import gettext


def received(ticket: Ticket) -> Mail:
    """We have your request; this is its number, and by when we answer."""

    def _(text: str, **values: object) -> str:
        return gettext(text, ticket.locale, **values)

    paragraphs = [_("We have your request “%(subject)s”. Its number is %(number)s.", subject=ticket.subject, number=ticket.number)]
    if ticket.promised_at:
        paragraphs.append(promise_words(ticket.promised_at, context.now(), ticket.locale) + ".")
    paragraphs.append(_("You can read it, add to it or call it solved on the page below."))
    return write_mail(
        ticket.requester_email,
        _("We have your request: %(subject)s", subject=ticket.subject) + f" [{ticket.number}]",
        tuple(paragraphs),
        ticket.locale,
        (_("Open your request"), _address(ticket)),
        footer=_footer(ticket.locale),
        reference=ticket.id,
    )


def answered(ticket: Ticket, agent: str, text: str) -> Mail:
    """An agent has replied; the reply itself stands in the mail."""

    def _(source: str, **values: object) -> str:
        return gettext(source, ticket.locale, **values)

    return write_mail(
        ticket.requester_email,
        f"Re: {ticket.subject} [{ticket.number}]",
        (text, _("%(name)s, %(portal)s", name=agent, portal=_portal_name())),
        ticket.locale,
        (_("Reply on this page"), _address(ticket)),
        footer=_footer(ticket.locale),
        reference=ticket.id,
    )


def _address(ticket: Ticket) -> str:
    return f"{context.portal().settings.base_url.rstrip('/')}/{ticket.locale}/requests/{ticket.number}"


def _portal_name() -> str:
    from app.web.frame import site

    return site().name


def _footer(locale: str) -> str:
    text = gettext("Nobody reads replies to this mail. Please use the page, so that your words reach us.", locale)
    return f"{text}\n{_portal_name()}"
