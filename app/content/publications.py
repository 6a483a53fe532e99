"""When articles were added and changed, from git's history: what the reports put beside their trend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.content.catalog import Catalog
from app.content.repository import ArticleRepository, Commit


@dataclass(frozen=True, slots=True)
class Publication:
    """One commit that added an article in a locale, or changed it."""

    article: str
    locale: str
    at: datetime
    revision: str
    added: bool


def publications(articles: ArticleRepository, catalog: Catalog, since: datetime) -> list[Publication]:
    """Additions and changes since a moment of articles that are published today, oldest first; none without a history."""
    commit = articles.resolve(catalog.revision.partition("+")[0])
    return publications_of(articles.commits_since(since, commit), catalog) if commit else []


def publications_of(commits: Iterable[Commit], catalog: Catalog) -> list[Publication]:
    """What commits (oldest first) did to articles; a file that was renamed later is known by its article of today."""
    live = {article.path: article for article in catalog.indexable()}
    listed = list(commits)
    moved = {old: new for commit in listed for kind, old, new in commit.changes if kind == "R"}
    found = []
    for commit in listed:
        for kind, _, path in commit.changes:
            article = live.get(_today(path, moved, live))
            # A mere change of place is neither new nor another text.
            if article is not None and kind in "AM":
                found.append(Publication(article.id, article.locale, commit.at, commit.revision, kind == "A"))
    return found


def _today(path: str, moved: dict[str, str], live: Mapping[str, object]) -> str:
    seen: set[str] = set()
    while path not in live and path in moved and path not in seen:
        seen.add(path)
        path = moved[path]
    return path
