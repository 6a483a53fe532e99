"""Reports for managers: every number from rows, with its size, its interval and its definition."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, jsonify, render_template, request, url_for

from app.accounts import Role
from app.content import Catalog
from app.deflection import DEFINITIONS, RANGES, TABLES, Mark, Report, ReportRequest, Thresholds, Today, report_of, report_of_today
from app.errors import Unavailable
from app.locales import own_name
from app.web import context, report_charts, report_words
from app.web.access import requires
from app.web.charts import Chart, Shape, Tick, bars, scale, spaced
from app.web.filters import number, short_date
from app.web.i18n import gettext as _
from app.web.report_charts import date_of

bp = Blueprint("reports", __name__, url_prefix="/reports")

MANAGERS = (Role.MANAGER, Role.ADMIN)
LATE_AFTER = timedelta(hours=24)
FIRST_ROWS = 6
"""Rows of a table that the page shows at once; the others follow behind a summary, and in the CSV."""

bp.add_app_template_filter(date_of, "day_of")


@bp.app_template_filter("language_name")
def language_name(locale: str) -> str:
    return own_name(locale) if locale else "–"


@bp.get("/")
@requires(*MANAGERS)
def overview() -> str:
    """Self-service over a range of weeks."""
    return render_template("reports/overview.html", **page_of(_report()))


@bp.get("/<any(" + ", ".join(TABLES) + "):key>.<any(csv, json):form>")
@requires(*MANAGERS)
def table(key: str, form: str) -> Response:
    """One table of the report, under the same filters and the same thresholds as the page."""
    found = TABLES[key](_report())
    if form == "csv":
        response = Response(found.as_csv(), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="{key}.csv"'
        return response
    return jsonify({"table": key, "rows": found.as_records()})


@bp.get("/definitions")
@requires(*MANAGERS)
def definitions() -> str:
    """What every number means."""
    return render_template("reports/definitions.html", definitions=DEFINITIONS, thresholds=_thresholds(), settings=context.portal().settings)


@bp.get("/today")
@requires(*MANAGERS)
def today() -> str:
    """The day so far, from the events alone."""
    k = context.portal().settings.privacy_k_query
    report = report_of_today(context.db(), context.now(), k)
    return render_template("reports/today.html", report=report, k=k, plot=_plot_of_days(report), per_hundred=_per_hundred(report))


def _thresholds() -> Thresholds:
    settings = context.portal().settings
    return Thresholds(settings.privacy_k, settings.privacy_k_query)


def _report() -> Report:
    settings, catalog = context.portal().settings, _catalog()
    return report_of(
        context.db(),
        ReportRequest.from_query(request.args),
        context.now(),
        _thresholds(),
        category_of={a.id: a.category for a in catalog.indexable()} if catalog else {},
        translated=_translated(catalog),
        marks=_publications(catalog),
        cost=(settings.cost_per_ticket_low, settings.cost_per_ticket_high),
    )


def _catalog() -> Catalog | None:
    try:
        return context.catalog()
    except Unavailable:
        # Numbers do not need the articles; they are then shown by their ids.
        return None


def _translated(catalog: Catalog | None) -> dict[str, frozenset[str]]:
    if catalog is None:
        return {}
    found: dict[str, set[str]] = {}
    for article in catalog.indexable():
        found.setdefault(article.id, set()).add(article.locale)
    return {id: frozenset(locales) for id, locales in found.items()}


def _publications(catalog: Catalog | None) -> list[Mark]:
    """Days on which several articles changed, as marks on the trend; a single small edit would only clutter it."""
    if catalog is None:
        return []
    counts: dict[int, int] = {}
    for article in catalog.indexable():
        day = (article.updated_at.astimezone(UTC).date() - date_of(0)).days
        counts[day] = counts.get(day, 0) + 1
    return [Mark(day, _("%(n)s articles updated", n=n), "articles") for day, n in sorted(counts.items()) if n >= 3]


def page_of(report: Report) -> dict[str, object]:
    """Everything the page shows of a report; the weekly mail is made of the same."""
    catalog = _catalog()
    locale = context.locale()
    names = {c.slug: (c.texts.get(locale) or next(iter(c.texts.values()))).title for c in catalog.site.categories} if catalog else {}
    return {
        "r": report,
        "s": report.summary,
        "w": report_words,
        "ranges": RANGES,
        "until": _until(report),
        "is_late": report.newest and datetime.fromtimestamp(report.newest / 1000, UTC) < context.now() - LATE_AFTER,
        "newest": datetime.fromtimestamp(report.newest / 1000, UTC) if report.newest else None,
        "trend": report_charts.trend(report) if report.has_trend else None,
        "funnel": report_charts.funnel(report.summary.endings) if report.summary else [],
        "windows": report_charts.windows(report.sensitivity),
        "charts": report_charts,
        "title_of": _title_of(catalog, locale),
        "address_of": lambda **changes: url_for("reports.overview", **report.request.to_query(**changes)),
        "file_of": lambda key, form: url_for("reports.table", key=key, form=form, **report.request.to_query()),
        "meaning": lambda key: url_for("reports.definitions", _anchor=key),
        "value_name": lambda name, value: report_words.value_name(name, value, names),
        "first_rows": FIRST_ROWS,
        "thresholds": _thresholds(),
        "settings": context.portal().settings,
    }


def _until(report: Report) -> dict[str, object]:
    return {"start": date_of(report.span.start), "end": date_of(report.span.end - 1)}


def _title_of(catalog: Catalog | None, locale: str):  # type: ignore[no-untyped-def]
    """Article id → title and address, in the reader's language if there is one."""

    def of(id: str) -> tuple[str, str]:
        found = catalog.translations(id) if catalog else {}
        article = found.get(locale) or next(iter(found.values()), None)
        return (article.title, article.url) if article else (id, "")

    return of


def _per_hundred(report: Today) -> str:
    day = report.today
    return number(round(100 * day.requests / day.searches, 1)) if day.searches else "–"


def _plot_of_days(report: Today) -> Chart:
    searches, zero = [d.searches for d in report.days], [d.zero for d in report.days]
    axis = scale([0, *searches], floor=0)
    slot = 100 / len(searches)
    sentence = _(
        "Searches on each of the last %(days)s days: %(total)s in total, %(zero)s of them without a result. The table below has every number.",
        days=len(searches),
        total=number(sum(searches)),
        zero=number(sum(zero)),
    )
    return Chart(
        sentence,
        shapes=(Shape(bars(searches, axis), "ch-bar"), Shape(bars(zero, axis), "ch-bar t")),
        x=tuple(Tick(round(slot * (i + 0.5), 2), short_date(date_of(report.days[i].day))) for i in spaced(len(searches))),
        y=tuple(Tick(axis.y(t), number(round(t))) for t in axis.ticks if t == round(t)),
        grid=tuple(axis.y(t) for t in axis.ticks),
        size="low",
    )
