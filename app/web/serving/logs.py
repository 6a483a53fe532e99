"""The log: one line of JSON for each event, so that nothing a stranger sends can look like two; never the values of variables.

A traceback names files and lines. The default of the library would print every local variable beside it: passwords, cookies, mail.
"""

from __future__ import annotations

import structlog
from flask import Flask


def init(_app: Flask) -> None:
    """Configure structlog for this process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
