"""Commands of writers: publish, check, reindex."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from app.cli.terminal import ProgressLine, opened_content, opened_portal, plain_errors
from app.content import Problem, one_line
from app.publishing import PublishReport
from app.publishing import publish as publish_articles


@click.command()
@plain_errors
def publish() -> None:
    """Bring the portal to the content's newest revision and list every problem; exit 1 if an article was refused."""
    with opened_content() as (settings, articles, engine):
        progress = ProgressLine()
        report = publish_articles(settings, articles, engine, datetime.now(UTC), progress)
        progress.close()
    _print_problems(report.problems)
    if report.stale:
        click.echo(f"Warning: the remote could not be asked, so this is what was here already: {report.stale}", err=True)
    click.echo(_sentence(report))
    raise SystemExit(1 if report.refused else 0)


@click.command()
@plain_errors
def reindex() -> None:
    """Rebuild the search index beside the old one, then swap."""
    with opened_content() as (settings, articles, engine):
        progress = ProgressLine()
        report = publish_articles(settings, articles, engine, datetime.now(UTC), progress, rebuild=True)
        progress.close()
    click.echo(f"Rebuilt the index at revision {report.revision[:12]}.")


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text", help="How problems are printed.")
@click.option("--searches/--no-searches", default=True, help="Also run the search tests of the articles.")
@plain_errors
def check(paths: tuple[Path, ...], form: str, searches: bool) -> None:
    """What publish would refuse or warn of, without publishing; exit 1 on errors. PATHS narrow it to some files."""
    from app.cli.searching import check_with_searches
    from app.content import check as check_articles

    with opened_portal() as portal:
        if searches and not paths:
            problems = check_with_searches(portal)
        else:
            problems = check_articles(portal.articles, portal.settings, [str(p) for p in paths])
    _print_problems(problems, form)
    errors = sum(p.level == "error" for p in problems)
    if form == "text":
        click.echo(f"{errors} error(s), {len(problems) - errors} warning(s).")
    raise SystemExit(1 if errors else 0)


def _sentence(report: PublishReport) -> str:
    if not report.changed:
        return f"Nothing to publish: revision {report.revision[:12]} is live."
    parts = [f"{n} {word}" for n, word in ((report.added, "added"), (report.updated, "changed"), (report.removed, "removed")) if n]
    refused = f"; {len(report.refused)} refused, see above" if report.refused else ""
    return f"Published revision {report.revision[:12]}: {', '.join(parts) or 'no article changed'}{refused}."


def _print_problems(problems: tuple[Problem, ...] | list[Problem], form: str = "text") -> None:
    if form == "json":
        click.echo(
            json.dumps([{"path": p.path, "line": p.line, "level": p.level, "message": p.message} for p in problems], ensure_ascii=False)
        )
    elif form == "github":
        for p in problems:
            click.echo(one_line(f"::{p.level} file={p.path},line={p.line}::{p.message}"))
    else:
        for p in problems:
            click.echo(str(p))
