"""Hylla: a knowledge base and self-service portal. `docs/` says how it is built; start reading at `web/factory.py` or `journeys.py`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.config import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The web application; the imports stand inside so that rooms can be used without Flask, and commands without the web."""
    if settings is None and _asked_for(sys.argv[1:]) == "kb":
        from app.cli import commands_app

        return commands_app()
    from app.web.factory import create_app as create

    return create(settings)


def _asked_for(words: list[str]) -> str:
    """The command in what was typed after `flask`, whose own options (`--app FILE`, `-e FILE`, `--debug`) may stand before it."""
    waiting = iter(words)
    for word in waiting:
        if word in {"--app", "-A", "--env-file", "-e"}:
            next(waiting, "")
        elif not word.startswith("-"):
            return word
    return ""
