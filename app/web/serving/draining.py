"""A server that was told to end says so first: a file that its workers see, so that nobody new is sent to it."""

from __future__ import annotations

import os
from pathlib import Path


def draining_file(data_folder: Path, server_pid: int) -> Path:
    """The file by which the supervisor tells the workers of one server that it is about to end."""
    return data_folder / f"draining-{server_pid}"


def is_draining(data_folder: Path) -> bool:
    """Whether the server that this worker belongs to was told to end; it still answers, but nobody new should be sent here."""
    return draining_file(data_folder, os.getppid()).exists() or draining_file(data_folder, os.getpid()).exists()
