"""Commands of operators: serve, work, settings, database."""

from __future__ import annotations

import os
import socket
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess

import click

from app.cli import imported
from app.cli.supervision import Supervisor, end_with_parent, start
from app.cli.terminal import ProgressLine, opened_portal, plain_errors
from app.config import PREFIX, Settings, option_fields
from app.content import read_pointer
from app.db import open_database
from app.errors import Unavailable
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
        # A demo has few visitors; a trial would hide the answers in the form from half of them.
        os.environ.setdefault(PREFIX + "FORM_HOLDOUT_SHARE", "0")
    settings = Settings.from_environ()
    check_port(port)
    prepare(settings, demo)
    supervisor = Supervisor(
        settings.path(settings.data_folder), settings.drain_seconds, lambda: start(_serve_web, port, processes), lambda: start(_work)
    )
    if _wait_until_ready(f"http://127.0.0.1:{port}/readyz", supervisor.web):
        _greet(settings, port, demo)
    supervisor.begin_work()
    raise SystemExit(supervisor.watch())


class PortTaken(Unavailable):
    """Nothing can be served on this port."""


def check_port(port: int) -> None:
    """Say at once, and in our words, that a port cannot be had; the server would say so after the first publish."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            advice = "stop what uses it, or choose another one: --port 8123, or PORT=8123 make run"
            raise PortTaken(f"Port {port} of 127.0.0.1 cannot be used ({error.strerror}); {advice}.") from None


def prepare(settings: Settings, demo: bool) -> None:
    """Database schema, demo accounts, and on the first start the first publish: what must stand before the first page."""
    from app.migrations import check_tables, upgrade
    from app.web.brand import load_brand

    load_brand(settings.path(settings.brand_file))
    with_secret_key(settings)
    database = open_database(settings.resolved_database_url)
    upgrade(database)
    check_tables(database)
    if demo:
        _add_demo_people(database)
    database.close()
    if read_pointer(settings.path(settings.index_folder)) is None:
        _publish_first(settings)


def _publish_first(settings: Settings) -> None:
    from app.portal import open_portal
    from app.publishing import publish

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
    from app.accounts import Role, add_user, allow_queries, find_user_by_email
    from app.db import Database

    assert isinstance(database, Database)
    with database.durable_session() as db:
        for role, email, name in DEMO_PEOPLE:
            if find_user_by_email(db, email) is None:
                added = add_user(db, email, Role(role), name, DEMO_PASSWORD, datetime.now(UTC))
                # Somebody must be able to see what a single search looks like, and that reading it is logged.
                allow_queries(db, added.id, added.role is Role.MANAGER)


def _serve_web(port: int, processes: int) -> None:
    imported("app.web.serving.server").WebServer(port, processes, after_fork=end_with_parent).run()


def _work() -> None:
    from app.cli.working import work_until_stopped

    with opened_portal() as portal:
        work_until_stopped(portal)


def _wait_until_ready(url: str, web: BaseProcess, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and web.is_alive():
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # our own loopback address  # nosec B310
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
