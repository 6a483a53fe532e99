"""What search engines are told in JSON-LD: the site, an article, where it stands."""

from __future__ import annotations

import json
from typing import Any

from flask import current_app
from markupsafe import Markup

from app.content import Article
from app.web import context
from app.web.i18n import current_locale
from app.web.i18n import gettext as _


def script(*things: dict[str, Any]) -> Markup:
    """JSON-LD as a script element; `<`, `>` and `&` are written as escapes, so that no title can end it."""
    graph = {"@context": "https://schema.org", "@graph": list(things)}
    text = json.dumps(graph, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup('<script type="application/ld+json">{}</script>').format(Markup(text))  # noqa: S704 - escaped above  # nosec B704


def site_data() -> Markup:
    """The portal and its search."""
    base, locale = _base(), current_locale()
    return script(
        {
            "@type": "WebSite",
            "name": _name(),
            "url": f"{base}/{locale}/",
            "inLanguage": locale,
            "potentialAction": {
                "@type": "SearchAction",
                "target": f"{base}/{locale}/search?q={{search_term_string}}",
                "query-input": "required name=search_term_string",
            },
        }
    )


def article_data(article: Article, topic: str, topic_href: str) -> Markup:
    """An article and the way to it."""
    address = _base() + article.url
    return script(
        {
            "@type": "Article",
            "headline": article.title,
            "description": article.summary,
            "url": address,
            "mainEntityOfPage": address,
            "inLanguage": article.locale,
            "dateModified": article.updated_at.isoformat(),
            "articleSection": topic,
            "wordCount": article.words,
            "author": {"@type": "Organization", "name": _name()},
            "publisher": {"@type": "Organization", "name": _name()},
        },
        _breadcrumbs([(topic, topic_href), (article.title, article.url)]),
    )


def breadcrumb_data(steps: list[tuple[str, str]]) -> Markup:
    """The way from the start page to here."""
    return script(_breadcrumbs(steps))


def _breadcrumbs(steps: list[tuple[str, str]]) -> dict[str, Any]:
    trail = [(_("Help home"), f"/{current_locale()}/"), *steps]
    items = [{"@type": "ListItem", "position": i, "name": label, "item": _base() + href} for i, (label, href) in enumerate(trail, 1)]
    return {"@type": "BreadcrumbList", "itemListElement": items}


def _base() -> str:
    return context.portal().settings.base_url.rstrip("/")


def _name() -> str:
    return f"{current_app.extensions['brand'].name} {_('Help')}"
