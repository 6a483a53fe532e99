"""kill -9 of the web while requests are written, and of publish while articles are searched, on a portal of real processes.

    python -m benchmarks.crashes [--kills 100] [--publishes 40]

The tests do the same with small numbers (tests/operation/test_crashes.py); what is checked is theirs.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path

from app.db import open_database
from tests.cli.operators_desk import Desk
from tests.operation.running_portal import RunningPortal
from tests.operation.test_crashes import Searcher, kill_publishes, kill_while_customers_write
from tests.tickets.test_crash import check


def requests(kills: int) -> None:
    """Supervisor, server and worker killed in turn while four customers write."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, RunningPortal(Desk(Path(folder))).start() as portal:
        portal.ready_within(60)
        acknowledged, took = kill_while_customers_write(portal, kills, random.Random(17).random)
        portal.stop()
        database = open_database(portal.environment["HYLLA_DATABASE_URL"])
        check(database, acknowledged)
        database.close()
    print(f"{kills} kills of the web, {len(acknowledged)} acknowledged requests: 0 lost, 0 doubled ({time.monotonic() - began:.0f} s)")
    for name, times in (("portal started anew", took[0::3]), ("server", took[1::3]), ("one of two workers", took[2::3])):
        if times:
            print(f"  ready again after the kill of: {name:22} median {statistics.median(times):.2f} s, longest {max(times):.2f} s")


def publishes(kills: int) -> None:
    """Publish killed at random moments while somebody searches."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, RunningPortal(Desk(Path(folder))).start() as portal:
        portal.ready_within(60)
        searcher = Searcher(portal)
        searcher.start()
        cut = kill_publishes(portal, kills, 10, random.Random(19))
        wrong = searcher.finished()
        assert not wrong, wrong[:3]
    print(
        f"{kills} publishes, {cut} killed in the middle, {searcher.count} searches meanwhile, all with results ({time.monotonic() - began:.0f} s)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--publishes", type=int, default=40)
    options = parser.parse_args()
    requests(options.kills)
    publishes(options.publishes)


if __name__ == "__main__":
    main()
