"""How fast events are imported, judged and reported, and how far each definition of deflection is from a known truth.

    python -m benchmarks.outcomes --events 1000000               # SQLite in a temporary folder
    python -m benchmarks.outcomes --events 1000000 --postgres    # a cluster of its own, with fsync
    python -m benchmarks.outcomes --bias --seeds 40              # definitions and intervals against a simulator's truth (bias, coverage)
    python -m benchmarks.outcomes --looks --seeds 40             # what may be looked at every week, at every week (looks)

The stream comes from `app.deflection.recording.simulate`, over the 90 days up to yesterday. Its rates of behaviour are assumptions. Reports are
pages and files over loopback from one process of our own server, over the demo articles.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

from sqlalchemy import text

from app.accounts import Role, add_user, open_session
from app.db import Database, open_database
from app.deflection import (
    apply_retention,
    assign_due,
    audit,
    export_outcomes,
    import_events,
    merge_nightly,
    merge_subjects,
    name_clusters,
    name_subjects,
    pack_asked,
    pack_days,
    recompute_due,
    record,
    tell_contacts,
    verify_sample,
)
from app.deflection.recording.events import milliseconds, parse_event
from app.deflection.recording.simulate import stream, subjects
from benchmarks.bias import bias
from benchmarks.coverage import coverage
from benchmarks.looks import looks
from benchmarks.web import PORTAL, TOP, cpu_seconds, memory_mb, served
from tests.postgres import running_cluster

DAYS = 90
DAY_MS = 86_400_000
EVENTS_PER_NEED = 6.1
ADDRESSES = (
    "/reports/?w=4", "/reports/?w=13", "/reports/?w=13", "/reports/?w=13&device=phone", "/reports/?w=13&locale=en&link=account",
    "/reports/failures.csv?w=13", "/reports/failures.json?w=13&device=phone", "/reports/articles.csv?w=13", "/reports/?w=26",
    "/reports/today", "/reports/labels",
)  # fmt: skip
"""The first one warms the server up; the second is a range that nobody has asked for yet."""


def write_stream(path: Path, events: int, seed: int, start: int) -> tuple[int, list[str]]:
    """A file of about `events` events over 90 days, made in slices so that the benchmark itself needs little memory."""
    topics, written, searches = subjects(200, seed), 0, []
    with path.open("w", encoding="utf-8") as file:
        part = 0
        while written < events:
            needs = min(10_000, max(50, round((events - written) / EVENTS_PER_NEED)))
            simulated = stream(seed * 1000 + part, topics, needs, start, DAYS)
            for event in simulated.events:
                file.write(json.dumps(event, ensure_ascii=False) + "\n")
            written += len(simulated.events)
            searches += [truth.search_id for truth in simulated.truth[::50]]
            part += 1
    return written, searches


class Clock:
    """Times steps by the wall and by this process's own CPU, which says what a busy machine hides."""

    def step(self, name: str, action: Callable[[], Any], per: int = 0) -> tuple[Any, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        result = action()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        rate = f"  {per / wall:9.0f}/s" if per else ""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{name:52} {wall:8.1f} s wall {cpu:8.1f} s CPU  {peak:5.0f} MB{rate}", flush=True)
        return result, wall


def speed(url: str, folder: Path, events: int, seed: int) -> None:
    """Import, judge, group, pack, verify, export, audit, report and drop one stream."""
    environment = portal_over(url, folder)
    database = open_database(url)
    path, clock, now = folder / "events.jsonl", Clock(), datetime.now(UTC)
    start = (milliseconds(now) // DAY_MS - DAYS) * DAY_MS
    (count, searches), _ = clock.step("simulate", lambda: write_stream(path, events, seed, start))
    with path.open("rb") as lines:
        _, importing = clock.step(f"import {count} events", lambda: import_events(database, lines), count)
    with live_events(database) as waits:
        _, judging = clock.step("judge every person", lambda: recompute_due(database, now), count)
    print(f"{'import and judge, scaled to 1M events':52} {(importing + judging) * 1e6 / count:8.0f} s")
    print(f"{'a new event until its outcome is stored, meanwhile':52} {mean(waits):8.2f} s, at most {max(waits):.2f} s ({len(waits)})")
    clock.step("put questions into groups, name them", lambda: group(database, now))
    clock.step("groups that are the same become one", lambda: merge_nightly(database, now) + merge_subjects(database, now))
    clock.step("pack the days for reports", lambda: (pack_days(database, now), pack_asked(database, now)))
    differences, _ = clock.step("judge a hundredth again", lambda: verify_sample(database, now))
    exported, _ = clock.step("export", lambda: sum(1 for _ in export_outcomes(database)))
    print(f"{'searches exported, differences found':52} {exported:8d} {len(differences)}")
    audits(database, now, searches, seed)
    reports(database, environment)
    dropped, _ = clock.step("drop the events of the oldest weeks", lambda: apply_retention(database, now, event_days=DAYS - 12))
    print(f"{'events dropped':52} {dropped:8d}")
    database.close()


def portal_over(url: str, folder: Path) -> dict[str, str]:
    """The settings of a portal with the demo articles over this database, which gets its tables."""
    ours = {
        "HYLLA_DATABASE_URL": url,
        "HYLLA_DATA_FOLDER": str(folder / "var"),
        "HYLLA_INDEX_FOLDER": str(folder / "index"),
        "HYLLA_BASE_URL": "http://127.0.0.1",
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HYLLA_")} | ours
    for command in (["database", "upgrade"], ["publish"]):
        subprocess.run([sys.executable, "-m", "flask", "kb", *command], cwd=TOP, env=environment, check=True, stdout=subprocess.DEVNULL)
    return environment


@contextmanager
def live_events(database: Database) -> Iterator[list[float]]:
    """Meanwhile somebody new searches every second; how long until each outcome can be read."""
    waits: list[float] = []
    over = threading.Event()

    def visit() -> None:
        while not waits or not over.wait(1):
            waits.append(one_more(database, f"live-{len(waits)}", 60))

    thread = threading.Thread(target=visit)
    thread.start()
    try:
        yield waits
    finally:
        over.set()
        thread.join()


def one_more(database: Database, name: str, patience: float) -> float:
    """Record one search of a new visitor and wait for its outcome, which somebody else computes; gives the seconds."""
    at = milliseconds(datetime.now(UTC))
    event = {
        "type": "search", "event_id": name, "t_recv": at, "visitor": name, "tab": name, "search_id": name, "q": "something new",
        "mode": "submit", "n_results": 0,
    }  # fmt: skip
    began = time.perf_counter()
    with database.session() as db:
        record(db, parse_event(event))
    while time.perf_counter() - began < patience:
        with database.session() as db:
            if db.execute(text("SELECT 1 FROM need_search WHERE search_id = :id"), {"id": name}).first():
                break
        time.sleep(0.02)
    return time.perf_counter() - began


def group(database: Database, now: datetime) -> None:
    """What the worker does until nothing is left."""
    left = 1
    while left:
        with database.session() as db:
            left = assign_due(db, now)
        with database.session() as db:
            left += tell_contacts(db, now)
    with database.session() as db:
        name_clusters(db, now, 3)
        name_subjects(db, now, 3)


def audits(database: Database, now: datetime, searches: list[str], seed: int) -> None:
    """The audit of random searches."""
    took = []
    for search in random.Random(seed).sample(searches, min(500, len(searches))):
        with database.session() as db:
            start = time.perf_counter()
            audit(db, now, search_id=search)
            took.append(1000 * (time.perf_counter() - start))
    took.sort()
    parts = took[len(took) // 2], took[int(len(took) * 0.95)], took[-1]
    print(f"{'audit of one search: median, 95 %, slowest':52} " + ", ".join(f"{ms:.1f}" for ms in parts) + " ms")


def reports(database: Database, environment: dict[str, str]) -> None:
    """The whole answer of each address, in a process that has answered one of them before."""
    now = datetime.now(UTC)
    with database.durable_session() as db:
        user = add_user(db, "manager@example.com", Role.MANAGER, "", "tiger lamp Oslo", now)
        secret = open_session(db, user, "127.0.0.1", "benchmark", now + timedelta(seconds=1))
    with served(PORTAL, environment) as (port, pid):
        for i, address in enumerate(ADDRESSES):
            if i == 1:
                settle(pid)
            cpu, began = cpu_seconds(pid), time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", address, headers={"Cookie": f"hylla_session={secret}"})
            response = connection.getresponse()
            size = len(response.read())
            wall = time.perf_counter() - began
            assert response.status == 200, f"{response.status} {address}"
            print(f"GET {address:48} {wall:8.2f} s wall {cpu_seconds(pid) - cpu:8.2f} s CPU  {size // 1000:5d} kB")
        print(f"{'memory of the web process then':52} {memory_mb(pid):8.0f} MB")


def settle(pid: int) -> None:
    """Wait until a process has done what its first page set going: the search index is prepared in a thread."""
    spent, before = cpu_seconds(pid), -1.0
    while spent > before:
        time.sleep(1)
        spent, before = cpu_seconds(pid), spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--postgres", action="store_true", help="in a PostgreSQL cluster made for this")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bias", action="store_true")
    parser.add_argument("--looks", action="store_true")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--needs", type=int, default=2000)
    given = parser.parse_args()
    if given.bias:
        bias(given.seeds, given.needs)
        coverage(given.seeds, given.needs)
    if given.looks:
        looks(given.seeds)
    if given.bias or given.looks:
        return
    with tempfile.TemporaryDirectory() as folder:
        if given.postgres:
            with running_cluster(fsync="on") as cluster:
                speed(cluster.url, Path(folder), given.events, given.seed)
        else:
            speed(f"sqlite:///{folder}/events.sqlite3", Path(folder), given.events, given.seed)


if __name__ == "__main__":
    main()
