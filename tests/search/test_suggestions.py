"""What is offered while somebody types."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from desks import NOISE, Desk, MakeDesk, article

from app.content import VISITOR, Site
from app.search import SearchContext

ACTIVATE = article("activate", "Activate your new card", "Text.", keywords=("switch on", "PIN"))
CHANGE = article("change", "Change your passcode", "Text.", sections=(("web", "On the website", "Text."),))
LIMITS = article("limits", "Limits", "Text.", sections=(("cash", "Cash withdrawals", "So much."), ("shop", "In shops", "More.")))


@pytest.mark.parametrize("typed", ["a", "act", "card act", "new ca", "your ca activ", "switch", "how do i activate", "ACTIV"])
def test_words_may_be_typed_in_any_order_and_only_begun(desk: MakeDesk, typed: str) -> None:
    assert desk(ACTIVATE, CHANGE, LIMITS).suggested(typed)[0] == "Activate your new card"


def test_a_heading_is_offered_as_a_section_with_its_place(desk: MakeDesk) -> None:
    item = desk(ACTIVATE, CHANGE, LIMITS).engine.suggest("cash withd", "en", VISITOR).items[0]
    assert (item.type, item.title, item.url, item.where, item.article_id) == (
        "section", "Cash withdrawals", "/en/articles/limits#cash", "cards", "limits",
    )  # fmt: skip


@pytest.mark.parametrize("typed", ["actviate", "activste ca", "passcoed", "chnage", "actvi"])
def test_slips_are_forgiven_after_everything_that_fits(desk: MakeDesk, typed: str) -> None:
    assert desk(ACTIVATE, CHANGE, *NOISE).suggested(typed)[0] in {"Activate your new card", "Change your passcode"}


def test_a_word_that_fits_is_not_taken_for_a_slip(desk: MakeDesk) -> None:
    d = desk(article("carts", "Carts and horses"), article("cards", "Cards and money"), *NOISE)
    assert d.suggested("cards") == ["Cards and money"]
    assert d.suggested("cads") == ["Cards and money"]


def test_titles_that_begin_as_typed_come_first_and_short_ones_before_long(desk: MakeDesk) -> None:
    d = desk(article("a", "My card is lost and I am sad"), article("b", "Card payment declined"), article("c", "Card lost"), *NOISE)
    assert d.suggested("card") == ["Card lost", "Card payment declined", "My card is lost and I am sad"]


@pytest.mark.parametrize("typed", ["כרט", "הכרט", "כרטיס", "בכרטיס"])
def test_hebrew_letters_glued_before_a_word_do_not_hide_it(desk: MakeDesk, typed: str) -> None:
    d = desk(article("k", "הפעלת הכרטיס החדש", locale="he"), article("h", "סגירת חשבון", locale="he"))
    assert d.suggested(typed, "he") == ["הפעלת הכרטיס החדש"]


def test_the_wrong_keyboard_and_missing_marks_are_understood(desk: MakeDesk) -> None:
    d = desk(article("k", "Активация карты", locale="ru"), article("l", "Lösenord", locale="sv"))
    assert d.suggested("rfhn", "ru") == ["Активация карты"]
    assert d.suggested("losen", "sv") == ["Lösenord"]


def test_approved_popular_searches_come_last(tmp_path: Path) -> None:
    context = SearchContext(Site("Test", popular={"en": ("new card cost", "lost passcode")}))
    items = Desk(tmp_path, [ACTIVATE, CHANGE, *NOISE], context).engine.suggest("new c", "en", VISITOR).items
    assert [(i.type, i.title, i.url) for i in items] == [
        ("article", "Activate your new card", "/en/articles/activate"), ("query", "new card cost", "/en/search?q=new+card+cost"),
    ]  # fmt: skip


def test_a_whole_question_offers_what_searching_would_show(desk: MakeDesk) -> None:
    d = desk(article("frozen", "Freeze a card", "When your wallet was stolen on a journey, freeze the card."), *NOISE)
    assert d.suggested("my wallet was stolen on the journey") == ["Freeze a card"]
    assert d.suggested("qqqq wwww eeee") == []


def test_another_language_is_offered_only_when_the_readers_has_nothing(desk: MakeDesk) -> None:
    d = desk(ACTIVATE, article("aktivera", "Aktivera kortet", locale="sv"))
    assert d.suggested("akt", "sv") == ["Aktivera kortet"]
    assert d.suggested("switch", "sv") == ["Activate your new card"]


def test_suggestions_stay_under_two_kilobytes(desk: MakeDesk) -> None:
    long = [article(f"a-very-long-slug-{n}" * 8, f"ברכה ארוכה מאוד {n} " + "מילה ארוכה " * 60, locale="he") for n in range(20)]
    items = desk(*long).engine.suggest("ברכה", "he", VISITOR, limit=20).items
    assert items
    body = {"suggestions": [{k: v for k, v in asdict(i).items() if k in ("type", "title", "url")} for i in items]}
    assert len(json.dumps(body, ensure_ascii=False).encode()) <= 2048


@pytest.mark.parametrize("typed", ["refu", "refun", "refnd", "rfund"])
def test_a_title_that_has_the_word_comes_before_one_that_only_keywords_find(desk: MakeDesk, typed: str) -> None:
    by_keyword = article("returned", "Sent back", "Some text.", keywords=("refund",))
    by_title = article("shop", "The shop says it refunded me, but the money is not there", "Some text.")
    assert desk(by_keyword, by_title, *NOISE).suggested(typed) == [by_title.title, by_keyword.title]
