"""The YAML files beside the articles: `site.yml`, `notices.yml`, and each locale's synonyms and search tests."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.content.articles import ArticleType, Category, CategoryText, Channel, Notice, Problem, QuickAction, RequestTopic, Site, TopicField
from app.content.comparing import same_words
from app.content.yaml_values import Malformed, Reader, Value, parse

MAX_BYTES = 1_048_576
"""Ten thousand synonyms and then some."""
MOST_WITHIN = 20
"""How far down a search test looks."""
MAX_TOPIC_FIELDS = 2
MAX_FIELD_LABEL = 80
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,119}")
_HREF = re.compile(r"(https?://|mailto:|tel:|/(?![/\\]))[^\s\"'<>\\]*")
_SITE_KEYS = frozenset(
    ["name", "categories", "popular", "quick_actions", "channels", "pinned_answers", "request_topics", "footer", "links", "teams", "types"]
)
_CATEGORY_KEYS = frozenset(["slug", "icon", "title", "description", "groups", "pinned"])
_NOTICE_KEYS = frozenset(["id", "tone", "headline", "text", "link", "link_label", "starts", "ends", "categories", "matches", "dismissible"])

Synonyms = tuple[tuple[tuple[str, ...], tuple[str, ...], bool], ...]
"""(words or phrases, those that are also searched for each of them, whether it holds the other way round)."""


@dataclass(frozen=True)
class SearchTest:
    """A search that must find one of `expect` among the first `within`, and none of `not_expect`."""

    query: str
    locale: str
    expect: tuple[str, ...]
    within: int = 3
    not_expect: tuple[str, ...] = ()
    path: str = ""
    line: int = 1


def read_site(path: str, data: bytes, locales: tuple[str, ...]) -> tuple[Site | None, list[Problem]]:
    """What `site.yml` says, or None when an error makes it unusable, with every problem."""
    reader = Reader(path)
    root = _root(data, reader)
    given = reader.mapping(root, "site.yml", _SITE_KEYS)
    site = Site(
        name=reader.text(given.get("name"), "name", "Help", 80),
        categories=_unique(reader, [_category(reader, v, locales) for v in reader.items(given.get("categories"), "categories")]),
        popular={locale: reader.texts(v, f"popular.{locale}", 20) for locale, v in reader.mapping(given.get("popular"), "popular").items()},
        types=_types(reader, given.get("types"), locales),
        channels=tuple(c for v in reader.items(given.get("channels"), "channels") if (c := _channel(reader, v, locales))),
        quick_actions=tuple(a for v in reader.items(given.get("quick_actions"), "quick_actions") if (a := _action(reader, v, locales))),
        pinned_answers=_pins(reader, given.get("pinned_answers")),
        topics=tuple(t for v in reader.items(given.get("request_topics"), "request_topics") if (t := _topic(reader, v, locales))),
        footer=reader.by_locale(given.get("footer"), "footer", locales),
        teams={owner: reader.by_locale(v, f"teams.{owner}", locales) for owner, v in reader.mapping(given.get("teams"), "teams").items()},
        links=tuple(link for v in reader.items(given.get("links"), "links") if (link := _link(reader, v, locales))),
    )
    return (None if reader.failed else site), reader.problems


def read_notices(path: str, data: bytes, locales: tuple[str, ...]) -> tuple[tuple[Notice, ...] | None, list[Problem]]:
    """The notices of `notices.yml`, or None when an error makes it unusable."""
    reader = Reader(path)
    root = _root(data, reader)
    if root and isinstance(root.data, dict) and set(root.data) == {"notices"}:
        root = root.data["notices"]
    notices = [n for v in reader.items(root, "notices.yml") if (n := _notice(reader, v, locales))]
    return (None if reader.failed else tuple(notices)), reader.problems


def read_synonyms(path: str, data: bytes) -> tuple[Synonyms | None, list[Problem]]:
    """A locale's synonyms, or None when an error makes the file unusable."""
    reader = Reader(path)
    found = []
    for value in reader.items(_root(data, reader), "synonyms.yml"):
        told = len(reader.problems)
        given = reader.mapping(value, "an entry", frozenset({"same", "words", "find"}))
        same = reader.texts(given.get("same"), "same", 50)
        words, find = reader.texts(given.get("words"), "words", 50), reader.texts(given.get("find"), "find", 50)
        if len(same) > 1 and not (words or find):
            found.append((same, same, True))
        elif words and find and not same:
            found.append((words, find, False))
        elif len(reader.problems) == told:
            reader.error(value.line, "an entry is either “same: [two, or more]” or “words: [a]” with “find: [b]”")
    return (None if reader.failed else tuple(found)), reader.problems


