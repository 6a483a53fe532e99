"""How two searches are compared: as the same words, however they were written."""

from __future__ import annotations

import re
import unicodedata


def same_words(query: str) -> str:
    """A query as pinned answers and counts compare it: lower case, no punctuation, single spaces."""
    return " ".join(re.findall(r"[^\W_]+(?:['’][^\W_]+)*", unicodedata.normalize("NFC", query).lower().replace("’", "'")))
