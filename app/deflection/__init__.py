"""What people did, and how it ended: events, needs, outcomes by the rules R0…R11, the ledger, and the reports on them.

This room knows events and values. It knows nothing of pages, cookies, articles' text or the helpdesk: others record events
through `record` or `EventQueue` and read outcomes through `audit` and the reports.
"""

from app.deflection.comments import Comment, comments_of, leave_comment
from app.deflection.day_report import Today, report_of_today
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
from app.deflection.exchange import Imported, InvalidImport, export_outcomes, import_events
from app.deflection.ledger import outcome_stamp, recompute_due
from app.deflection.redaction import redact, requester_hash
from app.deflection.retention import Erased, apply_retention, erase_person, export_person
from app.deflection.rulebook import InvalidRulebook, Rulebook, rules_from
from app.deflection.store import events_of_search, events_of_ticket, record
from app.deflection.verification import Difference, verify_sample

__all__ = [
    "EVENT_TYPES",
    "Actor",
    "Click",
    "Comment",
    "Difference",
    "Dwell",
    "Erased",
    "Event",
    "EventQueue",
    "Exclude",
    "FormOpen",
    "Identify",
    "Imported",
    "InvalidEvent",
    "InvalidImport",
    "InvalidRulebook",
    "Rulebook",
    "Search",
    "Suggest",
    "Survey",
    "TicketEvent",
    "TicketUpdate",
    "Today",
    "View",
    "Vote",
    "Watermark",
    "apply_retention",
    "comments_of",
    "erase_person",
    "events_of_search",
    "events_of_ticket",
    "export_outcomes",
    "export_person",
    "import_events",
    "leave_comment",
    "milliseconds",
    "new_id",
    "outcome_stamp",
    "parse_event",
    "recompute_due",
    "record",
    "redact",
    "report_of_today",
    "requester_hash",
    "rules_from",
    "verify_sample",
]
