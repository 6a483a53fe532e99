"""One visit for each rule R0 to R11: a real browser, a real server, and the outcome, the rule and the audit that must follow."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect
from serving import serve
from sqlalchemy import text

from app.accounts import Role, add_user, allow_queries, open_session
from app.deflection import Audit, audit, recompute_due, requester_hash, rules_from, sentences
from app.portal import Portal
from app.web.factory import create_app
from tests.browser.conftest import FLAGS
from tests.journeys.conftest import Writers, open_with_tables, publish_now, settings_of
from tests.waiting import until

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
"""The browser's own name says that nobody sits before it, and then nothing counts (R0). Given to the browser as a whole:
what a page sends while it is being left carries the browser's name, not the context's."""
ENOUGH = 17
"""Seconds that reading the English article on blocked cards takes, at half the pace of a slow reader."""


class House:
    """The running portal: its address, what it recorded, and how it judges."""

    def __init__(self, portal: Portal, address: str) -> None:
        self.portal, self.address = portal, address

    def events(self, kind: str, **wanted: object) -> list[dict[str, Any]]:
        self.portal.events.flush()
        with self.portal.database.session() as db:
            rows = db.execute(text("SELECT visitor, tab, account, body FROM event WHERE type = :kind ORDER BY rowid"), {"kind": kind}).all()
        found = [{"visitor": r[0], "tab": r[1], "account": r[2], **json.loads(r[3])} for r in rows]
        return [event for event in found if all(event.get(name) == value for name, value in wanted.items())]

    def judge(self) -> None:
        """What `flask kb work` does with the events."""
        self.portal.events.flush()
        recompute_due(self.portal.database, datetime.now(UTC), rules_from(self.portal.settings))

    def audit(self, search_id: str) -> Audit:
        self.judge()
        with self.portal.database.session() as db:
            return audit(db, datetime.now(UTC), rules_from(self.portal.settings), search_id=search_id)

    def needs(self, visitor: str) -> list[tuple[str, str, str]]:
        """(kind, rule, outcome) of a browser's needs, in the order in which they began."""
        self.judge()
        with self.portal.database.session() as db:
            rows = db.execute(text('SELECT kind, rule, outcome FROM need WHERE home = :home ORDER BY "first"'), {"home": f"v:{visitor}"})
            return [tuple(row) for row in rows]  # type: ignore[misc]


class Visit:
    """One person in a browser of their own."""

    def __init__(self, house: House, page: Page) -> None:
        self.house, self.page = house, page

    @property
    def tab(self) -> str:
        return str(self.page.evaluate("sessionStorage.tab"))

    def search(self, words: str) -> str:
        """Asks in the search field and gives the id of the list that came."""
        if self.page.url == "about:blank":
            self.page.goto("/en/")
        self.page.locator("#q").fill(words)
        self.page.locator("#q").press("Enter")
        self.page.wait_for_url("**/en/search?**")
        return str(self.page.locator("[data-search]").get_attribute("data-search"))

    def open_first(self) -> None:
        self.page.locator(".hits a").first.click()
        self.page.wait_for_url("**/en/articles/*")
        expect(self.page.locator("article.art")).to_be_visible()

    def read(self, seconds: int) -> None:
        """The reader stays on the page with a hand on the mouse."""
        self.page.mouse.move(200, 200 + seconds)
        self.page.clock.run_for(seconds * 1000)

    def leave(self) -> None:
        self.page.goto("about:blank")

    def view(self, **wanted: object) -> dict[str, Any]:
        """The newest recorded view of this tab."""
        return until(lambda: self.house.events("view", tab=self.tab, **wanted), what="the view")[-1]

    def dwell(self, view_id: str, least: int) -> list[int]:
        """The reported reading times of a view, once they have reached `least` milliseconds."""
        return until(
            lambda: (found := [e["active_ms"] for e in self.house.events("dwell", view_id=view_id)]) and max(found) >= least and found,
            what=f"{least} ms of reading",
        )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    writers = Writers(folder / "writers")
    writers.write_all()
    writers.commit("The first articles")
    server = serve(lambda environ, start: app(environ, start))
    portal = open_with_tables(settings_of(folder, base_url=f"http://127.0.0.1:{server.port}"))
    publish_now(portal)
    app = create_app(portal=portal)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield House(portal, portal.settings.base_url)
    server.shutdown()
    server.server_close()
    thread.join(5)
    portal.close()


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*FLAGS, f"--user-agent={AGENT}"])
    yield started
    started.close()


