"""The desk: who may enter, what the customer tried, answers that go into the reply, and drafts that stay."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.accounts import Role
from app.config import Settings
from app.content import PublishBusy, publishing_lock
from app.deflection import Actor, Dwell, FormOpen, Phrase, Search, Suggest, View, Vote, record
from app.journeys import learn_phrases, submit_ticket
from app.portal import Portal
from app.tickets import (
    DeliveryRefused,
    Mail,
    MessageKind,
    Ticket,
    TicketDraft,
    TicketStatus,
    agent_draft_id,
    articles_used,
    deliver_due,
    find,
    keep_draft,
    queue_mail,
    record_use,
    solve,
    submit,
)
from app.tickets.models import DeliveryRow

SignedIn = Callable[..., FlaskClient]
JSON = {"Accept": "application/json"}


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def ticket(portal: Portal) -> Ticket:
    """A request by somebody who searched, read, voted and saw answers before."""
    dana = Actor(visitor="v-dana", tab="tab-1", ua="Mozilla/5.0 Firefox")
    start = now() - timedelta(minutes=10)

    def at(minutes: float) -> dict[str, object]:
        return dana.stamp(start + timedelta(minutes=minutes))

    with portal.database.durable_session() as db:
        record(
            db,
            Search(**at(0), search_id="s1", q="card decl", mode="type", n_results=1),  # type: ignore[arg-type]
            Search(**at(0.1), search_id="s2", q="card declined abroad", mode="submit", n_results=2, results=("cards/card-declined",)),  # type: ignore[arg-type]
            Search(**at(0.2), search_id="s3", q="card declined abroad", mode="type", n_results=1),  # type: ignore[arg-type]
            View(**at(1), view_id="w1", article="cards/card-declined", source="search", search_id="s2"),  # type: ignore[arg-type]
            Dwell(**at(2), view_id="w1", active_ms=41_000),  # type: ignore[arg-type]
            Vote(**at(2.1), kind="helpful", value=-1, view_id="w1"),  # type: ignore[arg-type]
            FormOpen(**at(3), form_id="f1"),  # type: ignore[arg-type]
            Suggest(**at(3.5), form_id="f1", articles=("cards/activate-your-card",), arm="on", shown=True),  # type: ignore[arg-type]
            Search(**Actor(visitor="v-other", tab="tab-9").stamp(start), search_id="s9", q="noise of another", mode="submit", n_results=0),
        )
    with portal.database.durable_session() as db:
        draft = TicketDraft("Card declined in Lisbon", "Twice.", "customer@example.com", "form/f1", form_id="f1", locale="sv")
        return submit_ticket(db, draft, dana, "hash", start + timedelta(minutes=5)).ticket


@pytest.fixture
def agent(signed_in: SignedIn) -> FlaskClient:
    return signed_in(Role.AGENT)


def token(client: FlaskClient, ticket: Ticket) -> dict[str, str]:
    page = client.get(f"/agent/requests/{ticket.number}").get_data(as_text=True)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return {"csrf_token": found[1]}


PAGES = ["/agent/", "/agent/requests/10001", "/agent/answers?q=card", "/agent/deliveries", "/agent/searches/s2"]


@pytest.mark.parametrize("path", PAGES)
def test_only_staff_may_enter(signed_in: SignedIn, client: FlaskClient, ticket: Ticket, path: str) -> None:
    assert client.get(path).status_code == 302
    assert signed_in(Role.CUSTOMER).get(path).status_code == 403
    assert signed_in(Role.MANAGER).get(path).status_code == 200


def test_nothing_can_be_changed_by_a_customer_or_without_a_token(
    signed_in: SignedIn, agent: FlaskClient, portal: Portal, ticket: Ticket
) -> None:
    customer = signed_in(Role.CUSTOMER)
    page = customer.get("/account").get_data(as_text=True)
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert csrf
    for act in ("messages", "solve", "open", "assign", "draft", "uses", "insert"):
        path = f"/agent/requests/{ticket.number}/{act}"
        assert customer.post(path, data={"csrf_token": csrf[1], "text": "x"}).status_code == 403
        assert agent.post(path, data={"text": "x"}).status_code == 400
    with portal.database.session() as db:
        assert len(find(db, ticket.number).messages) == 1


def test_the_desk_shows_what_this_customer_tried_and_nobody_elses_tries(agent: FlaskClient, ticket: Ticket) -> None:
    page = agent.get(f"/agent/requests/{ticket.number}").get_data(as_text=True)
    tried = page.split('id="tried"', 1)[1].split("</section>", 1)[0]
    assert "card declined abroad" in tried
    assert "2 results" in tried
    assert re.search(r"Read.*Card declined.*41 seconds, said: still stuck", tried, re.S)
    assert re.search(r"Was shown in the form.*“<bdi>Activate your card.*?</bdi>”", tried, re.S), "each title in its own direction"
    tried = tried.split("<details", 1)[0]
    assert "“<bdi>card decl</bdi>”" not in tried
    assert tried.count("<bdi>card declined abroad</bdi>") == 1, "the list that came while it was being sent is no second search"
    assert "noise" not in tried
    assert "Customer read it" in page


def test_one_search_is_shown_with_everything_that_followed(agent: FlaskClient, ticket: Ticket) -> None:
    page = agent.get("/agent/searches/s2").get_data(as_text=True)
    events = page.split("trail-events", 1)[1]
    assert (
        events.index("card declined abroad")
        < events.index("Card declined</bdi>")
        < events.index("41 seconds")
        < events.index("still stuck")
    )
    assert agent.get("/agent/searches/unknown").status_code == 404


def test_a_reply_goes_out_by_mail_in_the_customers_language_once(agent: FlaskClient, portal: Portal, ticket: Ticket) -> None:
    data = token(agent, ticket) | {"text": "Prova igen nu.", "mode": "reply", "then": "wait", "key": "k1"}
    for _ in range(2):
        assert agent.post(f"/agent/requests/{ticket.number}/messages", data=data).status_code == 303
    with portal.database.session() as db:
        found = find(db, ticket.number)
        assert [m.kind for m in found.messages] == [MessageKind.CUSTOMER, MessageKind.REPLY]
        assert found.status is TicketStatus.WAITING
        (mail,) = db.scalars(select(DeliveryRow).where(DeliveryRow.ticket_id == ticket.id))
        assert mail.payload["to"] == "customer@example.com"
        assert mail.payload["locale"] == "sv"
        assert "Prova igen nu." in str(mail.payload["text"])
        assert f"/sv/requests/{ticket.number}" in str(mail.payload["text"])


def test_a_note_is_told_apart_and_sends_nothing(agent: FlaskClient, portal: Portal, ticket: Ticket) -> None:
    data = token(agent, ticket) | {"text": "She called.", "mode": "note", "key": "k1"}
    agent.post(f"/agent/requests/{ticket.number}/messages", data=data)
    page = agent.get(f"/agent/requests/{ticket.number}").get_data(as_text=True)
    note = page.split('class="msg-note"', 1)[1].split("</article>", 1)[0]
    assert "The customer never sees this" in note
    assert "She called." in note
    with portal.database.session() as db:
        assert db.scalar(select(DeliveryRow)) is None


def test_answers_come_in_the_customers_locale_with_internal_ones_marked(agent: FlaskClient, ticket: Ticket) -> None:
    found = agent.get(f"/agent/answers?q=aktivera+kort&ticket={ticket.number}", headers=JSON).json
    assert found is not None
    swedish = next(a for a in found["answers"] if a["id"] == "cards/activate-your-card")
    assert (swedish["title"], swedish["only_in"]) == ("Aktivera ditt kort", "")
    assert swedish["link"] == "http://localhost/a/cards/activate-your-card?locale=sv"
    assert swedish["markdown"] == "[Aktivera ditt kort](http://localhost/a/cards/activate-your-card?locale=sv)"
    found = agent.get(f"/agent/answers?q=quetzal&ticket={ticket.number}", headers=JSON).json
    assert found is not None
    internal = next(a for a in found["answers"] if a["id"] == "quetzal")
    assert (internal["internal"], internal["link"], internal["markdown"]) == (True, "", "")
    assert "Internal" in found["html"]


def test_the_permanent_link_opens_in_the_customers_language(client: FlaskClient) -> None:
    answer = client.get("/a/cards/activate-your-card?locale=sv", headers={"Accept-Language": "en"})
    assert answer.location == "/sv/articles/activate-your-card"


def test_an_answer_says_in_words_why_it_stands_where_it_stands(agent: FlaskClient) -> None:
    page = agent.get("/agent/answers?q=activaet+card&locale=en").get_data(as_text=True)
    reasons = page.split("Why this result")[1].split("</details>")[0]
    assert "<bdi>activate</bdi>" in reasons, "the word, and not the stem that stands in the index"
    assert "in the title" in reasons
    assert "taken for a slip of what was typed" in reasons
    assert "%" in reasons


def test_the_answers_page_without_script_has_fields_to_copy_from(agent: FlaskClient, ticket: Ticket) -> None:
    page = agent.get(f"/agent/answers?q=activate&locale=en&ticket={ticket.number}").get_data(as_text=True)
    assert re.search(r'<input readonly value="http://localhost/a/cards/activate-your-card\?locale=en"', page)
    assert 'value="[Activate your card](' in page


def test_without_script_insert_puts_the_link_into_the_draft_and_counts_it(agent: FlaskClient, portal: Portal, ticket: Ticket) -> None:
    path = f"/agent/requests/{ticket.number}/insert?view=open&locale=sv"
    data = token(agent, ticket) | {"text": "Hej!", "mode": "reply", "insert": "cards/activate-your-card"}
    assert agent.post(path, data=data).status_code == 303
    page = agent.get(f"/agent/requests/{ticket.number}").get_data(as_text=True)
    assert "Hej!\n\nAktivera ditt kort: http://localhost/a/cards/activate-your-card?locale=sv" in page
    with portal.database.session() as db:
        assert [(u.article_id, u.locale, u.how) for u in articles_used(db, ticket.id)] == [("cards/activate-your-card", "sv", "inserted")]


def test_an_article_in_another_language_is_inserted_only_when_asked_twice(agent: FlaskClient, portal: Portal, ticket: Ticket) -> None:
    path = f"/agent/requests/{ticket.number}/insert?view=open&locale=sv"
    data = token(agent, ticket) | {"text": "Hej!", "mode": "reply", "insert": "cards/card-declined"}
    asked = agent.post(path, data=data)
    assert "ask=cards/card-declined" in asked.location
    question = agent.get(f"/agent/requests/{ticket.number}?ask=cards/card-declined&q=card+declined").get_data(as_text=True)
    assert "Only in English. Insert anyway?" in question
    assert "http://localhost/a/cards/card-declined" not in question.split("<textarea", 1)[1].split("</textarea>", 1)[0]
    agent.post(path, data=data | {"insert": "cards/card-declined|anyway"})
    page = agent.get(f"/agent/requests/{ticket.number}").get_data(as_text=True)
    assert "http://localhost/a/cards/card-declined?locale=en" in page.split("<textarea", 1)[1].split("</textarea>", 1)[0]


def test_an_internal_article_never_reaches_a_reply_neither_inserted_nor_pasted(agent: FlaskClient, portal: Portal, ticket: Ticket) -> None:
    data = token(agent, ticket) | {"text": "Hello.", "mode": "reply", "insert": "quetzal|anyway", "key": "k"}
    assert agent.post(f"/agent/requests/{ticket.number}/insert", data=data).status_code == 422
    pasted = data | {"text": "See http://localhost/a/quetzal."}
    answer = agent.post(f"/agent/requests/{ticket.number}/messages", data=pasted)
    assert answer.status_code == 422
    assert "is internal: customers cannot open it" in answer.get_data(as_text=True)
    assert "See http://localhost/a/quetzal." in answer.get_data(as_text=True)
    with portal.database.session() as db:
        assert len(find(db, ticket.number).messages) == 1
    assert agent.post(f"/agent/requests/{ticket.number}/messages", data=pasted | {"mode": "note"}).status_code == 303


def test_a_use_is_recorded_once_a_way_and_shown(agent: FlaskClient, portal: Portal, ticket: Ticket) -> None:
    data = token(agent, ticket) | {"article": "cards/activate-your-card", "locale": "sv"}
    for how, status in (("link", 201), ("link", 201), ("markdown", 201), ("html", 201), ("quoted", 201), ("nonsense", 422)):
        assert agent.post(f"/agent/requests/{ticket.number}/uses", data=data | {"how": how}, headers=JSON).status_code == status
    assert (
        agent.post(f"/agent/requests/{ticket.number}/uses", data=data | {"article": "none", "how": "link"}, headers=JSON).status_code == 404
    )
    with portal.database.session() as db:
        assert [u.how for u in articles_used(db, ticket.id)] == ["link", "markdown", "html", "quoted"]
    assert "quoted" in agent.get(f"/agent/requests/{ticket.number}").get_data(as_text=True)
    assert "Used in 1 request" in agent.get("/agent/answers?q=activate&locale=en").get_data(as_text=True)


def test_a_link_that_was_sent_in_a_reply_counts_as_used(agent: FlaskClient, portal: Portal, ticket: Ticket) -> None:
    text = "Läs (http://localhost/a/cards/activate-your-card?locale=sv)."
    agent.post(f"/agent/requests/{ticket.number}/messages", data=token(agent, ticket) | {"text": text, "mode": "reply", "key": "k"})
    with portal.database.session() as db:
        assert [(u.article_id, u.how) for u in articles_used(db, ticket.id)] == [("cards/activate-your-card", "inserted")]


def test_what_agents_answered_three_people_with_is_learned_and_a_writer_sees_it_and_takes_it_away_at_once(
    agent: FlaskClient, client: FlaskClient, signed_in: SignedIn, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def results() -> list[str]:
        return re.findall(r"/en/articles/([a-z-]+)\?", client.get("/en/search?q=sunken galleon").get_data(as_text=True))

    assert results() == []
    for number in range(3):
        asking = Actor(visitor=f"v-{number}", tab=f"tab-{number}", ua="Mozilla/5.0 Firefox")
        draft = TicketDraft("Sunken galleon", "Help.", f"person{number}@example.com", f"form/g{number}", form_id=f"g{number}", locale="en")
        with portal.database.durable_session() as db:
            asked = submit_ticket(db, draft, asking, "hash", now()).ticket
        reply = {"text": "See http://localhost/a/cards/activate-your-card?locale=en", "mode": "reply", "key": f"k{number}"}
        agent.post(f"/agent/requests/{asked.number}/messages", data=token(agent, asked) | reply)
        assert learn_phrases(portal.settings, portal.database, now()) == (1 if number == 2 else 0)
    monkeypatch.setattr(portal.current, "_check_every", 0.0)  # looks at every request, instead of five times a second
    assert results() == ["activate-your-card"]
    writer = signed_in(Role.WRITER)
    page = writer.get("/reports/phrases").get_data(as_text=True)
    assert "<bdi>sunken galleon</bdi>" in page
    fields = dict(re.findall(r'name="(csrf_token|article|locale|phrase)" value="([^"]*)"', page))
    writer.post("/reports/phrases", data=fields | {"do": "remove"})
    assert "<s><bdi>sunken galleon</bdi></s>" in writer.get("/reports/phrases").get_data(as_text=True)
    assert results() == []


def test_an_article_that_no_reply_brought_to_the_customer_teaches_nothing(agent: FlaskClient, portal: Portal) -> None:
    see = "See http://localhost/a/cards/activate-your-card?locale=en"
    article = {"article": "cards/activate-your-card", "locale": "en"}
    requests = []
    for number, use in enumerate(("inserted", "link", "quoted", "markdown")):
        draft = TicketDraft("Sunken galleon", see, f"person{number}@example.com", f"form/g{number}", form_id=f"g{number}", locale="en")
        with portal.database.durable_session() as db:
            asked = submit_ticket(db, draft, Actor(visitor=f"v-{number}", tab=f"t-{number}"), "hash", now()).ticket
        requests.append(asked)
        data, path = token(agent, asked), f"/agent/requests/{asked.number}"
        assert agent.post(f"{path}/uses", data=data | article | {"how": use}, headers=JSON).status_code == 201
        assert agent.post(f"{path}/messages", data=data | {"text": see, "mode": "note", "key": f"n{number}"}).status_code == 303
        assert agent.post(f"{path}/messages", data=data | {"text": "Which card?", "mode": "reply", "key": f"r{number}"}).status_code == 303
        assert learn_phrases(portal.settings, portal.database, now()) == 0
    for asked in requests[:3]:
        with portal.database.durable_session() as db:
            for tried in ("cards/activate", "cards/activate_your_card"):  # nearly the address that is sent
                record_use(db, asked.id, tried, "en", "link", "agent", now())
        reply = {"text": see, "mode": "reply", "key": "sent"}
        assert agent.post(f"/agent/requests/{asked.number}/messages", data=token(agent, asked) | reply).status_code == 303
    assert learn_phrases(portal.settings, portal.database, now()) == 1


def test_what_is_taught_is_read_when_nobody_else_can_write_it(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def read(settings: Settings, *_: object) -> list[Phrase]:
        with pytest.raises(PublishBusy), publishing_lock(settings.path(settings.data_folder), 0):
            pass
        tried.append(settings)
        return []

    monkeypatch.setattr("app.journeys.taught_phrases", read)
    learn_phrases(portal.settings, portal.database, now())
    assert tried


def test_a_draft_is_kept_for_its_agent_until_it_is_sent(agent: FlaskClient, signed_in: SignedIn, ticket: Ticket) -> None:
    data = token(agent, ticket) | {"text": "Half an answ", "mode": "note"}
    saved = agent.post(f"/agent/requests/{ticket.number}/draft", data=data, headers=JSON)
    assert saved.json is not None
    assert "saved" in saved.json
    page = agent.get(f"/agent/requests/{ticket.number}").get_data(as_text=True)
    assert "Half an answ" in page
    assert re.search(r'value="note" checked', page)
    other = signed_in(Role.AGENT, "other@example.com").get(f"/agent/requests/{ticket.number}").get_data(as_text=True)
    assert "Half an answ" not in other
    agent.post(f"/agent/requests/{ticket.number}/messages", data=data | {"key": "k"})
    after = agent.get(f"/agent/requests/{ticket.number}").get_data(as_text=True)
    assert "Half an answ" not in after.split("<textarea", 1)[1].split("</textarea>", 1)[0]


def test_somebody_else_who_is_writing_is_named(agent: FlaskClient, portal: Portal, ticket: Ticket) -> None:
    with portal.database.durable_session() as db:
        keep_draft(db, agent_draft_id(ticket.id, "u-ella", "text"), {"text": "I am on it", "name": "Ella Brandt", "mode": "reply"}, now())
        keep_draft(db, agent_draft_id("tkt-other", "u-max", "text"), {"text": "x", "name": "Max", "mode": "reply"}, now())
    page = agent.get(f"/agent/requests/{ticket.number}").get_data(as_text=True)
    assert "Ella Brandt is replying." in page
    assert "Max" not in page


def test_an_empty_reply_comes_back_with_an_error(agent: FlaskClient, ticket: Ticket) -> None:
    answer = agent.post(f"/agent/requests/{ticket.number}/messages", data=token(agent, ticket) | {"text": " ", "mode": "reply"})
    assert answer.status_code == 422
    assert "Write something first." in answer.get_data(as_text=True)


def test_solving_opening_and_taking(agent: FlaskClient, portal: Portal, ticket: Ticket) -> None:
    data = token(agent, ticket)
    agent.post(f"/agent/requests/{ticket.number}/assign", data=data | {"to": "me"})
    agent.post(f"/agent/requests/{ticket.number}/solve", data=data)
    with portal.database.session() as db:
        found = find(db, ticket.number)
        assert found.status is TicketStatus.SOLVED
        assert found.assignee is not None
    agent.post(f"/agent/requests/{ticket.number}/open", data=data)
    agent.post(f"/agent/requests/{ticket.number}/assign", data=data | {"to": "nobody"})
    with portal.database.session() as db:
        found = find(db, ticket.number)
        assert (found.status, found.assignee) == (TicketStatus.OPEN, None)


def test_the_queue_has_four_views_and_pages(agent: FlaskClient, portal: Portal, ticket: Ticket) -> None:
    with portal.database.durable_session() as db:
        for n in range(55):
            submit(db, TicketDraft(f"Matter {n}", "m", "p@example.com", f"k{n}"), now())
        solved = submit(db, TicketDraft("An old matter", "m", "p@example.com", "solved"), now()).ticket
        solve(db, solved.number, now())
    page = agent.get("/agent/?view=open").get_data(as_text=True)
    assert page.count("/agent/requests/") == 50
    assert "page=2" in page
    assert "An old matter" not in page
    assert agent.get("/agent/?view=open&page=2").get_data(as_text=True).count("/agent/requests/") == 6
    assert "An old matter" in agent.get("/agent/?view=solved").get_data(as_text=True)
    assert "No request waits" in agent.get("/agent/?view=waiting").get_data(as_text=True)


def test_mail_that_cannot_be_delivered_is_seen_by_agents_and_can_be_tried_again(agent: FlaskClient, portal: Portal, ticket: Ticket) -> None:
    class Refusing:
        name = "mail"

        def deliver(self, delivery: object, at: datetime) -> str:
            raise DeliveryRefused("no such mailbox")

    with portal.database.durable_session() as db:
        queue_mail(db, Mail("gone@example.com", "Hello there", "Text"), "m", now(), ticket.id)
    deliver_due(portal.database, {"mail": Refusing()}, now())
    assert "1 mail could not be delivered." in agent.get("/agent/").get_data(as_text=True)
    assert "no such mailbox" in agent.get(f"/agent/requests/{ticket.number}").get_data(as_text=True)
    page = agent.get("/agent/deliveries").get_data(as_text=True)
    assert "gone@example.com" in page
    retry = re.search(r"/agent/deliveries/\d+/retry", page)
    assert retry
    agent.post(retry[0], data=token(agent, ticket))
    with portal.database.session() as db:
        assert db.scalar(select(DeliveryRow.state)) == "pending"


def test_a_search_that_is_down_is_said_and_the_request_still_opens(agent: FlaskClient, portal: Portal, ticket: Ticket) -> None:
    agent.get("/agent/")
    portal.current.get()
    portal.engine.close()
    assert "The search is not answering" in agent.get(f"/agent/requests/{ticket.number}").get_data(as_text=True)
    assert agent.get("/agent/answers?q=card", headers=JSON).status_code == 503


def test_late_mail_is_said_at_the_request(agent: FlaskClient, portal: Portal, ticket: Ticket) -> None:
    with portal.database.durable_session() as db:
        queue_mail(db, Mail("slow@example.com", "Hello there", "Text"), "m", now(), ticket.id)
        db.execute(update(DeliveryRow).values(attempts=2, last_error="the mail server does not answer"))
    assert "it is being tried again" in agent.get(f"/agent/requests/{ticket.number}").get_data(as_text=True)


def test_every_page_of_the_desk_carries_the_staff_policy_and_is_never_kept(agent: FlaskClient, app: Flask, ticket: Ticket) -> None:
    for path in PAGES:
        answer = agent.get(path.replace("10001", str(ticket.number)))
        assert answer.headers["Cache-Control"] == "no-store"
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert "<script>" not in answer.get_data(as_text=True)
