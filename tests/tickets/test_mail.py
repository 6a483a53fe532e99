"""Mail: safe headers, both forms, the right direction, into the folder or over SMTP."""

from __future__ import annotations

import email
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from app.config import Settings
from app.db import Database
from app.tickets import deliver_due, open_connectors, queue_mail, write_mail
from app.tickets.models import DeliveryRow

from .conftest import NOW


def in_folder(settings: Settings) -> list[EmailMessage]:
    folder = settings.data_folder / "mail"
    files = sorted(folder.glob("*.eml"))
    return [email.message_from_bytes(f.read_bytes(), policy=default) for f in files]  # type: ignore[misc]


def send(database: Database, settings: Settings, *mails: tuple[str, object]) -> None:
    with database.durable_session() as db:
        for key, mail in mails:
            queue_mail(db, mail, key, NOW)  # type: ignore[arg-type]
    deliver_due(database, open_connectors(settings), NOW)


def test_without_a_server_mail_lies_in_the_data_folder_as_text_and_html(database: Database, tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path, base_url="https://help.example.com")
    mail = write_mail(
        "dana@example.com", "Your request", ("Hello.", "A < B"), "en", ("Open", "https://help.example.com/r/1"), quote="so\nit was"
    )
    send(database, settings, ("m", mail))
    (message,) = in_folder(settings)
    assert message["To"] == "dana@example.com"
    assert message["Message-ID"].endswith("@help.example.com>")
    text = message.get_body(("plain",)).get_content().replace("\r\n", "\n")  # type: ignore[union-attr]
    assert "> so\n> it was" in text
    assert "Open:\nhttps://help.example.com/r/1" in text
    html = message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "A &lt; B" in html
    assert 'dir="ltr"' in html


def test_hebrew_mail_runs_from_right_to_left(database: Database, tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path)
    send(database, settings, ("m", write_mail("dana@example.com", "הפנייה שלך", ("שלום",), "he")))
    (message,) = in_folder(settings)
    assert message["Subject"] == "הפנייה שלך"
    assert message["Content-Language"] == "he"
    assert '<html lang="he" dir="rtl">' in message.get_body(("html",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize("nasty", ["Hi\r\nBcc: all@example.com", "Hi\nContent-Type: text/html", "Hi\x00\u2028Bcc: x", "Hi\u202egnp.exe"])
def test_nothing_in_a_subject_can_become_a_header(database: Database, tmp_path: Path, nasty: str) -> None:
    settings = Settings(data_folder=tmp_path)
    send(database, settings, ("m", write_mail("dana@example.com", nasty, ("Text",), "en")))
    (message,) = in_folder(settings)
    assert message["Bcc"] is None
    assert message.get_content_type() == "multipart/alternative"
    assert message["Subject"].startswith("Hi")
    assert "\u202e" not in message["Subject"]


@pytest.mark.parametrize("address", ["dana@example.com, all@example.com", "dana@example.com\nBcc: x@example.com", "no address", ""])
def test_an_address_that_is_not_exactly_one_is_given_up_and_visible(database: Database, tmp_path: Path, address: str) -> None:
    settings = Settings(data_folder=tmp_path)
    send(database, settings, ("m", write_mail(address, "Hi", ("Text",), "en")))
    assert in_folder(settings) == []
    with database.session() as db:
        row = db.query(DeliveryRow).one()
        assert (row.state, row.last_error) == ("dead", "this is no address that mail can be sent to")


def test_mails_of_one_request_stand_in_one_thread(database: Database, tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path)
    send(database, settings, *((f"m{n}", write_mail("dana@example.com", "Re", ("x",), "en", reference="tkt-1")) for n in range(2)))
    first, second = in_folder(settings)
    assert first["References"] == second["References"]
    assert first["Message-ID"] != second["Message-ID"]


@contextmanager
def smtp_server(answers: dict[str, bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that speaks just enough SMTP over a real socket; gives its address and what was sent to it."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)
    received: list[bytes] = []

    def serve() -> None:
        try:
            connection, _address = listener.accept()
        except OSError:
            return
        with connection, connection.makefile("rwb", buffering=0) as stream:
            stream.write(b"220 test\r\n")
            while line := stream.readline():
                word = line[:4].upper().strip()
                if word == b"DATA":
                    stream.write(b"354 go\r\n")
                    body = b""
                    while not body.endswith(b"\r\n.\r\n"):
                        body += stream.readline()
                    received.append(body)
                    stream.write(b"250 kept\r\n")
                elif word == b"QUIT":
                    stream.write(b"221 bye\r\n")
                    return
                else:
                    stream.write(answers.get(word.decode(), b"250 ok\r\n"))

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"smtp://127.0.0.1:{listener.getsockname()[1]}", received
    listener.close()
    thread.join(timeout=10)


def test_with_a_server_mail_goes_over_smtp(database: Database, tmp_path: Path) -> None:
    with smtp_server({}) as (url, received):
        send(database, Settings(data_folder=tmp_path, smtp_url=url), ("m", write_mail("dana@example.com", "Hej", ("På svenska",), "sv")))
    assert b"To: dana@example.com" in received[0]
    with database.session() as db:
        assert db.query(DeliveryRow).one().state == "done"


@pytest.mark.parametrize(("answer", "state"), [(b"550 no such user\r\n", "dead"), (b"450 later\r\n", "pending")])
def test_a_recipient_refused_for_good_is_given_up_and_one_refused_for_now_waits(
    database: Database, tmp_path: Path, answer: bytes, state: str
) -> None:
    with smtp_server({"RCPT": answer}) as (url, received):
        send(database, Settings(data_folder=tmp_path, smtp_url=url), ("m", write_mail("dana@example.com", "Hej", ("x",), "sv")))
    assert received == []
    with database.session() as db:
        assert db.query(DeliveryRow).one().state == state


def test_a_server_that_wants_a_password_gets_it_and_one_that_refuses_it_leaves_the_mail_waiting(database: Database, tmp_path: Path) -> None:
    offers = {"EHLO": b"250-test\r\n250 AUTH PLAIN\r\n"}
    mail = write_mail("dana@example.com", "Hej", ("x",), "sv")
    for number, (answer, state, error) in enumerate(
        [(b"235 welcome\r\n", "done", ""), (b"535 who are you\r\n", "pending", "the mail server answered 535")]
    ):
        with smtp_server(offers | {"AUTH": answer}) as (url, received):
            send(database, Settings(data_folder=tmp_path, smtp_url=url.replace("//", "//hylla:p%40ss@")), (f"m{number}", mail))
        with database.session() as db:
            row = db.query(DeliveryRow).filter_by(key=f"m{number}").one()
            assert (row.state, row.last_error, len(received)) == (state, error, int(state == "done"))


def test_a_server_that_is_not_there_leaves_the_mail_waiting(database: Database, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    send(
        database, Settings(data_folder=tmp_path, smtp_url=f"smtp://127.0.0.1:{port}"), ("m", write_mail("a@example.com", "x", ("y",), "en"))
    )
    with database.session() as db:
        row = db.query(DeliveryRow).one()
        assert row.state == "pending"
        assert "does not answer" in row.last_error
