"""Rendering processes: whatever an article does, it costs little and hurts nobody else."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.content.render_process import send
from app.content.renderer import RendererPool
from app.content.rendering import render
from tests.operation.running_portal import children
from tests.operation.test_crashes import is_zombie
from tests.waiting import until

COSTLY = {
    "brackets": "[" * 32_768 + "]" * 32_768,
    "open links": "[a[a" * 8_192,
    "nested list markers": "- " * 32_768,
    "emphasis": "***a***" * 9_000,
    "equal headings": "## same\n\n" * 8_000,
    "block quotes": "> " * 20_000 + "x",
    "definition brackets": "![[](" * 10_000,
    "backticks": "".join("`" * n + " " for n in range(1, 350)),
    "table bars": "|" * 60_000 + "\n" + "|-" * 30_000,
    "deep lists": "".join("    " * n + "- a\n" for n in range(170)),
    "details in details": "<details>\n" * 3_000 + "</details>\n" * 3_000,
    "deep callouts": "".join("    " * n + "!!! note\n" for n in range(150)),
}


@pytest.fixture(scope="module")
def pool() -> Iterator[RendererPool]:
    with RendererPool(2, seconds=0.4) as pool:
        yield pool


def test_costly_articles_end_in_time_and_the_others_are_rendered(pool: RendererPool) -> None:
    start = time.process_time(), time.monotonic()
    jobs = [(name, source, "en") for name, source in COSTLY.items()]
    mixed = [
        job for pair in zip(jobs, [(f"honest {n}", f"## Honest {n}\n\nText.", "en") for n in range(len(jobs))], strict=True) for job in pair
    ]
    done = {key: (rendered, reason) for key, rendered, reason in pool.render_all(mixed)}
    took = time.monotonic() - start[1]
    assert set(done) == {key for key, _, _ in mixed}
    for key, (rendered, reason) in done.items():
        assert rendered.plain == bool(reason)
        if key.startswith("honest"):
            assert not reason and key.capitalize() in rendered.html
        elif rendered.plain:
            assert rendered.html.startswith("<pre") and "<div" not in rendered.html
    failed = [key for key, (_, reason) in done.items() if reason]
    assert len(failed) >= 4, "some of these are known to hang or crash Python-Markdown"
    assert took < 60, "the machine may be busy, but a dozen hostile articles must not take minutes"
    assert time.process_time() - start[0] < 5, "the work is done elsewhere, not in this process"


def test_a_plain_article_shows_its_source_as_text(pool: RendererPool) -> None:
    source = "<script>alert(1)</script>\n" + COSTLY["brackets"]
    rendered, reason = pool.render(source, "en")
    assert "computing" in reason and rendered.plain
    assert rendered.html.startswith('<pre tabindex="0">&lt;script&gt;alert(1)&lt;/script&gt;')
    assert rendered.sections[0].text == source and rendered.headings == ()


def test_a_renderer_that_is_killed_is_replaced() -> None:
    with RendererPool(1) as pool:
        assert not pool.render("one", "en")[1]
        os.kill(pool._idle.queue[0].process.pid, signal.SIGKILL)
        pool._idle.queue[0].process.wait()
        rendered, reason = pool.render("two", "en")
        assert rendered.html == "<p>two</p>" and not reason


def test_an_article_that_uses_up_its_time_does_not_cost_a_new_start_of_python() -> None:
    with RendererPool(1, seconds=0.3) as pool:
        pool.get_ready()
        process = pool._idle.queue[0].process.pid
        for _ in range(3):
            assert "computing" in pool.render(COSTLY["brackets"], "en")[1]
            assert pool.render("after", "en") == (render("after", "en"), "")
        assert [r.process.pid for r in pool._idle.queue] == [process]


@pytest.mark.parametrize("kb", [8, 64, 256, 512])
def test_twenty_eight_articles_that_use_up_all_their_time_cost_two_processes_ten_seconds_whatever_their_size(kb: int) -> None:
    with RendererPool(2) as pool:
        computing = 0.0
        for _ in range(14):
            lost = 2 * pool._allowed("x" * kb * 1024)
            computing += lost
            pool._lost += lost
    assert computing <= 2 * 10


def test_once_many_took_too_long_what_looks_like_them_is_not_tried_and_everything_else_is() -> None:
    table = "| Fee | Card | Cash |\n|---|---|---|\n" + "| 1.50 % | 0.00 | 2.75 |\n" * 300
    code = "```python\n" + "result[key] = {'a': (1, 2), 'b': f(x)}\n" * 150 + "```\n"
    with RendererPool(1) as pool:
        honest = [(text, pool.render(text, "en")) for text in ("Prose, and *more*. " * 400, table, code, "> " * 1000)]
        pool._lost = 100.0
        rendered, reason = pool.render(COSTLY["brackets"], "en")
        assert rendered.plain and "change it" in reason and pool._lost == 100.0
        assert [(text, pool.render(text, "en")) for text, _ in honest] == honest
        pool.get_ready()
        assert "computing" in pool.render(COSTLY["brackets"], "en")[1], "the next publish begins with patience"


def test_a_renderer_that_is_closed_takes_its_fork_along_also_in_the_middle_of_an_article() -> None:
    with RendererPool(1, seconds=30) as pool:
        pool.get_ready()
        process = pool._idle.get()
        until(lambda: children(process.process.pid), what="its fork")
        (fork,) = children(process.process.pid)
        send(process._stdin, {"markdown": COSTLY["brackets"], "locale": "en", "seconds": 30})
        process.close()
        until(lambda: is_zombie(fork), what="the end of the fork")


def test_memory_is_limited() -> None:
    with RendererPool(1, seconds=10, memory_mb=160) as pool:
        rendered, reason = pool.render("x" * 40_000_000, "en")
        assert rendered.plain and reason
        assert pool._lost > 0, "what it cost is taken from the patience with the next ones"
        assert pool.render("after", "en")[0].html == "<p>after</p>"


def test_renderers_see_none_of_our_secrets_and_end_with_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYLLA_SECRET_KEY", "do-not-tell")
    pool = RendererPool(1)
    pool.render("x", "en")
    process = pool._idle.queue[0].process
    assert b"do-not-tell" not in Path(f"/proc/{process.pid}/environ").read_bytes()
    process.stdin.close()  # what happens when the parent is killed
    assert process.wait(timeout=5) == 0
    pool.close()


def test_a_pool_that_is_kept_gives_the_same_process_to_the_next_publish_and_forgets_what_the_last_one_lost() -> None:
    with RendererPool(1, seconds=0.4) as pool:
        pool.get_ready()
        first = pool._idle.queue[0].process.pid
        assert pool.render("one", "en")[0].html == "<p>one</p>"
        pool.get_ready()
        assert [r.process.pid for r in pool._idle.queue] == [first]
        pool._lost = 100.0
        strict = pool._allowed("x" * 1024)
        pool.get_ready()
        assert pool._allowed("x" * 1024) > strict
