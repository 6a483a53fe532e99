"""Front matter: every field typed, every problem with its line, nothing constructed, and in doubt hidden."""

from __future__ import annotations

from datetime import date

import pytest

from app.content.articles import Audience, Status
from app.content.front_matter import MAX_BYTES, read_article

FULL = b"""---
title: Unlock a bike
summary: Scan the code.
id: unlock
keywords: [start, 404, yes]
audience: customers
status: archived
replaced_by: scan
redirect_from: [old-name, /help/1.html]
related: [pause-a-hire]
owner: Rides
review_every: 12w
reviewed_on: 2026-09-01
publish_on: 2026-01-01
expire_on: "2027-01-01"
source_revision: 0123abc
queries: [bike will not unlock]
---
# Body
"""


def problems(text: str) -> list[tuple[int, str, str]]:
    return [(p.line, p.level, p.message) for p in read_article("a.md", text.encode()).problems]


def with_head(head: str) -> str:
    return f"---\ntitle: A\nsummary: B\n{head}\n---\ntext\n"


def test_every_key_is_read() -> None:
    parsed = read_article("a.md", FULL)
    fields = parsed.fields
    assert parsed.problems == ()
    assert (fields.title, fields.id, fields.keywords) == ("Unlock a bike", "unlock", ("start", "404", "yes"))
    assert (fields.audience, fields.status, fields.replaced_by) == (Audience.CUSTOMERS, Status.ARCHIVED, "scan")
    assert fields.redirect_from == ("old-name", "/help/1.html")
    assert fields.review_every_days == 84
    assert (fields.reviewed_on, fields.publish_on, fields.expire_on) == (date(2026, 9, 1), date(2026, 1, 1), date(2027, 1, 1))
    assert (fields.source_revision, fields.queries, fields.owner) == ("0123abc", ("bike will not unlock",), "Rides")


def test_markdown_starts_on_the_line_after_the_front_matter() -> None:
    parsed = read_article("a.md", FULL)
    assert parsed.markdown == "# Body\n"
    assert FULL.decode().split("\n")[parsed.first_line - 1] == "# Body"


def test_windows_line_ends_and_a_byte_order_mark_are_taken_as_they_come() -> None:
    parsed = read_article("a.md", b"\xef\xbb\xbf---\r\ntitle: A\r\nsummary: B\r\n---\r\ntext\r\n")
    assert (parsed.fields.title, parsed.markdown, parsed.problems) == ("A", "text\n", ())


def test_only_the_title_is_required() -> None:
    assert [p[1] for p in problems("---\ntitle: A\n---\n")] == ["warning"]
    assert any("no title" in p[2] and p[1] == "error" for p in problems("---\nsummary: A\n---\n"))
    assert any("no title" in p[2] and p[0] == 2 for p in problems("---\ntitle:\nsummary: A\n---\n"))


@pytest.mark.parametrize(
    ("head", "line", "word"),
    [
        ("keywords: start", 4, "must be a list"),
        ("keywords: {a: b}", 4, "must be a list"),
        ("owner: [a]", 4, "must be text"),
        ("publish_on: 2026-13-01", 4, "must be a date"),
        ("expire_on: soon", 4, "must be a date"),
        ("review_every: often", 4, "written like 90d"),
        ("review_every: 0d", 4, "written like 90d"),
        ("id: ../../etc", 4, "may hold"),
        ("id: a b", 4, "may hold"),
        ("source_revision: --upload-pack=x", 4, "may hold"),
        ("related:\n  - a\n  - [b]", 6, "must be text"),
        (f"owner: {'x' * 101}", 4, "at most 100"),
        ("title: again", 4, "given twice"),
        ("owner: &a x\nid: *a", 4, "anchors and aliases"),
        ("owner: !!python/object/apply:os.system [id]", 4, "tags"),
        ("owner: !x y", 4, "tags"),
        ("owner: 'unclosed", 4, "nothing closes it"),
        ("owner: a: b", 4, "must stand in quotes"),
        ("owner:\n\tcards", 5, "there is a tab; indent with spaces"),
        ("owner: @cards", 4, "starts with “@” must stand in quotes"),
        ("related: [a, b", 4, "opens here with “[”"),
        ("related:\n  - a\n - b", 6, "not indented like"),
        ("queries: [why: because]", 4, "a text with a colon and a space in it must stand in quotes"),
        ("x: " + "[" * 200 + "]" * 200, 4, "nested more than"),
        ("{a: b}: c", 4, "a key must be a word"),
        ("owner: \x01", 2, "not valid YAML"),
    ],
)
def test_a_wrong_field_is_an_error_with_its_line(head: str, line: int, word: str) -> None:
    errors = [p for p in problems(with_head(head)) if p[1] == "error"]
    assert errors and word in errors[0][2], errors
    assert errors[0][0] == line


