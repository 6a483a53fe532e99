"""The contact form as people use it: with and without script, with errors, twice, on a slow day."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from app.accounts import Role
from app.portal import Portal
from app.search import SearchUnavailable
from app.tickets import Ticket, tickets_of
from app.tickets.models import DeliveryRow

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
MakeApp = Callable[..., Flask]


class Forms(HTMLParser):
    """The forms of a page: address → the values of their fields, as a browser without script would send them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self._form: dict[str, str] | None = None
        self._area = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = dict(attrs)
        if tag == "form":
            self._form = self.forms.setdefault(a.get("action") or "", {})
        elif self._form is None or not a.get("name"):
            return
        elif tag == "input" and a.get("type") not in {"checkbox", "radio", "file", "submit"}:
            self._form[a["name"] or ""] = a.get("value") or ""
        elif tag == "textarea":
            self._area = a["name"] or ""
            self._form[self._area] = ""

    def handle_data(self, data: str) -> None:
        if self._area and self._form is not None:
            self._form[self._area] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag == "textarea":
            self._area = ""


def upload(client: FlaskClient, path: str, form: dict[str, str], data: bytes, name: str) -> TestResponse:
    """Send a form with a file."""
    boundary, body = encode_multipart({**form, "files": FileStorage(io.BytesIO(data), name)})
    return client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def forms_of(response: TestResponse) -> dict[str, dict[str, str]]:
    return Forms(response.get_data(as_text=True)).forms


def filled(client: FlaskClient, path: str = "/en/contact", **words: str) -> dict[str, str]:
    """The form of a fresh page with words put in."""
    form = forms_of(client.get(path))["/en/contact/check"]
    given = {"subject": "Zebra crossing fee", "message": "It was charged twice.", "email": "dana@example.com"}
    return form | given | words


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(form_holdout_share=0.0)


def sent(portal: Portal, email: str = "dana@example.com") -> list[Ticket]:
    with portal.database.session() as db:
        return tickets_of(db, email)


def events(portal: Portal, kind: str) -> list[str]:
    portal.events.flush()
    with portal.database.session() as db:
        return list(db.scalars(text("SELECT body FROM event WHERE type = :kind ORDER BY t"), {"kind": kind}))


def test_a_request_sent_without_script_ends_on_a_page_with_its_number(client: FlaskClient, portal: Portal) -> None:
    answer = client.post("/en/contact", data=filled(client))
    assert answer.status_code == 303
    page = client.get(answer.location)
    (ticket,) = sent(portal)
    assert str(ticket.number) in page.get_data(as_text=True)
    assert re.search(r"Reply by \d\d:\d\d", page.get_data(as_text=True))
    assert page.headers["Cache-Control"] == "no-store"


def test_ticket_mail_and_event_are_written_together(client: FlaskClient, portal: Portal) -> None:
    client.post("/en/contact", data=filled(client))
    (ticket,) = sent(portal)
    with portal.database.session() as db:
        (mail,) = db.scalars(select(DeliveryRow))
        assert (mail.ticket_id, mail.payload["to"]) == (ticket.id, "dana@example.com")
        assert str(ticket.number) in str(mail.payload["subject"])
    (event,) = events(portal, "ticket")
    assert ticket.id in event
    assert "dana@example.com" not in event
    assert len(events(portal, "form_open")) == 1
    assert len(events(portal, "identify")) == 1


def test_without_script_answers_come_before_sending_and_everything_is_carried_along(client: FlaskClient, portal: Portal) -> None:
    form = filled(client, subject="my card was declined", message="Twice. <b>Really</b> & truly.", topic="cards")
    answer = client.post("/en/contact/check", data=form)
    assert answer.status_code == 303
    page = client.get(answer.location)
    text_of = page.get_data(as_text=True)
    assert "Send it anyway" in text_of
    assert "Card declined" in text_of
    assert sent(portal) == []
    carried = forms_of(page)["/en/contact"]
    assert {k: carried[k] for k in ("subject", "message", "email", "topic")} == {
        "subject": "my card was declined", "message": "Twice. <b>Really</b> & truly.", "email": "dana@example.com", "topic": "cards",
    }  # fmt: skip
    assert client.post("/en/contact", data=carried).status_code == 303
    (ticket,) = sent(portal)
    assert (ticket.subject, ticket.topic) == ("my card was declined", "cards")
    assert len(events(portal, "suggest")) == 1


