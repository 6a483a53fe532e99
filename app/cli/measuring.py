"""Commands about what was measured: events, outcomes, rates, tickets from elsewhere."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import click

from app.cli.terminal import ProgressLine, opened_database, opened_portal, plain_errors
from app.config import Settings
from app.content import VISITOR, Catalog
from app.deflection import (
    FUTURE_TOLERANCE,
    Rulebook,
    SimulatedSubject,
    export_outcomes,
    export_rates,
    import_events,
    import_tickets,
    milliseconds,
    recompute_due,
    rules_from,
    simulated_lines,
)
from app.errors import Invalid

DAY_MS = 86_400_000
FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.group()
def events() -> None:
    """Raw events."""


@events.command("import")
@click.argument("file", type=FILE)
@click.option("--skip-bad", is_flag=True, help="Leave bad lines out instead of refusing the file.")
@plain_errors
def events_import(file: Path, skip_bad: bool) -> None:
    """Read events from a JSON Lines FILE (- for standard input). All or nothing, and safe to repeat."""
    with opened_database() as (database, settings), click.open_file(str(file), "rb") as lines:
        progress = ProgressLine()
        report = import_events(database, lines, skip_bad, lambda done: progress("Recording events", done, 0), key=settings.secret_key)
        progress.close()
    for number, problem in report.refused.items():
        click.echo(f"line {number}: {problem}", err=True)
    if report.ignored:
        names = ", ".join(f"{name} ({n} x)" for name, n in sorted(report.ignored.items()))
        click.echo(f"ignored, because events have no such field: {names}", err=True)
    skipped = f", {report.bad} bad line(s) left out" if report.bad else ""
    click.echo(f"Read {report.lines} line(s): {report.new} new event(s), {report.events - report.new} known already{skipped}.")


@events.command("simulate")
@click.option("--needs", type=click.IntRange(1, 1_000_000), default=6000, show_default=True, help="Questions that people have.")
@click.option("--weeks", type=click.IntRange(1, 104), default=13, show_default=True, help="Up to yesterday.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same events.")
@plain_errors
def events_simulate(needs: int, weeks: int, seed: int) -> None:
    """Write invented events about the published articles as JSON Lines, to see the reports with data. Not for a portal that people use.

    What invented people search for are the articles' own test queries; how they behave is assumed, and stated in the code.
    """
    with opened_portal() as portal:
        topics = _topics_of(portal.current.get())
        start = milliseconds(datetime.now(UTC)) // DAY_MS * DAY_MS - weeks * 7 * DAY_MS
        for line in simulated_lines(seed, topics, needs, start, weeks * 7):
            click.echo(line)


def _topics_of(catalog: Catalog) -> list[SimulatedSubject]:
    """What can be asked: the test queries of each article, in each locale that has them; some questions have no article."""
    found = []
    for article in catalog.visible(VISITOR, datetime.now(UTC).date(), locale=catalog.locales[0]):
        if not article.queries:
            continue
        versions = catalog.translations(article.id).values()
        wordings = {v.locale: v.queries for v in versions if v.queries}
        kin = [a.id for a in catalog.related(article, VISITOR, article.updated_at.date())[:2]]
        chance = random.Random(article.id)  # noqa: S311 - a simulation
        found.append(
            SimulatedSubject(
                article.id,
                {**dict.fromkeys(catalog.locales, article.queries), **wordings},
                (article.id, *kin),
                chance.uniform(0.35, 0.85),
                chance.uniform(0.15, 0.55),
                chance.paretovariate(1.2),
            )
        )
    missing = ("open a joint account with my partner", "mortgage certificate", "buy shares in the app")
    found += [SimulatedSubject(words, dict.fromkeys(catalog.locales, (words,)), (), 0.0, 0.4, 1.5) for words in missing]
    return found


@click.group()
def outcomes() -> None:
    """What became of each search."""


@outcomes.command("export")
@click.option("--as-of", type=int, help="Only what was known then (milliseconds since the epoch); default: everything, and all is final.")
@click.option("--config", "config_file", type=FILE, help="JSON object of thresholds to judge by instead of the settings.")
@plain_errors
def outcomes_export(as_of: int | None, config_file: Path | None) -> None:
    """Write one JSON object a search: outcome, rule, state and what it rests on."""
    with opened_database() as (database, settings):
        for row in export_outcomes(database, as_of, _rules(settings, config_file)):
            click.echo(json.dumps(row, ensure_ascii=False))


@outcomes.command("judge")
@plain_errors
def outcomes_judge() -> None:
    """Bring the stored outcomes up to date with the events, as the worker does."""
    with opened_database() as (database, settings):
        done = recompute_due(database, datetime.now(UTC), rules_from(settings))
    click.echo(f"Judged {done} person(s).")


@click.group()
def rates() -> None:
    """Rates with their intervals."""


@rates.command("export")
@click.option("--as-of", type=int, help="Only what was known then (milliseconds since the epoch).")
@click.option("--from", "from_day", type=click.DateTime(["%Y-%m-%d"]), help="First day (UTC) of the needs counted.")
@click.option("--to", "to_day", type=click.DateTime(["%Y-%m-%d"]), help="Last day (UTC) of the needs counted.")
@plain_errors
def rates_export(as_of: int | None, from_day: datetime | None, to_day: datetime | None) -> None:
    """Write one JSON object: each rate with its two parts and its interval."""
    with opened_database() as (database, settings):
        found = export_rates(
            database, as_of, from_day.date() if from_day else None, to_day.date() if to_day else None, rules=rules_from(settings)
        )
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))


@click.group()
def tickets() -> None:
    """Tickets of another helpdesk."""


@tickets.command("import")
@click.argument("file", type=FILE)
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), help="Default: by the file's name.")
@click.option(
    "--complete-to", help="Every ticket up to this moment is in the file or known (date and time with its zone, else UTC; or milliseconds)."
)
@click.option("--source", default="import", show_default=True, help="Which helpdesk --complete-to speaks of; the feed's own is “feed”.")
@click.option("--skip-bad", is_flag=True, help="Leave bad lines out instead of refusing the file, and name them.")
@plain_errors
def tickets_import(file: Path, form: str | None, complete_to: str | None, source: str, skip_bad: bool) -> None:
    """Read tickets that came by e-mail, phone or another helpdesk from FILE, so that they count. Safe to repeat."""
    complete = _moment(complete_to) if complete_to else None
    is_csv = (form or ("csv" if file.suffix.lower() == ".csv" else "jsonl")) == "csv"
    with opened_database() as (database, settings), click.open_file(str(file), "rb") as lines:
        report = import_tickets(database, lines, csv=is_csv, key=settings.secret_key, now=datetime.now(UTC), source=source,
                                complete_to=complete, skip_bad=skip_bad)  # fmt: skip
    for number, problem in report.refused.items():
        click.echo(f"line {number} left out: {problem}", err=True)
    click.echo(f"Read {report.lines} line(s): {report.new} new event(s).")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromtimestamp(int(text) / 1000, UTC) if text.isdecimal() else datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        how = "milliseconds since 1970 nor a date and time like 2026-01-31T09:30:00Z"
        raise Invalid(f"--complete-to “{text[:40]}” is neither {how}") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if milliseconds(moment) > milliseconds(datetime.now(UTC)) + FUTURE_TOLERANCE:
        raise Invalid(f"--complete-to “{text[:40]}” lies in the future, up to which nothing can be complete; is a clock or a zone wrong?")
    return moment


def _rules(settings: Settings, config_file: Path | None) -> Rulebook:
    if config_file is None:
        return rules_from(settings)
    with click.open_file(str(config_file)) as file:
        try:
            given = json.load(file)
        except ValueError as error:
            raise Invalid(f"{config_file} is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise Invalid(f"{config_file} must hold one JSON object of thresholds")
    return Rulebook.from_mapping({**rules_from(settings).to_dict(), **given})
