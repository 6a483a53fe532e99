"""How long publishing takes and how much memory a catalog needs, on generated but varied articles in a real git repository.

.venv/bin/python -m benchmarks.publish [--articles 3000] [--large 10000]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]


def _listed(words: str) -> list[str]:
    return words.split()


NOUNS = _listed(
    "account address amount app bank balance bill branch browser camera card change charge code contract currency customer date delay "
    "delivery device document door email error exchange fee file form fraud friend invoice letter limit link list loan lock machine "
    "message minute money month name network notice number office option order page parcel password payment phone picture plan price "
    "profile purchase receipt reason refund request review rule screen season seller setting shop signature statement station status "
    "step store street subscription tax team terminal ticket top-up transfer trip tyre update voucher wallet warranty website week "
    "window withdrawal year "
)
VERBS = _listed(
    "activate add ask cancel change check choose close confirm contact find freeze keep open order pay print read receive remove report "
    "return send show start stop tap tell unlock update use verify wait write "
)
OTHERS = _listed(
    "about after again also always another before both by different each first for from here if in last later most never new next often "
    "old on only other own same some soon still that the then there this to until usually when while with without your "
)


class Writer:
    """Writes help articles that differ as real ones do: length, steps, tables, callouts, variants, links."""

    def __init__(self, folder: Path, seed: int = 7) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.slugs: list[tuple[str, str]] = []

    def write(self, count: int) -> None:
        for number in range(len(self.slugs), count):
            category = f"category-{number % 24:02d}"
            slug = f"{self._word(VERBS)}-{self._word(NOUNS)}-{self._word(NOUNS)}-{number}"
            path = self.folder / "en" / category / f"{slug}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._article(slug))
            self.slugs.append((category, slug))

    def _word(self, words: list[str]) -> str:
        return self.random.choice(words)

    def _sentence(self) -> str:
        length = self.random.randint(6, 18)
        words = [self._word([OTHERS, NOUNS, VERBS][self.random.choices((0, 1, 2), (5, 4, 2))[0]]) for _ in range(length)]
        return " ".join(words).capitalize() + "."

    def _paragraph(self) -> str:
        return " ".join(self._sentence() for _ in range(self.random.randint(2, 4)))

    def _link(self) -> str:
        if not self.slugs:
            return self._sentence()
        category, slug = self.random.choice(self.slugs)
        return f"See [{self._word(NOUNS)} {self._word(NOUNS)}](../{category}/{slug}.md)."

    def _article(self, slug: str) -> str:
        title = slug.rsplit("-", 1)[0].replace("-", " ").capitalize()
        keywords = ", ".join(f"{self._word(VERBS)} {self._word(NOUNS)}" for _ in range(self.random.randint(2, 6)))
        parts = [
            f"---\ntitle: {title}\nsummary: {self._sentence()} {self._sentence()}\nkeywords: [{keywords}]\nowner: Team {len(slug) % 7}\n---\n"
        ]
        parts.append(self._paragraph())
        for _ in range(self.random.randint(2, 6)):
            parts.append(f"## {self._word(VERBS).capitalize()} the {self._word(NOUNS)} {self._word(NOUNS)}")
            parts.extend(self.random.sample(list(self._blocks()), self.random.randint(1, 3)))
        return "\n\n".join(parts) + "\n"

    def _blocks(self) -> Iterator[str]:
        yield self._paragraph()
        yield f"{self._sentence()} {self._link()}"
        yield "\n".join(f"{n}.  {self._sentence()}\n\n    {self._sentence()}\n" for n in range(1, self.random.randint(3, 6)))
        yield "\n".join(f"- {self._sentence()}" for _ in range(self.random.randint(2, 5)))
        rows = "\n".join(
            f"| {self._word(NOUNS)} {self._word(NOUNS)} | {self.random.randint(1, 900)} |" for _ in range(self.random.randint(2, 8))
        )
        yield f"| {self._word(NOUNS).capitalize()} | Fee |\n|---|---:|\n{rows}"
        yield f"!!! {self.random.choice(['note', 'tip', 'warning'])}\n    {self._sentence()}"
        yield f"/// tab | iPhone\n{self._sentence()}\n///\n\n/// tab | Android\n{self._sentence()}\n///"


def git(top: Path, *args: str) -> None:
    identity = {
        "GIT_AUTHOR_NAME": "Wilma Writer",
        "GIT_AUTHOR_EMAIL": "w@example.com",
        "GIT_COMMITTER_NAME": "W",
        "GIT_COMMITTER_EMAIL": "w@example.com",
    }
    subprocess.run(["git", *args], cwd=top, check=True, env=os.environ | identity, stdout=subprocess.DEVNULL)


ONE_PUBLISH = """
import sys
from pathlib import Path
sys.path.insert(0, {top!r})
from benchmarks.publish import publish
publish(Path(sys.argv[1]))
"""
ONE_READER = """
import gc, resource, sys, time
from pathlib import Path
sys.path.insert(0, {top!r})
from app.content import CurrentCatalog, VISITOR
from datetime import date
folder = Path(sys.argv[1])
empty = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
start = time.perf_counter()
catalog = CurrentCatalog(folder / "index", folder / "var").get()
loaded = time.perf_counter() - start
articles = catalog.visible(VISITOR, date.today())
start = time.perf_counter()
for article in articles[:500]:
    catalog.rendering(article)