def test_without_script_and_without_answers_it_is_sent_at_once(client: FlaskClient, portal: Portal) -> None:
    answer = client.post("/en/contact/check", data=filled(client, subject="xylophone qqq"))
    assert "/contact/sent/" in answer.location
    assert len(sent(portal)) == 1


def test_a_safety_topic_shows_the_phone_and_no_answers_first(client: FlaskClient, portal: Portal) -> None:
    page = client.get("/en/contact?topic=fraud&q=my+card+was+declined").get_data(as_text=True)
    assert page.index("+46 8 123 456 78") < page.index('id="subject"')
    assert 'name="answer"' not in page
    answer = client.post("/en/contact/check", data=filled(client, subject="my card was declined", topic="fraud"))
    assert "/contact/sent/" in answer.location
    assert "+46 8 123 456 78" in client.get(answer.location).get_data(as_text=True)
    assert events(portal, "suggest") == []


@pytest.mark.parametrize("path", ["/en/contact", "/en/contact/check"])
def test_errors_come_back_with_a_summary_and_every_word(client: FlaskClient, portal: Portal, path: str) -> None:
    answer = client.post(path, data=filled(client, email="dana at example", message="", subject="Zebra & <i>co</i>"))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "<title>Error: " in page
    assert 'role="alert"' in page
    assert 'href="#message"' in page
    assert 'href="#email"' in page
    assert page.count('aria-invalid="true"') == 2
    assert " required" not in page
    again = forms_of(answer)["/en/contact/check"]
    assert (again["subject"], again["email"]) == ("Zebra & <i>co</i>", "dana at example")
    assert sent(portal) == []


def test_a_card_number_is_refused_kindly_masked_and_kept_nowhere(client: FlaskClient, portal: Portal) -> None:
    answer = client.post("/en/contact", data=filled(client, message="My card is 4242 4242 4242 4242. Help."))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Take out the card number. We never need it." in page
    assert forms_of(answer)["/en/contact/check"]["message"] == "My card is •••• 4242. Help."
    with portal.database.session() as db:
        assert "4242 4242" not in str(db.execute(text("SELECT * FROM ticket_drafts")).all())


def test_a_double_click_makes_one_request_and_shows_the_same_number(client: FlaskClient, portal: Portal) -> None:
    form = filled(client)
    pages = [client.post("/en/contact", data=form).location for _ in range(3)]
    assert len(set(pages)) == 1
    assert len(sent(portal)) == 1


def test_ten_sends_at_once_make_one_request(app: Flask, client: FlaskClient, portal: Portal) -> None:
    form = filled(client)
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _n: app.test_client().post("/en/contact", data=form).status_code, range(10)))
    assert set(answers) == {303}
    assert len(sent(portal)) == 1


def test_a_changed_form_sent_again_asks_what_to_do_with_the_new_words(client: FlaskClient, portal: Portal) -> None:
    form = filled(client)
    client.post("/en/contact", data=form)
    answer = client.post("/en/contact", data=form | {"message": "It was charged three times."})
    assert answer.status_code == 409
    (first,) = sent(portal)
    assert str(first.number) in answer.get_data(as_text=True)
    choice = forms_of(answer)["/en/contact/add"]
    client.post("/en/contact/add", data=choice)
    client.post("/en/contact/add", data=choice)
    assert len(sent(portal)) == 1
    again = client.post("/en/contact", data=form | {"message": "And a fourth time."})
    client.post("/en/contact", data=forms_of(again)["/en/contact/add"] | {"duplicate": "new"})
    assert len(sent(portal)) == 2


