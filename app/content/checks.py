"""Checks that need all articles: links, references between articles, and what the YAML files name."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches

from app.content.articles import Problem, Status
from app.content.catalog import Catalog
from app.content.comparing import same_words
from app.content.links import check_links
from app.content.states import CHECKS, FileState
from app.content.store import ContentStore
from app.content.yaml_values import Value, parse


def with_link_problems(catalog: Catalog, files: dict[str, FileState], touched: set[str], store: ContentStore) -> dict[str, FileState]:
    """The states whose link problems changed: of the files that were touched, and of those that link to them."""
    changed: dict[str, FileState] = {}
    for path, state in files.items():
        article = state.shown
        if article is None or (path not in touched and touched.isdisjoint(state.targets)):
            continue
        facts = store.known(article.blob, article.locale)
        if facts is None or not (facts.links or facts.images):
            problems: tuple[Problem, ...] = ()
        else:
            problems = _of_links(catalog, state, facts.links, facts.images, store)
        if problems != state.link_problems:
            changed[path] = replace(state, link_problems=problems)
    return changed


def _of_links(
    catalog: Catalog, state: FileState, links: tuple[str, ...], images: tuple[str, ...], store: ContentStore
) -> tuple[Problem, ...]:
    article = state.article
    assert article is not None
    found = check_links(article, links, images, "", 1, catalog)
    if not found:
        return ()
    # Only now is the text needed, to name the lines.
    rendering = store.rendering(article.blob, article.locale)
    return tuple(check_links(article, links, images, rendering.markdown if rendering else "", state.line("body"), catalog))


def checked(catalog: Catalog, files: dict[str, FileState]) -> dict[str, FileState]:
    """What articles and YAML files name and nobody has, as one state of its own."""
    problems = [*_of_articles(catalog, files), *_of_site(catalog, files), *_of_search_tests(catalog)]
    return {CHECKS: FileState(CHECKS, "", problems=tuple(sorted(problems, key=lambda p: (p.path, p.line, p.message))))}


def _of_articles(catalog: Catalog, files: dict[str, FileState]) -> list[Problem]:
    found = []
    for path, state in files.items():
        article = state.shown
        if article is None:
            continue
        for reference in article.related:
            if catalog.resolve(reference, article.locale) is None:
                found.append(Problem(path, state.line("related"), "warning", f"related: there is no article “{reference[:80]}”"))
        if article.replaced_by and catalog.resolve(article.replaced_by, article.locale) is None:
            message = f"replaced_by: there is no article “{article.replaced_by[:80]}”"
            found.append(Problem(path, state.line("replaced_by"), "warning", message))
        if article.replaced_by and article.status is not Status.ARCHIVED:
            found.append(Problem(path, state.line("replaced_by"), "warning", "replaced_by only counts with “status: archived”"))
        if state.outdated:
            original = catalog.original_of(article)
            message = f"the original ({original.path if original else ''}) was changed after it was translated; translate what is new"
            found.append(Problem(path, state.line("source_revision"), "warning", message))
    return found


def _of_site(catalog: Catalog, files: dict[str, FileState]) -> list[Problem]:
    path = f"{catalog.folder}/site.yml" if catalog.folder else "site.yml"
    text = files[path].text if path in files else ""
    if not text:
        return []
    site, locale = catalog.site, catalog.locales[0]
    named = [s for c in site.categories for s in (*c.pinned, *(slug for _, slugs in c.groups for slug in slugs))]
    named += [slug for t in site.types for slug in sorted(t.articles)]
    named += [a.article for a in site.quick_actions if not a.article.startswith(("/", "http", "tel:", "mailto:"))]
    missing = [
        Problem(path, _line_of(slug, text), "warning", f"there is no article “{slug[:80]}”")
        for slug in dict.fromkeys(named)
        if catalog.resolve(slug, locale) is None
    ]
    return missing + _of_pins(catalog, path, text)


def _of_pins(catalog: Catalog, path: str, text: str) -> list[Problem]:
    """Pinned answers that nobody will ever see."""
    lines = _lines_of_pins(parse(text))
    found = []
    for locale, pins in catalog.site.pinned_answers.items():
        if locale not in catalog.locales:
            line = min((n for (loc, _), n in lines.items() if loc == locale), default=1)
            message = (
                f"pinned_answers: “{locale[:20]}” is not among HYLLA_LOCALES ({', '.join(catalog.locales)}), so nothing is pinned there"
            )
            found.append(Problem(path, line, "warning", message))
            continue
        for words, slug in pins.items():
            article, line = catalog.article(locale, slug), lines.get((locale, words), 1)
            if article is None:
                message = f"pinned for “{words}”: there is no article “{slug[:80]}” in {locale}{_meant(slug, locale, catalog)}"
            elif article.status is not Status.PUBLISHED:
                message = (
                    f"pinned for “{words}”: “{slug[:80]}” is not shown to anybody (status: {article.status.value}), so nothing is pinned"
                )
            else:
                continue
            found.append(Problem(path, line, "warning", message))
    return found


def _lines_of_pins(root: Value) -> dict[tuple[str, str], int]:
    """Where every pin stands in a site.yml without mistakes, by locale and search."""
    pins = root.data.get("pinned_answers") if isinstance(root.data, dict) else None
    lines: dict[tuple[str, str], int] = {}
    for locale, given in pins.data.items() if pins and isinstance(pins.data, dict) else ():
        for query, slug in given.data.items() if isinstance(given.data, dict) else ():
            lines.setdefault((locale, same_words(query)), slug.line)
    return lines


def _of_search_tests(catalog: Catalog) -> list[Problem]:
    """What a search test names and nobody can find: such a test says nothing about the search."""
    found = []
    for test in catalog.search_tests:
        for reference in (*test.expect, *test.not_expect):
            level = "error" if reference in test.expect else "warning"
            article = catalog.resolve(reference, test.locale)
            if article is None:
                message = f"there is no article “{reference[:80]}”{_meant(reference, test.locale, catalog)}"
            elif level == "error" and article.status is not Status.PUBLISHED:
                message = f"“{reference[:80]}” is not shown to anybody (status: {article.status.value}), so no search finds it"
            else:
                continue
            found.append(Problem(test.path, test.line, level, message))
    return found


def _meant(slug: str, locale: str, catalog: Catalog) -> str:
    """The slug that looks most like one that nobody has."""
    slugs = [a.slug for a in catalog.indexable() if a.locale == locale]
    near = get_close_matches(slug.strip().lower().replace("_", "-").replace(" ", "-"), slugs, n=1, cutoff=0.8)
    return f"; did you mean “{near[0]}”?" if near else ""


def _line_of(word: str, text: str) -> int:
    at = text.find(word)
    return text.count("\n", 0, at) + 1 if at >= 0 else 1
