"""The plain text of rendered HTML by section, with its headings, links and pictures: for search, checks and the table of contents."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from app.content.articles import Heading, Section

_BLOCKS = frozenset(
    {"p", "div", "section", "li", "ul", "ol", "dl", "dt", "dd", "table", "tr", "caption", "pre", "blockquote", "figure", "figcaption"}
    | {"details", "summary", "h2", "h3", "h4", "h5", "h6", "hr", "br"}
)
_SECTIONS = {"h2": 2, "h3": 3, "h4": 4}
_SPACE = re.compile(r"\s+")
_CELL, _ROW_END = "\x1f", "\x1e"
_ENDINGS = (".", "!", "?", ":", ";", "…", "。", "！", "？", "؟")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass
class Outline:
    """What was found in an article's HTML."""

    sections: list[Section] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    """Targets of links as the writer wrote them, without the anchors of headings."""
    images: list[str] = field(default_factory=list)

    @property
    def words(self) -> int:
        text = " ".join(s.text for s in self.sections)
        return len(text.split()) + len(_CJK.findall(text)) // 2


def outline(html: str) -> Outline:
    """Read sanitised HTML."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    parser.end_section()
    return parser.found


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = Outline()
        self.anchor, self.title, self.level = "", "", 0
        self.parts: list[str] = []
        self.heading: list[str] | None = None
        self.skipping = ""
        self.in_pre = False
        self.in_row = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {k: v or "" for k, v in attrs}
        if tag == "a":
            if "anchor" in given.get("class", "").split() or "footnote-backref" in given.get("class", "").split():
                self.skipping = "a"
            elif given.get("href"):
                self.found.links.append(given["href"])
        elif tag == "img":
            self.found.images.append(given.get("src", ""))
            self.parts.append(" " + given.get("alt", "") + " ")
        elif tag in _SECTIONS and given.get("id", "").startswith("s-"):
            self.end_section()
            self.anchor, self.level, self.heading = given["id"], _SECTIONS[tag], []
        elif tag == "sup" and given.get("id", "").startswith("fnref"):
            self.skipping = "sup"
        self.in_pre = self.in_pre or tag == "pre"
        if tag in {"td", "th"}:
            self.parts.append(_CELL)
        elif tag in _BLOCKS:
            self.parts.append(" " if self.in_row else "\n")
        self.in_row = self.in_row or tag == "tr"

    def handle_endtag(self, tag: str) -> None:
        if tag == self.skipping:
            self.skipping = ""
        if tag == "pre":
            self.in_pre = False
        if tag in _SECTIONS and self.heading is not None:
            self.title = " ".join("".join(self.heading).split())
            self.heading = None
            self.found.headings.append(Heading(self.anchor, self.title, self.level))
        elif tag == "tr":
            self.in_row = False
            self.parts.append(_ROW_END + "\n")
        elif tag in _BLOCKS:
            self.parts.append(" " if self.in_row else "\n")

    def handle_data(self, data: str) -> None:
        if self.skipping:
            return
        if not self.in_pre:
            data = _SPACE.sub(" ", data)  # line breaks between tags mean nothing, those of code do
        (self.parts if self.heading is None else self.heading).append(data)

    def end_section(self) -> None:
        lines = (_row(line) if _ROW_END in line else " ".join(line.split()) for line in "".join(self.parts).split("\n"))
        text = "\n".join(line for line in lines if line)
        if text or self.anchor:
            self.found.sections.append(Section(self.anchor, self.title, self.level, text))
        self.parts = []


def _row(line: str) -> str:
    """A row of a table as a sentence: what stands first names the row, what follows says it. Rows do not run into each other then."""
    cells = [text for cell in line.replace(_ROW_END, " ").split(_CELL) if (text := " ".join(cell.split()))]
    if not cells:
        return ""
    name, values = cells[0], "; ".join([*(cell.removesuffix(".") for cell in cells[1:-1]), *cells[1:][-1:]])
    sentence = f"{name}{' ' if name.endswith(_ENDINGS) else ': '}{values}" if values else name
    return sentence if sentence.endswith(_ENDINGS) else f"{sentence}."
