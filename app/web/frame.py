"""What stands around every page: navigation, languages, notices, footer. A page is never refused because its frame has a hole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Flask, current_app, g, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BuildError

from app.accounts import Role
from app.content import Channel, Notice, Site
from app.errors import Unavailable
from app.locales import fallbacks, own_name
from app.web import context
from app.web.contact.waiting import hours_in_words, waiting_now
from app.web.i18n import current_locale, ngettext
from app.web.i18n import gettext as _

HIDDEN_NOTICES = "hylla_hidden"
"""Cookie: the notices a reader has put away, by id. It says nothing about who the reader is."""
MOST_NOTICES = 2

NAV_ROLES: tuple[tuple[str, str, frozenset[Role]], ...] = (
    ("requests", "/agent/", frozenset({Role.AGENT, Role.MANAGER, Role.ADMIN})),
    ("reports", "/reports/", frozenset({Role.MANAGER, Role.ADMIN})),
    ("writer", "/writer/", frozenset({Role.WRITER, Role.ADMIN})),
    ("admin", "/admin/", frozenset({Role.ADMIN})),
)
TEXT_FIELDS = ("subject", "message", "text", "reply", "note", "name")
CHANNEL_ICONS = {"chat": "message-circle", "request": "mail", "phone": "phone"}


@dataclass(frozen=True)
class OtherLanguage:
    tag: str
    name: str
    href: str


@dataclass(frozen=True)
class NoticeText:
    """A notice in the words the reader gets, and the locale these are in."""

    id: str
    tone: str
    headline: str
    text: str
    link: str
    link_label: str
    locale: str
    dismissible: bool


@dataclass(frozen=True)
class ChannelText:
    icon: str
    href: str
    label: str
    now: str
    """How long it takes at this moment, if that is known."""
    detail: str


def init(app: Flask) -> None:
    """Give templates what the frame needs; each name is a function, so that a page pays only for what it shows."""
    app.jinja_env.globals.update(
        customer_nav=customer_nav,
        staff_nav=staff_nav,
        languages=languages,
        notices=notices,
        channels=channels,
        footer_text=footer_text,
        footer_links=footer_links,
        sign_in_address=sign_in_address,
        suggestion_counts=suggestion_counts,
        own_portal_name=own_portal_name,
        portal_name=portal_name,
        local_text=local_text,
        local_href=local_href,
        catalog_revision=catalog_revision,
        kept_text=kept_text,
        previewed_branch=previewed_branch,
    )
    app.context_processor(lambda: {"site": site()})


def site() -> Site:
    """What site.yml says; without content, a portal that has a name and nothing else."""
    try:
        return context.catalog().site
    except Unavailable:
        return Site(name=current_app.extensions["brand"].name)


def own_portal_name() -> str:
    """The portal's name in site.yml where it says something else than the brand's; then it stands alone, without “Help”."""
    name, brand = site().name, current_app.extensions["brand"].name
    return "" if name in {"", "Help", brand} else name


def portal_name() -> str:
    """What the portal is called in titles and by other programs."""
    return own_portal_name() or f"{current_app.extensions['brand'].name} {_('Help')}"


def local_text(texts: Mapping[str, str], locale: str = "") -> str:
    """The text for the reader's locale, else for one that stands in for it."""
    return next((texts[tag] for tag in fallbacks(locale or current_locale(), list(texts))), "")


def local_href(href: str, locale: str = "") -> str:
    """An address from site.yml in the reader's locale: `/contact` → `/sv/contact`; other sites, phones and mail stay as they are."""
    if not href.startswith("/") or href.split("/", 2)[1] in context.portal().settings.locales:
        return href
    return f"/{locale or current_locale()}{href}"


def customer_nav() -> list[tuple[str, str, str]]:
    """(key, label, address) of what a customer finds in the header and the footer."""
    locale = current_locale()
    return [
        ("browse", _("Browse"), f"/{locale}/browse"),
        ("requests", _("My requests"), f"/{locale}/requests"),
        ("contact", _("Contact"), f"/{locale}/contact"),
    ]


def staff_nav() -> list[tuple[str, str, str]]:
    """The rooms that the signed-in person's role opens; none for visitors and customers."""
    from app.web.access import current_user

    user = current_user()
    labels = {"requests": _("Requests"), "reports": _("Reports"), "writer": _("Writer"), "admin": _("Admin")}
    return [(key, labels[key], href) for key, href, roles in NAV_ROLES if user is not None and user.role in roles]


