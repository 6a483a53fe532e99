"""Commands about searching: search, replay, and the search tests that `check` runs."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from app.cli.terminal import make_tables, opened_portal, plain_errors
from app.config import Settings
from app.content import STAFF, VISITOR, ArticleRepository, Catalog, Problem, copy_store, same_words, synonym_lines
from app.deflection import milliseconds, past_queries
from app.errors import Invalid
from app.journeys import search_articles
from app.portal import Portal, open_portal
from app.publishing import publish
from app.search import (
    LOOKED_AT,
    PastSearch,
    Query,
    ReplayedSearch,
    Results,
    SearchEngine,
    TermWeight,
    TrialResult,
    idle_synonyms,
    read_learned,
    run_tests,
    share_words,
    told,
    write_learned,
)
from app.search import replay as replay_searches


@click.command()
@click.argument("query")
@click.option("--locale", help="The reader's locale; default: the first on offer.")
@click.option("--limit", type=click.IntRange(1, 50), default=10, show_default=True)
@click.option("--staff", is_flag=True, help="Search what agents may see.")
@click.option("--explain", is_flag=True, help="Why each article stands where it stands.")
@plain_errors
def search(query: str, locale: str | None, limit: int, staff: bool, explain: bool) -> None:
    """Search the published articles, on the terminal."""
    if not same_words(query):
        raise Invalid(f"“{query[:40]}” has no word that could be searched; write what somebody would type")
    with opened_portal() as portal:
        catalog = portal.current.get()
        if locale and locale not in portal.settings.locales:
            raise Invalid(f"“{locale}” is not among HYLLA_LOCALES; choose one of {', '.join(portal.settings.locales)}")
        asked = Query.from_text(query, locale or portal.settings.default_locale, STAFF if staff else VISITOR, limit=limit, explain=explain)
        _print_results(search_articles(portal.engine, catalog, asked, datetime.now(UTC).date()))


def _print_results(results: Results) -> None:
    if not results.hits:
        click.echo("Nothing found.")
    if results.corrected:
        click.echo(f"Searched for “{results.corrected}” instead.")
    if results.did_you_mean:
        click.echo(f"Did you mean “{results.did_you_mean}”?")
    slips = [word for word in results.for_slips if word not in (results.corrected or "")]
    if slips:
        click.echo(f"Also searched, in case of a slip: {', '.join(slips)}")
    synonyms = [word for word in results.also_searched if word not in results.for_slips]
    if synonyms:
        click.echo(f"Also searched, as synonyms: {', '.join(synonyms)}")
    if results.close:
        click.echo("Close, but maybe not it:")
    for hit in results.hits:
        click.echo(f"{hit.rank:>2}  {hit.score:6.2f}  {hit.url}  {hit.title}")
        if hit.explanation:
            _print_causes(hit.explanation.pinned, hit.explanation.terms)


def _print_causes(pinned: bool, terms: Iterable[TermWeight]) -> None:
    if pinned:
        click.echo("               pinned for exactly this search in site.yml")
    for term in terms:
        click.echo(f"       {term.score:6.3f}  {told(term)} (weight {term.weight:g})")


def check_with_searches(portal: Portal) -> list[Problem]:
    """What publishing the articles as they lie on disk would report, and each of their search tests that fails: what stood above, and why."""
    with rehearsal(portal.settings, None if not portal.articles.is_bare else portal.settings.content_branch) as (catalog, engine):
        failed = [
            Problem(result.test.path, _line_of(portal, result), "error", str(result))
            for result in run_tests(engine, catalog)
            if not result.passed
        ]
        return sorted([*catalog.problems, *_idle_synonyms(catalog), *failed], key=lambda p: (p.path, p.line, p.message))


def _idle_synonyms(catalog: Catalog) -> Iterator[Problem]:
    """Entries of synonyms files that change no search."""
    for locale, rules in catalog.synonyms.items():
        path = "/".join(filter(None, (catalog.folder, locale, "synonyms.yml")))
        lines = synonym_lines(catalog.files[path].text)
        for number, message in idle_synonyms(rules, locale):
            yield Problem(path, lines[number], "warning", message)


@contextmanager
def rehearsal(settings: Settings, branch: str | None = None, learned: bool = False) -> Iterator[tuple[Catalog, SearchEngine]]:
    """The articles on disk (or of a branch) published aside, with an index of their own; nothing that is served changes.

    `learned`: with what past searches have taught. Search tests go without, so that they say the same on every machine.
    """
    with tempfile.TemporaryDirectory(prefix="hylla-") as folder:
        data = Path(folder, "data")
        data.mkdir()
        share_words(settings.path(settings.index_folder), Path(folder, "index"))
        copy_store(settings.path(settings.data_folder), data)
        aside = replace(
            settings, data_folder=data, index_folder=Path(folder, "index"), database_url="sqlite://",
            content_worktree=branch is None, content_branch=branch if branch is not None else settings.content_branch,
        )  # fmt: skip
        if learned:
            write_learned(aside.path(aside.index_folder), read_learned(settings.path(settings.index_folder)))
        portal = open_portal(aside)
        try:
            publish(aside, _without_remote(aside), portal.engine, datetime.now(UTC))
            yield portal.current.get(), portal.engine
        finally:
            portal.close()


def _without_remote(settings: Settings) -> ArticleRepository:
    branch = "" if settings.content_worktree else settings.content_branch
    return ArticleRepository(settings.path(settings.content_repository), settings.content_folder, branch, settings.content_worktree)


def _line_of(portal: Portal, result: TrialResult) -> int:
    """The line of a search test. One in an article's front matter is looked for; 1 when it is written over several lines."""
    test = result.test
    if test.line > 1 or not test.path.endswith(".md"):
        return test.line
    try:
        lines = (portal.articles.disk_folder.parent / test.path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return 1
    return next((n for n, line in enumerate(lines, 1) if test.query in line), 1)


@click.command()
@click.option("--since", default="30d", show_default=True, help="How far back: 12h, 30d, 8w.")
@click.option("--branch", help="The branch to compare with what is served; default: the files on disk.")
@click.option("--list", "list_all", is_flag=True, help="Also list searches whose first hit merely differs.")
@plain_errors
def replay(since: str, branch: str | None, list_all: bool) -> None:
    """Real past searches on two revisions side by side: what a change of the articles fixes and what it breaks.

    Ends with 1 when something breaks, with 0 otherwise.
    """
    start = datetime.now(UTC) - _span(since)
    with opened_portal() as portal:
        portal.current.get()  # says so when nothing was ever published
        make_tables(portal.database)
        with portal.database.session() as db:
            past = past_queries(db, milliseconds(start))
        if not past:
            click.echo(f"Nobody has searched in the last {since}, as far as needs were put together (flask kb work); nothing to replay.")
            return
        searches = [PastSearch(p.query, p.locale or portal.settings.default_locale, p.article_id, p.times) for p in past]
        with rehearsal(portal.settings, branch, learned=portal.settings.learned_phrases) as (_catalog, engine):
            compared = replay_searches(portal.engine, engine, searches)
        shown = {(p.query, p.locale or portal.settings.default_locale) for p in past if p.persons >= portal.settings.privacy_k_query}
    verdicts = [(one.verdict(), one) for one in compared]
    wanted = {"fixes", "breaks", *(("better", "worse", "other") if list_all else ())}
    for verdict, one in sorted(((v, o) for v, o in verdicts if v in wanted), key=lambda pair: (pair[0], -pair[1].search.times)):
        text = f"“{one.search.query}”" if (one.search.query, one.search.locale) in shown else "(a search of few people)"
        click.echo(f"{verdict:<7} {one.search.times:>4} × {text}: {_change(one)}")
    fixes, breaks = (sum(v == name for v, _ in verdicts) for name in ("fixes", "breaks"))
    click.echo(f"Replayed {len(compared)} different searches: fixes {fixes}, breaks {breaks}.")
    raise SystemExit(1 if breaks else 0)


def _change(one: ReplayedSearch) -> str:
    """What became of a search: the place of the article that answered it, where one did, and the first result."""
    before, after = one.first_before or "nothing", one.first_after or "nothing"
    firsts = f"first still {after}" if before == after else f"first {before} → {after}"
    if not one.search.article_id:
        return firsts
    before, after = (str(rank) if rank else f"not in the first {LOOKED_AT}" for rank in (one.before, one.after))
    return f"{one.search.article_id} answered it, place {before} → {after}; {firsts}"


def _span(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,5})([hdw])", text)
    if not found:
        raise Invalid(f"“{text}” is no span of time; write for example 12h, 30d or 8w")
    return timedelta(**{{"h": "hours", "d": "days", "w": "weeks"}[found[2]]: int(found[1])})
