"""A real browser before a real server over the demo articles: one of each for the whole run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright
from serving import serve
from sqlalchemy import text

from app.accounts import Role, add_user, open_session
from app.config import Settings
from app.db import Base
from app.portal import Portal, open_portal
from app.publishing import publish
from app.web.factory import create_app

ROOT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]  # fmt: skip


class Site:
    """The running portal: its address, and what it recorded."""

    def __init__(self, portal: Portal, address: str) -> None:
        self.portal = portal
        self.address = address
        self.signed_in: dict[Role, str] = {}

    def events(self, kind: str, **wanted: object) -> list[dict[str, object]]:
        """The recorded events of a type that have these values."""
        self.portal.events.flush()
        with self.portal.database.session() as db:
            rows = db.execute(text("SELECT tab, visitor, body FROM event WHERE type = :kind ORDER BY rowid"), {"kind": kind}).all()
        found = [{"tab": tab, "visitor": visitor, **json.loads(body)} for tab, visitor, body in rows]
        return [event for event in found if all(event.get(name) == value for name, value in wanted.items())]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serve_demo(tmp_path_factory.mktemp("site")) as running:
        yield running


@contextmanager
def serve_demo(folder: Path, **given: object) -> Iterator[Site]:
    """The demo articles before a real server, with data of its own in this folder."""
    server = serve(lambda environ, start: app(environ, start))
    chosen: dict[str, Any] = {
        "root": folder,
        "content_repository": ROOT,
        "content_worktree": True,
        "index_folder": folder / "index",
        "data_folder": folder / "data",
        "database_url": f"sqlite:///{folder}/hylla.sqlite3",
        "brand_file": ROOT / "brand.toml",
        "base_url": f"http://127.0.0.1:{server.port}",
        "secret_key": "for tests only, long enough to be one",
        "locales": ("en", "sv", "ru", "he"),
        "searches_per_minute": 100_000,
        "requests_per_hour": 1000,
    }
    settings = Settings(**(chosen | given))
    portal = open_portal(settings)
    Base.metadata.create_all(portal.database.engine)
    publish(settings, portal.articles, portal.engine, datetime.now(UTC))
    app = create_app(portal=portal)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(portal, settings.base_url)
    server.shutdown()
    server.server_close()
    thread.join(5)
    portal.close()


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
    yield started
    started.close()


@pytest.fixture
def open_page(site: Site, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page in a context of its own; whatever the console or the network complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_(path: str, width: int = 1280, height: int = 900, dark: bool = False, session: str = "", **options: object) -> Page:
        options.setdefault("reduced_motion", "reduce")
        context = browser.new_context(
            base_url=site.address, viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", **options
        )  # type: ignore[arg-type]
        if session:
            context.add_cookies([{"name": "hylla_session", "value": session, "url": site.address}])
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8_000)
        page.on("console", lambda message: complaints.append(message.text) if _complains(message) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if "csp-report" in request.url else None)
        page.on("requestfailed", lambda request: complaints.append(f"{request.url} {request.failure}") if _counts(request) else None)
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def _complains(message: object) -> bool:
    """A form that is shown again with what is wrong is no error of the page, though the browser says so."""
    return message.type in {"error", "warning"} and "(UNPROCESSABLE ENTITY)" not in message.text  # type: ignore[attr-defined]


def _counts(request: object) -> bool:
    """A request that was cut short on purpose is no failure: suggestions are cancelled, beacons outlive their page."""
    return "ERR_ABORTED" not in str(request.failure)  # type: ignore[attr-defined]


@pytest.fixture
def sign_in(site: Site) -> Callable[[Role], str]:
    """Makes the session cookie of somebody with this role; one account each for a portal."""
    made = site.signed_in

    def make(role: Role) -> str:
        if role not in made:
            with site.portal.database.durable_session() as db:
                user = add_user(db, f"{role.value}@example.com", role, f"{role.value.title()} Berg", "tiger lamp Oslo", datetime.now(UTC))
                made[role] = open_session(db, user, "127.0.0.1", "tests", datetime.now(UTC))
        return made[role]

    return make
