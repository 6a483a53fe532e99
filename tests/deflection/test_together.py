"""Several writers and workers at once: nobody waits in a circle, nothing is lost, nothing is counted twice."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime

from sqlalchemy import text

from app.db import Database
from app.deflection import recompute_due, record, verify_sample
from tests.deflection.story import Story, parsed

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def test_writers_with_the_same_events_and_two_workers_agree_in_the_end(either: Database) -> None:
    stories = [
        Story(visitor=f"v{i % 5}", tab=f"t{i}", prefix=str(i)).search(i, f"s{i}").view(i + 1, f"w{i}", f"s{i}", read=3) for i in range(30)
    ]
    events = parsed(*stories)
    failed: list[BaseException] = []

    def attempt(work) -> None:
        try:
            work()
        except BaseException as error:  # a thread's failure would be silent otherwise
            failed.append(error)

    def write(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(8):
            with either.session() as db:
                record(db, *chance.sample(events, 40))
        with either.session() as db:
            record(db, *chance.sample(events, len(events)))

    def judge() -> None:
        for _ in range(8):
            recompute_due(either, NOW, batch=2)

    works = [lambda seed=seed: write(seed) for seed in range(3)] + [judge, judge]
    threads = [threading.Thread(target=attempt, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    recompute_due(either, NOW)
    assert verify_sample(either, NOW, share=1.0) == []
    with either.session() as db:
        assert db.execute(text("SELECT count(*) FROM event")).scalar_one() == len(events)
        assert db.execute(text("SELECT sum(n) FROM rollup_day")).scalar_one() == db.execute(text("SELECT count(*) FROM need")).scalar_one()
