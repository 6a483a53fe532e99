"""Search tests of writers, and past searches on two engines."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from desks import NOISE, Desk, article

from app.content import SearchTest, Site
from app.search import PastSearch, SearchContext, SearchDocument, idle_synonyms, replay, run_tests, trials
from app.search.causes import PLACES
from app.search.fields import KINDS

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
    assert low.why.startswith("freeze scores ") and "“stolen” " in low.why and "(text, exactly as typed); order scores " in low.why
    assert not missing.passed and missing.rank == 0
    assert "is not among the first 20" in str(missing)
    assert not unwanted.passed and unwanted.unwanted == ("order",)


def test_a_test_may_only_say_what_must_not_be_found(tmp_path: Path) -> None:
    desk = Desk(tmp_path, DOCUMENTS)
    tests = [SearchTest("music on stage", "en", (), not_expect=("order",)), SearchTest("choose address", "en", (), not_expect=("order",))]
    kept, broken = run_tests(desk.engine, _catalog(), tests)
    assert kept.passed
    assert not broken.passed
    assert "search “choose address” must not find order in the first 3, but it does. order scores " in str(broken)


def test_a_failed_test_names_slips_and_synonyms_as_such_and_in_whole_words(tmp_path: Path) -> None:
    synonyms = {"en": ((("pinched",), ("stolen",), False),)}
    desk = Desk(tmp_path, DOCUMENTS, SearchContext(site=Site(name="Help"), synonyms=synonyms))
    (failed,) = run_tests(desk.engine, _catalog(), [SearchTest("pinched snowlfake", "en", ("order",))])
    assert "“snowflake” " in failed.why and "(taken for a slip; text" in failed.why
    assert "“stolen” " in failed.why and "(synonym; text)" in failed.why
    assert "order" not in failed.why and failed.why.endswith("not even among the first 50.")


def test_an_expected_article_that_nobody_has_is_no_test_of_the_search(tmp_path: Path) -> None:
    desk = Desk(tmp_path, DOCUMENTS)
    assert run_tests(desk.engine, _catalog(), [SearchTest("card", "en", ("nowhere",))]) == []


def test_every_part_of_the_index_and_every_cause_has_words_for_writers() -> None:
    assert {part for kind in KINDS.values() for part in kind} - set(PLACES) == {"names", "parts"}  # those are for suggestions only


def test_idle_synonyms_are_told_by_their_entry() -> None:
    rules = (
        (("refund", "refunds"), ("refund", "refunds"), True),
        (("refund", "money back"), ("refund", "money back"), True),
        (("refund",), ("money back",), False),
        (("the",), ("card",), False),
        (("???", "card", "plastic"), ("???", "card", "plastic"), True),
        (("not mine", "unknown"), ("not mine", "unknown"), True),
    )
    told = list(idle_synonyms(rules, "en"))
    assert [number for number, _ in told] == [0, 2, 3, 4]
    assert [message.split("; ")[0] for _, message in told] == [
        "all words here are the same to the search",
        "“refund” finds “money back” already, by entry 2 of the file",
        "“the” stands in nearly every text and tells nothing",
        "“???” has no word that could be searched",
    ]


def test_replay_says_what_a_change_fixes_and_breaks(tmp_path: Path) -> None:
    before = Desk(tmp_path / "a", DOCUMENTS)
    changed = [d for d in DOCUMENTS if d.slug != "order"] + [article("shield", "Insurance", "We insure your bicycle.")]
    after = Desk(tmp_path / "b", changed)
    searches = [PastSearch("insure bicycle", "en", "shield"), PastSearch("order card address", "en", "order"), PastSearch("stolen", "en", "freeze"),
                PastSearch("bicycle", "en"), PastSearch("snowflake", "en")]  # fmt: skip
    assert [r.verdict() for r in replay(before.engine, after.engine, searches)] == ["fixes", "breaks", "same", "fixes", "same"]
