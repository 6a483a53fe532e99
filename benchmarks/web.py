"""Pages a second and processor time a page, beside a bare constant Flask page in the same server and the same run.

    python -m benchmarks.web [--articles 1000] [--large 10000] [--requests 1500]

Both are served by one process of the same gunicorn worker. The client is this process, over kept connections on loopback; processor
time is that of the serving process alone (from /proc), so the client does not count. Ratios hold on a busy machine, times do not.
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from benchmarks.publish import Writer, git
from tests.operation.running_portal import LOOSE, children, free_port

TOP = Path(__file__).resolve().parents[1]
CLIENTS = 4
TICKS = os.sysconf("SC_CLK_TCK")

BARE = """
import sys
from flask import Flask
from app.web.serving.server import WebServer
class Bare(WebServer):
    def load(self):
        app = Flask("bare")
        app.config["MAX_CONTENT_LENGTH"] = 1 << 20  # the worker asks how large a request may be
        app.add_url_rule("/", view_func=lambda: "<!doctype html><title>Bare</title><p>" + "x" * 8000)
        return app
Bare(int(sys.argv[1]), 1).run()
"""
PORTAL = """
import sys
from app.web.serving.server import WebServer
WebServer(int(sys.argv[1]), 1).run()
"""


@dataclass(frozen=True)
class Figures:
    """What serving one kind of page cost."""

    per_second: float
    cpu_ms: float


@contextmanager
def served(code: str, environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """A server with one process; its port and that process."""
    port = free_port()
    server = subprocess.Popen([sys.executable, "-c", code, str(port)], cwd=TOP, env=environment)
    try:
        deadline = time.monotonic() + 60
        while not answers(port):
            assert time.monotonic() < deadline and server.poll() is None, "the server did not start"
            threading.Event().wait(0.05)
        yield port, children(server.pid)[0]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=20)


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid: int) -> float:
    """Resident memory, and the part that no other process shares."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def asked(port: int, pid: int, count: int, address: Callable[[int], str]) -> Figures:
    """So many requests by a few clients at once."""
    numbers = iter(range(count))
    lock = threading.Lock()
    failures: list[str] = []

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            connection.request("GET", address(number), headers={"Accept-Encoding": "br"})
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                failures.append(f"{response.status} {address(number)}")
        connection.close()

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    before, began = cpu_seconds(pid), time.perf_counter()
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    took, cpu = time.perf_counter() - began, cpu_seconds(pid) - before
    assert not failures, failures[:3]
    return Figures(count / took, cpu / count * 1000)


def written(folder: Path, count: int) -> tuple[Writer, dict[str, str]]:
    """A repository with so many articles, published; and the settings of a portal over it."""
    repository = folder / "repository"
    repository.mkdir(parents=True)
    git(repository, "init", "-q", "-b", "main")
    writer = Writer(repository / "articles")
    writer.write(count)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", f"{count} articles")
    ours = {
        "HYLLA_CONTENT_REPOSITORY": str(repository),
        "HYLLA_INDEX_FOLDER": str(folder / "index"),
        "HYLLA_DATA_FOLDER": str(folder / "var"),
        "HYLLA_DATABASE_URL": f"sqlite:///{folder / 'var' / 'hylla.sqlite3'}",
        "HYLLA_LOCALES": "en",
        **LOOSE,
        "HYLLA_SEARCHES_PER_MINUTE": "100000",
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HYLLA_")} | ours
    for command in (["database", "upgrade"], ["publish"]):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "flask", "kb", *command], cwd=TOP, env=environment, check=True, stdout=subprocess.DEVNULL)
        if command == ["publish"]:
            print(f"  first publish of {count} articles: {time.perf_counter() - began:.1f} s, start of the process included", flush=True)
    return writer, environment


def titles(writer: Writer) -> list[str]:
    return [" ".join(slug.split("-")[:-1]) for _, slug in writer.slugs]


def second_start(environment: dict[str, str]) -> float:
    """Seconds from `flask kb serve` to readiness, for a portal that has been served before."""
    port = free_port()
    began = time.perf_counter()
    command = [sys.executable, "-m", "flask", "kb", "serve", "--port", str(port)]
    server = subprocess.Popen(command, cwd=TOP, env=environment, stdout=subprocess.DEVNULL)
    try:
        while not ready(port):
            assert server.poll() is None and time.perf_counter() - began < 60
            threading.Event().wait(0.02)
        return time.perf_counter() - began
    finally:
        server.terminate()
        server.wait(timeout=20)


def ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def pages(folder: Path, articles: int, count: int) -> None:
    """The three kinds of page, and the bare one before and after them."""
    writer, environment = written(folder, articles)
    words = titles(writer)
    popular = writer.slugs[:200]
    kinds: dict[str, Callable[[int], str]] = {
        "article page": lambda n: f"/en/articles/{popular[n % len(popular)][1]}",
        "search page": lambda n: f"/en/search?q={quote(words[n % len(words)])}",
        "suggestions": lambda n: f"/api/v1/suggest?locale=en&q={quote(words[n % len(words)][: 3 + n % 9])}",
    }
    with served(BARE, environment) as (bare_port, bare_pid), served(PORTAL, environment) as (port, pid):
        asked(bare_port, bare_pid, 200, lambda n: "/")
        print(f"  {'page':14} {'pages/s':>9} {'CPU ms':>8} {'CPU ÷ bare page':>16}")
        for name, address in kinds.items():
            asked(port, pid, 250, address)  # warm, as after a minute of service
            bare = asked(bare_port, bare_pid, count, lambda n: "/")
            ours = asked(port, pid, count, address)
            print(f"  {'bare page':14} {bare.per_second:9.0f} {bare.cpu_ms:8.2f} {'1.00':>16}")
            print(f"  {name:14} {ours.per_second:9.0f} {ours.cpu_ms:8.2f} {ours.cpu_ms / bare.cpu_ms:16.2f}", flush=True)
    starts = [second_start(environment) for _ in range(3)]
    print(f"  second start of serve until /readyz is 200: {', '.join(f'{s:.2f} s' for s in starts)}", flush=True)


def memory(folder: Path, articles: int) -> None:
    """Of one web process over a large base, after its articles have been read and searched."""
    writer, environment = written(folder, articles)
    words = titles(writer)
    with served(PORTAL, environment) as (port, pid):
        asked(port, pid, 1, lambda n: "/en/")
        at_first = memory_mb(pid)
        asked(port, pid, 1000, lambda n: f"/en/articles/{writer.slugs[n * 7 % len(writer.slugs)][1]}")
        asked(port, pid, 500, lambda n: f"/en/search?q={quote(words[n * 13 % len(words)])}")
        print(
            f"  a web process at {articles}: {at_first:.0f} MB after the first page, {memory_mb(pid):.0f} MB after 1,000 views, 500 searches"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--large", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=1500)
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as name:
        pages(Path(name) / "pages", options.articles, options.requests)
        if options.large:
            memory(Path(name) / "large", options.large)


if __name__ == "__main__":
    main()
