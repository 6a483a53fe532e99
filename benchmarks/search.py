"""Speed of search beside SQLite FTS5 and tantivy, in one run on the same articles and queries.

    python -m benchmarks.search [--articles 10000] [--queries 400]

The articles are made of real English text that every Python brings along (the language reference and the docstrings of the standard
library): each is a run of sentences from a few neighbouring places, so words have the frequencies of real writing. The queries are half
sentences from articles, as somebody might remember them, a fifth of them with a slip. tantivy is measured when it is installed
(requirements-bench.txt).

Times are processor time of the asking thread, so that whatever else the machine does distorts the comparison as little as possible.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import random
import re
import sqlite3
import statistics
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from whoosh import index
from whoosh.analysis import StemmingAnalyzer
from whoosh.fields import ID, TEXT, Schema
from whoosh.qparser import MultifieldParser, OrGroup

from app.content import VISITOR, Audience, Site
from app.search import Query, Results, SearchContext, SearchDocument, WhooshEngine
from app.search.analysis import analyzer_for
from app.search.query_text import MAX_WORDS

_SENTENCE = re.compile(r"[A-Z][^.!?\n]{25,220}[.!?]")
CATEGORIES = ("account", "cards", "cash", "payments", "security", "transfers")


def sentences() -> list[str]:
    """Real English sentences, in the order in which they were written."""
    found: list[str] = []
    from pydoc_data import topics

    for topic in sorted(topics.topics):
        found += _SENTENCE.findall(" ".join(topics.topics[topic].split()))
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8", errors="replace"))
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                found += _SENTENCE.findall(" ".join((ast.get_docstring(node) or "").split()))
    return found


def articles(count: int, seed: int = 1) -> list[SearchDocument]:
    """So many articles of 60 to 260 words in three sections."""
    pool, chance = sentences(), random.Random(seed)
    out = []
    for number in range(count):
        sections = []
        for part in range(3):
            start = chance.randrange(len(pool) - 8)
            text = " ".join(pool[start : start + chance.randint(2, 5)])
            heading = " ".join(chance.choice(pool).split()[:4]).strip(".,;:") if part else ""
            sections.append((f"s{part}" if part else "", heading, text))
        title = " ".join(pool[chance.randrange(len(pool))].split()[: chance.randint(4, 8)]).strip(".,;:")
        summary = pool[chance.randrange(len(pool))]
        out.append(
            SearchDocument(
                f"en/a{number}",
                f"a{number}",
                "en",
                CATEGORIES[number % len(CATEGORIES)],
                f"a{number}",
                Audience.PUBLIC,
                title,
                summary,
                (),
                tuple(sections),
                str(number),
            )
        )
    return out


def queries(documents: list[SearchDocument], count: int, seed: int = 2) -> list[str]:
    """Half sentences from the articles, 4 to 10 words; every fifth has a slip."""
    chance = random.Random(seed)
    out = []
    while len(out) < count:
        words = re.findall(r"[A-Za-z]+", chance.choice(documents[chance.randrange(len(documents))].sections)[2])
        if len(words) < 12:
            continue
        start = chance.randrange(len(words) - 10)
        taken = words[start : start + chance.randint(4, 10)]
        if len(out) % 5 == 0:
            longest = max(range(len(taken)), key=lambda i: len(taken[i]))
            word = taken[longest]
            if len(word) > 4:
                at = chance.randrange(1, len(word) - 2)
                taken[longest] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        out.append(" ".join(taken))
    return out


def content(query: str) -> list[str]:
    """What the other engines are asked: the same words, without stop words."""
    words = [w for w in analyzer_for("en").words(query) if not w.joined]
    return [w.text for w in words if not w.stop][:MAX_WORDS] or [w.text for w in words][:MAX_WORDS]


def fts5(documents: list[SearchDocument], folder: Path) -> tuple[Callable[[str], Any], Callable[[str], Any]]:
    """(search, search with snippets) of SQLite's own index, with Porter's stemmer, bm25 and OR."""
    db = sqlite3.connect(folder / "fts5.sqlite3")
    db.execute("CREATE VIRTUAL TABLE a USING fts5(title, body, slug UNINDEXED, tokenize = 'porter unicode61')")
    rows = [(d.title, "\n".join([d.summary, *(f"{h}\n{t}" for _, h, t in d.sections)]), d.slug) for d in documents]
    db.executemany("INSERT INTO a VALUES (?, ?, ?)", rows)
    db.execute("INSERT INTO a(a) VALUES ('optimize')")
    db.commit()

    def ask(query: str, columns: str) -> list[Any]:
        words = " OR ".join(f'"{w}"' for w in content(query))
        return db.execute(f"SELECT {columns} FROM a WHERE a MATCH ? ORDER BY bm25(a, 1.5, 1.0) LIMIT 10", (words,)).fetchall()

    return (lambda q: ask(q, "slug, title")), (lambda q: ask(q, "slug, title, snippet(a, 1, '[[', ']]', '…', 32)"))


def tantivy(documents: list[SearchDocument], folder: Path) -> tuple[Callable[[str], Any], Callable[[str], Any]] | None:
    """The same of tantivy, when it is installed."""
    if importlib.util.find_spec("tantivy") is None:
        return None
    import tantivy as t

    builder = t.SchemaBuilder()
    builder.add_text_field("title", stored=True, tokenizer_name="en_stem")
    builder.add_text_field("body", stored=True, tokenizer_name="en_stem")
    builder.add_text_field("slug", stored=True, tokenizer_name="raw")
    schema = builder.build()
    (folder / "tantivy").mkdir()
    index = t.Index(schema, path=str(folder / "tantivy"))
    writer = index.writer(heap_size=200_000_000, num_threads=1)
    for d in documents:
        writer.add_document(t.Document(title=d.title, body="\n".join([d.summary, *(f"{h}\n{x}" for _, h, x in d.sections)]), slug=d.slug))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def ask(query: str, snippets: bool) -> list[Any]:
        parsed = index.parse_query(" ".join(content(query)), ["title", "body"], field_boosts={"title": 1.5})
        found = [searcher.doc(address) for _, address in searcher.search(parsed, 10).hits]
        if not snippets:
            return [(d["slug"][0], d["title"][0]) for d in found]
        maker = t.SnippetGenerator.create(searcher, parsed, schema, "body")
        maker.set_max_num_chars(220)
        return [(d["slug"][0], d["title"][0], maker.snippet_from_doc(d).to_html()) for d in found]

    return (lambda q: ask(q, False)), (lambda q: ask(q, True))


def whoosh_itself(documents: list[SearchDocument], folder: Path) -> Callable[[str], Any]:
    """Open an index as Whoosh's manual builds it (stemmed title and body) and answer one query with its own matchers and highlighter."""
    kind = TEXT(analyzer=StemmingAnalyzer(), stored=True)
    folder.mkdir()
    writer = index.create_in(str(folder), Schema(title=kind, body=kind, slug=ID(stored=True))).writer(limitmb=256)
    for d in documents:
        writer.add_document(title=d.title, body="\n".join([d.summary, *(f"{h}\n{x}" for _, h, x in d.sections)]), slug=d.slug)
    writer.commit()

    def open_and_ask(query: str) -> list[Any]:
        opened = index.open_dir(str(folder))
        parser = MultifieldParser(["title", "body"], opened.schema, fieldboosts={"title": 1.5}, group=OrGroup)
        with opened.searcher() as searcher:
            hits = searcher.search(parser.parse(" ".join(content(query))), limit=10)
            return [(hit["slug"], hit["title"], hit.highlights("body")) for hit in hits]

    return open_and_ask


