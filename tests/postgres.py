"""A private PostgreSQL cluster for tests, on a Unix socket in a folder of its own; for every room that must behave the same on both."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def cluster() -> Iterator[str]:
    """Start a cluster, give the URL of its empty database, stop and remove it."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    rights = _as_server(folder)
    options = {"cwd": folder, "check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, **rights}
    data = folder / "data"
    started = False
    try:
        subprocess.run([_program("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"], **options)
        settings = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=40"
        log = folder / "log"
        subprocess.run([_program("pg_ctl"), "-D", data, "-l", log, "-o", settings, "-w", "start"], **options)
        started = True
        yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
    finally:
        if started:
            subprocess.run([_program("pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop"], **{**options, "check": False})
        shutil.rmtree(folder, ignore_errors=True)
