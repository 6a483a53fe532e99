"""How fast events are imported and judged, and how far each definition of deflection is from a known truth.

    python -m benchmarks.outcomes --events 200000                # SQLite in a temporary folder
    python -m benchmarks.outcomes --events 200000 --database postgresql+psycopg://…   # an empty database
    python -m benchmarks.outcomes --bias --seeds 10              # definitions against the truth of a simulator

The stream comes from `app.deflection.simulate`: the same seed gives the same events. Its rates of behaviour are assumptions.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean

from sqlalchemy import text

from app.db import Base, Database, open_database
from app.deflection import audit, export_outcomes, import_events, recompute_due, record, verify_sample
from app.deflection.events import parse_event
from app.deflection.outcomes import DEFLECTED, judge
from app.deflection.rulebook import Rulebook
from app.deflection.simulate import Simulated, stream, subjects

START = 1_760_000_000_000
EVENTS_PER_NEED = 6.1


def write_stream(path: Path, events: int, seed: int) -> tuple[int, list[str]]:
    """A file of about `events` events over 90 days, made in slices so that the benchmark itself needs little memory."""
    topics, written, searches = subjects(200, seed), 0, []
    with path.open("w", encoding="utf-8") as file:
        part = 0
        while written < events:
            needs = min(10_000, max(50, round((events - written) / EVENTS_PER_NEED)))
            simulated = stream(seed * 1000 + part, topics, needs, START, 90)
            for event in simulated.events:
                file.write(json.dumps(event, ensure_ascii=False) + "\n")
            written += len(simulated.events)
            searches += [truth.search_id for truth in simulated.truth[::50]]
            part += 1
    return written, searches


class Clock:
    """Times steps by the wall and by this process's own CPU, which says what a busy machine hides."""

    def __init__(self) -> None:
        self.total = 0.0

    def step(self, name: str, action, per: int = 0):  # type: ignore[no-untyped-def]
        wall, cpu = time.perf_counter(), time.process_time()
        result = action()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        rate = f"  {per / wall:9.0f}/s" if per else ""
        print(f"{name:44} {wall:8.1f} s wall {cpu:8.1f} s CPU{rate}", flush=True)
        self.total += wall
        return result


def speed(database: Database, folder: Path, events: int, seed: int) -> None:
    """Import, judge, verify, export and audit one stream."""
    path, clock = folder / "events.jsonl", Clock()
    count, searches = clock.step("simulate", lambda: write_stream(path, events, seed))
    clock.total = 0.0
    with path.open("rb") as lines:
        clock.step(f"import {count} events", lambda: import_events(database, lines), count)
    now = datetime.now(UTC)
    clock.step("judge every person", lambda: recompute_due(database, now, batch=400), count)
    print(f"{'import and judge, scaled to 1M events':44} {clock.total * 1e6 / count:8.0f} s")
    differences = clock.step("check a hundredth again", lambda: verify_sample(database, now))
    exported = clock.step("export", lambda: sum(1 for _ in export_outcomes(database)))
    print(f"{'searches exported, differences found':44} {exported:8d} {len(differences)}")
    audits(database, now, searches, seed)
    fresh(database, now, seed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'largest memory of this process':44} {peak:8.0f} MB")


def audits(database: Database, now: datetime, searches: list[str], seed: int) -> None:
    """The audit of random searches."""
    took = []
    for search in random.Random(seed).sample(searches, min(200, len(searches))):
        with database.session() as db:
            start = time.perf_counter()
            audit(db, now, search_id=search)
            took.append(1000 * (time.perf_counter() - start))
    took.sort()
    print(
        f"{'audit of one search: median, 95 %, slowest':44} {took[len(took) // 2]:8.1f} {took[int(len(took) * 0.95)]:8.1f} {took[-1]:8.1f} ms"
    )


def fresh(database: Database, now: datetime, seed: int) -> None:
    """One more search of one visitor: from the event to its outcome."""
    event = {
        "type": "search", "event_id": f"fresh-{seed}-{now.timestamp()}", "t_recv": START, "visitor": f"v{seed}-1", "tab": "fresh",
        "search_id": f"fresh-{now.timestamp()}", "q": "something new", "mode": "submit", "n_results": 0,
    }  # fmt: skip
    start = time.perf_counter()
    with database.session() as db:
        record(db, parse_event(event))
    recompute_due(database, now)
    with database.session() as db:
        found = db.execute(text("SELECT outcome FROM need_search WHERE search_id = :id"), {"id": event["search_id"]}).scalar()
    print(f"{'a new event until its outcome is stored':44} {1000 * (time.perf_counter() - start):8.1f} ms ({found})")


def definitions(simulated: Simulated) -> Iterator[tuple[str, float]]:
    """What different definitions say of one stream, as shares of needs."""
    judgement = judge(map(parse_event, simulated.events), Rulebook())
    needs = [v for v in judgement.verdicts if v.need.searches and v.outcome != "excluded"]
    total = len(needs)
    yield "truth: answered", simulated.answered_share
    yield "truth: tickets avoided", simulated.avoided / len(simulated.truth)
    yield "ours: confirmed (floor)", sum(v.rule == "R2" and not v.post_ticket for v in needs) / total
    yield "ours: confirmed + likely", sum(v.outcome in DEFLECTED and not v.post_ticket for v in needs) / total
    yield "ours: upper end (with undetermined)", sum(v.outcome in (*DEFLECTED, "undetermined") for v in needs) / total
    yield "ours: escalated", sum(v.outcome == "escalated" for v in needs) / total
    yield "naive: no linked ticket", sum(not v.links for v in needs) / total
    yield "naive: a click and no ticket", sum(bool(v.need.views) and not v.links for v in needs) / total
    forms = [form for v in needs for form in v.need.forms]
    yield "naive: contact form left, of forms opened", sum(not form.sent for form in forms) / max(1, len(forms))
    opened = {e["search_id"] for e in simulated.events if e["type"] == "click"}
    typed = [e for e in simulated.events if e["type"] == "search"]
    yield "naive: search events with a click", sum(e["search_id"] in opened for e in typed) / len(typed)


def bias(seeds: int, needs: int) -> None:
    """The definitions over several seeds, and how far each is from what it claims to measure."""
    found: dict[str, list[float]] = {}
    for seed in range(1, seeds + 1):
        for name, value in definitions(stream(seed, subjects(60, seed), needs, START, 60)):
            found.setdefault(name, []).append(value)
    answered, avoided = mean(found["truth: answered"]), mean(found["truth: tickets avoided"])
    print(f"{seeds} streams of {needs} needs; what each definition reports, and its ratio to the truth")
    print(f"{'definition':44} {'share':>8} {'÷ answered':>12} {'÷ avoided':>12}")
    for name, values in found.items():
        print(f"{name:44} {mean(values):8.3f} {mean(values) / answered:12.2f} {mean(values) / avoided:12.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--database", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bias", action="store_true")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--needs", type=int, default=2000)
    given = parser.parse_args()
    if given.bias:
        bias(given.seeds, given.needs)
        return
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(given.database or f"sqlite:///{folder}/events.sqlite3")
        Base.metadata.create_all(database.engine)
        speed(database, Path(folder), given.events, given.seed)
        database.close()


if __name__ == "__main__":
    main()
