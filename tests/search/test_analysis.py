"""Words, stems and pairs by the rules of a language."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.search.analysis import LONGEST_TERM, analyzer_for, fold, grams, pairs
from app.search.hebrew import light_stem, without_prefix


def stems(locale: str, text: str) -> list[str]:
    return [w.stem for w in analyzer_for(locale).words(text)]


@pytest.mark.parametrize(
    ("locale", "one", "other"),
    [
        ("en", "cards", "card"), ("en", "card's", "card"), ("en", "declined", "declining"), ("sv", "lösenordet", "lösenord"),
        ("sv", "fakturan", "fakturor"), ("sv", "lösenordet", "losenordet"), ("sv", "ÅTERBETALNING", "återbetalningar"),
        ("sv", "überweisung", "uberweisung"), ("de", "Schlüssel", "schlussel"), ("de", "Schlüssel", "Schluessel"),
        ("de", "Straße", "strasse"), ("ru", "карты", "карту"), ("ru", "ещё", "еще"), ("ru", "cards", "card"), ("he", "cards", "card"),
        ("he", "הכרטיס", "כרטיס"), ("he", "בכרטיסים", "כרטיס"), ("he", "שָׁלוֹם", "שלום"),
        ("he", "תשלומים", "תשלום"),
        ("fr", "l'argent", "argent"), ("no", "kjøp", "kjop"), ("en", "naïve", "naive"), ("en", "10,000", "10000"),
    ],
)  # fmt: skip
def test_forms_of_a_word_meet(locale: str, one: str, other: str) -> None:
    assert stems(locale, one) == stems(locale, other)


@pytest.mark.parametrize(
    ("locale", "one", "other"),
    [("en", "card", "cart"), ("ru", "карта", "кара"), ("he", "כרטיס", "חשבון"), ("sv", "internet", "intern")],
)
def test_different_words_stay_apart(locale: str, one: str, other: str) -> None:
    assert stems(locale, one) != stems(locale, other)


def test_a_hyphenated_word_is_its_parts_and_the_whole() -> None:
    assert stems("en", "top-up") == ["top", "up", "topup"]
    assert pairs(analyzer_for("en").words("my top-up failed")) == ["top_up", "up_fail"]


def test_pairs_reach_over_small_words() -> None:
    assert pairs(analyzer_for("en").words("The card of the bank was declined")) == ["card_bank", "bank_declin"]


def test_text_without_spaces_becomes_pairs_of_signs_and_keeps_words_in_between() -> None:
    words = analyzer_for("zh").words("我的卡PIN不见了")
    assert [w.text for w in words] == ["我的", "的卡", "pin", "不见", "见了"]


@pytest.mark.parametrize("text", ["Min kod är 1234.", "שָׁלוֹם לכם", "naïve  —  cafés", "a\u0301b", "我的卡 card", "l'argent d'abord"])
def test_places_of_words_are_places_in_the_text(text: str) -> None:
    for locale in ("en", "he", "zh", "fr"):
        for word in analyzer_for(locale).words(text):
            assert 0 <= word.start < word.end <= len(text)
            assert text[word.start : word.end].strip() == text[word.start : word.end]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(text=st.text(max_size=200), locale=st.sampled_from(["en", "sv", "ru", "he", "de", "fr", "zh", "th", "ar", "hi", "xx", "pt-BR"]))
def test_any_text_has_words_of_bounded_length_in_order(text: str, locale: str) -> None:
    words = analyzer_for(locale).words(text)
    assert all(w.stem and len(w.text) <= 3 * LONGEST_TERM for w in words)
    starts = [w.start for w in words if not w.joined]
    assert starts == sorted(starts)


def test_small_words_are_known_in_each_language() -> None:
    for locale, text in (("en", "how do I don't"), ("sv", "hur kan jag"), ("ru", "как мне ещё"), ("he", "איך אני"), ("de", "wie kann ich")):
        assert all(w.stop for w in analyzer_for(locale).words(text)), locale
    assert not any(w.stop for w in analyzer_for("en").words("card ID top up"))


def test_folding_takes_ornaments_off_but_keeps_letters() -> None:
    assert fold("å") == "a"
    assert fold("øł") == "ol"
    assert fold("й") == "й"
    assert fold("ё") == "е"


def test_hebrew_stems_keep_three_letters() -> None:
    assert light_stem("לבטל") == "בטל"
    assert light_stem("של") == "של"
    assert without_prefix("הכרטיס") == ["הכרטיס", "כרטיס", "רטיס"]


def test_grams_of_short_words_are_the_word() -> None:
    assert grams("card", 3) == ["car", "ard"]
    assert grams("pin", 4) == ["pin"]
    assert grams("a", 3) == []
