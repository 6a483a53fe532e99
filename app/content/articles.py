"""The values that the content room gives to everybody else, and the one rule of who may see an article."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class Audience(StrEnum):
    """Who may see an article."""

    PUBLIC = "public"
    """Everybody."""
    CUSTOMERS = "customers"
    """Whoever is signed in."""
    AGENTS = "agents"
    """Staff only: agents, writers, managers, admins."""


class Status(StrEnum):
    """Where an article stands in its life."""

    DRAFT = "draft"
    """Not published; nobody finds it."""
    PUBLISHED = "published"
    ARCHIVED = "archived"
    """Its address answers 410 and names the article that replaced it."""


@dataclass(frozen=True)
class Viewer:
    """What a person may see; made from the role by the web, so that content knows nothing of accounts."""

    audiences: frozenset[Audience]

    @property
    def is_staff(self) -> bool:
        return Audience.AGENTS in self.audiences


VISITOR = Viewer(frozenset({Audience.PUBLIC}))
CUSTOMER = Viewer(frozenset({Audience.PUBLIC, Audience.CUSTOMERS}))
STAFF = Viewer(frozenset(Audience))


@dataclass(frozen=True, slots=True)
class Heading:
    """One line of the table of contents."""

    anchor: str
    text: str
    level: int


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the plain text under it; the text before the first heading has an empty anchor and heading."""

    anchor: str
    heading: str
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Article:
    """One text in one locale, from one Markdown file at one revision. Its HTML is in the store, under `blob`."""

    id: str
    """Identity, shared by translations; events and permanent links refer to it."""
    locale: str
    category: str
    slug: str
    path: str
    """Path inside the repository, for writers: `articles/en/cards/activate-your-card.md`."""
    blob: str
    """Git blob hash of the file (or of the uncommitted bytes): the key of everything derived from it."""
    title: str
    summary: str
    updated_at: datetime
    """Author time of the last commit that changed the file (UTC)."""
    author: str
    words: int
    keywords: tuple[str, ...] = ()
    audience: Audience = Audience.PUBLIC
    status: Status = Status.PUBLISHED
    replaced_by: str = ""
    related: tuple[str, ...] = ()
    """Slugs or ids, as the writer named them."""
    owner: str = ""
    review_every_days: int | None = None
    reviewed_on: date | None = None
    publish_on: date | None = None
    expire_on: date | None = None
    source_revision: str = ""
    """For translations: the commit of the original that was translated."""
    queries: tuple[str, ...] = ()
    headings: tuple[Heading, ...] = field(default=())

    @property
    def key(self) -> str:
        """Unique among all articles; what the search index knows it by."""
        return f"{self.locale}/{self.id}"

    @property
    def url(self) -> str:
        return f"/{self.locale}/articles/{self.slug}"

    @property
    def minutes(self) -> int:
        """Reading time at 200 words a minute, at least one."""
        return max(1, round(self.words / 200))

    def is_live(self, today: date) -> bool:
        """Published, and `today` is inside its dates."""
        return (
            self.status is Status.PUBLISHED
            and (self.publish_on is None or self.publish_on <= today)
            and (self.expire_on is None or today < self.expire_on)
        )


@dataclass(frozen=True)
class Rendering:
    """What publishing made of an article's Markdown: safe HTML, its plain text by section, and whether it had to be shown plain."""

    html: str
    sections: tuple[Section, ...]
    headings: tuple[Heading, ...]
    markdown: str
    plain: bool = False
    """Rendering failed or took too long: `html` is the source as plain text."""

    @property
    def text(self) -> str:
        return "\n\n".join(s.text for s in self.sections if s.text)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a writer should know about a file, with the line it stands on."""

    path: str
    line: int
    level: str
    """`error` refuses the article, `warning` does not."""
    message: str
    """What is wrong and what to do about it."""

    def __str__(self) -> str:
        return one_line(f"{self.path}:{self.line}: {self.level}: {self.message}")


def one_line(text: str) -> str:
    """What is said about a file, in one line: a name may hold line breaks, or letters that turn the terminal's text round."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@dataclass(frozen=True)
class CategoryText:
    title: str
    description: str


