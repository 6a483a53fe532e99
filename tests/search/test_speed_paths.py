"""The short ways that searching takes must give what the plain ways would."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from desks import TODAY, Desk, MakeDesk, article
from hypothesis import given
from hypothesis import strategies as st

from app.content import STAFF, VISITOR, Audience
from app.search import Hit, open_engine
from app.search.engine import Query
from app.search.ranking import best
from app.search.shelf import KINDS_QUERY, Shelf


@given(st.lists(st.integers(0, 9), max_size=700), st.integers(0, 60))
def test_the_best_are_those_that_sorting_everything_gives_ties_by_number(values: list[int], count: int) -> None:
    wanted = sorted((n for n, v in enumerate(values) if v), key=lambda n: (-values[n], n))[:count]
    assert best(np.array(values, dtype=np.float64), count).tolist() == wanted


def test_the_best_of_many_are_found_without_sorting_them() -> None:
    scores = np.random.default_rng(1).random(10_001)
    for count in (1, 10, 70, 500, 10_000, 20_000):
        assert best(scores, count).tolist() == np.argsort(-scores, kind="stable")[:count].tolist()


@pytest.mark.parametrize("number", [1, 63, 64, 65, 130])
def test_categories_are_counted_over_all_matches_however_many_articles_there_are(desk: MakeDesk, number: int) -> None:
    made = [replace(article(f"a{n}", f"Alpha number {n}", "Some text."), category=f"c{n * n % 5}") for n in range(number)]
    results = desk(*made).ask("alpha")
    assert results.by_category == Counter(d.category for d in made)
    assert results.total == number


def test_a_placed_hit_is_what_replacing_gives() -> None:
    plain = Hit(0, "a1", "en", "cards", "a-slug", "A title", "/en/articles/a-slug", 0.0)
    assert plain.placed(3, 1.5, snippet="x") == replace(plain, rank=3, score=1.5, snippet="x")
    assert plain.rank == 0


def test_what_one_viewer_was_told_about_a_word_is_not_told_to_another(desk: MakeDesk) -> None:
    open_one = article("open", "Parking permits", "Where to park.")
    secret = replace(article("secret", "Refinancing agreements", "Only for us."), audience=Audience.AGENTS)
    engine = desk(open_one, secret).engine
    for viewer, right in ((STAFF, "refinancing"), (VISITOR, None), (STAFF, "refinancing")):
        results = engine.search(Query.from_text("refinancign", "en", viewer))
        assert results.corrected == right
        assert [h.article_id for h in results.hits] == (["secret"] if right else [])


def test_a_day_that_passes_changes_what_is_known_about_a_word(desk: MakeDesk) -> None:
    days = [date(2026, 3, 1)]
    made = desk(replace(article("spring", "Refinancing agreements", "From spring."), live_from="2026-03-02"))
    made.engine._today = lambda: days[0]
    assert made.engine.search(Query.from_text("refinancign", "en", VISITOR)).corrected is None
    days[0] = date(2026, 3, 2)
    assert made.engine.search(Query.from_text("refinancign", "en", VISITOR)).corrected == "refinancing"


def test_places_in_a_few_articles_are_those_that_reading_them_all_gives(desk: MakeDesk) -> None:
    chance = random.Random(8)
    texts = [" ".join(chance.choice(["card", "pin", "rare"] + ["limit"] * 9) for _ in range(12)) for _ in range(400)]
    segment = desk(*[article(f"a{n}", f"Title {n}", text) for n, text in enumerate(texts)]).engine._state().segments[0]
    for word in ("card", "rare", "limit", "nowhere"):
        everywhere = segment.read_positions("exact.en", word)
        few = np.array(sorted(chance.sample(range(segment.size), 40)), dtype=np.uint32)
        assert segment.positions_in("exact.en", word, few) == {n: p for n, p in everywhere.items() if n in set(few.tolist())}


def test_opening_an_index_reads_what_kinds_of_articles_there_are_and_nothing_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [article(f"a{n}", f"Opening a drawer of type {n}", "The key turns left.", category=f"c{n % 3}") for n in range(400)]
    desk = Desk(tmp_path, many)
    asked: list[tuple[str, int]] = []
    for name in ("entries", "lengths", "fetch"):
        plain = getattr(Shelf, name)

        def noted(shelf: Shelf, rows: list[int], name: str = name, plain: Callable[..., object] = plain) -> object:
            asked.append((name, len(rows)))
            return plain(shelf, rows)

        monkeypatch.setattr(Shelf, name, noted)
    again = open_engine(tmp_path, today=lambda: TODAY)
    again.open(desk.generation, "revision1", desk.context)
    assert asked == []
    how = again._state().shelf._connection.execute(f"EXPLAIN QUERY PLAN {KINDS_QUERY}").fetchall()
    assert [row[3] for row in how] == ["SCAN article USING COVERING INDEX article_kind"]
    hits = again.search(Query.from_text("drawer 377", "en", VISITOR)).hits
    assert (hits[0].slug, hits[0].title, hits[0].category) == ("a377", "Opening a drawer of type 377", "c2")
    assert sum(count for name, count in asked if name == "entries") < 400 / 2


def test_hits_far_apart_and_after_changes_have_their_own_titles(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [article(f"a{n}", f"Drawer {n}", f"Word w{n} here.") for n in range(200)])
    desk.engine.update([article("a70", "Drawer seventy", "Word w70 there.")], ["en/a71"], "revision2", desk.context)
    found = {n: [(h.slug, h.title) for h in desk.ask(f"w{n}").hits] for n in (0, 63, 64, 70, 71, 199)}
    assert found == {
        0: [("a0", "Drawer 0")], 63: [("a63", "Drawer 63")], 64: [("a64", "Drawer 64")], 70: [("a70", "Drawer seventy")], 71: [],
        199: [("a199", "Drawer 199")],
    }  # fmt: skip
