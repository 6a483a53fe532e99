"""For machines that read: sitemap with language alternates, robots.txt, an Atom feed a locale, and the search description."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from flask import Blueprint, Response, abort, current_app, request

from app.content import VISITOR, Article
from app.web import context
from app.web.i18n import gettext as _

bp = Blueprint("feeds", __name__)

IN_FEED = 50
XML = '<?xml version="1.0" encoding="utf-8"?>\n'
CLOSED = ("/agent/", "/writer/", "/reports/", "/admin/", "/api/", "/sign-in", "/sign-out", "/account", "/notices/", "/pixel.gif")


@bp.get("/sitemap.xml")
def sitemap() -> Response:
    """Every public page with its translations; only what everybody may read, whoever asks."""
    return _answer(XML + "".join(_sitemap()), "application/xml")


def _sitemap() -> Iterator[str]:
    locales = context.portal().settings.locales
    yield '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">\n'
    for pattern in ("/{}/", "/{}/browse"):
        yield from (_url(pattern.format(tag), {t: pattern.format(t) for t in locales}) for tag in locales)
    articles = _public()
    for slug in dict.fromkeys(a.category for a in articles):
        yield from (_url(f"/{tag}/categories/{slug}", {t: f"/{t}/categories/{slug}" for t in locales}) for tag in locales)
    by_id: dict[str, dict[str, str]] = {}
    for one in articles:
        by_id.setdefault(one.id, {})[one.locale] = one.url
    for one in articles:
        yield _url(one.url, by_id[one.id], one.updated_at)
    yield "</urlset>\n"


def _url(path: str, alternates: dict[str, str], changed: datetime | None = None) -> str:
    links = "".join(
        f'<xhtml:link rel="alternate" hreflang={quoteattr(tag)} href={quoteattr(_absolute(href))}/>'
        for tag, href in (alternates.items() if len(alternates) > 1 else ())
    )
    stamp = f"<lastmod>{changed.date().isoformat()}</lastmod>" if changed else ""
    return f"<url><loc>{escape(_absolute(path))}</loc>{stamp}{links}</url>\n"


@bp.get("/robots.txt")
def robots() -> Response:
    """Crawlers are welcome to articles, not to searches, forms and staff pages."""
    if context.portal().settings.preview:
        return _answer("User-agent: *\nDisallow: /\n", "text/plain")
    locales = context.portal().settings.locales
    closed = [*CLOSED, *(f"/{tag}/{part}" for tag in locales for part in ("search", "suggest", "contact", "requests"))]
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed), "", f"Sitemap: {_absolute('/sitemap.xml')}", ""]
    return _answer("\n".join(lines), "text/plain")


@bp.get("/<locale>/feed.atom")
def feed(locale: str) -> Response:
    """The articles of a locale that changed last."""
    newest = sorted(_public(locale), key=lambda a: (a.updated_at, a.id), reverse=True)[:IN_FEED]
    return _answer(XML + "".join(_feed(locale, newest)), "application/atom+xml")


def _feed(locale: str, articles: Iterable[Article]) -> Iterator[str]:
    articles = list(articles)
    home, name = _absolute(f"/{locale}/"), _name()
    updated = articles[0].updated_at if articles else context.catalog().published_at
    yield f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang={quoteattr(locale)}>\n'
    yield f"<id>{escape(home)}</id><title>{escape(name)}</title><updated>{updated.isoformat()}</updated>"
    yield f'<link rel="alternate" href={quoteattr(home)}/><link rel="self" href={quoteattr(_absolute(request.path))}/>'
    yield f"<author><name>{escape(name)}</name></author>\n"
    for one in articles:
        address = _absolute(one.url)
        yield (
            f"<entry><id>{escape(address)}</id><title>{escape(one.title)}</title><updated>{one.updated_at.isoformat()}</updated>"
            f"<link href={quoteattr(address)}/><summary>{escape(one.summary)}</summary></entry>\n"
        )
    yield "</feed>\n"


@bp.get("/opensearch.xml")
def opensearch() -> Response:
    """Lets a browser search here from its address bar, with suggestions in the first locale."""
    locale = context.portal().settings.default_locale
    return _answer(
        f'{XML}<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">'
        f"<ShortName>{escape(_name()[:16])}</ShortName><Description>{escape(_('Search help'))}</Description>"
        "<InputEncoding>UTF-8</InputEncoding>"
        f'<Image type="image/svg+xml">{escape(_absolute("/static/" + current_app.extensions["assets"]["icon.svg"]))}</Image>'
        f'<Url type="text/html" template={quoteattr(_absolute(f"/{locale}/search?q=") + "{searchTerms}")}/>'
        "</OpenSearchDescription>\n",
        "application/opensearchdescription+xml",
    )


def _public(locale: str | None = None) -> list[Article]:
    """What everybody may read, in one locale or all of them."""
    catalog, today = context.catalog(), context.today()
    if locale is not None and locale not in context.portal().settings.locales:
        abort(404)
    return [a for tag in ([locale] if locale else catalog.locales) for a in catalog.visible(VISITOR, today, locale=tag)]


def _absolute(path: str) -> str:
    return context.portal().settings.base_url.rstrip("/") + path


def _name() -> str:
    return f"{current_app.extensions['brand'].name} {_('Help')}"


def _answer(body: str, kind: str) -> Response:
    answer = Response(body, mimetype=kind)
    answer.headers["Cache-Control"] = "public, max-age=300"
    answer.add_etag()
    answer.make_conditional(request)
    return answer