def languages() -> list[OtherLanguage]:
    """This page in the other locales: the addresses its view gave, else the same address under the other locale."""
    mine = current_locale()
    known = g.get("translated_addresses") or {}
    return [
        OtherLanguage(tag, own_name(tag), known.get(tag) or _same_page(tag))
        for tag in context.portal().settings.locales
        if tag != mine and ("locale" in (request.view_args or {}) or known or request.endpoint is None)
    ]


def _same_page(tag: str) -> str:
    """The address of this page under another locale; the start page if it has none there."""
    if request.endpoint and request.method == "GET" and "locale" in (request.view_args or {}):
        # What was searched and filtered comes along; ids of searches and tabs do not.
        kept = {name: values for name, values in request.args.lists() if name in {"q", "type", "category", "page"}}
        try:
            return url_for(request.endpoint, **{**kept, **(request.view_args or {}), "locale": tag})  # type: ignore[arg-type]
        except BuildError:
            pass
    return f"/{tag}/"


def hidden_notices() -> frozenset[str]:
    """Ids of the notices this browser has put away."""
    return frozenset(part for part in request.cookies.get(HIDDEN_NOTICES, "")[:500].split(".") if part)


def notices(limit: int = MOST_NOTICES) -> list[NoticeText]:
    """The notices for this page, at most two; the view may have narrowed them to a category."""
    try:
        found = context.catalog().notices(context.now(), g.get("notice_category"))
    except Unavailable:
        return []
    hidden = hidden_notices()
    return [notice_text(n) for n in found if not (n.dismissible and n.id in hidden)][:limit]


def notice_text(notice: Notice) -> NoticeText:
    """A notice in the reader's words."""
    locale = next(iter(fallbacks(current_locale(), list(notice.headline))), current_locale())
    return NoticeText(
        id=notice.id,
        tone=notice.tone,
        headline=local_text(notice.headline),
        text=local_text(notice.text),
        link=local_href(notice.link) if notice.link else "",
        link_label=local_text(notice.link_label) or notice.link,
        locale=locale,
        dismissible=notice.dismissible,
    )


def channels() -> list[ChannelText]:
    """The ways to reach a person, always in the same order; a portal without any offers the contact form."""
    found = [_channel(each) for each in site().channels]
    return found or [ChannelText("mail", local_href("/contact"), _("Send a request"), waiting_now(), hours_in_words())]


def phones() -> list[ChannelText]:
    """The ways to call us; they need no database."""
    return [_channel(each) for each in site().channels if each.kind == "phone"]


def _channel(channel: Channel) -> ChannelText:
    """Of our own requests we know the wait and the hours; how it is on other channels, only site.yml can tell."""
    is_ours = channel.kind == "request" and channel.href == "/contact"
    parts = [hours_in_words() if is_ours else "", local_text(channel.detail)]
    return ChannelText(
        icon=CHANNEL_ICONS.get(channel.kind, "message-circle"),
        href=local_href(channel.href),
        label=local_text(channel.label),
        now=waiting_now() if is_ours else "",
        detail=" · ".join(part for part in parts if part),
    )


def footer_text() -> str:
    return local_text(site().footer)


def footer_links() -> list[tuple[str, str]]:
    """(label, address) of the links that site.yml puts into the footer, and of what we know of visitors; none twice."""
    shown = {href for _key, _label, href in customer_nav()}
    links = [(local_text(labels), local_href(href)) for labels, href in site().links]
    links.append((_("Privacy"), f"/{current_locale()}/privacy"))
    once: dict[str, str] = {}
    for label, href in links:
        if href not in shown:
            once.setdefault(href, label)
    return [(label, href) for href, label in once.items()]


def sign_in_address() -> str:
    """Where to sign in, and back to this page afterwards."""
    return f"/sign-in?next={request.path}" if request.method == "GET" and request.endpoint else "/sign-in"


def suggestion_counts() -> str:
    """“5 suggestions” for every number the list can have, by the plural rules of the language; the script picks one."""
    return "|".join(ngettext("%(num)s suggestion", "%(num)s suggestions", n) for n in range(13))


def catalog_revision() -> str:
    """The revision that this page was made from; forms and beacons name it."""
    return context.catalog().revision


def previewed_branch() -> str:
    """The branch of which this portal is a preview; empty where it is the public one."""
    settings = context.portal().settings
    return settings.content_branch if settings.preview else ""


def kept_text() -> str:
    """What a refused form held, for the page that refuses it: nothing typed is lost."""
    if request.method != "POST" or g.get("sent_number"):
        return ""
    try:
        form = request.form
    except HTTPException:
        return ""  # too large or broken to be read
    return "\n\n".join(text for name in TEXT_FIELDS if (text := form.get(name, "").strip()))
