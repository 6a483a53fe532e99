"""What git's history says about the files: who changed them when, under which name they were born, and where they moved.

Pure: commits in, facts out. The facts are kept in the store and advanced by new commits only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from app.content.repository import Commit

_ARTICLE = re.compile(r"(?:^|/)([^/]+)/([^/]+)/([^/]+)\.md$")


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file's last change and the name it was born under."""

    origin: str
    """Category and slug at its first commit: the identity of an article that names none."""
    revision: str
    at: datetime
    author: str


@dataclass
class History:
    """Facts of all files up to commit `head`, live and removed; `moves` leads from each old path to the next."""

    head: str = ""
    facts: dict[str, FileFacts] = field(default_factory=dict)
    moves: dict[str, str] = field(default_factory=dict)
    dirty: set[str] = field(default_factory=set)
    """Paths whose facts or moves changed since the history was loaded."""

    def advance(self, commits: Iterable[Commit], head: str) -> None:
        """Take in newer commits, oldest first."""
        for commit in commits:
            self._take(commit)
        self.head = head

    def _take(self, commit: Commit) -> None:
        carried: dict[str, FileFacts | None] = {}
        for kind, old, new in commit.changes:
            # All renames of a commit are taken up before any is put down: two files may have swapped names.
            if kind == "R":
                carried[new] = self.facts.pop(old, None)
                self.moves[old] = new
                self.dirty.add(old)
        for kind, old, path in commit.changes:
            if kind == "R":
                known = carried[path]
                self._changed(path, commit, known.origin if known else self._birth_name(old))
            elif kind == "A":
                self._changed(path, commit, self._origin_of_added(path))
            elif kind == "M":
                path = path if path in self.facts else self._moved_to(path)
                known = self.facts.get(path)
                self._changed(path, commit, known.origin if known else self._birth_name(path))

    def _changed(self, path: str, commit: Commit, origin: str) -> None:
        self.moves.pop(path, None)
        self.facts[path] = FileFacts(origin, commit.revision, commit.at, commit.author)
        self.dirty.add(path)

    def _origin_of_added(self, path: str) -> str:
        """A file that comes back is the same article; a new one at an address whose article moved away is another."""
        known = self.facts.get(path)
        return known.origin if known else self._birth_name(path)

    def _birth_name(self, path: str) -> str:
        match = _ARTICLE.search(path)
        if not match:
            return path
        locale, name = match[1], f"{match[2]}/{match[3]}"
        if path not in self.moves:
            return name
        taken = {f.origin for p, f in self.facts.items() if (m := _ARTICLE.search(p)) and m[1] == locale}
        number = 2
        candidate = name
        while candidate in taken:
            candidate, number = f"{name}-{number}", number + 1
        return candidate

    def _moved_to(self, path: str) -> str:
        """Where a file lies now that was changed under an old name on another branch."""
        seen = {path}
        while path in self.moves and self.moves[path] not in seen:
            path = self.moves[path]
            seen.add(path)
        return path

    def of(self, path: str) -> FileFacts | None:
        return self.facts.get(path)

    def birth_name(self, path: str) -> str:
        """The identity of a file, committed or not."""
        known = self.facts.get(path)
        return known.origin if known else self._birth_name(path)

    def destination(self, old: str, live: dict[str, str]) -> str:
        """The live file that an old path leads to; empty if it leads nowhere or round in a circle."""
        seen: set[str] = set()
        path = old
        while path not in live or path == old:
            if path in seen or path not in self.moves:
                return ""
            seen.add(path)
            path = self.moves[path]
        return path

    def with_uncommitted(self, uncommitted: dict[str, datetime], renamed: dict[str, str]) -> History:
        """A copy that also knows the uncommitted files: changed when they were saved, by whoever changed them last in git."""
        if not uncommitted and not renamed:
            return self
        view = History(self.head, dict(self.facts), dict(self.moves))
        for new, old in renamed.items():
            if old in view.facts:
                view.facts[new] = view.facts.pop(old)
            view.moves[old] = new
            view.moves.pop(new, None)
        for path, at in uncommitted.items():
            known = view.facts.get(path)
            if path in renamed and known:
                continue  # only its name changed
            view.facts[path] = replace(known, at=at, revision="") if known else FileFacts(view._birth_name(path), "", at, "")
        return view


NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)
