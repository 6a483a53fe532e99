"""Gathering a revision: read what changed, check everything, render what is new, and set it beside what is served."""

from __future__ import annotations

import gc
import json
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

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
from app.content.store import ContentStore, Generation, copy_store

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
    repository: ArticleRepository,
    settings: Settings,
    previous: Pointer | None,
    now: datetime,
    progress: Progress | None = None,
    renderers: RendererPool | None = None,
) -> Gathered:
    """Everything at the repository's newest revision, compared with `previous`, which is what is served.

    Nothing that is served changes: the files of the new revision are added to the store, and count once `CURRENT` names it. Hold
    `publishing_lock` meanwhile.
    """
    store = ContentStore(settings.path(settings.data_folder))
    collecting = gc.isenabled()
    gc.disable()  # much is made and little of it is garbage
    try:
        return _Gathering(repository, settings, store, now, progress or _silent).run(previous, renderers)
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

    def run(self, pointer: Pointer | None, renderers: RendererPool | None) -> Gathered:
        snapshot = self.repository.snapshot()
        served = self.store.generation(pointer.revision) if pointer else None
        fingerprint = self._fingerprint()
        same_rules = served is not None and served.fingerprint == fingerprint
        if served and same_rules and served.revision == snapshot.revision:
            return Gathered(load_catalog(self.store, served), unchanged=True)
        with nullcontext(renderers) if renderers else RendererPool.of(self.settings) as pool:
            pool.get_ready()  # a renderer starts while we find out what changed
            return self._brought_up(snapshot, served, same_rules, fingerprint, pool)

    def _brought_up(
        self, snapshot: Snapshot, served: Generation | None, same_rules: bool, fingerprint: str, pool: RendererPool
    ) -> Gathered:
        before = self.store.files(served.number) if served else {}
        history = self._history(snapshot).with_uncommitted(snapshot.uncommitted, snapshot.renamed)
        files = self._taken_in(snapshot, before, history, same_rules, pool)
        _refresh_facts(files, history, self.now)
        files = identified(files, before, history, self.locales, self.repository, self.folder)
        self._add_redirects(files, history)
        catalog = Catalog(Generation(0, snapshot.revision, self.now, fingerprint), files, self.store)
        self._check(catalog, files, before)
        catalog.generation = self._keep(served, catalog, before)
        self.store.forget_renderings((a.blob, a.locale) for s in [*files.values(), *before.values()] if (a := s.article))
        return _compared(before, files, catalog, same_rules)

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

    def _taken_in(
        self, snapshot: Snapshot, before: dict[str, FileState], history: History, same_rules: bool, pool: RendererPool
    ) -> dict[str, FileState]:
        """The state of every file: kept where the file is the same, made anew where it is not."""
        touched = {p for p, blob in snapshot.files.items() if not same_rules or p not in before or before[p].blob != blob}
        gone = {p for p in before if p not in snapshot.files and not p.startswith(":")}
        moved_snippets = {p for p in touched | gone if "/_snippets/" in p or p.startswith("_snippets/")}
        if moved_snippets:
            touched |= {p for p, s in before.items() if p in snapshot.files and not moved_snippets.isdisjoint(s.includes)}
        files = {p: s for p, s in before.items() if p in snapshot.files and p not in touched}
        largest = self.settings.article_max_kb * 1024
        intake = Intake(snapshot, self.folder, self.locales, largest, self.store, pool, before, history, self.now)
        for number, state in enumerate(intake.states(sorted(touched)), start=1):
            files[state.path] = state
            self.progress("Rendering", number, len(touched))
        files.update((state.path, state) for state in intake.links())
        return files

    def _add_redirects(self, files: dict[str, FileState], history: History) -> None:
        live = {p: p for p, s in files.items() if s.shown}
        moves = {old: new for old in history.moves if old not in live and (new := history.destination(old, live))}
        text = json.dumps(moves, sort_keys=True, ensure_ascii=False)
        files[REDIRECTS] = FileState(REDIRECTS, "", text=text)

    def _check(self, catalog: Catalog, files: dict[str, FileState], before: dict[str, FileState]) -> None:
        """Add the problems that only show when all articles are known; `files` are those of the catalog."""
        touched = {p for p in files.keys() | before.keys() if files.get(p) is not before.get(p)}
        files.update(with_link_problems(catalog, files, touched, self.store))
        files.update(checked(catalog, files))

    def _keep(self, served: Generation | None, catalog: Catalog, before: dict[str, FileState]) -> Generation:
        put = [s for p, s in catalog.files.items() if before.get(p) != s]
        drop = [p for p in before if p not in catalog.files]
        return self.store.keep_generation(
            served.number if served else None, catalog.revision, self.now, catalog.generation.fingerprint, put, drop
        )


def _refresh_facts(files: dict[str, FileState], history: History, now: datetime) -> None:
    """Dates and authors of articles whose text is the same but whose history is not: saved, and now committed as they were."""
    for path, state in files.items():
        known = history.of(path)
        if state.article is None or known is None or known.revision == state.changed_in:
            continue
        article = replace(state.article, updated_at=min(known.at, now), author=known.author)
        files[path] = replace(state, article=article, changed_in=known.revision, origin=known.origin)


def _compared(before: dict[str, FileState], files: dict[str, FileState], catalog: Catalog, same_rules: bool) -> Gathered:
    """Which articles are new, different or gone. One that only moved to another address is changed, and all are when the same text
    now becomes another page: the index must hear of it."""
    old = {a.key: a for s in before.values() if (a := s.shown)}
    new = {a.key: a for s in files.values() if (a := s.shown)}
    return Gathered(
        catalog,
        added=tuple(a for k, a in new.items() if k not in old),
        changed=tuple(a for k, a in new.items() if k in old and (not same_rules or (a is not old[k] and a != old[k]))),
        removed=tuple(a for k, a in old.items() if k not in new),
    )


def check(repository: ArticleRepository, settings: Settings, paths: list[str] | None = None) -> list[Problem]:
    """What publishing the files as they lie on disk would report, committed or not, without publishing; `paths` narrow it."""
    disk = ArticleRepository(repository.path, settings.content_folder, repository.branch, worktree=not repository.is_bare)
    with tempfile.TemporaryDirectory(prefix="hylla-check-") as folder:
        copy_store(settings.path(settings.data_folder), Path(folder))
        catalog = gather(disk, replace(settings, data_folder=Path(folder)), None, datetime.now(UTC)).catalog
    if not paths:
        return list(catalog.problems)
    wanted = [_from_top(disk, p) for p in paths]
    known = [p for p in catalog.files if not p.startswith(":")]
    missing = [w for w in wanted if not any(_is_under(p, w) for p in known)]
    return [
        *(Problem(w, 1, "error", f"there is no such file in {catalog.folder or 'the repository'}") for w in missing),
        *(p for p in catalog.problems if any(_is_under(p.path, w) for w in wanted)),
    ]


def _from_top(repository: ArticleRepository, path: str) -> str:
    """A path as somebody typed it, from the top of the repository."""
    top = Path(str(repository.disk_folder)[: -len(repository.folder)]) if repository.folder else repository.disk_folder
    full = (Path.cwd() / path).resolve()
    return str(full.relative_to(top)) if full.is_relative_to(top) else path.strip("/")


def _is_under(path: str, wanted: str) -> bool:
    return wanted == "." or path == wanted or path.startswith(wanted + "/")
