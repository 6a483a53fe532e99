"""How well search finds, corrects and answers: the demo's own search tests, and help pages that Debian packages bring along.

    python -m benchmarks.relevance [--gnome FOLDER] [--apps FOLDER] [--libreoffice FOLDER] [--failures] [--ablation]

- `--gnome`: an unpacked `gnome-user-docs` (default: /, the installed package), English and German. A query is the first ten words of a
  page's `<desc>`, which is not indexed; the page is what must be found.
- `--apps`: unpacked packages with the help of single programs (evolution-common, evince-common, eog, totem, …), pooled, in Swedish,
  Russian and German; queries as above.
- `customers_questions.tsv`: what customers of the demo's company might ask, each with its article. Written by somebody who knew the list of topics
  and no article, and never used for a choice: asked of the demo with its keywords and without.
- `--libreoffice`: unpacked `libreoffice-help-en-us`, `-de` and `-da`; the entries of Writer's index are short queries.

Cases whose name hashes to an odd number are kept apart from tuning. Packages unpack with `apt-get download NAME; dpkg -x NAME*.deb FOLDER`.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from app.config import Settings
from app.content import STAFF, ArticleRepository, Site, gather
from app.search import (
    LearnedPhrase,
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
from benchmarks.help_pages import DESCRIBED_WORDS, Case, Pages, is_kept_apart, libreoffice, mallard

Sets = list[tuple[str, SearchEngine, list[Case]]]
"""Name, engine and cases of each."""


@dataclass(frozen=True)
class Figures:
    cases: int
    first: float
    in_three: float
    mrr: float

    def __str__(self) -> str:
        return f"n={self.cases:4d}  s@1 {self.first:.3f}  s@3 {self.in_three:.3f}  MRR@10 {self.mrr:.3f}"


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
            cases.append(Case(test.query, frozenset(expected[:1]), test.locale, is_kept_apart(test.query), "search-tests" in test.path))
    return list(search_documents(catalog, catalog.indexable())), search_context(catalog), cases


def customers_questions(documents: list[SearchDocument]) -> list[Case]:
    """The questions whose article is there in their language; all of them are kept apart."""
    names = {(d.locale, d.article_id.rpartition("/")[2]): d.article_id for d in documents}
    with (Path(__file__).parent / "customers_questions.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    found = [(row["query"], row["locale"], names.get((row["locale"], row["slug"]))) for row in rows]
    return [Case(query, frozenset({article}), locale, True) for query, locale, article in found if article]


_LETTERS = re.compile(r"[^\W\d_]+")
LEAST_LETTERS = 4
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]")


@dataclass(frozen=True)
class Slipped:
    """A case with a slip in one word."""

    case: Case
    meant: str
    typed: str
    is_a_word: bool
    """The articles have what was typed, too, or another form of it: nothing looks wrong."""


def with_slips(engine: SearchEngine, cases: list[Case], seed: int = 5) -> list[Slipped]:
    """The same queries with one slip each in a word of at least four letters that articles have."""
    chance = random.Random(seed)
    served = engine._state()  # type: ignore[attr-defined]
    known: dict[str, set[str]] = {}
    out = []
    for case in cases:
        analyzer = analyzer_for(case.locale)
        if case.locale not in known:
            known[case.locale] = {w for s in served.segments for w in s.lexicon(field_name(EXACT, case.locale))}
            known[case.locale] |= {f"={analyzer.stem(w)}" for w in known[case.locale]}
        have = known[case.locale]
        places = [m.span() for m in _LETTERS.finditer(case.query) if len(m[0]) >= LEAST_LETTERS]
        places = [(a, b) for a, b in places if (word := case.query[a:b].lower()) in have and not analyzer.is_stop(word)]
        if not places:
            continue
        start, end = chance.choice(places)
        meant, typed = case.query[start:end].lower(), slip(case.query[start:end], chance)
        if typed.lower() != meant:
            asked = replace(case, query=case.query[:start] + typed + case.query[end:])
            out.append(Slipped(asked, meant, typed.lower(), typed.lower() in have or f"={analyzer.stem(typed.lower())}" in have))
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
        ranks.append(next((h.rank for h in hits if h.article_id in case.expected), 0))
    count = len(ranks) or 1
    return Figures(
        len(ranks), sum(r == 1 for r in ranks) / count, sum(0 < r <= 3 for r in ranks) / count, sum(1 / r for r in ranks if r) / count
    )


def said(engine: SearchEngine, case: Case) -> str:
    """What the query is told to mean instead, or nothing."""
    results = engine.search(Query.from_text(case.query, case.locale, STAFF, snippets=False, passage=False))
    return (results.corrected or results.did_you_mean or "").lower()


def is_restored(slipped: Slipped, told: str) -> bool:
    """Whether what is told has the word that was meant once more than the query with the slip."""
    return _LETTERS.findall(told).count(slipped.meant) > _LETTERS.findall(slipped.case.query.lower()).count(slipped.meant)


def corrections(engine: SearchEngine, cases: list[Case], failures: bool = False, rounds: int = 3) -> str:
    """How often "did you mean" restores the word, of all queries with one slip, whatever came of it."""
    slips = [s for seed in range(5, 5 + rounds) for s in with_slips(engine, cases, seed)]
    heard = [said(engine, s.case) for s in slips]
    right = [is_restored(s, words) for s, words in zip(slips, heard, strict=True)]
    if failures:
        for slipped, words, good in zip(slips, heard, right, strict=True):
            if not good:
                print(
                    f"    {slipped.meant} > {slipped.typed}{' (a word)' if slipped.is_a_word else ''}: {slipped.case.query!r} told {words!r}"
                )
    told = sum(bool(words) for words in heard)
    words = sum(s.is_a_word for s in slips)
    return (
        f"right {sum(right)} of {len(slips)} slips ({_share(sum(right), len(slips))}; of {told} told {_share(sum(right), told)}; "
        f"{_share(words, len(slips))} of the slips are words that articles have); with slips {measure(engine, [s.case for s in slips])}"
    )


def alarms(engine: SearchEngine, cases: list[Case], failures: bool = False) -> str:
    """How often a correction is told for a query without a slip."""
    asked = [c for c in cases if not c.may_slip]
    spoken = [(c, words) for c in asked if (words := said(engine, c))]
    if failures:
        for case, words in spoken:
            print(f"    {case.query!r} told {words!r}")
    return f"{len(spoken)} of {len(asked)} ({_share(len(spoken), len(asked))})"


def alarms_of_left_out(documents: list[SearchDocument], context: SearchContext, most: int = 12) -> str:
    """How often a correction is told for what stands in an article that is not there: its sentences, asked of the others."""
    asked = spoken = 0
    for left_out in documents[:most]:
        with engine_of([d for d in documents if d is not left_out], context) as engine:
            for sentence in _SENTENCE.findall(" ".join([left_out.summary, *(text for _, _, text in left_out.sections)])):
                words = sentence.split()[:DESCRIBED_WORDS]
                if len(words) >= 3:
                    asked += 1
                    spoken += bool(said(engine, Case(" ".join(words), frozenset(), left_out.locale, False)))
    return f"{spoken} of {asked} ({_share(spoken, asked)})"


def _share(part: int, whole: int) -> str:
    return f"{part / max(whole, 1):.1%}"


def passages(engine: SearchEngine, cases: list[Case]) -> str:
    """How often a best passage is shown, and how often it comes from the expected article."""
    shown = [(c, p) for c in cases if (p := engine.search(Query.from_text(c.query, c.locale, STAFF, snippets=False)).passage)]
    right = sum(p.article_id in c.expected for c, p in shown)
    return f"best passage shown for {len(shown)} of {len(cases)}, from the expected article {right / max(len(shown), 1):.1%}"


PARTS: dict[str, tuple[tuple[object, str, object], ...]] = {
    "title weight 3": ((fields.WORD_WEIGHTS, fields.TITLE, 3.0),),
    "no word pairs": tuple((fields.PAIR_WEIGHTS, part, 0.0) for part in fields.PAIR_WEIGHTS),
    "no exact field": ((fields.EXACT_WEIGHTS, fields.EXACT, 0.0),),
    "no 3-grams (he)": ((fields.GRAM_WEIGHTS, fields.GRAMS, 0.0),),
    "no keywords": ((fields.WORD_WEIGHTS, fields.KEYWORDS, 0.0),),
    "no corrections": ((plan, "TOLD_WEIGHT", 0.0), (plan, "CORRECTION_WEIGHT", 0.0), (plan, "SIMILAR_WEIGHT", 0.0)),
    "told corrections at 0.6": ((plan, "TOLD_WEIGHT", 0.6),),
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


def ablation(sets: Sets) -> None:
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


def _report(name: str, engine: SearchEngine, cases: list[Case], strangers: list[Case], failures: bool) -> None:
    halves = (("tuning", [c for c in cases if not c.kept_apart]), ("apart", [c for c in cases if c.kept_apart]))
    for half, some in halves:
        print(f"{name:14} {half:6} {measure(engine, some)}")
    for half, some in halves:
        print(f"{name:14} {half:6} {corrections(engine, some, failures and half == 'tuning')}")
    for half, some in halves:
        print(f"{name:14} {half:6} false alarms {alarms(engine, some, failures and half == 'tuning')}")
    if strangers:
        print(f"{name:14} questions to other help centres: false alarms {alarms(engine, strangers, failures)}")
    print(f"{name:14} {passages(engine, cases)}", flush=True)


def _report_questions(documents: list[SearchDocument], context: SearchContext, engine: SearchEngine, tests: list[Case]) -> None:
    cases = customers_questions(documents)
    with engine_of([replace(d, keywords=()) for d in documents], context) as bare:
        for locale in ("en", "sv", "ru", "he"):
            name, own = f"questions {locale}", [c for c in cases if c.locale == locale]
            print(f"{name:14} as the demo is    {measure(engine, own)}")
            print(f"{name:14} without keywords  {measure(bare, own)}")
            print(f"{name:14} {passages(engine, own)}; without keywords {passages(bare, own)}")
            print(f"{name:14} {corrections(engine, own)}")
            print(f"{name:14} false alarms {alarms(engine, own)}", flush=True)
        english = [c for c in cases if c.locale == "en"]
        taught = [c for c in tests if c.locale == "en"]
        _report_learned(engine, taught, english, "learned, as the demo is")
        _report_learned(bare, taught, english, "learned, without keywords")


TAUGHT_WEIGHT = 3.0
"""How often a phrase was said at least before it is learned."""


def _report_learned(engine: SearchEngine, taught: list[Case], asked: list[Case], name: str) -> None:
    """What learned phrases change: taught the search tests of other authors, and each question after the four others of its article."""
    before = measure(engine, asked).mrr
    by_tests = measure(_having_learned(engine, taught), asked).mrr
    by_article: dict[frozenset[str], list[Case]] = {}
    for case in asked:
        by_article.setdefault(case.expected, []).append(case)
    turns = []
    for turn in range(max(map(len, by_article.values()))):
        one = [cases[turn] for cases in by_article.values() if turn < len(cases)]
        others = [c for cases in by_article.values() for place, c in enumerate(cases) if place != turn]
        turns += [measure(_having_learned(engine, others), one).mrr] * len(one)
    by_others = sum(turns) / len(turns)
    _having_learned(engine, [])
    print(f"{name:24} MRR@10 {before:.3f}, taught the search tests {by_tests:.3f}, taught the other questions {by_others:.3f}", flush=True)


def _having_learned(engine: SearchEngine, cases: list[Case]) -> SearchEngine:
    """The engine after it learned these queries, each for its article."""
    served = engine._state()  # type: ignore[attr-defined]
    learned = tuple(LearnedPhrase(article, c.locale, c.query, TAUGHT_WEIGHT) for c in cases for article in c.expected)
    engine.open(served.origin.generation, served.origin.revision, replace(served.context, learned=learned))
    return engine


def _help_pages(options: argparse.Namespace) -> Iterator[tuple[str, Pages]]:
    """The sets that are there; a line for each that is not."""
    for language, locale in (("C", "en"), ("de", "de")):
        folder = options.gnome / "usr/share/help" / language / "gnome-help"
        yield f"GNOME {locale}", mallard([folder] if folder.is_dir() else [], locale)
    for language in ("sv", "ru", "de"):
        folders = sorted((options.apps or Path("/")).glob(f"usr/share/help/{language}/*"))
        yield f"apps {language}", mallard([f for f in folders if options.apps and f.name != "gnome-help"], language)
    for language, locale in (("en-US", "en"), ("de", "de"), ("da", "da")):
        folder = (options.libreoffice or Path("/")) / "usr/share/libreoffice/help" / language
        yield f"Writer {locale}", libreoffice(folder, locale) if options.libreoffice else ([], [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gnome", type=Path, default=Path("/"))
    parser.add_argument("--apps", type=Path)
    parser.add_argument("--libreoffice", type=Path)
    parser.add_argument("--failures", action="store_true", help="list what went wrong with corrections, of the tuning halves")
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--only", default="", help="sets whose name has this")
    options = parser.parse_args()
    sets: Sets = []
    with ExitStack() as stack:
        documents, context, tests = demo(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        own_engine = stack.enter_context(engine_of(documents, context))
        sets += [(f"demo {locale}", own_engine, [c for c in tests if c.locale == locale]) for locale in ("en", "sv", "ru", "he")]
        for name, (pages, asked) in _help_pages(options):
            if asked:
                sets.append((name, stack.enter_context(engine_of(pages)), asked))
            else:
                print(f"{name}: not measured; name the folder of its unpacked packages")
        chosen = [s for s in sets if options.only in s[0]]
        for name, engine, cases in chosen:
            others = [c for _, e, asked in sets if e is not engine for c in asked if c.locale == cases[0].locale]
            _report(name, engine, cases, others, options.failures)
            if name.startswith("demo"):
                own = [d for d in documents if d.locale == cases[0].locale]
                print(f"{name:14} sentences of articles left out: false alarms {alarms_of_left_out(own, context)}", flush=True)
        if options.only in "questions":
            _report_questions(documents, context, own_engine, tests)
        if options.ablation:
            ablation(chosen)


if __name__ == "__main__":
    main()
