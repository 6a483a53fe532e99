"""Times on pages: one zone for all of them, the operator's; written as the reader's language writes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from flask import Flask

from app.web import filters

LATE = datetime(2026, 11, 14, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "clock"), [("UTC", "14 Nov", "22:30"), ("Asia/Jerusalem", "15 Nov", "00:30"), ("America/New_York", "14 Nov", "17:30")]
)
def test_times_and_days_are_those_of_the_operators_zone(make_app: Callable[..., Flask], zone: str, day: str, clock: str) -> None:
    with make_app(time_zone=zone).test_request_context("/en/"):
        assert filters.short_time(LATE) == clock
        assert filters.short_date(LATE) == day
        assert filters.date_time(LATE) == f"{day} 2026, {clock}"
        assert filters.iso(LATE) == "2026-11-14T22:30:00Z"


def test_a_day_without_a_time_is_that_day_in_every_zone(make_app: Callable[..., Flask]) -> None:
    with make_app(time_zone="America/New_York").test_request_context("/en/"):
        assert filters.long_date(date(2026, 11, 14)) == "14 November 2026"
