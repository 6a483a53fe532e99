"""Text functions exactly as Appendix A has them, and times by the server's clock."""

from __future__ import annotations

import pytest

from app.deflection.grouping.wording import STOP_WORDS, continues, coverage, dice, is_enough_text, normalise, trigrams
from app.deflection.recording.clock import DAY, corrected_time, ticket_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Reset  Password!", "reset password"),
        ("ＦＵＬＬ width", "full width"),
        ("snake_case_word", "snake case word"),
        ("Straße 12b", "strasse 12b"),
        ("  ", ""),
        ("¿Cómo?", "cómo"),
        ("איפא הכרטיס?", "איפא הכרטיס"),
    ],
)
def test_normalising_keeps_runs_of_letters_and_digits(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_trigrams_are_windows_over_the_padded_meaning_words() -> None:
    assert trigrams("how do i pay") == frozenset({"^pa", "pay", "ay$"})
    assert trigrams("how do") == frozenset({"^ho", "how", "ow$", "^do", "do$"}), "only stop words: all of them"
    assert trigrams("x") == frozenset({"^x$"})
    assert trigrams("") == frozenset()


def test_stop_lists_of_four_languages_apply_together() -> None:
    assert len(STOP_WORDS) == 187
    assert {"the", "behöver", "здравствуйте", "תודה", "your", "är", "чтобы", "אני"} <= STOP_WORDS
    assert trigrams(normalise("Hej, jag behöver hjälp med faktura")) == trigrams("faktura")


def test_dice_and_coverage_are_fractions_and_zero_for_nothing() -> None:
    a, b = trigrams("reset password"), trigrams("password reset")
    assert dice(a, b) == 1.0
    assert dice(trigrams("abc"), trigrams("abd")) == pytest.approx(2 * 1 / 6)
    assert dice(a, frozenset()) == 0.0
    assert coverage(a, trigrams("password")) == pytest.approx(8 / 13)
    assert coverage(frozenset(), a) == coverage(a, frozenset()) == 0.0


@pytest.mark.parametrize(
    ("a", "b", "joined"),
    [
        ("pass", "password", True),
        ("password", "pass", True),
        ("passwr", "passwo", True),
        ("passwrod", "password", True),
        ("abcd", "abxyd", True),
        ("abcd", "axyzd", False),
        ("card", "loan", False),
        ("", "card", True),
        ("pasworx", "passwords", False),
    ],
)
def test_a_query_continues_another_by_prefix_or_two_edits(a: str, b: str, joined: bool) -> None:
    assert continues(a, b) is continues(b, a) is joined


@pytest.mark.parametrize(
    ("text", "enough"), [("pa", False), ("p a", False), ("p a s", True), ("口", True), ("か", True), ("한", True), ("", False)]
)
def test_three_letters_or_one_ideograph_are_enough_to_be_a_search(text: str, enough: bool) -> None:
    assert is_enough_text(text) is enough


NOW = 1_700_000_000_000


@pytest.mark.parametrize(
    ("t_client", "t_sent", "expected"),
    [
        (NOW - 5000, NOW - 2000, NOW - 3000),
        (NOW + 3 * DAY, NOW + 3 * DAY + 100, NOW - 100),
        (NOW, NOW - 500, NOW),
        (NOW - 8 * DAY, NOW, NOW),
        (NOW - 8 * DAY, NOW - 8 * DAY + 10, NOW - 10),
        (NOW - 7 * DAY, NOW, NOW - 7 * DAY),
        (NOW - 5000, None, NOW - 5000),
        (NOW + 100_000, None, NOW),
        (NOW + 130_000, None, NOW),
        (NOW - 7 * DAY - 1, None, NOW),
        (None, NOW, NOW),
        (None, None, NOW),
        (-(2**53), 2**53, NOW),
        (2**53, -(2**53), NOW),
    ],
)
def test_time_is_corrected_to_the_servers_clock_and_never_in_the_future(t_client: int | None, t_sent: int | None, expected: int) -> None:
    assert corrected_time(NOW, t_client, t_sent) == expected


def test_a_ticket_is_as_old_as_the_helpdesk_says_but_not_younger_than_we_heard() -> None:
    assert ticket_time(NOW - 30 * DAY, NOW) == NOW - 30 * DAY
    assert ticket_time(NOW + 5, NOW) == NOW
