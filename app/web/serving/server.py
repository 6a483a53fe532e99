"""Gunicorn, as the portal uses it. The portal's modules are imported once, before the web processes are forked from this one."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from app.config import Settings
from app.db import PAGE_WAITS
from app.portal import open_portal
from app.web.factory import create_app
from app.web.serving.connections import GatheringWorker

M_ARENA_MAX = -8
"""glibc's number for it (malloc.h)."""
ARENAS = 1


def keep_arenas_few() -> None:
    """Sixteen threads would each keep a piece of the heap for themselves: at 10,000 articles that costs 40 MB and buys no speed, since
    only one of them runs Python at a time. Other C libraries have no such setting and need none."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, ARENAS)


class WebServer(BaseApplication):  # type: ignore[misc]  # gunicorn is untyped
    """Serves on loopback until TERM; answers under way are finished first."""

    def __init__(self, port: int, processes: int, after_fork: Callable[[], object] = lambda: None) -> None:
        self.options: dict[str, Any] = {
            "bind": f"127.0.0.1:{port}",
            "worker_class": GatheringWorker,
            "workers": processes,
            "threads": 16,
            "timeout": 60,
            "graceful_timeout": 8,
            "keepalive": 15,
            "loglevel": "warning",
            # Gunicorn's own remote control by a socket file: nobody uses it here, so nobody can.
            "control_socket_disable": True,
            # Who may be believed about address, scheme and host is said by HYLLA_TRUSTED_PROXIES alone. Gunicorn's default believes every
            # neighbour on this machine, and so every visitor behind a front server that passes headers on.
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "post_fork": lambda _server, _worker: after_fork(),
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        keep_arenas_few()
        super().run()

    def load(self) -> Flask:
        """Called in each web process: what is open (database, index) is opened there, never shared across a fork."""
        settings = Settings.from_environ()
        return create_app(settings, open_portal(settings, PAGE_WAITS, waits_for_words=False))
