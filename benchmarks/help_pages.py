"""Help pages that Debian packages bring along, as articles with queries: GNOME's in Mallard, and LibreOffice's with the entries of its index."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

from app.content import Audience
from app.search import SearchDocument

_MALLARD = "{http://projectmallard.org/1.0/}"
_BLOCKS = {_MALLARD + n for n in ("p", "screen", "code", "td", "title", "cmd")}
DESCRIBED_WORDS = 10


@dataclass(frozen=True)
class Case:
    """One query and the articles that answer it."""

    query: str
    expected: frozenset[str]
    locale: str
    kept_apart: bool
    may_slip: bool = False
    """Written with slips on purpose, perhaps: not counted for false alarms."""


Pages = tuple[list[SearchDocument], list[Case]]


def is_kept_apart(name: str) -> bool:
    """Every other case, by a hash that does not change."""
    return bool(zlib.crc32(name.encode()) & 1)


def mallard(folders: list[Path], locale: str) -> Pages:
    """The topics in these folders, each folder the help of one program, and a query for each that has a description: its first ten words."""
    documents: list[SearchDocument] = []
    cases: list[Case] = []
    for folder in folders:
        for path in sorted(folder.glob("*.page")):
            page = _parsed(path)
            title = page.find(_MALLARD + "title") if page is not None else None
            if page is None or title is None or page.get("type") == "guide":
                continue
            name = path.stem if len(folders) == 1 else f"{folder.name}/{path.stem}"
            documents.append(_document(name, locale, _text(title), _sections(page)))
            described = page.find(f"{_MALLARD}info/{_MALLARD}desc")
            words = _text(described).split() if described is not None else []
            if words:
                cases.append(Case(" ".join(words[:DESCRIBED_WORDS]), frozenset({name}), locale, is_kept_apart(name)))
    return documents, cases


def _parsed(path: Path) -> ElementTree.Element | None:
    try:
        return ElementTree.parse(path).getroot()
    except ElementTree.ParseError:  # entities that only the program's build knows
        return None


def _document(name: str, locale: str, title: str, sections: list[tuple[str, str, str]]) -> SearchDocument:
    return SearchDocument(f"{locale}/{name}", name, locale, "help", name, Audience.PUBLIC, title, "", (), tuple(sections), name)


def _sections(page: ElementTree.Element) -> list[tuple[str, str, str]]:
    sections = [("", "", _paragraphs(page))]
    for number, section in enumerate(page.iter(_MALLARD + "section")):
        heading = section.find(_MALLARD + "title")
        sections.append((f"s{number}", _text(heading) if heading is not None else "", _paragraphs(section)))
    return sections


def _text(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _paragraphs(element: ElementTree.Element) -> str:
    """The text of an element without its title, its description and the sections in it."""
    lines: list[str] = []
    for child in element:
        if child.tag in (_MALLARD + "section", _MALLARD + "info", _MALLARD + "title"):
            continue
        lines.append(_text(child) if child.tag in _BLOCKS else _paragraphs(child))
    return "\n".join(line for line in lines if line)


_BOOKMARK = re.compile(r'\{url:("(?:[^"\\]|\\.)*"), app:"[A-Z]*", text:("(?:[^"\\]|\\.)*")\}')


def libreoffice(folder: Path, locale: str, part: str = "swriter") -> Pages:
    """One part of the LibreOffice help, and the entries of its index as short queries: several pages may answer one."""
    documents = []
    for path in sorted((folder / "text" / part).rglob("*.html")):
        reader = _HelpPage()
        reader.feed(path.read_text(encoding="utf-8", errors="replace"))
        name = path.relative_to(folder / "text").with_suffix("").as_posix()
        if reader.title and any(text for _, _, text in reader.sections()):
            documents.append(_document(name, locale, reader.title, reader.sections()))
    names = {d.article_id for d in documents}
    answers: dict[str, set[str]] = {}
    for text, name in _index_entries(folder / "bookmarks.js"):
        if name in names:
            answers.setdefault(text, set()).add(name)
    return documents, [Case(text, frozenset(found), locale, is_kept_apart(text)) for text, found in sorted(answers.items())]


def _index_entries(path: Path) -> Iterator[tuple[str, str]]:
    """(entry, page) of the index; an entry under another is read as one: `tables, deleting`."""
    for url, text in _BOOKMARK.findall(path.read_text(encoding="utf-8")):
        address = json.loads(url).partition("?")[0]
        yield " ".join(json.loads(text).replace(" -- ", " ").split()), address.partition("/text/")[2].removesuffix(".html")


class _HelpPage(HTMLParser):
    """A page's title, headings and paragraphs; the index entries in it are not text."""

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self._inside = ""
        self._lines: list[tuple[str, str]] = []
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("h1", "h2", "h3", "h4", "p"):
            self._inside, self._words = tag, []

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            text = " ".join("".join(self._words).split())
            if tag == "h1" and not self.title:
                self.title = text
            elif self.title and text:
                self._lines.append((tag, text))
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self._words.append(data)

    def sections(self) -> list[tuple[str, str, str]]:
        out: list[tuple[str, str, str]] = [("", "", "")]
        for tag, text in self._lines:
            anchor, heading, body = out[-1]
            if tag == "p":
                out[-1] = (anchor, heading, f"{body}\n{text}".strip())
            else:
                out.append((f"s{len(out)}", text, ""))
        return out
