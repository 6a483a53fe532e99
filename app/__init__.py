"""Hylla: a knowledge base and self-service portal. `docs/` says how it is built; start reading at `web/factory.py` or `journeys.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.config import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The web application; the import stands inside so that rooms can be used without Flask."""
    from app.web.factory import create_app as create

    return create(settings)
