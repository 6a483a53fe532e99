"""Search tests of writers, and past searches on two engines."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from desks import NOISE, Desk, article

from app.content import SearchTest
from app.search import PastSearch, SearchDocument, replay, run_tests, trials

DOCUMENTS = [
    article("freeze", "Freeze a card", "Tap the snowflake when your card was stolen."),
    article("order", "Order a card", "Choose the card and the address."),
    *NOISE,
]


def _catalog(tests: tuple[SearchTest, ...] = ()) -> Any:
    """As much of a catalog as search tests ask for."""
    articles = {d.slug: _article(d) for d in DOCUMENTS}
    articles["freeze"].queries = ("my card was stolen",)
    return SimpleNamespace(
        indexable=lambda: list(articles.values()),
        search_tests=tests,
        resolve=lambda name, locale: articles.get(name),
        translations=lambda article_id: {"en": articles[article_id]},
    )


def _article(d: SearchDocument) -> Any:
    return SimpleNamespace(id=d.article_id, slug=d.slug, locale=d.locale, audience=d.audience, path=f"{d.slug}.md", queries=())


def test_tests_come_from_articles_and_from_the_file() -> None:
    extra = SearchTest("order card", "en", ("order",), path="search-tests.yml")
    assert [(t.query, t.expect, t.path) for t in trials.tests_of(_catalog((extra,)))] == [
        ("my card was stolen", ("freeze",), "freeze.md"), ("order card", ("order",), "search-tests.yml"),
    ]  # fmt: skip


def test_a_failed_test_says_query_expected_rank_what_stood_above_and_why(tmp_path: Path) -> None:
    desk = Desk(tmp_path, DOCUMENTS)
    passed, low, missing, unwanted = run_tests(
        desk.engine, _catalog(),
        [
            SearchTest("stolen card", "en", ("freeze",), 1),
            SearchTest("stolen card", "en", ("order",), 1),
            SearchTest("music on stage", "en", ("order",), 3),
            SearchTest("card", "en", ("freeze",), 3, not_expect=("order",)),
        ],
    )  # fmt: skip
    assert passed.passed and passed.rank == 1
    assert not low.passed
    assert (low.rank, low.above) == (2, ("freeze",))
    assert "“stolen card” should find order in the first 1, but it stands at 2; above it: freeze" in str(low)
    assert "stolen in article" in low.why
    assert not missing.passed and missing.rank == 0
    assert "is not among the first 20" in str(missing)
    assert not unwanted.passed and unwanted.unwanted == ("order",)


def test_replay_says_what_a_change_fixes_and_breaks(tmp_path: Path) -> None:
    before = Desk(tmp_path / "a", DOCUMENTS)
    changed = [d for d in DOCUMENTS if d.slug != "order"] + [article("shield", "Insurance", "We insure your bicycle.")]
    after = Desk(tmp_path / "b", changed)
    searches = [PastSearch("insure bicycle", "en", "shield"), PastSearch("order card address", "en", "order"), PastSearch("stolen", "en", "freeze"),
                PastSearch("bicycle", "en"), PastSearch("snowflake", "en")]  # fmt: skip
    assert [r.verdict() for r in replay(before.engine, after.engine, searches)] == ["fixes", "breaks", "same", "fixes", "same"]
