"""The charts of the report page, from its numbers: trend with band, funnel, sparks and whiskers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from app.deflection import ArticleRow, FailureRow, Report, Summary, Week, WindowPoint
from app.web.filters import number, percent, short_date
from app.web.i18n import gettext as _
from app.web.reports.charts import (
    Chart,
    End,
    FunnelPart,
    FunnelRow,
    Note,
    Shape,
    Spark,
    Tick,
    Whisker,
    across,
    band,
    line,
    scale,
    spaced,
    spark,
    whisker,
)
from app.web.reports.report_words import interval, points, sure

MOST_NOTES = 6
LABEL = 8
"""Height of a note's label, in hundredths of the lowest chart's height."""
Place = Callable[[float], float]


def date_of(day: int) -> date:
    """The date of a day number (days since the epoch, UTC)."""
    return date(1970, 1, 1) + timedelta(days=int(day))


def trend(report: Report) -> Chart | None:
    """The solved share by week with its band; provisional weeks hatched and corrected; what happened, as notes."""
    weeks = report.weeks
    drawn = [(i, w) for i, w in enumerate(weeks) if w.solved.enough]
    if len(drawn) < 2:
        return None
    x = across(len(weeks))
    last_year = {w.start: solved / n for w in weeks if (pair := report.last_year.get(w.start)) and pair[1] >= 20 for solved, n in [pair]}
    bounds = [end for _, w in drawn if w.band for end in (w.band.low, w.band.high)]
    axis = scale([*bounds, *last_year.values(), *(w.shown for _, w in drawn if w.shown is not None)], floor=0.0, ceiling=1.0)
    final = [(i, w) for i, w in drawn if not w.provisional]
    tail = [pair for pair in drawn if pair[0] >= (final[-1][0] if final else 0)]
    sure, unsure = [pair for pair in drawn if not pair[1].provisional], tail if any(w.provisional for _, w in tail) else []
    shapes = [
        Shape(_week_band(sure, x, axis.y), "ch-band"),
        Shape(_week_band(unsure, x, axis.y), "ch-band soon"),
        Shape(line([(x(i), axis.y(last_year[w.start])) for i, w in enumerate(weeks) if w.start in last_year]), "ch-line b"),
        Shape(line([(x(i), axis.y(w.shown or 0)) for i, w in tail]) if len(tail) > 1 else "", "ch-line soon"),
        Shape(line([(x(i), axis.y(w.solved.rate or 0)) for i, w in final]), "ch-line"),
    ]
    notes, stems = _notes(report, drawn, x, axis.y)
    if report.seam is not None and (at := _seam_at(report.seam, weeks)) is not None:
        stems.append(Shape(f"M{x(at)},0V100", "ch-seam"))
    newest = drawn[-1]
    ends = [End(axis.y(newest[1].shown or 0), percent(newest[1].shown or 0, 1), main=True)]
    if weeks[newest[0]].start in last_year:
        year = last_year[weeks[newest[0]].start]
        if abs(axis.y(year) - ends[0].y) > 6:
            ends.append(End(axis.y(year), percent(year)))
    notes.append(Note(x(newest[0]), axis.y(newest[1].shown or 0), cls="now"))
    return Chart(
        _trend_sentence(report, drawn),
        shapes=tuple(s for s in (*shapes, *stems) if s.d),
        x=tuple(Tick(x(i), short_date(date_of(weeks[i].start))) for i in spaced(len(weeks))),
        y=tuple(Tick(axis.y(t), percent(t)) for t in axis.ticks),
        notes=tuple(notes),
        ends=tuple(ends),
        grid=tuple(axis.y(t) for t in axis.ticks),
        has_provisional=bool(unsure),
        has_seam=any(shape.cls == "ch-seam" for shape in stems),
    )


def _seam_at(day: int, weeks: Sequence[Week]) -> float | None:
    """Where between two weeks the definition changes; None at the edge."""
    after = next((i for i, week in enumerate(weeks) if week.start + 7 > day), 0)
    return after - 0.5 if after else None


def _week_band(weeks: Sequence[tuple[int, Week]], x: Callable[[int], float], y: Callable[[float], float]) -> str:
    """The interval of some weeks, moved with a week's correction; empty for a single point."""
    if len(weeks) < 2:
        return ""
    ends = [(x(i), week.band) for i, week in weeks if week.band]
    return band([(at, y(found.high)) for at, found in ends], [(at, y(found.low)) for at, found in ends])


