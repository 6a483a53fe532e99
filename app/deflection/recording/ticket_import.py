"""Tickets from elsewhere (another helpdesk, a mailbox, a telephone system) → events, idempotent by ticket, content and state.

A ticket is known by its `ticket_id` alone, whichever way we are told of it: the feed and a file name the same events for the same lines.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.db import Database
from app.deflection.recording.clock import DAY
from app.deflection.recording.events import STATUSES, Event, InvalidEvent, milliseconds, parse_event
from app.deflection.recording.exchange import BATCH, Imported, InvalidImport, refusal
from app.deflection.recording.redaction import requester_hash
from app.deflection.recording.store import record, scrubbed
from app.deflection.recording.ticket_lines import rows_of

COLUMNS = (
    "ticket_id", "t_created", "subject", "channel", "requester", "account", "status", "into", "updated_at", "direction", "form_id",
)  # fmt: skip
EARLIEST = milliseconds(datetime(2000, 1, 1, tzinfo=UTC))
"""Before this there were no tickets of ours: seconds were written instead of milliseconds, or a clock was never set."""
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_NAMES_THINGS = ("ticket_id", "account", "form_id", "into")


def import_tickets(
    database: Database,
    lines: Iterable[str | bytes],
    now: datetime,
    key: str | bytes,
    source: str = "import",
    csv: bool = False,
    complete_to: datetime | None = None,
    skip_bad: bool = False,
) -> Imported:
    """Read tickets and record them with their state; nothing is applied if a line is refused. `complete_to` moves the watermark of `source`.

    Reading the same lines again changes nothing, in whichever order and by whichever way; a new status of a known ticket adds that update.
    """
    report = Imported()
    events: list[Event] = []
    for number, row in rows_of(lines, csv, lambda number, problem: _refuse(report, number, problem)):
        report.lines = number
        try:
            events += ticket_events(row, now, key)
        except InvalidEvent as error:
            _refuse(report, number, str(error))
    if report.bad and not skip_bad:
        raise InvalidImport(refusal(report, "no tickets"), {str(n): problem for n, problem in report.refused.items()})
    if complete_to is not None:
        events.append(_watermark(source, complete_to, now))
    report.events = len(events)
    for i in range(0, len(events), BATCH):
        with database.durable_session() as db:
            report.new += record(db, *events[i : i + BATCH])
    return report


def ticket_events(row: Mapping[str, Any], now: datetime, key: str | bytes) -> list[Event]:
    """The events of one ticket: that it was written, and what became of it. Raises `InvalidEvent`."""
    given = _given(row)
    status = given.pop("status", None)
    into, updated = given.pop("into", None), given.pop("updated_at", None)
    _check_state(given.get("ticket_id"), status, into)
    at = _moment(updated, "updated_at", now) if updated is not None else None
    if "t_created" in given:
        given["t_created"] = _moment(given["t_created"], "t_created", now)
    if "@" in str(given.get("requester", "")):
        given["requester"] = requester_hash(str(given["requester"]), key)
    told = scrubbed(_parsed({"channel": "email", **given, "type": "ticket"}, now))
    events = [replace(told, event_id=_name(_known_as(told), "ticket", told.account or "", _written(told)))]
    if status is not None and (status != "open" or at is not None):
        events.append(_update(_known_as(told), status, into, at, now))
    return events


def _given(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row says; the same whether it was written in JSON or as text in a table."""
    unknown = {str(name)[:100]: "is no column we know" for name in row if name not in COLUMNS}
    if unknown:
        shown = ", ".join(f"“{name}”" for name in sorted(unknown)[:5])
        raise InvalidEvent(f"unknown column(s) {shown}; known are {', '.join(COLUMNS)}", unknown)
    values = {name: value.strip() if isinstance(value, str) else value for name, value in row.items()}
    for name in _NAMES_THINGS:
        if type(values.get(name)) is int:
            values[name] = str(values[name])
    return {name: value for name, value in values.items() if value not in (None, "")}


def _check_state(ticket_id: object, status: object, into: object) -> None:
    if status is not None and status not in STATUSES:
        raise InvalidEvent(f"status “{str(status)[:40]}” is none of {', '.join(STATUSES)}", {"status": "is unknown"})
    if into is not None and status is None:
        raise InvalidEvent("into without a status; a ticket that went into another has the status merged", {"into": "needs a status"})
    if into is not None and into == ticket_id:
        raise InvalidEvent("a ticket cannot be merged into itself; into names the ticket that goes on", {"into": "is this ticket"})


def _update(ticket_id: str, status: str, into: Any, at: int | None, now: datetime) -> Event:
    fields = {
        "type": "ticket_update",
        "ticket_id": ticket_id,
        "status": status,
        "into": into,
        # An update is as old as the helpdesk says, however late we hear of it: the order of updates is what counts.
        "t_client": min(at, milliseconds(now)) if at is not None else None,
    }
    return replace(_parsed(fields, now), event_id=_name(ticket_id, status, str(into or ""), str(at or "")))


def _watermark(source: str, complete_to: datetime, now: datetime) -> Event:
    t = milliseconds(complete_to)
    return replace(_parsed({"type": "watermark", "source": source, "t_complete": t}, now), event_id=_name(source, "watermark", str(t)))


def _parsed(fields: Mapping[str, Any], now: datetime) -> Event:
    """The event with these fields, checked; the name that follows from them is not known yet."""
    try:
        return parse_event({**fields, "event_id": "?"}, t_recv=milliseconds(now))
    except InvalidEvent as error:
        # Whoever sends tickets knows columns, not our events.
        raise InvalidEvent("; ".join(f"{name} {problem}" for name, problem in sorted(error.errors.items())), error.errors) from None


def _known_as(ticket: Event) -> str:
    return str(ticket.body()["ticket_id"])


def _written(event: Event) -> str:
    return json.dumps(event.body(), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _name(*parts: str) -> str:
    """An event id that is the same whenever the same thing is said again."""
    return "i-" + hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _moment(value: Any, field: str, now: datetime) -> int:
    at = _milliseconds(value, field)
    shown = f"{field} “{str(value)[:40]}”"
    if at < EARLIEST:
        hint = "; are these seconds instead of milliseconds?" if at > 0 and _WHOLE.fullmatch(str(value)) else ""
        raise InvalidEvent(f"{shown} lies before the year 2000{hint}", {field: "is too early"})
    if at > milliseconds(now) + DAY:
        raise InvalidEvent(f"{shown} lies more than a day in the future; is one of the two clocks wrong?", {field: "is in the future"})
    return at


def _milliseconds(value: Any, field: str) -> int:
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is int:
        return value
    text = value if isinstance(value, str) else ""
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        how = "milliseconds since 1970 nor a date and time like 2026-01-31T09:30:00Z"
        raise InvalidEvent(f"{field} “{str(value)[:40]}” is neither {how}", {field: "is no time"}) from None
    return milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _refuse(report: Imported, number: int, problem: str) -> None:
    report.bad += 1
    report.lines = max(report.lines, number)
    if len(report.refused) < 1000:
        report.refused[number] = problem
