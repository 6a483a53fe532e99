"""How well search finds: the demo's own search tests, and Debian's GNOME help in English and German, with what each part of the ranking adds.

    python -m benchmarks.relevance [--gnome FOLDER] [--ablation]

FOLDER is an unpacked `gnome-user-docs` package (default: /, that is, the installed package). A query is the first ten words of a page's
`<desc>`, which is not indexed; the page is what must be found. Pages whose name hashes to an odd number are kept apart from tuning.
"""

from __future__ import annotations

import argparse
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from app.content import VISITOR, Audience, Site
from app.search import Query, SearchContext, SearchDocument, SearchEngine, open_engine

_MALLARD = "{http://projectmallard.org/1.0/}"
_BLOCKS = {_MALLARD + n for n in ("p", "screen", "code", "td", "title", "cmd")}


@dataclass(frozen=True)
class Case:
    """One query and the article that answers it."""

    query: str
    expected: str
    locale: str
    kept_apart: bool


@dataclass(frozen=True)
class Figures:
    cases: int
    first: float
    in_three: float
    mrr: float

    def __str__(self) -> str:
        return f"n={self.cases:4d}  s@1 {self.first:.3f}  s@3 {self.in_three:.3f}  MRR@10 {self.mrr:.3f}"


def gnome(folder: Path, language: str, locale: str) -> tuple[list[SearchDocument], list[Case]]:
    """The pages of the GNOME help in one language, and a query for each that has a description."""
    documents, cases = [], []
    for path in sorted((folder / "usr/share/help" / language / "gnome-help").glob("*.page")):
        page = ElementTree.parse(path).getroot()
        title = page.find(_MALLARD + "title")
        if title is None or page.get("type") == "guide":
            continue
        name = path.stem
        documents.append(_document(name, locale, _text(title), page))
        described = page.find(f"{_MALLARD}info/{_MALLARD}desc")
        words = _text(described).split() if described is not None else []
        if words:
            cases.append(Case(" ".join(words[:10]), name, locale, bool(zlib.crc32(name.encode()) & 1)))
    return documents, cases


def _document(name: str, locale: str, title: str, page: ElementTree.Element) -> SearchDocument:
    sections = [("", "", _paragraphs(page))]
    for number, section in enumerate(page.iter(_MALLARD + "section")):
        heading = section.find(_MALLARD + "title")
        sections.append((f"s{number}", _text(heading) if heading is not None else "", _paragraphs(section)))
    return SearchDocument(f"{locale}/{name}", name, locale, "help", name, Audience.PUBLIC, title, "", (), tuple(sections), name)


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


@contextmanager
def engine_of(documents: list[SearchDocument], context: SearchContext | None = None) -> Iterator[SearchEngine]:
    """A real engine over these documents in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(Path(folder))
        context = context or SearchContext(Site("benchmark"))
        engine.open(engine.rebuild(documents, "benchmark", context), "benchmark", context)
        yield engine
        engine.close()


def measure(engine: SearchEngine, cases: list[Case]) -> Figures:
    """Success at 1 and 3 and mean reciprocal rank over the first ten."""
    ranks = []
    for case in cases:
        query = Query.from_text(case.query, case.locale, VISITOR, snippets=False, passage=False, only_locale=case.locale)
        hits = engine.search(query).hits
        ranks.append(next((h.rank for h in hits if h.article_id == case.expected), 0))
    count = len(ranks) or 1
    return Figures(
        len(ranks), sum(r == 1 for r in ranks) / count, sum(0 < r <= 3 for r in ranks) / count, sum(1 / r for r in ranks if r) / count
    )


def _report(name: str, engine: SearchEngine, cases: list[Case]) -> None:
    print(f"{name:28} tuning {measure(engine, [c for c in cases if not c.kept_apart])}")
    print(f"{name:28} apart  {measure(engine, [c for c in cases if c.kept_apart])}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gnome", type=Path, default=Path("/"))
    parser.add_argument("--ablation", action="store_true")
    options = parser.parse_args()
    for language, locale in (("C", "en"), ("de", "de")):
        documents, cases = gnome(options.gnome, language, locale)
        with engine_of(documents) as engine:
            _report(f"GNOME help, {locale}", engine, cases)


if __name__ == "__main__":
    main()
