"""When something really happened (rule 2.2): skew cancels because both client stamps share one clock."""

from __future__ import annotations

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

OLDEST = 7 * DAY
FUTURE_TOLERANCE = 120 * SECOND


def corrected_time(t_recv: int, t_client: int | None, t_sent: int | None) -> int:
    """The time of an event by the server's clock; never later than `t_recv`, and `t_recv` itself if older than seven days."""
    if t_client is None:
        return t_recv
    if t_sent is not None:
        t = t_recv - max(0, t_sent - t_client)
    elif t_recv - OLDEST <= t_client <= t_recv + FUTURE_TOLERANCE:
        t = min(t_client, t_recv)
    else:
        t = t_recv
    return t if t >= t_recv - OLDEST else t_recv


def ticket_time(t_created: int, t_recv: int) -> int:
    """The time of a contact: when the helpdesk says it was made, but never after we heard of it."""
    return min(t_created, t_recv)
