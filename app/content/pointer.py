"""`CURRENT`: which revision is served, with which generation of the index; and the lock that keeps publishers apart."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from app.content.errors import PublishBusy

_NAME = "CURRENT"


@dataclass(frozen=True)
class Pointer:
    """What is being served."""

    revision: str
    generation: str
    """Name of the index's generation."""
    published_at: datetime
    learned: str = ""
    """Digest of the learned phrases that rank beside the index; a new one makes every process read them again."""


def read_pointer(index_folder: Path) -> Pointer | None:
    """What is served now; None before the first publish, or when the file is damaged (the next publish writes it anew)."""
    try:
        data = json.loads((index_folder / _NAME).read_text("utf-8"))
        return Pointer(
            str(data["revision"]), str(data["generation"]), datetime.fromisoformat(data["published_at"]), str(data.get("learned", ""))
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_pointer(index_folder: Path, pointer: Pointer) -> None:
    """Swap: from here on this revision is served. One rename, so that a reader sees either the old or the new."""
    index_folder.mkdir(parents=True, exist_ok=True)
    draft = index_folder / f"{_NAME}.{os.getpid()}"
    text = json.dumps({**asdict(pointer), "published_at": pointer.published_at.isoformat()}, indent=1)
    with draft.open("w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(index_folder / _NAME)
    for leftover in index_folder.glob(f"{_NAME}.*"):
        leftover.unlink(missing_ok=True)  # of a publisher that was killed; we hold the publishing lock


@contextmanager
def publishing_lock(data_folder: Path, wait: float = 60.0) -> Iterator[None]:
    """Hold while publishing: one publisher at a time on this machine. The kernel gives it back when a publisher dies."""
    data_folder.mkdir(parents=True, exist_ok=True)
    with (data_folder / "publish.lock").open("w") as file:
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() >= deadline:
                    raise PublishBusy("Another publish is still running; try again when it has finished.") from None
                time.sleep(0.02)
        yield
