"""What a writer sees of a file's problems: on the article while writing, and in the work queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts import Role
from app.content import ContentUnavailable, staleness
from app.portal import Portal, open_portal
from app.publishing import publish
from app.search import open_engine


def test_problems_of_a_file_stand_on_its_page_where_uncommitted_files_are_served_and_nowhere_else(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app()
    portal = app.extensions["portal"]
    file = portal.articles.disk_folder / "en/cards/with-a-broken-link.md"
    file.write_text("---\ntitle: With a broken link\nsummary: Short.\n---\n\nSee [that](../cards/not-there.md).\n")
    writing = replace(
        portal.settings, content_worktree=True, data_folder=portal.settings.root / "w", index_folder=portal.settings.root / "wi"
    )
    try:
        desk = open_portal(writing)
        publish(writing, desk.articles, desk.engine, datetime.now(UTC))
        page = make_app(**{f: getattr(writing, f) for f in ("content_worktree", "data_folder", "index_folder")}).test_client().get(
            "/en/articles/with-a-broken-link"
        )  # fmt: skip
        assert "with-a-broken-link.md:6" in page.get_data(as_text=True)
        desk.close()
        assert app.test_client().get("/en/articles/with-a-broken-link").status_code == 404
    finally:
        file.unlink()


def test_the_work_queue_names_overdue_reviews_and_missing_translations(signed_in: Callable[..., FlaskClient]) -> None:
    page = signed_in(Role.WRITER).get("/writer/").get_data(as_text=True)
    assert "What to write next" in page
    assert "Published revision" in page


def test_customers_do_not_reach_the_work_queue(client: FlaskClient, signed_in: Callable[..., FlaskClient]) -> None:
    assert client.get("/writer/").status_code == 302
    assert signed_in(Role.CUSTOMER).get("/writer/").status_code == 403


def test_content_that_cannot_be_brought_up_is_served_as_it_was_and_writers_and_probes_are_told_since_when(
    signed_in: Callable[..., FlaskClient], portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(portal.settings, data_folder=tmp_path / "data", index_folder=tmp_path / "index")
    engine = open_engine(settings.path(settings.index_folder))
    noon = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)

    def bring_up(later: timedelta) -> None:
        publish(settings, portal.articles, engine, noon + later)

    def told() -> tuple[dict[str, str], str]:
        client = signed_in(Role.WRITER, email=f"writer{len(list(tmp_path.iterdir()))}{datetime.now(UTC).timestamp()}@example.com")
        monkeypatch.setattr(portal, "settings", replace(portal.settings, data_folder=settings.data_folder))
        assert client.get("/readyz").status_code == 200, "readers are served all the same"
        return client.get("/readyz").get_json()["warnings"], client.get("/writer/").get_data(as_text=True)

    bring_up(timedelta())
    assert told()[0] == {} and "New articles may be missing" not in told()[1]

    def away() -> bool:
        raise ContentUnavailable("git fetch failed: could not resolve host git.example.com")

    with monkeypatch.context() as broken:
        broken.setattr(portal.articles, "fetch", away)
        for hours in (1, 2):
            bring_up(timedelta(hours=hours))
        warnings, page = told()
        assert warnings == {"content": "may be older than its repository since 2026-11-28T13:00:00+00:00; /writer/ says why"}
        assert "New articles may be missing since" in page and "could not resolve host git.example.com" in page
        broken.setattr(portal.articles, "snapshot", away)
        with pytest.raises(ContentUnavailable):
            bring_up(timedelta(hours=3))
        found = staleness(settings.data_folder)
        assert found and found.since == noon + timedelta(hours=1), "since the first try in vain"
    bring_up(timedelta(hours=4))
    assert staleness(settings.data_folder) is None
    engine.close()


def test_a_note_that_cannot_be_read_stops_nobody(tmp_path: Path) -> None:
    assert staleness(tmp_path) is None
    for text in ("", "[]", '{"since": "yesterday", "reason": "x"}', '{"since": 1}'):
        (tmp_path / "content-is-stale.json").write_text(text)
        assert staleness(tmp_path) is None
