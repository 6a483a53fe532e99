"""The life of an index: built, changed, opened, filtered, and failing honestly."""

from __future__ import annotations

import gc
import json
import os
import shutil
import threading
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from desks import NOISE, TODAY, Desk, MakeDesk, article

from app.content import CUSTOMER, STAFF, VISITOR, ArticleType, Audience, Site
from app.search import Query, SearchContext, SearchUnavailable, open_engine
from app.search.whoosh_engine import MERGED_AT_ONCE, MOST_SEGMENTS

CARD = article("activate-your-card", "Activate your card", "Open the app, tap your card and choose Activate.")
FROZEN = article(
    "freeze-a-card", "Freeze a card", "Tap the snowflake beside the card. Nobody can pay with it any more.", category="security"
)
PASSCODE = article("forgotten-passcode", "Forgotten passcode", "Tap Forgotten passcode on the sign-in screen.", category="security")


def test_a_whole_question_finds_the_article_although_no_article_has_every_word(desk: MakeDesk) -> None:
    assert desk(CARD, PASSCODE, *NOISE).slugs("hi, could you tell me how I can please activate the card I got yesterday?") == [
        "activate-your-card"
    ]


def test_a_query_of_only_small_words_is_still_searched(desk: MakeDesk) -> None:
    assert "the-who" in desk(article("the-who", "The Who", "They are a band."), CARD).slugs("who the")


def test_a_changed_article_is_found_by_its_new_words_and_not_by_its_old_ones(desk: MakeDesk) -> None:
    d = desk(CARD, FROZEN, *NOISE)
    generation = d.engine.update([replace(CARD, title="Wake it up", sections=(("", "", "Tap it twice."),))], [], "revision2", d.context)
    assert generation == d.generation
    assert d.slugs("wake") == ["activate-your-card"]
    assert d.slugs("activate") == []
    assert d.ask("wake").revision == "revision2"


def test_a_removed_article_is_gone_from_hits_counts_and_suggestions(desk: MakeDesk) -> None:
    d = desk(CARD, FROZEN, *NOISE)
    d.engine.update([], ["en/freeze-a-card"], "revision2", d.context)
    results = d.ask("card freeze snowflake")
    assert [h.slug for h in results.hits] == ["activate-your-card"]
    assert results.by_category == {"cards": 1}
    assert d.suggested("free") == []


def test_nothing_that_is_served_changes_while_a_generation_is_built_beside_it(desk: MakeDesk) -> None:
    d = desk(CARD, *NOISE)
    other = d.engine.rebuild([PASSCODE], "revision2", d.context)
    assert d.slugs("activate card") == ["activate-your-card"]
    d.engine.open(other, "revision2", d.context)
    assert d.slugs("activate card") == []
    assert d.slugs("passcode") == ["forgotten-passcode"]


def test_another_process_sees_a_commit_when_it_opens_the_generation_again(desk: MakeDesk) -> None:
    d = desk(CARD, *NOISE)
    reader = open_engine(d.engine.folder, today=lambda: TODAY)
    reader.open(d.generation, "revision1", d.context)
    d.engine.update([PASSCODE], [], "revision2", d.context)
    ask = Query.from_text("passcode", "en", VISITOR)
    assert not reader.search(ask).hits
    reader.open(d.generation, "revision2", d.context)
    assert [h.slug for h in reader.search(ask).hits] == ["forgotten-passcode"]


def test_a_reader_keeps_answering_from_its_commit_while_segments_are_merged_away(desk: MakeDesk) -> None:
    d = desk(CARD, *NOISE)
    d.engine.update([PASSCODE], [], "revision2", d.context)
    reader = open_engine(d.engine.folder, today=lambda: TODAY)
    reader.open(d.generation, "revision2", d.context)
    for number in range(MOST_SEGMENTS + 3):
        d.engine.update([replace(FROZEN, title=f"Freeze a card, version {number}")], [], f"revision{number + 3}", d.context)
    assert len(d.engine._state().segments) <= MOST_SEGMENTS + 1
    hits = reader.search(Query.from_text("forgotten passcode", "en", VISITOR)).hits
    assert [h.slug for h in hits] == ["forgotten-passcode"]
    assert "[[Forgotten passcode]]" in hits[0].snippet
    assert d.slugs("freeze") == ["freeze-a-card"]


