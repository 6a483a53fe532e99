"""A portal as real processes on a port of its own, and customers who write to it over HTTP and never give up."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from tests.cli.operators_desk import PROJECT, Desk
from tests.waiting import until

LOOSE = {"HYLLA_REQUESTS_PER_HOUR": "10000", "HYLLA_SEARCHES_PER_MINUTE": "100000", "HYLLA_DRAIN_SECONDS": "0.5"}
"""All customers of a test come from one address, which would soon be told to wait."""

NO_ANSWER = 0


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 when nothing did."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cookies: str = ""
    """The cookies it sets, as the next request sends them."""

    def json(self) -> dict:
        return json.loads(self.body)


class RunningPortal:
    """`flask kb serve` over a desk's folders; may be killed and started again on the same port."""

    def __init__(self, desk: Desk, processes: int = 2, **settings: str) -> None:
        self.desk = desk
        self.processes = processes
        self.port = free_port()
        self.environment = desk.environment({**LOOSE, "HYLLA_BASE_URL": f"http://127.0.0.1:{self.port}", **settings})
        self.process: subprocess.Popen[bytes] | None = None
        self.first_start = 0.0

    def start(self) -> RunningPortal:
        command = [sys.executable, "-m", "flask", "kb", "serve", "--port", str(self.port), "--processes", str(self.processes)]
        with (self.desk.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=PROJECT, env=self.environment, stdout=log, stderr=log, start_new_session=True)
        return self

    def ready_within(self, seconds: float) -> float:
        """Wait for /readyz; the seconds it took."""
        began = time.monotonic()
        until(lambda: self.get("/readyz", timeout=2).status == 200, seconds, f"readiness ({self.said()[-1500:]})")
        return time.monotonic() - began

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def web(self) -> int:
        """The server process: the supervisor's child that has children of its own."""
        return until(
            lambda: next((pid for pid in children(self.pid) if len(children(pid)) >= self.processes), 0), 10, "the web's processes"
        )

    def kill(self) -> None:
        """kill -9 of the supervisor alone."""
        os.kill(self.pid, signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def stop(self) -> int:
        """TERM, and the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def said(self) -> str:
        log = self.desk.folder / "serve.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def __enter__(self) -> RunningPortal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, timeout: float = 20
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            cookies = "; ".join(value.split(";")[0] for name, value in response.getheaders() if name == "Set-Cookie")
            return Answer(response.status, dict(response.getheaders()), response.read(), cookies)
        except (OSError, http.client.HTTPException):
            return Answer(NO_ANSWER)
        finally:
            connection.close()

    def get(self, path: str, timeout: float = 20, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers, timeout=timeout)

    def post_form(self, path: str, fields: Mapping[str, str], cookie: str = "") -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://127.0.0.1:{self.port}"}
        return self.ask("POST", path, urlencode(fields).encode(), headers | ({"Cookie": cookie} if cookie else {}))

    def post_json(self, path: str, body: object, **headers: str) -> Answer:
        return self.ask("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})

    def form_token(self) -> str:
        """The token of a fresh contact form; empty when the page did not come."""
        found = re.search(rb'name="form" value="([^"]+)"', self.get("/en/contact").body)
        return found[1].decode() if found else ""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    try:
        return [int(p) for task in Path(f"/proc/{pid}/task").iterdir() for p in (task / "children").read_text().split()]
    except FileNotFoundError:
        return []


def payload(token: str) -> object:
    """What a signed token says, unchecked."""
    text = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


class Customer(threading.Thread):
    """Writes requests one after another, by the form or over the API, and repeats one until it is acknowledged."""

    def __init__(self, portal: RunningPortal, name: str, by_form: bool) -> None:
        super().__init__(daemon=True)
        self.portal, self.label, self.by_form = portal, name, by_form
        self.acknowledged: dict[str, int] = {}
        self.statuses: dict[int, int] = {}
        self.enough = threading.Event()
        self._pause = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.enough.is_set():
            number += 1
            (self._write_form if self.by_form else self._write_api)(f"{self.label}-{number}")

    def _counted(self, answer: Answer) -> Answer:
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        if answer.status in (NO_ANSWER, 503):
            self._pause.wait(0.02)
        return answer

    def _write_form(self, name: str) -> None:
        token = ""
        while not token and not self.enough.is_set():
            token = self.portal.form_token()
        fields = {"form": token, "subject": f"Bike {name}", "message": "The lock stays shut.", "email": f"{name}@example.com"}
        while not self.enough.is_set():
            answer = self._counted(self.portal.post_form("/en/contact", fields))
            if answer.status == 303:
                number, _added = payload(answer.headers["Location"].rsplit("/", 1)[1])  # type: ignore[misc]
                self.acknowledged[f"form/{payload(token)}"] = number
                return
            assert answer.status in (NO_ANSWER, 503), f"{answer.status}: {answer.body[:500]!r}"

    def _write_api(self, name: str) -> None:
        body = {"subject": f"Bike {name}", "message": "The lock stays shut.", "email": f"{name}@example.com", "locale": "en"}
        while not self.enough.is_set():
            answer = self._counted(self.portal.post_json("/api/v1/tickets", body, **{"Idempotency-Key": name}))
            if answer.status == 201:
                self.acknowledged[f"api/visitor/{name}"] = answer.json()["number"]
                return
            assert answer.status in (NO_ANSWER, 503), f"{answer.status}: {answer.body[:500]!r}"


def writing(portal: RunningPortal, count: int = 4) -> list[Customer]:
    """Customers who have begun to write, half of them by the form."""
    customers = [Customer(portal, f"c{n}", by_form=n % 2 == 0) for n in range(count)]
    for customer in customers:
        customer.start()
    return customers


def acknowledged_by(customers: list[Customer]) -> dict[str, int]:
    """Let them finish; everything they were told: key → number."""
    for customer in customers:
        customer.enough.set()
    for customer in customers:
        customer.join(timeout=60)
        assert not customer.is_alive()
    together: dict[str, int] = {}
    for customer in customers:
        together |= customer.acknowledged
    return together
