"""A whole portal for tests of the web: articles of every kind in a real git repository, published, and a database for each test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache

from app.accounts import Role, User, add_user, open_session, passwords
from app.config import Settings
from app.db import Base
from app.portal import Portal, open_portal
from app.publishing import publish
from app.web.factory import create_app

COMMITTED = "2026-11-02T10:00:00+00:00"
SECRET_KEY = "for tests only, long enough to be one"

ARTICLES = {
    "en/cards/activate-your-card.md": (
        "Activate your card",
        "",
        "How a new card starts working.",
        "Open the app and tap Activate.\n\n![A card](card.svg)",
    ),
    "en/cards/card-declined.md": (
        "Card declined",
        "related: [activate-your-card, override-a-declined-card]",
        "Why a payment was refused.",
        "Check the balance, then [activate the card](activate-your-card.md).",
    ),
    "sv/cards/activate-your-card.md": ("Aktivera ditt kort", "", "Så börjar ett nytt kort gälla.", "Öppna appen och tryck på Aktivera."),
    "en/account/close-your-account.md": (
        "Close your account",
        "",
        "How to leave us.",
        "Write to us from the app.\n\n## In the app\n\nTap Help.\n\n## By post\n\nSign the letter.",
    ),
    "en/account/interest-for-members.md": (
        "Zinfandel rates for members",
        "audience: customers\nredirect_from: [/en/articles/zinfandel-old]",
        "Zinfandel rates, for customers only.",
        "The zinfandel rate is two percent.",
    ),
    "en/cards/override-a-declined-card.md": (
        "Quetzal override for agents",
        "id: quetzal\naudience: agents\nkeywords: [quetzal]\nredirect_from: [/en/articles/quetzal-old]",
        "The quetzal code lifts a block.",
        "Type the quetzal code.\n\n## Quetzal steps\n\nAsk a lead first.",
    ),
    "sv/cards/override-a-declined-card.md": (
        "Quetzal på svenska",
        "id: quetzal\naudience: agents",
        "Quetzalkoden häver en spärr.",
        "Skriv quetzalkoden.",
    ),
    "en/account/secret-plan.md": ("Wyvern draft", "status: draft", "Not yet.", "The wyvern is coming."),
    "en/account/old-fees.md": ("Old fees", "status: archived\nreplaced_by: close-your-account", "Fees until 2020.", "They were higher."),
    "en/account/old-internal.md": (
        "Basilisk archive",
        "audience: agents\nstatus: archived\nreplaced_by: override-a-declined-card",
        "The basilisk rule.",
        "It was basilisk.",
    ),
    "en/account/next-year.md": ("Gryphon launch", "publish_on: 2999-01-01", "Coming.", "The gryphon flies."),
    "en/account/last-year.md": ("Manticore sale", "expire_on: 2020-01-01", "Over.", "The manticore sale is over."),
    "en/vault/only-agents-here.md": ("Hippogriff vault", "audience: agents", "The hippogriff.", "Inside.\n\n![Plan](plan.svg)"),
    "en/grimoire/sphinx-notes.md": ("Sphinx notes", "audience: agents\nkeywords: [sphinx]", "The sphinx asks.", "Answer the sphinx."),
}
PICTURES = ("en/vault/plan.svg", "en/vault/unused.svg", "en/cards/card.svg", "media/logo.svg")
SITE = """
name: Fennel
types:
  - {slug: guides, label: {en: How to, sv: Så gör du}}
  - {slug: trouble, label: {en: Trouble, sv: Fel}, articles: [card-declined]}
categories:
  - slug: cards
    icon: credit-card
    title: {en: Cards, sv: Kort}
    description: {en: All about cards, sv: Allt om kort}
  - slug: account
    icon: user
    title: {en: Account, sv: Konto}
    description: {en: Your account, sv: Ditt konto}
  - slug: vault
    icon: lock
    title: {en: Chimera vault, sv: Chimera-valv}
    description: {en: Chimera things, sv: Chimera-saker}
request_topics:
  - slug: fraud
    label: {en: A payment I did not make, sv: En betalning som inte är min}
    safety: true
    phone: "+46 8 123 456 78"
  - slug: cards
    label: {en: Cards, sv: Kort}
  - slug: travel
    label: {en: Travel, sv: Resor}
    fields:
      - label: {en: Last four digits of the card, sv: Kortets fyra sista siffror}
        optional: true
      - label: {en: Country, sv: Land}
"""
NOTICES = """
- id: slow-cards
  tone: warning
  headline: {en: Card payments are slow., sv: Kortbetalningar går långsamt.}
  text: {en: Your money is safe., sv: Dina pengar är trygga.}
  matches: [declined, nekas]