def test_all_problems_of_a_file_are_reported_at_once() -> None:
    found = problems(with_head("keywords: a\nexpire_on: b\nreview_every: c\ncolour: red"))
    assert [(line, level) for line, level, _ in sorted(found)] == [(4, "error"), (5, "error"), (6, "error"), (7, "warning")]


def test_an_unknown_key_is_only_a_warning() -> None:
    assert [(p[1], "colour" in p[2]) for p in problems(with_head("colour: red"))] == [("warning", True)]


@pytest.mark.parametrize(
    "head",
    [
        "audience: agnets",
        "audience: [agents]",
        "audience:",
        "audience: Public",
        "status: darft",
        "status: hidden",
        "audiance: agents",
        "Audience: agents",
        "visibility: internal",
        "meta:\n  audience: agents",
        "page:\n  settings:\n    Status: draft",
        "statsu: draft",
        "draft: true",
        "audience: public\naudience: agents",
        "audience: &x agents",
        "audience: 'agents",
    ],
)
def test_an_article_whose_visibility_cannot_be_told_is_hidden(head: str) -> None:
    parsed = read_article("a.md", with_head(head).encode())
    assert parsed.hidden and parsed.failed


def test_an_unclosed_front_matter_that_speaks_of_visibility_hides_the_article() -> None:
    assert read_article("a.md", b"---\ntitle: A\naudience: agents\n\nSecret\n").hidden
    assert not read_article("a.md", b"---\ntitle: A\n\nNo secret\n").hidden


@pytest.mark.parametrize("head", ["title: A\nowner: 'x", "keywords: one", "colour: red"])
def test_other_mistakes_do_not_hide_an_article(head: str) -> None:
    assert not read_article("a.md", with_head(head).encode()).hidden


@pytest.mark.parametrize("size", [MAX_BYTES - 200, MAX_BYTES + 200])
def test_front_matter_over_8_kib_is_refused(size: int) -> None:
    filler = "\n".join(f"  - {i:07d}" for i in range(size // 12))
    found = problems(f"---\ntitle: A\nsummary: B\ncolours:\n{filler}\n{'#' * (size - len(filler) - 33)}\n---\n")
    assert any("at most 8192" in p[2] for p in found) == (size > MAX_BYTES)


@pytest.mark.parametrize(
    "data", [b"", b"\x00\x00", b"\xff\xfe\x00a", b"# No front matter\n", b"---", b"---\n", b"---\n---\n", b"---\n- a\n---\n"]
)
def test_a_file_that_is_no_article_is_refused_and_never_raises(data: bytes) -> None:
    parsed = read_article("a.md", data)
    assert parsed.failed and all(p.line >= 1 for p in parsed.problems)


@pytest.mark.parametrize(("words", "warned"), [(45, False), (46, True)])
def test_a_summary_over_45_words_is_warned_of(words: int, warned: bool) -> None:
    found = problems(f"---\ntitle: A\nsummary: {'word ' * words}\n---\n")
    assert [p[1] for p in found] == (["warning"] if warned else [])
