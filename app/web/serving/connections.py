"""How gunicorn's threads are kept for requests that have arrived: nobody holds one by sending slowly, or nothing at all.

Gunicorn hands a new connection to a thread at once and lets it wait there. Three hundred idle or slow clients then hold every thread.
Here the event loop reads, without waiting for anybody, until a request is whole; only then a thread is used. Upstream has no option
for it (27.0); what is overridden are the places where a connection is handed to a thread, and where it ends.
"""

from __future__ import annotations

import re
import selectors
import socket
import struct
import time
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from gunicorn import http
from gunicorn.workers.gthread import TConn, ThreadWorker

from app.web.serving import unreadable

MOST_IN_MEMORY = 1024 * 1024
"""From here on a thread reads the rest: an upload needs that much sent before it can hold a thread."""
HEAD_LIMIT = 64 * 1024
"""Longer heads go to gunicorn as they are, which refuses them with a sentence."""
SILENCE = 15.0
"""Seconds without a byte after which a connection is closed."""
LONGEST = 120.0
"""Seconds in which a request must have arrived whole, however it trickles."""
FAREWELL = 2.0
"""Seconds a connection stays half open after its last answer, so that the client reads it before it hears of the end."""
FAREWELL_BYTES = 64 * 1024 * 1024
"""How much of what is still being sent is thrown away meanwhile; more than that and the connection is cut."""
THREAD_WAIT = 20
"""Seconds a thread waits for the rest of a large upload, or for a client that does not read its answer."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n", re.IGNORECASE)
"""Any other coding has no end that could be waited for: such a request goes to gunicorn at once, which refuses it."""
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)


class Arrival:
    """The bytes of one request so far."""

    def __init__(self, now: float, largest: int) -> None:
        self.data = bytearray()
        self.largest = largest
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
        if len(self.data) >= MOST_IN_MEMORY or self.is_hopeless:
            return True
        if self.needed is None:
            return self.data.endswith(b"0\r\n\r\n")
        return len(self.data) >= self.needed

    @property
    def is_hopeless(self) -> bool:
        """Whether it says that it is larger than anything we take: it is refused before it is sent."""
        return self.needed is not None and self.needed - self.head > self.largest

    def is_over(self, now: float) -> bool:
        """Whether it has been silent or unfinished for too long."""
        return now - self.latest > SILENCE or now - self.began > LONGEST


class Connection(TConn):  # type: ignore[misc]  # gunicorn is untyped
    """A connection that its worker sees off. Gunicorn waits in the event loop until the client has closed, for two seconds at most:
    sixty clients that do not close would keep everybody else waiting for two minutes."""

    def __init__(self, worker: GatheringWorker, client: socket.socket, address: Any) -> None:
        super().__init__(worker.cfg, client, address, client.getsockname())
        self.worker = worker
        self.is_large = False
        """Whether its request had not arrived whole when a thread took it."""
        self.initialized = self.data_ready = True
        self.parser = http.get_parser(worker.cfg, client, address)

    def close(self, graceful: bool = False) -> None:
        """End it; `graceful` while the client may still be reading."""
        if graceful:
            self.worker.see_off(self)
        else:
            super().close()


@dataclass
class Departure:
    """A connection whose last answer is sent."""

    until: float
    thrown_away: int = 0


class GatheringWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn is untyped
    """gthread, except that a thread sees a request only once it has arrived."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.arrivals: dict[Any, Arrival] = {}
        self.departures: dict[Any, Departure] = {}
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
        self._gather(Connection(self, client, address))

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """The next request on a connection that was kept."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._gather(conn)

    def _gather(self, conn: Connection) -> None:
        self.arrivals[conn] = Arrival(time.monotonic(), self.wsgi.config["MAX_CONTENT_LENGTH"])
        conn.sock.setblocking(False)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._receive, conn))
        self._receive(conn, conn.sock)

    def _receive(self, conn: Connection, client: socket.socket) -> None:
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
            conn.is_large = arrival.needed is not None and len(arrival.data) < arrival.needed
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
            if arrival.data and arrival.is_over(now):
                self._say(conn.sock, HTTPStatus.REQUEST_TIMEOUT)
            self._drop(conn, graceful=bool(arrival.data))
        for conn in [c for c, d in self.departures.items() if now > d.until]:
            self._gone(conn)

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

    def _drop(self, conn: Connection, graceful: bool = False) -> None:
        self.arrivals.pop(conn, None)
        self._forget(conn.sock)
        self.nr_conns -= 1
        conn.close(graceful)

    def see_off(self, conn: Connection) -> None:
        """Say that nothing more comes, and throw away what the client still sends until it has heard so. Waits for nobody."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._throw_away, conn))
        except (OSError, ValueError, KeyError):
            conn.close()  # the client was faster
            return
        self.nr_conns += 1
        self.departures[conn] = Departure(time.monotonic() + FAREWELL)

    def _throw_away(self, conn: Connection, client: socket.socket) -> None:
        departure = self.departures[conn]
        try:
            size = len(client.recv(256 * 1024))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            size = 0
        departure.thrown_away += size
        if not size or departure.thrown_away > FAREWELL_BYTES:
            self._gone(conn)

    def _gone(self, conn: Connection) -> None:
        del self.departures[conn]
        self._forget(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def _forget(self, client: socket.socket) -> None:
        try:
            self.poller.unregister(client)
        except (KeyError, ValueError, OSError):
            pass

    def handle_request(self, req: Any, conn: Connection) -> Any:
        """Announce the end of the connection where much of the body may stay unread: what follows it could not be found."""
        if conn.is_large:
            req.force_close()
        return super().handle_request(req, conn)

    def _keepalive_after(self, conn: Connection, keepalive: Any) -> bool:
        # A body that is here already costs nothing to pass over. Gunicorn would stop at 64 KiB and close, after having said that it would not.
        return bool(keepalive and conn.parser.finish_body(time.monotonic() + 1, max_bytes=2 * MOST_IN_MEMORY))
