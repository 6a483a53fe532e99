"""A rendering process: reads articles from standard input, writes their HTML to standard output, within limits of time and memory.

Markdown of 8 kB can keep Python-Markdown busy for minutes or exhaust its stack, so it is never rendered where people are served.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import struct
import sys
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


def main() -> None:
    """Serve until standard input ends: a parent that is killed takes its rendering processes with it."""
    memory_mb = int(sys.argv[1])
    from app.content.rendering import render

    render("## Ready\n\n| a |\n|---|\n| b |", "en")  # loads every library now, not on the first article's time
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not break the protocol
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    while (request := receive(requests)) is not None:
        # The kernel ends this process when the time is used up, even inside a regular expression.
        signal.setitimer(signal.ITIMER_PROF, float(str(request["seconds"])))
        try:
            answer = asdict(render(str(request["markdown"]), str(request["locale"])))
        except Exception as error:  # whatever a writer's file provokes in the libraries is that file's problem
            answer = {"failed": f"{type(error).__name__}: {error}"[:200]}
        signal.setitimer(signal.ITIMER_PROF, 0)
        send(answers, answer)


if __name__ == "__main__":
    main()