each = (time.perf_counter() - start) / len(articles[:500])
print(f"  catalog of {{len(articles)}} loaded in {{loaded:.2f}} s; a rendering from the store {{each * 1000:.2f}} ms; "
      f"memory {{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}} MB, of which {{empty:.0f}} MB before")
"""


def publish(folder: Path) -> float:
    """Gather the newest revision and swap; returns the seconds it took."""
    from app.config import Settings
    from app.content import ArticleRepository, Pointer, gather, publishing_lock, read_pointer, write_pointer

    settings = replace(Settings(), root=folder, data_folder=folder / "var", index_folder=folder / "index")
    start = time.perf_counter()
    with publishing_lock(settings.data_folder):
        now = datetime.now(UTC)
        gathered = gather(ArticleRepository(folder / "repository"), settings, read_pointer(settings.index_folder), now)
        write_pointer(settings.index_folder, Pointer(gathered.catalog.revision, "none", now))
    return time.perf_counter() - start


def in_new_process(code: str, folder: Path) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code.format(top=str(TOP)), str(folder)], check=True)
    return time.perf_counter() - start


def one_file_commits(folder: Path, writer: Writer, times: int = 3) -> list[float]:
    """Seconds from the start of a publishing process to its end, for commits that change one article among other commits."""
    took = []
    for number in range(times):
        category, slug = writer.slugs[number * 17]
        path = writer.folder / "en" / category / f"{slug}.md"
        path.write_text(path.read_text() + f"\nOne more sentence, number {number}.\n")
        git(folder / "repository", "commit", "-qam", f"Change {slug}")
        took.append(in_new_process(ONE_PUBLISH, folder))
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=3000)
    parser.add_argument("--large", type=int, default=10_000)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hylla-bench-"))
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    try:
        repository = folder / "repository"
        repository.mkdir()
        git(repository, "init", "-q", "-b", "main")
        writer = Writer(repository / "articles")
        for size in sorted({1000, options.articles, options.large}):
            writer.write(size)
            git(repository, "add", "-A")
            git(repository, "commit", "-qm", f"{size} articles")
            if size == options.articles:
                shutil.rmtree(folder / "var", ignore_errors=True)
                shutil.rmtree(folder / "index", ignore_errors=True)
                print(f"first publish of {size}: {in_new_process(ONE_PUBLISH, folder):.1f} s (process start included)", flush=True)
            else:
                in_new_process(ONE_PUBLISH, folder)
            if size != options.articles:
                print(f"one-file commit at {size}: {', '.join(f'{s:.2f} s' for s in one_file_commits(folder, writer))}", flush=True)
                in_new_process(ONE_READER, folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
