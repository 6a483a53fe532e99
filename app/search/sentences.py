"""Where sentences begin, in any script, well enough to quote whole ones."""

from __future__ import annotations

import re

_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*[ \t\u00a0]+(?=[^\W\d_a-zа-я]|[\"“‘(\[\d])|[。！？]+|\n+")
_ABBREVIATIONS = frozenset(
    {"e.g.", "i.e.", "etc.", "mr.", "mrs.", "ms.", "dr.", "no.", "nr.", "st.", "vs.", "approx.", "incl."}
    | {"t.ex.", "bl.a.", "d.v.s.", "s.k.", "ca.", "z.b.", "d.h.", "bzw.", "usw.", "т.е.", "т.д.", "т.п.", "др.", "руб."}
)


def sentence_starts(text: str) -> list[int]:
    """The offsets at which sentences begin; the first is 0. A new line always begins one (list items, paragraphs)."""
    starts = [0]
    for match in _END.finditer(text):
        if match.end() >= len(text):
            break
        before = text[max(0, match.start() - 10) : match.start()].split()
        if before and before[-1].lower() in _ABBREVIATIONS:
            continue
        starts.append(match.end())
    return starts
