"""The search field by keyboard, as the ARIA practices describe an editable combobox, and without script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect


def field(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Search help")


def typed(page: Page, words: str = "card") -> Locator:
    """The field with an open list for `words`."""
    box = field(page)
    box.press_sequentially(words)
    expect(box).to_have_attribute("aria-expanded", "true")
    return box


def selected(page: Page) -> str | None:
    """The id of the active option, after checking that the page marks exactly that one."""
    active = page.evaluate("document.activeElement.getAttribute('aria-activedescendant')")
    marked = page.locator("[role=option][aria-selected=true]")
    expect(marked).to_have_count(1 if active else 0)
    assert active is None or marked.get_attribute("id") == active
    return active


@pytest.fixture
def home(open_page) -> Page:
    return open_page("/en/")


def test_typing_opens_the_list_and_selects_nothing(home: Page):
    box = typed(home)
    assert selected(home) is None
    expect(home.get_by_role("option").last).to_contain_text("See all results for “card”")
    expect(home.get_by_role("listbox")).to_be_visible()
    assert box.get_attribute("aria-controls") == home.get_by_role("listbox").get_attribute("id")


def test_one_letter_asks_nothing(home: Page):
    asked: list[str] = []
    home.on("request", lambda request: asked.append(request.url) if "/suggest" in request.url else None)
    field(home).press_sequentially("c")
    field(home).press_sequentially("a")
    expect(field(home)).to_have_attribute("aria-expanded", "true")
    assert [url.split("q=")[1].split("&")[0] for url in asked] == ["ca"]


def test_down_and_up_walk_the_list_and_pass_through_the_field(home: Page):
    typed(home)
    count = home.get_by_role("option").count()
    walked = []
    for _ in range(count + 1):
        home.keyboard.press("ArrowDown")
        walked.append(selected(home))
    assert walked[:-1] == [option.get_attribute("id") for option in home.get_by_role("option").all()]
    assert walked[-1] is None
    home.keyboard.press("ArrowUp")
    assert selected(home) == "q-list-all"
    home.keyboard.press("ArrowUp")
    assert selected(home) == walked[-3]


def test_the_focus_never_leaves_the_field(home: Page):
    typed(home)
    home.keyboard.press("ArrowDown")
    expect(field(home)).to_be_focused()


def test_down_opens_a_closed_list_without_selecting(home: Page):
    box = typed(home)
    home.keyboard.press("Escape")
    home.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-expanded", "true")
    assert selected(home) is None


def test_alt_down_opens_and_alt_up_closes(home: Page):
    box = typed(home)
    home.keyboard.press("Alt+ArrowUp")
    expect(box).to_have_attribute("aria-expanded", "false")
    home.keyboard.press("Alt+ArrowDown")
    expect(box).to_have_attribute("aria-expanded", "true")
    assert selected(home) is None


def test_escape_closes_first_and_clears_second(home: Page):
    box = typed(home)
    home.keyboard.press("Escape")
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(box).to_have_value("card")
    home.keyboard.press("Escape")
    expect(box).to_have_value("")


@pytest.mark.parametrize("key", ["ArrowLeft", "ArrowRight", "Home", "End"])
def test_keys_that_move_the_caret_drop_the_selection(home: Page, key: str):
    typed(home)
    home.keyboard.press("ArrowDown")
    home.keyboard.press(key)
    assert selected(home) is None


def test_tab_closes_and_leaves_without_choosing(home: Page):
    box = typed(home)
    home.keyboard.press("ArrowDown")
    home.keyboard.press("Tab")
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(box).to_have_value("card")
    expect(box).not_to_be_focused()


def test_enter_without_a_selection_searches(home: Page, site):
    typed(home, "card pin")
    home.keyboard.press("Enter")
    home.wait_for_url("**/en/search?q=card+pin*")
    assert site.events("search", q="card pin", mode="submit")


def test_no_suggestions_are_asked_for_once_the_search_is_sent(home: Page, site):
    asked: list[str] = []
    home.clock.install()
    home.on("request", lambda request: asked.append(request.url))
    home.route("**/en/search?**", lambda route: route.fulfill(status=204))  # still on its way: the page stays
    box = home.locator("#q")
    box.fill("a card that was declined")
    box.press("Enter")
    home.clock.run_for(1000)
    home.evaluate("fetch('/readyz')")
    assert any("/search?" in url for url in asked)
    assert any("/readyz" in url for url in asked)
    assert not any("suggest" in url for url in asked), "a list that nobody saw would be told as what was shown last"


def test_enter_on_an_option_opens_it_and_the_address_bar_stays_clean(home: Page, site):
    typed(home, "activate")
    home.keyboard.press("ArrowDown")
    home.keyboard.press("Enter")
    home.wait_for_url("**/en/articles/*")
    expect(home).to_have_url(re.compile(r"/articles/[\w-]+$"))
    tab = home.evaluate("sessionStorage.tab")
    with home.expect_request_finished(lambda r: r.url.endswith("/api/v1/events")):
        home.evaluate("document.title")
        home.reload()
    (click,) = site.events("click", tab=tab)
    typing = site.events("search", tab=tab, mode="type")[-1]
    assert (click["search_id"], click["rank"]) == (typing["search_id"], 1)
    assert site.events("view", tab=tab)[0]["source"] == "search"


def test_control_enter_opens_the_option_in_another_tab(home: Page):
    typed(home, "activate")
    home.keyboard.press("ArrowDown")
    with home.context.expect_page() as other:
        home.keyboard.press("Control+Enter")
    other.value.wait_for_url("**/en/articles/*")
    assert home.url.endswith("/en/")


def test_an_option_can_be_clicked_and_keeps_the_focus_until_then(home: Page):
    typed(home, "activate")
    home.get_by_role("option").first.click()
    home.wait_for_url("**/en/articles/*")


@pytest.mark.parametrize("keys", ["/", "Control+k"])
def test_shortcuts_put_the_reader_into_the_field(home: Page, keys: str):
    home.keyboard.press(keys)
    expect(field(home)).to_be_focused()
    expect(field(home)).to_have_value("")


def test_the_one_letter_shortcut_can_be_switched_off_and_stays_off(home: Page):
    switch = home.get_by_role("button", name="Keyboard shortcuts: on")
    switch.click()
    expect(home.get_by_role("button", name="Keyboard shortcuts: off")).to_be_visible()
    home.reload()
    home.keyboard.press("/")
    expect(field(home)).not_to_be_focused()
    home.keyboard.press("Control+k")
    expect(field(home)).to_be_focused()


def test_the_number_of_suggestions_is_announced_politely(home: Page):
    typed(home)
    count = home.get_by_role("option").count() - 1
    expect(home.locator("[role=status].vh", has_text=f"{count} suggestions")).to_have_count(1)


def test_no_match_is_said_and_enter_still_searches(home: Page):
    typed(home, "zzgxqv")
    expect(home.get_by_role("option")).to_have_count(1)
    expect(home.locator("[role=status].vh", has_text="No title matches.")).to_have_count(1)


def test_a_server_that_fails_closes_the_list_and_says_so(home: Page):
    home.route("**/suggest?*", lambda route: route.fulfill(status=204, body=""))
    field(home).press_sequentially("card")
    expect(home.locator("[role=status].vh", has_text="Quick search is off.")).to_have_count(1)
    expect(field(home)).to_have_attribute("aria-expanded", "false")


def test_without_script_the_field_is_a_plain_form(open_page, site):
    page = open_page("/en/", java_script_enabled=False)
    page.locator("#q").fill("refund")
    page.locator("form[role=search] button").click()
    expect(page.locator("h1")).to_contain_text("refund")
    tab = page.locator("input[name=t]").get_attribute("value")
    page.locator(".hits a").first.click()
    expect(page.locator("h1")).to_be_visible()
    (click,) = site.events("click", tab=tab)
    (view,) = site.events("view", tab=tab)
    assert (view["beacon"], view["search_id"], click["rank"]) == (False, click["search_id"], 1)


def test_without_script_nothing_is_shown_that_only_works_with_it(open_page):
    page = open_page("/en/articles/activate-your-card", java_script_enabled=False)
    for selector in ("[data-theme-toggle]", "[data-shortcuts]", "[data-print]"):
        expect(page.locator(selector)).to_be_hidden()
    page.locator("details.menu summary").first.click()
    expect(page.get_by_role("link", name="svenska")).to_be_visible()


def test_hebrew_letters_before_a_word_stay_outside_its_mark(open_page):
    page = open_page("/he/")
    page.locator("#q").press_sequentially("הכרטיס")
    expect(page.get_by_role("option").first).to_be_visible()
    marks = page.locator("[role=option] mark").all_inner_texts()
    assert marks
    assert set(marks) <= {"כרטיס", "הכרטיס"}


def test_an_address_that_is_passed_on_names_no_tab_and_what_was_counted_still_hangs_together(open_page, site):
    page = open_page("/en/search?q=freeze%20a%20card&t=tab-of-somebody-else&category=security")
    expect(page).to_have_url(f"{site.address}/en/search?q=freeze+a+card&category=security")
    page.get_by_role("link", name="All topics").click()
    expect(page).to_have_url(f"{site.address}/en/search?q=freeze+a+card")
    page.reload()
    page.get_by_role("link", name="Send a request").click()
    expect(page).to_have_url(re.compile(r"/en/contact\?q=freeze\+a\+card&s=\w+$"))
    searched = site.events("search", q="freeze a card", mode="submit")[-3:]
    opened = site.events("form_open", tab=searched[0]["tab"])[-1]
    assert searched[0]["tab"] == searched[1]["tab"] == opened["tab"] == "tab-of-somebody-else"
    assert len({event["visitor"] for event in [*searched, opened]}) == 1, "the reload too belongs to the same visit"


def test_a_browser_that_wants_no_cookie_keeps_the_tab_in_the_address_for_a_reload(open_page, site):
    page = open_page("/en/search?q=freeze%20a%20card&t=tab-of-this-window", extra_http_headers={"Sec-GPC": "1"})
    page.reload()
    page.get_by_role("link", name="All topics").click()
    page.wait_for_load_state()
    assert [e["tab"] for e in site.events("search", q="freeze a card", mode="submit")[-3:]] == ["tab-of-this-window"] * 3


def test_a_row_of_filters_that_is_too_wide_shows_the_chosen_one(open_page):
    for path in ("/en/search?q=card&type=fees", "/he/search?q=כרטיס&type=fees"):
        page = open_page(path, width=360)
        box = page.locator(".filters [aria-current]").nth(0).bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 360
        assert page.evaluate("scrollX") == 0 and page.evaluate("scrollY") == 0
