"""Advice to writers, with the line it is about."""

from __future__ import annotations

import pytest

from app.content.linting import MOST, advice


def lines(markdown: str, locale: str = "en") -> list[tuple[int, str]]:
    return [(p.line, p.message) for p in advice("a.md", markdown, 10, locale)]


@pytest.mark.parametrize(
    ("markdown", "line", "word"),
    [
        ("# Title\n", 10, "starts at “##”"),
        ("## A\n\n#### B\n", 12, "jumps from level 2 to 4"),
        ("Text\n\n### First\n", 12, "jumps from level 1 to 3"),
        ("- a\n  - b\n", 11, "indented by 2 spaces"),
        ("1. a\n   - b\n", 11, "indented by 3 spaces"),
        ("See [here](a.md)\n", 10, "says nothing"),
        ("[Read more](a.md)\n", 10, "says nothing"),
        ("![](a.png)\n", 10, "no description"),
        ("You may utilise it\n", 10, "write “use”"),
        ("In order to pay\n", 10, "write “to”"),
    ],
)
def test_a_slip_is_named_with_its_line(markdown: str, line: int, word: str) -> None:
    found = lines(markdown)
    assert len(found) == 1 and found[0][0] == line and word in found[0][1], found


@pytest.mark.parametrize(
    "markdown",
    [
        "## A\n\n### B\n\n## C\n",
        "- a\n    - b\n        - c\n",
        "1.  a\n\n    more\n\n2.  b\n",
        "See [how to pay here](a.md)\n",
        "```\n# comment\n  - x\n[here](a)\n```\n",
        "![A lock](a.png)\n",
        "Text\n  - not in a list\n",
    ],
)
def test_good_markdown_is_left_alone(markdown: str) -> None:
    assert lines(markdown) == []


def test_heavy_words_are_only_looked_for_in_english() -> None:
    assert lines("utilise", "sv") == []


def test_of_thousands_of_slips_the_first_are_named_and_that_there_are_more() -> None:
    found = lines("# Title\n" * 9000)
    assert [line for line, _ in found] == list(range(10, 10 + MOST + 1))
    assert "more like this" in found[-1][1]
