"""By when we answer, in words: a real time, in the portal's time zone."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton

from app.tickets import WorkingHours, promised_reply
from app.web import context
from app.web.filters import babel_locale
from app.web.i18n import current_locale, gettext


@lru_cache(maxsize=8)
def working_hours(text: str, zone: str) -> WorkingHours:
    """The settings' hours, read once."""
    return WorkingHours.parse(text, zone)


def promise(now: datetime) -> datetime:
    """By when a request sent now is answered."""
    settings = context.portal().settings
    return promised_reply(now, working_hours(settings.working_hours, settings.time_zone), settings.reply_hours)


def promise_words(moment: datetime, now: datetime, locale: str = "") -> str:
    """“Reply by 17:00 today”, “Reply by 11:00 tomorrow”, “Reply by 11:00 on Monday, 23 November”."""
    locale = locale or current_locale()
    today, tomorrow = gettext("Reply by %(time)s today", locale), gettext("Reply by %(time)s tomorrow", locale)
    return moment_words(moment, now, (today, tomorrow, gettext("Reply by %(time)s on %(day)s", locale)), locale)


def moment_words(moment: datetime, now: datetime, texts: tuple[str, str, str], locale: str = "") -> str:
    """The text for a moment today, tomorrow or later, with its `%(time)s` and `%(day)s` filled in, in the portal's time zone."""
    babel = babel_locale(locale)
    zone = ZoneInfo(context.portal().settings.time_zone)
    local = moment.astimezone(zone)
    days = (local.date() - now.astimezone(zone).date()).days
    # In two parts: most languages have no pattern for a weekday in full beside a date, and would shorten both.
    day = f"{format_date(local, 'EEEE', locale=babel)}, {format_skeleton('MMMMd', local, tzinfo=zone, locale=babel)}"
    return texts[min(days, 2)] % {"time": format_skeleton("Hm", local, tzinfo=zone, locale=babel), "day": day}
