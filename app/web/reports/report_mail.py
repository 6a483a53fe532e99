"""The weekly mail: the report page as it opens, rendered without scripts, for everybody who may see that page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask, render_template, url_for

from app.accounts import Role, User, list_users
from app.deflection import Report, ReportRequest
from app.portal import Portal
from app.tickets import Mail, queue_mail
from app.web import context
from app.web.i18n import gettext
from app.web.reports import report_sentences
from app.web.reports.report_blocks import Names, blocks_of
from app.web.reports.report_charts import date_of
from app.web.reports.report_page import catalog_or_none, data_is_late, report_for, thresholds, title_of, value_namer

MONDAY = 0
FROM_HOUR = 5
"""Hour (UTC) of Monday from which the mail goes out: the week before is over, and it is there when work begins."""


@dataclass(frozen=True)
class Letter:
    """The mail without a receiver: everybody who reads the same language gets the same."""

    locale: str
    subject: str
    text: str
    html: str

    def to(self, user: User) -> Mail:
        return Mail(to=user.email, subject=self.subject, text=self.text, html=self.html, locale=self.locale)


def weekly_letter(app: Flask, locale: str) -> Letter:
    """The report in a language."""
    portal: Portal = app.extensions["portal"]
    with app.test_request_context(f"/{locale}/", base_url=portal.settings.base_url):
        report = report_for(ReportRequest())
        subject = gettext("Self-service, last %(n)s weeks", n=report.request.weeks)
        values = _values(report, portal, locale) | {"subject": subject}
        html = render_template("reports/mail.html", **values)
        text = render_template("reports/mail.txt", **values)
    return Letter(locale, subject, text, html)


def _values(report: Report, portal: Portal, locale: str) -> dict[str, object]:
    catalog, settings = catalog_or_none(), portal.settings
    names = Names(title_of(catalog, locale), value_namer(catalog, locale), settings.base_url.rstrip("/"), settings.attribution_hours)
    return {
        "r": report,
        "blocks": blocks_of(report, names),
        "say": report_sentences,
        "k": thresholds().row,
        "days": round(settings.attribution_hours / 24 + 1),
        "start": date_of(report.span.start),
        "end": date_of(report.span.end - 1),
        "newest": datetime.fromtimestamp(report.newest / 1000, UTC) if report.newest else None,
        "is_late": data_is_late(report, context.now()),
        "page": url_for("reports.overview", _external=True, **report.request.to_query()),  # type: ignore[arg-type]
        "definitions": url_for("reports.definitions", _external=True),
        "meaning": lambda key: url_for("reports.definitions", _anchor=key, _external=True),
    }


def is_due(now: datetime) -> bool:
    """Whether it is the morning of a Monday, or later that day."""
    return now.weekday() == MONDAY and now.hour >= FROM_HOUR


def queue_weekly(app: Flask, now: datetime) -> int:
    """Put this week's mail for every manager into the outbox, once however often it is called; gives to how many."""
    portal: Portal = app.extensions["portal"]
    year, week, _ = now.isocalendar()
    with portal.database.session() as db:
        managers = [user for user in list_users(db) if user.role in (Role.MANAGER, Role.ADMIN) and not user.disabled]
    letters: dict[str, Letter] = {}
    for user in managers:
        locale = user.locale if user.locale in portal.settings.locales else portal.settings.default_locale
        if locale not in letters:
            letters[locale] = weekly_letter(app, locale)
        with portal.database.durable_session() as db:
            queue_mail(db, letters[locale].to(user), f"weekly-report:{year}-{week}:{user.id}", now)
    return len(managers)
