"""Searching: the result page, suggestions while typing, and what a dead address may have meant. Each list shown is an event."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request

from app.content import Article
from app.deflection import Search, new_id
from app.errors import Unavailable
from app.journeys import search_articles
from app.locales import own_name
from app.search import Hit, Query, Results, SearchUnavailable, Suggestion
from app.web import context
from app.web.access import is_personal
from app.web.frame import NoticeText, local_text, notice_text, site
from app.web.help_center.page_cache import compressed
from app.web.help_center.reading_counts import solved_share
from app.web.help_center.topics import topic_of, topics_for
from app.web.security import limiter
from app.web.visitors import visitors

bp = Blueprint("search_pages", __name__)

SUGGESTED_BYTES = 2048
RECORDED = 10
"""Results of a list that its event names."""
CLOSE = 3
SUGGESTIONS = 6


@dataclass(frozen=True)
class Row:
    """A hit as the page shows it."""

    hit: Hit
    topic: str
    article: Article | None
    link: str
    jumps: list[tuple[str, str]]
    solved: float | None
    """The share of voters whose problem it solved, if that is worth saying."""


@dataclass(frozen=True)
class Choice:
    """One line of a filter: a link with its count."""

    label: str
    count: int
    href: str
    current: bool
    lang: str = ""


@dataclass(frozen=True)
class Trail:
    """What links from a list carry, so that the article page can say which search led there; the script takes it off again."""

    search_id: str
    tab: str

    def link(self, url: str, rank: int) -> str:
        """The address with the search, the rank and, where no script keeps it, the tab."""
        path, _, anchor = url.partition("#")
        given = {"s": self.search_id, "r": str(rank)} | ({"t": self.tab} if self.tab.startswith("n-") else {})
        return f"{path}{'&' if '?' in path else '?'}{urlencode(given)}{'#' + anchor if anchor else ''}"


def _rate() -> str:
    return f"{context.portal().settings.searches_per_minute} per minute"


def _typing_rate() -> str:
    return f"{context.portal().settings.searches_per_minute * 5} per minute"


@bp.get("/<locale>/search")
@limiter.limit(_rate)
def search(locale: str) -> Response:
    """The result page; a failed engine is never shown as 'nothing found'."""
    query = _query(locale)
    tab = visitors.clean_tab(request.args.get("t")) or visitors.new_tab()
    if not query.text:
        return _never_cached(render_template("help_center/browse.html", topics=topics_for(locale), tab=tab))
    try:
        results = search_articles(context.portal().engine, context.catalog(), query, context.today())
    except SearchUnavailable as error:
        answer = _never_cached(render_template("help_center/search_failed.html", query=query, topics=topics_for(locale), tab=tab))
        answer.status_code = 503
        answer.headers["Retry-After"] = str(error.retry_after)
        return answer
    if query.offset and not results.hits and results.total:
        return make_response(redirect(f"{request.path}?{urlencode([(k, v) for k, v in request.args.items(multi=True) if k != 'page'])}"))
    trail = Trail(new_id(), tab)
    total = _total(query, results)
    _record(query, results, total, trail)
    found = bool(results.hits) and not results.close
    template = "help_center/search.html" if found else "help_center/no_results.html"
    return _never_cached(render_template(template, total=total, **_page(query, results, trail, locale)))


def _total(query: Query, results: Results) -> int:
    """How many articles answer the words, whatever the filters leave of them: only words that nothing answers are a gap."""
    if results.hits and not results.close:
        return results.total
    if not (query.category or query.type or query.only_locale):
        return 0
    everywhere = replace(query, category="", type="", only_locale="", snippets=False, passage=False)
    found = search_articles(context.portal().engine, context.catalog(), everywhere, context.today())
    return 0 if found.close else found.total


@bp.get("/<locale>/suggest")
@limiter.limit(_typing_rate)
def suggest(locale: str) -> Response:
    """What the search field offers while somebody types; a shown list is recorded as a search of mode `type`."""
    text = request.args.get("q", "")
    context.catalog()  # a process that has just started opens its index with its first catalog
    found = context.portal().engine.suggest(text, locale, context.viewer(), SUGGESTIONS)
    tab = visitors.clean_tab(request.args.get("t")) or visitors.new_tab()
    trail = Trail(new_id(), tab)
    items = found.items[:SUGGESTIONS]
    if text.strip():
        articles = tuple(dict.fromkeys(item.article_id for item in items if item.article_id))
        _put(trail, text.strip()[:200], "type", len(articles), articles, locale, found.revision, answer_shown=False)
    offered = [_offered(item, rank, trail, locale) for rank, item in enumerate(items, 1)]
    answer = Response(_fitting(trail.search_id, offered), mimetype="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _fitting(search_id: str, offered: Sequence[dict[str, Any]]) -> bytes:
    """The list as JSON, without the last ones that would make it too large for a phone on a bad line. Letters stand as themselves: escaped,
    those of most scripts take three times the room."""
    told = {"search_id": search_id, "items": offered}
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return body if len(body) <= SUGGESTED_BYTES or not offered else _fitting(search_id, offered[:-1])


def _offered(item: Suggestion, rank: int, trail: Trail, locale: str) -> dict[str, Any]:
    link = item.url if item.type == "query" else trail.link(item.url, rank)
    where = topic_of(item.where, locale).title if item.where else ""
    return {"type": item.type, "title": item.title, "url": link, "where": where}


def _query(locale: str) -> Query:
    lang = request.args.get("lang", "")
    try:
        page = int(request.args.get("page", "1"))
    except ValueError:
        page = 1
    return Query.from_text(
        request.args.get("q", ""),
        locale,
        context.viewer(),
        page=page,
        category=request.args.get("category", "")[:100],
        type=request.args.get("type", "")[:100],
        only_locale=lang if lang in context.portal().settings.locales else "",
        exact=request.args.get("exact") == "1",
    )


def _record(query: Query, results: Results, total: int, trail: Trail) -> None:
    ids = tuple(hit.article_id for hit in results.hits[: CLOSE if results.close else RECORDED])
    _put(trail, query.text, "submit", total, ids, query.locale, results.revision, answer_shown=results.passage is not None)


def _put(trail: Trail, q: str, mode: str, total: int, ids: Sequence[str], locale: str, revision: str, answer_shown: bool) -> None:
    context.portal().events.put(
        Search(
            **visitors.actor(trail.tab).stamp(context.now()),
            search_id=trail.search_id,
            q=q,
            mode=mode,
            n_results=total,
            results=tuple(ids),
            answer_shown=answer_shown,
            lang=locale,
            revision=revision or None,
        )
    )


# --- what the page is made of -----------------------------------------------------------------------------------------------


def _page(query: Query, results: Results, trail: Trail, locale: str) -> dict[str, Any]:
    page = query.offset // query.limit + 1
    pages = max(1, -(-results.total // query.limit))
    catalog = context.catalog()
    hits = results.hits[:CLOSE] if results.close else results.hits
    passage = results.passage
    return {
        "query": query,
        "results": results,
        "rows": [_row(hit, trail, locale) for hit in hits],
        "passage": passage,
        "passage_link": trail.link(passage.url, 1) if passage else "",
        "passage_article": catalog.translations(passage.article_id).get(passage.locale) if passage else None,
        "types": _type_choices(query, results, locale),
        "topics": _topic_choices(query, results, locale),
        "locales": _locale_choices(query, results, locale),
        "foreign": _foreign(query, results, locale),
        "known_problems": known_problems(query.text),
        "has_words": any(letter.isalnum() for letter in query.text),
        "all_topics": topics_for(locale) if not hits or results.close else [],
        "page": page,
        "pages": pages,
        "next_page": _address(query, page=page + 1) if page < pages else "",
        "previous_page": _address(query, page=page - 1) if page > 1 else "",
        "exact_link": _address(query, exact=True),
        "loose_link": _address(query, exact=False),
        "corrected_link": _address(query, text=results.did_you_mean) if results.did_you_mean else "",
        "contact_link": f"/{locale}/contact?" + urlencode({"q": query.text, "s": trail.search_id, "t": trail.tab}),
        "tab": trail.tab,
        "search_id": trail.search_id,
    }


def _row(hit: Hit, trail: Trail, locale: str) -> Row:
    return Row(
        hit=hit,
        topic=topic_of(hit.category, locale).title,
        article=context.catalog().translations(hit.article_id).get(hit.locale),
        link=trail.link(hit.url, hit.rank),
        jumps=[(heading, trail.link(f"{hit.url}#{anchor}", hit.rank)) for anchor, heading in hit.sections if anchor],
        solved=solved_share(hit.article_id),
    )


def _topic_choices(query: Query, results: Results, locale: str) -> list[Choice]:
    counts = results.by_category
    everything = sum(counts.values())
    known = [c.slug for c in site().categories]
    order = sorted((slug for slug in counts if counts[slug]), key=lambda s: known.index(s) if s in known else len(known))
    choices = [Choice("", everything, _address(query, category=""), not query.category)]
    for slug in order:
        choices.append(Choice(topic_of(slug, locale).title, counts[slug], _address(query, category=slug), query.category == slug))
    return choices


def _type_choices(query: Query, results: Results, locale: str) -> list[Choice]:
    """The types of site.yml that the results have; none when all results are of one type, for then there is nothing to choose."""
    types = [t for t in site().types if results.by_type.get(t.slug) or query.type == t.slug]
    if len(types) < 2 and not query.type:
        return []
    choices = [Choice("", sum(results.by_type.values()), _address(query, type=""), not query.type)]
    for one in types:
        choices.append(
            Choice(local_text(one.label, locale), results.by_type.get(one.slug, 0), _address(query, type=one.slug), query.type == one.slug)
        )
    return choices


def _locale_choices(query: Query, results: Results, locale: str) -> list[Choice]:
    counts = {tag: n for tag, n in results.by_locale.items() if n}
    if len(counts) < 2 and not query.only_locale:
        return []
    order = [tag for tag in (locale, *context.portal().settings.locales, *counts) if tag in counts]
    choices = [Choice("", sum(counts.values()), _address(query, only_locale=""), not query.only_locale)]
    for tag in dict.fromkeys(order):
        choices.append(Choice(own_name(tag), counts[tag], _address(query, only_locale=tag), query.only_locale == tag, lang=tag))
    return choices


def _foreign(query: Query, results: Results, locale: str) -> list[tuple[str, int]]:
    """(language, number) of what there is elsewhere, when there is nothing in the reader's language."""
    if query.only_locale or results.by_locale.get(locale):
        return []
    return [(own_name(tag), n) for tag, n in results.by_locale.items() if n]