@pytest.fixture
def visit(house: House, chromium: Browser) -> Iterator[Callable[..., Visit]]:
    """Begins a visit; `timed` ones have a clock that only `read` moves far."""
    contexts = []

    def begin(timed: bool = False, **options: Any) -> Visit:
        context = chromium.new_context(base_url=house.address, **{"reduced_motion": "reduce", **options})
        contexts.append(context)
        if timed:
            context.clock.install()
        page = context.new_page()
        page.set_default_timeout(15_000)
        return Visit(house, page)

    yield begin
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def manager(house: House, chromium: Browser) -> Iterator[Page]:
    """A manager's page, signed in."""
    with house.portal.database.durable_session() as db:
        user = add_user(db, "manager@example.com", Role.MANAGER, "Sergei Volkov", "tiger lamp Oslo", datetime.now(UTC))
        # What one person typed is shown to nobody else.
        allow_queries(db, user.id, True)
        secret = open_session(db, user, "127.0.0.1", "tests", datetime.now(UTC))
    context = chromium.new_context(base_url=house.address)
    context.add_cookies([{"name": "hylla_session", "value": secret, "url": house.address}])
    yield context.new_page()
    context.close()


@pytest.fixture
def follows(house: House, manager: Page) -> Callable[..., Audit]:
    """Judges what was recorded and checks how a search ended: in the audit, and on the page that a manager reads."""

    def check(search_id: str, rule: str, outcome: str, *said: str) -> Audit:
        found = house.audit(search_id)
        words = [sentence.text for sentence in sentences(found)]
        assert (found.rule, found.outcome) == (rule, outcome), words
        assert found.state == "provisional"
        assert found.story
        manager.goto(f"/reports/searches/{search_id}")
        expect(manager.locator("main h2").first).to_contain_text(rule)
        for sentence in (*said, found.reason.text):
            assert any(sentence in each for each in words), (sentence, words)
            expect(manager.locator("main")).to_contain_text(sentence)
        for heading in ("Not final before", "What would change it", "The same search today"):
            expect(manager.locator("main")).to_contain_text(heading)
        expect(manager.locator("main h3 + ul li")).to_have_count(len(found.changes))
        return found

    return check


def test_r0_a_browser_without_anybody_before_it_does_not_count(visit, follows):
    robot = visit(user_agent=AGENT.replace("Chrome", "HeadlessChrome"))
    found = follows(robot.search("card"), "R0", "excluded", "Does not count: a program")
    assert found.excluded == "machine"


def test_r1_a_request_sent_after_a_search_escalates_it(visit, follows, house, manager):
    person = visit()
    search = person.search("unblock card")
    person.page.locator("main a[href*='/contact?']").first.click()
    form = person.page.locator("#ask")
    expect(form.locator("#subject")).to_have_value("unblock card")
    form.locator("#message").fill("The button is grey.")
    form.locator("#email").fill("dana@example.com")
    form.get_by_role("button", name="Send request").click()
    person.page.wait_for_url("**/contact/sent/*")
    found = follows(
        search, "R1", "escalated", "Opened the contact form", "sent it.", "sent with the form of this question", "Wrote to us about it."
    )
    (ticket,) = found.tickets
    assert (ticket.level, ticket.topical, ticket.channel) == ("form", True, "form")
    (opened,) = house.events("form_open", tab=person.tab)
    (event,) = house.events("ticket", tab=person.tab)
    assert event["form_id"] == opened["form_id"] == found.forms[0].form_id
    (identified,) = house.events("identify", tab=person.tab)
    assert identified["requester"] == event["requester"] != "dana@example.com"
    with house.portal.database.session() as db:
        assert db.execute(text("SELECT search_id FROM tickets WHERE id = :id"), {"id": event["ticket_id"]}).scalar() == search
    expect(manager.locator("main")).to_contain_text(
        "Wrote request 10001 on the same topic (contact form), sent with the form of this question, "
    )
    # Whoever answers reads the same beside the request, each moment on one line.
    manager.goto("/agent/requests/10001")
    tried = manager.locator(".tried")
    expect(tried.locator("> ul > li").first).to_contain_text("unblock card")
    tried.get_by_text("How this counts: Wrote to us").click()
    expect(tried).to_contain_text("Wrote to us about it.")
    expect(tried).to_contain_text("Marking 10001 as spam or as a test would take it back.")
    moments = tried.locator(".audit time").evaluate_all("all => all.map(e => e.getClientRects().length + e.offsetHeight / 100)")
    assert moments
    assert all(height < 1.4 for height in moments), moments


