"""What the script adds to an article: tabs, the vote in place, the theme, and honest reading time."""

from __future__ import annotations

from playwright.sync_api import Page, expect

WITH_VARIANTS = "/en/articles/apple-pay-and-google-pay"


def test_yes_is_thanked_in_place_and_belongs_to_the_view_on_the_page(open_page, site):
    page = open_page("/en/articles/activate-your-card")
    page.get_by_role("button", name="Yes, solved").click()
    expect(page.get_by_role("status").filter(has_text="Thank you. Marked as solved.")).to_be_visible()
    tab = page.evaluate("sessionStorage.tab")
    (view,), (vote,) = site.events("view", tab=tab), site.events("vote", tab=tab)
    assert (vote["value"], vote["view_id"]) == (1, view["view_id"])
    assert view.get("beacon", True)


def test_no_leads_to_reasons_and_to_a_person(open_page, site):
    page = open_page("/en/articles/activate-your-card")
    page.get_by_role("button", name="No, I’m still stuck").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What was missing?")
    page.get_by_label("In your words").fill("The app has no such button")
    page.get_by_role("button", name="Send this as a request").click()
    expect(page.locator("textarea[name=message]")).to_have_value("The app has no such button")


def test_reading_is_reported_when_the_reader_leaves(open_page, site):
    page = open_page("/en/articles/activate-your-card")
    tab = page.evaluate("sessionStorage.tab")
    for _ in range(3):
        page.mouse.wheel(0, 100)
        page.wait_for_function("t => performance.now() > t", arg=page.evaluate("performance.now()") + 600)
    with page.expect_request_finished(lambda request: request.url.endswith("/api/v1/events")):
        page.evaluate("window.dispatchEvent(new Event('pagehide'))")
    view = site.events("view", tab=tab)[0]
    dwell = site.events("dwell", view_id=view["view_id"])
    assert dwell
    assert 500 <= dwell[-1]["active_ms"] < 60_000


def test_the_theme_is_chosen_by_a_button_and_remembered(open_page):
    page = open_page("/en/")
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.goto("/en/browse")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_a_notice_can_be_put_away_and_stays_away(open_page):
    page = open_page("/en/")
    expect(page.get_by_role("region", name="Service notice")).to_have_count(1)
    page.get_by_role("button", name="Hide this notice").click()
    expect(page.get_by_role("region", name="Service notice")).to_have_count(0)
    page.goto("/en/browse")
    expect(page.get_by_role("region", name="Service notice")).to_have_count(0)


def test_the_language_menu_opens_closes_and_leads_to_the_same_page(open_page):
    page: Page = open_page("/en/articles/my-card-has-not-arrived")
    page.locator("details.menu summary").first.click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="עברית")).to_be_hidden()
    page.locator("details.menu summary").first.click()
    page.get_by_role("link", name="עברית").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    assert "/he/articles/" in page.url


def test_variants_become_tabs_that_remember_the_choice_and_print_whole(open_page):
    page = open_page(WITH_VARIANTS)
    tabs = page.get_by_role("tab")
    assert tabs.count() >= 2
    expect(tabs.first).to_have_attribute("aria-selected", "true")
    tabs.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tabs.nth(1)).to_be_focused()
    expect(tabs.nth(1)).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel")).to_have_count(1)
    page.keyboard.press("Home")
    expect(tabs.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("End")
    page.reload()
    expect(page.get_by_role("tab").last).to_have_attribute("aria-selected", "true")
    page.emulate_media(media="print")
    panels = page.locator(".variant").all()
    assert [panel.is_visible() for panel in panels] == [True] * len(panels) and len(panels) > 1
    expect(page.get_by_role("tab")).to_have_count(0)


def test_bold_words_in_the_text_of_a_callout_stay_in_their_line(open_page):
    page = open_page("/en/articles/cash-machine-kept-my-card")
    shown = "e => getComputedStyle(e).display"
    assert page.locator(".art .callout p strong", has_text="Cards").evaluate(shown) == "inline"
    assert page.locator(".art .callout > strong").evaluate(shown) == "block"


def test_the_link_of_an_article_can_be_copied(open_page):
    page = open_page("/en/articles/activate-your-card", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_text("Copy link to this page").click()
    expect(page.get_by_text("Link copied").first).to_be_visible()
    assert "/a/" in page.evaluate("navigator.clipboard.readText()")


def test_a_password_can_be_shown_while_it_is_typed(open_page):
    page = open_page("/sign-in")
    field, button = page.locator("#password"), page.locator("[data-show-password]")
    field.fill("tiger lamp")
    button.click()
    assert (field.get_attribute("type"), button.inner_text(), button.get_attribute("aria-pressed")) == ("text", "Hide password", "true")
    button.click()
    assert (field.get_attribute("type"), button.inner_text(), button.get_attribute("aria-pressed")) == (
        "password",
        "Show password",
        "false",
    )
