"""The pages that everybody reads: home, topics, articles and their history, pictures. Searching is in search_pages, votes in feedback."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, g, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from app.content import VISITOR, Article, ArticleGone, ArticleMoved, ArticleNotFound, Catalog, Category, Problem, can_see
from app.errors import Unavailable
from app.web import context, error_pages
from app.web.access import is_personal
from app.web.frame import local_href, local_text, site
from app.web.help_center.structured_data import article_data, breadcrumb_data, site_data
from app.web.help_center.topics import make_topic, topic_of, topics_for

bp = Blueprint("help_center", __name__)

FEW_ARTICLES = 10
"""A portal with fewer shows one list instead of topics."""
LATEST = 5
NEW_DAYS = 7


@bp.get("/")
def root() -> BaseResponse:
    """The help centre in the language of the person's account, or the one the browser asks for."""
    answer = redirect(f"/{context.locale()}/", 302)
    answer.headers["Cache-Control"] = "no-store" if is_personal() else "public, max-age=0, must-revalidate"
    answer.vary.update(["Accept-Language", "Cookie"])
    return answer


@bp.get("/<locale>/")
def home(locale: str) -> str:
    """Search, what is asked a lot, topics with their articles, and a person."""
    topics = topics_for(locale)
    everything = _distinct(article for topic in topics for article in topic.articles)
    _offer_to_robots(f"/{locale}/", {tag: f"/{tag}/" for tag in context.portal().settings.locales})
    return render_template(
        "help_center/home.html",
        topics=topics,
        flat=everything if len(everything) < FEW_ARTICLES else None,
        popular=site().popular.get(locale, ()),
        actions=[_action(a, locale) for a in site().quick_actions[:4]],
        latest=_latest(everything, context.today()),
        data=site_data(),
    )


@bp.get("/<locale>/browse")
def browse(locale: str) -> str:
    """All topics with their groups, on one page."""
    _offer_to_robots(f"/{locale}/browse", {tag: f"/{tag}/browse" for tag in context.portal().settings.locales})
    return render_template("help_center/browse.html", topics=topics_for(locale))


@bp.get("/<locale>/categories/<category>")
def category(locale: str, category: str) -> str | BaseResponse:
    """Everything about one topic, in its groups; no pages to leaf through."""
    catalog = context.catalog()
    found = next((t for t in topics_for(locale) if t.slug == category), None)
    known = next((c for c in site().categories if c.slug == category), None)
    if found is None and category not in catalog.described_categories:
        # A folder in which this reader may see nothing does not exist for them, under its old name or its new one.
        successor = catalog.moved_category(category)
        if successor is None or all(t.slug != successor for t in topics_for(locale)):
            abort(404)
        return redirect(f"/{locale}/categories/{successor}", 301)
    g.notice_category = category
    topic = found or make_topic(known, [], locale)  # type: ignore[arg-type]
    own = topic.in_language(locale)
    _offer_to_robots(
        f"/{locale}/categories/{category}", {tag: f"/{tag}/categories/{category}" for tag in context.portal().settings.locales}
    )
    return render_template(
        "help_center/category.html",
        topic=topic,
        groups=_groups(known, own, locale),
        others=topic.in_others(locale),
        related=[t for t in topics_for(locale) if t.slug != category][:4],
        data=breadcrumb_data([(topic.title, topic.href)]),
    )


@bp.get("/<locale>/articles/<slug>")
def article(locale: str, slug: str) -> str | BaseResponse | tuple[str, int]:
    """One article: the short answer first; another language when there is none in the reader's, and it says so."""
    catalog, viewer, today = context.catalog(), context.viewer(), context.today()
    try:
        found = catalog.find(locale, slug, viewer, today)
    except ArticleMoved as moved:
        query = request.query_string.decode("ascii", "ignore")
        return redirect(moved.url + (f"?{query}" if query else ""), 301)
    except ArticleGone as gone:
        return render_template("errors/410.html", gone=gone, title=gone.title, replacement=gone.replacement), 410
    g.notice_category = found.category
    translations = {tag: a for tag, a in catalog.translations(found.id).items() if _can_see(a)}
    original = catalog.original_of(found)
    g.translated_addresses = {
        tag: (translations[tag].url if tag in translations else f"/{tag}/articles/{found.slug}")
        for tag in context.portal().settings.locales
    }
    if found.audience == "public":
        _offer_to_robots(found.url, {tag: a.url for tag, a in translations.items() if a.audience == "public"})
    topic = topic_of(found.category, locale)
    return render_template(
        "help_center/article.html",
        article=found,
        rendering=catalog.rendering(found),
        topic=topic,
        is_foreign=found.locale != locale,
        newer=original if original is not None and original.locale != found.locale and catalog.is_outdated(found) else None,
        checked=_checked(found, today),
        related=catalog.related(found, viewer, today),
        problems=_problems_for_the_writer(catalog, found),
        data=article_data(found, topic.title, topic.href),
    )


def _problems_for_the_writer(catalog: Catalog, article: Article) -> list[Problem]:
    """What is wrong with the article's file, shown on its page where uncommitted files are served: only its writer looks there."""
    if not context.portal().settings.content_worktree:
        return []
    return [problem for problem in catalog.problems if problem.path == article.path]