def test_saving_one_article_again_and_again_never_writes_the_whole_base_anew(desk: MakeDesk) -> None:
    d = desk(FROZEN, *(article(f"base-{n}", f"Base {n}") for n in range(MERGED_AT_ONCE + 1)))
    (base,) = (s.name for s in d.engine._state().segments)
    for number in range(3 * MOST_SEGMENTS):
        d.engine.update([replace(FROZEN, title=f"Freeze a card, version {number}")], [], f"revision{number + 2}", d.context)
    names = [s.name for s in d.engine._state().segments]
    assert base in names and len(names) <= MOST_SEGMENTS + 1


def test_an_article_in_a_new_language_joins_an_index_that_had_none(desk: MakeDesk) -> None:
    d = desk(CARD, *NOISE)
    swedish = article("aktivera", "Aktivera kortet", "Öppna appen.", locale="sv", article_id="activate-your-card")
    d.engine.update([swedish], [], "revision2", d.context)
    assert d.slugs("aktivera kortet", "sv") == ["aktivera"]


def test_an_index_without_articles_finds_nothing_and_does_not_fail(desk: MakeDesk) -> None:
    d = desk()
    assert d.ask("card").total == 0
    assert d.suggested("card") == []
    d.engine.check()


@pytest.mark.parametrize(
    ("viewer", "expected"),
    [
        (VISITOR, ["public-limit"]),
        (CUSTOMER, ["customer-limit", "public-limit"]),
        (STAFF, ["agent-limit", "customer-limit", "public-limit"]),
    ],
    ids=["visitor", "customer", "staff"],
)
def test_internal_articles_leak_nowhere(desk: MakeDesk, viewer: object, expected: list[str]) -> None:
    d = desk(
        article("public-limit", "Limit for everybody", "The limit is here."),
        article(
            "customer-limit", "Limit for customers", "The limit, says zanzibarword.", audience=Audience.CUSTOMERS, category="customers-only"
        ),
        article("agent-limit", "Limit for agents", "Secret limit quetzalword.", audience=Audience.AGENTS, category="agents-only"),
        *NOISE,
    )
    results = d.ask("limit", viewer=viewer)
    assert sorted(h.slug for h in results.hits) == expected
    assert results.total == len(expected)
    assert sum(results.by_category.values()) == len(expected)
    assert sorted(d.suggested("limi", viewer=viewer)) == sorted(
        f"Limit for {w}" for w in ("everybody", "customers", "agents")[: len(expected)]
    )
    for slip in ("quetzalwrod", "zanzibarwrod"):
        asked = d.ask(slip, viewer=viewer)
        secret = "quetzal" if slip.startswith("q") else "zanzibar"
        hidden = (secret == "quetzal" and len(expected) < 3) or (secret == "zanzibar" and len(expected) < 2)
        assert (asked.corrected is None and not asked.hits and not asked.also_searched) == hidden


def test_articles_appear_and_disappear_on_their_dates(desk: MakeDesk) -> None:
    d = desk(
        article("tomorrow", "Fees from tomorrow", "New fees.", live_from="2026-11-23"),
        article("today", "Fees from today", "New fees.", live_from="2026-11-22"),
        article("over", "Fees until today", "Old fees.", live_until="2026-11-22"),
        article("last-day", "Fees until tomorrow", "Old fees.", live_until="2026-11-23"),
        *NOISE,
    )
    assert sorted(d.slugs("fees")) == ["last-day", "today"]


def test_a_filter_by_category_keeps_the_counts_of_the_others(desk: MakeDesk) -> None:
    results = desk(CARD, FROZEN, *NOISE).ask("card", category="security")
    assert [h.slug for h in results.hits] == ["freeze-a-card"]
    assert results.total == 1
    assert results.by_category == {"cards": 1, "security": 1}


TYPES = (
    ArticleType("fees", {"en": "Fees"}, frozenset({"card-fees", "limits"})),
    ArticleType("guides", {"en": "Guides"}),
    ArticleType("news", {"en": "News"}, frozenset({"no-such-article"})),
)
TYPED = (
    CARD,
    article("card-fees", "Card fees", "What a card costs."),
    article("kort-avgifter", "Card avgifter", "Vad ett card kostar.", locale="sv", article_id="card-fees"),
    article("card-limits", "Card limits", "How much a card may pay.", category="security", article_id="limits"),
    article("fee-rules", "Card fee rules", "Who may waive a card fee.", audience=Audience.AGENTS),
)


