"""The git repository that holds the articles: the only file that runs git.

Every call has fixed arguments; nothing that a writer, a remote or a request supplies is ever an option. Hooks, external diff
programs, file-system monitors, submodules and transports other than https and ssh are off, whatever the repository's own
configuration says.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.config import Settings
from app.content.errors import ContentUnavailable
from app.content.worktree import Worktree, path_text

_REF = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._/-]{0,198}[A-Za-z0-9_-])?")
_REVISION = re.compile(r"[0-9a-f]{7,64}")
_FIXED = [
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.symlinks=false", "-c", "core.quotepath=off"),
    *("-c", "core.pager=cat", "-c", "core.attributesFile=/dev/null", "-c", "core.alternateRefsCommand=true"),
    *("-c", "submodule.recurse=false", "-c", "fetch.recurseSubmodules=no", "-c", "gc.auto=0", "-c", "maintenance.auto=false"),
    *("-c", "log.showSignature=false", "-c", "diff.renameLimit=5000", "-c", "protocol.allow=never"),
]
_EPOCH_LIMIT = 4_102_444_800  # year 2100: a commit with a nonsense date must not break sorting or time arithmetic


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit as the history of articles needs it."""

    revision: str
    at: datetime
    author: str
    subject: str
    changes: tuple[tuple[str, str, str], ...] = ()
    """(A, M, D or R; path before, path after); both paths are the same except in a rename."""


@dataclass(frozen=True)
class Snapshot:
    """All files of the content folder at one moment: at a commit, or as they lie in the work tree."""

    revision: str
    """What is served under this name: the commit, or `commit+digest` when uncommitted files are among them."""
    commit: str
    """The commit it is based on; empty when there is none yet."""
    files: dict[str, str]
    """Path in the repository → blob hash."""
    uncommitted: dict[str, datetime]
    """Paths whose bytes are in no commit, with the time they were written."""
    renamed: dict[str, str]
    """Uncommitted renames without a change of content: new path → old path."""
    links: tuple[str, ...]
    """Paths of symbolic links, which nobody follows."""
    read: Callable[[Sequence[str], int], Iterator[tuple[str, str, bytes | None]]]
    """(paths, largest size) → (path, blob, bytes); None for a file that is too large."""