def test_r2_solved_said_on_the_article_confirms_the_search(visit, follows, house):
    person = visit()
    search = person.search("unblock card")
    person.open_first()
    person.page.get_by_role("button", name="Yes, solved").click()
    expect(person.page.locator("form.solved .say")).not_to_be_empty()
    follows(search, "R2", "answered_confirmed", "Said: this solved it.")
    assert house.events("vote", tab=person.tab) == [
        {
            "visitor": person.view()["visitor"],
            "tab": person.tab,
            "account": None,
            "kind": "solved",
            "value": 1,
            "view_id": person.view()["view_id"],
        }
    ]


def test_r3_still_stuck_is_no_answer_whatever_was_read(visit, follows):
    person = visit(timed=True)
    search = person.search("unblock card")
    person.open_first()
    person.read(ENOUGH + 3)
    person.page.get_by_role("button", name="No, I’m still stuck").click()
    person.page.wait_for_url("**/feedback?*")
    found = follows(search, "R3", "unanswered_confirmed", "Said: this did not solve it.")
    assert found.views[0].satisfied


def test_r4_a_contact_form_left_is_no_deflection(visit, follows):
    person = visit()
    search = person.search("unblock card")
    person.page.locator("main a[href*='/contact?']").first.click()
    person.page.locator("#message").fill("The button is grey.")
    person.leave()
    follows(search, "R4", "abandoned_form", "Opened the contact form", "left it without sending.", "that is not an answer")


def test_r4_a_form_left_is_seen_without_a_cookie_too(visit, follows, house):
    person = visit(extra_http_headers={"Sec-GPC": "1"})
    search = person.search("unblock card")
    person.page.locator("footer, header").get_by_role("link", name="Contact").first.click()
    person.page.wait_for_url("**/en/contact?*")
    person.leave()
    found = follows(search, "R4", "abandoned_form")
    assert (found.link_class, len(found.forms)) == (0, 1)


def test_r5_an_article_left_for_a_search_is_continued_by_it(visit, follows, house):
    person = visit()
    person.page.goto("/en/articles/cancel-a-transfer")
    view = person.view(source="direct")
    search = person.search("card")
    follows(search, "R11", "abandoned_with_results")
    assert house.needs(view["visitor"]) == [("browse", "R5", "reformulated"), ("search", "R11", "abandoned_with_results")]


def test_r6_an_article_read_long_enough_is_probably_an_answer(visit, follows, house):
    person = visit(timed=True)
    search = person.search("unblock card")
    person.open_first()
    view = person.view()
    person.read(ENOUGH + 3)
    times = person.dwell(view["view_id"], ENOUGH * 1000)
    assert len(set(times)) > 1, "it is reported as it grows, not at the end"
    found = follows(search, "R6", "answered_likely", f"read it for {max(times) // 1000} s ({ENOUGH} s are needed)", "probably answered")
    assert found.link_class == 1
    (click,) = house.events("click", tab=person.tab)
    (listed,) = house.events("search", search_id=search)
    assert view["article"] == click["article"] == listed["results"][0] == found.views[0].article == "cards/unblock-a-card"
    assert (view["source"], view["search_id"], click["search_id"], click["rank"], view["sat_ms"]) == (
        "search",
        search,
        search,
        1,
        ENOUGH * 1000,
    )


