"""How well search finds: the demo's own search tests, and Debian's GNOME help in English and German, with what each part of the ranking adds.

    python -m benchmarks.relevance [--gnome FOLDER] [--ablation]

FOLDER is an unpacked `gnome-user-docs` package (default: /, that is, the installed package). A query is the first ten words of a page's
`<desc>`, which is not indexed; the page is what must be found. Pages whose name hashes to an odd number are kept apart from tuning.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from app.config import Settings
from app.content import STAFF, ArticleRepository, Audience, Site, gather
from app.search import (
    Query,
    SearchContext,
    SearchDocument,
    SearchEngine,
    fields,
    open_engine,
    plan,
    search_context,
    search_documents,
    tests_of,
)
from app.search.analysis import Analyzer, analyzer_for
from app.search.fields import EXACT, field_name

_MALLARD = "{http://projectmallard.org/1.0/}"
_BLOCKS = {_MALLARD + n for n in ("p", "screen", "code", "td", "title", "cmd")}


@dataclass(frozen=True)
class Case:
    """One query and the article that answers it."""

    query: str
    expected: str
    locale: str
    kept_apart: bool
    may_slip: bool = False
    """Written with slips on purpose, perhaps: not counted for false alarms."""


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


def demo(folder: Path) -> tuple[list[SearchDocument], SearchContext, list[Case]]:
    """The demo's articles with its own search tests: `queries:` in the articles and `search-tests.yml`."""
    root = Path(__file__).parent.parent
    settings = Settings(root=root, data_folder=folder / "data", index_folder=folder / "index", locales=("en", "sv", "ru", "he"))
    (folder / "data").mkdir()
    catalog = gather(ArticleRepository(root, "articles", "", True), settings, None, datetime.now(UTC)).catalog
    cases = []
    for test in tests_of(catalog):
        expected = [a.id for name in test.expect if (a := catalog.resolve(name, test.locale))]
        if expected:
            cases.append(Case(test.query, expected[0], test.locale, bool(zlib.crc32(test.query.encode()) & 1), "search-tests" in test.path))
    return list(search_documents(catalog, catalog.indexable())), search_context(catalog), cases


def with_slips(engine: SearchEngine, cases: list[Case], seed: int = 5) -> list[tuple[Case, str]]:
    """The same queries with one slip each in a word of at least four letters that articles have: (case, the word that was meant)."""
    chance = random.Random(seed)
    served = engine._state()  # type: ignore[attr-defined]
    out = []
    for case in cases:
        analyzer = analyzer_for(case.locale)
        known = {w for s in served.segments for w in s.lexicon(field_name(EXACT, case.locale))}
        words = [w for w in re.findall(r"[^\W\d_]{4,}", case.query) if w.lower() in known and not analyzer.is_stop(w.lower())]
        if words and (slipped := slip(word := chance.choice(words), chance)) != word:
            out.append((replace(case, query=case.query.replace(word, slipped, 1)), word.lower()))
    return out


