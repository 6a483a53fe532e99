"""The four trips through the whole portal, from end to end: git to page, query to events, form to answer, events to report."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import json
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.accounts import Role, add_user, open_session
from app.deflection import (
    Click,
    Dwell,
    Event,
    Search,
    View,
    Vote,
    audit,
    events_of_search,
    import_events,
    milliseconds,
    recompute_due,
    rules_from,
)
from app.portal import Portal
from app.tickets import deliver_due
from app.web.factory import create_app
from app.web.reports.report_mail import queue_weekly
from tests.journeys.conftest import ARTICLES, Writers, publish_now
from tests.waiting import until

OpenHouse = Callable[..., Portal]
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


class Fields(HTMLParser):
    """The forms of a page: address → fields, as a browser without script would send them; and its links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self.links: list[str] = []
        self.said: dict[str, str] = {}
        """What the page's own elements carry for the script (`data-…`)."""
        self._form: dict[str, str] = {}
        self._area = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.said |= {name: value for name, value in given.items() if name.startswith("data-")}
        if tag == "a":
            self.links.append(given.get("href", ""))
        elif tag == "form":
            self._form = self.forms.setdefault(given.get("action", ""), {})
        elif tag == "input" and given.get("name") and given.get("type") not in {"checkbox", "radio", "file"}:
            self._form[given["name"]] = given.get("value", "")
        elif tag == "textarea":
            self._area = given["name"]
            self._form[self._area] = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self._form[self._area] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""


def page_of(answer: TestResponse, status: int = 200) -> str:
    assert answer.status_code == status, answer.get_data(as_text=True)[:400]
    return answer.get_data(as_text=True)


def client_of(app: Flask) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_USER_AGENT"] = BROWSER["User-Agent"]
    return client


def staff(app: Flask, role: Role) -> FlaskClient:
    """Somebody of the house, signed in."""
    portal, now = app.extensions["portal"], datetime.now(UTC)
    with portal.database.durable_session() as db:
        user = add_user(db, f"{role.value}@example.com", role, f"{role.value.title()} Berg", "tiger lamp Oslo", now)
        secret = open_session(db, user, "127.0.0.1", "tests", now)
    client = client_of(app)
    client.set_cookie("hylla_session", secret, domain="localhost")
    return client


# --- an article, from git to a page -----------------------------------------------------------------------------------------


def test_an_article_travels_from_git_to_its_page_through_change_rename_and_damage(open_house: OpenHouse, writers: Writers) -> None:
    portal = open_house()
    client = client_of(create_app(portal=portal))
    title, summary, body = ARTICLES["en/payments/cancel-a-transfer.md"]
    first = page_of(client.get("/en/articles/cancel-a-transfer"))
    assert "until the evening" in first

    writers.write("en/payments/cancel-a-transfer.md", title, summary, body.replace("until the evening", "until six o’clock"))
    revision = writers.commit("Say when")
    report = publish_now(portal)
    assert (report.revision, report.added, report.updated, report.removed, report.problems) == (revision, 0, 1, 0, ())
    publish_and_wait(portal, revision)
    assert "until six o’clock" in page_of(client.get("/en/articles/cancel-a-transfer"))
    assert "cancel-a-transfer" in page_of(client.get("/en/search?q=six+o%27clock"))

    writers.git("mv", "articles/en/payments/cancel-a-transfer.md", "articles/en/payments/take-a-transfer-back.md")
    revision = writers.commit("A name that people use")
    publish_now(portal)
    publish_and_wait(portal, revision)
    moved = client.get("/en/articles/cancel-a-transfer?s=abc&r=1")
    assert (moved.status_code, moved.location) == (301, "/en/articles/take-a-transfer-back?s=abc&r=1")
    renamed = page_of(client.get(moved.location))
    assert "until six o’clock" in renamed
    assert Fields(renamed).said["data-article"] == Fields(first).said["data-article"], "what was recorded of it stays with it"
    history = page_of(client.get("/en/articles/take-a-transfer-back/history"))
    assert [why in history for why in ("A name that people use", "Say when", "The first articles")] == [True, True, True]

    broken = writers.folder / "articles/en/payments/take-a-transfer-back.md"
    broken.write_text("---\ntitle: [never closed\n---\n\nGone wrong.\n", "utf-8")
    revision = writers.commit("A slip")
    report = publish_now(portal)
    assert report.refused == ("articles/en/payments/take-a-transfer-back.md",)
    (problem,) = [p for p in report.problems if p.level == "error"]
    assert problem.path.endswith("take-a-transfer-back.md")
    assert problem.line >= 2
    publish_and_wait(portal, revision)
    served = page_of(client.get("/en/articles/take-a-transfer-back"))
    assert "until six o’clock" in served
    assert "Gone wrong" not in served
    assert "take-a-transfer-back" in page_of(client.get("/en/search?q=transfer"))


