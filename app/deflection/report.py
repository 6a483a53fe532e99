"""One report over a period: every section that page, CSV, JSON and mail show, from columns of needs. Pure: rows in, numbers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.deflection import facts
from app.deflection.article_report import ArticleRow, article_rows
from app.deflection.avoided import DAYS_A_MONTH, Cost, cost_avoided, gaps, repair_share
from app.deflection.facts import DAY_MS, NO_CONTACTS, Contacts, Frame
from app.deflection.failures import ClusterName, FailureRow, UnsearchedRow, failure_rows, unsearched_rows
from app.deflection.metrics import (
    Change,
    Summary,
    WindowPoint,
    change,
    narrow_form_rate,
    share,
    share_of_searches,
    summary,
    window_sensitivity,
)
from app.deflection.repairs import Addition, repairs
from app.deflection.report_request import ReportRequest, Span, apply_filters, left_out, parts_of, values_of
from app.deflection.statistics import Proportion
from app.deflection.thresholds import Thresholds, may_show_filtered, visible_groups
from app.deflection.trends import FEWEST_FOR_A_TREND, Shift, Week, lateness, monday_of, shift, weekly
from app.deflection.vendor_view import VendorNumber, vendor_numbers


@dataclass(frozen=True)
class Mark:
    """Something that happened on a day and may explain a change: a release, an outage, an article."""

    day: int
    text: str
    kind: str = "note"


@dataclass(frozen=True)
class Material:
    """What a report is made of: needs and contacts of the whole span, and what others know about articles."""

    needs: Frame
    contacts: Contacts = NO_CONTACTS
    names: Mapping[int, ClusterName] = field(default_factory=dict)
    subjects: Mapping[int, ClusterName] = field(default_factory=dict)
    """What groups of subjects may be called."""
    category_of: Mapping[str, str] = field(default_factory=dict)
    translated: Mapping[str, frozenset[str]] = field(default_factory=dict)
    marks: Sequence[Mark] = ()
    restated: Mapping[int, int] = field(default_factory=dict)
    """Day → needs whose final outcome changed since it was first published."""
    last_year: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    """Week start → (solved, all) a year before it."""
    weeks_before: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    """Week start → (solved, all) of the last year, whatever is read."""
    additions: Sequence[Addition] = ()
    """Articles that appeared, from the content's history."""
    otherwise: Mapping[int, int] = field(default_factory=dict)
    """Day → needs that are judged by other thresholds than those in force."""
    began: int | None = None
    """The day of the first need there ever was."""
    newest: int = 0
    """When the newest event was received (ms)."""
    version: str = ""


@dataclass(frozen=True)
class Slice:
    """One value of a filter with its own rates."""

    value: str
    needs: int
    solved: Proportion
    escalated: Proportion
    unknown: Proportion


@dataclass(frozen=True)
class Report:
    """Everything of one report; `withheld` means that too few people are behind it for anything to be shown."""

    request: ReportRequest
    span: Span
    as_of: int
    withheld: bool
    summary: Summary | None = None
    changes: Mapping[str, Change | None] = field(default_factory=dict)
    form_rate: Proportion = Proportion(0, 0)
    """Forms with answers in which somebody said that one solved it."""
    provisional: int = 0
    weeks: tuple[Week, ...] = ()
    shift: Shift | None = None
    failures: tuple[FailureRow, ...] = ()
    articles: tuple[ArticleRow, ...] = ()
    hidden_articles: int = 0
    rows_until: int = 0
    """The day up to which groups, articles and subjects are listed, without it; `row_needs` are the needs until then."""
    row_needs: int = 0
    unsearched: tuple[UnsearchedRow, ...] = ()
    slices: Mapping[str, tuple[Slice, ...]] = field(default_factory=dict)
    sensitivity: tuple[WindowPoint, ...] = ()
    vendors: tuple[VendorNumber, ...] = ()
    cost: Cost | None = None
    marks: tuple[Mark, ...] = ()
    restated: int = 0
    last_year: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    category_of: Mapping[str, str] = field(default_factory=dict)
    repairs: int = 0
    """Clusters that got an article here, from which the share that an article mends is learnt."""
    otherwise: int = 0
    """Needs of the period and the one before that are judged by other thresholds than those in force."""
    seam: int | None = None
    """The first day after all of those; None where there is nothing on one of its sides."""
    newest: int = 0
    version: str = ""

    @property
    def has_trend(self) -> bool:
        return self.summary is not None and self.summary.endings.total >= FEWEST_FOR_A_TREND