def opened_anew(engine: WhooshEngine, folder: Path, context: SearchContext) -> Callable[[str], Any]:
    """The same of ours: a new engine on the files of this one, and one query with snippets."""

    def open_and_ask(query: str) -> Results:
        again = WhooshEngine(folder)
        again.open(engine.generation, "again", context)
        results = ours(again, True)(query)
        again.close()
        return results

    return open_and_ask


def in_turns(asks: list[Callable[[str], Any]], asked: list[str]) -> list[float]:
    """Median milliseconds of processor time of each, asked the same queries in turns."""
    took: list[list[float]] = [[] for _ in asks]
    for query in asked:
        for place, ask in enumerate(asks):
            started = time.thread_time()
            ask(query)
            took[place].append((time.thread_time() - started) * 1000)
    return [statistics.median(values) for values in took]


def ours(engine: WhooshEngine, snippets: bool) -> Callable[[str], Any]:
    return lambda q: engine.search(Query.from_text(q, "en", VISITOR, snippets=snippets, passage=snippets))


def timed(ask: Callable[[str], Any], asked: list[str]) -> list[float]:
    """Milliseconds of processor time of every query, after one run to warm up; all engines work in the thread that asks."""
    for query in asked:
        ask(query)
    out = []
    for query in asked:
        started = time.thread_time()
        ask(query)
        out.append((time.thread_time() - started) * 1000)
    return sorted(out)


