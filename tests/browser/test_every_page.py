"""Every page, light and dark, wide and narrow: no axe violation, no complaint, no sideways scroll, targets large enough."""

from __future__ import annotations

import json
from pathlib import Path

import axe_playwright_python
import pytest

from app.accounts import Role

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

CUSTOMER_PAGES = [
    "/en/", "/he/", "/en/browse", "/en/categories/cards", "/sv/categories/cards", "/en/articles/activate-your-card",
    "/en/articles/apple-pay-and-google-pay", "/he/articles/my-card-has-not-arrived", "/ru/articles/activate-your-card",
    "/en/articles/activate-your-card/history", "/en/articles/activate-your-card/feedback", "/en/search?q=card+payment", "/he/search?q=כרטיס",
    "/en/search?q=zzgxqv", "/en/contact", "/he/contact", "/en/requests", "/sign-in", "/en/privacy",
]  # fmt: skip
STAFF_PAGES = [
    ("/agent/", Role.AGENT),
    ("/reports/", Role.MANAGER),
    ("/reports/labels", Role.WRITER),
    ("/writer/", Role.WRITER),
    ("/admin/", Role.ADMIN),
    ("/account", Role.CUSTOMER),
    ("/account/codes", Role.WRITER),
]
FAILING = ["/en/nothing-here"]
LOOKS = [(1280, False), (1280, True), (360, False), (360, True)]

SIDEWAYS = "document.documentElement.scrollWidth - innerWidth"
SPACING = (
    "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }"
    "p { margin-block-end: 2em !important }"
)
SMALL = """() => [...document.querySelectorAll('a, button, input, summary, select')].filter((e) => {
  const box = e.getBoundingClientRect();
  const inText = e.closest('p, td, dd, .prose, .callout, .facts, .src');
  const excused = e.closest('.vh') || e.matches('.skip, .anchor, [type=radio], [type=checkbox]');
  return box.width > 0 && !inText && !excused && (box.height < 24 || box.width < 24);
}).map((e) => e.outerHTML.slice(0, 120))"""


def violations(page) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(f"axe.run(document, {{runOnly: {json.dumps(RULES)}, resultTypes: ['violations']}})")["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found]


def check(page, name: str) -> None:
    for width, dark in LOOKS:
        page.set_viewport_size({"width": width, "height": 900 if width > 500 else 760})
        page.emulate_media(color_scheme="dark" if dark else "light")
        assert violations(page) == [], f"{name} {width} {'dark' if dark else 'light'}"
        assert page.evaluate(SIDEWAYS) <= 0, f"{name} scrolls sideways at {width}"
    assert page.evaluate(SMALL) == [], name
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate(SIDEWAYS) <= 0, f"{name} scrolls sideways at 320"
    page.add_style_tag(content=SPACING)
    assert page.evaluate(SIDEWAYS) <= 0, f"{name} scrolls sideways at 320 with wide spacing"


@pytest.mark.parametrize("path", CUSTOMER_PAGES)
def test_customer_pages_hold_in_every_look(open_page, path: str):
    check(open_page(path, bypass_csp=True), path)


@pytest.mark.parametrize(("path", "role"), STAFF_PAGES)
def test_pages_behind_a_sign_in_hold_in_every_look(open_page, sign_in, path: str, role: Role):
    check(open_page(path, bypass_csp=True, session=sign_in(role)), path)


def test_an_internal_article_holds_and_says_what_it_is(open_page, sign_in, site):
    from app.content import STAFF

    portal = site.portal
    internal = next(
        a for a in portal.current.get().visible(STAFF, portal.current.get().published_at.date(), "en") if a.audience == "agents"
    )
    page = open_page(internal.url, bypass_csp=True, session=sign_in(Role.AGENT))
    assert page.get_by_text("Internal", exact=True).first.is_visible()
    check(page, internal.url)


def test_the_open_list_of_suggestions_holds_too(open_page):
    page = open_page("/en/articles/activate-your-card", bypass_csp=True)
    page.get_by_role("combobox").press_sequentially("card")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    assert violations(page) == []
    page.emulate_media(forced_colors="active")
    assert page.locator("[role=option][aria-selected=true]").evaluate("e => getComputedStyle(e).backgroundColor") != page.locator(
        "[role=option][aria-selected=false]"
    ).first.evaluate("e => getComputedStyle(e).backgroundColor")


@pytest.mark.parametrize(
    "path", ["/en/", "/en/articles/activate-your-card", "/en/search?q=card", "/en/contact", "/he/", "/en/browse", "/sign-in"]
)
def test_nothing_is_blocked_by_the_policy_and_no_request_leaves_the_site(open_page, site, path: str):
    asked: list[str] = []
    page = open_page("/robots.txt")
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path)
    page.wait_for_load_state("networkidle")
    assert asked
    assert [url for url in asked if not url.startswith(site.address)] == []
    loaded = [url for url in asked if "/api/v1/events" not in url]
    assert len(loaded) <= 8  # page, stylesheet, two scripts, icon and at most three fonts


def test_nothing_moves_while_a_page_loads(open_page):
    page = open_page("/robots.txt")
    page.add_init_script(
        "window.moved = 0; new PerformanceObserver((list) => list.getEntries().forEach((e) => { if (!e.hadRecentInput) window.moved += e.value; }))"
        ".observe({ type: 'layout-shift', buffered: true });"
    )
    page.goto("/en/articles/activate-your-card")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.moved") <= 0.01


def test_an_error_page_holds_in_every_look(browser, site):
    context = browser.new_context(base_url=site.address, bypass_csp=True, reduced_motion="reduce")
    page = context.new_page()
    for path in FAILING:
        page.goto(path)
        check(page, path)
    context.close()
