"""Whatever people and machines type: never an error, never slow, never something they may not see."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest
from desks import NOISE, Desk, article
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.content import STAFF, VISITOR, Audience
from app.search import Query
from app.search.query_text import MAX_CHARACTERS, clean, parse

SECRET = article("secret", "Secret quetzal plan", "Nobody outside may read of the quetzal.", audience=Audience.AGENTS)
HEBREW = article("kartis", "הפעלת כרטיס", "איך מפעילים את הכרטיס החדש.", locale="he")
RUSSIAN = article("karta", "Активация карты", "Как включить новую карту.", locale="ru")
CHINESE = article("ka", "激活您的卡", "打开应用程序，然后点击您的卡。", locale="zh")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("hostile"), [SECRET, HEBREW, RUSSIAN, CHINESE, *NOISE])


PIECES = ["music", "rain*", "-bread", '"king boards"', "AND", "NOT", "title:", "~9", "[a TO z]", "*", "\ud83d", "שלום", "كيف"]
ANY_TEXT = st.one_of(
    st.text(max_size=300),
    st.text(alphabet='"*-+~^:()[]{}\\/ abANDORTO\u202e\u200f\u200b\x00\n', max_size=120),
    st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join),
)
RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@RELAXED
@given(text=ANY_TEXT, locale=st.sampled_from(["en", "he", "ru", "zh", "xx"]))
def test_any_text_is_searched_and_suggested_without_an_error_and_without_the_secret(desk: Desk, text: str, locale: str) -> None:
    results = desk.ask(text, locale)
    suggestions = desk.engine.suggest(text, locale, VISITOR)
    told = [
        *(h.slug for h in results.hits),
        *(h.snippet for h in results.hits),
        *results.also_searched,
        *(i.title for i in suggestions.items),
    ]
    assert not any("secret" in t or "quetzal" in t.lower() for t in told if t.lower() not in text.lower())
    assert results.total >= len(results.hits)
    for hit in results.hits:
        assert hit.score > 0
        assert hit.title_marked.replace("[[", "").replace("]]", "") == hit.title


@RELAXED
@given(text=st.text(max_size=2000))
def test_a_cleaned_query_is_short_and_has_nothing_invisible_but_joiners(text: str) -> None:
    cleaned, was_cut = clean(text)
    assert len(cleaned) <= MAX_CHARACTERS
    assert was_cut == (len(text) > MAX_CHARACTERS)
    assert not any(unicodedata.category(c) in {"Cc", "Cs", "Cn", "Co"} for c in cleaned)
    assert not set(cleaned) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u200b\ufeff")
    assert clean(cleaned)[0] == cleaned
    parse(cleaned)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000, "the of and " * 10_000, "*", "a*", "?", "word~9", "title:[a TO z]", "(" * 1000, '"' * 1001, "-" * 500, "a OR " * 200,
        " ".join("a" * n for n in range(1, 100)), " ".join(f"{c}{c}{c}*" for c in "abcdefghijklmnopqrstuvwxyz"), "\u202e" * 300, "א" * 5000,
        "e\u0301" * 5000, "卡" * 5000, "%00%0a", "'; DROP TABLE article; --", "\x00\x01\x02", "😀" * 400, "ﷺ" * 300, "a\u0300" + "\u0301" * 5000,
    ],
    ids=lambda text: repr(text[:12]),
)  # fmt: skip
def test_hostile_queries_are_answered_quickly(desk: Desk, text: str) -> None:
    took = []
    for _ in range(3):  # the best of three: the machine may be busy, the algorithm may not
        started = time.process_time()
        desk.ask(text)
        desk.engine.suggest(text, "en", VISITOR)
        took.append(time.process_time() - started)
    assert min(took) < 0.2


def test_only_punctuation_finds_nothing_and_says_nothing(desk: Desk) -> None:
    results = desk.ask("?!… — ***")
    assert (results.hits, results.total, results.corrected, results.did_you_mean) == ((), 0, None, None)


def test_a_long_query_is_cut_and_says_so() -> None:
    query = Query.from_text("music " * 100, "en", VISITOR)
    assert query.was_cut
    assert len(query.text) <= MAX_CHARACTERS


@pytest.mark.parametrize(("page", "limit"), [(0, 0), (-5, -5), (10**9, 10**9)])
def test_pages_and_limits_are_bounded(desk: Desk, page: int, limit: int) -> None:
    query = Query.from_text("music", "en", VISITOR, page=page, limit=limit)
    assert 1 <= query.limit <= 50
    assert 0 <= query.offset <= 99 * 50
    desk.engine.search(query)


def test_an_article_with_absurd_text_is_indexed_and_found(tmp_path: Path) -> None:
    text = "word " * 50_000 + "x" * 60_000 + "\x00\ud83d needle"
    absurd = article("absurd", "Absurd [[title]] <b> \ud83d", text, keywords=("",), sections=(("s", "", ""),))
    desk = Desk(tmp_path, [absurd, SECRET, *NOISE])
    assert desk.slugs("needle") == ["absurd"]
    assert desk.slugs("quetzal", viewer=STAFF) == ["secret"]
