"""An article from git to a page: gather everything, check everything, index it, then swap.

Apart from the other trips, because `flask kb publish` must be live within a second: it imports content and search and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from app.config import Settings
from app.content import (
    ArticleRepository,
    Catalog,
    ContentUnavailable,
    Gathered,
    Pointer,
    Problem,
    RendererPool,
    gather,
    note_fresh,
    note_stale,
    publishing_lock,
    read_pointer,
    write_pointer,
)
from app.errors import KnowledgeBaseError
from app.search import SearchEngine, SearchUnavailable, search_context, search_documents

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how many are done, how many there are)."""


@dataclass(frozen=True)
class PublishReport:
    """What a publish changed and what it found wrong."""

    revision: str
    changed: bool
    added: int = 0
    updated: int = 0
    removed: int = 0
    problems: tuple[Problem, ...] = ()
    refused: tuple[str, ...] = field(default=())
    """Paths of the articles that were refused; their last good version stays."""
    stale: str = ""
    """Why the remote could not be asked; what this machine already had was published."""


def publish(
    settings: Settings,
    articles: ArticleRepository,
    engine: SearchEngine,
    now: datetime,
    progress: Progress | None = None,
    rebuild: bool = False,
    renderers: RendererPool | None = None,
) -> PublishReport:
    """Bring the portal to the content's newest revision: gather everything, check everything, index it, then swap.

    Nothing that is served changes until the last step, so that a publish can be killed at any moment. `renderers` are the caller's
    own, kept from one publish to the next; without them some are started for this one. What was in vain is noted for everybody to see.
    """
    data_folder = settings.path(settings.data_folder)
    with publishing_lock(data_folder):
        try:
            report = _brought_up(settings, articles, engine, now, rebuild, progress, renderers)
        except Exception as error:
            with suppress(OSError):  # a full disk keeps no note either
                note_stale(data_folder, str(error) if isinstance(error, KnowledgeBaseError) else type(error).__name__, now)
            raise
        if report.stale:
            note_stale(data_folder, report.stale, now)
        else:
            note_fresh(data_folder)
        return report


def _brought_up(
    settings: Settings,
    articles: ArticleRepository,
    engine: SearchEngine,
    now: datetime,
    rebuild: bool,
    progress: Progress | None,
    renderers: RendererPool | None,
) -> PublishReport:
    index_folder = settings.path(settings.index_folder)
    stale = _fetched(articles)
    pointer = read_pointer(index_folder)
    gathered = gather(articles, settings, previous=pointer, now=now, progress=progress, renderers=renderers)
    if gathered.unchanged and pointer and not rebuild and _is_searchable(engine, pointer, gathered.catalog):
        return _report(gathered, stale, changed=False)
    generation = _index(engine, gathered, pointer, rebuild)
    write_pointer(index_folder, Pointer(gathered.catalog.revision, generation, now, pointer.learned if pointer else ""))
    return _report(gathered, stale, changed=True)


def _fetched(articles: ArticleRepository) -> str:
    """Ask the remote, if there is one; a remote that is away stops nobody from publishing what is here."""
    try:
        articles.fetch()
    except ContentUnavailable as error:
        return str(error)
    return ""


def _is_searchable(engine: SearchEngine, pointer: Pointer, catalog: Catalog) -> bool:
    try:
        engine.open(pointer.generation, pointer.revision, search_context(catalog))
        engine.check()
    except SearchUnavailable:
        return False
    return True


def _index(engine: SearchEngine, gathered: Gathered, pointer: Pointer | None, rebuild: bool) -> str:
    catalog = gathered.catalog
    context = search_context(catalog)
    if pointer and not rebuild and _is_searchable(engine, pointer, catalog):
        changed = search_documents(catalog, gathered.to_index)
        try:
            return engine.update(list(changed), list(gathered.to_remove), catalog.revision, context)
        except SearchUnavailable:
            pass  # it could be read but not added to (damaged, or of an older format): a new one is built beside it
    return engine.rebuild(search_documents(catalog, catalog.indexable()), catalog.revision, context)


def _report(gathered: Gathered, stale: str, changed: bool) -> PublishReport:
    return PublishReport(
        revision=gathered.catalog.revision,
        changed=changed,
        added=len(gathered.added),
        updated=len(gathered.changed),
        removed=len(gathered.removed),
        problems=gathered.catalog.problems,
        refused=gathered.refused,
        stale=stale,
    )
