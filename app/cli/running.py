"""Commands of operators: serve, work, settings, database."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess

import click

from app.cli.terminal import ProgressLine, opened_portal, plain_errors
from app.config import PREFIX, Settings, option_fields
from app.content import read_pointer
from app.db import open_database
from app.portal import with_secret_key

DEMO_PASSWORD = "fennel-demo-1"  # noqa: S105  # printed at every start; demo accounts exist only where --demo was asked for
DEMO_PEOPLE = (
    ("customer", "dana@fennel.example", "Dana Peretz"),
    ("agent", "noam@fennel.example", "Noam Levi"),
    ("writer", "ingrid@fennel.example", "Ingrid Holm"),
    ("manager", "sergei@fennel.example", "Sergei Volkov"),
    ("admin", "admin@fennel.example", "Alex Admin"),
)


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), envvar="PORT", default=8000, show_default=True, help="Port on loopback.")
@click.option("--processes", type=click.IntRange(1, 64), envvar="WEB_CONCURRENCY", default=2, show_default=True, help="Web processes.")
@click.option("--demo", is_flag=True, help="Demo accounts, and articles followed as they are saved.")
@plain_errors
def serve(port: int, processes: int, demo: bool) -> None:
    """Serve the portal and work in the background, until Ctrl-C or TERM."""
    if demo:
        os.environ.setdefault(PREFIX + "CONTENT_WORKTREE", "1")
        os.environ.setdefault(PREFIX + "BASE_URL", f"http://127.0.0.1:{port}")
    settings = Settings.from_environ()
    prepare(settings, demo)
    web = start(_serve_web, port, processes)
    children = [web]
    stop_on_signals(children)
    if _wait_until_ready(f"http://127.0.0.1:{port}/readyz", web):
        _greet(settings, port, demo)
    if web.is_alive():
        children.append(start(_work))
    raise SystemExit(_watch(children))


def prepare(settings: Settings, demo: bool) -> None:
    """Database schema, demo accounts, and on the first start the first publish: what must stand before the first page."""
    from app.migrations import upgrade

    with_secret_key(settings)
    database = open_database(settings.resolved_database_url)
    upgrade(database)
    if demo:
        _add_demo_people(database)
    database.close()
    if read_pointer(settings.path(settings.index_folder)) is None:
        _publish_first(settings)


def _publish_first(settings: Settings) -> None:
    from app.journeys import publish
    from app.portal import open_portal

    click.echo("Publishing the articles for the first time …")
    portal = open_portal(settings)
    progress = ProgressLine()
    report = publish(settings, portal.articles, portal.engine, datetime.now(UTC), progress)
    progress.close()
    for problem in report.problems:
        if problem.level == "error":
            click.echo(str(problem))
    click.echo(f"Published {report.added} articles.")
    portal.close()


def _add_demo_people(database: object) -> None:
    from app.accounts import Role, add_user, find_user_by_email
    from app.db import Database

    assert isinstance(database, Database)
    with database.durable_session() as db:
        for role, email, name in DEMO_PEOPLE:
            if find_user_by_email(db, email) is None:
                add_user(db, email, Role(role), name, DEMO_PASSWORD, datetime.now(UTC))


def start(job: Callable[..., None], *arguments: object) -> BaseProcess:
    """Run a job in a process forked from this one, which has imported everything and opened nothing."""
    process = multiprocessing.get_context("fork").Process(target=_in_own_session, args=(job, *arguments))
    process.start()
    return process


def _in_own_session(job: Callable[..., None], *arguments: object) -> None:
    # A Ctrl-C at the terminal goes to the supervisor alone, which then ends its children in good order.
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    job(*arguments)


def _serve_web(port: int, processes: int) -> None:
    from app.web.server import WebServer

    WebServer(port, processes).run()


def _work() -> None:
    from app.cli.working import work_until_stopped

    with opened_portal() as portal:
        work_until_stopped(portal)


def stop_on_signals(children: list[BaseProcess]) -> None:
    """Ctrl-C or TERM ends web and worker."""

    def stop(_number: int, _frame: object) -> None:
        for child in children:
            if child.is_alive():
                child.terminate()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _wait_until_ready(url: str, web: BaseProcess, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and web.is_alive():
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # our own loopback address
                if answer.status == 200:
                    return True
        except urllib.error.HTTPError as error:
            if time.monotonic() > deadline - seconds + 10:
                click.echo(f"Serving, but not ready: {error.read().decode(errors='replace').strip()}", err=True)
                return False
        except OSError:
            pass
        time.sleep(0.03)
    return False


def _greet(settings: Settings, port: int, demo: bool) -> None:
    click.echo(f"\nHylla is ready: http://127.0.0.1:{port}/")
    if demo:
        click.echo(f"\nSign in at http://127.0.0.1:{port}/sign-in, password for all: {DEMO_PASSWORD}")
        for role, email, _name in DEMO_PEOPLE:
            click.echo(f"  {role:<9} {email}")
        mail = settings.path(settings.data_folder) / "mail"
        click.echo(f"\nOutgoing mail is written to {mail.relative_to(settings.root) if mail.is_relative_to(settings.root) else mail}/")
        click.echo("Articles are followed: save a file under articles/ and reload the page. Ctrl-C ends.")


def _watch(children: list[BaseProcess]) -> int:
    """Wait until the web ends; a worker that dies is started again, at most once a second."""
    web = children[0]
    while web.is_alive():
        web.join(timeout=1)
        if len(children) > 1 and web.is_alive() and children[1].exitcode not in (None, 0):
            click.echo(f"The background worker ended with {children[1].exitcode}; starting it again.", err=True)
            children[1] = start(_work)
    for worker in children[1:]:
        worker.terminate()
        worker.join(timeout=10)
        if worker.is_alive():
            worker.kill()
    return 0 if web.exitcode in (0, -signal.SIGTERM) else 1


@click.command()
@click.option("--once", is_flag=True, help="Do all that is due, then end.")
@plain_errors
def work(once: bool) -> None:
    """The background worker: deliveries, outcomes, content."""
    from app.cli.working import work_once, work_until_stopped

    with opened_portal() as portal:
        if once:
            click.echo(work_once(portal, datetime.now(UTC)))
        else:
            work_until_stopped(portal)


@click.command()
@plain_errors
def settings() -> None:
    """Every setting with its value, default and meaning."""
    current = Settings.from_environ()
    for spec in option_fields():
        value = getattr(current, spec.name)
        shown = "(set)" if spec.metadata["secret"] and value != spec.default else _as_text(value)
        note = "" if value == spec.default else f"   [default: {_as_text(spec.default)}]"
        click.echo(f"{PREFIX}{spec.name.upper()}={shown}{note}\n    {spec.metadata['help']}")


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return ",".join(value) if isinstance(value, tuple) else str(value)


@click.group()
def database() -> None:
    """The database schema."""


@database.command("upgrade")
@plain_errors
def database_upgrade() -> None:
    """Bring the database to the newest schema."""
    from app.migrations import upgrade

    opened = open_database(Settings.from_environ().resolved_database_url)
    upgrade(opened)
    opened.close()
    click.echo("The database is at the newest schema.")
