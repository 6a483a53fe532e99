"""A server for browsers in tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.serving import BaseWSGIServer, make_server


def serve(answer: Callable[[dict[str, Any], Any], Iterable[bytes]]) -> BaseWSGIServer:
    """A server on a free port that gives whole answers: it leaves the file of one open whose reader went to another page meanwhile, and an
    open file fails whatever test comes next."""

    def whole(environ: dict[str, Any], start: Any) -> list[bytes]:
        parts = answer(environ, start)
        try:
            return list(parts)
        finally:
            if close := getattr(parts, "close", None):
                close()

    return make_server("127.0.0.1", 0, whole, threaded=True)