def slip(word: str, chance: random.Random) -> str:
    """One letter left out, added, wrong, or two neighbours swapped."""
    at, kind = chance.randrange(len(word)), chance.randrange(4)
    letter = chance.choice("abcdefghijklmnopqrstuvwxyz" if word[0] < "\u0250" else word)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[:at] + letter + word[at:]
    if kind == 2:
        return word[:at] + letter + word[at + 1 :]
    at = min(at, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def measure(engine: SearchEngine, cases: list[Case]) -> Figures:
    """Success at 1 and 3 and mean reciprocal rank over the first ten."""
    ranks = []
    for case in cases:
        query = Query.from_text(case.query, case.locale, STAFF, snippets=False, passage=False, only_locale=case.locale)
        hits = engine.search(query).hits
        ranks.append(next((h.rank for h in hits if h.article_id == case.expected), 0))
    count = len(ranks) or 1
    return Figures(
        len(ranks), sum(r == 1 for r in ranks) / count, sum(0 < r <= 3 for r in ranks) / count, sum(1 / r for r in ranks if r) / count
    )


def corrections(engine: SearchEngine, cases: list[Case]) -> str:
    """How often "did you mean" is right for queries with a slip, and how often it speaks up for queries without one."""
    slips = with_slips(engine, cases)
    told = right = 0
    for case, word in slips:
        results = engine.search(Query.from_text(case.query, case.locale, STAFF, snippets=False, passage=False))
        said = (results.corrected or results.did_you_mean or "").lower()
        told += bool(said)
        right += word in re.findall(r"[^\W\d_]+", said)
    asked = [engine.search(Query.from_text(c.query, c.locale, STAFF, snippets=False, passage=False)) for c in cases if not c.may_slip]
    alarms = sum(bool(r.corrected or r.did_you_mean) for r in asked)
    return (
        f"slips: told {told} of {len(slips)}, right {right} ({right / max(told, 1):.1%} of told, {right / max(len(slips), 1):.1%} of all); "
        f"false alarms {alarms} of {len(asked)} ({alarms / max(len(asked), 1):.1%}); with slips {measure(engine, [c for c, _ in slips])}"
    )


def passages(engine: SearchEngine, cases: list[Case]) -> str:
    """How often a best passage is shown, and how often it comes from the expected article."""
    shown = [(c, p) for c in cases if (p := engine.search(Query.from_text(c.query, c.locale, STAFF, snippets=False)).passage)]
    right = sum(p.article_id == c.expected for c, p in shown)
    return f"best passage shown for {len(shown)} of {len(cases)}, from the expected article {right / max(len(shown), 1):.1%}"


PARTS: dict[str, tuple[tuple[object, str, object], ...]] = {
    "title weight 3": ((fields.WORD_WEIGHTS, fields.TITLE, 3.0),),
    "no word pairs": tuple((fields.PAIR_WEIGHTS, part, 0.0) for part in fields.PAIR_WEIGHTS),
    "no exact field": ((fields.EXACT_WEIGHTS, fields.EXACT, 0.0),),
    "no 3-grams (he)": ((fields.GRAM_WEIGHTS, fields.GRAMS, 0.0),),
    "no keywords": ((fields.WORD_WEIGHTS, fields.KEYWORDS, 0.0),),
    "no corrections": ((plan, "CORRECTION_WEIGHT", 0.0), (plan, "SIMILAR_WEIGHT", 0.0)),
    "no similar words": ((plan, "SIMILAR_WEIGHT", 0.0),),
    "no synonyms": ((plan, "SYNONYM_WEIGHT", 0.0),),
    "synonyms at 0.7": ((plan, "SYNONYM_WEIGHT", 0.7),),
    "stop words kept": ((Analyzer, "is_stop", lambda self, word: False),),
}
"""What is changed for each line of the ablation: (where, what, to which value). Word pairs are indexed after stop words in any case."""


@contextmanager
def changed(settings: tuple[tuple[object, str, object], ...]) -> Iterator[None]:
    """Parts of the recipe changed for a while."""
    before = [(where, name, where[name] if isinstance(where, dict) else getattr(where, name)) for where, name, _ in settings]
    for where, name, value in settings:
        _put(where, name, value)
    analyzer_for.cache_clear()
    yield
    for where, name, value in before:
        _put(where, name, value)
    analyzer_for.cache_clear()


def _put(where: object, name: str, value: object) -> None:
    if isinstance(where, dict):
        where[name] = value
    else:
        setattr(where, name, value)


def ablation(sets: list[tuple[str, SearchEngine, list[Case]]]) -> None:
    """Change of MRR@10 in points when a part is left out or changed, for each set."""
    base = [measure(engine, cases).mrr for _, engine, cases in sets]
    print("\n" + " " * 22 + "".join(f"{name:>14}" for name, _, _ in sets))
    print(f"{'MRR@10':22}" + "".join(f"{value:14.3f}" for value in base))
    for part, settings in PARTS.items():
        with changed(settings):
            figures = []
            for _, engine, cases in sets:
                _fresh(engine)
                figures.append(measure(engine, cases).mrr)
        print(f"{part:22}" + "".join(f"{(after - before) * 100:+14.1f}" for before, after in zip(base, figures, strict=True)), flush=True)
    for _, engine, _ in sets:
        _fresh(engine)


def _fresh(engine: SearchEngine) -> None:
    """Open the same commit anew, so that no score of other weights is remembered."""
    served = engine._state()  # type: ignore[attr-defined]
    engine.open(served.origin.generation, served.origin.revision, served.context)


def _report(name: str, engine: SearchEngine, cases: list[Case]) -> None:
    print(f"{name:18} tuning {measure(engine, [c for c in cases if not c.kept_apart])}")
    print(f"{name:18} apart  {measure(engine, [c for c in cases if c.kept_apart])}")
    print(f"{name:18} {corrections(engine, cases)}")
    print(f"{name:18} {passages(engine, cases)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gnome", type=Path, default=Path("/"))
    parser.add_argument("--ablation", action="store_true")
    options = parser.parse_args()
    sets: list[tuple[str, SearchEngine, list[Case]]] = []
    with ExitStack() as stack:
        documents, context, cases = demo(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        engine = stack.enter_context(engine_of(documents, context))
        sets += [(f"demo {locale}", engine, [c for c in cases if c.locale == locale]) for locale in ("en", "sv", "ru", "he")]
        for language, locale in (("C", "en"), ("de", "de")):
            if (options.gnome / "usr/share/help" / language / "gnome-help").is_dir():
                documents, cases = gnome(options.gnome, language, locale)
                sets.append((f"GNOME {locale}", stack.enter_context(engine_of(documents)), cases))
            else:
                print(f"GNOME {locale}: not measured; install gnome-user-docs or name its folder with --gnome")
        for name, engine, cases in sets:
            _report(name, engine, cases)
        if options.ablation:
            ablation(sets)


if __name__ == "__main__":
    main()
