"""From the save of an article's file to the page that answers with the new text, on a portal of real processes over the demo's articles.

python -m benchmarks.saves [--saves 40]
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from tests.cli.operators_desk import PROJECT, Desk
from tests.operation.running_portal import RunningPortal

PAGE = "/en/articles/activate-your-card"
FILE = "articles/en/cards/activate-your-card.md"


def measure(saves: int) -> list[float]:
    """Seconds of each save; the pauses between them are of any length, so that no rhythm of ours is met or missed."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        shutil.rmtree(desk.content / "articles")
        shutil.copytree(PROJECT / "articles", desk.content / "articles")
        desk.commit("The demo's articles")
        with RunningPortal(desk, HYLLA_CONTENT_WORKTREE="1", HYLLA_LOCALES="en,sv,ru,he").start() as portal:
            portal.ready_within(120)
            text = (desk.content / FILE).read_text()
            _saved(portal, desk.content / FILE, text, "the worker has started")
            chance = random.Random(5)
            times = []
            for number in range(saves):
                time.sleep(0.5 + chance.random())
                times.append(_saved(portal, desk.content / FILE, text, f"saved for the {number}th time"))
            return times


def _saved(portal: RunningPortal, file: Path, text: str, words: str) -> float:
    file.write_text(f"{text}\n\nThis was {words}.\n")
    began = time.perf_counter()
    while words.encode() not in portal.get(PAGE).body:
        time.sleep(0.005)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--saves", type=int, default=40)
    times = sorted(measure(parser.parse_args().saves))
    print(f"{len(times)} saves: on the page after {statistics.median(times):.2f} s (median), {times[-1]:.2f} s (longest)")


if __name__ == "__main__":
    main()
