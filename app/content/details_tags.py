"""`<details>` written as a tag: what stands inside becomes Markdown too, as writers know it from other places.

Python-Markdown takes a block of HTML as it is, so the tags become the block `/// details` before it looks. Runs only inside a
rendering process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from markdown.preprocessors import Preprocessor

_OPEN = re.compile(r" {0,3}<details(?P<attributes>(?:\s[^<>]*)?)>(?P<rest>.*)", re.IGNORECASE)
_SUMMARY = re.compile(r"\s*<summary(?:\s[^<>]*)?>(?P<words>.*?)</summary>(?P<rest>.*)", re.IGNORECASE)
_CLOSE = re.compile(r"(?P<rest>.*)</details>\s*", re.IGNORECASE)
_DEEPEST = 8
"""Of two blocks in each other the outer one is fenced by more slashes, so there has to be a most."""


@dataclass
class _Tag:
    """An opening tag that waits for its closing one."""

    line: int
    opened: list[str]
    """What stands for it: the head of a block and what followed the tag on its line."""
    last: int
    """The last line that it takes, for its summary may stand below it."""


class DetailsTags(Preprocessor):
    """Turns each pair of tags at the beginning of a line into a block; a tag without its other half stays as it is."""

    def run(self, lines: list[str]) -> list[str]:
        result: dict[int, list[str]] = {}
        waiting: list[_Tag] = []
        number = 0
        while number < len(lines):
            opening = _OPEN.fullmatch(lines[number]) if "<" in lines[number] else None
            if opening:
                tag = self._opened(lines, number, opening, len(waiting))
                waiting.append(tag)
                closing = _CLOSE.fullmatch(tag.opened[-1])
                if closing:
                    tag.opened[-1] = closing["rest"]
                    self._close(waiting, result, tag.last, [])
                number = tag.last + 1
                continue
            closing = _CLOSE.fullmatch(lines[number]) if waiting and "</" in lines[number] else None
            if closing:
                self._close(waiting, result, number, [closing["rest"]])
            number += 1
        return self._put(lines, result)

    @staticmethod
    def _opened(lines: list[str], number: int, opening: re.Match[str], depth: int) -> _Tag:
        last, rest = number, opening["rest"]
        if not rest.strip() and number + 1 < len(lines) and _SUMMARY.fullmatch(lines[number + 1]):
            last, rest = number + 1, lines[number + 1]
        summary = _SUMMARY.fullmatch(rest)
        words, rest = (summary["words"].strip(), summary["rest"]) if summary else ("", rest)
        head = [f"{'/' * (3 + _DEEPEST - depth)} details{' | ' + words if words else ''}"]
        if re.search(r"\bopen\b", opening["attributes"], re.IGNORECASE):
            head.append("    open: True")
        return _Tag(number, ["", *head, "", rest], last)

    @staticmethod
    def _close(waiting: list[_Tag], result: dict[int, list[str]], number: int, before: list[str]) -> None:
        depth = len(waiting) - 1
        tag = waiting.pop()
        if depth >= _DEEPEST:
            return
        fence = ["", "/" * (3 + _DEEPEST - depth), ""]
        result[tag.line] = tag.opened
        for taken in range(tag.line + 1, tag.last + 1):
            result[taken] = []
        if number == tag.last:
            result[tag.line] = [*tag.opened, *fence]
        else:
            result[number] = [*before, *fence]

    @staticmethod
    def _put(lines: list[str], result: dict[int, list[str]]) -> list[str]:
        return [line for number, original in enumerate(lines) for line in result.get(number, [original])]