def test_a_second_request_on_the_same_matter_is_offered_as_a_follow_up_to_the_same_browser_only(
    app: Flask, client: FlaskClient, portal: Portal
) -> None:
    client.post("/en/contact", data=filled(client))
    stranger = app.test_client()
    assert stranger.post("/en/contact", data=filled(stranger)).status_code == 303
    answer = client.post("/en/contact", data=filled(client, message="One more thing."))
    assert answer.status_code == 200
    assert "You wrote about this at" in answer.get_data(as_text=True)
    first = min(sent(portal), key=lambda t: t.number)
    added = client.post("/en/contact", data=forms_of(answer)["/en/contact"] | {"duplicate": "new"})
    assert "/contact/sent/" in added.location
    assert len(sent(portal)) == 3
    answer = client.post("/en/contact", data=filled(client, message="And another."))
    added = client.post("/en/contact", data=forms_of(answer)["/en/contact"] | {"duplicate": "add"})
    assert len(sent(portal)) == 3
    assert first.subject == "Zebra crossing fee"
    assert "Your words are added" in client.get(added.location).get_data(as_text=True)


def test_this_answered_sends_nothing_records_the_truth_and_has_a_way_back(client: FlaskClient, portal: Portal) -> None:
    page = client.get("/en/contact?q=my+card+was+declined")
    button = forms_of(page)["/en/contact/answered"]
    form = forms_of(page)["/en/contact/check"]
    answer = client.post("/en/contact/answered", data=button | {"article": "x", "subject": form["subject"], "message": "Half a text"})
    thanks = client.get(answer.location)
    assert "Good. Nothing was sent." in thanks.get_data(as_text=True)
    assert sent(portal) == []
    assert ['"value":1' in vote.replace(" ", "") for vote in events(portal, "vote")] == [True]
    back = client.post("/en/contact/answered/undo", data=forms_of(thanks)["/en/contact/answered/undo"])
    restored = forms_of(client.get(back.location))["/en/contact/check"]
    assert (restored["subject"], restored["message"]) == ("my card was declined", "Half a text")
    assert len(events(portal, "vote")) == 2


def test_signing_in_on_the_way_keeps_the_draft(client: FlaskClient, portal: Portal, signed_in: Callable[..., FlaskClient]) -> None:
    form = filled(client, message="Do not lose me.")
    answer = client.post("/en/contact/sign-in", data=form)
    assert answer.location.startswith("/sign-in?next=/en/contact")
    path = answer.location.partition("next=")[2].replace("%3F", "?")
    person = signed_in(Role.CUSTOMER, "dana@example.com")
    page = person.get(path)
    restored = forms_of(page)["/en/contact/check"]
    assert restored["message"] == "Do not lose me."
    assert "email" not in restored
    person.post("/en/contact", data=restored)
    (ticket,) = sent(portal)
    assert ticket.account is not None


def test_a_draft_cannot_be_read_by_its_id_alone(client: FlaskClient) -> None:
    form = filled(client, message="Private words.")
    answer = client.post("/en/contact/check", data=form | {"subject": "my card was declined"})
    token = answer.location.partition("draft=")[2]
    assert "Private words." in client.get(f"/en/contact?draft={token}").get_data(as_text=True)
    body, _dot, _signature = token.partition(".")
    for guess in (body, f"{body}.AAAA", "x", ""):
        assert "Private words." not in client.get(f"/en/contact?draft={guess}").get_data(as_text=True)


