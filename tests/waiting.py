"""Waiting for a condition with a deadline, instead of sleeping and hoping."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], seconds: float = 60, what: str = "") -> T:
    """The first true answer of `condition`; fails the test when there is none in time."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"{what or condition} did not come true within {seconds} s"
        pause.wait(0.02)
    return answer
