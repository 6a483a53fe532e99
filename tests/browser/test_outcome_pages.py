"""What managers, editors and agents do with outcomes, in a real browser on a portal with weeks of searches: by keyboard, narrow, without script."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from app import deflection
from app.accounts import Role
from app.deflection.recording import simulate
from app.deflection.recording.exchange import import_events
from tests.browser.conftest import ROOT, Site, serve_demo
from tests.browser.test_every_page import check
from tests.waiting import until

Open = Callable[..., Page]
HUMAN = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A portal of its own: what is learnt from these searches must not help those of other tests."""
    with serve_demo(tmp_path_factory.mktemp("weeks"), survey_share=1.0) as site:
        now = datetime.now(UTC)
        asked = {"en": ("freeze my card", "freezing my card now", "card freeze")}
        topics = [
            simulate.Subject("freeze", asked, ("cards/lost-or-stolen-card",), 0.5, 0.5),
            simulate.Subject("shares", {"en": ("buy shares in the app",), "he": ("לקנות מניות",)}, (), 0.3, 0.5),
        ]
        start = int((now - timedelta(days=80)).timestamp() * 1000)
        import_events(site.portal.database, simulate.lines(simulate.stream(11, topics, 700, start, 79)))
        deflection.recompute_due(site.portal.database, now)
        with site.portal.database.session() as db:
            while deflection.assign_due(db, now):
                pass
            deflection.name_clusters(db, now, 3)
        yield site


def group_about(site: Site, query: str) -> str:
    """The address of the group that a search is in, whatever it is called."""
    with site.portal.database.session() as db:
        cluster = db.execute(
            text("SELECT cluster FROM need WHERE q = :query AND cluster IS NOT NULL LIMIT 1"), {"query": query}
        ).scalar_one()
    return f"/reports/groups/{cluster}"


@pytest.mark.parametrize("language", ["en", "he"])
@pytest.mark.parametrize(
    "path", ["/reports/", "/reports/today", "/reports/trial", "/reports/notes", "/reports/phrases", "/reports/definitions"]
)
def test_reports_with_numbers_hold_in_every_look(open_page: Open, sign_in: Callable[[Role], str], path: str, language: str) -> None:
    page = open_page("/robots.txt", bypass_csp=True, session=sign_in(Role.MANAGER), locale=language)
    if path == "/reports/notes":
        page.goto(path)
        page.get_by_label("What happened" if language == "en" else "מה קרה").fill("The app was slow for the whole of one long afternoon")
        page.keyboard.press("Enter")
        page.wait_for_selector("main table")
    page.goto(path)
    for summary in page.query_selector_all("main details:not([open]) > summary"):
        summary.click()
    check(page, f"{path} {language}")


def test_a_group_fits_a_phone_without_scrolling_its_table(open_page: Open, site: Site, sign_in: Callable[[Role], str]) -> None:
    page = open_page(group_about(site, "freeze my card"), bypass_csp=True, session=sign_in(Role.WRITER))
    page.set_viewport_size({"width": 360, "height": 760})
    assert page.locator("#queries").evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    check(page, "a group")


def test_an_editor_splits_and_renames_a_group_by_keyboard_and_takes_it_back(
    open_page: Open, site: Site, sign_in: Callable[[Role], str]
) -> None:
    page = open_page(group_about(site, "freeze my card"), session=sign_in(Role.WRITER))
    name = page.get_by_role("heading", level=1).inner_text()
    wording = page.locator("#queries label").last.inner_text()
    page.locator("#new-name").focus()
    page.keyboard.type("Only now")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page).to_have_title(f"Error: {name} · Fennel Help")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#queries")).to_be_in_viewport()
    expect(page.locator("#new-name")).to_have_value("Only now")
    page.get_by_role("checkbox", name=wording).focus()
    page.keyboard.press("Space")
    page.locator("#new-name").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Only now")
    expect(page.get_by_text(f"Split {wording}")).to_be_visible()
    page.locator("#name").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("Freezing at once")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Freezing at once")
    page.get_by_role("button", name="Undo Renamed").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Only now")
    page.get_by_role("button", name="Undo Split").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.get_by_role("checkbox", name=wording)).to_be_visible()


def test_the_draft_of_a_group_passes_the_check_as_it_comes(
    open_page: Open, site: Site, sign_in: Callable[[Role], str], tmp_path: Path
) -> None:
    page = open_page(group_about(site, "buy shares in the app"), session=sign_in(Role.WRITER))
    with page.expect_download() as download:
        page.get_by_role("link", name="Start this article").click()
    folder = tmp_path / "articles" / "en" / "account"
    folder.mkdir(parents=True)
    download.value.save_as(folder / download.value.suggested_filename)
    (tmp_path / "articles" / "site.yml").write_text((ROOT / "articles" / "site.yml").read_text())
    (tmp_path / "articles" / "en" / "account" / "_category.yml").write_text("title: Your account\n")
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=I", "-c", "user.email=i@example.com", "commit", "-qm", "A draft"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    environment = {**os.environ, "HYLLA_CONTENT_REPOSITORY": str(tmp_path), "HYLLA_DATA_FOLDER": str(tmp_path / "data")}
    environment["HYLLA_INDEX_FOLDER"] = str(tmp_path / "index")
    flask = [sys.executable, "-m", "flask", "--app", "app", "kb", "check", "articles/en/account/" + download.value.suggested_filename]
    checked = subprocess.run(flask, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count("error:") == 0
    assert checked.stdout.count("warning: there is no summary") == 1, "the file is checked, and only the summary is left to write"


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
@pytest.mark.parametrize(("press", "thanks"), [("Yes", "Thank you."), ("Do not ask again", "We will not ask again.")])
def test_the_question_comes_at_the_next_visit_and_is_answered_by_keyboard(
    open_page: Open, site: Site, script: bool, press: str, thanks: str
) -> None:
    page = open_page("/en/search?q=card+declined", java_script_enabled=script, user_agent=HUMAN)
    question = page.get_by_role("heading", name="Did you find what you needed?")
    expect(question).to_have_count(0)
    visitor = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "hylla_visitor")
    until(lambda: site.events("search", visitor=visitor), what="the search")
    with site.portal.database.session() as db:
        db.execute(text("UPDATE event SET t = t - 1800000, t_recv = t_recv - 1800000 WHERE visitor = :visitor"), {"visitor": visitor})
    page.goto("/en/search?q=pin")
    expect(question).to_be_visible()
    page.get_by_role("button", name=press, exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(thanks)).to_be_visible()
    expect(page).to_have_url(f"{site.address}/en/search?q=pin")
    page.goto("/en/search?q=limit")
    expect(question).to_have_count(0)
