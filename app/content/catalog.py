"""All articles at one revision, and every question that the rest of the portal asks about them."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property
from typing import NamedTuple

from app.content.articles import Article, Category, CategoryText, Notice, Problem, Rendering, Site, Status, Viewer, can_see
from app.content.errors import ArticleGone, ArticleMoved, ArticleNotFound, ContentUnavailable
from app.content.links import bind
from app.content.places import Kind, media_address, place_of
from app.content.site import SearchTest, Synonyms, read_notices, read_search_tests, read_site, read_synonyms, titled
from app.content.states import REDIRECTS, FileState
from app.content.store import ContentStore, Generation
from app.locales import fallbacks

_RENDERINGS_KEPT = 256


class Media(NamedTuple):
    """A picture: serve it with `nosniff` and, because an SVG opened by itself could hold more, a sandboxing policy."""

    data: bytes
    content_type: str


class Catalog:
    """All articles at one revision. Never changes; a new revision is a new catalog that shares what stayed the same.

    Pictures are served at `/media/<path inside the content folder>`, with `?v=` in every address that renderings contain.
    """

    def __init__(self, generation: Generation, files: Mapping[str, FileState], store: ContentStore) -> None:
        self.revision = generation.revision
        self.published_at = generation.published_at
        self.locales = generation.locales
        self.generation = generation
        self.folder = generation.folder
        self.files = files
        self._store = store
        self._lock = threading.Lock()
        self._rendered: OrderedDict[str, Rendering] = OrderedDict()
        self._load_yaml()
        self._index(s.shown for s in files.values() if s.article is not None)

    def _load_yaml(self) -> None:
        self.site = Site(name="Help")
        self._notices: tuple[Notice, ...] = ()
        self.synonyms: dict[str, Synonyms] = {}
        """By locale: (words, what is also searched for each of them, whether it holds the other way round)."""
        tests: list[SearchTest] = []
        for path, state in self.files.items():
            if not state.text or path == REDIRECTS:
                continue
            place, data = place_of(path, self.folder, self.locales), state.text.encode()
            if place.kind is Kind.SITE:
                self.site = read_site(path, data, self.locales)[0] or self.site
            elif place.kind is Kind.NOTICES:
                self._notices = read_notices(path, data, self.locales)[0] or ()
            elif place.kind is Kind.SYNONYMS:
                self.synonyms[place.locale] = read_synonyms(path, data)[0] or ()
            elif place.kind is Kind.SEARCH_TESTS:
                tests.extend(read_search_tests(path, data, place.locale)[0] or ())
        self.search_tests: tuple[SearchTest, ...] = tuple(tests)
        """Those of the search-tests files; articles' own `queries` are beside them, in `Article.queries`."""

    def _index(self, articles: Iterable[Article | None]) -> None:
        self._by_address: dict[tuple[str, str], Article] = {}
        self._by_id: dict[str, dict[str, Article]] = {}
        # Translations stand in the order of the locales, however they were met: pages list them, and an order would tell of hidden ones.
        places = {locale: place for place, locale in enumerate(self.locales)}
        for article in sorted((a for a in articles if a is not None), key=lambda a: places.get(a.locale, len(places))):
            self._by_address[article.locale, article.slug] = article
            self._by_id.setdefault(article.id, {})[article.locale] = article
        self.described_categories = frozenset(c.slug for c in self.site.categories)
        """Those that site.yml names. Any other exists only as a folder, and so only for those who may see an article in it."""
        self.site = _with_all_categories(self.site, self._by_address.values(), self.locales)
        order = _Order(self.site, self.locales)
        self._ordered = sorted(self._by_address.values(), key=order)
        self._in_locale: dict[str, list[Article]] = defaultdict(list)
        for article in self._ordered:
            self._in_locale[article.locale].append(article)

    # What there is

    def article(self, locale: str, slug: str) -> Article | None:
        """Exactly this article, whatever its status or audience."""
        return self._by_address.get((locale, slug))

    def translations(self, article_id: str) -> dict[str, Article]:
        """The article in every locale it exists in, whatever their status or audience."""
        return dict(self._by_id.get(article_id) or {})

    def indexable(self) -> list[Article]:
        """Every article that search may ever show to anybody: the published ones, whatever their audience and dates."""
        return [a for a in self._ordered if a.status is Status.PUBLISHED]

    def visible(
        self, viewer: Viewer, today: date, locale: str | None = None, category: str | None = None, fallback: bool = False
    ) -> list[Article]:
        """What this viewer may see, in the order of `site.yml`, then by title.

        With `locale` only articles in it; with `fallback` also, for each that is missing there, the one that stands in for it.
        """
        if locale is None:
            chosen: Iterable[Article] = self._ordered
        elif fallback:
            chosen = self._with_stand_ins(locale, viewer, today)
        else:
            chosen = self._in_locale.get(locale, ())
        return [a for a in chosen if (category is None or a.category == category) and can_see(a, viewer, today)]

    def _with_stand_ins(self, locale: str, viewer: Viewer, today: date) -> list[Article]:
        found: list[Article] = []
        for translations in self._by_id.values():
            best = self._best(translations, locale, viewer, today)
            if best:
                found.append(best)
        return sorted(found, key=_Order(self.site, self.locales))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that publishing found wrong, by file and line."""
        found = [p for s in self.files.values() if s.problems or s.link_problems for p in (*s.problems, *s.link_problems)]
        return tuple(sorted(found, key=lambda p: (p.path, p.line, p.message)))

    @property
    def refused(self) -> tuple[str, ...]:
        """Files that were refused; where there was a good version, that one is served."""
        return tuple(sorted(p for p, s in self.files.items() if s.refused or s.shadowed))

    # Finding one

    def find(self, locale: str, slug: str, viewer: Viewer, today: date) -> Article:
        """The article at an address, or its stand-in from another locale.

        Raises `ArticleMoved` (it has another address), `ArticleGone` (archived) or `ArticleNotFound`, which is also the answer for
        what this viewer may not see.
        """
        if locale not in self.locales:
            raise ArticleNotFound("There is no such article.")
        own = self.article(locale, slug)
        if own and can_see(own, viewer, today):
            return own
        self._raise_if_gone(own, viewer, today)
        moved = None if own else self._moved(locale, slug, viewer, today)
        if moved:
            raise ArticleMoved(moved.url)
        for other in fallbacks(locale, self.locales)[1:] if not own else [o for o in self.locales if o != locale]:
            original = self.article(other, slug)
            if original and (own is None or original.id == own.id):
                self._raise_if_gone(original, viewer, today)
                best = self._best(self._by_id[original.id], locale, viewer, today)
                if best and best.locale == locale and best.slug != slug:
                    raise ArticleMoved(best.url)
                if can_see(original, viewer, today):
                    return original
            elif own is None and (moved := self._moved(other, slug, viewer, today)):
                best = self._best(self._by_id[moved.id], locale, viewer, today) or moved
                raise ArticleMoved(f"/{locale}/articles/{best.slug}")
        raise ArticleNotFound("There is no such article.")

    def by_id(self, article_id: str, locale: str, viewer: Viewer, today: date) -> Article:
        """The article behind a permanent link, in the reader's locale or the best other one.

        Raises `ArticleGone` when it was archived, else `ArticleNotFound`.
        """
        translations = self._by_id.get(article_id) or self._by_id.get(self._former_ids.get(article_id, "")) or {}
        best = self._best(translations, locale, viewer, today)
        if best:
            return best
        for candidate in translations.values():
            self._raise_if_gone(candidate, viewer, today)
        raise ArticleNotFound("There is no such article.")

    def moved(self, path: str, viewer: Viewer, today: date) -> Article | None:
        """The article that names `path` (such as `/help/123.html`) in its `redirect_from`."""
        article = self._named_addresses.get(path)
        return article if article and can_see(article, viewer, today) else None

    def moved_category(self, category: str) -> str | None:
        """The category that took over the articles of one that is no more."""
        return self._moved_categories.get(category)

    def resolve(self, reference: str, locale: str) -> Article | None:
        """The article that a writer meant by a slug, an id, a file path or an address; in `locale` where it exists."""
        reference = reference.strip().strip("/")
        parts = reference.removesuffix(".md").split("/")
        if len(parts) == 1:
            found = self._with_slug(parts[0], locale)
        elif len(parts) == 3 and parts[1] == "articles":
            found = self._by_address.get((parts[0], parts[2])) or self._with_slug(parts[2], locale)
        else:
            name = "/".join(parts) + ".md"
            tops = ["", f"{self.folder}/", *(f"{self.folder}/{o}/" for o in fallbacks(locale, self.locales))]
            found = next((a for top in tops if (a := self.article_at(f"{top}{name}".lstrip("/")))), None)
        by_id = self._by_id.get(reference) or self._by_id.get(self._former_ids.get(reference, ""))
        translations = self._by_id[found.id] if found else by_id
        return self._preferred(translations, locale) if translations else None

    def _with_slug(self, slug: str, locale: str) -> Article | None:
        for candidate in fallbacks(locale, self.locales):
            article = self._by_address.get((candidate, slug)) or self._article_at(self._renames.get((candidate, slug), ""))
            if article:
                return article
        return None

    def _preferred(self, translations: Mapping[str, Article], locale: str) -> Article:
        return next(translations[o] for o in [*fallbacks(locale, self.locales), *translations] if o in translations)

    def _best(self, translations: Mapping[str, Article], locale: str, viewer: Viewer, today: date) -> Article | None:
        for candidate in fallbacks(locale, self.locales):
            article = translations.get(candidate)
            if article and can_see(article, viewer, today):
                return article
        return None

    def _raise_if_gone(self, article: Article | None, viewer: Viewer, today: date) -> None:
        """An archived article says so, to those who were allowed to read it."""
        if article is None or article.status is not Status.ARCHIVED or article.audience not in viewer.audiences:
            return
        successor = self.resolve(article.replaced_by, article.locale) if article.replaced_by else None
        best = self._best(self._by_id[successor.id], article.locale, viewer, today) if successor else None
        raise ArticleGone(article.title, best)

    def _moved(self, locale: str, slug: str, viewer: Viewer, today: date) -> Article | None:
        article = self._named_slugs.get((locale, slug)) or self._article_at(self._renames.get((locale, slug), ""))
        return article if article and can_see(article, viewer, today) else None

    def _article_at(self, path: str) -> Article | None:
        state = self.files.get(path)
        return state.shown if state else None

    @cached_property
    def _renames(self) -> dict[tuple[str, str], str]:
        """(locale, old slug) → path of today, from renames in git."""
        state = self.files.get(REDIRECTS)
        found = {}
        for old, new in (json.loads(state.text) if state else {}).items():
            place = place_of(old, self.folder, self.locales)
            if place.kind is Kind.ARTICLE:
                found[place.locale, place.slug] = new
        return found

    @cached_property
    def _moved_categories(self) -> dict[str, str]:
        state = self.files.get(REDIRECTS)
        there = {a.category for a in self._ordered}
        found = {}
        for old, new in (json.loads(state.text) if state else {}).items():
            before, after = place_of(old, self.folder, self.locales), self._article_at(new)
            if before.kind is Kind.ARTICLE and after and before.category not in there:
                found[before.category] = after.category
        return found

    @cached_property
    def _named_slugs(self) -> dict[tuple[str, str], Article]:
        """(locale, old slug) → article, from `redirect_from`."""
        found: dict[tuple[str, str], Article] = {}
        for state in self.files.values():
            for old in state.redirect_from if state.shown else ():
                parts = old.strip("/").split("/")
                if len(parts) == 1 and state.article and not old.startswith("/"):
                    found.setdefault((state.article.locale, parts[0]), state.article)
                elif len(parts) == 3 and parts[1] == "articles" and state.article:
                    found.setdefault((parts[0], parts[2]), state.article)
        return found

    @cached_property
    def _named_addresses(self) -> dict[str, Article]:
        return {
            "/" + old.strip("/"): state.article
            for state in self.files.values()
            for old in state.redirect_from
            if state.shown and state.article and "/" in old
        }

    @cached_property
    def _former_ids(self) -> dict[str, str]:
        """Identity before the front matter named one → identity now: permanent links given out earlier keep working."""
        return {s.origin: s.article.id for s in self.files.values() if s.article and s.shown and s.origin != s.article.id}

    # Around one article

    def related(self, article: Article, viewer: Viewer, today: date, limit: int = 3) -> list[Article]:
        """What to read next: the articles that the writer named, then those of the same category that share most words with it."""
        chosen: dict[str, Article] = {}
        for reference in article.related:
            named = self.resolve(reference, article.locale)
            best = self._best(self._by_id[named.id], article.locale, viewer, today) if named else None
            if best and best.id != article.id:
                chosen.setdefault(best.id, best)
        if len(chosen) < limit:
            for candidate in self._alike(article):
                if candidate.id not in chosen and can_see(candidate, viewer, today):
                    chosen[candidate.id] = candidate
                if len(chosen) >= limit:
                    break
        return list(chosen.values())[:limit]

    def _alike(self, article: Article) -> list[Article]:
        words = _topic_words(article)
        group = self._group_of(article)
        kin = [a for a in self._in_locale.get(article.locale, ()) if a.category == article.category and a.id != article.id]
        return sorted(kin, key=lambda a: -(3 * len(words & _topic_words(a)) + (a.slug in group)))

    def _group_of(self, article: Article) -> frozenset[str]:
        category = self.category(article.category)
        groups = category.groups if category else ()
        return next((frozenset(slugs) for _, slugs in groups if article.slug in slugs), frozenset())

    def category(self, slug: str) -> Category | None:
        """A category of this site, described in `site.yml` or only known by its folder."""
        return next((c for c in self.site.categories if c.slug == slug), None)

    def original_of(self, article: Article) -> Article | None:
        """The article that this one is a translation of."""
        for locale in self.locales:
            original = self._by_id.get(article.id, {}).get(locale)
            if original:
                return original if locale != article.locale else None
        return None

    def is_outdated(self, article: Article) -> bool:
        """Whether the original was changed after it was translated."""
        state = self.files.get(article.path)
        return bool(state and state.outdated)

    def notices(self, now: datetime, category: str | None = None) -> list[Notice]:
        """The service notices that hold now: those for everywhere, and those for this category."""
        return [
            n
            for n in self._notices
            if (n.starts is None or n.starts <= now)
            and (n.ends is None or now < n.ends)
            and (not n.categories or (category is not None and category in n.categories))
        ]

    def matching_notices(self, text: str, now: datetime) -> list[Notice]:
        """The notices that a search or a request with these words should show first, wherever it happens."""
        words = " ".join(text.casefold().split())
        live = [n for n in self._notices if (n.starts is None or n.starts <= now) and (n.ends is None or now < n.ends)]
        return [n for n in live if any(_holds(words, m) for m in n.matches)]

    # Text and pictures

    def rendering(self, article: Article) -> Rendering:
        """The article's HTML with every link and picture resolved for this revision. Do not change what you get: it is shared."""
        with self._lock:
            known = self._rendered.get(article.path)
            if known:
                self._rendered.move_to_end(article.path)
                return known
        stored = self._store.rendering(article.blob, article.locale)
        if stored is None:
            raise ContentUnavailable("The text of this article is not in the content store; run `flask kb publish`.")
        bound = bind(stored, article, self)
        with self._lock:
            self._rendered[article.path] = bound
            while len(self._rendered) > _RENDERINGS_KEPT:
                self._rendered.popitem(last=False)
        return bound

    def media(self, path: str) -> Media | None:
        """A picture by its path inside the content folder (what follows `/media/` in its address)."""
        state = self.files.get(f"{self.folder}/{path}" if self.folder else path)
        if state is None or state.picture is None:
            return None
        data = self._store.media(state.blob)
        if data is None:
            raise ContentUnavailable("This picture is not in the content store; run `flask kb publish`.")
        return Media(data, state.picture.content_type)

    def may_see_media(self, path: str, viewer: Viewer, today: date) -> bool:
        """Whether a viewer may see a picture: who sees an article that shows it. One that none shows is public in `media/`, else staff's."""
        if viewer.is_staff:
            return True
        shown_in = self._shown_in.get(f"{self.folder}/{path}" if self.folder else path)
        if shown_in is None:
            return path.startswith("media/")
        return any(can_see(article, viewer, today) for article in shown_in)

    @cached_property
    def _shown_in(self) -> dict[str, list[Article]]:
        """Picture file → the articles that show it or link to it."""
        found: dict[str, list[Article]] = {}
        for state in self.files.values():
            for target in state.targets if state.shown else ():
                if target in self.files and self.files[target].picture and state.article:
                    found.setdefault(target, []).append(state.article)
        return found

    def picture_at(self, path: str) -> tuple[str, int, int] | None:
        """(address, width, height) of the picture file at `path` in the repository."""
        state = self.files.get(path)
        if state is None or state.picture is None:
            return None
        return media_address(path, self.folder, state.blob), state.picture.width, state.picture.height

    def article_at(self, path: str) -> Article | None:
        """The article in this file, or in the file it was renamed to."""
        state = self.files.get(path)
        if state and state.shown:
            return state.shown
        place = place_of(path, self.folder, self.locales)
        return self._article_at(self._renames.get((place.locale, place.slug), "")) if place.kind is Kind.ARTICLE else None