def test_a_filter_by_type_knows_slugs_ids_and_translations_and_keeps_the_counts_of_the_others(desk: MakeDesk) -> None:
    d = desk(*TYPED, *NOISE, context=SearchContext(Site("Test", types=TYPES)))
    results = d.ask("card")
    assert results.by_type == {"fees": 2, "guides": 1}, "translations count once, and what agents may see is not counted for others"
    assert d.ask("card", viewer=STAFF).by_type == {"fees": 2, "guides": 2}
    fees = d.ask("card", type="fees")
    assert {h.slug for h in fees.hits} == {"card-fees", "card-limits"} and fees.total == 2
    assert (fees.by_type, fees.by_category) == (results.by_type, {"cards": 1, "security": 1})
    both = d.ask("card", type="fees", category="security")
    assert [h.slug for h in both.hits] == ["card-limits"]
    assert (both.by_type, both.by_category) == ({"fees": 1}, {"cards": 1, "security": 1})
    assert {h.slug for h in d.ask("card", "sv", type="fees").hits} == {"kort-avgifter", "card-limits"}
    assert not d.ask("card", type="news").hits and not d.ask("card", type="unheard-of").hits


def test_types_change_with_site_yml_alone_and_without_types_nothing_is_counted(desk: MakeDesk) -> None:
    d = desk(*TYPED, *NOISE)
    assert d.ask("card").by_type == {}
    d.engine.open(d.generation, "revision2", SearchContext(Site("Test", types=TYPES)))
    assert d.ask("card").by_type == {"fees": 2, "guides": 1}
    d.engine.update([replace(CARD, title="Wake the card")], [], "revision3", SearchContext(Site("Test", types=TYPES)))
    assert d.ask("card").by_type == {"fees": 2, "guides": 1}


def test_a_pinned_answer_is_left_out_by_a_filter_that_it_does_not_pass(desk: MakeDesk) -> None:
    site = Site("Test", types=TYPES, pinned_answers={"en": {"card": "activate-your-card"}})
    d = desk(*TYPED, *NOISE, context=SearchContext(site))
    assert d.slugs("card")[0] == "activate-your-card"
    for filters in ({"type": "fees"}, {"category": "security"}, {"only_locale": "sv"}):
        assert "activate-your-card" not in d.slugs("card", **filters), filters


def test_the_readers_language_comes_first_and_each_article_once(desk: MakeDesk) -> None:
    d = desk(
        article("card-en", "Visa card", "Your Visa card.", article_id="visa"),
        article("card-sv", "Visa-kort", "Ditt kort är ett Visa-kort.", locale="sv", article_id="visa"),
        article("only-en", "Visa abroad", "Use the Visa abroad.", article_id="abroad"),
        *NOISE,
    )
    results = d.ask("visa", "sv")
    assert [(h.slug, h.locale) for h in results.hits] == [("card-sv", "sv"), ("only-en", "en")]
    assert results.by_locale == {"sv": 1, "en": 1}
    assert [h.slug for h in d.ask("visa", "sv", only_locale="en").hits] == ["only-en"]


def test_a_language_without_a_hit_shows_the_others_labelled(desk: MakeDesk) -> None:
    d = desk(CARD, article("hej", "Hej", "Något annat.", locale="sv"))
    results = d.ask("activate your card", "sv")
    assert [(h.slug, h.locale) for h in results.hits] == [("activate-your-card", "en")]
    assert results.by_locale == {"en": 1}


def test_pages_of_results_follow_each_other_without_gap_or_repeat(desk: MakeDesk) -> None:
    d = desk(*(article(f"a{n}", f"Card number {n}", "card " * (n + 1)) for n in range(23)))
    pages = [d.ask("card", page=page) for page in (1, 2, 3, 4)]
    assert [len(p.hits) for p in pages] == [10, 10, 3, 0]
    assert [h.rank for p in pages for h in p.hits] == list(range(1, 24))
    assert len({h.slug for p in pages for h in p.hits}) == 23
    assert {p.total for p in pages} == {23}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"bank transfer"', ["phrase"]),
        ("bank transfer -fee", ["phrase", "apart"]),
        ("transf*", ["apart", "fee", "phrase"]),
        ('"transfer bank"', None),
    ],
)
def test_quotes_minus_and_star(desk: MakeDesk, text: str, expected: list[str] | None) -> None:
    d = desk(
        article("phrase", "Paying", "Make a bank transfer at once."),
        article("apart", "Moving", "The transfer goes to another bank in a day."),
        article("fee", "Costs", "A transfer has a fee."),
        *NOISE,
    )
    results = d.ask(text)
    if expected is None:
        assert results.close and results.hits
    else:
        assert sorted(h.slug for h in results.hits) == sorted(expected)
        assert not results.close