def test_files_survive_an_error_and_arrive_with_the_request(client: FlaskClient, portal: Portal) -> None:
    form = filled(client, message="")
    answer = upload(client, "/en/contact", form, PNG, "screen.png")
    assert answer.status_code == 422
    assert "screen.png" in answer.get_data(as_text=True)
    again = forms_of(answer)["/en/contact/check"] | {"message": "Now with words."}
    assert client.post("/en/contact", data=again).status_code == 303
    assert client.post("/en/contact", data=again).status_code == 303  # a retry, after the file has left the draft
    (ticket,) = sent(portal)
    with portal.database.session() as db:
        assert db.execute(text("SELECT name, requester_email FROM attachments WHERE message_id IS NOT NULL")).all() == [
            ("screen.png", "dana@example.com")
        ]
    assert ticket.subject == "Zebra crossing fee"


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("big.png", PNG + bytes(1_100_000), "“big.png” is larger than 1 MB"),
        ("page.html", b"<html></html>", "We cannot take “page.html”"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "We cannot take “drawing.svg”"),
        ("empty.png", b"", "“empty.png” is empty"),
    ],
)
def test_a_file_we_cannot_take_is_named_with_the_reason(make_app: MakeApp, name: str, data: bytes, sentence: str) -> None:
    client = make_app(form_holdout_share=0.0, upload_max_mb=1).test_client()
    answer = upload(client, "/en/contact", filled(client), data, name)
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)


def test_something_far_too_large_gets_a_page_that_says_where_the_text_is(make_app: MakeApp) -> None:
    client = make_app(upload_max_mb=1, upload_max_files=1).test_client()
    answer = upload(client, "/en/contact", filled(client), bytes(5_000_000), "film.mp4")
    assert answer.status_code == 413
    assert "your text is still in the form" in answer.get_data(as_text=True)


def test_too_many_requests_in_an_hour_keep_the_text_and_say_how_long(make_app: MakeApp) -> None:
    client = make_app(requests_per_hour=2, form_holdout_share=0.0).test_client()
    client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    for n in range(2):
        assert client.post("/en/contact", data=filled(client, subject=f"Matter number {n} of {n * 7}")).status_code == 303
    answer = client.post("/en/contact", data=filled(client, subject="A third thing", message="Keep this."))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 60
    assert forms_of(answer)["/en/contact/check"]["message"] == "Keep this."


def test_answers_while_typing_come_as_a_piece_of_the_page_once_recorded(client: FlaskClient, portal: Portal) -> None:
    form = filled(client)
    for words in ("my card was dec", "my card was declined"):
        query = {"form": form["form"], "t": form["t"], "subject": words}
        answer = client.get("/en/contact/answers", query_string=query, headers={"Accept": "application/json"})
    assert answer.json is not None
    assert answer.json["count"] >= 1
    assert "Card declined" in answer.json["html"]
    assert "answer" in answer.json["said"]
    assert "Known problem: Card payments are slow." in answer.json["html"]
    assert len(events(portal, "suggest")) == 1
    assert client.get("/en/contact/answers?subject=my+card+was+declined").status_code == 400


def test_internal_articles_are_never_offered_to_customers(client: FlaskClient) -> None:
    form = filled(client)
    answer = client.get("/en/contact/answers", query_string={"form": form["form"], "subject": "quetzal, my card was declined"})
    pages = answer.get_data(as_text=True) + client.get("/en/contact?q=quetzal+override+code").get_data(as_text=True)
    assert "Card declined" in pages
    assert "Quetzal override" not in pages
    assert "lifts a block" not in pages


def test_the_held_out_share_is_shown_no_answers_and_recorded_as_such(make_app: MakeApp) -> None:
    app = make_app(form_holdout_share=0.5, visitor_cookie="session")
    portal = app.extensions["portal"]
    shown = 0
    for _person in range(24):
        shown += 'name="answer"' in app.test_client().get("/en/contact?q=my+card+was+declined").get_data(as_text=True)
    recorded = events(portal, "suggest")
    assert len(recorded) == 24
    assert 0 < shown < 24
    assert sum("holdout" in event for event in recorded) == 24 - shown


