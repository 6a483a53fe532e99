"""One report over a period: every section that page, CSV, JSON and mail show, from columns of needs. Pure: rows in, numbers out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.deflection.inference.statistics import Proportion
from app.deflection.reporting import facts
from app.deflection.reporting.article_report import ArticleRow, article_rows
from app.deflection.reporting.avoided import DAYS_A_MONTH, Cost, cost_avoided, gaps, repair_share
from app.deflection.reporting.facts import DAY_MS, NO_CONTACTS, Contacts, Frame
from app.deflection.reporting.failures import ClusterName, FailureRow, UnsearchedRow, failure_rows, unsearched_rows
from app.deflection.reporting.metrics import (
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
from app.deflection.reporting.next_steps import Listed, nothing_listed
from app.deflection.reporting.repairs import Addition, repairs
from app.deflection.reporting.report_request import FILTERS, ReportRequest, Span, apply_filters, values_of
from app.deflection.reporting.thresholds import Split, Thresholds, visible_cells, visible_groups
from app.deflection.reporting.trends import FEWEST_FOR_A_TREND, Shift, Week, lateness, monday_of, shift, weekly
from app.deflection.reporting.vendor_view import VendorNumber, vendor_numbers


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
    listed: Listed = nothing_listed
    """What needs were shown, for the few of which a report wants to know it."""
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
    whole, counted = every.between(span.start, span.end).counted, period.counted
    if len(counted) and not _may_be_shown((whole, whole.final(as_of)), request, material.category_of, thresholds.row):
        return Report(request, span, as_of, withheld=True, category_of=material.category_of, version=material.version)
    final = counted.final(as_of)
    contacts = _contacts(material.contacts, span, request)
    surveyed = whole.final(as_of) if request.active else None
    now = summary(final, _in_time(contacts, final), surveyed)
    late = lateness(every.counted, as_of)
    weeks = weekly(chosen.counted, as_of, span.start, span.end, late)
    mended = repairs(every.counted.final(as_of), material.additions, now.calibrated)
    before = chosen.between(span.before, span.start).counted.final(as_of)
    if material.otherwise:
        # Judged by two definitions, the difference would be one of thresholds: there is nothing to compare with.
        before = before.where(np.zeros(len(before), dtype=bool))
    until = whole_weeks(whole, span, as_of)
    rows, every_row = final.between(span.start, until), whole.final(as_of).between(span.start, until)
    by_article = _split(every_row, "article", request, material.category_of)
    articles = _visible_articles(article_rows(rows, material.category_of), rows, by_article, thresholds.row)
    every_contact = _contacts(material.contacts, span, ReportRequest(request.weeks))
    unsearched, all_unsearched = (these.where(~these["searched"] & (these["at"] < until * DAY_MS)) for these in (contacts, every_contact))
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
                _split(every_row, "cluster", request, material.category_of),
                material.translated,
                material.listed,
            )
        ),
        articles=tuple(articles),
        hidden_articles=len(np.unique(rows["article"])) - len(articles) - (rows.code("article", "") in rows["article"]),
        rows_until=until,
        row_needs=len(rows),
        unsearched=tuple(
            unsearched_rows(
                unsearched,
                material.subjects,
                thresholds.row,
                _by_language(all_unsearched, request.locale),
            )
        ),
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


def _by_language(contacts: Contacts, locale: str) -> Split | None:
    if not locale or not len(contacts):
        return None
    return Split(contacts["group"], [contacts["locale"]], contacts["person"], (contacts.code("locale", locale),))


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


def _may_be_shown(whole: Sequence[Frame], request: ReportRequest, category_of: Mapping[str, str], k: int) -> bool:
    """Whether what the filters choose has enough people, and no subtraction of other reports tells what has fewer."""
    return all(_is_visible(needs, request, category_of, k) for needs in whole if len(needs))


def _is_visible(needs: Frame, request: ReportRequest, category_of: Mapping[str, str], k: int) -> bool:
    if not request.active:
        return needs.persons >= k
    return _shown_choices(needs, list(request.active), category_of, k)(request.active)


def _shown_choices(needs: Frame, names: Sequence[str], category_of: Mapping[str, str], k: int) -> Callable[[Mapping[str, str]], bool]:
    """Tells of a choice of values for some filters whether it may be shown."""
    axes = [values_of(needs, name, category_of) for name in names]
    seen = visible_cells([codes for codes, _texts in axes], needs["person"], k)

    def shows(chosen: Mapping[str, str]) -> bool:
        place = _place(axes, [chosen[name] for name in names])
        return all(0 <= at < size for at, size in zip(place, seen.shape, strict=True)) and bool(seen[place])

    return shows


def _split(needs: Frame, column: str, request: ReportRequest, category_of: Mapping[str, str]) -> Split | None:
    """The rows of a table as all filters' values divide them; None without filters."""
    if not request.active:
        return None
    axes = [values_of(needs, name, category_of) for name in request.active]
    return Split(needs[column], [codes for codes, _texts in axes], needs["person"], _place(axes, request.active.values()))


def _place(axes: Sequence[tuple[np.ndarray, Sequence[str]]], values: Iterable[str]) -> tuple[int, ...]:
    """The codes of some values, −1 for one that nothing has."""
    return tuple(texts.index(value) if value in texts else -1 for (_codes, texts), value in zip(axes, values, strict=True))


def _visible_articles(rows: list[ArticleRow], final: Frame, split: Split | None, k: int) -> list[ArticleRow]:
    visible = {final.names["article"][code] for code in visible_groups(final["article"], final["person"], k, split)}
    return [row for row in rows if row.article in visible]


def _slices(
    every: Frame, request: ReportRequest, span: Span, as_of: int, category_of: Mapping[str, str], k: int
) -> dict[str, tuple[Slice, ...]]:
    """For each filter, its values with their rates under the other filters; what the filter itself would not show is left out."""
    found: dict[str, tuple[Slice, ...]] = {}
    whole = every.between(span.start, span.end).counted.final(as_of)
    tables: dict[tuple[str, ...], Callable[[Mapping[str, str]], bool]] = {}
    for name in FILTERS:
        pool = whole.where(apply_filters(whole, request, category_of, skip=name))
        if not len(pool):
            found[name] = ()
            continue
        names = tuple(n for n in FILTERS if n == name or n in request.active)
        shows = tables[names] = tables.get(names) or _shown_choices(whole, names, category_of, k)
        codes, texts = values_of(pool, name, category_of)
        here = [(texts[code], code) for code in np.unique(codes).tolist()]
        rows = [_slice(text, pool.where(codes == code)) for text, code in here if text and shows({**request.active, name: text})]
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
