"""Articles as they lie on disk, committed or not: what changed against a commit, and a watcher for what is saved next."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Scan:
    """The files found on disk, and which of them no commit has."""

    files: dict[str, str]
    uncommitted: dict[str, datetime]
    renamed: dict[str, str]
    removed: tuple[str, ...]
    links: tuple[str, ...]
    """Symbolic links, which are not followed: one could name any file of the server."""
    changed_links: tuple[str, ...]
    """Those that are in no commit, and those of the commit that are gone."""

    def revision(self, commit: str) -> str:
        """The commit itself when disk and commit agree, else `commit+digest`, the same for the same bytes."""
        if not self.uncommitted and not self.removed and not self.changed_links:
            return commit or "0" * 40 + "+empty"
        digest = hashlib.sha256()
        for path in sorted(self.uncommitted):
            digest.update(f"{path}\x00{self.files[path]}\x00".encode())
        for path in self.removed:
            digest.update(f"-{path}\x00".encode())
        for path in self.changed_links:
            digest.update(f">{path}\x00".encode())
        return f"{commit or '0' * 40}+{digest.hexdigest()[:12]}"


def path_text(name: bytes) -> str:
    """A file name from git or the disk as text; bytes that are no UTF-8 are written out, `\\xff`: they can be neither stored nor shown."""
    return name.decode("utf-8", "backslashreplace")


class Worktree:
    """Scans a folder; a file whose size and times have not changed since the last scan is not read again."""

    def __init__(self, top: Path, folder: str, algorithm: str) -> None:
        self.top = top
        self.folder = folder
        self.algorithm = "sha256" if algorithm == "sha256" else "sha1"
        self._seen: dict[str, tuple[tuple[int, ...], str]] = {}

    def scan(self, committed: dict[str, str], committed_links: Sequence[str] = ()) -> Scan:
        """What is on disk, compared with the files of a commit."""
        files: dict[str, str] = {}
        uncommitted: dict[str, datetime] = {}
        seen: dict[str, tuple[tuple[int, ...], str]] = {}
        links: list[str] = []
        for name, stat in self._walk():
            path = path_text(os.fsencode(name))
            if stat is None:
                links.append(path)
                continue
            mark = (stat.st_mtime_ns, stat.st_size, stat.st_ino, stat.st_ctime_ns)
            known = self._seen.get(path)
            blob = known[1] if known and known[0] == mark else self._hash(name)
            if blob is None:
                continue  # gone or replaced by a link since it was listed
            seen[path] = (mark, blob)
            files[path] = blob
            if committed.get(path) != blob:
                uncommitted[path] = datetime.fromtimestamp(stat.st_mtime, UTC).replace(microsecond=0)
        self._seen = seen
        removed = tuple(sorted(p for p in committed if p not in files and not self._is_passed_over(p)))
        by_blob = {committed[p]: p for p in removed}
        renamed = {p: by_blob.pop(files[p]) for p in sorted(uncommitted) if p not in committed and files[p] in by_blob}
        return Scan(files, uncommitted, renamed, removed, tuple(sorted(links)), tuple(sorted(set(links) ^ set(committed_links))))

    def read(self, paths: Sequence[str], largest: int) -> Iterator[tuple[str, str, bytes | None]]:
        """(path, blob, bytes); the blob is that of the bytes returned, even if the file was saved again since the scan."""
        for path in paths:
            data = self._bytes(path, largest)
            if data is None:
                yield path, self._seen[path][1], None
            else:
                yield path, self._blob(data), data

    def _walk(self) -> Iterator[tuple[str, os.stat_result | None]]:
        """Every file with its facts; a symbolic link without any."""
        stack = [self.folder]
        while stack:
            folder = stack.pop()
            try:
                entries = sorted(os.scandir(self.top / folder), key=lambda e: e.name)
            except OSError:
                continue
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.name.startswith("."):
                    continue
                if entry.is_symlink():
                    yield path, None
                elif entry.is_dir():
                    stack.append(path)
                elif entry.is_file():
                    yield path, entry.stat(follow_symlinks=False)

    def _is_passed_over(self, path: str) -> bool:
        """Whether the walk leaves it out although it may be there: a committed `.gitkeep` is not missing."""
        return any(part.startswith(".") for part in path.removeprefix(self.folder).split("/"))

    def _hash(self, path: str) -> str | None:
        data = self._bytes(path, 1 << 26)
        return None if data is None else self._blob(data)

    def _blob(self, data: bytes) -> str:
        return hashlib.new(self.algorithm, b"blob %d\x00" % len(data) + data, usedforsecurity=False).hexdigest()

    def _bytes(self, path: str, largest: int) -> bytes | None:
        try:
            with os.fdopen(os.open(self.top / path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                data = file.read(largest + 1)
        except OSError:
            return None
        return data if len(data) <= largest else None


def follow(folder: Path, on_change: Callable[[], None], stop: threading.Event) -> None:
    """Call `on_change` shortly after anything below `folder` was saved, until `stop` is set; several saves at once are one call."""
    from watchfiles import watch

    while not stop.is_set():
        if not folder.is_dir():
            stop.wait(1)  # the folder was removed or is not there yet
            continue
        for _ in watch(folder, debounce=200, step=20, stop_event=stop, rust_timeout=500, yield_on_timeout=False, raise_interrupt=False):
            on_change()
            if not folder.is_dir():
                break
