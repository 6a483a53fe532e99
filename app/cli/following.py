"""Following the content in a thread of its own: a saved article waits behind no other job, and no job behind a slow remote."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import structlog

from app.config import Settings
from app.content import ArticleRepository, RendererPool, follow
from app.errors import KnowledgeBaseError
from app.publishing import publish
from app.search import SearchEngine, open_engine

log = structlog.get_logger()

ENDING = 5.0
"""Seconds that a publish in progress gets when the worker ends; one that is cut off changes nothing of what is served."""


def bring_up(
    settings: Settings, articles: ArticleRepository, engine: SearchEngine, now: datetime, renderers: RendererPool | None = None
) -> str:
    """Publish what is newest, log what is wrong with it, and say which revision is live; nothing when it was live before."""
    report = publish(settings, articles, engine, now, renderers=renderers)
    if report.stale:
        log.warning("the remote could not be asked", reason=report.stale)
    for problem in report.problems if report.changed else ():
        log.warning("problem", where=f"{problem.path}:{problem.line}", kind=problem.level, message=problem.message)
    commit, _, uncommitted = report.revision.partition("+")
    return f"revision {commit[:12]}{' with uncommitted files' if uncommitted else ''} is live" if report.changed else ""


class ContentFollower:
    """Publishes the newest revision again and again, with a repository, an engine and renderers that no other thread uses."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.articles = ArticleRepository.of(settings)
        self.engine = open_engine(settings.path(settings.index_folder))
        self.look_every = timedelta(seconds=5) if settings.content_worktree else timedelta(seconds=60)
        self._saved, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="content", daemon=True)

    def start(self) -> None:
        if self.settings.content_worktree:
            folder = self.settings.path(self.settings.content_repository) / self.settings.content_folder
            threading.Thread(target=follow, args=(folder, self._saved.set, self._stop), name="saves", daemon=True).start()
        self._thread.start()

    def end(self) -> None:
        """Let a publish in progress finish, then give everything back."""
        self._stop.set()
        self._saved.set()
        self._thread.join(ENDING)

    def _run(self) -> None:
        with RendererPool.of(self.settings) as renderers:
            while not self._stop.is_set():
                self._saved.clear()
                self._publish(renderers)
                if self.settings.content_worktree:
                    renderers.get_ready()  # starting one takes longer than all the rest: the next save finds it waiting
                self._saved.wait(self.look_every.total_seconds())
        self.engine.close()

    def _publish(self, renderers: RendererPool) -> None:
        try:
            said = bring_up(self.settings, self.articles, self.engine, datetime.now(UTC), renderers)
        except KnowledgeBaseError as error:
            log.error("job failed", job="content", reason=str(error))
        except Exception:
            # Whatever was not foreseen must not end the following; the next look tries again.
            log.exception("job failed", job="content")
        else:
            if said:
                log.info("job", job="content", did=said)
