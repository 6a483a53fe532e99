"""Uncommitted files: what is served while somebody writes."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta

import pytest
from writers_desk import NOW, Desk, article

from app.content import VISITOR, follow


def test_a_clean_work_tree_is_served_as_its_commit(bikes: Desk) -> None:
    snapshot = bikes.repository(worktree=True).snapshot()
    assert snapshot.revision == snapshot.commit == bikes.git("rev-parse", "HEAD")
    assert snapshot.files == bikes.repository().snapshot().files
    assert not snapshot.uncommitted


def test_saved_added_and_removed_files_change_the_revision_and_undoing_them_changes_it_back(bikes: Desk) -> None:
    repository = bikes.repository(worktree=True)
    clean = repository.snapshot().revision
    original = (bikes.top / "articles/en/hire/end-a-hire.md").read_text()
    bikes.write("en/hire/end-a-hire.md", article("Edited"))
    edited = repository.snapshot()
    bikes.write("en/hire/new.md", article("New"))
    added = repository.snapshot()
    bikes.remove("en/hire/pause-a-hire.md")
    removed = repository.snapshot()
    assert len({clean, edited.revision, added.revision, removed.revision}) == 4
    assert edited.revision.startswith(clean + "+")
    assert set(added.uncommitted) == {"articles/en/hire/end-a-hire.md", "articles/en/hire/new.md"}
    assert "articles/en/hire/pause-a-hire.md" not in removed.files
    bikes.write("en/hire/end-a-hire.md", original)
    bikes.remove("en/hire/new.md")
    bikes.git("checkout", "-q", "articles/en/hire/pause-a-hire.md")
    assert repository.snapshot().revision == clean


def test_uncommitted_articles_are_published_with_the_time_they_were_saved(bikes: Desk) -> None:
    bikes.gather(worktree=True)
    file = bikes.write("en/hire/end-a-hire.md", article("Edited", "New words.\n"))
    saved = datetime(2026, 11, 20, 12, tzinfo=UTC)
    os.utime(file, (saved.timestamp(), saved.timestamp()))
    gathered = bikes.gather(worktree=True)
    assert [a.key for a in gathered.changed] == ["en/hire/end-a-hire"]
    edited = gathered.catalog.article("en", "end-a-hire")
    assert edited is not None and (edited.title, edited.updated_at, edited.author) == ("Edited", saved, "Berit Bergqvist")
    assert "New words." in gathered.catalog.rendering(edited).html


def test_committing_what_was_saved_takes_over_gits_date_and_author(bikes: Desk) -> None:
    bikes.write("en/hire/new.md", article("New"))
    bikes.gather(worktree=True)
    bikes.commit("Add it", author="Nils Ny")
    new = bikes.gather(worktree=True).catalog.article("en", "new")
    assert new is not None and new.author == "Nils Ny"
    assert new.updated_at == bikes.at


def test_a_file_renamed_but_not_committed_keeps_its_identity_and_redirects(bikes: Desk) -> None:
    (bikes.top / "articles/en/hire/end-a-hire.md").rename(bikes.top / "articles/en/hire/finish.md")
    catalog = bikes.gather(worktree=True).catalog
    moved = catalog.article("en", "finish")
    assert moved is not None and moved.id == "hire/end-a-hire"
    assert moved.author == "Berit Bergqvist"


def test_links_on_disk_are_not_followed_but_reported_and_hidden_files_are_not_served(bikes: Desk) -> None:
    (bikes.top / "articles/en/hire/passwords.md").symlink_to("/etc/passwd")
    (bikes.top / "articles/en/other").symlink_to("/etc")
    bikes.write("en/hire/.end-a-hire.md.swp", "editor's own")
    catalog = bikes.gather(worktree=True).catalog
    assert "root:" not in str(catalog.files) and catalog.refused == ("articles/en/hire/passwords.md",)
    assert [(p.path, p.level, p.line) for p in catalog.problems if "symbolic link" in p.message] == [
        ("articles/en/hire/passwords.md", "error", 1),
        ("articles/en/other", "warning", 1),
    ]
    bikes.commit("Links, committed")
    assert bikes.repository(worktree=True).snapshot().revision == bikes.git("rev-parse", "HEAD")
    assert len([p for p in bikes.gather(worktree=True).catalog.problems if "symbolic link" in p.message]) == 2
    (bikes.top / "articles/en/hire/passwords.md").unlink()
    assert bikes.gather(worktree=True).catalog.refused == ()


def test_a_repository_without_a_commit_is_served_from_disk(desk: Desk) -> None:
    desk.write("en/hire/a.md", article("First words"))
    catalog = desk.gather(worktree=True).catalog
    assert [a.title for a in catalog.visible(VISITOR, NOW.date())] == ["First words"]


@pytest.mark.parametrize("content", [b"", b"\xff", b"no front matter"])
def test_half_saved_files_are_reported_and_the_rest_is_served(bikes: Desk, content: bytes) -> None:
    bikes.gather(worktree=True)
    bikes.write("en/hire/end-a-hire.md", content)
    catalog = bikes.gather(now=NOW + timedelta(seconds=1), worktree=True).catalog
    assert catalog.refused == ("articles/en/hire/end-a-hire.md",)
    kept = catalog.article("en", "end-a-hire")
    assert kept is not None and kept.title == "End a hire", "its last good version stays"


def test_every_save_is_noticed_within_a_second(bikes: Desk) -> None:
    noticed, stop, listening = threading.Event(), threading.Event(), threading.Event()
    folder = bikes.top / "articles"

    def on_change() -> None:
        listening.set()
        noticed.set()

    watcher = threading.Thread(target=follow, args=(folder, on_change, stop))
    watcher.start()
    try:
        # The watcher needs a moment to start; touch a file until it answers.
        for attempt in range(100):
            (folder / "probe.txt").write_text(str(attempt))
            if listening.wait(0.1):
                break
        noticed.wait(0.5)
        noticed.clear()
        bikes.write("en/hire/end-a-hire.md", article("Saved"))
        assert noticed.wait(1.0)
    finally:
        stop.set()
        watcher.join(timeout=5)
    assert not watcher.is_alive()
