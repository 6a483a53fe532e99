"""What people did, and how it ended: events, needs, outcomes by the rules R0…R11, the ledger, and the reports on them.

This room knows events and values. It knows nothing of pages, cookies, articles' text or the helpdesk: others record events
through `record` or `EventQueue` and read outcomes through `audit` and the reports.
"""

from app.deflection.day_report import Today, report_of_today
from app.deflection.comments import Comment, comments_of, leave_comment
from app.deflection.event_queue import EventQueue
from app.deflection.events import (
    EVENT_TYPES,
    Actor,
    Click,
    Dwell,
    Event,
    Exclude,
    FormOpen,
    Identify,
    InvalidEvent,
    Search,
    Suggest,
    Survey,
    TicketEvent,
    TicketUpdate,
    View,
    Vote,
    Watermark,
    milliseconds,
    new_id,
    parse_event,
)
from app.deflection.redaction import redact, requester_hash
from app.deflection.store import events_of_search, events_of_ticket, record

__all__ = [
    "EVENT_TYPES",
    "Actor",
    "Click",
    "Comment",
    "Dwell",
    "Event",
    "EventQueue",
    "Exclude",
    "FormOpen",
    "Identify",
    "InvalidEvent",
    "Search",
    "Suggest",
    "Survey",
    "TicketEvent",
    "TicketUpdate",
    "Today",
    "View",
    "Vote",
    "Watermark",
    "comments_of",
    "events_of_search",
    "events_of_ticket",
    "leave_comment",
    "milliseconds",
    "new_id",
    "parse_event",
    "record",
    "redact",
    "report_of_today",
    "requester_hash",
]
