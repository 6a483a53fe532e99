"""When articles were added and changed, as git tells it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from writers_desk import Desk, article

from app.content import Catalog, Publication, publications

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


def told(found: list[Publication]) -> list[tuple[str, str, bool]]:
    return [(p.article, p.locale, p.added) for p in found]


def history(desk: Desk, catalog: Catalog, since: datetime = LONG_AGO) -> list[Publication]:
    return publications(desk.repository(), catalog, since)


def test_additions_and_changes_are_told_with_their_revision_and_day(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("en/hire/return.md", article())
    first = desk.commit()
    added_at = desk.at
    desk.write("sv/hire/return.md", article("Lämna cykeln"))
    desk.write("en/hire/return.md", article(body="Close the lock twice.\n"))
    found = history(desk, desk.publish())
    assert told(found[:1]) == [("hire/return", "en", True)]
    assert (found[0].revision, found[0].at) == (first, added_at)
    assert sorted(told(found[1:])) == [("hire/return", "en", False), ("hire/return", "sv", True)]


def test_a_renamed_article_is_told_under_the_id_it_has_today_and_its_move_is_no_change(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("en/hire/return.md", article())
    desk.commit()
    desk.move("en/hire/return.md", "en/hire/give-back.md")
    catalog = desk.publish()
    (only,) = catalog.indexable()
    assert told(history(desk, catalog)) == [(only.id, "en", True)]


def test_drafts_removed_files_and_what_is_older_are_left_out(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("en/hire/old.md", article("An old one"))
    desk.write("en/hire/gone.md", article("Soon gone"))
    desk.commit()
    desk.remove("en/hire/gone.md")
    desk.commit()
    desk.write("en/hire/new.md", article("A new one"))
    desk.write("en/hire/draft.md", article("Not yet", status="draft"))
    catalog = desk.publish()
    assert told(history(desk, catalog, desk.at - timedelta(hours=1))) == [("hire/new", "en", True)]
    assert sorted(told(history(desk, catalog))) == [("hire/new", "en", True), ("hire/old", "en", True)]


def test_a_plain_folder_has_no_history(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("en/hire/return.md", article())
    catalog = desk.gather(worktree=True).catalog
    assert publications(desk.repository(worktree=True), catalog, LONG_AGO) == []
