"""How gunicorn's threads are kept for requests that have arrived: nobody holds one by sending slowly, or nothing at all.

Gunicorn hands a new connection to a thread at once and lets it wait there. Three hundred idle or slow clients then hold every thread.
Here the event loop reads, without waiting for anybody, until a request is whole; only then a thread is used. Upstream has no option
for it (27.0); what is overridden are the three places where a connection is handed to a thread.
"""

from __future__ import annotations

import re
import selectors
import socket
import struct
import time
from functools import partial
from http import HTTPStatus
from typing import Any

from gunicorn import http
from gunicorn.workers.gthread import TConn, ThreadWorker

from app.web import unreadable

MOST_IN_MEMORY = 1024 * 1024
"""From here on a thread reads the rest: an upload needs that much sent before it can hold a thread."""
HEAD_LIMIT = 64 * 1024
"""Longer heads go to gunicorn as they are, which refuses them with a sentence."""
SILENCE = 15.0
"""Seconds without a byte after which a connection is closed."""
LONGEST = 120.0
"""Seconds in which a request must have arrived whole, however it trickles."""
THREAD_WAIT = 20
"""Seconds a thread waits for the rest of a large upload, or for a client that does not read its answer."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n", re.IGNORECASE)
"""Any other coding has no end that could be waited for: such a request goes to gunicorn at once, which refuses it."""
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)


class Arrival:
    """The bytes of one request so far."""

    def __init__(self, now: float) -> None:
        self.data = bytearray()
        self.began = self.latest = now
        self.head = 0
        self.needed: int | None = None
        self.expects_word = False

    def add(self, piece: bytes, now: float) -> None:
        """More of it."""
        searched = max(0, len(self.data) - 3)
        self.data += piece
        self.latest = now
        if not self.head:
            end = self.data.find(b"\r\n\r\n", searched)
            if end >= 0:
                self._read_head(end + 4)

    def _read_head(self, length: int) -> None:
        self.head = length
        head = bytes(self.data[:length])
        said = _LENGTH.search(head)
        if not _CHUNKED.search(head):
            self.needed = length + (int(said[1]) if said else 0)
        self.expects_word = bool(_EXPECTS.search(head)) and self.needed != length

    @property
    def is_whole(self) -> bool:
        """Whether a thread has nothing to wait for, or so much is here that the rest may be waited for."""
        if not self.head:
            return len(self.data) > HEAD_LIMIT
        if len(self.data) >= MOST_IN_MEMORY:
            return True
        if self.needed is None:
            return self.data.endswith(b"0\r\n\r\n")
        return len(self.data) >= self.needed

    def is_over(self, now: float) -> bool:
        """Whether it has been silent or unfinished for too long."""
        return now - self.latest > SILENCE or now - self.began > LONGEST


class GatheringWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn is untyped
    """gthread, except that a thread sees a request only once it has arrived."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.arrivals: dict[Any, Arrival] = {}
        self.looked = 0.0

    def accept(self, listener: socket.socket) -> None:
        """A new connection waits in the event loop for its first request."""
        try:
            client, address = listener.accept()
        except OSError:
            return  # another worker was faster, or the client is gone
        self.nr_conns += 1
        wait = struct.pack("ll", THREAD_WAIT, 0)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, wait)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, wait)
        conn = TConn(self.cfg, client, address, listener.getsockname())
        conn.initialized = conn.data_ready = True
        conn.parser = http.get_parser(self.cfg, client, address)
        self._gather(conn)

    def on_client_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        """The next request on a connection that was kept."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._gather(conn)

    def _gather(self, conn: TConn) -> None:
        self.arrivals[conn] = Arrival(time.monotonic())
        conn.sock.setblocking(False)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._receive, conn))
        self._receive(conn, conn.sock)

    def _receive(self, conn: TConn, client: socket.socket) -> None:
        arrival = self.arrivals[conn]
        try:
            piece = client.recv(65536)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            piece = b""
        if not piece:
            self._drop(conn)
            return
        arrival.add(piece, time.monotonic())
        if arrival.expects_word and not arrival.is_whole:
            # A client that asks whether it may go on would wait for our word as long as we wait for its body.
            arrival.expects_word = False
            try:
                client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            except OSError:
                self._drop(conn)
                return
        if arrival.is_whole:
            self.poller.unregister(client)
            del self.arrivals[conn]
            conn.parser.unreader.unread(bytes(arrival.data))
            self.enqueue_req(conn)

    def murder_pending(self) -> None:
        """Close what has been silent or unfinished for too long; gunicorn calls this in every round."""
        now = time.monotonic()
        if now - self.looked < 1 and self.alive:
            return
        self.looked = now
        # A worker that ends waits for requests that have begun, and for nobody who has said nothing yet.
        for conn, arrival in [(c, a) for c, a in self.arrivals.items() if a.is_over(now) or not (self.alive or a.data)]:
            if arrival.data:
                self._say(conn.sock, HTTPStatus.REQUEST_TIMEOUT)
            self._drop(conn)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer what gunicorn could not read, or could not hand on, with our headers and our words."""
        status = unreadable.status_of(exc)
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log.warning("A request was refused unread: %s, %s", status.value, type(exc).__name__)
        else:
            self.log.error("Failed outside of the application: %s", type(exc).__name__, exc_info=exc)
        self._say(client, status)

    def _say(self, client: socket.socket, status: HTTPStatus) -> None:
        try:
            client.setblocking(False)
            client.send(unreadable.answer(status))
        except OSError:
            return  # whoever sent it is gone, or does not read

    def _drop(self, conn: TConn) -> None:
        self.arrivals.pop(conn, None)
        try:
            self.poller.unregister(conn.sock)
        except (KeyError, ValueError, OSError):
            pass
        self.nr_conns -= 1
        conn.close()