def synonym_lines(text: str) -> list[int]:
    """The line of every entry of a synonyms file that has no mistakes."""
    root = parse(text)
    return [entry.line for entry in root.data] if isinstance(root.data, list) else []


def read_search_tests(path: str, data: bytes, locale: str) -> tuple[tuple[SearchTest, ...] | None, list[Problem]]:
    """A locale's search tests, or None when an error makes the file unusable."""
    reader = Reader(path)
    tests: list[SearchTest] = []
    for value in reader.items(_root(data, reader), "search-tests.yml"):
        told = len(reader.problems)
        given = reader.mapping(value, "a search test", frozenset({"query", "expect", "within", "not_expect"}))
        query = reader.text(given.get("query"), "query", longest=200)
        expect = _one_or_more(reader, given.get("expect"), "expect")
        unwanted = _one_or_more(reader, given.get("not_expect"), "not_expect")
        within = reader.number(given.get("within"), "within", 3, 1, MOST_WITHIN)
        if not query or not (expect or unwanted):
            if len(reader.problems) == told:
                reader.error(value.line, "a search test needs “query” and “expect” (or “not_expect”)")
            continue
        if not same_words(query):
            reader.error(value.line, f"“{query[:40]}” has no word that could be searched; write what somebody would type")
        if both := next((name for name in expect if name in unwanted), ""):
            reader.error(value.line, f"“{both[:80]}” is both expected and not; keep one")
        test = SearchTest(query, locale, expect, within, unwanted, path, value.line)
        if twice := next((t for t in tests if (t.query, t.expect, t.not_expect) == (query, expect, unwanted)), None):
            reader.warning(value.line, f"this search test stands in line {twice.line} already; keep one")
        tests.append(test)
    return (None if reader.failed else tuple(tests)), reader.problems