def build(
    material: Material,
    request: ReportRequest,
    span: Span,
    as_of: int,
    thresholds: Thresholds,
    cost: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Report:
    """The report of a request at a moment. Same material, same report: every simulation has a fixed seed."""
    every = material.needs
    mask = apply_filters(every, request, material.category_of)
    chosen = every.where(mask)
    period = chosen.between(span.start, span.end)
    outside = [rest.between(span.start, span.end) for rest in left_out(every, request, material.category_of)]
    counted = period.counted
    few = not may_show_filtered(counted, [rest.counted for rest in outside], thresholds.row)
    if len(counted) and (few or not _may_stand_alone(every, request, span, as_of, material.category_of, thresholds.row)):
        return Report(request, span, as_of, withheld=True, category_of=material.category_of, version=material.version)
    final = counted.final(as_of)
    contacts = _contacts(material.contacts, span, request)
    surveyed = every.between(span.start, span.end).counted.final(as_of) if request.active else None
    now = summary(final, _in_time(contacts, final), surveyed)
    late = lateness(every.counted, as_of)
    weeks = weekly(chosen.counted, as_of, span.start, span.end, late)
    mended = repairs(every.counted.final(as_of), material.additions, now.calibrated)
    before = chosen.between(span.before, span.start).counted.final(as_of)
    if material.otherwise:
        # Judged by two definitions, the difference would be one of thresholds: there is nothing to compare with.
        before = before.where(np.zeros(len(before), dtype=bool))
    until = whole_weeks(every.between(span.start, span.end).counted, span, as_of)
    rows = final.between(span.start, until)
    rows_outside = _all_left_out([rest.counted.final(as_of).between(span.start, until) for rest in outside], request, material.category_of)
    articles = _visible_articles(article_rows(rows, material.category_of), rows, rows_outside, thresholds.row)
    unsearched = contacts.where(~contacts["searched"] & (contacts["at"] < until * DAY_MS))
    return Report(
        request,
        span,
        as_of,
        withheld=False,
        summary=now,
        form_rate=narrow_form_rate(period.final(as_of)),
        changes=_changes(final, before),
        provisional=len(counted) - len(final),
        weeks=weeks,
        shift=_shift(material, request, chosen.counted, as_of, span),
        failures=tuple(
            failure_rows(
                rows,
                gaps(rows, now.calibrated, max(1, until - span.start), repair_share(mended)),
                material.names,
                thresholds.row,
                rows_outside,
                material.translated,
            )
        ),
        articles=tuple(articles),
        hidden_articles=len(np.unique(rows["article"])) - len(articles) - (rows.code("article", "") in rows["article"]),
        rows_until=until,
        row_needs=len(rows),
        unsearched=tuple(unsearched_rows(unsearched, material.subjects, thresholds.row)),
        slices=_slices(every, request, span, as_of, material.category_of, thresholds.row),
        sensitivity=window_sensitivity(final, as_of),
        vendors=vendor_numbers(period.final(as_of), final, now, len(np.unique(contacts["person"]))),
        cost=cost_avoided(now.avoided, cost[0], cost[1], cost[2] * _months(final)),
        marks=tuple(mark for mark in material.marks if span.start <= mark.day < span.end),
        restated=sum(n for day, n in material.restated.items() if span.start <= day < span.end),
        last_year={} if request.active else material.last_year,
        category_of=material.category_of,
        repairs=len(mended),
        otherwise=sum(material.otherwise.values()),
        seam=_seam(material.otherwise, span),
        newest=material.newest,
        version=material.version,
    )


def _shift(material: Material, request: ReportRequest, needs: Frame, as_of: int, span: Span) -> Shift | None:
    if material.otherwise:
        return None
    earlier = {} if request.active else material.weeks_before
    return shift(needs, weekly(needs, as_of, span.read_from, span.end), material.began, earlier)


def _seam(otherwise: Mapping[int, int], span: Span) -> int | None:
    day = max(otherwise, default=-1) + 1
    return day if span.start < day < span.end else None


def _contacts(contacts: Contacts, span: Span, request: ReportRequest) -> Contacts:
    chosen = (contacts["at"] >= span.start * DAY_MS) & (contacts["at"] < span.end * DAY_MS)
    if request.locale:
        chosen &= contacts["locale"] == contacts.code("locale", request.locale)
    return contacts.where(chosen)


def whole_weeks(every: Frame, span: Span, as_of: int) -> int:
    """Where the last whole week ends of which everything is final; before the first such week the end of what is final.

    Rows of groups, articles and subjects stop there: looked at on two days of a week they are the same, so that a day, or the one
    person who asked something on it, cannot be had by subtraction. `every` is unfiltered, so that no filter moves the end.
    """
    open_needs = every.provisional(as_of)
    newest = min(as_of // DAY_MS, int(open_needs.day.min()) if len(open_needs) else span.end)
    end = monday_of(min(newest, span.end))
    return end if len(every.between(span.start, end)) else min(span.end, as_of // DAY_MS + 1)


def _months(final: Frame) -> float:
    """How long the period is over which something is final."""
    return int(final.day.max() - final.day.min() + 1) / DAYS_A_MONTH if len(final) else 0.0


def _in_time(contacts: Contacts, final: Frame) -> int:
    """How many requests came while the final needs did: newer ones belong to needs that are not counted yet."""
    newest = int(final["last"].max()) if len(final) else 0
    return int((contacts["at"] <= newest).sum())


def _changes(now: Frame, before: Frame) -> dict[str, Change | None]:
    """The differences to the equally long period before, one for each share of the headline."""
    shares = {
        "solved": lambda f: share(f, f.answered),
        "confirmed": lambda f: share(f, f.rules(facts.CONFIRMED) & ~f["post_ticket"]),
        "escalated": lambda f: share(f, f.rules(facts.ESCALATED)),
        "left": lambda f: share(f, f.rules(*facts.LEFT)),
        "unknown": lambda f: share(f, f.rules(*facts.UNDETERMINED)),
        "zero": lambda f: share_of_searches(f, f["zero"], f["searches"]),
        "clicked": lambda f: share_of_searches(f, np.minimum(f["clicked"], f["searches"] - f["zero"]), f["searches"] - f["zero"]),
        "asked_again": lambda f: share_of_searches(f, (f["searches"] - 1).clip(0), f["searches"]),
        "first_search": lambda f: share(f, f.rules(facts.CONFIRMED, facts.LIKELY) & (f["searches"] == 1)),
        "answered_log": lambda f: share(f, f.rules(facts.CONFIRMED, facts.LIKELY)),
    }
    return {name: change(of(now), of(before)) for name, of in shares.items()}


def _may_stand_alone(every: Frame, request: ReportRequest, span: Span, as_of: int, category_of: Mapping[str, str], k: int) -> bool:
    """Whether each filter's value would have a row among its filter's values: all of it minus the shown values reveals nobody."""
    for name, value in request.active.items():
        pool = every.where(apply_filters(every, request, category_of, skip=name)).between(span.start, span.end).counted
        for needs in (pool, pool.final(as_of)):
            codes, texts = values_of(needs, name, category_of)
            if len(needs) and value not in {texts[code] for code in visible_groups(codes, needs["person"], k)}:
                return False
    return True


def _all_left_out(outside: Sequence[Frame], request: ReportRequest, category_of: Mapping[str, str]) -> list[Frame]:
    """What each filter leaves out, as a whole and by each of its other values.

    Two of a filter's three values may both be large and leave a large rest, and still reveal the third together.
    """
    parts = [part for name, rest in zip(request.active, outside, strict=True) for part in parts_of(rest, name, category_of)]
    return [*outside, *parts]


def _visible_articles(rows: list[ArticleRow], final: Frame, outside: Sequence[Frame], k: int) -> list[ArticleRow]:
    rest = [(r["article"], r["person"]) for r in outside]
    visible = {final.names["article"][code] for code in visible_groups(final["article"], final["person"], k, rest)}
    return [row for row in rows if row.article in visible]


def _slices(
    every: Frame, request: ReportRequest, span: Span, as_of: int, category_of: Mapping[str, str], k: int
) -> dict[str, tuple[Slice, ...]]:
    """For each filter, its values with their rates under the other filters; values with too few people are left out."""
    found = {}
    for name in ("locale", "category", "surface", "device", "link"):
        pool = every.where(apply_filters(every, request, category_of, skip=name)).between(span.start, span.end).counted.final(as_of)
        codes, texts = values_of(pool, name, category_of)
        visible = visible_groups(codes, pool["person"], k)
        rows = [_slice(texts[code], pool.where(codes == code)) for code in sorted(visible) if texts[code]]
        found[name] = tuple(sorted(rows, key=lambda row: (-row.needs, row.value)))
    return found


def _slice(value: str, needs: Frame) -> Slice:
    return Slice(
        value,
        len(needs),
        share(needs, needs.answered),
        share(needs, needs.rules(facts.ESCALATED)),
        share(needs, needs.rules(*facts.UNDETERMINED)),
    )
