"""Categories as a reader gets them: with the articles they may see, in the language that suits them best."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, g
from sqlalchemy.exc import SQLAlchemyError

from app.content import Article, Category
from app.deflection import views_by_article
from app.errors import Unavailable
from app.locales import fallbacks
from app.web import context
from app.web.frame import site
from app.web.i18n import current_locale

ON_HOME = 4


@dataclass(frozen=True)
class Topic:
    """A category with the articles a reader of this locale gets: their own language first, others where there is none."""

    slug: str
    icon: str
    title: str
    description: str
    articles: list[Article]
    first: list[Article]
    """The ones for the home page: what writers pinned, then the most read of the last four weeks, then in order."""

    @property
    def href(self) -> str:
        return f"/{current_locale()}/categories/{self.slug}"

    def in_language(self, locale: str) -> list[Article]:
        return [a for a in self.articles if a.locale == locale]

    def in_others(self, locale: str) -> list[Article]:
        return [a for a in self.articles if a.locale != locale]


def topics_for(locale: str) -> list[Topic]:
    """The topics that have an article for this viewer, in the order of site.yml; made once a request."""
    if "topics" not in g:
        shown = articles_for(locale)
        by_category: dict[str, list[Article]] = {}
        for one in shown:
            by_category.setdefault(one.category, []).append(one)
        g.topics = [make_topic(c, by_category[c.slug], locale) for c in site().categories if by_category.get(c.slug)]
    return g.topics  # type: ignore[no-any-return]


def articles_for(locale: str) -> list[Article]:
    """Every article once, in the locale that suits the reader best, in the order of the site."""
    return context.catalog().visible(context.viewer(), context.today(), locale=locale, fallback=True)


def topic_of(slug: str, locale: str) -> Topic:
    """A category as a topic without its articles, for breadcrumbs and labels."""
    known = next((c for c in site().categories if c.slug == slug), None)
    if known is None:
        return Topic(slug, "folder-open", slug.replace("-", " ").capitalize(), "", [], [])
    return make_topic(known, [], locale)


def make_topic(category: Category, articles: list[Article], locale: str) -> Topic:
    text = next((category.texts[tag] for tag in fallbacks(locale, list(category.texts))), None)
    pinned = [a for slug in category.pinned for a in articles if a.slug == slug or a.id == slug]
    views = views_until_today() if len(articles) > ON_HOME else {}
    rest = sorted((a for a in articles if a not in pinned), key=lambda a: -views.get(a.id, 0))
    first = sorted(pinned + rest, key=lambda a: a.locale != locale)[:ON_HOME]
    title, description = (text.title, text.description) if text else (category.slug, "")
    return Topic(category.slug, category.icon, title, description, articles, first)


def views_until_today() -> dict[str, int]:
    """Views of each article in the four weeks before today; asked once a day, because the pages that use it are cached by the day."""
    today = context.today()
    known = current_app.extensions.get("views_by_article")
    if known is None or known[0] != today:
        try:
            with context.portal().database.session() as db:
                known = (today, views_by_article(db, today))
        except (Unavailable, SQLAlchemyError):
            return {}  # the articles are there without it, in the order of the site
        current_app.extensions["views_by_article"] = known
    return known[1]  # type: ignore[no-any-return]
