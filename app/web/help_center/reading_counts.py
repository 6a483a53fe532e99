"""How articles were read and judged, as pages show it to everybody: counted once a day, and never a reason for a page to fail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.deflection import views_by_article, votes_by_article
from app.errors import Unavailable
from app.web import context

MIN_VOTES = 30
"""With fewer votes a share says more about chance than about the article."""
WORTH_SAYING = 0.6
"""A lower share would keep people from an article that may still answer them."""


def views_until_today() -> dict[str, int]:
    """Views of each article in the four weeks before today."""
    return _counted_today("views_by_article", views_by_article)


def votes_until_today() -> dict[str, tuple[int, int]]:
    """Positive and all votes on each article in the half year before today."""
    return _counted_today("votes_by_article", votes_by_article)


def solved_share(article_id: str) -> float | None:
    """The share of voters whose problem an article solved, when there are enough of them and it speaks for the article."""
    positive, votes = votes_until_today().get(article_id, (0, 0))
    return positive / votes if votes >= MIN_VOTES and positive >= WORTH_SAYING * votes else None


def _counted_today(name: str, count: Callable[[Session, date], dict[str, Any]]) -> dict[str, Any]:
    """Asked once a day, because the pages that show it are cached by the day and every node must show the same."""
    today = context.today()
    known = current_app.extensions.get(name)
    if known is None or known[0] != today:
        try:
            with context.portal().database.session() as db:
                known = (today, count(db, today))
        except (Unavailable, SQLAlchemyError):
            return {}  # the articles are there without it
        current_app.extensions[name] = known
    return known[1]  # type: ignore[no-any-return]
