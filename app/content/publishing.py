"""Gathering a revision: read what changed, check everything, render what is new, and set it beside what is served."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from app.config import Settings
from app.content.articles import Article, Problem, Status
from app.content.catalog import Catalog
from app.content.checks import checked, with_link_problems
from app.content.current import load_catalog
from app.content.history import History
from app.content.identity import identified
from app.content.intake import Intake
from app.content.pointer import Pointer
from app.content.renderer import RendererPool
from app.content.rendering import VERSION
from app.content.repository import ArticleRepository, Snapshot
from app.content.states import REDIRECTS, FileState
from app.content.store import ContentStore, Generation

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Gathered:
    """A revision that is ready to be served, and how it differs from the one that is."""

    catalog: Catalog
    unchanged: bool = False
    added: tuple[Article, ...] = ()
    changed: tuple[Article, ...] = ()
    removed: tuple[Article, ...] = ()

    @property
    def to_index(self) -> tuple[Article, ...]:
        """Articles that search must take in anew."""
        return tuple(a for a in (*self.added, *self.changed) if a.status is Status.PUBLISHED)

    @property
    def to_remove(self) -> tuple[str, ...]:
        """Keys (`locale/id`) that search must forget."""
        hidden = (a for a in self.changed if a.status is not Status.PUBLISHED)
        return tuple(a.key for a in (*self.removed, *hidden))

    @property
    def refused(self) -> tuple[str, ...]:
        return self.catalog.refused


def gather(
    repository: ArticleRepository, settings: Settings, previous: Pointer | None, now: datetime, progress: Progress | None = None
) -> Gathered:
    """Everything at the repository's newest revision, compared with `previous`, which is what is served.

    Nothing that is served changes: the files of the new revision are added to the store, and count once `CURRENT` names it. Hold
    `publishing_lock` meanwhile.
    """
    store = ContentStore(settings.path(settings.data_folder))
    collecting = gc.isenabled()
    gc.disable()  # much is made and little of it is garbage
    try:
        return _Gathering(repository, settings, store, now, progress or _silent).run(previous)
    finally:
        if collecting:
            gc.enable()


def _silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


class _Gathering:
    """One run of `gather`."""

    def __init__(self, repository: ArticleRepository, settings: Settings, store: ContentStore, now: datetime, progress: Progress) -> None:
        self.repository = repository
        self.settings = settings
        self.store = store
        self.now = now
        self.progress = progress
        self.locales = settings.locales
        self.folder = repository.folder

    def run(self, pointer: Pointer | None) -> Gathered:
        snapshot = self.repository.snapshot()
        served = self.store.generation(pointer.revision) if pointer else None
        previous = load_catalog(self.store, served) if served else None
        fingerprint = self._fingerprint()
        if previous and previous.revision == snapshot.revision and previous.generation.fingerprint == fingerprint:
            return Gathered(previous, unchanged=True)
        same_rules = previous is not None and previous.generation.fingerprint == fingerprint
        before = dict(previous.files) if previous else {}
        history = self._history(snapshot).with_uncommitted(snapshot.uncommitted, snapshot.renamed)
        files = self._taken_in(snapshot, before, history, same_rules)
        files = identified(files, before, history, self.locales, self.repository, self.folder)
        self._add_redirects(files, history)
        catalog = self._checked_catalog(snapshot, files, before, fingerprint)
        generation = self._keep(served, catalog, before)
        catalog.generation = generation
        self.store.forget_renderings((a.blob, a.locale) for s in [*files.values(), *before.values()] if (a := s.article))
        return _compared(previous, catalog)

    def _fingerprint(self) -> str:
        """The settings that decide what a revision looks like; when one changes, everything is taken in again."""
        return json.dumps(
            {"folder": self.folder, "locales": self.locales, "largest": self.settings.article_max_kb, "rendering": VERSION}, sort_keys=True
        )

    def _history(self, snapshot: Snapshot) -> History:
        """The facts of git's history up to this commit, advanced from those kept; from the start when they are of another history."""
        history, marks = self.store.history()
        now_marks = {"folder": self.folder, "shallow": str(self.repository.is_shallow)}
        fits = all(marks.get(k) == v for k, v in now_marks.items())
        if fits and history.head == snapshot.commit:
            return history
        afresh = not (fits and history.head and self.repository.is_ancestor(history.head, snapshot.commit))
        if afresh:
            history = History()
        if snapshot.commit:
            self.progress("Reading history", 0, 0)
            history.advance(self.repository.commits(history.head, snapshot.commit), snapshot.commit)
        self.store.keep_history(history, now_marks, afresh)
        return history

    def _taken_in(self, snapshot: Snapshot, before: dict[str, FileState], history: History, same_rules: bool) -> dict[str, FileState]:
        """The state of every file: kept where the file is the same, made anew where it is not."""
        touched = {p for p, blob in snapshot.files.items() if not same_rules or p not in before or before[p].blob != blob}
        gone = {p for p in before if p not in snapshot.files and not p.startswith(":")}
        moved_snippets = {p for p in touched | gone if "/_snippets/" in p or p.startswith("_snippets/")}
        if moved_snippets:
            touched |= {p for p, s in before.items() if p in snapshot.files and not moved_snippets.isdisjoint(s.includes)}
        files = {p: s for p, s in before.items() if p in snapshot.files and p not in touched}
        with RendererPool(2, self.settings.render_seconds, self.settings.render_memory_mb) as pool:
            intake = Intake(snapshot, self.folder, self.locales, self.settings.article_max_kb * 1024, self.store, pool, before, history, self.now)
            for number, state in enumerate(intake.states(sorted(touched)), start=1):
                files[state.path] = state
                self.progress("Rendering", number, len(touched))
        return files

    def _add_redirects(self, files: dict[str, FileState], history: History) -> None:
        live = {p: p for p, s in files.items() if s.shown}
        moves = {old: new for old in history.moves if old not in live and (new := history.destination(old, live))}
        text = json.dumps(moves, sort_keys=True, ensure_ascii=False)
        files[REDIRECTS] = FileState(REDIRECTS, "", text=text)

    def _checked_catalog(self, snapshot: Snapshot, files: dict[str, FileState], before: dict[str, FileState], fingerprint: str) -> Catalog:
        """The catalog, with the problems that only show when all articles are known."""
        draft = Catalog(Generation(0, snapshot.revision, self.now, fingerprint), files, self.store)
        touched = {p for p in files.keys() | before.keys() if files.get(p) is not before.get(p)}
        replaced = with_link_problems(draft, files, touched, self.store) | checked(draft, files)
        files.update(replaced)
        return Catalog(draft.generation, files, self.store) if any(s.article for s in replaced.values()) else draft

    def _keep(self, served: Generation | None, catalog: Catalog, before: dict[str, FileState]) -> Generation:
        put = [s for p, s in catalog.files.items() if before.get(p) != s]
        drop = [p for p in before if p not in catalog.files]
        return self.store.keep_generation(
            served.number if served else None, catalog.revision, self.now, catalog.generation.fingerprint, put, drop
        )