@dataclass(frozen=True)
class Category:
    """A part of the help centre, as `site.yml` describes it; `groups` are its sub-topics in order."""

    slug: str
    icon: str
    texts: dict[str, CategoryText]
    """By locale; the default locale is always there."""
    groups: tuple[tuple[dict[str, str], tuple[str, ...]], ...] = ()
    """Pairs of (title by locale, slugs of articles); articles in no group come first."""
    pinned: tuple[str, ...] = ()
    """Slugs shown first on the home page."""

    def text(self, locale: str) -> CategoryText:
        return self.texts.get(locale) or next(iter(self.texts.values()))


@dataclass(frozen=True)
class ArticleType:
    """What kind of text an article is, across categories: fees, first aid. A filter of the results."""

    slug: str
    label: dict[str, str]
    articles: frozenset[str] = frozenset()
    """Slugs or ids. The type without any is that of all other articles."""


@dataclass(frozen=True)
class Channel:
    """One way to reach a person: label, hours and cost by locale, and an address (`/contact`, `tel:`, `https:`)."""

    kind: str
    """`chat`, `request` or `phone`; decides the icon."""
    href: str
    label: dict[str, str]
    detail: dict[str, str]


@dataclass(frozen=True)
class QuickAction:
    """An item of 'Do it now': an icon, a label by locale, the slug of an article (or a path), and whether it is urgent."""

    icon: str
    label: dict[str, str]
    article: str
    urgent: bool = False


@dataclass(frozen=True)
class TopicField:
    """Something about the account that a request on a topic needs: a line of its own in the contact form."""

    label: dict[str, str]
    optional: bool = False


@dataclass(frozen=True)
class RequestTopic:
    """A topic of the contact form. A safety topic (fraud, lost card) shows the phone line and no answers first."""

    slug: str
    label: dict[str, str]
    safety: bool = False
    phone: str = ""
    fields: tuple[TopicField, ...] = ()
    """At most two."""


@dataclass(frozen=True)
class Site:
    """What `site.yml` says about the portal as a whole."""

    name: str
    categories: tuple[Category, ...] = ()
    popular: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Approved popular searches by locale ('Asked a lot today')."""
    types: tuple[ArticleType, ...] = ()
    """In the order of the filter; none: results have no such filter."""
    channels: tuple[Channel, ...] = ()
    quick_actions: tuple[QuickAction, ...] = ()
    pinned_answers: dict[str, dict[str, str]] = field(default_factory=dict)
    """By locale: normalised query → slug of the article that is shown first for it."""
    topics: tuple[RequestTopic, ...] = ()
    footer: dict[str, str] = field(default_factory=dict)
    links: tuple[tuple[dict[str, str], str], ...] = ()
    """Footer links: (label by locale, address)."""
    teams: dict[str, dict[str, str]] = field(default_factory=dict)
    """What an article's `owner` is called within a sentence, by locale: “Cards team” → “the Cards team”, “kortteamet”."""


@dataclass(frozen=True)
class Notice:
    """A time-boxed service notice from `notices.yml`."""

    id: str
    tone: str
    """`info` or `warning`."""
    headline: dict[str, str]
    text: dict[str, str]
    link: str = ""
    link_label: dict[str, str] = field(default_factory=dict)
    starts: datetime | None = None
    ends: datetime | None = None
    categories: tuple[str, ...] = ()
    """Shown only on these categories and their articles; empty: everywhere."""
    matches: tuple[str, ...] = ()
    """Words that, in a search or a request's subject, bring the notice up first."""
    dismissible: bool = True


def portal_path(href: str, locale: str) -> str:
    """An address from `site.yml` or `notices.yml` for a reader: a path such as `/contact` gets their locale in front."""
    if not href.startswith("/"):
        return href
    first = href[1:].partition("/")[0].partition("?")[0]
    # /media, /a and the like are the same in every locale; so is a path that names a locale itself.
    return (
        href if first in {"media", "a", "static", "sign-in"} or re.fullmatch(r"[a-z]{2,3}(-[A-Za-z]{2,4})*", first) else f"/{locale}{href}"
    )


def can_see(article: Article, viewer: Viewer, today: date) -> bool:
    """The one answer to 'may this viewer see it': used by pages, search, suggestions, feeds, counts and API alike."""
    return article.is_live(today) and article.audience in viewer.audiences