def _trend_sentence(report: Report, drawn: Sequence[tuple[int, Week]]) -> str:
    first, last = drawn[0][1], drawn[-1][1]
    parts = [
        _(
            "Weekly share of questions solved without a ticket, from %(first)s in the week of %(start)s to %(last)s in the week of %(end)s.",
            first=percent(first.shown or 0, 1),
            start=short_date(date_of(first.start)),
            last=percent(last.shown or 0, 1),
            end=short_date(date_of(last.start)),
        )
    ]
    if any(w.provisional for _, w in drawn):
        parts.append(_("The newest weeks are not final and are corrected for requests still to come."))
    marks = report.marks[-MOST_NOTES:]
    if marks:
        parts.append(_("Marked: %(marks)s.", marks="; ".join(f"{short_date(date_of(m.day))} {m.text}" for m in marks)))
    return " ".join([*parts, _("The table below has every number.")])


def _notes(report: Report, drawn: Sequence[tuple[int, Week]], x: Place, y: Place) -> tuple[list[Note], list[Shape]]:
    """Dots on the weeks in which something happened, with labels above and below by turns, where they hide neither the line nor each other."""
    notes, stems, placed = [], [], list[tuple[float, float, float]]()
    points = [(x(i), y(week.shown or 0)) for i, week in drawn]
    by_week = {week.start: point for point, (_i, week) in zip(points, drawn, strict=True)}
    for turn, mark in enumerate(report.marks[-MOST_NOTES:]):
        place = by_week.get(mark.day - (mark.day - report.span.start) % 7)
        if place is None:
            continue
        across_, at = place
        up = turn % 2 == 0
        side = "early" if across_ < 25 else "late" if across_ > 75 else ""
        start, end = _reach(across_, side, mark.text)
        near = [height for where, height in points if start <= where <= end]
        label = min(at - 17, min(near) - LABEL - 1) if up else max(at + 9, max(near) + 2)
        while any(start < others_end and others_start < end and abs(label - height) < LABEL for others_start, others_end, height in placed):
            label += -LABEL if up else LABEL
        label = min(max(label, 0), 100 - LABEL)
        placed.append((start, end, label))
        stems.append(Shape(f"M{across_},{at}V{label + (4 if up else 0)}", "ch-note"))
        notes.append(Note(across_, at, mark.text, label, side))
    return notes, stems


def _reach(at: float, side: str, text: str) -> tuple[float, float]:
    """From where to where a label goes, as the style sheet places it, on the narrowest screen."""
    wide = min(70.0, 4.0 * len(text))
    start = at if side == "early" else at - wide if side == "late" else at - wide / 2
    return start, start + wide


def funnel(s: Summary) -> list[FunnelRow]:
    """Where questions end, each share with its interval: the four endings add up to all of them."""
    e = s.endings

    def width(n: int) -> float:
        return round(100 * n / e.total, 2) if e.total else 0.0

    return [
        FunnelRow(
            "need",
            _("Came with a question"),
            number(e.total),
            _("Searched at least once; %(n)s people", n=number(e.persons)),
            (FunnelPart("", 100),),
        ),
        FunnelRow(
            "need",
            _("Opened an article"),
            number(e.opened),
            _("%(share)s of the questions. Not an ending: what came of it is below", share=sure(s.opened)),
            (FunnelPart("thin", width(e.opened)),),
        ),
        FunnelRow(
            "solved",
            _("Solved without a ticket"),
            number(e.solved),
            _(
                "%(share)s: %(confirmed)s said so, %(likely)s read long enough and sent no request",
                share=sure(s.solved), confirmed=number(e.confirmed), likely=number(e.likely),
            ),
            (FunnelPart("", width(e.confirmed)), FunnelPart("s", width(e.likely))),
        ),
        FunnelRow(
            "escalated",
            _("Wrote to us"),
            number(e.escalated + e.after_ticket),
            _("%(share)s after searching", share=sure(s.escalated)) + (
                " " + _("and %(n)s found the answer when they had already written", n=number(e.after_ticket)) if e.after_ticket else ""
            ),
            (FunnelPart("t", width(e.escalated)), FunnelPart("ts", width(e.after_ticket))),
        ),
        FunnelRow(
            "abandoned",
            _("Left without an answer"),
            number(e.left),
            _(
                "%(share)s: %(none)s found nothing, %(some)s read nothing long enough, %(no)s said “No”, %(form)s left the contact form",
                share=sure(s.left), none=number(e.no_results), some=number(e.with_results), no=number(e.said_no), form=number(e.left_form),
            ),
            (FunnelPart("soft", width(e.left)),),
        ),
        FunnelRow(
            "undetermined",
            _("Not known"),
            number(e.unknown),
            _(
                "%(share)s: %(cookie)s without a cookie, %(time)s with reading time not measured, %(shown)s saw an answer in the results",
                share=sure(s.unknown), cookie=number(e.unobservable), time=number(e.unmeasured), shown=number(e.shown_only),
            ),
            (FunnelPart("none", width(e.unknown)),),
        ),
    ]  # fmt: skip


