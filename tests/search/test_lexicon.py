"""Which words people know, so that none of them is told as a slip."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from desks import NOISE, TODAY, article
from simplemma.strategies import DictionaryLookupStrategy
from simplemma.strategies.dictionaries import StreamDictionaryFactory

from app.content import VISITOR, Site
from app.search import Query, SearchContext, lexicon, open_engine
from app.search.layouts import are_beside
from app.search.lexicon import has_lexicon, is_common, is_right, make_words, prepare_words
from app.search.lexicon_file import FOLDER, one_process_at_a_time, read_words, words_of, write_words


@pytest.mark.parametrize(
    ("word", "language"),
    [("staking", "en"), ("transferred", "en"), ("fakturan", "sv"), ("lösenordet", "sv"), ("перевод", "ru"), ("деньгами", "ru"), ("введенная", "ru"),
     ("überweisungen", "de"), ("kreditkarte", "de"), ("כרטיס", "he"), ("והכרטיס", "he"), ("וכשהכרטיס", "he"),
     ("מהכרטיס", "he"), ("וכל", "he"), ("email", "sv"), ("password", "ru")],
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


def test_common_words_are_what_people_say_every_day_and_kept_with_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_words(tmp_path, ["en", "sv"])
    monkeypatch.setattr(lexicon, "_words", {})
    monkeypatch.setattr(lexicon, "words_of", _never)
    prepare_words(tmp_path, ["en", "sv"])
    assert [is_common(word, "en") for word in ("ate", "dad", "spent", "sod", "cons", "paymnet", "")] == [True] * 3 + [False] * 4
    assert is_right("spenderade", "sv") and not is_common("pappa", "sv"), "nobody has counted Swedish words"


def test_a_language_without_a_dictionary_says_so() -> None:
    assert [has_lexicon(name) for name in ("en", "sv", "ru", "he", "de", "zh", "../en")] == [True] * 5 + [False] * 2


def test_many_threads_may_ask_first() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: is_right("ahoj", "cs"), range(16)))


@pytest.mark.parametrize("language", ["en", "he"])
def test_the_file_of_a_language_has_the_words_of_its_dictionary_and_hardly_another(tmp_path: Path, language: str) -> None:
    chance = random.Random(6)
    factory = StreamDictionaryFactory()
    oracle = DictionaryLookupStrategy(factory)
    words = [w.lower() for w in chance.sample(list(factory.get_dictionary(language)), 1500) if w.isalpha() and w[1:] == w[1:].lower()]
    words += [w[:at] + w[at + 1] + w[at] + w[at + 2 :] for w in words if len(w) > 4 and (at := chance.randrange(len(w) - 1)) >= 0]
    differ = [w for w in words if lexicon._has(w, language) != (oracle.get_lemma(w, language) is not None)]
    assert len(differ) <= 5, differ  # names with capitals inside, and a hash that two share


def test_words_are_made_once_and_then_only_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_words(tmp_path, ["he-IL"])
    monkeypatch.setattr(lexicon, "_words", {})
    monkeypatch.setattr(lexicon, "words_of", _never)
    prepare_words(tmp_path, ["he"])
    assert is_right("כרטיס", "he") and not is_right("כרתיס", "he")


def test_a_process_waits_for_the_one_that_makes_the_words_and_takes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = words_of("he")
    monkeypatch.setattr(lexicon, "_words", {})
    monkeypatch.setattr(lexicon, "words_of", _never)
    with ThreadPoolExecutor(1) as pool:
        with one_process_at_a_time(tmp_path):
            other = pool.submit(make_words, tmp_path, ["he"])
            write_words(tmp_path, "en", words_of("en"))
            write_words(tmp_path, "he", made)
        other.result()
    assert is_right("כרטיס", "he")


def test_a_slip_of_the_first_seconds_is_answered_without_the_dictionary_and_known_better_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, may_be_made, known = words_of("he"), threading.Event(), threading.Event()
    monkeypatch.setattr(lexicon, "_words", {"en": words_of("en")})
    monkeypatch.setattr(lexicon, "MADE_AFTER", 0.0)
    monkeypatch.setattr(lexicon, "words_of", lambda name: (may_be_made.wait(30), made)[1])
    prepare_words(tmp_path, ["he"], when_made=known.set)
    assert not has_lexicon("he") and not is_right("כרטיס", "he") and not lexicon.is_common("כרטיס", "he")
    may_be_made.set()
    assert known.wait(60)
    assert has_lexicon("he") and is_right("כרטיס", "he")


def test_an_engine_that_does_not_wait_forgets_what_it_found_out_without_the_dictionary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = []
    monkeypatch.setattr("app.search.whoosh_engine.prepare_words", lambda folder, locales, when_made: called.append(when_made))
    engine = open_engine(tmp_path, today=lambda: TODAY, waits_for_words=False)
    context = SearchContext(Site("Test"))
    engine.open(engine.rebuild([article("freeze", "Freeze a card", "Tap the snowflake."), *NOISE], "r1", context), "r1", context)
    asked = []
    monkeypatch.setattr("app.search.corrections.is_right", lambda word, name: asked.append(word) or False)
    for _ in range(2):
        engine.search(Query.from_text("snowflaek", "en", VISITOR))
    once = len(asked)
    called[0]()
    engine.search(Query.from_text("snowflaek", "en", VISITOR))
    assert once > 0 and len(asked) == 2 * once


@pytest.mark.parametrize("damage", [b"", b"1", b"1234567", b"\0" * 400])
def test_damaged_words_are_made_anew(tmp_path: Path, damage: bytes) -> None:
    make_words(tmp_path, ["he"])
    path = next((tmp_path / FOLDER).glob("he-*.words"))
    path.write_bytes(damage)
    assert read_words(tmp_path, "he") is None
    make_words(tmp_path, ["he"])
    words = read_words(tmp_path, "he")
    assert words is not None and words.right.tolist() == words_of("he").right.tolist()


def test_words_of_another_version_of_the_dictionaries_go(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "he-0.1.words").write_bytes(b"old")
    make_words(tmp_path, ["he"])
    assert not [p for p in (tmp_path / FOLDER).iterdir() if "0.1" in p.name]


def test_words_are_made_here_where_no_process_can_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = words_of("en")
    monkeypatch.setattr("sys.executable", "/bin/false")
    here = words_of("en")
    assert here.right.tolist() == made.right.tolist() and here.common.tolist() == made.common.tolist()


def test_without_a_place_to_write_to_words_are_known_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon, "_words", {})
    (tmp_path / "file").touch()
    make_words(tmp_path / "file", ["he"])
    assert is_right("כרטיס", "he")


def _never(name: str) -> None:
    raise AssertionError(f"the dictionary of {name} was read")


def test_neighbours_on_a_keyboard() -> None:
    assert are_beside("a", "s") and are_beside("q", "a") and are_beside("п", "р") and are_beside("ש", "ד")
    assert not are_beside("a", "l") and not are_beside("q", "m") and not are_beside("a", "ш") and not are_beside("1", "2")