def test_a_failing_search_never_keeps_anybody_from_writing(client: FlaskClient, portal: Portal) -> None:
    form = filled(client, subject="my card was declined")
    portal.engine.close()
    with pytest.raises(SearchUnavailable):
        portal.engine.check()
    answer = client.post("/en/contact/check", data=form)
    assert "/contact/sent/" in answer.location
    assert client.post("/en/contact", data=filled(client, subject="another matter entirely")).status_code == 303


def test_a_form_of_another_site_is_refused(client: FlaskClient, portal: Portal) -> None:
    assert client.post("/en/contact", data=filled(client), headers={"Origin": "https://evil.example"}).status_code == 403
    assert sent(portal) == []


def test_the_page_of_a_sent_request_cannot_be_guessed(client: FlaskClient) -> None:
    client.post("/en/contact", data=filled(client))
    for token in ("10001", "WzEwMDAxLDBd", "WzEwMDAxLDBd.AAAA"):
        assert client.get(f"/en/contact/sent/{token}").status_code == 404


def test_unknown_locales_have_no_form(client: FlaskClient) -> None:
    assert client.get("/xx/contact").status_code == 404
    assert client.get("/sv/contact").status_code == 200


def test_the_draft_of_a_signed_in_person_needs_no_email(signed_in: Callable[..., FlaskClient], portal: Portal) -> None:
    person = signed_in(Role.CUSTOMER, "signed@example.com")
    form = forms_of(person.get("/en/contact"))["/en/contact/check"]
    assert "email" not in form
    assert person.post("/en/contact", data=form | {"subject": "Mine alone", "message": "Words."}).status_code == 303
    assert [t.subject for t in sent(portal, "signed@example.com")] == ["Mine alone"]


def test_without_script_a_topics_fields_come_once_it_is_sent_and_go_on_top_of_the_message(client: FlaskClient, portal: Portal) -> None:
    form = filled(
        client, topic="travel", subject="Gryphon abroad and nothing else", message="It does not work here.", email="dana@example.com"
    )
    asked = client.post("/en/contact/check", data=form)
    assert asked.status_code == 200 and "Nothing was sent yet." in asked.text and sent(portal) == []
    again = forms_of(asked)["/en/contact/check"]
    assert (again["fields_of"], again["field1"], again["message"].strip()) == ("travel", "", "It does not work here.")
    refused = client.post("/en/contact/check", data=again | {"topic": "travel"})
    assert refused.status_code == 422 and 'href="#field2"' in refused.text and 'href="#field1"' not in refused.text
    answer = client.post("/en/contact", data=again | {"topic": "travel", "field1": "4242", "field2": "Peru"})
    assert answer.status_code == 303
    assert first_words(portal) == "Last four digits of the card: 4242\nCountry: Peru\n\nIt does not work here."


def test_a_card_number_in_a_topics_field_is_refused_and_kept_nowhere(client: FlaskClient, portal: Portal) -> None:
    form = filled(client, "/en/contact?topic=travel", topic="travel", subject="Card abroad", message="Help me", email="dana@example.com")
    answer = client.post("/en/contact", data=form | {"field1": "4111 1111 1111 1111", "field2": "Peru"})
    assert answer.status_code == 422 and "Take out the card number" in answer.text and "4111 1111" not in answer.text
    assert 'value="Peru"' in answer.text and sent(portal) == []


def test_what_was_written_for_one_topic_is_not_sent_under_another(client: FlaskClient, portal: Portal) -> None:
    form = filled(client, "/en/contact?topic=travel", topic="cards", subject="Gryphon abroad", message="Help me", email="dana@example.com")
    assert client.post("/en/contact", data=form | {"field1": "4242", "field2": "Peru"}).status_code == 303
    assert first_words(portal) == "Help me"


def first_words(portal: Portal) -> str:
    with portal.database.session() as db:
        return str(db.scalar(text("SELECT text FROM messages")))
