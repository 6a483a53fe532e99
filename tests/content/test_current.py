"""The catalog that is served: it follows what is published, and never fails a reader who already had one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from writers_desk import NOW, TODAY, Desk, article

from app.content import VISITOR, Catalog, ContentUnavailable, CurrentCatalog
from app.content.store import ContentStore


def test_before_the_first_publish_there_is_nothing_and_it_says_what_to_do(desk: Desk) -> None:
    with pytest.raises(ContentUnavailable, match="flask kb publish"):
        desk.current().get()


def test_a_new_revision_is_served_and_only_what_changed_is_read(bikes: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    bikes.gather()
    current = bikes.current()
    first = current.get()
    whole: list[int] = []
    original = ContentStore.files
    monkeypatch.setattr(ContentStore, "files", lambda self, number: whole.append(number) or original(self, number))
    bikes.write("en/hire/end-a-hire.md", article("Changed"))
    bikes.remove("en/hire/pause-a-hire.md")
    published = bikes.publish()
    whole.clear()
    second = current.get()
    assert whole == [], "the whole base was read again"
    assert second.revision == published.revision != first.revision
    assert second.files == published.files
    assert second.article("en", "unlock-a-bike") is first.article("en", "unlock-a-bike"), "what is the same is shared"
    assert second.article("en", "pause-a-hire") is None and first.article("en", "pause-a-hire") is not None


def test_a_process_that_slept_through_many_revisions_catches_up(bikes: Desk) -> None:
    bikes.gather()
    current = bikes.current()
    current.get()
    for number in range(9):
        bikes.write(f"en/hire/new-{number}.md", article(f"New {number}"))
        bikes.commit()
        published = bikes.gather(now=NOW + timedelta(minutes=number)).catalog
    assert current.get().files == published.files


def test_the_pointer_is_looked_at_only_now_and_then(bikes: Desk, clock: Callable[[], float]) -> None:
    bikes.gather()
    s = bikes.settings
    time = [0.0]
    current = CurrentCatalog(s.index_folder, s.data_folder, check_every=1.0, clock=lambda: time[0])
    first = current.get()
    bikes.write("en/hire/end-a-hire.md", article("Changed"))
    bikes.publish()
    time[0] = 0.9
    assert current.get() is first
    time[0] = 1.1
    assert current.get() is not first


def test_the_search_engine_is_opened_before_the_catalog_is_given_out(bikes: Desk) -> None:
    bikes.gather()
    s = bikes.settings
    opened: list[tuple[str, str, Catalog | None]] = []
    current = CurrentCatalog(s.index_folder, s.data_folder, lambda c, g: opened.append((c.revision, g, current._catalog)), check_every=0)
    catalog = current.get()
    current.get()
    assert opened == [(catalog.revision, "g1", None)]


def test_what_was_served_stays_served_when_the_store_or_the_pointer_is_lost(bikes: Desk) -> None:
    bikes.gather()
    current = bikes.current()
    first = current.get()
    bikes.settings.index_folder.joinpath("CURRENT").unlink()
    assert current.get() is first
    bikes.write("en/hire/end-a-hire.md", article("Changed"))
    bikes.publish()
    for file in bikes.settings.data_folder.glob("content.sqlite3*"):
        file.unlink()
    assert current.get() is first, "a reader is better served with the old text than with none"
    bikes.gather(now=NOW + timedelta(minutes=1))
    assert current.get().find("en", "end-a-hire", VISITOR, TODAY).title == "Changed"


def test_many_threads_read_while_revisions_change(bikes: Desk) -> None:
    bikes.gather()
    current = bikes.current()
    stop, failures = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            try:
                catalog = current.get()
                for found in catalog.visible(VISITOR, TODAY):
                    assert catalog.rendering(found).html
            except Exception as error:  # collected, and shown by the assertion below
                failures.append(error)
                return

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(4):
        bikes.write("en/hire/end-a-hire.md", article(f"Version {number}", f"Text {number}\n"))
        last = bikes.publish()
    stop.set()
    for thread in threads:
        thread.join(20)
    assert failures == [] and current.get().revision == last.revision
