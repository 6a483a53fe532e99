"""A rendering process: reads articles from standard input, writes their HTML to standard output, within limits of time and memory.

Markdown of 8 kB can keep Python-Markdown busy for minutes or exhaust its stack, so it is never rendered where people are served.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import struct
import sys
import time
from dataclasses import asdict
from typing import BinaryIO


def send(stream: BinaryIO, message: dict[str, object]) -> None:
    data = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")
    stream.write(struct.pack(">I", len(data)) + data)
    stream.flush()


def receive(stream: BinaryIO) -> dict[str, object] | None:
    """The next message; None at the end of the stream."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    data = stream.read(struct.unpack(">I", head)[0])
    return json.loads(data)


NEW_FORK = 3
"""How a fork ends that has answered, but whose memory is used up."""


def main() -> None:
    """Render until standard input ends: a parent that is killed takes its rendering processes with it.

    What renders is a fork of this process, which has loaded every library: when an article uses up its time, another fork takes over at
    once. Starting Python anew for each of many costly articles took as long as what they are allowed.
    """
    memory_mb = int(sys.argv[1])
    from app.content.rendering import render

    render("## Ready\n\n| a |\n|---|\n| b |", "en")  # loads every library now, not on the first article's time
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not break the protocol
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    code = NEW_FORK
    while code in {NEW_FORK, -signal.SIGPROF}:
        fork = os.fork()
        if fork == 0:
            _end_with_parent()
            os._exit(_serve(requests, answers, memory_mb))
        code = os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1])
        if code not in {0, NEW_FORK}:
            send(answers, {"ended": code})
    # Whatever else ended a fork may have done so in the middle of a request: no other could read on from there.


def _end_with_parent() -> None:
    """Whoever kills the process that we see kills its fork (Linux; elsewhere a fork ends with its time, or with standard input)."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    except (AttributeError, OSError):
        return


def _serve(requests: BinaryIO, answers: BinaryIO, memory_mb: int) -> int:
    """Answer requests until there are no more; the exit code of this fork."""
    from app.content.rendering import render

    resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
    while (request := receive(requests)) is not None:
        began = time.process_time()
        # The kernel ends this process when the time is used up, even inside a regular expression.
        signal.setitimer(signal.ITIMER_PROF, float(str(request["seconds"])))
        try:
            answer = asdict(render(str(request["markdown"]), str(request["locale"])))
        except Exception as error:  # whatever a writer's file provokes in the libraries is that file's problem
            answer = {"failed": f"{type(error).__name__}: {error}"[:200], "spent": time.process_time() - began}
        signal.setitimer(signal.ITIMER_PROF, 0)
        send(answers, answer)
        if "MemoryError" in str(answer.get("failed", "")):
            return NEW_FORK  # what is left of this one's memory is anybody's guess
    return 0


if __name__ == "__main__":
    main()
