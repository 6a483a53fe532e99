"""Every benchmark, one after the other: `python -m benchmarks [--quick] [NAME …]`. It prints tables and writes nothing.

Each is a program of its own (`python -m benchmarks.search --help`) and runs in a process of its own here, so that none measures what
another left in memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from datetime import UTC, datetime

FULL: dict[str, list[str]] = {
    "search": [],
    "relevance": [],
    "publish": [],
    "saves": [],
    "web": [],
    "outcomes": ["--events", "1000000"],
    "outcomes on PostgreSQL": ["--events", "1000000", "--postgres"],
    "bias": ["--bias"],
    "looks": ["--looks"],
    "crash_tickets": [],
    "crashes": [],
}
QUICK: dict[str, list[str]] = {
    "search": ["--articles", "2000", "--queries", "100"],
    "relevance": [],
    "publish": ["--articles", "300", "--large", "1000"],
    "saves": ["--saves", "5"],
    "web": ["--articles", "200", "--large", "0", "--requests", "300"],
    "outcomes": ["--events", "10000"],
    "outcomes on PostgreSQL": ["--events", "10000", "--postgres"],
    "bias": ["--bias", "--seeds", "2", "--needs", "500"],
    "looks": ["--looks", "--seeds", "2"],
    "crash_tickets": ["10"],
    "crashes": ["--kills", "6", "--publishes", "4"],
}
MODULES = {"bias": "outcomes", "looks": "outcomes", "outcomes on PostgreSQL": "outcomes"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"which of: {', '.join(FULL)} (all, if none is named)")
    parser.add_argument("--quick", action="store_true", help="small numbers: whether they run, not what they measure")
    options = parser.parse_args()
    if unknown := set(options.names) - set(FULL):
        parser.error(f"there is no benchmark called {', '.join(sorted(unknown))}")
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} processors, Python {sys.version.split()[0]}")
    failed = []
    for name in options.names or FULL:
        arguments = (QUICK if options.quick else FULL)[name]
        command = [sys.executable, "-m", f"benchmarks.{MODULES.get(name, name)}", *arguments]
        print(f"\n== {name}: {' '.join(command[1:])} (load {os.getloadavg()[0]:.1f})", flush=True)
        began = time.monotonic()
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
        print(f"-- {name}: {time.monotonic() - began:.0f} s", flush=True)
    if failed:
        print(f"\nFailed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