def _root(data: bytes, reader: Reader) -> Value | None:
    if len(data) > MAX_BYTES:
        reader.error(1, f"the file has {len(data)} bytes; at most {MAX_BYTES} are read, so take out what is not needed")
        return None
    try:
        return parse(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        reader.error(data[: error.start].count(b"\n") + 1, "this is not UTF-8; save the file as UTF-8")
    except Malformed as error:
        reader.error(error.line, str(error))
    return None


def _pins(reader: Reader, value: Value | None) -> dict[str, dict[str, str]]:
    """By locale and search: the article that comes first. Searches are compared by their words, so two spellings may be one."""
    pins: dict[str, dict[str, str]] = {}
    for locale, given in reader.mapping(value, "pinned_answers").items():
        chosen = pins.setdefault(locale, {})
        for query, slug in reader.mapping(given, f"pinned_answers.{locale}").items():
            words, article = same_words(query), reader.text(slug, f"pinned_answers.{locale}.{query[:40]}")
            if not words:
                reader.warning(
                    slug.line, f"“{query[:40]}” has no word that anybody could search, so nothing is pinned; write the words of a search"
                )
            elif words in chosen:
                reader.warning(slug.line, f"“{query[:40]}” is the same search as one above, which counts; keep one")
            elif article:
                chosen[words] = article
            elif slug.data is None:
                reader.warning(slug.line, f"no article is pinned for “{query[:40]}”; write its slug")
    return pins


def _category(reader: Reader, value: Value, locales: tuple[str, ...]) -> Category:
    given = reader.mapping(value, "a category", _CATEGORY_KEYS)
    slug = _slug(reader, given.get("slug"), value)
    titles = reader.by_locale(given.get("title"), "title", locales) or dict.fromkeys(locales, titled(slug))
    descriptions = reader.by_locale(given.get("description"), "description", locales)
    groups = []
    for item in reader.items(given.get("groups"), "groups"):
        group = reader.mapping(item, "a group", frozenset({"title", "articles"}))
        title = reader.by_locale(group.get("title"), "title", locales)
        if not title:
            reader.error(item.line, "a group needs a “title”")
        groups.append((title, reader.texts(group.get("articles"), "articles", 500)))
    return Category(
        slug=slug,
        icon=reader.text(given.get("icon"), "icon", "file-text", 40),
        texts={locale: CategoryText(title, descriptions.get(locale, "")) for locale, title in titles.items()},
        groups=tuple(groups),
        pinned=reader.texts(given.get("pinned"), "pinned", 20),
    )


def titled(slug: str) -> str:
    """A readable stand-in for a category without a title."""
    return slug.replace("-", " ").strip().capitalize()


def _unique(reader: Reader, categories: list[Category]) -> tuple[Category, ...]:
    seen: set[str] = set()
    for category in categories:
        if category.slug in seen:
            reader.error(1, f"category “{category.slug}” is given twice; keep one")
        seen.add(category.slug)
    return tuple(categories)


def _types(reader: Reader, value: Value | None, locales: tuple[str, ...]) -> tuple[ArticleType, ...]:
    """The types of articles; every article has at most one, and one type may be that of all the others."""
    types: list[ArticleType] = []
    typed: set[str] = set()
    for item in reader.items(value, "types"):
        given = reader.mapping(item, "a type", frozenset({"slug", "label", "articles"}))
        slug, label = _slug(reader, given.get("slug"), item), reader.by_locale(given.get("label"), "label", locales)
        articles = frozenset(reader.texts(given.get("articles"), "articles", 10_000))
        if not label:
            reader.error(item.line, "a type needs a “label”")
        if any(t.slug == slug for t in types):
            reader.error(item.line, f"type “{slug}” is given twice; keep one")
        if not articles and any(not t.articles for t in types):
            reader.error(item.line, "only one type may be without “articles”: it is that of all the others")
        if twice := sorted(typed & articles):
            reader.error(item.line, f"“{twice[0]}” has two types; keep one")
        typed |= articles
        types.append(ArticleType(slug, label, articles))
    return tuple(types)


def _channel(reader: Reader, value: Value, locales: tuple[str, ...]) -> Channel | None:
    given = reader.mapping(value, "a channel", frozenset({"kind", "href", "label", "detail"}))
    kind = reader.text(given.get("kind"), "kind")
    if kind not in {"chat", "request", "phone"}:
        reader.error(value.line, f"“kind” of a channel is chat, request or phone, not “{kind}”")
        return None
    label = reader.by_locale(given.get("label"), "label", locales)
    if not label:
        reader.error(value.line, "a channel needs a “label”")
    return Channel(kind, _href(reader, given.get("href"), value), label, reader.by_locale(given.get("detail"), "detail", locales))


def _action(reader: Reader, value: Value, locales: tuple[str, ...]) -> QuickAction | None:
    given = reader.mapping(value, "a quick action", frozenset({"icon", "label", "article", "urgent"}))
    label, article = reader.by_locale(given.get("label"), "label", locales), reader.text(given.get("article"), "article")
    if not label or not article:
        reader.error(value.line, "a quick action needs a “label” and an “article” (a slug, or a path like /en/contact)")
        return None
    if not _SLUG.fullmatch(article):
        article = _href(reader, given.get("article"), value)
    return QuickAction(reader.text(given.get("icon"), "icon", "file-text", 40), label, article, reader.flag(given.get("urgent"), "urgent"))


def _topic(reader: Reader, value: Value, locales: tuple[str, ...]) -> RequestTopic | None:
    given = reader.mapping(value, "a topic", frozenset({"slug", "label", "safety", "phone", "fields"}))
    label = reader.by_locale(given.get("label"), "label", locales)
    if not label:
        reader.error(value.line, "a topic needs a “label”")
        return None
    safety, phone = reader.flag(given.get("safety"), "safety"), reader.text(given.get("phone"), "phone", longest=60)
    if safety and not phone:
        reader.warning(value.line, "a safety topic shows a phone line instead of answers; add “phone”")
    return RequestTopic(_slug(reader, given.get("slug"), value), label, safety, phone, _topic_fields(reader, given.get("fields"), locales))


def _topic_fields(reader: Reader, value: Value | None, locales: tuple[str, ...]) -> tuple[TopicField, ...]:
    items = reader.items(value, "fields")
    if len(items) > MAX_TOPIC_FIELDS:
        # Every field more makes fewer people finish; an agent can still ask.
        reader.error(items[MAX_TOPIC_FIELDS].line, f"a topic has at most {MAX_TOPIC_FIELDS} “fields”; leave out the others")
    fields = []
    for item in items:
        given = reader.mapping(item, "a field", frozenset({"label", "optional"}))
        label = reader.by_locale(given.get("label"), "label", locales)
        if not label:
            reader.error(item.line, "a field needs a “label”")
        elif longest := next((text for text in label.values() if len(text) > MAX_FIELD_LABEL), ""):
            reader.error(item.line, f"the label “{longest[:40]}…” of a field is longer than {MAX_FIELD_LABEL} characters")
        else:
            fields.append(TopicField(label, reader.flag(given.get("optional"), "optional")))
    return tuple(fields)


def _link(reader: Reader, value: Value, locales: tuple[str, ...]) -> tuple[dict[str, str], str] | None:
    given = reader.mapping(value, "a link", frozenset({"label", "href"}))
    label = reader.by_locale(given.get("label"), "label", locales)
    if not label:
        reader.error(value.line, "a link needs a “label”")
        return None
    return label, _href(reader, given.get("href"), value)


def _notice(reader: Reader, value: Value, locales: tuple[str, ...]) -> Notice | None:
    given = reader.mapping(value, "a notice", _NOTICE_KEYS)
    headline = reader.by_locale(given.get("headline"), "headline", locales)
    tone = reader.text(given.get("tone"), "tone", "info")
    if not headline:
        reader.error(value.line, "a notice needs a “headline”")
        return None
    if tone not in {"info", "warning"}:
        reader.error(value.line, f"“tone” is info or warning, not “{tone}”")
    starts, ends = reader.moment(given.get("starts"), "starts"), reader.moment(given.get("ends"), "ends")
    if starts and ends and ends <= starts:
        reader.error(value.line, "this notice ends before it starts")
    return Notice(
        id=_slug(reader, given.get("id"), value),
        tone=tone,
        headline=headline,
        text=reader.by_locale(given.get("text"), "text", locales),
        link=_href(reader, given.get("link"), value) if given.get("link") else "",
        link_label=reader.by_locale(given.get("link_label"), "link_label", locales),
        starts=starts,
        ends=ends,
        categories=reader.texts(given.get("categories"), "categories", 50),
        matches=tuple(_normal(m) for m in reader.texts(given.get("matches"), "matches", 50)),
        dismissible=reader.flag(given.get("dismissible"), "dismissible", default=True),
    )


def _slug(reader: Reader, value: Value | None, parent: Value) -> str:
    slug = reader.text(value, "slug or id")
    if not _SLUG.fullmatch(slug):
        line = value.line if value else parent.line
        reader.error(line, f"“{slug[:40]}” cannot be used as a name here; write small letters, digits, hyphens and underscores")
        return ""
    return slug


def _href(reader: Reader, value: Value | None, parent: Value) -> str:
    href = reader.text(value, "href")
    if not _HREF.fullmatch(href):
        line = value.line if value else parent.line
        reader.error(line, f"“{href[:60]}” is no address; write https://…, mailto:…, tel:… or a path like /contact")
        return ""
    return href


def _one_or_more(reader: Reader, value: Value | None, name: str) -> tuple[str, ...]:
    if value and isinstance(value.data, str):
        return (reader.text(value, name),)
    if value and isinstance(value.data, dict):
        reader.error(value.line, f"“{name}” must be the slug of an article, or a list of them like [one, two], not a mapping")
        return ()
    return reader.texts(value, name, 20)


def _normal(query: str) -> str:
    return " ".join(query.casefold().split())
