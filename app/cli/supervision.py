"""The two processes behind `flask kb serve`: started, watched, started again when they die, and ended in good order.

What ends together: a supervisor that is killed takes its children along, so that nothing holds the port against the next start.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import click

from app.web.serving.draining import draining_file

WORKER_GRACE = 10.0
"""Seconds the background worker has to finish what it is doing."""
FAST_DEATHS = 5
"""A web that dies this many times, each time within `FAST_SECONDS` of its start, is broken and not started for ever."""
FAST_SECONDS = 5.0

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Ask the kernel to end this process when the one that started it is gone, however it went (Linux; elsewhere nothing happens)."""
    parent = os.getppid()
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (AttributeError, OSError):
        return
    if os.getppid() != parent:
        os._exit(1)


def start(job: Callable[..., None], *arguments: object) -> BaseProcess:
    """Run a job in a process forked from this one, which has imported everything and opened nothing."""
    process = multiprocessing.get_context("fork").Process(target=_in_own_session, args=(os.getpid(), job, *arguments))
    process.start()
    return process


def _in_own_session(supervisor: int, job: Callable[..., None], *arguments: object) -> None:
    # A Ctrl-C at the terminal goes to the supervisor alone, which then ends its children in good order.
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    end_with_parent()
    if os.getppid() != supervisor:
        return
    job(*arguments)


class Supervisor:
    """Keeps the web and the background worker running until TERM or Ctrl-C."""

    def __init__(self, data_folder: Path, drain_seconds: float, web: Callable[[], BaseProcess], work: Callable[[], BaseProcess]) -> None:
        self.data_folder = data_folder
        self.drain_seconds = drain_seconds
        self.start_web, self.start_work = web, work
        self.worker: BaseProcess | None = None
        self.stopping = False
        self.deaths = 0
        _forget_old_drains(data_folder)
        self.web = web()
        self.web_since = time.monotonic()
        signal.signal(signal.SIGTERM, lambda *_: self.stop(self.drain_seconds))
        signal.signal(signal.SIGINT, lambda *_: self.stop(0))

    def begin_work(self) -> None:
        """Start the background worker, once the web is ready: the first page does not wait for it."""
        if self.web.is_alive() and not self.stopping:
            self.worker = self.start_work()

    def stop(self, drain_seconds: float) -> None:
        """Say first that nobody new should be sent here, then end; the second time, end at once."""
        if self.stopping or drain_seconds <= 0:
            self.stopping = True
            self._end()
            return
        self.stopping = True
        draining_file(self.data_folder, self.web.pid or 0).touch()
        threading.Timer(drain_seconds, self._end).start()

    def _end(self) -> None:
        for child in (self.web, self.worker):
            if child is not None and child.is_alive():
                child.terminate()

    def watch(self) -> int:
        """Wait until all is over; the exit code for the shell."""
        while self.web.is_alive() or self._restarted_web():
            connection.wait([c.sentinel for c in (self.web, self.worker) if c is not None and c.is_alive()], timeout=1)
            self._restart_worker()
        code = self.web.exitcode
        self._end_worker()
        _forget_old_drains(self.data_folder)
        return 0 if code in (0, -signal.SIGTERM) else 1

    def _restarted_web(self) -> bool:
        if self.stopping or (self.web.exitcode or 0) >= 0:
            return False  # it ended by itself and said why; doing the same again would end the same
        self.deaths = self.deaths + 1 if time.monotonic() - self.web_since < FAST_SECONDS else 0
        if self.deaths >= FAST_DEATHS:
            return False
        click.echo(f"The web ended with {self.web.exitcode}; starting it again.", err=True)
        self.web, self.web_since = self.start_web(), time.monotonic()
        return True

    def _restart_worker(self) -> None:
        if self.worker is None or self.stopping or self.worker.exitcode in (None, 0):
            return
        click.echo(f"The background worker ended with {self.worker.exitcode}; starting it again.", err=True)
        threading.Event().wait(0.5)  # one that dies at its start must not keep the machine busy with starting
        self.worker = self.start_work()

    def _end_worker(self) -> None:
        if self.worker is None:
            return
        self.worker.terminate()
        self.worker.join(timeout=WORKER_GRACE)
        if self.worker.is_alive():
            self.worker.kill()


def _forget_old_drains(data_folder: Path) -> None:
    """Remove the marks of servers that are gone; a new one may get the number of an old one."""
    for mark in data_folder.glob("draining-*"):
        pid = mark.name.removeprefix("draining-")
        if not (pid.isdigit() and _is_running(int(pid))):
            mark.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