def publish_and_wait(portal: Portal, revision: str) -> None:
    """A process looks for a new revision at most once a second."""
    until(lambda: portal.current.get().revision == revision, 10, "the new revision")


# --- a query, from the box to results and recorded events -------------------------------------------------------------------


def test_a_query_travels_from_the_box_to_results_and_to_what_was_done_with_them(open_house: OpenHouse) -> None:
    portal = open_house()
    client = client_of(create_app(portal=portal))
    box = Fields(page_of(client.get("/en/"))).forms["/en/search"]
    assert set(box) == {"q"}
    found = Fields(page_of(client.get("/en/search", query_string={"q": "unblock card", "t": "tab-of-dana"})))
    search_id = found.said["data-search"]
    link = next(href for href in found.links if href.startswith("/en/articles/unblock-a-card?"))
    assert link == f"/en/articles/unblock-a-card?s={search_id}&r=1"

    article = Fields(page_of(client.get(link)))
    now = milliseconds(datetime.now(UTC))
    post = {"headers": {"Referer": f"http://localhost{link.split('?')[0]}", "Origin": "http://localhost"}}
    seen = {"tab": "tab-of-dana", "t_client": now, "t_sent": now}
    opened = [
        {"type": "click", "event_id": "c1", "article": article.said["data-article"], "search_id": search_id, "rank": 1, **seen},
        {"type": "view", "event_id": "v1", "view_id": "view-1", "article": article.said["data-article"], "source": "search",
         "beacon": True, "search_id": search_id, **seen},
    ]  # fmt: skip
    read = [{"type": "dwell", "event_id": f"d{n}", "view_id": "view-1", "active_ms": n * 10_000, **seen} for n in (2, 1)]
    assert client.post("/api/v1/events", json={"events": opened}, **post).status_code == 204
    for batch in (read, read):  # an answer that was lost is sent again
        assert client.post("/api/v1/events", json={"events": batch}, **post).status_code == 204
    said = {"solved": "yes", "view": "view-1", "t": "tab-of-dana"}
    assert client.post("/en/articles/unblock-a-card/feedback", data=said, **post).status_code == 303

    followed = [e for e in recorded(portal, search_id) if not isinstance(e, Dwell)]
    search, click, view, vote = followed
    assert [type(e) for e in followed] == [Search, Click, View, Vote]
    assert isinstance(search, Search) and isinstance(view, View) and isinstance(click, Click) and isinstance(vote, Vote)
    assert (search.q, search.mode, search.lang, search.revision) == ("unblock card", "submit", "en", portal.current.get().revision)
    assert search.results[0] == click.article == view.article == "cards/unblock-a-card"
    assert (view.view_id, vote.view_id, view.sat_ms) == ("view-1", "view-1", 17_000)
    assert sorted(e.active_ms for e in recorded(portal, search_id) if isinstance(e, Dwell)) == [10_000, 20_000]
    assert len({(e.visitor, e.tab, e.account, e.role) for e in recorded(portal, search_id)}) == 1

    recompute_due(portal.database, datetime.now(UTC), rules_from(portal.settings))
    with portal.database.session() as db:
        told = audit(db, datetime.now(UTC), rules_from(portal.settings), search_id=search_id)
    assert (told.rule, told.outcome, told.views[0].active_ms, told.views[0].rank) == ("R2", "answered_confirmed", 20_000, 1)


