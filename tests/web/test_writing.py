"""What a writer sees of a file's problems: on the article while writing, and in the work queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from flask import Flask
from flask.testing import FlaskClient

from app.accounts import Role
from app.portal import open_portal
from app.publishing import publish


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
