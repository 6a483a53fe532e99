"""Tickets from elsewhere (another helpdesk, a mailbox, a telephone system) → events, idempotent by ticket and state.

JSON Lines or CSV with a header; columns: ticket_id, t_created (milliseconds, or a date and time with its zone), subject, channel,
requester (an address, hashed here, or its hash), account, status, into, updated_at, direction.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from csv import DictReader
from csv import Error as CsvError
from datetime import UTC, datetime
from typing import Any

from app.db import Database
from app.deflection.events import STATUSES, Event, InvalidEvent, milliseconds, parse_event
from app.deflection.exchange import BATCH, Imported, InvalidImport, refusal
from app.deflection.redaction import requester_hash
from app.deflection.store import record

COLUMNS = (
    "ticket_id", "t_created", "subject", "channel", "requester", "account", "status", "into", "updated_at", "direction", "form_id",
)  # fmt: skip


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
    """Read tickets and record them with their state; nothing is applied if a line is refused. `complete_to` moves the watermark.

    Reading the same file again changes nothing; a later file with a new status of a known ticket adds that update.
    """
    report = Imported()
    events: list[Event] = []
    for number, row in _rows(lines, csv, report):
        report.lines = number
        try:
            events += ticket_events(row, now, key, source)
        except InvalidEvent as error:
            _refuse(report, number, str(error))
    if report.bad and not skip_bad:
        raise InvalidImport(refusal(report), {str(n): problem for n, problem in report.refused.items()})
    if complete_to is not None:
        events.append(_watermark(source, complete_to, now))
    report.events = len(events)
    for i in range(0, len(events), BATCH):
        with database.durable_session() as db:
            report.new += record(db, *events[i : i + BATCH])
    return report


def ticket_events(row: Mapping[str, Any], now: datetime, key: str | bytes, source: str) -> list[Event]:
    """The events of one ticket: that it was written, and what became of it. Raises `InvalidEvent`."""
    unknown = {str(name): "is no column we know" for name in row if name not in COLUMNS}
    if unknown:
        raise InvalidEvent("unknown column(s): " + ", ".join(sorted(unknown)), unknown)
    given = {name: value for name, value in row.items() if value not in (None, "")}
    status = given.pop("status", None)
    into, updated = given.pop("into", None), given.pop("updated_at", None)
    if status is not None and status not in STATUSES:
        raise InvalidEvent(f"status “{status}” is none of {', '.join(STATUSES)}")
    recv = milliseconds(now)
    if "t_created" in given:
        given["t_created"] = _moment(given["t_created"], "t_created")
    if "@" in str(given.get("requester", "")):
        given["requester"] = requester_hash(str(given["requester"]), key)
    ident = str(given.get("ticket_id", ""))
    fields = {"channel": "email", **given, "ticket_id": ident, "type": "ticket", "event_id": _name(source, ident, "ticket")}
    events = [parse_event(fields, t_recv=recv)]
    if status is not None and status != "open":
        events.append(_update(source, ident, str(status), into, updated, recv))
    return events


def _update(source: str, ticket_id: str, status: str, into: Any, updated: Any, recv: int) -> Event:
    at = _moment(updated, "updated_at") if updated is not None else None
    fields = {
        "type": "ticket_update",
        "event_id": _name(source, ticket_id, status, str(at or "")),
        "ticket_id": ticket_id,
        "status": status,
        "into": into,
        # An update is as old as the helpdesk says, however late we hear of it: the order of updates is what counts.
        "t_client": min(at, recv) if at is not None else None,
    }
    return parse_event(fields, t_recv=recv)


def _watermark(source: str, complete_to: datetime, now: datetime) -> Event:
    t = milliseconds(complete_to)
    fields = {"type": "watermark", "event_id": _name(source, "watermark", str(t)), "source": source, "t_complete": t}
    return parse_event(fields, t_recv=milliseconds(now))


def _name(*parts: str) -> str:
    """An event id that is the same whenever the same thing is said again."""
    return "i-" + hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def _moment(value: Any, field: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value).strip()
    if text.lstrip("-").isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidEvent(f"{field} “{text[:40]}” is neither milliseconds nor a date and time", {field: "is no time"}) from None
    return milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _rows(lines: Iterable[str | bytes], csv: bool, report: Imported) -> Iterator[tuple[int, Mapping[str, Any]]]:
    texts = (line.decode("utf-8", "replace") if isinstance(line, bytes) else line for line in lines)
    if csv:
        yield from _csv_rows(texts, report)
        return
    for number, line in enumerate(texts, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            _refuse(report, number, f"no JSON: {error}")
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            _refuse(report, number, "a ticket must be a JSON object")


def _csv_rows(texts: Iterator[str], report: Imported) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = DictReader(texts, restkey="(too many columns)")
    try:
        if reader.fieldnames and "ticket_id" not in reader.fieldnames:
            _refuse(report, 1, "the first line must name the columns, ticket_id among them")
            return
        for row in reader:
            yield reader.line_num, row
    except CsvError as error:
        _refuse(report, reader.line_num, f"no CSV: {error}")


def _refuse(report: Imported, number: int, problem: str) -> None:
    report.bad += 1
    if len(report.refused) < 1000:
        report.refused[number] = problem