def p(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


def hostile() -> Iterator[str]:
    """What nobody should have to wait for."""
    chance = random.Random(3)
    yield from ("*", "a*", "abc*", "word~9", "title:[a TO z]", '"' * 200, "(" * 200, "a OR b AND NOT c")
    yield from ("-" * 100, "\u202e\u200f" * 50, "%00", "'" * 99)
    yield from ('"of the" "in the" "to the" "is a"', '"the of is a the to of the is a to the in"', '"a b" ' * 1000)
    yield " ".join("a" * n for n in range(1, 60))
    yield " ".join(f"{c}*" for c in "abcdefghijklmnopqrstuvwxyz")
    yield "x" * 100_000
    yield "the of and " * 500
    for _ in range(60):
        letters = ((32, 127), (0xA0, 0x2FFF), (0x4E00, 0x9FFF))
        yield "".join(chr(chance.randrange(*chance.choice(letters))) for _ in range(200))
        yield " ".join("".join(chance.choice("abcdefghiklmnoprst") for _ in range(9)) for _ in range(20))


def committed(engines: list[tuple[WhooshEngine, list[SearchDocument]]], context: SearchContext, times: int = 25) -> list[float]:
    """Median milliseconds from the change of one article until a search finds it, for each engine: they take turns, so that whatever else
    the machine does meets all alike."""
    took: list[list[float]] = [[] for _ in engines]
    for number in range(times):
        word = f"qzx{'abcdefghijklmnopqrstuvwxyz'[number]}word"
        for place, (engine, documents) in enumerate(engines):
            changed = replace(documents[number * 7], title=f"The {word} article")
            started = time.thread_time()
            engine.update([changed], [], f"rev{number}", context)
            results = engine.search(Query.from_text(word, "en", VISITOR, snippets=False, passage=False))
            took[place].append((time.thread_time() - started) * 1000)
            assert results.hits, "the change must be found"
    return [statistics.median(values) for values in took]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=400)
    options = parser.parse_args()
    context = SearchContext(Site("benchmark"))
    documents = articles(options.articles)
    asked = queries(documents, options.queries)
    rows: list[tuple[str, float, str]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = _built(folder / "small", documents[:1000], context)[0]
        engine, built = _built(folder / "index", documents, context)
        print(f"{len(documents)} articles indexed in {built:.1f} s ({len(documents) / built:.0f} a second)")
        cold, cold_whoosh = in_turns(
            [opened_anew(engine, folder / "index", context), whoosh_itself(documents, folder / "whoosh")], asked[:15]
        )
        print(f"opened and first query answered in {cold:.0f} ms, Whoosh itself in {cold_whoosh:.0f} ms")
        plain, dressed = timed(ours(engine, False), asked), timed(ours(engine, True), asked)
        fts, fts_snippets = (timed(f, asked) for f in fts5(documents, folder))
        _line("ours", plain, dressed)
        _line("SQLite FTS5", fts, fts_snippets)
        rows += [
            ("search p50 / FTS5", p(plain, 0.5) / p(fts, 0.5), "<= 0.2"),
            ("with snippets p50 / FTS5", p(dressed, 0.5) / p(fts_snippets, 0.5), "<= 0.5"),
        ]
        other = tantivy(documents, folder)
        if other:
            tan, tan_snippets = (timed(f, asked) for f in other)
            _line("tantivy", tan, tan_snippets)
            rows += [("search p50 / tantivy", p(plain, 0.5) / p(tan, 0.5), "<= 1.5")]
            rows += [("with snippets p50 / tantivy", p(dressed, 0.5) / p(tan_snippets, 0.5), "<= 2")]
        rows.append(("with snippets p99, ms", p(dressed, 0.99), "<= 30"))
        rows.append(("worst hostile input, ms", max(timed(ours(engine, True), list(hostile()))), "<= 200"))
        typed = [q[:n] for q in asked[:150] for n in range(1, len(q), 4)]
        rows.append(("suggestions p95, ms", p(timed(lambda q: engine.suggest(q, "en", VISITOR), typed), 0.95), "<= 10"))
        commit_small, commit_large = committed([(small, documents[:1000]), (engine, documents)], context)
        rows.append(("cold start / Whoosh itself", cold / cold_whoosh, "<= 1"))
        rows.append(("one-article commit until found, ms", commit_large, "<= 100"))
        rows.append(("the same / at 1,000 articles", commit_large / commit_small, "<= 1.3"))
        rows.append(("posting arrays, MB", engine.memory_bytes / 2**20, "<= 150"))
    for what, value, target in rows:
        print(f"{what:40} {value:8.2f}   {target}")


def _built(folder: Path, documents: list[SearchDocument], context: SearchContext) -> tuple[WhooshEngine, float]:
    engine = WhooshEngine(folder)
    started = time.perf_counter()
    engine.open(engine.rebuild(documents, "benchmark", context), "benchmark", context)
    return engine, time.perf_counter() - started


def _line(name: str, plain: list[float], dressed: list[float]) -> None:
    figures = "  ".join(
        f"{label} {p(values, 0.5):6.2f} / {p(values, 0.95):6.2f} / {p(values, 0.99):6.2f}"
        for label, values in (("top 10", plain), ("with snippets", dressed))
    )
    print(f"{name:12} p50 / p95 / p99 ms:  {figures}")


if __name__ == "__main__":
    main()
