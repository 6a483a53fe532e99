"""Advice about one article's Markdown: what will not look as meant, and what readers trip over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from app.content.articles import Problem
from app.content.snippets import fence_after

MOST = 20
"""How much advice about one file is given at a time."""

_HEADING = re.compile(r"^(#{1,6})\s+\S")
_ITEM = re.compile(r"^(?P<indent> *)(?:[-*+]|\d{1,3}[.)])(?P<gap> +)\S")
_LINK = re.compile(r"(?<!!)\[([^\]\[]{1,80})\]\(")
_EMPTY_ALT = re.compile(r"!\[\s*\]\(")
_VAGUE = frozenset(
    {"here", "click here", "this", "link", "this link", "read more", "more", "this page", "this article"}
    | {"här", "klicka här", "тут", "здесь", "по ссылке", "כאן", "לחצו כאן"}
)
_HEAVY = {
    "utilise": "use",
    "utilize": "use",
    "commence": "start",
    "terminate": "end",
    "in order to": "to",
    "prior to": "before",
    "subsequent to": "after",
    "in the event that": "if",
    "at this point in time": "now",
    "facilitate": "help",
    "endeavour": "try",
    "endeavor": "try",
    "ascertain": "find out",
    "e.g.": "for example",
    "i.e.": "that is",
    "etc.": "and so on, or name them all",
}
_HEAVY_WORD = re.compile(r"(?<![\w./-])(" + "|".join(re.escape(w) for w in _HEAVY) + r")(?![\w-])", re.I)


def advice(path: str, markdown: str, first_line: int, locale: str) -> list[Problem]:
    """Warnings about an article's Markdown, each with its line; the first of them only."""
    return first_of(path, ((first_line + offset, message) for offset, message in _found(markdown, locale)))


def first_of(path: str, found: Iterator[tuple[int, str]] | list[tuple[int, str]]) -> list[Problem]:
    """The first warnings of one kind about a file, by line, and word that there are more: a file of nine thousand mistakes is read by nobody."""
    problems = [Problem(path, line, "warning", message) for line, message in islice(found, MOST + 1)]
    if len(problems) > MOST:
        problems[MOST:] = [
            Problem(path, problems[MOST].line, "warning", "there is more like this further down; mend the lines above first")
        ]
    return problems


def _found(markdown: str, locale: str) -> Iterator[tuple[int, str]]:
    level, fence, in_list = 1, "", False
    for offset, line in enumerate(markdown.split("\n")):
        before, fence = fence, fence_after(line, fence)
        if fence or before:
            continue
        heading = _HEADING.match(line)
        if heading:
            yield from ((offset, m) for m in _heading_advice(len(heading[1]), level))
            level = max(len(heading[1]), 2)
        in_list, message = _nesting(line, in_list)
        if message:
            yield offset, message
        for match in _LINK.finditer(line):
            if match[1].strip(" .*_").casefold() in _VAGUE:
                yield offset, f"the link text “{match[1]}” says nothing about where it leads; use the words of its target"
        if _EMPTY_ALT.search(line):
            yield offset, "this picture has no description; write what is seen on it between the brackets, for those who cannot see it"
        if locale.startswith("en"):
            for match in _HEAVY_WORD.finditer(line):
                yield offset, f"“{match[1]}” is a heavy word; write “{_HEAVY[match[1].lower()]}”"


def _heading_advice(depth: int, level: int) -> Iterator[str]:
    if depth == 1:
        yield "a heading starts at “##”: the title is the only first heading of the page"
    elif depth > level + 1:
        yield f"this heading jumps from level {level} to {depth}; use “{'#' * (level + 1)}”"


def _nesting(line: str, in_list: bool) -> tuple[bool, str]:
    """Whether a list is open after this line, and the advice about its indentation."""
    if not line.strip():
        return in_list, ""
    item = _ITEM.match(line)
    if item and in_list and len(item["indent"]) in {2, 3}:
        return True, f"this item is indented by {len(item['indent'])} spaces and will not nest; indent by 4"
    if item:
        return True, ""
    return in_list and line.startswith(" "), ""
