"""The answers panel of the desk: articles for the agent's words, as the customer would read them, ready to be put into a reply."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from app.content import STAFF, Article, Audience, can_see
from app.journeys import search_articles
from app.locales import fallbacks, own_name
from app.search import Query
from app.web import context

MOST = 8
_LINK = re.compile(r"/a/([^\s?#()\[\]<>\"']+)")


@dataclass(frozen=True)
class DeskAnswer:
    """One article in the best locale for the customer, with what an agent needs to know before using it."""

    article_id: str
    locale: str
    title: str
    title_marked: str
    category: str
    snippet: str
    link: str
    """The permanent address, absolute, leading to the customer's locale."""
    page: str
    """Where the agent reads it."""
    internal: bool
    only_in: str
    """Name of its language when there is none in the customer's; else empty."""
    read_by_customer: bool
    used: int = 0
    """In how many requests it was used."""

    @property
    def as_text(self) -> str:
        return f"{self.title}: {self.link}"

    @property
    def quote(self) -> str:
        """The passage that matched, as text that can stand in a reply."""
        return self.snippet.replace("[[", "").replace("]]", "").strip()

    @property
    def as_markdown(self) -> str:
        title = re.sub(r"([\\\[\]])", r"\\\1", self.title)
        return f"[{title}]({self.link})"


def desk_answers(words: str, locale: str, read: frozenset[str]) -> list[DeskAnswer]:
    """The articles that fit, internal ones included; raises `SearchUnavailable` when the search is down."""
    query = Query.from_text(words, locale, STAFF, limit=MOST)
    if not query.text:
        return []
    results = search_articles(context.portal().engine, context.catalog(), query, context.today())
    answers: dict[str, DeskAnswer] = {}
    for hit in results.hits:
        article = in_locale(hit.article_id, locale)
        if article is not None and article.id not in answers:
            same = article.locale == hit.locale
            answers[article.id] = _answer(article, locale, hit.snippet if same else "", read, hit.title_marked if same else "")
    return list(answers.values())


def in_locale(article_id: str, locale: str) -> Article | None:
    """The article in this locale, or in the one that stands in for it; only what staff may see today."""
    versions = context.catalog().translations(article_id)
    return next((versions[tag] for tag in fallbacks(locale, list(versions)) if can_see(versions[tag], STAFF, context.today())), None)


def _answer(article: Article, locale: str, snippet: str, read: frozenset[str], marked: str) -> DeskAnswer:
    return DeskAnswer(
        article_id=article.id,
        locale=article.locale,
        title=article.title,
        title_marked=marked or article.title,
        category=article.category,
        snippet=snippet or article.summary,
        link=permanent_link(article.id, article.locale),
        page=article.url,
        internal=article.audience is Audience.AGENTS,
        only_in="" if article.locale == locale else own_name(article.locale),
        read_by_customer=article.id in read,
    )


def permanent_link(article_id: str, locale: str) -> str:
    """The address that outlives every rename, opening in this locale."""
    return f"{context.portal().settings.base_url.rstrip('/')}/a/{quote(article_id, safe='/')}?locale={locale}"


def insert_into(text: str, title: str, link: str) -> str:
    """The reply with the article at its end."""
    return f"{text.rstrip()}\n\n{title}: {link}\n".lstrip("\n")


def linked_articles(text: str) -> list[Article]:
    """The articles whose permanent address stands in a text."""
    found = []
    for match in _LINK.finditer(text):
        # Punctuation that ends the sentence is not part of the address.
        versions = context.catalog().translations(unquote(match.group(1).rstrip(".,;:!")))
        if versions:
            found.append(next(iter(versions.values())))
    return list({a.id: a for a in found}.values())