def test_r11_a_glance_is_not_reading(visit, follows):
    person = visit(timed=True)
    search = person.search("unblock card")
    person.open_first()
    view = person.view()
    person.read(ENOUGH - 5)
    person.leave()
    until(lambda: person.house.events("dwell", view_id=view["view_id"]), what="the reading time")
    follows(search, "R11", "abandoned_with_results", f"s of the {ENOUGH} s needed", "Had results, read none long enough, and left.")


def test_r7_without_a_cookie_reading_is_not_known_to_be_an_answer(visit, follows, house):
    person = visit(timed=True, extra_http_headers={"Sec-GPC": "1"})
    search = person.search("unblock card")
    person.open_first()
    view = person.view()
    person.read(ENOUGH + 3)
    person.dwell(view["view_id"], ENOUGH * 1000)
    found = follows(search, "R7", "undetermined", "without a cookie or account we could not see a request")
    assert found.link_class == 0
    assert view["visitor"] is None
    assert person.page.context.cookies() == []


def test_r8_without_script_nobody_knows_how_long_it_was_read(visit, follows, house):
    person = visit(java_script_enabled=False)
    search = person.search("unblock card")
    tab = person.page.locator("[data-tab]").get_attribute("data-tab")
    person.open_first()
    view = until(lambda: house.events("view", tab=tab), what="the pixel")[0]
    assert (view["beacon"], view["source"], view["search_id"], view.get("sat_ms")) == (False, "search", search, None)
    follows(search, "R8", "undetermined", "how long it was read is not known")
    assert house.events("click", tab=tab)[0]["rank"] == 1


def test_r9_an_answer_shown_above_the_results_may_have_been_enough(visit, follows):
    person = visit()
    search = person.search("show pin")
    person.leave()
    follows(search, "R9", "undetermined", "with an answer shown above it", "it may have been enough, nobody knows")


def test_r10_nothing_found_and_gone(visit, follows):
    person = visit()
    search = person.search("zzgxqv")
    person.leave()
    follows(search, "R10", "abandoned_no_results", "Searched for “zzgxqv” and found nothing.", "Found nothing and left.")


def test_r11_results_and_nothing_opened(visit, follows):
    person = visit()
    search = person.search("card")
    person.leave()
    found = follows(search, "R11", "abandoned_with_results", "Had results, read none long enough, and left.")
    assert found.views == ()


# --- several tabs, ways back, and becoming known ----------------------------------------------------------------------------


def test_a_result_opened_in_a_second_tab_is_read_for_the_same_search(visit, follows, house):
    person = visit(timed=True)
    search = person.search("unblock card")
    with person.page.context.expect_page() as opened:
        person.page.locator(".hits a").first.click(modifiers=["ControlOrMeta"])
    second = Visit(house, opened.value)
    opened.value.wait_for_url("**/en/articles/unblock-a-card")
    opened.value.bring_to_front()  # nobody reads in a tab that is behind another one
    opened.value.wait_for_function("document.visibilityState === 'visible' && document.hasFocus()")
    view = second.view(search_id=search)
    # A tab that has just come to the front may not count its first seconds: the reader stays until it does.
    until(lambda: second.read(6) or any(e["active_ms"] >= ENOUGH * 1000 for e in house.events("dwell", view_id=view["view_id"])))
    second.dwell(view["view_id"], ENOUGH * 1000)
    assert second.tab != person.tab
    found = follows(search, "R6", "answered_likely")
    assert [v.view_id for v in found.views] == [view["view_id"]]
    assert len(house.needs(view["visitor"])) == 1


def test_reload_and_back_repeat_neither_the_search_nor_the_click_nor_the_need(visit, follows, house):
    person = visit()
    search = person.search("unblock card")
    person.open_first()
    first = person.view()
    person.page.reload()
    person.page.go_back()
    expect(person.page.locator("[data-search]")).to_be_visible()
    person.page.go_forward()
    expect(person.page.locator("article.art")).to_be_visible()
    views = until(lambda: (v := house.events("view", tab=person.tab)) and len(v) == 3 and v, what="three views")
    assert [(v["source"], v.get("search_id")) for v in views] == [("search", search), ("internal", None), ("internal", None)]
    assert len({v["view_id"] for v in views}) == 3
    assert len(house.events("click", tab=person.tab)) == 1
    found = follows(search, "R11", "abandoned_with_results")
    assert (len(found.searches), len(found.views)) == (1, 3)
    assert search in found.searches[0].members
    assert len(house.needs(first["visitor"])) == 1


