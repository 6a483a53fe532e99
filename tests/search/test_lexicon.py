"""Which words people know, so that none of them is told as a slip."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.search.layouts import are_beside
from app.search.lexicon import has_lexicon, is_right


@pytest.mark.parametrize(
    ("word", "language"),
    [("staking", "en"), ("transferred", "en"), ("fakturan", "sv"), ("lösenordet", "sv"), ("перевод", "ru"), ("деньгами", "ru"), ("введенная", "ru"),
     ("überweisungen", "de"), ("kreditkarte", "de"), ("כרטיס", "he"), ("והכרטיס", "he"), ("וכשהכרטיס", "he"),
     ("מהכרטיס", "he"), ("email", "sv"), ("password", "ru")],
)  # fmt: skip
def test_words_in_all_their_forms_are_known(word: str, language: str) -> None:
    assert is_right(word, language)


@pytest.mark.parametrize(
    ("word", "language"),
    [("paymnet", "en"), ("recieve", "en"), ("betalnigen", "sv"), ("превод", "ru"), ("bezahln", "de"), ("כרתיס", "he"),
     ("הכטיס", "he"), ("הלחזיר", "he"), ("ללכרטיס", "he"), ("", "en"), ("\ud800", "sv")],
)  # fmt: skip
def test_slips_are_not(word: str, language: str) -> None:
    assert not is_right(word, language)


def test_a_language_without_a_dictionary_says_so() -> None:
    assert [has_lexicon(name) for name in ("en", "sv", "ru", "he", "de", "zh", "../en")] == [True] * 5 + [False] * 2


def test_many_threads_may_ask_first() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: is_right("ahoj", "cs"), range(16)))


def test_neighbours_on_a_keyboard() -> None:
    assert are_beside("a", "s") and are_beside("q", "a") and are_beside("п", "р") and are_beside("ש", "ד")
    assert not are_beside("a", "l") and not are_beside("q", "m") and not are_beside("a", "ш") and not are_beside("1", "2")
