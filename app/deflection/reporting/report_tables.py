"""A report as plain tables, the same for CSV, JSON and mail: every rate with its numerator, denominator and interval.

Built from a `Report`, in which thresholds were already applied; nothing here could show a row that the page does not.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from defusedcsv import csv as safe_csv

from app.deflection.inference.statistics import Interval, Proportion
from app.deflection.reporting.article_report import ArticleRow
from app.deflection.reporting.failures import OTHERS, ClusterName, FailureRow
from app.deflection.reporting.report import Report
from app.deflection.reporting.trends import Week

Cell = str | int | float | bool | None
_EPOCH = date(1970, 1, 1)
_UNSEEN = r"[\s\x00-\x1f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
_HIDDEN_FORMULA = re.compile(rf"{_UNSEEN}+[=+\-@|%]|{_UNSEEN}*[＝＋－＠]|[\t\r\n]")


@dataclass(frozen=True)
class Table:
    """Columns by machine name, and rows of plain values."""

    key: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def as_csv(self) -> str:
        """As CSV in which no cell can be taken for a formula by a spreadsheet."""
        out = io.StringIO()
        writer = safe_csv.writer(out, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
        writer.writerow(self.columns)
        writer.writerows([["" if cell is None else _plain(cell) for cell in row] for row in self.rows])
        return out.getvalue()

    def as_records(self) -> list[dict[str, Cell]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def _plain(cell: Cell) -> Any:
    # A negative number is data; the same characters from a person are text, and defusedcsv guards those at their beginning. Spreadsheets
    # also look behind spaces, and take a full-width sign for the plain one.
    if isinstance(cell, float):
        return round(cell, 6)
    return f"'{cell}" if isinstance(cell, str) and _HIDDEN_FORMULA.match(cell) else cell


RATE = ("count", "base", "rate", "low", "high")
NO_INTERVAL = (None, None)


def rate_cells(value: Proportion) -> tuple[Cell, ...]:
    """count, base, rate and the ends of the interval; the last three empty below twenty."""
    interval = value.interval
    return (round(value.count, 1), round(value.base, 1), value.rate, *(_ends(interval)))


def _ends(interval: Interval | None) -> tuple[Cell, Cell]:
    return (interval.low, interval.high) if interval else NO_INTERVAL


def day(number: int) -> str:
    return (_EPOCH + timedelta(days=int(number))).isoformat()


def headline(report: Report) -> Table:
    """Every headline number, one row each."""
    rows: list[tuple[Cell, ...]] = []
    s = report.summary
    if s is not None:
        shares = {
            "solved_without_a_ticket": (s.solved, "solved"),
            "confirmed": (s.confirmed, "confirmed"),
            "likely": (s.likely, None),
            "escalated": (s.escalated, "escalated"),
            "escalated_signed_in": (s.escalated_known, None),
            "left_without_an_answer": (s.left, "left"),
            "not_known": (s.unknown, "unknown"),
            "answered_in_the_log": (s.answered_log, "answered_log"),
            "answered_at_most": (s.answered_upper, None),
            "searches_without_result": (s.zero, "zero"),
            "searches_with_click": (s.clicked, "clicked"),
            "searches_asked_again": (s.asked_again, "asked_again"),
            "answered_at_first_search": (s.first_search, "first_search"),
            "forms_solved_by_an_answer": (report.form_rate, None),
        }
        for key, (value, changed) in shares.items():
            rows.append((key, *rate_cells(value), *_change_cells(report, changed)))
        nothing = (None, None, None, None)
        if s.calibrated:
            rows.append(("best_estimate", None, s.endings.total, s.calibrated.rate, *_ends(s.calibrated.interval), *nothing))
            rows.append(("best_estimate_worst_case", None, s.endings.total, None, *_ends(s.calibrated.worst), *nothing))
        if s.avoided:
            rows.append(("tickets_avoided", s.avoided.estimate, s.avoided.needs, None, *_ends(s.avoided.range), *nothing))
        rows.append(("self_service_ratio", *rate_cells(s.self_service), *nothing))
        rows.append(("tickets", s.tickets, None, None, None, None, *nothing))
        rows.append(("median_seconds_to_answer", s.time.median, s.time.needs, None, *s.time.median_interval, *nothing))
        rows.append(("ninetieth_percentile_seconds_to_answer", s.time.p90, s.time.needs, None, None, None, *nothing))
        if report.cost:
            rows.append(("cost_avoided", None, None, None, report.cost.low, report.cost.high, *nothing))
        rows.append(("not_final_yet", report.provisional, None, None, None, None, *nothing))
    return Table("headline", ("number", *RATE, "change", "change_low", "change_high", "clear"), tuple(rows))


def _change_cells(report: Report, key: str | None) -> tuple[Cell, ...]:
    found = report.changes.get(key) if key else None
    return (found.difference, *_ends(found.interval), found.clear) if found else (None, None, None, None)


def weeks(report: Report) -> Table:
    rows = tuple(
        (
            day(w.start),
            *rate_cells(w.solved),
            w.confirmed,
            w.likely,
            w.escalated,
            w.provisional,
            w.nowcast,
            *_nowcast_ends(w),
            w.nowcast_escalated,
        )
        for w in report.weeks
    )
    nowcast = ("nowcast", "nowcast_low", "nowcast_high", "nowcast_escalated")
    return Table("weeks", ("week", *RATE, "confirmed", "likely", "escalated", "provisional", *nowcast), rows)


def _nowcast_ends(week: Week) -> tuple[Cell, ...]:
    return _ends(week.band if week.nowcast is not None else None)


def endings(report: Report) -> Table:
    """Where questions end; all rows but the first sum to the first."""
    if report.summary is None:
        return Table("endings", ("ending", "questions"), ())
    e = report.summary.endings
    names = (
        "total", "confirmed", "likely", "after_ticket", "escalated", "said_no", "left_form", "no_results", "with_results", "unobservable",
        "unmeasured", "shown_only",
    )  # fmt: skip
    return Table("endings", ("ending", "questions"), tuple((name, getattr(e, name)) for name in names))


def _name(name: ClusterName | None, cluster: int) -> tuple[Cell, Cell]:
    if cluster == OTHERS:
        return "(questions of too few people, together)", ""
    return (name.text, name.locale) if name else ("(too few people asked the same)", "")


def failures(report: Report) -> Table:
    def cells(row: FailureRow) -> tuple[Cell, ...]:
        return (
            *_name(row.name, row.cluster), row.needs, row.failed, row.escalated.mean if row.escalated else None,
            *_ends(row.escalated.interval if row.escalated else None), row.kind, row.article, row.gap, *_ends(row.gap_interval),
        )  # fmt: skip

    columns = (
        "question", "language", "questions", "failed", "escalated", "escalated_low", "escalated_high", "gap", "article", "avoidable_a_month",
        "avoidable_low", "avoidable_high",
    )  # fmt: skip
    return Table("failures", columns, tuple(cells(row) for row in report.failures))


def articles(report: Report) -> Table:
    def cells(row: ArticleRow) -> tuple[Cell, ...]:
        shown = row.answered.enough
        return (
            row.article, report.category_of.get(row.article, ""), row.needs, *rate_cells(row.last_read)[2:], *rate_cells(row.answered)[2:],
            float(row.shrunk.mean) if shown else None, float(row.expected) if shown else None, *rate_cells(row.escalated)[2:],
            float(row.escalated_shrunk.mean) if shown else None, row.helpful,
            row.not_helpful, row.left,
        )  # fmt: skip

    columns = (
        "article", "category", "last_read", "last_read_share", "last_read_low", "last_read_high", "answered", "answered_low",
        "answered_high", "answered_shrunk", "others_on_same_questions",
        "escalated_after", "escalated_low", "escalated_high", "escalated_shrunk", "helpful", "not_helpful", "left",
    )  # fmt: skip
    return Table("articles", columns, tuple(cells(row) for row in report.articles))


def unsearched(report: Report) -> Table:
    rows = tuple(
        (*_name(row.name, row.cluster), row.tickets, ", ".join(f"{name} {n}" for name, n in row.channels)) for row in report.unsearched
    )
    return Table("unsearched", ("subject", "language", "requests", "channels"), rows)


def slices(report: Report) -> Table:
    rows = tuple(
        (name, row.value, row.needs, *rate_cells(row.solved)[2:], *rate_cells(row.escalated)[2:], *rate_cells(row.unknown)[2:])
        for name, values in report.slices.items()
        for row in values
    )
    columns = (
        "by", "value", "questions", "solved", "solved_low", "solved_high", "escalated", "escalated_low", "escalated_high", "not_known",
        "not_known_low", "not_known_high",
    )  # fmt: skip
    return Table("slices", columns, rows)


def windows(report: Report) -> Table:
    return Table("windows", ("hours", *RATE), tuple((p.hours, *rate_cells(p.escalated)) for p in report.sensitivity))


def vendors(report: Report) -> Table:
    rows = tuple((v.key, v.count, v.base, v.value) for v in report.vendors)
    return Table("vendors", ("definition", "count", "base", "value"), rows)


def survey(report: Report) -> Table:
    """The calibration survey by kind of ending, with its response rate."""
    classes = report.summary.calibrated.classes if report.summary and report.summary.calibrated else ()
    rows = tuple((f"R{c.rule}", c.needs, c.asked, c.replied, c.yes, c.response_rate) for c in classes)
    return Table("survey", ("rule", "questions", "asked", "replied", "yes", "response_rate"), rows)


TABLES = {build.__name__: build for build in (headline, weeks, endings, failures, articles, unsearched, slices, windows, vendors, survey)}


def tables(report: Report) -> Sequence[Table]:
    """All tables of a report, in the order of the page."""
    return [build(report) for build in TABLES.values()]
