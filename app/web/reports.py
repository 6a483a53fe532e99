"""Reports for managers: every number from rows, with its size, its interval and its definition."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from app.accounts import Role
from app.deflection import Today, report_of_today
from app.locales import own_name
from app.web import context
from app.web.access import requires
from app.web.charts import Chart, Shape, Tick, bars, scale, spaced
from app.web.filters import number, short_date
from app.web.i18n import gettext as _

bp = Blueprint("reports", __name__, url_prefix="/reports")

MANAGERS = (Role.MANAGER, Role.ADMIN)


@bp.get("/")
@requires(*MANAGERS)
def overview() -> Response:
    return redirect(url_for("reports.today"), 302)


@bp.get("/today")
@requires(*MANAGERS)
def today() -> str:
    """The day so far, from the events alone."""
    k = context.portal().settings.privacy_k_query
    report = report_of_today(context.db(), context.now(), k)
    return render_template("reports/today.html", report=report, k=k, plot=_plot_of_days(report), per_hundred=_per_hundred(report))


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
        x=tuple(Tick(round(slot * (i + 0.5), 2), short_date(day_of(report.days[i].day))) for i in spaced(len(searches))),
        y=tuple(Tick(axis.y(t), number(round(t))) for t in axis.ticks if t == round(t)),
        grid=tuple(axis.y(t) for t in axis.ticks),
        size="low",
    )


@bp.app_template_filter("day_of")
def day_of(days: int) -> date:
    """The date of a day number (days since the epoch, UTC)."""
    return date(1970, 1, 1) + timedelta(days=int(days))


@bp.app_template_filter("language_name")
def language_name(locale: str) -> str:
    return own_name(locale) if locale else "–"
