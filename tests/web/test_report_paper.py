"""The report on paper, in a real browser: one sheet, on which no number stands without its size and its interval."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from app.accounts import Role
from tests.browser.conftest import FLAGS
from tests.web.report_weeks import fill

A4 = {"width": 733, "height": 1062}
"""The sheet between its margins, in CSS pixels."""
BETWEEN = r"−?[\d.,]+(?: (?:s|min|h|d))? to \+?[\d.,]+"


@pytest.fixture
def paper(portal, signed_in, playwright):
    """Opens a page of the reports as it is printed."""
    fill(portal)
    manager = signed_in(Role.MANAGER)
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)

    def answer(route):
        address = urlsplit(route.request.url)
        with manager.get(f"{address.path}?{address.query}") as response:
            route.fulfill(status=response.status_code, headers=dict(response.headers), body=response.get_data())

    def open_(path):
        page = browser.new_page(viewport=A4)
        page.route("**/*", answer)
        page.goto(f"http://localhost{path}")
        page.emulate_media(media="print")
        return page

    yield open_
    browser.close()


def texts(page, selector):
    return [re.sub(r"\s+", " ", node.inner_text()) for node in page.locator(selector).all() if node.is_visible()]


@pytest.mark.parametrize("locale", ["en", "sv"])
@pytest.mark.parametrize("weeks", [4, 13])
def test_the_report_is_printed_on_one_sheet(paper, portal, locale, weeks):
    with portal.database.durable_session() as db:
        db.execute(text("UPDATE users SET locale = :locale"), {"locale": locale})
    sheets = paper(f"/reports/?w={weeks}").pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", sheets)) == 1


def test_every_number_on_paper_has_its_size_and_its_interval(paper):
    page = paper("/reports/?w=13")
    failures = texts(page, 'section[aria-labelledby="h-miss"] tbody tr')
    assert len(failures) >= 5
    for row in failures:
        assert re.search(rf"\d+ ?of \d+ .*\b[\d.]+ ?{BETWEEN}\b", row), row
    articles = texts(page, 'section[aria-labelledby="h-eff"] tbody tr')
    assert len(articles) >= 5
    for row in articles:
        assert re.search(rf"\d+ ?[\d.]+% \({BETWEEN}\) \d+% ?\d+ to \d+ \d+ / \d+ ?(few votes )?[\d.]+% ?{BETWEEN}$", row), row
    for cell in texts(page, ".strip > div"):
        assert re.search(rf"{BETWEEN}|–", cell), cell
        assert re.search(r"of [\d,]+|[\d,]+ (requests|questions)", cell), cell
    for ending in texts(page, "ol.funnel small")[1:]:
        assert re.match(rf"[\d.]+% \({BETWEEN}\)", ending), ending
    newest = texts(page, 'section[aria-labelledby="h-trend"] .legend li')[-1]
    assert re.search(rf": [\d.]+% \({BETWEEN}\), \d+ questions$", newest), newest
