"""The text of a query: cleaning what people type."""

from __future__ import annotations

import unicodedata

MAX_CHARACTERS = 200


def clean(text: str) -> tuple[str, bool]:
    """The query in NFC without control and direction characters, white space folded, cut at 200; and whether it was cut."""
    was_long = len(text) > MAX_CHARACTERS
    text = unicodedata.normalize("NFC", text[: MAX_CHARACTERS * 5])
    text = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp", "Zs"} else c for c in text if unicodedata.category(c) not in {"Cf", "Cs", "Cn", "Co"})
    text = " ".join(text.split())
    return text[:MAX_CHARACTERS].strip(), was_long
