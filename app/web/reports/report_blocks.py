"""The sections of the report as plain words in rows, for readers without scripts, style sheets or pictures: the weekly mail.

Built from the `Report` of the page, in which thresholds were already applied, with the words of the page: no number is made here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from flask import url_for

from app.deflection import OTHERS, ArticleRow, ClusterName, FailureRow, Report, Summary, Week
from app.locales import own_name
from app.web.filters import number, percent, short_date
from app.web.i18n import gettext as _
from app.web.i18n import ngettext
from app.web.reports import report_charts, report_numbers
from app.web.reports import report_sentences as say
from app.web.reports import report_words as words
from app.web.reports.report_charts import date_of

FIRST_ROWS = 6
"""Rows that a section shows at once; the others stand behind a summary on the page, and in the CSV."""
MOST_SUBJECTS = 8
FEWEST_ASKED = 20
"""Below this many who were asked the survey has no response rate."""


@dataclass(frozen=True)
class Cell:
    """One value; `href` is where it leads."""

    text: str
    href: str = ""


@dataclass(frozen=True)
class Row:
    """A name, what there is to say of it, and a value for each column; without values it is the head of a group of rows."""

    name: str
    cells: tuple[Cell, ...] = ()
    notes: tuple[str, ...] = ()
    href: str = ""


@dataclass(frozen=True)
class Block:
    """One section: `anchor` is its place on the page, `meaning` the key of its definition."""

    anchor: str
    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    feet: tuple[str, ...] = ()
    meaning: str = ""


@dataclass(frozen=True)
class Names:
    """What articles and the values of filters are called; `site` is what addresses of articles begin with."""

    title_of: Callable[[str], tuple[str, str]]
    value_name: Callable[[str, str], str]
    site: str = ""
    in_use: float = 0.0
    """Hours of the attribution window in use."""
    found: dict[str, tuple[str, str]] = field(default_factory=dict)

    def article(self, id: str) -> tuple[str, str]:
        """Title and whole address; the address is empty for an article that is gone."""
        if id not in self.found:
            title, path = self.title_of(id)
            self.found[id] = (title, f"{self.site}{path}" if path else "")
        return self.found[id]


def blocks_of(report: Report, names: Names) -> list[Block]:
    """Every section of the page, in its order; empty while nothing is final or nothing may be shown."""
    s = report.summary
    if s is None or not s.endings.total:
        return []
    return [
        headline(report, s),
        weeks(report),
        endings(s),
        failures(report, names),
        articles(report, names),
        unsearched(report),
        slices(report, names),
        windows(report, names),
        survey(s),
        vendors(report),
    ]


def _cells(*texts: str) -> tuple[Cell, ...]:
    return tuple(Cell(text) for text in texts)


def _once(text: str) -> str:
    """A text of the templates, which write a percent sign twice because they format every text."""
    return text.replace("%%", "%")


def _meaning(key: str) -> str:
    return url_for("reports.definitions", _anchor=key, _external=True)


def headline(report: Report, s: Summary) -> Block:
    rows, before, estimate = [], _("Against as many weeks before"), _("Best estimate")
    for found in report_numbers.every_number(report):
        notes = [f"{before}: {found.change}"] if found.change else []
        if found.meaning == "avoided" and s.avoided:
            notes.append(say.avoided(s.avoided.needs))
        rows.append(Row(found.name, _cells(found.value, found.size, found.interval), tuple(notes), _meaning(found.meaning)))
    columns = (_("Value"), _("Of"), _once(_("95%% interval")))
    feet = []
    if not s.calibrated:
        missing = _("not enough survey answers yet.")
        feet.append(f"{estimate}: {missing}")
    if report.provisional:
        feet.append(say.not_final(report.provisional))
    return Block("", _("Every number, with its size and interval"), columns, tuple(rows), feet=tuple(feet))


def weeks(report: Report) -> Block:
    notes = [_once(_("Share of questions, with 95%% interval"))]
    if not report.has_trend:
        notes.append(_("Too few questions for a trend: it needs 200."))
    if report.shift:
        notes.append(say.shift(report.shift))
    columns = (_("Questions"), _("Solved"), _once(_("95%% interval")), _("Corrected"))
    return Block(
        "h-trend",
        _("Solved without a ticket, by week"),
        columns,
        tuple(_week(report, week) for week in reversed(report.weeks)),
        tuple(notes),
        (_("Not final: corrected for requests still to come"),) if any(week.provisional for week in report.weeks) else (),
        "change" if report.shift else "provisional",
    )


def _week(report: Report, week: Week) -> Row:
    state = (_("not final"),) if week.provisional else ()
    happened = tuple(f"{short_date(date_of(m.day))}: {m.text}" for m in report.marks if week.start <= m.day < week.start + 7)
    values = _cells(
        number(week.solved.base),
        words.rate(week.solved),
        words.interval(week.solved.interval),
        report_charts.corrected(week) or words.NOTHING,
    )
    return Row(short_date(date_of(week.start)), values, state + happened)


def endings(s: Summary) -> Block:
    rows = tuple(Row(part.label, _cells(part.number), (part.note,)) for part in report_charts.funnel(s))
    feet = (_("Solved, wrote to us, left and not known add up to all questions."),)
    note = _("%(n)s final questions", n=number(s.endings.total))
    return Block("h-fun", _("Where questions end"), (_("Questions"),), rows, (note,), feet)


def failures(report: Report, names: Names) -> Block:
    shown = report.failures[:FIRST_ROWS]
    columns = (_("Failed"), _("Could be avoided"), _("Next step"))
    notes = (_once(_("Requests a month that an answer could avoid, with 80%% interval")), say.repairs(report.repairs))
    feet = _feet(report, len(report.failures) - len(shown)) if shown else (_("Nothing failed in this range."),)
    rows = tuple(_failure(row, names) for row in shown)
    return Block("h-miss", _("Searches that fail most"), columns, rows, notes, feet, "gap")


def _failure(row: FailureRow, names: Names) -> Row:
    known = bool(row.name) and row.cluster != OTHERS
    why = [own_name(row.name.locale)] if row.name and row.name.locale else []
    why += [_(words.KIND_REASONS[row.kind])] if row.kind else []
    notes = [" · ".join(why)] if why else []
    if row.escalated:
        notes.append(say.group_escalation(row.escalated))
    gap = words.NOTHING if row.gap is None or row.gap_interval is None else f"{words.amount(row.gap)} ({words.amounts(row.gap_interval)})"
    failed = _("%(n)s of %(base)s", n=number(row.failed), base=number(row.needs))
    href = url_for("report_desk.group", cluster=row.cluster, _external=True) if known else ""
    return Row(cluster_name(row.name, row.cluster), (*_cells(failed, gap), _next_step(row, names)), tuple(notes), href)


def _next_step(row: FailureRow, names: Names) -> Cell:
    if not row.kind:
        return Cell(words.NOTHING)
    if row.article:
        title, href = names.article(row.article)
        # In isolates, for a title may run in the other direction than the words before it.
        return Cell(f"{_(words.KINDS[row.kind])}: \u2068{title}\u2069", href)
    can_begin = row.kind == "write" and row.cluster > 0
    return Cell(_(words.KINDS[row.kind]), url_for("report_desk.draft", cluster=row.cluster, _external=True) if can_begin else "")


def cluster_name(name: ClusterName | None, cluster: int) -> str:
    """What a group may be called, as the page calls it."""
    if cluster == OTHERS:
        return _("Asked by too few people")
    if name is None:
        return _("Many wordings, none by enough people")
    common = _("common words")
    return name.text if name.verbatim else f"{name.text} ({common})"


def _feet(report: Report, more: int, *others: str) -> tuple[str, ...]:
    rest = (ngettext("%(num)s more", "%(num)s more", more),) if more > 0 else ()
    return (*rest, *others, _("Up to %(day)s, in whole weeks", day=short_date(date_of(report.rows_until - 1))))


def articles(report: Report, names: Names) -> Block:
    shown = report.articles[:FIRST_ROWS]
    columns = (_("Last read"), _("Solved share"), _("Yes / no"), _("Requests after"))
    notes = (
        _("%(n)s questions", n=number(report.row_needs)),
        _once(_("With 95%% interval, and beside it that of other articles on the same questions.")),
    )
    hidden = (say.hidden_articles(report.hidden_articles),) if report.hidden_articles else ()
    nothing = (_("No article was the last thing read by enough people."),)
    feet = _feet(report, len(report.articles) - len(shown), *hidden) if shown else nothing
    rows = tuple(_article(row, names) for row in shown)
    return Block("h-eff", _("Articles that need work"), columns, rows, notes, feet, "article")


def _article(row: ArticleRow, names: Names) -> Row:
    title, href = names.article(row.article)
    votes, few = f"{number(row.helpful)} / {number(row.not_helpful)}", _("few votes")
    votes = f"{votes} ({few})" if row.votes < words.FEW_VOTES else votes
    notes = [_("Low")] if row.below else []
    if row.answered.enough:
        solved = f"{percent(row.shrunk.mean)} ({words.interval(row.shrunk.interval, 0)})"
        writing = f"{percent(row.escalated_shrunk.mean, 1)} ({words.interval(row.escalated_shrunk.interval)})"
        notes.append(_("Others on the same questions: %(share)s", share=percent(float(row.expected))))
    else:
        solved, writing = words.few(row.answered), words.NOTHING
    values = _cells(f"{number(row.needs)}, {words.sure(row.last_read)}", solved, votes, writing)
    return Row(title, values, tuple(notes), href)


def unsearched(report: Report) -> Block:
    rows = []
    for row in report.unsearched[:MOST_SUBJECTS]:
        channels = ", ".join(f"{_(words.CHANNELS.get(channel, channel))} {number(n)}" for channel, n in row.channels)
        rows.append(Row(cluster_name(row.name, row.cluster), _cells(number(row.tickets), channels)))
    nothing = (_("Everybody who wrote had searched before."),)
    feet = _feet(report, len(report.unsearched) - len(rows)) if rows else nothing
    notes = (_("By subject; search reports cannot show these"),)
    return Block("h-uns", _("Requests nobody searched for"), (_("Requests"), _("How they came")), tuple(rows), notes, feet)


def slices(report: Report, names: Names) -> Block:
    columns = (_("Questions"), _("Solved"), _("Wrote to us"), _("Not known"))
    rows = []
    for name, values in report.slices.items():
        if len(values) < 2:
            continue
        rows.append(Row(_(words.FILTERS[name])))
        for value in values:
            shares = (words.sure(share, 1, 0) for share in (value.solved, value.escalated, value.unknown))
            query = report.request.to_query(**{name: value.value})
            href = url_for("reports.overview", _external=True, **query)  # type: ignore[arg-type]
            rows.append(Row(names.value_name(name, value.value), _cells(number(value.needs), *shares), (), href))
    feet = (say.category(),) if report.slices.get("category") else ()
    return Block("h-by", _("For whom it works"), columns, tuple(rows), (_once(_("Solved and wrote to us, with 95%% interval")),), feet)


def windows(report: Report, names: Names) -> Block:
    rows = [
        Row(
            report_charts.hours(point.hours),
            _cells(number(point.escalated.base), words.rate(point.escalated), words.interval(point.escalated.interval)),
            (_("in use"),) if point.hours == names.in_use else (),
        )
        for point in report.sensitivity
    ]
    columns = (_("Questions"), _("Wrote to us"), _once(_("95%% interval")))
    notes = (_("Share that wrote to us, by window; from your own data"),)
    return Block("h-win", _("How long to wait for a request"), columns, tuple(rows), notes, meaning="window")


def survey(s: Summary) -> Block:
    title = _("What people said when we asked")
    if not s.calibrated:
        return Block("h-sur", title, notes=(say.survey(None),), meaning="calibrated")
    columns = (_("Asked"), _("Replied"), _("Said yes"), _("Response"))
    rows = tuple(
        Row(
            _(words.ENDINGS[c.rule]),
            _cells(
                number(c.asked),
                number(c.replied),
                number(c.yes),
                words.NOTHING if c.response_rate is None or c.asked < FEWEST_ASKED else percent(c.response_rate),
            ),
        )
        for c in s.calibrated.classes
    )
    return Block("h-sur", title, columns, rows, (say.survey(s.calibrated),), meaning="calibrated")


def vendors(report: Report) -> Block:
    rows = tuple(_vendor(*value) for value in _vendor_values(report))
    columns = (_("It would say"), _("Of"))
    notes = (_("For comparison only; none of these is used here"),)
    return Block("h-ven", _("What other tools would report on the same data"), columns, rows, notes)


def _vendor_values(report: Report) -> Iterable[tuple[str, str, str]]:
    for v in report.vendors:
        of = _("%(n)s of %(base)s", n=number(round(v.count)), base=number(round(v.base)))
        if v.value is None:
            yield v.key, words.NOTHING, of
        elif v.per_ticket:
            yield v.key, _("%(n)s to 1", n=number(round(v.value, 1))), of
        else:
            yield v.key, percent(v.value, 1), of


def _vendor(key: str, value: str, of: str) -> Row:
    name, how, why = words.VENDORS[key]
    return Row(_(name), _cells(value, of), (_(how), _(why)))
