"""Commands of operators: serve, work, settings, database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime

import click

from app.cli.terminal import ProgressLine, opened_portal, plain_errors
from app.config import PREFIX, Settings, option_fields
from app.content import read_pointer
from app.db import open_database

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
@click.option("--demo", is_flag=True, help="Demo accounts, and articles followed as they are saved.")
@plain_errors
def serve(port: int, demo: bool) -> None:
    """Serve the portal and work in the background, until Ctrl-C or TERM."""
    if demo:
        os.environ.setdefault(PREFIX + "CONTENT_WORKTREE", "1")
        os.environ.setdefault(PREFIX + "BASE_URL", f"http://127.0.0.1:{port}")
    settings = Settings.from_environ()
    prepare(settings, demo)
    children = [_start_web(port), _start_worker()]
    _stop_children_on_signals(children)
    if _wait_until_ready(f"http://127.0.0.1:{port}/readyz", children[0]):
        _greet(settings, port, demo)
    raise SystemExit(_watch(children))


def prepare(settings: Settings, demo: bool) -> None:
    """Database schema, demo accounts, and on the first start the first publish: what must stand before the first page."""
    from app.migrations import upgrade

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


def _start_web(port: int) -> subprocess.Popen[bytes]:
    command = [
        sys.executable, "-m", "gunicorn", "app:create_app()", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread",
        "--workers", os.environ.get("WEB_CONCURRENCY", "2"), "--threads", "16", "--timeout", "60", "--graceful-timeout", "8",
        "--keep-alive", "15", "--log-level", "warning",
    ]  # fmt: skip
    return subprocess.Popen(command, start_new_session=True)  # noqa: S603  # fixed arguments


def _start_worker() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "flask", "kb", "work"]
    return subprocess.Popen(command, start_new_session=True)  # noqa: S603  # fixed arguments


def _stop_children_on_signals(children: list[subprocess.Popen[bytes]]) -> None:
    """One Ctrl-C or TERM ends web and worker in good order; they stand in sessions of their own so that it reaches them once."""

    def stop(_number: int, _frame: object) -> None:
        for child in children:
            if child.poll() is None:
                child.terminate()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _wait_until_ready(url: str, web: subprocess.Popen[bytes], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and web.poll() is None:
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
        time.sleep(0.05)
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


def _watch(children: list[subprocess.Popen[bytes]]) -> int:
    """Wait until the web ends. A worker that dies is started again by hand of the supervisor, at most once a second."""
    web, worker = children
    while web.poll() is None:
        try:
            web.wait(timeout=1)
        except subprocess.TimeoutExpired:
            if worker.poll() not in (None, 0):
                click.echo(f"The background worker ended with {worker.returncode}; starting it again.", err=True)
                worker = children[1] = _start_worker()
    if worker.poll() is None:
        worker.terminate()
        try:
            worker.wait(timeout=10)
        except subprocess.TimeoutExpired:
            worker.kill()
    return 0 if web.returncode in (0, -signal.SIGTERM) else 1


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
