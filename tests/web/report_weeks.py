"""Weeks of simulated questions for tests of the report, judged and grouped as the worker does it, and what reads its pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from justhtml import JustHTML

from app import deflection
from app.deflection.recording import simulate


def fill(portal, needs=1200, extra=()):
    """Simulated weeks of ten subjects, judged and grouped as the worker does it."""
    now = datetime.now(UTC)
    words = (
        "declined abroad",
        "activate",
        "virtual limit",
        "transfer stuck",
        "blocked pin",
        "statement",
        "interest",
        "refund",
        "fees",
        "address",
    )
    articles = (
        "card-declined",
        "activate-your-card",
        "virtual-cards",
        "slow-transfer",
        "pin",
        "statements",
        "interest",
        "refunds",
        "fees",
        "moving",
    )
    topics = [
        simulate.Subject(word, {"en": (f"{word} card", f"my {word}"), "sv": (f"{word} kortet",)}, (f"cards/{article}",), 0.6, 0.5)
        for word, article in zip(words, articles, strict=True)
    ]
    start = int((now - timedelta(days=80)).timestamp() * 1000)
    deflection.import_events(portal.database, [*simulate.lines(simulate.stream(11, topics, needs, start, 79)), *extra])
    deflection.recompute_due(portal.database, now)
    with portal.database.session() as db:
        while deflection.assign_due(db, now):
            pass
        deflection.name_clusters(db, now, 3)
        deflection.tell_contacts(db, now)
        deflection.name_subjects(db, now, 3)


def parsed(html):
    return JustHTML(html, sanitize=False)


def words_of(node):
    return re.sub(r"\s+", " ", node.to_text()).strip()
