"""What changed between two versions of an article."""

from __future__ import annotations

import pytest
from writers_desk import Desk, article

from app.content import portal_path, reader_text, what_changed


def test_changes_are_told_word_by_word() -> None:
    old = article("Return a bike", "Close the **lock** by hand.\n\nThen look.\n").encode()
    new = article("Return a bike", "Close the lock by [foot](x.md).\n\nThen look.\n\nDone.\n").encode()
    changes = what_changed(old, new)
    assert [c for c in changes if c[0] != "same"] == [("removed", "hand."), ("added", "foot."), ("added", "\n\nDone.")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("One two three.\n", "One 2 three.\n\nFour.\n"),
        ("A\n\nB\n\nC\n", "C\n\nA\n"),
        ("", "New text\n"),
        ("Old text\n", ""),
        ("word " * 9000, "other " * 9000),
    ],
)
def test_the_parts_joined_are_the_two_texts(old: str, new: str) -> None:
    before, after = article(body=old).encode(), article(body=new).encode()
    changes = what_changed(before, after)
    assert "".join(text for kind, text in changes if kind != "added") == reader_text(before)
    assert "".join(text for kind, text in changes if kind != "removed") == reader_text(after)


def test_a_new_article_is_all_added_and_the_same_text_is_all_same() -> None:
    data = article().encode()
    assert [kind for kind, _ in what_changed(None, data)] == ["added"]
    assert [kind for kind, _ in what_changed(data, data)] == ["same"]
    assert what_changed(None, None) == []


def test_the_history_of_a_file_can_be_told_step_by_step(desk: Desk) -> None:
    desk.write("en/hire/a.md", article(body="Ride at ten.\n"))
    desk.commit("First")
    desk.write("en/hire/a.md", article(body="Ride at eleven.\n"))
    desk.commit("Later")
    repository = desk.repository()
    new, old = (repository.read(c.revision, "articles/en/hire/a.md") for c in repository.history("articles/en/hire/a.md"))
    assert [c for c in what_changed(old, new) if c[0] != "same"] == [("removed", "ten."), ("added", "eleven.")]


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("/contact", "/sv/contact"),
        ("/articles/fees", "/sv/articles/fees"),
        ("/en/contact", "/en/contact"),
        ("/pt-BR/contact", "/pt-BR/contact"),
        ("https://a.example/contact", "https://a.example/contact"),
        ("tel:+468", "tel:+468"),
        ("/media/a.svg", "/media/a.svg"),
        ("/", "/sv/"),
    ],
)
def test_paths_of_the_yaml_files_get_the_readers_locale(href: str, expected: str) -> None:
    assert portal_path(href, "sv") == expected