def _compared(previous: Catalog | None, catalog: Catalog) -> Gathered:
    """Which articles are new, different or gone. One that only moved to another address is changed."""
    old = {a.key: a for a in _articles(previous)} if previous else {}
    new = {a.key: a for a in _articles(catalog)}
    return Gathered(
        catalog,
        added=tuple(a for k, a in new.items() if k not in old),
        changed=tuple(a for k, a in new.items() if k in old and a is not old[k] and a != old[k]),
        removed=tuple(a for k, a in old.items() if k not in new),
    )


def _articles(catalog: Catalog) -> Iterator[Article]:
    return (s.shown for s in catalog.files.values() if s.shown is not None)


def check(repository: ArticleRepository, settings: Settings, paths: list[str] | None = None) -> list[Problem]:
    """What publishing the files as they lie on disk would report, committed or not, without publishing; `paths` narrow it."""
    import tempfile
    from pathlib import Path

    disk = ArticleRepository(repository.path, settings.content_folder, repository.branch, worktree=True)
    wanted = [_from_top(disk, p) for p in paths or []]
    with tempfile.TemporaryDirectory(prefix="hylla-check-") as folder:
        aside = replace(settings, data_folder=Path(folder))
        gathered = gather(disk, aside, None, datetime.now(UTC))
        return [p for p in gathered.catalog.problems if not wanted or any(p.path == w or p.path.startswith(w + "/") for w in wanted)]


def _from_top(repository: ArticleRepository, path: str) -> str:
    from pathlib import Path

    top = Path(str(repository.disk_folder)[: -len(repository.folder)]) if repository.folder else repository.disk_folder
    full = (Path.cwd() / path).resolve()
    return str(full.relative_to(top)) if full.is_relative_to(top) else path.strip("/")
