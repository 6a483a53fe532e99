"""The short ways that searching takes must give what the plain ways would."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from desks import MakeDesk, article
from hypothesis import given
from hypothesis import strategies as st

from app.content import STAFF, VISITOR, Audience
from app.search import Hit
from app.search.engine import Query
from app.search.ranking import best


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
