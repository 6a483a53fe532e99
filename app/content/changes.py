"""What changed in an article between two revisions, word by word, in words a reader understands."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import groupby

from app.content.front_matter import read_article

Change = tuple[str, str]
"""(`same`, `added` or `removed`; the text)."""

_TOKEN = re.compile(r"\n+|[^\S\n]+|[^\s]+")
_MARKUP = (
    (re.compile(r"^(?:`{3,}|~{3,}).*$|^/{3}.*$|^\s*--8<--.*$", re.M), ""),
    (re.compile(r"!?\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"^#{1,6}\s+|^[!?]{3}\+?\s+\w+\s*|^\s*>\s?", re.M), ""),
    (re.compile(r"\{[:#][^}]*\}|<[^>\n]{1,200}>"), ""),
    (re.compile(r"\*\*|__|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)|`"), ""),
    (re.compile(r"\n{3,}"), "\n\n"),
)
_LONGEST = 200_000


def reader_text(data: bytes) -> str:
    """Title, summary and text of an article's file without its markup; an unreadable file is no text."""
    parsed = read_article("", data[:_LONGEST])
    text = parsed.markdown
    for pattern, by in _MARKUP:
        text = pattern.sub(by, text)
    return "\n\n".join(part for part in (parsed.fields.title, parsed.fields.summary, text.strip()) if part)


def what_changed(old: bytes | None, new: bytes | None) -> list[Change]:
    """The differences between two versions of an article's file (None: it was not there), in order; the parts joined give both texts."""
    before, after = reader_text(old or b""), reader_text(new or b"")
    found: list[Change] = []
    # Paragraphs first, words inside those that differ: comparing all words of a long text would take quadratic time.
    for kind, old_part, new_part in _compared(_paragraphs(before), _paragraphs(after)):
        if kind == "replace":
            found.extend(_words(old_part, new_part))
        elif kind == "equal":
            found.append(("same", old_part))
        else:
            found.append(("removed", old_part) if old_part else ("added", new_part))
    return [(kind, "".join(text for _, text in group)) for kind, group in groupby(found, key=lambda c: c[0])]


def _paragraphs(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n*", text)[:-1] if text else []


def _compared(old: list[str], new: list[str]) -> list[tuple[str, str, str]]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [(kind, "".join(old[a:b]), "".join(new[c:d])) for kind, a, b, c, d in matcher.get_opcodes()]


def _words(old: str, new: str) -> list[Change]:
    if len(old) + len(new) > 20_000:
        return [("removed", old), ("added", new)]
    found: list[Change] = []
    for kind, before, after in _compared(_TOKEN.findall(old), _TOKEN.findall(new)):
        if kind == "equal":
            found.append(("same", before))
        else:
            found.extend([("removed", before)] * bool(before) + [("added", after)] * bool(after))
    return found
