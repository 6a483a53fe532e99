"""Our arrays against Whoosh's own matchers: the same plan must give the same scores and the same order."""

from __future__ import annotations

import random
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from desks import TODAY, Desk, article
from whoosh import index, query, scoring

from app.content import VISITOR
from app.search.answers import Answering
from app.search.engine import Query
from app.search.fields import EXACT, KINDS, LEARNED, LEARNED_PAIRS, field_name
from app.search.plan import Plan
from app.search.query_text import parse
from app.search.ranking import best, explain, score
from app.search.whoosh_engine import _read_facts, schema_for

WORDS = [
    f"{a}{b}" for a in ("tel", "mor", "san", "kip", "dul", "fra", "gon", "wex") for b in ("", "a", "ing", "ed", "or", "ist", "elle", "um")
]


def _text(chance: random.Random, length: int) -> str:
    """Words with the frequencies of real writing: few common, many rare."""
    return " ".join(WORDS[min(int(chance.paretovariate(0.7)) - 1, len(WORDS) - 1)] for _ in range(length)) + "."


def _article(chance: random.Random, number: int, locale: str) -> Any:
    return article(
        f"{locale}{number}", _text(chance, chance.randint(1, 7)), _text(chance, chance.randint(4, 30)), locale=locale, summary=_text(chance, 8),
        keywords=(_text(chance, 2),), sections=(("more", _text(chance, 3), _text(chance, chance.randint(1, 12))),),
    )  # fmt: skip


class LocaleBM25F(scoring.BM25F):
    """Whoosh's BM25F, counting the articles of one language instead of all: a locale's own fields hold nothing of the others."""

    def __init__(self, counts: dict[str, int], totals: dict[str, int]) -> None:
        super().__init__()
        self.counts, self.totals = counts, totals

    def scorer(self, searcher: Any, fieldname: str, text: Any, qf: int = 1) -> Any:
        scorer = super().scorer(searcher, fieldname, text, qf)
        count = self.counts[fieldname.split(".")[1]]
        scorer.idf = log(count / (searcher.get_parent().doc_frequency(fieldname, text) + 1)) + 1
        scorer.avgfl = self.totals[fieldname] / count
        info = searcher.term_info(fieldname, text)
        scorer._maxquality = scorer._score(info.max_weight(), info.min_length())
        return scorer


def _as_whoosh(plan: Plan) -> query.Query:
    fields = {kind: {p: w for p, w in parts.items() if p not in (LEARNED, LEARNED_PAIRS)} for kind, parts in KINDS.items()}
    weighted = [(part, t.term, w * t.weight) for t in plan.terms for part, w in fields[t.kind].items()]
    return query.Or([query.Term(field_name(part, plan.locale), term, boost=weight) for part, term, weight in weighted])


def _plan(desk: Desk, text: str, locale: str) -> Plan:
    served = desk.engine._state()
    return Answering(served, Query.from_text(text, locale, VISITOR), TODAY).planner(locale).plan(parse(text))


def _queries(chance: random.Random, count: int) -> list[str]:
    """Mostly short ones, as people's are; every tenth with a slip."""
    lengths = (1, 1, 2, 2, 3, 3, 4, 6)
    return [_text(chance, chance.choice(lengths)).strip(".") + (" telx" if chance.random() < 0.1 else "") for _ in range(count)]


def _changed_often(desk: Desk, chance: random.Random, locales: list[str]) -> None:
    """Commits that leave several segments with deletions in them."""
    for step in range(6):
        changed = [_article(chance, chance.randrange(90), chance.choice(locales)) for _ in range(5)]
        changed = list({d.key: d for d in changed}.values())
        changed.append(_article(chance, 1000 + step, locales[0]))
        removed = [f"{locales[0]}/{locales[0]}{chance.randrange(90)}"]
        desk.engine.update(changed, [k for k in removed if k not in {d.key for d in changed}], f"revision{step + 2}", desk.context)