def recorded(portal: Portal, search_id: str) -> list[Event]:
    portal.events.flush()
    with portal.database.session() as db:
        return events_of_search(db, search_id)


def test_a_damaged_index_says_that_searching_is_down_and_records_no_search(open_house: OpenHouse) -> None:
    index = open_house().settings.index_folder
    portal = open_house()  # another process of the same portal: it meets the damage when it opens the index
    for file in [f for folder in index.iterdir() if folder.is_dir() for f in folder.rglob("*") if f.is_file()]:
        file.write_bytes(b"\0" * 64)
    client = client_of(create_app(portal=portal))
    answer = client.get("/en/search?q=unblock+card")
    page = page_of(answer, 503)
    assert "Search is not answering" in page
    assert "data-search" not in page
    assert int(answer.headers["Retry-After"]) > 0
    assert client.get("/en/suggest?q=unblock&t=tab-1").status_code == 503
    assert "Unblock a blocked card" in page_of(client.get("/en/articles/unblock-a-card"))
    portal.events.flush()
    with portal.database.session() as db:
        assert db.execute(text("SELECT type, body FROM event")).all() == []


# --- a request, from the form to an answer and an outcome -------------------------------------------------------------------


class PostOffice(socketserver.ThreadingTCPServer):
    """An SMTP server that keeps what it is given."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Counter)
        self.letters: list[tuple[str, list[str], bytes]] = []

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class Counter(socketserver.StreamRequestHandler):
    """One conversation of RFC 5321, as far as smtplib holds it."""

    server: PostOffice

    def handle(self) -> None:
        self._say("220 post office")
        sender, receivers = "", []
        while line := self.rfile.readline():
            command, _, rest = line.decode().strip().partition(" ")
            if command.upper() == "MAIL":
                sender, receivers = _address(rest), []
            elif command.upper() == "RCPT":
                receivers.append(_address(rest))
            elif command.upper() == "DATA":
                self._say("354 go on")
                self.server.letters.append((sender, receivers, self._letter()))
            elif command.upper() == "QUIT":
                self._say("221 bye")
                return
            self._say("250 ok")

    def _letter(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


def _address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]


@pytest.fixture
def post_office() -> Iterator[PostOffice]:
    with PostOffice() as office:
        thread = threading.Thread(target=office.serve_forever, daemon=True)
        thread.start()
        yield office
        office.shutdown()
        thread.join(5)


def deliver(portal: Portal) -> int:
    return deliver_due(portal.database, portal.connectors, datetime.now(UTC)).done


def letter(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.default)  # type: ignore[return-value]


def letters_in(portal: Portal) -> list[EmailMessage]:
    """The mail in the data folder, oldest first."""
    folder = Path(portal.settings.data_folder) / "mail"
    return [letter(file.read_bytes()) for file in sorted(folder.iterdir(), key=lambda f: f.stat().st_mtime_ns)]


def words_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def ask(client: FlaskClient, words: str) -> tuple[str, int]:
    """Searches, goes on to the form without script, and sends it in spite of the answers; gives the search and the request's number."""
    found = Fields(page_of(client.get("/en/search", query_string={"q": words})))
    contact = next(href for href in found.links if href.startswith("/en/contact?"))
    form = Fields(page_of(client.get(contact))).forms["/en/contact/check"]
    assert (form["subject"], form["search_id"]) == (words, found.said["data-search"])
    checked = client.post("/en/contact/check", data=form | {"message": "The button is grey.", "email": "dana@example.com"})
    before = Fields(page_of(client.get(checked.location)))
    assert any("/en/articles/unblock-a-card?f=" in link for link in before.links), "an answer is offered before it is sent"
    sent = client.post("/en/contact", data=before.forms["/en/contact"])
    thanks = page_of(client.get(sent.location))
    match = re.search(r"Your number is[^0-9]*(\d+)", thanks)
    assert match
    return found.said["data-search"], int(match[1])


