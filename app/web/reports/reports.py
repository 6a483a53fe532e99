"""Reports for managers: every number from rows, with its size, its interval and its definition."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, render_template

from app.accounts import Role
from app.deflection import DEFINITIONS, TABLES, Today, definitions_in_use, report_of_today
from app.locales import own_name
from app.web import context
from app.web.access import requires
from app.web.filters import number, short_date
from app.web.i18n import gettext as _
from app.web.reports.charts import Chart, Shape, Tick, bars, scale, spaced
from app.web.reports.report_charts import date_of
from app.web.reports.report_page import current_report, page_of, thresholds
from app.web.reports.waves import waves

bp = Blueprint("reports", __name__, url_prefix="/reports")

MANAGERS = (Role.MANAGER, Role.ADMIN)
STAFF = (*MANAGERS, Role.WRITER, Role.AGENT)
"""Who may read what the numbers mean: no number stands there."""
bp.add_app_template_filter(date_of, "day_of")


@bp.app_template_filter("language_name")
def language_name(locale: str) -> str:
    return own_name(locale) if locale else "–"


@bp.get("/")
@requires(*MANAGERS)
def overview() -> str:
    """Self-service over a range of weeks."""
    return render_template("reports/overview.html", **page_of(current_report()))


@bp.get("/<any(" + ", ".join(TABLES) + "):key>.<any(csv, json):form>")
@requires(*MANAGERS)
def table(key: str, form: str) -> Response:
    """One table of the report, under the same filters and the same thresholds as the page."""
    found = TABLES[key](current_report())
    if form == "csv":
        response = Response(found.as_csv(), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="{key}.csv"'
        return response
    return jsonify({"table": key, "rows": found.as_records()})


@bp.get("/definitions")
@requires(*STAFF)
def definitions() -> str:
    """What every number means."""
    return render_template(
        "reports/definitions.html",
        definitions=DEFINITIONS,
        thresholds=thresholds(),
        settings=context.portal().settings,
        versions=definitions_in_use(context.db()),
    )


@bp.get("/today")
@requires(*MANAGERS)
def today() -> str:
    """The day so far, from the events alone."""
    k = context.portal().settings.privacy_k_query
    report = report_of_today(context.db(), context.now(), k)
    return render_template(
        "reports/today.html", report=report, k=k, plot=_plot_of_days(report), per_hundred=_per_hundred(report), waves=waves()
    )


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
