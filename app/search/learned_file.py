"""Learned phrases as a file beside the index: every process of a node reads the same ones, and a digest says when they changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from app.search.engine import LearnedPhrase

NAME = "learned.json"


def write_learned(index_folder: Path, phrases: Iterable[LearnedPhrase]) -> str:
    """Replace the file by one rename; returns the digest of what it holds."""
    rows = [asdict(phrase) for phrase in sorted(phrases, key=lambda p: (p.locale, p.article_id, p.phrase))]
    text = json.dumps(rows, ensure_ascii=False, indent=1)
    index_folder.mkdir(parents=True, exist_ok=True)
    draft = index_folder / f"{NAME}.{os.getpid()}"
    draft.write_text(text, encoding="utf-8")
    draft.replace(index_folder / NAME)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_learned(index_folder: Path) -> tuple[LearnedPhrase, ...]:
    """The phrases in force; none when the file is absent or damaged (the worker writes it anew)."""
    try:
        return tuple(LearnedPhrase(**row) for row in json.loads((index_folder / NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return ()
