"""Pieces of text that many articles include: `--8<-- "name.md"` alone on a line."""

from __future__ import annotations

import re
from collections.abc import Callable

_INCLUDE = re.compile(r'^(?P<indent>[ \t]*)--8<--[ \t]+"(?P<name>[^"\n]{1,200})"[ \t]*$')
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\.md")
MAX_INCLUDES = 50


def candidates(name: str, folder: str, locale: str) -> tuple[str, ...]:
    """Where a snippet is looked for, best first; nothing for a name that is more than a file name."""
    if not _NAME.fullmatch(name):
        return ()
    top = f"{folder}/" if folder else ""
    return (f"{top}{locale}/_snippets/{name}", f"{top}_snippets/{name}")


def expanded(markdown: str, find: Callable[[str], str | None], first_line: int = 1) -> tuple[str, list[tuple[int, str]]]:
    """The Markdown with its snippets put in, and (line, name) of those that are missing.

    A snippet is not searched for further snippets, so it cannot include itself. Code blocks are left as they are.
    """
    if "--8<--" not in markdown:
        return markdown, []
    out: list[str] = []
    missing: list[tuple[int, str]] = []
    fence, used = "", 0
    for number, line in enumerate(markdown.split("\n"), start=first_line):
        fence = fence_after(line, fence)
        include = None if fence else _INCLUDE.match(line)
        if not include:
            out.append(line)
            continue
        used += 1
        text = find(include["name"]) if used <= MAX_INCLUDES else None
        if text is None:
            missing.append((number, include["name"]))
        else:
            out.extend(f"{include['indent']}{part}" if part else "" for part in text.strip("\n").split("\n"))
    return "\n".join(out), missing


def named(markdown: str) -> list[str]:
    """The names of the snippets that an article asks for."""
    names: list[str] = []
    expanded(markdown, lambda name: names.append(name))
    return list(dict.fromkeys(names))


def fence_after(line: str, fence: str) -> str:
    """The fence that is open after this line."""
    match = _FENCE.match(line)
    if not match:
        return fence
    if not fence:
        return match[1]
    return "" if match[1].startswith(fence[0]) and len(match[1]) >= len(fence) and not line.strip().strip(fence[0]) else fence
