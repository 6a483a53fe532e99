"""Since when the content could not be brought up, and why: a note in the data folder that whoever follows it writes and every process reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

NAME = "content-is-stale.json"


@dataclass(frozen=True)
class Staleness:
    """What is served may be older than what there is."""

    since: datetime
    """When it was tried in vain for the first time."""
    reason: str
    """For operators and writers."""


def note_stale(data_folder: Path, reason: str, now: datetime) -> None:
    """Keep why the newest try was in vain, and since when they are."""
    before = staleness(data_folder)
    draft = data_folder / f"{NAME}.new"
    draft.write_text(json.dumps({"since": (before.since if before else now).isoformat(), "reason": reason}))
    draft.replace(data_folder / NAME)


def note_fresh(data_folder: Path) -> None:
    """It was brought up, or there was nothing newer."""
    (data_folder / NAME).unlink(missing_ok=True)


def staleness(data_folder: Path) -> Staleness | None:
    """None while all is well; also when the note cannot be read, because readers are served all the same."""
    try:
        found = json.loads((data_folder / NAME).read_text())
        return Staleness(datetime.fromisoformat(found["since"]), str(found["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
