"""A newcomer's folder: a git repository with the ten articles of tests/kb, and the portal's commands as real processes in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).parents[2]


class Desk:
    """Runs `flask kb …` as an operator would, with folders of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.content = folder / "content"
        shutil.copytree(PROJECT / "tests/kb/articles", self.content / "articles")
        self.git("init", "-q", "-b", "main")
        self.commit("The help centre")

    def git(self, *args: str) -> str:
        identity = {
            "GIT_AUTHOR_NAME": "Wilma",
            "GIT_AUTHOR_EMAIL": "w@example.com",
            "GIT_COMMITTER_NAME": "W",
            "GIT_COMMITTER_EMAIL": "w@example.com",
        }
        environment = {**os.environ, **identity, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(self.folder)}
        return subprocess.run(["git", *args], cwd=self.content, env=environment, check=True, capture_output=True, text=True).stdout

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        ours = {
            "HYLLA_CONTENT_REPOSITORY": str(self.content),
            "HYLLA_INDEX_FOLDER": str(self.folder / "index"),
            "HYLLA_DATA_FOLDER": str(self.folder / "var"),
            "HYLLA_DATABASE_URL": f"sqlite:///{self.folder / 'var' / 'hylla.sqlite3'}",
            "HYLLA_LOCALES": "en,sv",
            "FLASK_SKIP_DOTENV": "1",
        }
        foreign = ("HYLLA_", "FLASK_", "GIT_", "PORT", "WEB_CONCURRENCY")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {**clean, **ours, **(extra or {})}

    def kb(self, *args: str, given: str = "", **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flask", "kb", *args],
            cwd=PROJECT, env=self.environment(extra), input=given, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