@pytest.mark.parametrize("locales", [["en"], ["en", "sv", "he"]], ids=["one language, plain BM25F", "three languages"])
def test_scores_and_order_are_those_of_whoosh_on_thousands_of_queries(tmp_path: Path, locales: list[str]) -> None:
    chance = random.Random(7)
    desk = Desk(tmp_path, [_article(chance, n, locale) for locale in locales for n in range(90)])
    _changed_often(desk, chance, locales)
    served = desk.engine._state()
    assert len(served.segments) > 3
    assert any(served.entry(n) is None for n in range(served.size)), "some documents are deleted"
    folder = tmp_path / desk.generation
    opened = index.open_dir(str(folder), schema=schema_for(_read_facts(folder)))
    lengths = {loc: [s.lengths[field_name(EXACT, loc)] for s in served.segments if field_name(EXACT, loc) in s.lengths] for loc in locales}
    counts = {loc: sum(int(np.count_nonzero(a)) for a in arrays) for loc, arrays in lengths.items()}
    totals = {f: sum(s.totals.get(f, 0) for s in served.segments) for f in opened.schema.names()}
    model = scoring.BM25F() if len(locales) == 1 else LocaleBM25F(counts, totals)
    alive = np.array([served.entry(n) is not None for n in range(served.size)])
    with opened.searcher(weighting=model) as searcher:
        oracle = Matchers(searcher, served.size)
        for number, text in enumerate(_queries(chance, 1500)):
            plan = _plan(desk, text, locales[number % len(locales)])
            ours, theirs = score(served.scores, plan), oracle.score(plan)
            assert np.flatnonzero(ours * alive).tolist() == np.flatnonzero(theirs).tolist(), text
            assert np.abs(ours * alive - theirs).max() < 1e-6, text
            top = best(ours * alive, 10)
            assert _same_order(top, best(theirs, 10), theirs), text
            if number % 30 == 0:
                found = searcher.search(_as_whoosh(plan), limit=10)
                assert _same_order(top, [hit.docnum for hit in found], theirs), text
                assert [hit.score for hit in found] == pytest.approx([ours[n] for n in top], abs=1e-6), text


def _same_order(ours: Any, whooshs: Any, scores: np.ndarray) -> bool:
    """Whether two rankings agree; articles whose scores are equal may stand in either order."""
    return len(ours) == len(whooshs) and all(abs(scores[a] - scores[b]) < 1e-6 for a, b in zip(ours, whooshs, strict=True))


class Matchers:
    """Whoosh's own matchers and scorers, term by term; what one gave is kept, because queries share terms."""

    def __init__(self, searcher: Any, size: int) -> None:
        self.searcher, self.size = searcher, size
        self._known: dict[tuple[str, str], np.ndarray] = {}

    def score(self, plan: Plan) -> np.ndarray:
        total = np.zeros(self.size)
        for term in plan.terms:
            for part, weight in KINDS[term.kind].items():
                if part not in (LEARNED, LEARNED_PAIRS):
                    total += weight * term.weight * self._of(field_name(part, plan.locale), term.term)
        return total

    def _of(self, field: str, term: str) -> np.ndarray:
        if (field, term) not in self._known:
            scores = self._known[field, term] = np.zeros(self.size)
            for leaf, offset in self.searcher.leaf_searchers():
                matcher = query.Term(field, term).matcher(leaf)
                while matcher.is_active():
                    scores[offset + matcher.id()] = matcher.score()
                    matcher.next()
        return self._known[field, term]


def test_explained_terms_add_up_to_the_score(tmp_path: Path) -> None:
    chance = random.Random(8)
    desk = Desk(tmp_path, [_article(chance, n, "en") for n in range(60)])
    served = desk.engine._state()
    for text in _queries(chance, 50):
        plan = _plan(desk, text, "en")
        ours = score(served.scores, plan)
        for number in best(ours, 3):
            assert sum(t.score for t in explain(served.scores, plan, int(number))) == pytest.approx(ours[number], abs=1e-9)


def test_a_commit_keeps_the_decoded_lists_of_the_segments_that_stay(tmp_path: Path) -> None:
    chance = random.Random(9)
    documents = [_article(chance, n, "en") for n in range(40)]
    desk = Desk(tmp_path, documents)
    desk.ask("tel mora saning")
    before = {s.name: s for s in desk.engine._state().segments}
    desk.engine.update([replace(documents[3], title="Something else")], [], "revision2", desk.context)
    after = {s.name: s for s in desk.engine._state().segments}
    assert len(after) == 2
    assert all(after[name] is segment for name, segment in before.items())