"""


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a portal whose articles are published."""
    return publish_articles(tmp_path_factory.mktemp("portal"), lambda front: True)


def publish_articles(root: Path, wanted: Callable[[str], bool]) -> Settings:
    """A portal in `root` with the articles whose front matter is wanted; the pictures go where an article of theirs goes."""
    repository = root / "repository"
    chosen = {path: article for path, article in ARTICLES.items() if wanted(article[1])}
    for path, (title, front, summary, body) in chosen.items():
        file = repository / "articles" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        head = "\n".join(line for line in (f"title: {title}", f"summary: {summary}", front) if line)
        file.write_text(f"---\n{head}\n---\n\n{body}\n", "utf-8")
    for path in PICTURES:
        file = repository / "articles" / path
        if file.parent.exists() or path.startswith("media/"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><path d="M0 0h8v8z"/></svg>', "utf-8")
    (repository / "articles" / "site.yml").write_text(SITE, "utf-8")
    (repository / "articles" / "notices.yml").write_text(NOTICES, "utf-8")
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "Articles"]):
        identity = ["-c", "user.name=Ingrid Holm", "-c", "user.email=ingrid@example.com"]
        # One date, so that two portals made in one run differ in their articles and in nothing else.
        dates = {"GIT_AUTHOR_DATE": COMMITTED, "GIT_COMMITTER_DATE": COMMITTED}
        subprocess.run(["git", *identity, *arguments], cwd=repository, check=True, env={**os.environ, **dates})
    settings = Settings(
        root=root,
        content_repository=repository,
        index_folder=root / "index",
        data_folder=root / "data",
        brand_file=Path(__file__).parents[2] / "brand.toml",
        database_url=f"sqlite:///{root}/publish.sqlite3",
        secret_key=SECRET_KEY,
        base_url="http://localhost",
        locales=("en", "sv"),
        searches_per_minute=100_000,
        requests_per_hour=1000,
    )
    portal = open_portal(settings)
    publish(settings, portal.articles, portal.engine, datetime.now(UTC))
    portal.close()
    return settings


@pytest.fixture
def settings(published: Settings, tmp_path: Path) -> Settings:
    return replace(published, database_url=f"sqlite:///{tmp_path}/hylla.sqlite3")


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Every application has an environment of its own; compiling each template once for all of them is most of a test's time."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def make_app(settings: Settings, compiled_templates: FileSystemBytecodeCache) -> Iterator[Callable[..., Flask]]:
    """Makes applications over the published articles, with some settings changed."""
    portals: list[Portal] = []

    def make(**changes: object) -> Flask:
        portal = open_portal(replace(settings, **changes))  # type: ignore[arg-type]
        Base.metadata.create_all(portal.database.engine)
        portals.append(portal)
        app = create_app(portal=portal)
        app.config["PROPAGATE_EXCEPTIONS"] = False
        app.jinja_env.bytecode_cache = compiled_templates
        return app

    yield make
    for portal in portals:
        portal.close()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app()


@pytest.fixture
def portal(app: Flask) -> Portal:
    return app.extensions["portal"]  # type: ignore[no-any-return]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real argon2 with the smallest parameters; what a hash costs is tested in tests/accounts."""
    monkeypatch.setattr(passwords, "hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._dummy.cache_clear()


PASSWORD = "tiger lamp Oslo"


@pytest.fixture
def add_person(portal: Portal) -> Callable[..., User]:
    """Adds an account with the password `PASSWORD`."""

    def add(email: str = "dana@example.com", role: Role = Role.CUSTOMER, **fields: object) -> User:
        with portal.database.durable_session() as db:
            return add_user(db, email, role, str(fields.get("name", "")), PASSWORD, datetime.now(UTC))

    return add


@pytest.fixture
def signed_in(app: Flask, portal: Portal, add_person: Callable[..., User]) -> Callable[..., FlaskClient]:
    """Makes a client that is signed in with a new account of this role."""

    def make(role: Role = Role.CUSTOMER, email: str = "") -> FlaskClient:
        user = add_person(email or f"{role.value}@example.com", role)
        with portal.database.durable_session() as db:
            secret = open_session(db, user, "127.0.0.1", "tests", datetime.now(UTC))
        client = app.test_client()
        client.set_cookie("hylla_session", secret, domain="localhost")
        return client

    return make


def csrf_of(client: FlaskClient, path: str = "/account") -> str:
    """The token in a form of the page at `path`."""
    page = client.get(path).get_data(as_text=True)
    return page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
