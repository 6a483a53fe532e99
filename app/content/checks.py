"""Checks that need all articles: links, references between articles, and what the YAML files name."""

from __future__ import annotations

from dataclasses import replace

from app.content.articles import Problem, Status
from app.content.catalog import Catalog
from app.content.links import check_links
from app.content.states import CHECKS, FileState
from app.content.store import ContentStore


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
    wanted = [(slug, locale) for slug in named] + [(slug, loc) for loc, pins in site.pinned_answers.items() for slug in pins.values()]
    return [
        Problem(path, _line_of(slug, text), "warning", f"there is no article “{slug[:80]}”")
        for slug, loc in dict.fromkeys(wanted)
        if catalog.resolve(slug, loc) is None
    ]


def _of_search_tests(catalog: Catalog) -> list[Problem]:
    return [
        Problem(test.path, test.line, "warning", f"there is no article “{reference[:80]}”")
        for test in catalog.search_tests
        for reference in (*test.expect, *test.not_expect)
        if catalog.resolve(reference, test.locale) is None
    ]


def _line_of(word: str, text: str) -> int:
    at = text.find(word)
    return text.count("\n", 0, at) + 1 if at >= 0 else 1
