"""The contact form and the desk in a real browser: answers while writing, words that survive, everything by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from app.accounts import Role
from app.tickets import TicketDraft, articles_used, find, submit, tickets_of
from tests.browser.conftest import Site

Open = Callable[..., Page]


def new_request(site: Site, subject: str, key: str) -> int:
    with site.portal.database.durable_session() as db:
        return submit(db, TicketDraft(subject, "Hi, it was declined twice.", f"{key}@example.com", key), datetime.now(UTC)).ticket.number


def test_answers_come_while_writing_and_never_take_the_focus(open_page: Open, site: Site, sign_in: Callable[[Role], str]) -> None:
    page = open_page("/en/contact", session=sign_in(Role.AGENT))  # staff are in no trial: they see what most customers see
    page.wait_for_load_state("networkidle")
    page.locator("#subject").press_sequentially("my card was declined")
    expect(page.locator("details[name=answer]")).to_have_count(3)
    expect(page.locator("#subject")).to_be_focused()
    expect(page.get_by_role("button", name="This answered my question").first).to_be_visible()
    page.locator("#message").fill("Half a text")
    page.locator("details[name=answer] a").first.click()
    page.wait_for_url("**/articles/**")
    page.goto("/en/contact")
    expect(page.locator("#subject")).to_have_value("my card was declined")
    expect(page.locator("#message")).to_have_value("Half a text")
    assert len(site.events("suggest")) >= 1


def test_a_request_is_sent_at_once_with_script_and_a_double_click_makes_one(open_page: Open, site: Site) -> None:
    page = open_page("/en/contact?q=zebra+stripes+missing")
    page.wait_for_load_state("networkidle")
    page.locator("#message").fill("They are gone.")
    page.locator("#email").fill("zebra@example.com")
    page.get_by_role("button", name="Send request").dblclick()
    expect(page.get_by_role("heading", name="We have your request")).to_be_visible()
    with site.portal.database.session() as db:
        assert len(tickets_of(db, "zebra@example.com")) == 1


def test_without_script_a_request_can_be_sent(open_page: Open, site: Site) -> None:
    page = open_page("/en/contact", java_script_enabled=False)
    page.locator("#subject").fill("qqzx vvkj")
    page.locator("#message").fill("Nothing fits this.")
    page.locator("#email").fill("noscript@example.com")
    page.locator("#email").press("Enter")
    expect(page.get_by_role("heading", name="We have your request")).to_be_visible()


def test_a_safety_topic_brings_up_the_phone(open_page: Open) -> None:
    page = open_page("/en/contact")
    page.wait_for_load_state("networkidle")
    page.locator("#topic").select_option("fraud")
    expect(page.locator("[data-safety=fraud]")).to_be_visible()
    expect(page.locator("[data-safety=fraud] a")).to_have_attribute("href", "tel:+442079460160")


def test_an_agent_answers_without_a_mouse(open_page: Open, site: Site, sign_in: Callable[[Role], str]) -> None:
    number = new_request(site, "Card declined in Lisbon", "keyboard")
    page = open_page(f"/agent/requests/{number}", session=sign_in(Role.AGENT), permissions=["clipboard-read", "clipboard-write"])
    page.wait_for_load_state("networkidle")
    page.keyboard.press("/")
    expect(page.locator("#aq")).to_be_focused()
    with page.expect_response("**/agent/answers?q=virtual*"):
        page.keyboard.type("virtual card declined")
        page.keyboard.press("Enter")
    first = page.locator("[data-ans] li[data-id]").first
    expect(first).to_be_focused()
    link = str(first.get_attribute("data-link"))
    with page.expect_response("**/uses"):
        page.keyboard.press("m")
    assert link in page.evaluate("navigator.clipboard.readText()")
    with page.expect_response("**/uses"):
        page.keyboard.press("h")
    rich = "async () => (await (await navigator.clipboard.read())[0].getType('text/html')).text()"
    assert f'<a href="{link}">{first.get_attribute("data-title")}</a>' in page.evaluate(rich).replace("&amp;", "&")
    assert page.evaluate("navigator.clipboard.readText()") == f"{first.get_attribute('data-title')}: {link}"
    with page.expect_response("**/uses"):
        page.keyboard.press("q")
    expect(page.locator("#text")).to_be_focused()
    assert page.locator("#text").input_value() == f"“{first.get_attribute('data-quote')}”\n{first.get_attribute('data-title')}: {link}"
    assert "[[" not in str(first.get_attribute("data-quote"))
    page.keyboard.press("Enter")
    first.focus()
    with page.expect_response("**/uses"):
        page.keyboard.press("Enter")
    expect(page.locator("#text")).to_be_focused()
    assert link in page.locator("#text").input_value()
    with page.expect_response("**/draft"):
        page.keyboard.type(" Does it help?")
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator(".msg-out")).to_contain_text("Does it help?")
    with site.portal.database.session() as db:
        ticket = find(db, number)
        assert ticket.status == "waiting"
        assert {use.how for use in articles_used(db, ticket.id)} == {"inserted", "quoted", "markdown", "html"}


def test_a_note_is_not_sent_as_a_reply_by_a_slip(open_page: Open, site: Site, sign_in: Callable[[Role], str]) -> None:
    number = new_request(site, "A quiet matter", "slip")
    page = open_page(f"/agent/requests/{number}", session=sign_in(Role.AGENT))
    page.wait_for_load_state("networkidle")
    page.keyboard.press("n")
    expect(page.get_by_text("The customer never sees this")).to_be_visible()
    page.keyboard.type("He was rude on the phone.")
    page.get_by_role("radio", name="Reply").check()
    page.get_by_role("button", name="Send Ctrl Enter").click()
    expect(page.locator(".saved")).to_contain_text("This was written as a note.")
    with site.portal.database.session() as db:
        assert len(find(db, number).messages) == 1


def test_what_a_topic_asks_for_comes_with_the_topic_and_survives_a_reload(open_page: Open) -> None:
    page = open_page("/en/contact")
    assert page.locator("#field1").count() == 0
    page.get_by_label("What is it about?").select_option("cards")
    page.get_by_label("Last four digits of the card").fill("4242")
    page.reload()
    assert page.get_by_label("Last four digits of the card").input_value() == "4242"
    page.get_by_label("What is it about?").select_option("transfers")
    assert page.locator("#field1").count() == 0
