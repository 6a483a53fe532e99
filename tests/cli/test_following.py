"""Following the content: saves are published from a thread of their own, with a renderer that waits for the next one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from operators_desk import Desk

from app.cli import following
from app.cli.following import ContentFollower
from app.config import Settings
from app.content import CurrentCatalog, read_pointer
from app.errors import Unavailable
from tests.waiting import until

SAVED = "---\ntitle: {0}\nsummary: Not committed yet.\n---\n{0}\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    desk = Desk(tmp_path)
    return Settings(
        root=tmp_path, content_repository=desk.content, content_worktree=True, data_folder=tmp_path / "var",
        index_folder=tmp_path / "index", locales=("en", "sv"),
    )  # fmt: skip


@pytest.fixture
def follower(settings: Settings) -> Iterator[ContentFollower]:
    follower = ContentFollower(settings)
    follower.start()
    yield follower
    follower.end()


def served(settings: Settings, slug: str) -> str:
    """The title that readers get."""
    if read_pointer(settings.index_folder) is None:
        return ""
    article = CurrentCatalog(settings.index_folder, settings.data_folder).get().article("en", slug)
    return article.title if article else ""


def test_saves_are_published_one_after_another_while_nobody_else_works(settings: Settings, follower: ContentFollower) -> None:
    until(lambda: served(settings, "unlock-a-bike"), what="the first publish")
    for title in ("First save", "Second save"):
        (settings.content_repository / "articles/en/hire/unlock-a-bike.md").write_text(SAVED.format(title))
        until(lambda title=title: served(settings, "unlock-a-bike") == title, what=title)


def test_following_goes_on_after_a_publish_that_failed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [Unavailable("the disk is full"), RuntimeError("nobody thought of this")]
    real = following.publish

    def publish(*args: object, **kwargs: object) -> object:
        if failures:
            raise failures.pop()
        return real(*args, **kwargs)

    monkeypatch.setattr(following, "publish", publish)
    follower = ContentFollower(settings)
    follower.start()
    try:
        article = settings.content_repository / "articles/en/hire/unlock-a-bike.md"

        def saved_again() -> bool:
            article.write_text(SAVED.format("After the failures"))
            return not failures and served(settings, "unlock-a-bike") == "After the failures"

        until(saved_again, what="a publish after two failures")
    finally:
        follower.end()
