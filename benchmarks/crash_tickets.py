"""100 (or as many as you say) kill -9 while requests are written: `python -m benchmarks.crash_tickets [KILLS]`."""

from __future__ import annotations

import random
import sys
import tempfile
import time

from app.db import Base, open_database
from tests.tickets.test_crash import check, kill_while_writing


def main(kills: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/crash.sqlite3"
        database = open_database(url)
        Base.metadata.create_all(database.engine)
        acknowledged: dict[str, int] = {}
        chance = random.Random(11)
        began = time.monotonic()
        for run in range(kills):
            acknowledged |= kill_while_writing(url, run, chance.randint(1, 40))
        check(database, acknowledged)
        database.close()
    print(f"{kills} kills, {len(acknowledged)} acknowledged requests, 0 lost, 0 doubled, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