def test_an_article_from_outside_that_is_reloaded_is_one_need(visit, house):
    person = visit()
    person.page.goto("/en/articles/cancel-a-transfer")
    view = person.view(source="direct")
    person.page.reload()
    until(lambda: len(house.events("view", tab=person.tab)) == 2, what="the second view")
    assert house.needs(view["visitor"]) == [("browse", "R11", "abandoned_with_results")]


def test_a_page_that_comes_back_from_memory_begins_a_view_of_its_own(visit, house):
    person = visit(timed=True)
    person.search("unblock card")
    person.open_first()
    first = person.view()
    person.read(ENOUGH + 3)
    person.dwell(first["view_id"], ENOUGH * 1000)
    person.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    person.page.clock.run_for(120_000)
    person.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    second = until(lambda: (v := house.events("view", tab=person.tab)) and len(v) == 2 and v, what="the second view")[1]
    person.read(11)
    times = person.dwell(second["view_id"], 9_000)
    assert max(times) <= 12_000, "what was read before it left the screen is not read again"
    assert (second["source"], second.get("search_id")) == ("internal", None)
    assert len(house.events("click", tab=person.tab)) == 1


def test_signing_in_says_whose_the_browser_and_the_address_are(visit, follows, house):
    with house.portal.database.durable_session() as db:
        user = add_user(db, "noor@example.com", Role.CUSTOMER, "Noor Haddad", "tiger lamp Oslo", datetime.now(UTC))
    person = visit()
    search = person.search("card")
    person.page.goto("/sign-in?next=/en/")
    person.page.locator("#password-email").fill("noor@example.com")
    person.page.locator("#password").fill("tiger lamp Oslo")
    person.page.locator("#password").press("Enter")
    person.page.wait_for_url("**/en/")
    (listed,) = house.events("search", search_id=search)
    (identified,) = house.events("identify", visitor=listed["visitor"])
    assert identified["account"] == user.id
    assert identified["requester"] == requester_hash("noor@example.com", house.portal.settings.secret_key)
    found = follows(search, "R11", "abandoned_with_results", "A request on this topic by this account")
    assert found.link_class == 2


def test_an_answer_in_the_form_is_opened_from_it_and_said_to_have_helped(visit, follows, house):
    person = visit()
    search = person.search("card")
    person.page.goto(f"/en/contact?s={search}&t={person.tab}")
    form_id = until(lambda: house.events("form_open", tab=person.tab), what="the opened form")[0]["form_id"]
    person.page.locator("#subject").press_sequentially("unblock blocked card")
    answers = person.page.locator("[data-answers-here]")
    expect(answers).to_be_visible()
    answers.get_by_role("link", name="Read the whole article").first.click()
    person.page.wait_for_url("**/en/articles/*")
    view = person.view(form_id=form_id)
    (click,) = house.events("click", tab=person.tab, form_id=form_id)
    assert (view["source"], view["article"], click["article"], click["rank"]) == (
        "suggestion",
        "cards/unblock-a-card",
        "cards/unblock-a-card",
        1,
    )
    (offered,) = house.events("suggest", tab=person.tab, form_id=form_id)
    assert (offered["articles"][0], offered.get("arm", "on"), offered["shown"]) == ("cards/unblock-a-card", "on", True)
    person.page.go_back()
    person.page.locator("[data-answers-here]").get_by_role("button", name="This answered my question").first.click()
    person.page.wait_for_url("**/contact/answered*")
    (vote,) = house.events("vote", tab=person.tab)
    # The form was shown anew; its address names no tab any more, the cookie says whose it was.
    assert vote["form_id"] in {opened["form_id"] for opened in house.events("form_open", visitor=vote["visitor"])}
    follows(search, "R2", "answered_confirmed", "Said: this solved it.")
