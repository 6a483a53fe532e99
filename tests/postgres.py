"""A private PostgreSQL cluster for tests, on a Unix socket in a folder of its own; for every room that must behave the same on both."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))


def _program(name: str) -> str:
    found = shutil.which(name, path=os.pathsep.join([str(p) for p in reversed(_DEBIAN)] + [os.environ.get("PATH", "")]))
    if found is None:
        raise RuntimeError(f"{name} is missing; install the Debian package postgresql to run these tests")
    return found


def _as_server(folder: Path) -> dict:
    # The server refuses to run as root; Debian's package brings a user for it.
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@dataclass(frozen=True)
class Cluster:
    """A running server; it can be stopped and started under those who use it."""

    folder: Path
    rights: dict
    fsync: str = "off"

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@/postgres?host={self.folder}"

    def start(self) -> None:
        settings = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync={self.fsync} -c max_connections=60"
        self._control("-l", str(self.folder / "log"), "-o", settings, "-w", "start")

    def stop(self, mode: str) -> None:
        """`fast` ends connections and shuts down in order; `immediate` is a crash, recovered at the next start."""
        self._control("-m", mode, "-w", "stop")

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Every process of the server stands still: connections stay open, and nobody answers on them."""
        first = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        tasks = Path(f"/proc/{first}/task").iterdir()
        processes = [first, *(int(pid) for task in tasks for pid in (task / "children").read_text().split())]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)

    def _control(self, *args: str) -> None:
        run([_program("pg_ctl"), "-D", str(self.folder / "data"), *args], self.folder, self.rights)


def run(command: list[str], folder: Path, rights: dict) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **rights)


@contextmanager
def running_cluster(fsync: str = "off") -> Iterator[Cluster]:
    """Make and start a cluster with an empty database; stop and remove it. Tests do not wait for the disk, measurements do."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    made = Cluster(folder, _as_server(folder), fsync)
    started = False
    try:
        command = [_program("initdb"), "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        run(command, folder, made.rights)
        made.start()
        started = True
        yield made
    finally:
        if started:
            try:
                made.stop("immediate")
            except subprocess.CalledProcessError:
                pass  # a test has stopped it
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def cluster() -> Iterator[str]:
    """The URL of the empty database of a cluster of its own."""
    with running_cluster() as made:
        yield made.url