def test_an_excluded_word_does_not_bring_its_article_back_in_another_language(desk: MakeDesk) -> None:
    d = desk(
        article("sudoku", "Sudoku", "Fill the grid."), article("sudoku", "Судоку", "Sudoku: заполните клетки.", locale="ru"),
        article("rules", "Rules", "Sudoku has few."), *NOISE,
    )  # fmt: skip
    assert [(h.locale, h.slug) for h in d.ask("sudoku -grid").hits] == [("en", "rules")]


def test_a_phrase_does_not_reach_from_the_title_into_the_text(desk: MakeDesk) -> None:
    d = desk(article("a", "All about fees", "Cards are free."), *NOISE)
    assert d.ask('"fees cards"').close
    assert not d.ask('"about fees"').close


def test_the_whole_index_opens_with_our_schema_and_pickles_no_class_of_ours(desk: MakeDesk) -> None:
    d = desk(CARD, article("kort", "Kort", locale="sv"))
    for path in (d.engine.folder / d.generation).glob("*.toc"):
        assert b"app.search" not in path.read_bytes()


# Failing honestly


def test_an_engine_that_has_opened_nothing_says_so(tmp_path: Path) -> None:
    engine = open_engine(tmp_path)
    for call in (
        lambda: engine.search(Query.from_text("card", "en", VISITOR)),
        lambda: engine.suggest("card", "en", VISITOR),
        engine.check,
    ):
        with pytest.raises(SearchUnavailable, match="publish"):
            call()


def test_a_missing_generation_is_unavailable_and_not_empty(desk: MakeDesk) -> None:
    d = desk(CARD)
    with pytest.raises(SearchUnavailable):
        d.engine.open("gone", "revision1", d.context)
    with pytest.raises(SearchUnavailable):
        d.ask("card")
    d.engine.open(d.generation, "revision1", d.context)
    assert d.slugs("card") == ["activate-your-card"]


@pytest.mark.parametrize("name", ["../outside", "/etc", ".", "..", ""])
def test_a_generation_is_a_folder_of_ours_and_nothing_else(desk: MakeDesk, name: str) -> None:
    d = desk(CARD)
    with pytest.raises(SearchUnavailable):
        d.engine.open(name, "revision1", d.context)


def _damage(folder: Path, pattern: str, how: str) -> None:
    paths = sorted(folder.glob(pattern))
    assert paths, pattern
    for path in paths:
        if how == "missing":
            path.unlink()
        elif how == "empty":
            path.write_bytes(b"")
        elif how == "cut":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
        else:
            path.write_bytes(os.urandom(path.stat().st_size))


@pytest.mark.parametrize("how", ["missing", "empty", "cut", "noise"])
@pytest.mark.parametrize("pattern", ["*.toc", "*.trm", "*.pst", "*row.col", "*title*_len.col", "facts.json", "articles.sqlite3*"])
def test_a_damaged_index_is_unavailable_with_its_reason_and_never_nothing_found(desk: MakeDesk, pattern: str, how: str) -> None:
    d = desk(CARD, FROZEN, PASSCODE, *NOISE)
    d.engine.close()
    _damage(d.engine.folder / d.generation, pattern, how)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Whoosh leaves files open when it fails in the middle of opening them
        first, reason = _try_to_search(d)
        gc.collect()
    # Some damage (the end of a file that this search does not read) does no harm; then the answer must be right.
    assert first == "activate-your-card" or "reindex" in reason


def _try_to_search(d: Desk) -> tuple[str, str]:
    """The first hit, or why there is none."""
    engine = open_engine(d.engine.folder, today=lambda: TODAY)
    try:
        engine.open(d.generation, "revision1", d.context)
        hits = engine.search(Query.from_text("activate my card please", "en", VISITOR)).hits
    except SearchUnavailable as error:
        return "", str(error)
    return (hits[0].slug if hits else ""), ""


def test_an_index_of_another_format_asks_for_a_reindex(desk: MakeDesk) -> None:
    d = desk(CARD)
    (d.engine.folder / d.generation / "facts.json").write_text(json.dumps({"format": 0, "locales": ["en"]}))
    with pytest.raises(SearchUnavailable, match="reindex"):
        d.engine.open(d.generation, "revision1", d.context)


def test_check_notices_that_the_index_was_removed_under_it(desk: MakeDesk) -> None:
    d = desk(CARD)
    d.engine.check()
    shutil.rmtree(d.engine.folder / d.generation)
    with pytest.raises(SearchUnavailable):
        d.engine.check()


