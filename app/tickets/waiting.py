"""How long a first reply takes at present, from the requests themselves: so that a page can tell the next customer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.tickets.models import TicketRow
from app.tickets.promise import WorkingHours, open_spans

LATEST = 200
"""The newest requests say how it is now; older ones say how it was."""
WITHIN = timedelta(days=28)
FEWEST = 20
"""Fewer answered requests say more about chance than about the desk."""


def usual_wait(db: Session, hours: WorkingHours, now: datetime) -> timedelta | None:
    """The working time after which half of the newest requests had their first reply; None while too few of them have one.

    Requests that still wait count with the time they have waited: otherwise a desk that falls behind would look quick.
    """
    newest = select(TicketRow.created_at, TicketRow.answered_at, TicketRow.solved_at).order_by(TicketRow.row.desc()).limit(LATEST)
    waits = [
        (working_time(created, answered or solved or now, hours), answered is not None)
        for created, answered, solved in db.execute(newest)
        if created >= now - WITHIN
    ]
    return _median(waits) if sum(is_answered for _wait, is_answered in waits) >= FEWEST else None


def working_time(start: datetime, end: datetime, hours: WorkingHours) -> timedelta:
    """How much of the time between two moments somebody was at the desk."""
    total = timedelta()
    for opens, closes in open_spans(start, hours):
        if opens >= end:
            break
        total += min(closes, end) - opens
    return total


def _median(waits: Sequence[tuple[timedelta, bool]]) -> timedelta | None:
    """The wait that half do not exceed (Kaplan and Meier); None if fewer than half have ended within what is known."""
    still = 1.0
    at_risk = len(waits)
    for wait, is_answered in sorted(waits, key=lambda w: (w[0], not w[1])):
        if is_answered:
            still *= 1 - 1 / at_risk
            if still <= 0.5 + 1e-9:
                return wait
        at_risk -= 1
    return None