def sign_in_by_mail(portal: Portal, client: FlaskClient, path: str) -> str:
    """Asks for the link, takes it out of the mail, presses its button; gives the page that it leads to."""
    client.post("/sign-in/link", data={"email": "Dana@Example.com", "next": path})
    deliver(portal)
    link = re.search(r"http://localhost(/sign-in/link/\S+)", words_of(letters_in(portal)[-1]))
    assert link
    asked = Fields(page_of(client.get(link[1])))
    signed = client.post(link[1].partition("?")[0], data=asked.forms[""])
    assert (signed.status_code, signed.location) == (303, path)
    assert client.get(link[1]).status_code == 410, "it works once"
    return page_of(client.get(signed.location))


def test_a_request_travels_from_the_form_to_an_answer_and_its_search_is_escalated(open_house: OpenHouse) -> None:
    portal = open_house()
    app = create_app(portal=portal)
    dana, agent = client_of(app), staff(app, Role.AGENT)
    search_id, number = ask(dana, "unblock card")
    with portal.database.session() as db:
        rows = db.execute(text("SELECT subject, requester_email, search_id FROM tickets")).all()
    assert [tuple(row) for row in rows] == [("unblock card", "dana@example.com", search_id)]

    assert deliver(portal) == 1
    assert deliver(portal) == 0, "it is sent once"
    (received,) = letters_in(portal)
    assert received["To"] == "dana@example.com"
    assert str(number) in received["Subject"] + words_of(received)
    assert f"/en/requests/{number}" in sign_in_by_mail(portal, dana, "/en/requests")

    desk = Fields(page_of(agent.get(f"/agent/requests/{number}")))
    insert = next(address for address in inserts_of(page_of(agent.get(f"/agent/requests/{number}"))))
    reply = desk.forms[f"/agent/requests/{number}/messages?view=open"]
    put_in = agent.post(insert, data=reply | {"text": "Choose Show PIN first.", "mode": "reply", "insert": "cards/unblock-a-card"})
    assert put_in.status_code == 303
    drafted = Fields(page_of(agent.get(f"/agent/requests/{number}"))).forms[f"/agent/requests/{number}/messages?view=open"]
    assert drafted["text"].startswith("Choose Show PIN first.")
    assert "/a/cards/unblock-a-card" in drafted["text"]
    answered = agent.post(f"/agent/requests/{number}/messages?view=open", data=drafted | {"mode": "reply", "then": "stay"})
    assert answered.status_code == 303

    thread = page_of(dana.get(f"/en/requests/{number}"))
    assert "Choose Show PIN first." in thread
    assert "/a/cards/unblock-a-card" in thread
    assert deliver(portal) == 1
    assert "/a/cards/unblock-a-card" in words_of(letters_in(portal)[-1])
    stranger = client_of(app)
    assert stranger.get(f"/en/requests/{number}").status_code == 303

    portal.events.flush()
    recompute_due(portal.database, datetime.now(UTC), rules_from(portal.settings))
    with portal.database.session() as db:
        told = audit(db, datetime.now(UTC), rules_from(portal.settings), search_id=search_id)
        uses = db.execute(text("SELECT article_id, how FROM ticket_articles")).all()
    assert (told.rule, told.outcome, [(t.level, t.topical) for t in told.tickets]) == ("R1", "escalated", [("form", True)])
    assert told.link_class == 2, "the mail proved whose browser it is"
    assert [tuple(use) for use in uses] == [("cards/unblock-a-card", "inserted")]

    dana.post(f"/en/requests/{number}/solved", data=Fields(thread).forms[f"/en/requests/{number}/solved"])
    closed = Fields(page_of(dana.get(f"/en/requests/{number}"))).forms[f"/en/requests/{number}/reply"]
    dana.post(f"/en/requests/{number}/reply", data=closed | {"message": "It came back."})
    assert "It came back." in page_of(agent.get(f"/agent/requests/{number}"))
    with portal.database.session() as db:
        contacts = [tuple(row) for row in db.execute(text("SELECT type, ref FROM event WHERE type LIKE 'ticket%' ORDER BY rowid"))]
    request_id = told.tickets[0].ticket_id
    assert [kind for kind, _ref in contacts] == ["ticket", "ticket_update", "ticket", "ticket_update"]
    assert contacts[0][1] == request_id
    assert contacts[2][1].startswith(f"{request_id}."), "whoever has to write about something solved has to write"


