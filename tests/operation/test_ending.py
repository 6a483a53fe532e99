"""Many clients that say nothing or little, and an end that cuts nobody off."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from app.db import open_database
from app.tickets.models import TicketRow
from tests.cli.operators_desk import Desk
from tests.operation.running_portal import RunningPortal
from tests.tickets.test_crash import check
from tests.waiting import until

OPEN_REQUESTS = 50
SILENT = 300
HALF_A_HEAD = b"GET /en/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: slow"
HALF_A_BODY = (
    b"POST /en/contact HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\nform="
)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    with RunningPortal(Desk(tmp_path_factory.mktemp("ending"))).start() as portal:
        portal.ready_within(60)
        yield portal


def opened(portal: RunningPortal, first: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", portal.port), timeout=20)
    if first:
        client.sendall(first)
    return client


@pytest.mark.parametrize("first", [b"", HALF_A_HEAD, HALF_A_BODY], ids=["nothing", "half a head", "half a body"])
def test_three_hundred_clients_that_do_not_finish_keep_nobody_waiting(portal: RunningPortal, first: bytes) -> None:
    portal.get("/en/")
    with ExitStack() as stack:
        for _ in range(SILENT):
            stack.enter_context(opened(portal, first))
        began = time.monotonic()
        answers = [portal.get("/en/").status for _ in range(10)]
        took = time.monotonic() - began
    assert answers == [200] * 10
    assert took < 2, f"ten home pages took {took:.1f} s"


def test_clients_that_were_answered_and_do_not_close_keep_nobody_waiting(portal: RunningPortal) -> None:
    last = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    with ExitStack() as stack:
        clients = [stack.enter_context(opened(portal, last)) for _ in range(OPEN_REQUESTS)]
        assert [portal.get("/en/", timeout=10).status for _ in range(5)] == [200] * 5
        assert all(read_answer(client).endswith(b"ok\n") for client in clients)


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(portal: RunningPortal) -> None:
    head = b"POST /en/contact HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 524288000\r\n\r\n"
    with opened(portal, head) as client:
        client.settimeout(10)  # less than it takes until a silent client is told to go
        answer = read_answer(client)
    assert answer.startswith(b"HTTP/1.1 413") and b"Connection: close" in answer


@pytest.mark.parametrize(("size", "stays"), [(400_000, True), (3_000_000, False)], ids=["some", "much"])
def test_after_a_body_that_nobody_read_the_connection_is_kept_or_said_to_end(portal: RunningPortal, size: int, stays: bool) -> None:
    head = f"POST /en/nothing-here HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size}\r\n\r\n".encode()
    with opened(portal, head + b"x" * size) as client:
        first = read_answer(client)
        assert first.startswith(b"HTTP/1.1 404")
        assert (b"Connection: keep-alive" in first) is stays
        if stays:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert read_answer(client).endswith(b"ok\n")


def test_a_request_in_single_bytes_on_a_kept_connection_is_answered_like_any_other(portal: RunningPortal) -> None:
    with opened(portal) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            for byte in b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n":
                client.sendall(bytes([byte]))
            assert read_answer(client).endswith(b"ok\n")
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 2)
        both = b""
        while both.count(b"ok\n") < 2:
            piece = client.recv(65536)
            assert piece, f"the second of two requests sent at once was not answered: {both!r}"
            both += piece


def test_a_client_that_asks_whether_it_may_go_on_is_told_so(portal: RunningPortal) -> None:
    body = b'{"subject": "Asked first", "message": "Then sent.", "email": "expecting@example.com"}'
    head = f"POST /api/v1/tickets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    with opened(portal, (head + "Expect: 100-continue\r\n\r\n").encode()) as client:
        assert client.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        client.sendall(body)
        assert b"HTTP/1.1 201" in read_answer(client)


def test_a_large_upload_is_refused_or_read_whole(portal: RunningPortal) -> None:
    body = b'{"subject": "%s"}' % (b"x" * 3_000_000)
    answer = portal.ask("POST", "/api/v1/tickets", body, {"Content-Type": "application/json"})
    assert answer.status in (413, 422)


def test_a_body_in_chunks_is_read(portal: RunningPortal) -> None:
    body = b'{"subject": "In chunks", "message": "Piece by piece.", "email": "chunks@example.com"}'
    head = b"POST /api/v1/tickets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with opened(portal, head) as client:
        for part in (body[:20], body[20:]):
            client.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        client.sendall(b"0\r\n\r\n")
        assert b"HTTP/1.1 201" in read_answer(client)


UNREADABLE = {
    "no request": b"\x16\x03\x01\x02\x00\r\n\r\n",
    "a coding that nobody reads": b"GET /en/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: gzip\r\n\r\n",
    "a coding that looks like chunks": b"GET /en/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "a length that is none": b"POST /en/contact HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
    "a header with a control character": b"GET /en/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: <script>\x00\r\n\r\n",
    "a header too long": b"GET /en/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: " + b"x" * 9000 + b"\r\n\r\n",
    "an address too long": b"GET /en/?" + b"x" * 9000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "an expectation": b"GET /en/ HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: wonders\r\n\r\n",
}


@pytest.mark.parametrize("sent", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_refused_with_our_headers_and_without_repeating_it(portal: RunningPortal, sent: bytes) -> None:
    with opened(portal, sent) as client:
        head, _, body = read_answer(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 4"), head
    assert json.loads(body)["detail"].endswith(".")
    for header in (b"Content-Security-Policy: default-src 'none'", b"X-Content-Type-Options: nosniff", b"Cache-Control: no-store"):
        assert header in head
    assert b"script>" not in body and b"xxx" not in body


@pytest.mark.parametrize("header", ["SCRIPT_NAME: /evil", "PATH_INFO: /healthz", "X-Forwarded-Proto: https", "X-Forwarded-Prefix: /evil"])
def test_a_neighbour_on_this_machine_is_not_believed_without_being_named(portal: RunningPortal, header: str) -> None:
    with opened(portal, f"GET /en/nothing-here HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n\r\n".encode()) as client:
        answer = read_answer(client)
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"evil" not in answer and b"https://127.0.0.1" not in answer


def read_answer(client: socket.socket) -> bytes:
    """One answer with its body, as its length says."""
    data = b""
    while b"\r\n\r\n" not in data or data.startswith(b"HTTP/1.1 100"):
        piece = client.recv(65536)
        if not piece:
            return data
        data = (data + piece).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body


def test_term_says_so_first_cuts_no_open_request_and_ends_in_time(portal: RunningPortal) -> None:
    forms = [portal.form_token() for _ in range(OPEN_REQUESTS)]
    halves: list[tuple[socket.socket, bytes]] = []
    for number, token in enumerate(forms):
        words = {"form": token, "subject": f"Under way {number}", "message": "Half of it is sent.", "email": f"t{number}@example.com"}
        body = urlencode(words).encode()
        head = "POST /en/contact HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        request = f"{head}Origin: http://127.0.0.1:{portal.port}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        half = len(request) - 10
        halves.append((opened(portal, request[:half]), request[half:]))
    until(lambda: portal.get("/readyz").status == 200, 5, "readiness with half requests open")

    assert portal.process is not None
    portal.process.send_signal(signal.SIGTERM)
    told = time.monotonic()
    seen: list[int] = []
    until(lambda: (seen.append(portal.get("/readyz", timeout=2).status), seen[-1] != 200)[1], 5, "unreadiness")
    assert seen[-1] == 503, f"readiness said no before connections were refused: {seen}"
    assert portal.get("/healthz").status == 200

    until(lambda: portal.get("/healthz", timeout=2).status == 0, 10, "the end of new connections")
    answers: list[bytes] = [b""] * OPEN_REQUESTS
    finishing = [threading.Thread(target=finish, args=(answers, n, *half)) for n, half in enumerate(halves)]
    for thread in finishing:
        thread.start()
    for thread in finishing:
        thread.join()
    assert [a[:12] for a in answers] == [b"HTTP/1.1 303"] * OPEN_REQUESTS
    assert portal.process.wait(timeout=20) == 0
    assert time.monotonic() - told <= 10
    database = open_database(portal.environment["HYLLA_DATABASE_URL"])
    check(database, {})
    with database.session() as db:
        assert len(list(db.scalars(select(TicketRow.id).where(TicketRow.subject.startswith("Under way"))))) == OPEN_REQUESTS
    database.close()


def finish(answers: list[bytes], number: int, client: socket.socket, rest: bytes) -> None:
    with client:
        client.sendall(rest)
        answers[number] = read_answer(client)
