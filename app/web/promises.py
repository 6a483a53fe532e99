"""By when we answer, in words: a real time, in the portal's time zone."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_skeleton

from app.tickets import WorkingHours, promised_reply
from app.web import context
from app.web.i18n import current_locale, gettext


@lru_cache(maxsize=8)
def _hours(text: str, zone: str) -> WorkingHours:
    return WorkingHours.parse(text, zone)


def promise(now: datetime) -> datetime:
    """By when a request sent now is answered."""
    settings = context.portal().settings
    return promised_reply(now, _hours(settings.working_hours, settings.time_zone), settings.reply_hours)


def promise_words(moment: datetime, now: datetime, locale: str = "") -> str:
    """“Reply by 17:00 today”, “Reply by 11:00 tomorrow”, “Reply by 11:00 on Monday, 23 November”."""
    locale = locale or current_locale()
    zone = ZoneInfo(context.portal().settings.time_zone)
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    babel = Locale.parse(locale, sep="-")
    time = format_skeleton("Hm", local, tzinfo=zone, locale=babel)
    days = (local.date() - today).days
    if days == 0:
        return gettext("Reply by %(time)s today", locale, time=time)
    if days == 1:
        return gettext("Reply by %(time)s tomorrow", locale, time=time)
    day = format_skeleton("EEEEdMMMM", local, tzinfo=zone, locale=babel)
    return gettext("Reply by %(time)s on %(day)s", locale, time=time, day=day)
