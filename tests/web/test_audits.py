"""A search followed to its end, on a page, beside a request and over the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from flask.testing import FlaskClient

from app import accounts
from app.accounts import Role
from app.deflection import Actor, Dwell, Search, TicketEvent, View, milliseconds, record
from app.portal import Portal

ACTOR = Actor(visitor="v" * 22, tab="tab-1", account=None, role="customer", ua="Mozilla/5.0")


def remember(portal: Portal, *kinds: tuple[type, dict[str, object]], minutes_ago: int = 30) -> None:
    """Record events of one visitor, ten seconds apart."""
    start = milliseconds(datetime.now(UTC)) - minutes_ago * 60_000
    common = {"visitor": ACTOR.visitor, "tab": ACTOR.tab, "account": None, "role": "customer", "ua": ACTOR.ua}
    events = [
        kind(event_id=f"e{n}-{minutes_ago}", t_client=None, t_sent=None, t_recv=start + n * 10_000, **common, **given)
        for n, (kind, given) in enumerate(kinds)
    ]
    with portal.database.session() as db:
        record(db, *events)


SEARCHED = (Search, {"search_id": "s-1", "q": "declined", "mode": "submit", "n_results": 2, "results": ("cards/card-declined", "long/gone"),
                     "surface": "portal", "answer_shown": False, "lang": "en"})  # fmt: skip
OPENED = (View, {"view_id": "v-1", "article": "cards/card-declined", "source": "search", "search_id": "s-1", "beacon": True})
READ = (Dwell, {"view_id": "v-1", "active_ms": 45_000})


def test_a_manager_reads_why_a_search_counts_as_it_does(portal: Portal, signed_in: Callable[..., FlaskClient]) -> None:
    remember(portal, SEARCHED, OPENED, READ)
    page = signed_in(Role.MANAGER).get("/reports/searches/s-1").get_data(as_text=True)
    assert "Probably answered" in page
    assert "R6" in page
    assert "Opened “<bdi>Card declined</bdi>” and read it for <bdi>45</bdi> s" in page
    assert "Not final before" in page
    assert "What would change it" in page


def test_the_search_run_again_shows_what_is_found_now_beside_what_was_found_then(
    portal: Portal, signed_in: Callable[..., FlaskClient]
) -> None:
    remember(portal, SEARCHED)
    page = signed_in(Role.MANAGER).get("/reports/searches/s-1").get_data(as_text=True)
    rows = page.split("<tbody>")[1].split("</tbody>")[0]
    assert "Card declined" in rows
    assert "long/gone" in rows, "an article that is gone is named as it was"
    assert "Quetzal" not in page, "it is searched as the visitor would"


def test_the_api_gives_the_same_as_data_and_sentences(portal: Portal, signed_in: Callable[..., FlaskClient]) -> None:
    remember(portal, SEARCHED, OPENED, READ)
    found = signed_in(Role.MANAGER).get("/api/v1/searches/s-1/audit").get_json()
    assert (found["outcome"], found["rule"], found["state"]) == ("answered_likely", "R6", "provisional")
    assert found["views"][0]["active_ms"] == 45_000
    assert any("45" in sentence for sentence in found["sentences"])


def test_only_staff_may_follow_a_search(portal: Portal, client: FlaskClient, signed_in: Callable[..., FlaskClient]) -> None:
    remember(portal, SEARCHED)
    assert client.get("/reports/searches/s-1").status_code == 302
    assert signed_in(Role.CUSTOMER).get("/reports/searches/s-1").status_code == 403
    assert client.get("/api/v1/searches/s-1/audit").status_code == 401
    assert signed_in(Role.AGENT).get("/reports/searches/s-404").status_code == 404


def test_a_later_ticket_changes_the_outcome_and_the_audit_says_so(portal: Portal, signed_in: Callable[..., FlaskClient]) -> None:
    remember(portal, SEARCHED, OPENED, READ)
    ticket = (TicketEvent, {"ticket_id": "k-1", "t_created": milliseconds(datetime.now(UTC)), "channel": "form", "subject": "card declined again",
                            "direction": "in"})  # fmt: skip
    remember(portal, ticket, minutes_ago=5)
    page = signed_in(Role.MANAGER).get("/reports/searches/s-1").get_data(as_text=True)
    assert "Wrote to us" in page
    assert "k-1" in page


def test_words_that_few_people_used_are_shown_only_with_a_permission_of_their_own_and_each_reading_is_logged(
    portal: Portal, signed_in: Callable[..., FlaskClient]
) -> None:
    remember(portal, (Search, {**SEARCHED[1], "q": "quixotic zebra"}), OPENED, READ)
    manager = signed_in(Role.MANAGER)
    for address in ("/reports/searches/s-1", "/agent/searches/s-1", "/api/v1/searches/s-1/audit"):
        answer = manager.get(address)
        assert answer.status_code == 200
        assert "zebra" not in answer.get_data(as_text=True), address
    assert "fewer than 3 people asked this" in manager.get("/reports/searches/s-1").get_data(as_text=True)
    with portal.database.session() as db:
        account = next(user for user in accounts.list_users(db, Role.MANAGER))
        accounts.allow_queries(db, account.id, True)
    assert "“<bdi>quixotic zebra</bdi>”" in manager.get("/reports/searches/s-1").get_data(as_text=True)
    with portal.database.session() as db:
        assert [(act.actor, act.verb, act.subject) for act in accounts.list_acts(db)] == [(account.email, "read-query", "s-1")]


def test_who_answers_a_request_sees_what_was_searched_before_it(portal: Portal, signed_in: Callable[..., FlaskClient]) -> None:
    remember(portal, (Search, {**SEARCHED[1], "q": "quixotic zebra"}))
    remember(portal, (TicketEvent, {"ticket_id": "k-1", "t_created": milliseconds(datetime.now(UTC)), "channel": "form", "subject": "zebra",
                                    "direction": "in"}), minutes_ago=5)  # fmt: skip
    assert "“<bdi>quixotic zebra</bdi>”" in signed_in(Role.AGENT).get("/reports/searches/s-1").get_data(as_text=True)
    writer = signed_in(Role.WRITER)
    for address in ("/reports/searches/s-1", "/agent/searches/s-1", "/api/v1/searches/s-1/audit"):
        assert "quixotic" not in writer.get(address).get_data(as_text=True), "writers answer no requests"


def test_words_stand_between_the_quotation_marks_of_the_readers_language(portal: Portal, signed_in: Callable[..., FlaskClient]) -> None:
    remember(portal, SEARCHED, OPENED)
    wrote = {"ticket_id": "k-1", "t_created": milliseconds(datetime.now(UTC)), "channel": "form", "subject": "declined", "direction": "in"}
    remember(portal, (TicketEvent, wrote), minutes_ago=5)
    manager = signed_in(Role.MANAGER)
    page = manager.get("/reports/searches/s-1", headers={"Accept-Language": "sv"}).get_data(as_text=True)
    main = page.partition("<main")[2].partition("</main>")[0]
    assert main.count("”<bdi>declined</bdi>”") == 3, "in the heading, in the story and above the list"
    assert "“" not in main


def test_the_audit_names_times_what_was_shown_and_how_well_the_person_is_known(
    portal: Portal, signed_in: Callable[..., FlaskClient]
) -> None:
    remember(portal, SEARCHED, OPENED, READ)
    page = signed_in(Role.MANAGER).get("/reports/searches/s-1").get_data(as_text=True)
    assert "What was shown" in page
    assert "Known by a cookie" in page
    assert page.count("<time ") >= 2


def test_only_an_admin_gives_the_permission_and_the_log_says_so(portal: Portal, signed_in: Callable[..., FlaskClient]) -> None:
    signed_in(Role.MANAGER)
    admin = signed_in(Role.ADMIN)
    with portal.database.session() as db:
        account = next(user for user in accounts.list_users(db, Role.MANAGER))
    page = admin.get(f"/admin/users/{account.id}").get_data(as_text=True)
    token = page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    given = admin.post(f"/admin/users/{account.id}/queries", data={"csrf_token": token, "allow": "yes"})
    assert given.status_code == 303
    with portal.database.session() as db:
        assert accounts.find_user(db, account.id).reads_queries
        assert accounts.list_acts(db)[0].verb == "allow-queries"
        accounts.set_role(db, account.id, Role.CUSTOMER)
        assert not accounts.find_user(db, account.id).reads_queries, "it ends with the last staff role"