class ArticleRepository:
    """Articles in git, read at a commit or, with `worktree`, as they are on disk.

    `branch` is empty (what is checked out), a local branch, or `remote/branch`; only the last is fetched.
    """

    def __init__(
        self, path: Path, folder: str = "articles", branch: str = "", worktree: bool = False, protocols: Sequence[str] = ("https", "ssh")
    ) -> None:
        self.path = Path(path)
        self.branch = branch
        self.worktree = worktree
        self._folder = folder.strip("/")
        self._protocols = tuple(arg for p in protocols for arg in ("-c", f"protocol.{p}.allow=always"))
        self._located: _Location | None = None
        self._files_of: tuple[str, dict[str, str], tuple[str, ...]] | None = None
        self._tree: Worktree | None = None

    @classmethod
    def of(cls, settings: Settings) -> ArticleRepository:
        """The articles that the settings name."""
        repository = settings.path(settings.content_repository)
        return cls(repository, settings.content_folder, settings.content_branch, settings.content_worktree)

    # Where things are

    @property
    def folder(self) -> str:
        """The content folder, from the top of the repository."""
        prefix = self._location().prefix
        return "/".join(part for part in (prefix.strip("/"), self._folder.strip("./")) if part)

    @property
    def disk_folder(self) -> Path:
        """The content folder on disk, to be watched or shown to a writer."""
        return self._top() / self.folder

    def _top(self) -> Path:
        """The folder that paths of files start from."""
        prefix = self._location().prefix
        return self.path.resolve().parents[len(Path(prefix).parts) - 1] if prefix else self.path.resolve()

    def _location(self) -> _Location:
        if self._located is None:
            self._located = self._locate()
        return self._located

    def _locate(self) -> _Location:
        try:
            out = self._git("rev-parse", "--is-bare-repository", "--is-shallow-repository", "--show-object-format", "--show-prefix")
        except ContentUnavailable:
            if self.worktree and self.path.is_dir():
                return _Location(False, False, "sha1", "")  # a plain folder can be written in and served, it only has no history
            if self.path.is_dir() and self._run(["rev-parse", "--git-dir"]).returncode == 128:
                raise ContentUnavailable(
                    f"{self.path} is no git repository (or git does not trust its owner); set HYLLA_CONTENT_REPOSITORY to one that is."
                ) from None
            raise
        bare, shallow, algorithm, prefix = [*out.decode().split("\n"), ""][:4]
        return _Location(bare == "true", shallow == "true", algorithm, prefix)

    @property
    def is_bare(self) -> bool:
        """Whether nothing is checked out here: a mirror."""
        return self._location().bare

    @property
    def is_shallow(self) -> bool:
        """Whether history was cut off when the repository was cloned."""
        return self._location().shallow

    # Revisions

    def head(self) -> str:
        """The commit to publish; empty when there is none yet."""
        self._location()  # says so when this is no repository
        if not self.branch:
            return self._resolve("HEAD")
        if not _REF.fullmatch(self.branch) or ".." in self.branch or "//" in self.branch or self.branch.endswith(".lock"):
            raise ContentUnavailable(
                f"“{self.branch}” cannot be the name of a branch; name one that exists (HYLLA_CONTENT_BRANCH or --branch)."
            )
        for ref in (f"refs/heads/{self.branch}", f"refs/remotes/{self.branch}"):
            commit = self._resolve(ref)
            if commit:
                return commit
        advice = "name one that `git branch --all` lists there (HYLLA_CONTENT_BRANCH or --branch)"
        raise ContentUnavailable(f"There is no branch “{self.branch}” in {self.path}; {advice}.")

    def resolve(self, revision: str) -> str:
        """The full id of a commit named by (part of) its id, or nothing."""
        return self._resolve(revision) if _REVISION.fullmatch(revision) else ""

    def _resolve(self, name: str) -> str:
        out = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", accept=(0, 1, 128))
        text = out.decode().strip()
        return text if _REVISION.fullmatch(text) else ""

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer` holds everything of `older`; False also when either is unknown here."""
        if not (_REVISION.fullmatch(older) and _REVISION.fullmatch(newer)):
            return False
        return self._run(["merge-base", "--is-ancestor", "--end-of-options", older, newer]).returncode == 0

    def fetch(self) -> bool:
        """Get what is new from the remote, where the branch is `remote/branch` or the repository is a bare mirror; False if there is none.

        What is checked out is never touched: a writer's own clone is served as it is.
        """
        if self.worktree:
            return False
        self._location()  # says so when this is no repository
        remotes = set(self._git("remote").decode().split())
        remote = self.branch.split("/")[0] if "/" in self.branch else ("origin" if self._location().bare else "")
        if remote not in remotes or not _REF.fullmatch(remote):
            return False
        self._git("fetch", "--quiet", "--no-tags", "--prune", "--no-auto-maintenance", "--end-of-options", remote, timeout=120)
        self._located = None  # a fetch may complete a shallow clone
        return True

    # Files

    def snapshot(self) -> Snapshot:
        """Every file of the content folder, now."""
        commit = self.head()
        files, links = self._files_at(commit) if commit else ({}, ())
        if not self.worktree:
            if not commit:
                raise ContentUnavailable(
                    f"{self.path} has no commit yet that git can read: commit the articles, or set HYLLA_CONTENT_WORKTREE=1."
                )
            if not files:
                raise ContentUnavailable(f"{self.path} has no files in “{self.folder}” at {commit[:12]}; see HYLLA_CONTENT_FOLDER.")
            return Snapshot(commit, commit, files, {}, {}, links, self._read_committed(files))
        if not self.disk_folder.is_dir():
            # Even with files in the commit: a folder that is not there (a bare clone, a disk not mounted) is not one that was emptied.
            advice = "; a bare clone has none, so leave HYLLA_CONTENT_WORKTREE out" if self.is_bare else ", see HYLLA_CONTENT_FOLDER"
            raise ContentUnavailable(f"There is no folder {self.disk_folder}{advice}.")
        if self._tree is None:
            self._tree = Worktree(self._top(), self.folder, self._location().algorithm)
        scan = self._tree.scan(files, links)
        return Snapshot(scan.revision(commit), commit, scan.files, scan.uncommitted, scan.renamed, scan.links, self._tree.read)

    def _files_at(self, commit: str) -> tuple[dict[str, str], tuple[str, ...]]:
        """The files of a commit with their blobs, and its symbolic links."""
        if self._files_of is None or self._files_of[0] != commit:
            out = self._git("ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit, f"{self.folder}/" if self.folder else ".")
            files, links = {}, []
            for entry in out.split(b"\x00"):
                meta, _, name = entry.partition(b"\t")
                # Only regular files: a symbolic link could name anything on the server, a submodule is another repository.
                if meta[:4] == b"1006" or meta[:4] == b"1007":
                    files[path_text(name)] = meta.split(b" ")[2].decode()
                elif meta[:4] == b"1200":
                    links.append(path_text(name))
            self._files_of = (commit, files, tuple(links))
        return self._files_of[1:]

    def _read_committed(self, files: dict[str, str]) -> Callable[[Sequence[str], int], Iterator[tuple[str, str, bytes | None]]]:
        def read(paths: Sequence[str], largest: int) -> Iterator[tuple[str, str, bytes | None]]:
            for start in range(0, len(paths), 200):
                part = paths[start : start + 200]
                blobs = self._blobs(sorted({files[p] for p in part}), largest)
                for path in part:
                    yield path, files[path], blobs.get(files[path])

        return read

    def _blobs(self, blobs: Sequence[str], largest: int) -> dict[str, bytes]:
        asked = "\n".join(blobs).encode() + b"\n"
        sizes = self._git("cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", stdin=asked).decode().splitlines()
        fitting = [name for name, kind, size in (line.split(" ", 2) for line in sizes) if kind == "blob" and int(size) <= largest]
        if not fitting:
            return {}
        out = self._git("cat-file", "--batch", stdin="\n".join(fitting).encode() + b"\n")
        found, at = {}, 0
        while at < len(out):
            end = out.index(b"\n", at)
            name, _, size = out[at:end].split(b" ")
            found[name.decode()] = out[end + 1 : end + 1 + int(size)]
            at = end + 2 + int(size)
        return found

    def read(self, revision: str, path: str, largest: int = 1 << 20) -> bytes | None:
        """A file of the content folder as it was at a revision; None if it was not there."""
        commit = self.resolve(revision)
        if not commit or not self._is_inside(path):
            return None
        out = self._git("ls-tree", "-z", "--full-tree", "--end-of-options", commit, path)
        meta = out.split(b"\t")[0].split(b" ")
        if len(meta) != 3 or not meta[0].startswith(b"100"):
            return None
        return self._blobs([meta[2].decode()], largest).get(meta[2].decode())

    def _is_inside(self, path: str) -> bool:
        parts = path.split("/")
        return (not self.folder or path.startswith(self.folder + "/")) and not {"", ".", ".."} & set(parts) and "\x00" not in path

    # History

    def commits(self, after: str, until: str) -> Iterator[Commit]:
        """The commits that touched the content folder, oldest first: those of `until` that `after` (may be empty) does not hold."""
        revisions = [until] if not after else [until, f"^{after}"]
        yield from self._log("--reverse", "--topo-order", "--find-renames", "-c", "--end-of-options", *revisions, "--", self.folder or ".")

    def commits_since(self, since: datetime, until: str) -> Iterator[Commit]:
        """The commits of `until` made since a moment that touched the content folder, oldest first."""
        options = ("--reverse", "--topo-order", "--find-renames", "-c", f"--since=@{max(0, int(since.timestamp()))}")
        yield from self._log(*options, "--end-of-options", until, "--", self.folder or ".")

    def history(self, path: str, limit: int = 50) -> list[Commit]:
        """The commits that changed one file, newest first, through its renames."""
        head = self.head()
        if not head or not self._is_inside(path):
            return []
        return list(self._log(f"--max-count={int(limit)}", "--follow", "--end-of-options", head, "--", path))

    def _log(self, *args: str) -> Iterator[Commit]:
        out = self._git(
            "log", "-z", "--format=%x01%H%x02%at%x02%aN%x02%s%x02", "--name-status", "--no-ext-diff", "--no-textconv", *args, timeout=300
        )
        return _parse_log(out)

    # Running git

    def _git(self, *args: str, stdin: bytes = b"", accept: tuple[int, ...] = (0,), timeout: float = 60) -> bytes:
        done = self._run(list(args), stdin, timeout)
        if done.returncode not in accept:
            reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise ContentUnavailable(f"git {args[0]} failed in {self.path}: {reason[-1] if reason else f'exit {done.returncode}'}")
        return done.stdout

    def _run(self, args: list[str], stdin: bytes = b"", timeout: float = 60) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(  # noqa: S603  # the program and its options are fixed; values follow --end-of-options
                ["git", *_FIXED, *self._protocols, *args],  # noqa: S607
                cwd=self.path,
                input=stdin,
                capture_output=True,
                timeout=timeout,
                env=_environment(),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ContentUnavailable(f"git {args[0]} took more than {timeout:.0f} s in {self.path}.") from None
        except OSError as error:
            if self.path.is_dir() and isinstance(error, FileNotFoundError):
                raise ContentUnavailable("The git program is missing: on Debian, apt-get install git.") from None
            raise ContentUnavailable(f"git cannot be run in {self.path}: {error.strerror or error}.") from None


@dataclass(frozen=True)
class _Location:
    bare: bool
    shallow: bool
    algorithm: str
    prefix: str
    """Where the configured path lies below the top of the repository."""


def _environment() -> dict[str, str]:
    """No GIT_DIR or the like from a hook that called us, no prompts, paths taken literally."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k in {"GIT_SSH_COMMAND", "GIT_CONFIG_GLOBAL"}}
    return kept | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "LC_ALL": "C",
    }


def _parse_log(out: bytes) -> Iterator[Commit]:
    """Commits from `git log -z --name-status`: a header marked with \\x01, then status and path(s), all separated by NUL."""
    header: list[str] | None = None
    changes: list[tuple[str, str, str]] = []
    tokens = iter(path_text(out).split("\x00"))
    for token in tokens:
        token = token.lstrip("\n")
        if token.startswith("\x01"):
            if header:
                yield _commit(header, changes)
            header, changes = token[1:].split("\x02"), []
        elif token and header:
            path = next(tokens)
            if token[0] in "RC":
                new = next(tokens)
                changes.append(("R", path, new) if token[0] == "R" else ("A", new, new))
            else:
                changes.append((token[0] if token[0] in "AD" and len(token) == 1 else "M", path, path))
    if header:
        yield _commit(header, changes)


def _commit(header: list[str], changes: list[tuple[str, str, str]]) -> Commit:
    revision, seconds, author, subject = header[:4]
    at = datetime.fromtimestamp(min(max(int(seconds or 0), 0), _EPOCH_LIMIT), UTC)
    return Commit(revision, at, _printable(author), _printable(subject), tuple(changes))


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:200].strip()