def test_a_build_that_fails_leaves_nothing_and_harms_nothing(desk: MakeDesk) -> None:
    d = desk(CARD)

    def failing() -> object:
        yield PASSCODE
        raise RuntimeError("the content went away")

    with pytest.raises(RuntimeError):
        d.engine.rebuild(failing(), "revision2", d.context)  # type: ignore[arg-type]
    assert d.slugs("card") == ["activate-your-card"]
    assert [p.name for p in d.engine.folder.iterdir()] == [d.generation]


def test_an_update_that_fails_halfway_changes_nothing(desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.search import whoosh_engine

    d = desk(CARD, *NOISE)

    def failing(*_: object) -> object:
        raise OSError("no room left")

    with monkeypatch.context() as patched:
        patched.setattr(whoosh_engine, "_index_fields", failing)
        with pytest.raises(SearchUnavailable, match="reindex"):
            d.engine.update([PASSCODE], ["en/activate-your-card"], "revision2", d.context)
    d.engine.open(d.generation, "revision1", d.context)
    assert d.slugs("activate") == ["activate-your-card"]
    assert d.slugs("passcode") == []
    d.engine.update([PASSCODE], ["en/activate-your-card"], "revision2", d.context)
    assert d.slugs("passcode") == ["forgotten-passcode"]


def test_two_writers_do_not_mix_and_the_second_is_told(desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    from whoosh import index

    from app.search import whoosh_engine

    monkeypatch.setattr(whoosh_engine, "WRITER_SECONDS", 0.0)
    d = desk(CARD)
    folder = d.engine.folder / d.generation
    writer = index.open_dir(str(folder), schema=whoosh_engine.schema_for({"en"})).writer()
    try:
        with pytest.raises(SearchUnavailable, match="Another publish"):
            d.engine.update([PASSCODE], [], "revision2", d.context)
    finally:
        writer.cancel()
    d.engine.update([PASSCODE], [], "revision2", d.context)
    assert d.slugs("passcode") == ["forgotten-passcode"]


def test_many_threads_search_while_one_commits(desk: MakeDesk) -> None:
    d = desk(CARD, FROZEN, PASSCODE, *NOISE)
    problems: list[str] = []
    done = threading.Event()

    def keep_searching() -> None:
        while not done.is_set():
            try:
                if "activate-your-card" not in d.slugs("how do I activate a card"):
                    problems.append("an article was missing")
                d.engine.suggest("act", "en", VISITOR)
            except Exception as error:
                problems.append(repr(error))

    threads = [threading.Thread(target=keep_searching) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(15):
        d.engine.update([replace(FROZEN, title=f"Freeze {number}")], [], f"revision{number + 2}", d.context)
    done.set()
    for thread in threads:
        thread.join()
    assert problems == []


def test_old_generations_go_when_nobody_names_them_any_more(desk: MakeDesk) -> None:
    d = desk(CARD)
    first = d.engine.folder / d.generation
    crashed = d.engine.folder / ".building-crashed"
    crashed.mkdir()
    second = d.engine.rebuild([CARD], "revision2", d.context)
    d.engine.open(second, "revision2", d.context)
    for path in (first, crashed):
        os.utime(path, (1, 1))
    third = d.engine.rebuild([CARD], "revision3", d.context)
    assert sorted(p.name for p in d.engine.folder.iterdir()) == sorted([second, third])


def test_a_pinned_answer_comes_first_for_exactly_its_query(tmp_path: Path) -> None:
    context = SearchContext(Site("Test", pinned_answers={"en": {"freeze card": "forgotten-passcode"}}))
    d = Desk(tmp_path, [FROZEN, PASSCODE, *NOISE], context)
    results = d.ask("Freeze card!", explain=True)
    assert [h.slug for h in results.hits] == ["forgotten-passcode", "freeze-a-card"]
    assert results.hits[0].explanation is not None and results.hits[0].explanation.pinned
    assert d.slugs("freeze the card") == ["freeze-a-card"]
    assert d.slugs("freeze card", exact=True) == ["freeze-a-card"]


def test_every_quoted_phrase_must_stand_side_by_side_with_each_word_as_often_as_typed(tmp_path: Path) -> None:
    desk = Desk(
        tmp_path,
        [
            article("both", "Both", "The red kite flies. A blue moon shines."),
            article("apart", "Apart", "The kite is red. A blue moon shines."),
            article("one", "One", "The red kite flies. The moon is blue."),
            article("twice", "Twice", "Tap tap the screen."),
            article("once", "Once", "Tap the screen."),
            *NOISE,
        ],
    )
    assert desk.slugs('"red kite" "blue moon"') == ["both"]
    assert sorted(desk.slugs('"red kite"')) == ["both", "one"]
    assert desk.slugs('"tap tap the"') == ["twice"]