@bp.get("/<locale>/articles/<slug>/history")
def article_history(locale: str, slug: str) -> str | BaseResponse:
    """What changed in an article, newest first, from git."""
    try:
        found = context.catalog().find(locale, slug, context.viewer(), context.today())
    except ArticleMoved as moved:
        return redirect(f"{moved.url}/history", 301)
    except ArticleGone:
        raise ArticleNotFound("this article is archived") from None
    changes = context.portal().articles.history(found.path)
    return render_template("help_center/article_history.html", article=found, changes=changes, topic=topic_of(found.category, locale))


@bp.get("/a/<path:article_id>")
def permanent(article_id: str) -> BaseResponse:
    """The address that never changes: to the article in the reader's language, or in the one that the link asks for."""
    wanted = request.args.get("locale", "")
    locale = wanted if wanted in context.portal().settings.locales else context.locale()
    found = context.catalog().by_id(article_id, locale, context.viewer(), context.today())
    query = urlencode([pair for pair in request.args.items(multi=True) if pair[0] != "locale"])
    answer = redirect(found.url + (f"?{query}" if query else ""), 302)
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.vary.update(["Accept-Language", "Cookie"])
    return answer


@bp.get("/media/<path:path>")
def media(path: str) -> Response:
    """A picture that lies beside the articles, at the published revision."""
    catalog, today = context.catalog(), context.today()
    found = catalog.media(path)
    if found is None or not catalog.may_see_media(path, context.viewer(), today):
        abort(404)
    answer = Response(found.data, mimetype=found.content_type)
    answer.add_etag()
    # What a visitor may see, anybody may keep; what only some may see is kept nowhere.
    answer.headers["Cache-Control"] = "public, max-age=3600" if catalog.may_see_media(path, VISITOR, today) else "no-store"
    # A drawing may hold script; shown as a picture it cannot run, opened by itself it must not either.
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    answer.make_conditional(request)
    return answer


@bp.app_errorhandler(NotFound)
def old_address(error: NotFound) -> BaseResponse:
    """An address that an article names as one of its old ones leads to it; any other is not here."""
    try:
        moved = context.catalog().moved(request.path, context.viewer(), context.today())
    except Unavailable:
        moved = None
    return redirect(moved.url, 301) if moved else error_pages.from_http(error)


# --- what the pages are made of ---------------------------------------------------------------------------------------------


def _groups(category: Category | None, articles: list[Article], locale: str) -> list[tuple[str, list[Article]]]:
    """(heading, articles): first those in no group, under no heading, then the groups of site.yml."""
    groups = category.groups if category else ()
    named = {name: local_text(titles, locale) for titles, slugs in groups for name in slugs}
    key = {a: named.get(a.slug) or named.get(a.id) or "" for a in articles}
    headings = ["", *dict.fromkeys(local_text(titles, locale) for titles, _slugs in groups)]
    return [(heading, inside) for heading in headings if (inside := [a for a in articles if key[a] == heading])]


def _action(action: object, locale: str) -> dict[str, object]:
    """An item of “Do it now”; its article may have another address in this locale."""
    target = action.article  # type: ignore[attr-defined]
    found = None if target.startswith("/") else context.catalog().resolve(target, locale)
    if not target.startswith("/"):
        target = found.url if found else f"/{locale}/articles/{target}"
    return {
        "icon": action.icon,  # type: ignore[attr-defined]
        "label": local_text(action.label, locale),  # type: ignore[attr-defined]
        "href": local_href(target, locale),
        "urgent": action.urgent,  # type: ignore[attr-defined]
    }


def _latest(articles: list[Article], today: date) -> dict[str, object]:
    """The articles that changed last, and whether that was this week."""
    newest = sorted(articles, key=lambda a: a.updated_at, reverse=True)
    this_week = [a for a in newest if a.updated_at.date() > today - timedelta(days=NEW_DAYS)]
    return {"articles": (this_week or newest)[:LATEST], "this_week": bool(this_week)}


def _checked(article: Article, today: date) -> dict[str, object] | None:
    """What may be said of the last check: who did it while it is fresh, else only how long ago it was."""
    if article.reviewed_on is None:
        return None
    age = (today - article.reviewed_on).days
    fresh = article.review_every_days is None or age <= article.review_every_days
    team = local_text(site().teams.get(article.owner, {})) or article.owner
    return {"fresh": fresh, "by": team, "on": article.reviewed_on, "months": max(1, round(age / 30))}


def _can_see(article: Article) -> bool:
    return can_see(article, context.viewer(), context.today())


def _distinct(articles: Iterable[Article]) -> list[Article]:
    return list({(a.locale, a.id): a for a in articles}.values())


def _offer_to_robots(canonical: str, alternates: dict[str, str]) -> None:
    """Say under which address this page may be kept by search engines, and which are its translations."""
    if context.portal().settings.preview:
        return
    base = context.portal().settings.base_url.rstrip("/")
    default = context.portal().settings.default_locale
    g.canonical = base + canonical
    g.alternates = {tag: base + address for tag, address in alternates.items()} if len(alternates) > 1 else {}
    if g.alternates and default in alternates:
        g.alternates["x-default"] = base + alternates[default]
