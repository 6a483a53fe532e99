"""A whole portal over articles of its own in a real git repository; nothing is replaced by a double."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.config import Settings
from app.db import Base
from app.portal import Portal, open_portal
from app.publishing import PublishReport, publish

ROOT = Path(__file__).parents[2]

UNBLOCK = """
A card is blocked after three wrong tries with the PIN, after a report of loss, or when we see a payment that does not look like yours.
Open the app, choose the card, and look at the line under its picture: it says why the card is blocked and since when.

## Lift the block yourself

Tap *Unblock*, write the PIN that came with the letter, and wait for the green line. The card works again within a minute, also in
shops abroad. If you have forgotten the PIN, choose *Show PIN* first: it needs your face or your fingerprint.

## When the app refuses

A card that was reported stolen never works again, whatever you press. Order another one instead; it comes within four working days,
and the old number is closed for good. Payments that were reserved before the block are still taken from your account.
"""

ARTICLES = {
    "en/cards/unblock-a-card.md": ("Unblock a blocked card", "Open the app, choose the card and tap Unblock.", UNBLOCK),
    "en/cards/order-another-card.md": (
        "Order another card",
        "Another card comes within four working days.",
        "Choose *Order another card* in the app. It goes to the address that we know, so change that first after a move. "
        "The envelope has no logo. Write to us if nothing has come after six working days, and we send another one at no cost.",
    ),
    "en/payments/cancel-a-transfer.md": (
        "Cancel a transfer",
        "A transfer can be taken back until it has left us.",
        "Open *Payments*, choose the transfer and tap *Cancel*. A transfer inside the house leaves at once and cannot be taken back; "
        "ask the receiver to return it. One to another bank waits until the evening, and until then the button is there.",
    ),
    "sv/cards/unblock-a-card.md": (
        "Häv spärren på ett kort",
        "Öppna appen, välj kortet och tryck på Häv spärr.",
        "Skriv din PIN och vänta på den gröna raden.",
    ),
}
SITE = """
name: Fennel
categories:
  - slug: cards
    icon: credit-card
    title: {en: Cards, sv: Kort}
    description: {en: All about cards, sv: Allt om kort}
  - slug: payments
    icon: send
    title: {en: Payments, sv: Betalningar}
    description: {en: Sending money, sv: Skicka pengar}
"""


class Writers:
    """The git repository that the writers commit to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "articles").mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=Ingrid Holm", "-c", "user.email=ingrid@example.com", "-c", "commit.gpgsign=false"]
        alone = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
        done = subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True, text=True, env=alone)
        return done.stdout.strip()

    def write(self, path: str, title: str, summary: str, body: str, *front: str) -> None:
        file = self.folder / "articles" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        head = "\n".join((f"title: {title}", f"summary: {summary}", *front))
        file.write_text(f"---\n{head}\n---\n\n{body.strip()}\n", "utf-8")

    def write_all(self) -> None:
        for path, (title, summary, body) in ARTICLES.items():
            self.write(path, title, summary, body)
        (self.folder / "articles" / "site.yml").write_text(SITE, "utf-8")

    def commit(self, why: str) -> str:
        """Commits everything and gives the revision."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", why)
        return self.git("rev-parse", "HEAD")


def settings_of(folder: Path, **changes: object) -> Settings:
    """Settings of a portal in `folder` whose articles are in `folder/writers`."""
    given: dict[str, object] = {
        "root": folder,
        "content_repository": folder / "writers",
        "index_folder": folder / "index",
        "data_folder": folder / "data",
        "database_url": f"sqlite:///{folder}/hylla.sqlite3",
        "brand_file": ROOT / "brand.toml",
        "base_url": "http://localhost",
        "secret_key": "for tests only, long enough to be one",
        "locales": ("en", "sv"),
        "form_holdout_share": 0.0,
        "searches_per_minute": 100_000,
        "requests_per_hour": 1000,
    }
    return Settings(**{**given, **changes})  # type: ignore[arg-type]


def open_with_tables(settings: Settings) -> Portal:
    portal = open_portal(settings)
    Base.metadata.create_all(portal.database.engine)
    return portal


def publish_now(portal: Portal) -> PublishReport:
    return publish(portal.settings, portal.articles, portal.engine, datetime.now(UTC))


@pytest.fixture
def writers(tmp_path: Path) -> Writers:
    """The articles, committed."""
    writers = Writers(tmp_path / "writers")
    writers.write_all()
    writers.commit("The first articles")
    return writers


@pytest.fixture
def open_house(tmp_path: Path, writers: Writers) -> Iterator[Callable[..., Portal]]:
    """Opens and publishes the portal, with some settings changed."""
    opened: list[Portal] = []

    def open_(**changes: object) -> Portal:
        portal = open_with_tables(settings_of(tmp_path, **changes))
        opened.append(portal)
        publish_now(portal)
        return portal

    yield open_
    for portal in opened:
        portal.close()
