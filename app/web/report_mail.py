"""The weekly mail: the report of the last four weeks, rendered without scripts, for everybody who may see the page."""

from __future__ import annotations

from datetime import datetime

from flask import Flask, render_template

from app.accounts import Role, User, list_users
from app.deflection import ReportRequest
from app.portal import Portal
from app.tickets import Mail, queue_mail
from app.web.i18n import gettext
from app.web.report_page import page_of, report_for

WEEKS = 4
MONDAY = 0
FROM_HOUR = 5
"""Hour (UTC) of Monday from which the mail goes out: the week before is over, and it is there when work begins."""


def weekly_mail(app: Flask, user: User, now: datetime) -> Mail:
    """The report as a mail in the reader's language."""
    portal: Portal = app.extensions["portal"]
    locale = user.locale if user.locale in portal.settings.locales else portal.settings.default_locale
    with app.test_request_context(f"/{locale}/", base_url=portal.settings.base_url):
        page = page_of(report_for(ReportRequest(weeks=WEEKS)))
        subject = gettext("Self-service, last %(n)s weeks", n=WEEKS)
        address = f"{portal.settings.base_url.rstrip('/')}/reports/?w={WEEKS}"
        html = render_template("reports/mail.html", subject=subject, address=address, **page)
        text = render_template("reports/mail.txt", subject=subject, address=address, **page)
    return Mail(to=user.email, subject=subject, text=text, html=html, locale=locale)


def is_due(now: datetime) -> bool:
    """Whether it is the morning of a Monday, or later that day."""
    return now.weekday() == MONDAY and now.hour >= FROM_HOUR


def queue_weekly(app: Flask, now: datetime) -> int:
    """Put this week's mail for every manager into the outbox, once however often it is called; gives to how many."""
    portal: Portal = app.extensions["portal"]
    year, week, _ = now.isocalendar()
    with portal.database.session() as db:
        managers = [user for user in list_users(db) if user.role in (Role.MANAGER, Role.ADMIN) and not user.disabled]
    for user in managers:
        mail = weekly_mail(app, user, now)
        with portal.database.durable_session() as db:
            queue_mail(db, mail, f"weekly-report:{year}-{week}:{user.id}", now)
    return len(managers)
