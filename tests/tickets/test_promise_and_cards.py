"""By when we answer; and card numbers, which we never need."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from app.tickets import WorkingHours, has_card_number, mask_card_numbers, promised_reply

WEEK = WorkingHours.parse("mon-fri 08:00-18:00; sat 10:00-14:00", "Europe/Stockholm")


@pytest.mark.parametrize(
    ("now", "hours", "then"),
    [
        ("2026-11-23T09:00+01:00", 3, "2026-11-23T12:00+01:00"),  # a Monday
        ("2026-11-23T16:00+01:00", 3, "2026-11-24T09:00+01:00"),
        ("2026-11-23T23:30+01:00", 2, "2026-11-24T10:00+01:00"),
        ("2026-11-27T17:00+01:00", 3, "2026-11-28T12:00+01:00"),  # Friday evening into Saturday
        ("2026-11-28T13:00+01:00", 3, "2026-11-30T10:00+01:00"),  # Saturday into Monday
        ("2026-11-29T12:00+01:00", 1, "2026-11-30T09:00+01:00"),  # a Sunday
        ("2026-11-23T09:01+01:00", 3, "2026-11-23T12:15+01:00"),  # rounded up, never down
        ("2027-03-26T17:00+01:00", 6, "2027-03-29T09:00+02:00"),  # over the night on which the clock changes
    ],
)
def test_the_promise_counts_working_hours_only(now: str, hours: int, then: str) -> None:
    assert promised_reply(datetime.fromisoformat(now), WEEK, hours) == datetime.fromisoformat(then)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)), st.integers(1, 200))
def test_a_promise_lies_ahead_in_working_time_and_more_hours_never_come_sooner(start: datetime, hours: int) -> None:
    now = start.replace(tzinfo=WEEK.zone)
    promise = promised_reply(now, WEEK, hours)
    assert promise >= now + timedelta(hours=hours) - timedelta(minutes=15)
    assert promised_reply(now, WEEK, hours + 1) >= promise
    assert WEEK.is_open(promise - timedelta(minutes=15))


@pytest.mark.parametrize("text", ["", "always", "mon-fri", "mon-fri 8-18", "fri-mon 08:00-18:00", "mon 18:00-08:00", "xyz 08:00-09:00"])
def test_working_hours_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"08:00-18:00|ends before"):
        WorkingHours.parse(text, "UTC")


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424242",
        "my card 4242 4242 4242 4242 fails",
        "5555-5555-5555-4444.",
        "378282246310005",
        "٤٢٤٢ ٤٢٤٢ ٤٢٤٢ ٤٢٤٢",
        "כרטיס 4000056655665556!",
    ],
)
def test_card_numbers_are_found_however_they_are_written(text: str) -> None:
    assert has_card_number(text)
    masked = mask_card_numbers(text)
    assert "••••" in masked
    assert not has_card_number(masked)


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424241",
        "order 1234567890123",
        "+46 70 123 45 67",
        "IBAN SE45 5000 0000 0583 9825 7466",
        "0000 0000 0000 0000",
        "v4.2.4.2",
        "abc4242424242424242",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert not has_card_number(text)
    assert mask_card_numbers(text) == text


@given(st.text(alphabet="0123456789", min_size=12, max_size=18), st.sampled_from("23456"))
def test_every_number_that_passes_the_check_is_masked(body: str, first: str) -> None:
    number = first + body[1:]
    number += luhn.calc_check_digit(number)
    if 13 <= len(number) <= 19:
        assert mask_card_numbers(f"card {number}, please") == f"card •••• {number[-4:]}, please"