def spark_of(row: FailureRow) -> Spark:
    """How a group of questions failed over the period, with the direction in a word."""
    half = len(row.spark) // 2
    early, late = sum(row.spark[:half]), sum(row.spark[-half:])
    # Twice the square root of the sum is what chance alone moves such a difference by.
    moved = late - early
    if abs(moved) <= 2 * (early + late) ** 0.5:
        word = _("No clear direction")
    else:
        word = _("Rising") if moved > 0 else _("Falling")
    return spark(row.spark, word)


def whisker_of(row: ArticleRow) -> Whisker | None:
    """The solved share of an article with its interval, and the line of others on the same questions."""
    if not row.answered.enough:
        return None
    low, high = row.shrunk.interval.low, row.shrunk.interval.high
    sentence = _(
        "between %(low)s and %(high)s percent; others on the same questions %(goal)s",
        low=points(low, 0), high=points(high, 0), goal=percent(float(row.expected)),
    )  # fmt: skip
    return whisker(low, high, float(row.shrunk.mean), sentence, float(row.expected), row.below)


def windows(found: Sequence[WindowPoint]) -> Chart | None:
    """The escalated share by attribution window."""
    known = [p for p in found if p.escalated.enough]
    if len(known) < 2:
        return None
    x = across(len(known))
    ends = [end for p in known for end in (p.escalated.interval.low, p.escalated.interval.high)]  # type: ignore[union-attr]
    axis = scale([0.0, *ends], floor=0.0, ceiling=1.0)
    sentence = _(
        "Share of questions followed by a request, by how long we wait for it: %(first)s at one hour, %(last)s at %(days)s days. "
        "The table below has every number.",
        first=percent(known[0].escalated.rate or 0, 1), last=percent(known[-1].escalated.rate or 0, 1), days=known[-1].hours // 24,
    )  # fmt: skip
    return Chart(
        sentence,
        shapes=(
            Shape(
                band(
                    [(x(i), axis.y(p.escalated.interval.high)) for i, p in enumerate(known)],  # type: ignore[union-attr]
                    [(x(i), axis.y(p.escalated.interval.low)) for i, p in enumerate(known)],  # type: ignore[union-attr]
                ),
                "ch-band",
            ),
            Shape(line([(x(i), axis.y(p.escalated.rate or 0)) for i, p in enumerate(known)]), "ch-line"),
        ),
        x=tuple(Tick(x(i), hours(p.hours)) for i, p in enumerate(known)),
        y=tuple(Tick(axis.y(t), percent(t, 0 if axis.ticks[1] - axis.ticks[0] >= 0.01 else 1)) for t in axis.ticks),
        grid=tuple(axis.y(t) for t in axis.ticks),
        size="low",
    )


def hours(n: int) -> str:
    """1 h, 3 d"""
    return _("%(n)s h", n=n) if n < 48 else _("%(n)s d", n=n // 24)


def corrected(week: Week) -> str:
    """What a provisional week will probably become, with its interval moved along; empty for a final one."""
    if week.nowcast is None:
        return ""
    return f"{percent(week.nowcast, 1)} ({interval(week.band)})"