def inserts_of(page: str) -> list[str]:
    return [address.replace("&amp;", "&") for address in re.findall(r'formaction="(/agent/requests/\d+/insert[^"]*)"', page)]


def test_mail_leaves_through_an_smtp_server_once_and_waits_while_that_is_down(open_house: OpenHouse, post_office: PostOffice) -> None:
    portal = open_house(smtp_url=post_office.url, mail_from="Fennel help <help@fennel.example>")
    dana = client_of(create_app(portal=portal))
    _search, number = ask(dana, "unblock card")
    assert deliver(portal) == 1
    assert deliver(portal) == 0
    ((sender, receivers, data),) = post_office.letters
    assert (sender, receivers) == ("help@fennel.example", ["dana@example.com"])
    assert str(number) in letter(data)["Subject"] + words_of(letter(data))

    post_office.shutdown()
    post_office.server_close()
    dana.post("/sign-in/link", data={"email": "dana@example.com", "next": "/en/requests"})
    now = datetime.now(UTC)
    report = deliver_due(portal.database, portal.connectors, now)
    assert (report.done, report.failed, report.dead) == (0, 1, 0)
    with portal.database.session() as db:
        kept = db.execute(text("SELECT state, attempts FROM deliveries ORDER BY id")).all()
    assert [tuple(row) for row in kept][-1] == ("pending", 1)


def test_words_added_to_an_earlier_request_are_a_contact_and_no_form_left(open_house: OpenHouse) -> None:
    portal = open_house()
    dana = client_of(create_app(portal=portal))
    ask(dana, "unblock card")
    found = Fields(page_of(dana.get("/en/search", query_string={"q": "unblock card grey"})))
    contact = next(href for href in found.links if href.startswith("/en/contact?"))
    form = Fields(page_of(dana.get(contact))).forms["/en/contact/check"]
    again = form | {"subject": "unblock card", "message": "It is still grey.", "email": "dana@example.com"}
    asked = Fields(page_of(dana.post("/en/contact", data=again))).forms["/en/contact"]
    added = dana.post("/en/contact", data=asked | {"duplicate": "add"})
    assert "Your words are added" in page_of(dana.get(added.location))
    portal.events.flush()
    with portal.database.session() as db:
        told = audit(db, datetime.now(UTC), rules_from(portal.settings), search_id=found.said["data-search"])
        assert db.execute(text("SELECT count(*) FROM tickets")).scalar() == 1
    assert (told.rule, told.outcome) == ("R1", "escalated")
    assert told.forms and [form for form in told.forms if not form.sent] == []


def test_the_weekly_report_leaves_through_the_same_smtp_server_as_text_and_as_html(open_house: OpenHouse, post_office: PostOffice) -> None:
    portal = open_house(smtp_url=post_office.url, mail_from="Fennel help <help@fennel.example>")
    app = create_app(portal=portal)
    now = datetime.now(UTC)
    import_events(portal.database, questions(now))
    recompute_due(portal.database, now, rules_from(portal.settings))
    with portal.database.durable_session() as db:
        add_user(db, "mia@fennel.example", Role.MANAGER, "Mia Berg", "tiger lamp Oslo", now)
    assert queue_weekly(app, now) == 1
    assert queue_weekly(app, now) == 1, "asked again in the same week"
    assert deliver(portal) == 1
    assert deliver(portal) == 0
    ((sender, receivers, data),) = post_office.letters
    assert (sender, receivers) == ("help@fennel.example", ["mia@fennel.example"])
    received = letter(data)
    assert received["Subject"] == "Self-service, last 13 weeks"
    assert received.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in received.iter_parts()] == ["text/plain", "text/html"]
    (html,) = [part.get_content() for part in received.iter_parts() if part.get_content_type() == "text/html"]
    base = SOLVED + READ + WROTE + LEFT
    for said in (f"{SOLVED + READ} of {base}", f"{WROTE} of {base}", f"{100 * (SOLVED + READ) / base:.1f}%"):
        assert said in words_of(received)
        assert said in html
    assert "http://localhost/reports/?w=13" in words_of(received)