class _Order:
    """Sorts articles as `site.yml` does: by category, then group, then place in the group, then title."""

    def __init__(self, site: Site, locales: tuple[str, ...]) -> None:
        self.categories = {c.slug: i for i, c in enumerate(site.categories)}
        self.locales = {locale: i for i, locale in enumerate(locales)}
        self.places = {
            (c.slug, slug): (g, i) for c in site.categories for g, (_, slugs) in enumerate(c.groups) for i, slug in enumerate(slugs)
        }

    def __call__(self, article: Article) -> tuple[int, tuple[int, int], str, int]:
        place = self.places.get((article.category, article.slug), (-1, 0))
        return self.categories.get(article.category, 999), place, article.title.casefold(), self.locales.get(article.locale, 99)


def _with_all_categories(site: Site, articles: Iterable[Article], locales: tuple[str, ...]) -> Site:
    """The site with the categories that have a folder but no entry, last and by name."""
    known = {c.slug for c in site.categories}
    missing = sorted({a.category for a in articles} - known)
    added = tuple(Category(slug, "file-text", {locale: CategoryText(titled(slug), "") for locale in locales}) for slug in missing)
    return replace(site, categories=site.categories + added) if added else site


def _topic_words(article: Article) -> set[str]:
    words = {w for k in article.keywords for w in k.casefold().split()}
    return words | {w for w in article.title.casefold().split() if len(w) > 3}


def _holds(words: str, match: str) -> bool:
    """Whether `match` stands in `words` as a whole phrase."""
    return f" {match} " in f" {words} "
