"""A real git repository to write in, and the shortest way from a file to a catalog."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.config import Settings
from app.content import ArticleRepository, Catalog, CurrentCatalog, Gathered, Pointer, gather, publishing_lock, read_pointer, write_pointer

KB = Path(__file__).parents[1] / "kb" / "articles"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TODAY = NOW.date()


def article(title: str = "Return a bike", body: str = "Close the lock.\n", **fields: object) -> str:
    """The text of an article's file."""
    given = {"title": title, "summary": "Close the lock and wait for the receipt.", **fields}
    lines = "".join(f"{key}: {value}\n" for key, value in given.items() if value is not None)
    return f"---\n{lines}---\n\n{body}"


class Desk:
    """A writer's repository and the portal's folders: write, commit, publish, look."""

    def __init__(self, folder: Path) -> None:
        self.top = folder / "repository"
        self.settings = replace(
            Settings(),
            root=folder,
            content_repository=self.top,
            data_folder=folder / "var",
            index_folder=folder / "index",
            locales=("en", "sv"),
        )
        self.top.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def git(self, *args: str, author: str = "Wilma Writer") -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.top.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": author,
            "GIT_AUTHOR_EMAIL": "writer@example.com",
            "GIT_COMMITTER_NAME": "Carl Committer",
            "GIT_COMMITTER_EMAIL": "committer@example.com",
        }
        if args[0] in {"commit", "merge"}:
            self.at += timedelta(days=1)
            environment |= {"GIT_AUTHOR_DATE": self.at.isoformat(), "GIT_COMMITTER_DATE": (self.at + timedelta(hours=5)).isoformat()}
        done = subprocess.run(["git", *args], cwd=self.top, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.top / "articles" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def remove(self, path: str) -> None:
        (self.top / "articles" / path).unlink()

    def move(self, old: str, new: str) -> None:
        (self.top / "articles" / new).parent.mkdir(parents=True, exist_ok=True)
        self.git("mv", f"articles/{old}", f"articles/{new}")

    def commit(self, message: str = "Change", author: str = "Wilma Writer") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message, author=author)
        return self.git("rev-parse", "HEAD")

    def repository(self, **options: object) -> ArticleRepository:
        return ArticleRepository(self.top, "articles", **options)  # type: ignore[arg-type]

    def gather(self, now: datetime = NOW, **options: object) -> Gathered:
        """Gather, as a publish does, and point to the result."""
        s = self.settings
        with publishing_lock(s.data_folder):
            gathered = gather(self.repository(**options), s, read_pointer(s.index_folder), now)
            write_pointer(s.index_folder, Pointer(gathered.catalog.revision, "g1", now))
        return gathered

    def publish(self, message: str = "Change", **options: object) -> Catalog:
        """Commit what was written and publish it."""
        self.commit(message)
        return self.gather(**options).catalog  # type: ignore[arg-type]

    def current(self) -> CurrentCatalog:
        return CurrentCatalog(self.settings.index_folder, self.settings.data_folder, check_every=0)

    def messages(self, catalog: Catalog) -> list[str]:
        return [str(p) for p in catalog.problems]