# --- a report, from events to a page, CSV and JSON --------------------------------------------------------------------------

SOLVED, READ, WROTE, LEFT = 12, 9, 6, 13
"""Questions that ended with a yes, with an article read, with a request, and with nothing."""


def questions(now: datetime) -> Iterator[str]:
    """Events of as many people as the numbers above say, three weeks ago: one question each, as lines of a file."""
    endings = ["solved"] * SOLVED + ["read"] * READ + ["wrote"] * WROTE + ["left"] * LEFT
    for n, ending in enumerate(endings):
        begun = milliseconds(now - timedelta(days=21)) + n * 60_000
        for seconds, kind, fields in story(n, ending, begun):
            t = begun + 1000 * seconds
            who = {"visitor": f"visitor-{n}", "tab": f"tab-{n}", "ua": BROWSER["User-Agent"]}
            yield json.dumps({"event_id": f"{kind}-{n}", "type": kind, "t_client": t, "t_sent": t, "t_recv": t, **who, **fields})


def story(n: int, ending: str, begun: int) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """What one of them did: (seconds after the search, type of event, its fields)."""
    article = "cards/unblock-a-card"
    yield 0, "search", {"search_id": f"s{n}", "q": "unblock card", "mode": "submit", "n_results": 1, "results": [article], "lang": "en"}
    if ending != "left":
        yield 5, "view", {"view_id": f"w{n}", "article": article, "source": "search", "search_id": f"s{n}"}
    if ending == "solved":
        yield 30, "vote", {"kind": "solved", "value": 1, "view_id": f"w{n}"}
    if ending == "read":
        yield 45, "dwell", {"view_id": f"w{n}", "active_ms": 40_000}
    if ending == "wrote":
        yield 60, "ticket", {"ticket_id": f"T{n}", "t_created": begun + 60_000, "channel": "form", "subject": "cannot unblock card"}


def test_a_report_travels_from_events_to_a_page_and_to_files_with_the_same_numbers(open_house: OpenHouse) -> None:
    portal = open_house()
    app = create_app(portal=portal)
    now = datetime.now(UTC)
    import_events(portal.database, questions(now))
    recompute_due(portal.database, now, rules_from(portal.settings))
    manager = staff(app, Role.MANAGER)
    base = SOLVED + READ + WROTE + LEFT

    rows = {row["number"]: row for row in manager.get("/reports/headline.json?w=13").get_json()["rows"]}
    counts = {name: (rows[name]["count"], rows[name]["base"]) for name in ("confirmed", "likely", "escalated", "left_without_an_answer")}
    assert counts == {
        "confirmed": (SOLVED, base),
        "likely": (READ, base),
        "escalated": (WROTE, base),
        "left_without_an_answer": (LEFT, base),
    }
    assert rows["solved_without_a_ticket"]["rate"] == pytest.approx((SOLVED + READ) / base)

    table = {row["number"]: row for row in csv.DictReader(io.StringIO(page_of(manager.get("/reports/headline.csv?w=13"))))}
    assert set(table) == set(rows)
    for name, row in rows.items():
        for column in ("count", "base", "rate", "low", "high"):
            assert (float(table[name][column]) if table[name][column] else None) == pytest.approx(row[column], abs=1e-6), (name, column)

    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page_of(manager.get("/reports/?w=13"))))
    assert f"of {base} questions" in page
    assert f"{100 * (SOLVED + READ) / base:.1f}%" in page
    assert f"{WROTE} of {base}." in page
    ends = manager.get("/reports/endings.json?w=13").get_json()["rows"]
    numbers = {row["ending"]: row["questions"] for row in ends}
    assert numbers.pop("total") == sum(numbers.values()) == base
