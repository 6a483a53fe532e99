"""A table as a file: what people typed stays text in a spreadsheet, and numbers stay numbers."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest

from app.deflection.reporting.report_tables import Table

SIGNS = ("=", "+", "-", "@", "|", "%", "＝", "＋", "－", "＠")
BEFORE = ("", " ", "   ", "\t", "\r", "\n", "\u00a0", "\u200b", "\ufeff", "\u202e", "\x00", "\x0b")


def rows_of(*rows: tuple[str | float | None, ...]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(Table("t", ("text", "number"), rows).as_csv(), newline="")))[1:]


@pytest.mark.parametrize("before", BEFORE)
def test_no_cell_with_a_text_begins_a_formula_whatever_stands_before_the_sign(before: str) -> None:
    texts = [f"{before}{sign}SUM(A1)" for sign in SIGNS] + ["\tx", "\rx", "x\n=1", 'x","=1', "'=1"]
    for cell, _ in rows_of(*((text, 1) for text in texts)):
        # A spreadsheet looks behind what it does not show, and reads a full-width sign as the plain one.
        shown = "".join(c for c in unicodedata.normalize("NFKC", cell) if not c.isspace() and unicodedata.category(c)[0] != "C")
        assert shown[0] in "'x", cell
        assert cell[0] in "'x", cell


def test_text_that_needs_no_guard_is_not_changed() -> None:
    texts = ["limit = 5", "a@b", "1-2-3", "‹email›", 'say "yes", now', "two\nlines", "  spaces", "−1"]
    assert [cell for cell, _ in rows_of(*((text, 1) for text in texts))] == texts


def test_negative_and_tiny_numbers_stay_numbers() -> None:
    numbers = [-3, -0.25, -0.000001234, 1e-5, 0.0, -12345.678901]
    assert [float(cell) for _, cell in rows_of(*(("x", number) for number in numbers))] == [-3, -0.25, -1e-6, 1e-5, 0, -12345.678901]
