"""Categories as a reader gets them: with the articles they may see, in the language that suits them best."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g

from app.content import Article, Category
from app.locales import fallbacks
from app.web import context
from app.web.frame import site
from app.web.help_center.reading_counts import views_until_today
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
