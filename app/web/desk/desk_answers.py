"""The answers panel of the desk: articles for the agent's words, as the customer would read them, ready to be put into a reply."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from app.content import STAFF, Article, Audience, can_see
from app.journeys import search_articles
from app.locales import fallbacks, own_name
from app.search import Explanation, Query
from app.web import context
from app.web.i18n import N_, gettext

MOST = 8
MOST_CAUSES = 6
FIELDS = {
    "article": N_("anywhere in the article"),
    "title": N_("in the title"),
    "keywords": N_("in the keywords"),
    "pairs": N_("side by side"),
    "exact": N_("exactly as written"),
    "grams": N_("by its letters"),
    "learned": N_("learned from earlier searches"),
    "learned_pairs": N_("learned from earlier searches"),
}
"""Where a word was found, as an agent would say it, by the parts of the index."""
ORIGINS = {
    "correction": N_("taken for a slip of what was typed"),
    "joined": N_("written together or apart"),
    "synonym": N_("a synonym"),
    "prefix": N_("only its beginning"),
}
"""What else is to be said of a word that was not typed like this."""
_LINK = re.compile(r"/a/([^\s?#()\[\]<>\"']+)")


@dataclass(frozen=True)
class Cause:
    """One reason for a result: the word, where it stands and what else is to be said of it, and its share of the score."""

    word: str
    where: str
    share: float


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
    why: tuple[Cause, ...] = ()
    """What put it there, the strongest first."""
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
    query = Query.from_text(words, locale, STAFF, limit=MOST, explain=True)
    if not query.text:
        return []
    results = search_articles(context.portal().engine, context.catalog(), query, context.today())
    answers: dict[str, DeskAnswer] = {}
    for hit in results.hits:
        article = in_locale(hit.article_id, locale)
        if article is not None and article.id not in answers:
            same = article.locale == hit.locale
            answers[article.id] = _answer(article, locale, hit.snippet if same else "", read, hit.title_marked if same else "")
            answers[article.id] = replace(answers[article.id], why=causes(hit.explanation))
    return list(answers.values())


def causes(explanation: Explanation | None) -> tuple[Cause, ...]:
    """Why a result stands where it stands, in words."""
    if explanation is None or not explanation.score:
        return ()
    strongest = sorted(explanation.terms, key=lambda term: -term.score)[:MOST_CAUSES]
    pinned = [Cause("", gettext(N_("Pinned for exactly these words")), 0.0)] if explanation.pinned else []
    return (*pinned, *(Cause(t.word, _where(t.field, t.origin), t.score / explanation.score) for t in strongest))


def _where(field: str, origin: str) -> str:
    said = [FIELDS.get(field, field), *([ORIGINS[origin]] if origin in ORIGINS else [])]
    return ", ".join(gettext(text) for text in said)


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
