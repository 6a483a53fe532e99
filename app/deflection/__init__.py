"""What people did, and how it ended: events, needs, outcomes by the rules R0…R11, the ledger, and the reports on them.

This room knows events and values. It knows nothing of pages, cookies, articles' text or the helpdesk: others record events
through `record` or `EventQueue` and read outcomes through `audit` and the reports.
"""

from app.deflection.asking.calibration import Calibrated
from app.deflection.asking.experiment_store import current_share, form_trial, note_share, restart_trial, trial_stopped, watch_trial
from app.deflection.asking.experiments import Trial, arm_of
from app.deflection.asking.survey import Question, forget_asked, pending_question, question_answered, question_asked, refuse_questions
from app.deflection.grouping.cluster_names import label_clusters as name_clusters
from app.deflection.grouping.cluster_names import label_clusters_in_turn as name_clusters_in_turn
from app.deflection.grouping.cluster_page import ClusterPage, cluster_page, draft_text
from app.deflection.grouping.cluster_store import (
    assign_due,
    merge_clusters,
    merge_nightly,
    pin_query,
    rename_cluster,
    split_cluster,
)
from app.deflection.grouping.cluster_undo import undo_change
from app.deflection.grouping.pair_labels import (
    FEWEST_LABELS,
    Pair,
    clear_labels,
    draw_pairs,
    fit_labels,
    forget_labels,
    label_pair,
    labelled,
    take_last_back,
)
from app.deflection.grouping.subject_groups import merge_subjects, name_subjects, name_subjects_in_turn, tell_contacts
from app.deflection.inference.statistics import Interval, Proportion, Shrunk
from app.deflection.judging.audit import Audit, AuditSearch, Sentence, UnknownSearch, audit, audits_of_ticket, sentences
from app.deflection.judging.ledger import many_wait, outcome_stamp, recompute_due
from app.deflection.judging.rulebook import InvalidRulebook, Rulebook, rules_from
from app.deflection.judging.verification import Difference, verify_sample
from app.deflection.judging.versions import definitions_in_use
from app.deflection.packing.day_packing import pack_asked, pack_days
from app.deflection.recording.clock import FUTURE_TOLERANCE
from app.deflection.recording.comments import Comment, comments_of, leave_comment
from app.deflection.recording.contact_language import Languages
from app.deflection.recording.event_queue import EventQueue
from app.deflection.recording.events import (
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
from app.deflection.recording.exchange import Imported, InvalidImport, export_outcomes, import_events
from app.deflection.recording.redaction import redact, requester_hash
from app.deflection.recording.retention import Erased, apply_retention, erase_person, export_person
from app.deflection.recording.simulate import Subject as SimulatedSubject
from app.deflection.recording.simulate import simulated_lines
from app.deflection.recording.store import events_of_search, events_of_ticket, record
from app.deflection.recording.ticket_import import import_tickets
from app.deflection.reporting.article_report import ArticleRow
from app.deflection.reporting.busiest import views_by_article, votes_by_article
from app.deflection.reporting.day_report import Today, report_of_today
from app.deflection.reporting.definitions import DEFINITIONS, Definition
from app.deflection.reporting.facts import Frame
from app.deflection.reporting.failures import OTHERS, ClusterName, FailureRow
from app.deflection.reporting.learned import AgentAnswer, Phrase, learned_phrases, remove_phrase, restore_phrase
from app.deflection.reporting.metrics import Change, Endings, Summary, WindowPoint
from app.deflection.reporting.notes import ReportNote, add_note, list_notes, remove_note
from app.deflection.reporting.past_searches import PastQuery, past_queries
from app.deflection.reporting.rates import export_rates
from app.deflection.reporting.repairs import Addition
from app.deflection.reporting.report import Mark, Report
from app.deflection.reporting.report_request import RANGES, ReportRequest
from app.deflection.reporting.report_store import report_of
from app.deflection.reporting.report_tables import TABLES, Table
from app.deflection.reporting.spikes import Spike, notice_proposal, spikes
from app.deflection.reporting.thresholds import Thresholds
from app.deflection.reporting.trends import Shift, Week
from app.deflection.reporting.words import without_words, words_are_common

__all__ = [
    "DEFINITIONS",
    "EVENT_TYPES",
    "FEWEST_LABELS",
    "FUTURE_TOLERANCE",
    "OTHERS",
    "RANGES",
    "TABLES",
    "Actor",
    "Addition",
    "AgentAnswer",
    "ArticleRow",
    "Audit",
    "AuditSearch",
    "Calibrated",
    "Change",
    "Click",
    "ClusterName",
    "ClusterPage",
    "Comment",
    "Definition",
    "Difference",
    "Dwell",
    "Endings",
    "Erased",
    "Event",
    "EventQueue",
    "Exclude",
    "FailureRow",
    "FormOpen",
    "Frame",
    "Identify",
    "Imported",
    "Interval",
    "InvalidEvent",
    "InvalidImport",
    "InvalidRulebook",
    "Languages",
    "Mark",
    "Pair",
    "PastQuery",
    "Phrase",
    "Proportion",
    "Question",
    "Report",
    "ReportNote",
    "ReportRequest",
    "Rulebook",
    "Search",
    "Sentence",
    "Shift",
    "Shrunk",
    "SimulatedSubject",
    "Spike",
    "Suggest",
    "Summary",
    "Survey",
    "Table",
    "Thresholds",
    "TicketEvent",
    "TicketUpdate",
    "Today",
    "Trial",
    "UnknownSearch",
    "View",
    "Vote",
    "Watermark",
    "Week",
    "WindowPoint",
    "add_note",
    "apply_retention",
    "arm_of",
    "assign_due",
    "audit",
    "audits_of_ticket",
    "clear_labels",
    "cluster_page",
    "comments_of",
    "current_share",
    "definitions_in_use",
    "draft_text",
    "draw_pairs",
    "erase_person",
    "events_of_search",
    "events_of_ticket",
    "export_outcomes",
    "export_person",
    "export_rates",
    "fit_labels",
    "forget_asked",
    "forget_labels",
    "form_trial",
    "import_events",
    "import_tickets",
    "label_pair",
    "labelled",
    "learned_phrases",
    "leave_comment",
    "list_notes",
    "many_wait",
    "merge_clusters",
    "merge_nightly",
    "merge_subjects",
    "milliseconds",
    "name_clusters",
    "name_clusters_in_turn",
    "name_subjects",
    "name_subjects_in_turn",
    "new_id",
    "note_share",
    "notice_proposal",
    "outcome_stamp",
    "pack_asked",
    "pack_days",
    "parse_event",
    "past_queries",
    "pending_question",
    "pin_query",
    "question_answered",
    "question_asked",
    "recompute_due",
    "record",
    "redact",
    "refuse_questions",
    "remove_note",
    "remove_phrase",
    "rename_cluster",
    "report_of",
    "report_of_today",
    "requester_hash",
    "restart_trial",
    "restore_phrase",
    "rules_from",
    "sentences",
    "simulated_lines",
    "spikes",
    "split_cluster",
    "take_last_back",
    "tell_contacts",
    "trial_stopped",
    "undo_change",
    "verify_sample",
    "views_by_article",
    "votes_by_article",
    "watch_trial",
    "without_words",
    "words_are_common",
]
