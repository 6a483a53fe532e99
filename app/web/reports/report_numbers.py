"""Every number of a report in one list: how large, of how many, how sure, changed or not, and what it means."""

from __future__ import annotations

from dataclasses import dataclass

from app.deflection import Interval, Proportion, Report
from app.web.filters import number, percent
from app.web.i18n import gettext as _
from app.web.reports import report_words as words


@dataclass(frozen=True)
class NumberRow:
    """One number; `meaning` is the key of its definition."""

    meaning: str
    name: str
    value: str
    size: str
    interval: str
    change: str = ""


def every_number(report: Report) -> list[NumberRow]:
    """All of them, in the order of deflection.md 3; empty while nothing is final."""
    s = report.summary
    if s is None or not s.endings.total:
        return []
    shares: tuple[tuple[str, str, Proportion, str], ...] = (
        ("solved", _("Solved without a ticket"), s.solved, "solved"),
        ("confirmed", _("Confirmed by customers"), s.confirmed, "confirmed"),
        ("likely", _("Likely answered"), s.likely, ""),
        ("log", _("Answered in the log"), s.answered_log, "answered_log"),
        ("log", _("Answered, if all that is not known were"), s.answered_upper, ""),
        ("escalated", _("Wrote to us"), s.escalated, "escalated"),
        ("escalated", _("Wrote to us, signed-in people only"), s.escalated_known, ""),
        ("abandoned", _("Left without an answer"), s.left, "left"),
        ("undetermined", _("Not known"), s.unknown, "unknown"),
        ("zero", _("Searches with no result"), s.zero, "zero"),
        ("click", _("Searches with a click"), s.clicked, "clicked"),
        ("reformulated", _("Searches asked again"), s.asked_again, "asked_again"),
        ("first-search", _("Answered at the first search"), s.first_search, "first_search"),
        ("form-rate", _("Forms in which an answer solved it"), report.form_rate, ""),
        ("self-service", _("Self-service ratio"), s.self_service, ""),
    )
    return [*(_share(report, *row) for row in shares), *_estimates(report), *_times(report)]


def _share(report: Report, meaning: str, name: str, value: Proportion, changed: str) -> NumberRow:
    size = _("%(n)s of %(base)s", n=number(round(value.count)), base=number(round(value.base)))
    if value.rate is None:
        return NumberRow(meaning, name, words.NOTHING, size, _("too few for a rate"))
    found = report.changes.get(changed)
    change = f"{words.change_text(found)}. {words.change_short(found)}" if found else words.change_short(None) if changed else ""
    return NumberRow(meaning, name, words.rate(value), size, words.interval(value.interval), change)


def _estimates(report: Report) -> list[NumberRow]:
    s, rows = report.summary, []
    if s is not None and s.calibrated:
        answers = _("%(n)s survey answers", n=number(s.calibrated.answers))
        rows += [
            NumberRow("calibrated", _("Best estimate"), percent(s.calibrated.rate, 1), answers, words.interval(s.calibrated.interval)),
            NumberRow("calibrated", _("Best estimate, whatever silence means"), words.NOTHING, answers, words.interval(s.calibrated.worst)),
        ]
    if s is not None and s.avoided and s.solved.enough:
        size = _("%(n)s questions", n=number(s.avoided.needs))
        value = words.NOTHING if s.avoided.estimate is None else words.amount(s.avoided.estimate)
        rows.append(NumberRow("avoided", _("Tickets avoided"), value, size, words.amounts(s.avoided.range)))
        if report.cost:
            rows.append(
                NumberRow("cost", _("Cost avoided"), words.NOTHING, size, words.amounts(Interval(report.cost.low, report.cost.high)))
            )
    return rows


def _times(report: Report) -> list[NumberRow]:
    s = report.summary
    if s is None:
        return []
    size = _("%(n)s of %(base)s", n=number(s.time.answered), base=number(s.time.needs))
    return [
        NumberRow("time", _("Time to answer, half of all"), words.duration(s.time.median), size, words.durations(s.time.median_interval)),
        NumberRow("time", _("Time to answer, nine of ten"), words.duration(s.time.p90), size, words.durations(s.time.p90_interval)),
    ]
