"""What can go wrong when content is asked for."""

from __future__ import annotations

from app.content.articles import Article
from app.errors import Conflict, NotFound, Unavailable


class ContentUnavailable(Unavailable):
    """There is no content to serve or to publish from; the message says why and what to do."""


class PublishBusy(Conflict):
    """Another publish holds the lock."""


class ArticleNotFound(NotFound):
    """There is no such article, or this viewer may not know of it."""


class ArticleMoved(ArticleNotFound):
    """The article has another address now."""

    def __init__(self, url: str) -> None:
        super().__init__(f"This article is now at {url}.")
        self.url = url


class ArticleGone(ArticleNotFound):
    """The article was archived; `replacement` is the one to read instead, if this viewer may see it."""

    def __init__(self, title: str, replacement: Article | None = None) -> None:
        super().__init__(f"“{title}” is no longer published.")
        self.title = title
        self.replacement = replacement