def _address(query: Query, page: int = 1, **change: Any) -> str:
    """This search with something changed; a change of filter starts at the first page again."""
    text = change.get("text", query.text)
    category = change.get("category", query.category)
    kind = change.get("type", query.type)
    lang = change.get("only_locale", query.only_locale)
    exact = change.get("exact", query.exact)
    given = {
        "q": text,
        "type": kind,
        "category": category,
        "lang": lang,
        "exact": "1" if exact else "",
        "page": str(page) if page > 1 else "",
    }
    tab = request.args.get("t", "")
    given["t"] = tab if tab.startswith("n-") else ""
    return f"/{query.locale}/search?" + urlencode({name: value for name, value in given.items() if value})


def known_problems(text: str) -> list[NoticeText]:
    """Service notices that the words of a search or of a request's subject call for: they are shown first."""
    return [notice_text(n) for n in context.catalog().matching_notices(text, context.now())]


def _never_cached(page: str) -> Response:
    answer = make_response(page)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer if is_personal() else compressed(answer)


# --- dead addresses ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LostReader:
    """What a dead address may have meant: its words, and the nearest articles."""

    words: str
    nearest: tuple[Hit, ...]


@bp.app_template_global()
def lost_reader() -> LostReader:
    """The words of the address that led nowhere, and up to three articles they find. Not a recorded search: nobody searched."""
    words = words_of(request.path, context.portal().settings.locales)
    if not words:
        return LostReader("", ())
    try:
        query = Query.from_text(words, context.locale(), context.viewer(), limit=3, snippets=False, passage=False)
        return LostReader(words, search_articles(context.portal().engine, context.catalog(), query, context.today()).hits)
    except Unavailable:
        return LostReader(words, ())


def words_of(path: str, locales: Sequence[str]) -> str:
    """The words of an address as a search: `/en/articles/freeze-a-card.html` → `freeze a card`."""
    parts = [p for p in unquote(path).split("/") if p and p not in locales and p not in {"articles", "categories", "a", "help", "hc"}]
    last = re.sub(r"\.(html?|php|aspx?|md)$", "", parts[-1]) if parts else ""
    words = [w for w in re.findall(r"[^\W_]+", last) if not w.isdigit()]
    return " ".join(words)[:100]
