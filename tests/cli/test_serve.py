"""`flask kb serve`, as `make run` starts it: pages, a saved article that shows at once, and a good end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from operators_desk import PROJECT, Desk

from tests.waiting import until


def answer(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


@pytest.fixture
def serving(desk: Desk, port: int) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "kb", "serve", "--demo"],
        cwd=PROJECT, env=desk.environment({"PORT": str(port)}), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    until(lambda: process.poll() is None and answer(address + "/readyz")[0] == 200, 60, "the portal's readiness")
    yield address, process
    if process.poll() is None:
        process.terminate()
        process.wait(timeout=20)
    assert process.stdout
    process.stdout.close()


def test_the_portal_serves_follows_a_saved_article_and_ends_in_good_order(desk: Desk, serving: tuple[str, subprocess.Popen[str]]) -> None:
    address, process = serving
    assert answer(address + "/en/articles/unlock-a-bike")[0] == 200
    assert answer(address + "/en/articles/saved-a-moment-ago")[0] == 404

    article = "---\ntitle: Saved a moment ago\nsummary: Not committed yet.\n---\nThe text that the writer just saved.\n"
    (desk.content / "articles/en/hire/saved-a-moment-ago.md").write_text(article)
    until(lambda: "the writer just saved" in answer(address + "/en/articles/saved-a-moment-ago")[1], 20, "the saved article")

    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert answer(address + "/healthz")[0] == 0
    assert process.stdout
    said = process.stdout.read()
    assert f"Hylla is ready: {address}/" in said
    for role in ("customer", "agent", "writer", "manager", "admin"):
        assert role in said
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
