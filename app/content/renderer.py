"""The pool of rendering processes: hand in Markdown, get HTML, whatever the Markdown does."""

from __future__ import annotations

import os
import queue
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType
from typing import Any

from app.config import Settings
from app.content.articles import Heading, Section
from app.content.render_process import receive, send
from app.content.rendering import Rendered, as_plain_text

_TOP = Path(__file__).resolve().parents[2]
_WALL_FACTOR, _WALL_BASE = 10, 30.0
"""Wall time allowed: on a busy machine an honest article may have to wait for its turn, so only a stuck process reaches this."""
_BASE_SECONDS, _SECONDS_PER_KB = 0.5, 0.025
"""What an honest article may need: prose takes 0.004 s per kB, dense tables 0.01."""
_PATIENCE = ((2.0, 3), (4.0, 6))
"""(seconds lost on articles that fail, by what the limits are divided from there on): many of them must not hold up a publish.
At a sixth prose still has nearly twice what it needs."""
_LARGE_KB = 64
"""What an article has beyond that gives it no more time once patience is short: it would be a book."""


_WORDS = re.compile(r"[^\W_]+|\s+")
_MOSTLY_SIGNS, _SHORT = 0.45, 4096
"""What is made to be costly is brackets, stars and bars. Of prose a twentieth are signs, of dense tables and code a third."""


class RenderFailed(Exception):
    """One article could not be rendered; the message says why, `spent` how many seconds of computing went into it."""

    def __init__(self, message: str, spent: float = 0.0) -> None:
        super().__init__(message)
        self.spent = spent


class RendererPool:
    """Starts up to `processes` renderers when they are needed; one that dies is replaced. Use as a context manager."""

    def __init__(self, processes: int = 2, seconds: float = 5.0, memory_mb: int = 512) -> None:
        self.processes = processes
        self.seconds = seconds
        self.memory_mb = memory_mb
        self._lost = 0.0
        self._idle: queue.LifoQueue[_Renderer] = queue.LifoQueue()
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="renderer")

    @classmethod
    def of(cls, settings: Settings) -> RendererPool:
        """A pool with the limits that the settings name."""
        return cls(2, settings.render_seconds, settings.render_memory_mb)

    def get_ready(self) -> None:
        """Before a publish: a renderer waits, or starts while the caller finds out what is to be rendered; patience is whole again."""
        self._lost = 0.0
        self._idle.put(self._take())

    def render(self, markdown: str, locale: str) -> tuple[Rendered, str]:
        """The rendering and, if the article had to be shown as plain text, the reason."""
        if self._lost >= _PATIENCE[-1][0] and _is_mostly_signs(markdown):
            return as_plain_text(
                markdown
            ), "not rendered: it is mostly signs, and others like it took too long; change it to have it tried again"
        seconds = self._allowed(markdown)
        renderer = self._take()
        try:
            rendered = renderer.render(markdown, locale, seconds)
        except RenderFailed as failure:
            self._lost += failure.spent
            if renderer.is_alive:
                self._idle.put(renderer)
            return as_plain_text(markdown), str(failure)
        except BaseException:
            renderer.close()
            raise
        self._idle.put(renderer)
        return rendered, ""

    def _take(self) -> _Renderer:
        """An idle renderer that still lives, or a new one."""
        while True:
            try:
                renderer = self._idle.get_nowait()
            except queue.Empty:
                return _Renderer(self.memory_mb)
            if renderer.is_alive:
                return renderer
            renderer.close()

    def _allowed(self, markdown: str) -> float:
        """Seconds of computing for one article: by its size, never more than the setting."""
        kb = len(markdown) / 1024
        tightened = max((part for lost, part in _PATIENCE if self._lost >= lost), default=1)
        fair = _BASE_SECONDS + _SECONDS_PER_KB * (kb if tightened == 1 else min(kb, _LARGE_KB))
        return min(self.seconds, fair / tightened)

    def render_all(self, jobs: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, Rendered, str]]:
        """Render (key, Markdown, locale) on all processes; yields (key, rendering, reason) as they are done.

        Only a few jobs are taken ahead, so that a large base is never in memory at once.
        """
        waiting: dict[Future[tuple[Rendered, str]], str] = {}
        for key, markdown, locale in jobs:
            waiting[self._threads.submit(self.render, markdown, locale)] = key
            if len(waiting) >= self.processes * 4:
                yield from self._finished(waiting)
        while waiting:
            yield from self._finished(waiting)

    @staticmethod
    def _finished(waiting: dict[Future[tuple[Rendered, str]], str]) -> Iterator[tuple[str, Rendered, str]]:
        done, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            rendered, reason = future.result()
            yield waiting.pop(future), rendered, reason

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        while not self._idle.empty():
            self._idle.get_nowait().close()

    def __enter__(self) -> RendererPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _Renderer:
    """One child process."""

    def __init__(self, memory_mb: int) -> None:
        self.process = subprocess.Popen(  # noqa: S603  # our own module, our own numbers
            [sys.executable, "-m", "app.content.render_process", str(memory_mb)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_TOP,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"},  # nothing secret is within a writer's reach
        )

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def render(self, markdown: str, locale: str, seconds: float) -> Rendered:
        try:
            send(self._stdin, {"markdown": markdown, "locale": locale, "seconds": seconds})
            answer = self._answer(seconds)
        except (OSError, ValueError) as error:
            self.close()
            raise RenderFailed(f"the renderer stopped: {error}") from None
        if answer is None:
            answer = {"ended": self.process.wait()}
        if "ended" in answer:
            if answer["ended"] == -signal.SIGPROF:
                raise RenderFailed(f"rendering took more than {seconds:.2g} s of computing", seconds)
            self.close()
            raise RenderFailed(f"rendering needed more than is allowed (ended by {_name_of_end(answer['ended'])})", seconds)
        if "failed" in answer:
            raise RenderFailed(f"the Markdown cannot be rendered ({answer['failed']})", answer["spent"])
        return _rendered(answer)

    def _answer(self, seconds: float) -> dict[str, Any] | None:
        limit = seconds * _WALL_FACTOR + _WALL_BASE
        # Big answers arrive in parts, but a renderer writes only when it has finished: the first byte is what we wait for.
        ready, _, _ = select.select([self._stdout], [], [], limit)
        if not ready:
            self.close()
            raise RenderFailed(f"rendering took more than {limit:.0f} s", seconds)
        return receive(self._stdout)

    @property
    def _stdin(self) -> Any:
        return self.process.stdin

    @property
    def _stdout(self) -> Any:
        return self.process.stdout

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self._stdin, self._stdout):
            try:
                stream.close()
            except OSError:
                continue  # unsent bytes for a process that is gone


def _is_mostly_signs(markdown: str) -> bool:
    return len(markdown) > _SHORT and len(_WORDS.sub("", markdown)) > _MOSTLY_SIGNS * len(markdown)


def _name_of_end(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit {code}"


def _rendered(answer: dict[str, Any]) -> Rendered:
    return Rendered(
        html=answer["html"],
        sections=tuple(Section(**s) for s in answer["sections"]),
        headings=tuple(Heading(**h) for h in answer["headings"]),
        words=answer["words"],
        links=tuple(answer["links"]),
        images=tuple(answer["images"]),
    )
