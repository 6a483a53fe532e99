"""Hylla: a knowledge base and self-service portal. `docs/` says how it is built; start reading at `web/factory.py` or `journeys.py`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.config import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The web application; the imports stand inside so that rooms can be used without Flask, and commands without the web."""
    if sys.argv[1:2] == ["kb"] and settings is None:
        from app.cli import commands_app

        return commands_app()
    from app.web.factory import create_app as create

    return create(settings)
