"""How long a request waits for its answer now, and when somebody is there, in words that stand beside the way to write to us.

The figure is measured from the requests a few times an hour, beside the pages: none of them waits for it or fails without it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from threading import Lock, Thread

import structlog
from babel.dates import format_skeleton, get_day_names
from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from app.errors import Unavailable
from app.portal import Portal
from app.tickets import WorkingHours, open_spans, promised_reply, usual_wait
from app.web import context
from app.web.contact.promises import moment_words, working_hours
from app.web.filters import babel_locale
from app.web.i18n import current_locale, ngettext
from app.web.i18n import gettext as _

FRESH = timedelta(minutes=5)
STALE = timedelta(hours=1)
"""A figure that could not be measured anew for so long says nothing of now."""
ROUNDED = timedelta(minutes=15)
"""By how much a promised time may be later than the wait alone."""
STEPS = (5, 10, 15, 20, 30, 45)
"""Minutes that people say; above them it is hours."""

log = structlog.get_logger()


class WaitingTime:
    """The usual wait as last measured by this process; asking for it starts the next measurement and never waits for one."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.words: dict[str, tuple[object, str]] = {}
        """What was said last in each language, and what it depended on."""
        self._usual: timedelta | None = None
        self._measured = self._tried = datetime.min.replace(tzinfo=UTC)
        self._measuring = Lock()

    def usual(self, now: datetime) -> timedelta | None:
        """The working time in which half of the newest requests were answered, if that is known."""
        if not timedelta() <= now - self._tried < FRESH and self._measuring.acquire(blocking=False):
            self._tried = now
            Thread(target=self._measure, args=(now,), daemon=True, name="waiting-time").start()
        return self._usual if now - self._measured < STALE else None

    def _measure(self, now: datetime) -> None:
        try:
            self.measure(now)
        except (Unavailable, SQLAlchemyError) as error:
            log.warning("the waiting time could not be measured", reason=type(error).__name__)
        finally:
            self._measuring.release()

    def measure(self, now: datetime) -> None:
        """Measure it now."""
        with self.portal.database.session() as db:
            self._usual = usual_wait(db, _hours(self.portal), now)
        self._measured = self._tried = now


def init(app: Flask) -> None:
    """Nothing is measured before a page asks."""
    app.extensions["waiting_time"] = WaitingTime(app.extensions["portal"])


def _hours(portal: Portal) -> WorkingHours:
    return working_hours(portal.settings.working_hours, portal.settings.time_zone)


def waiting_now() -> str:
    """“Waiting time now: about 2 hours” while somebody is there, else “We answer from 08:00”; empty while nobody knows."""
    now, waiting = context.now(), current_app.extensions["waiting_time"]
    usual = waiting.usual(now)
    depends_on = (now.replace(second=0, microsecond=0), usual)
    known = waiting.words.get(current_locale())
    if known is None or known[0] != depends_on:
        known = waiting.words[current_locale()] = (depends_on, _in_words(usual, now))
    return str(known[1])


def _in_words(usual: timedelta | None, now: datetime) -> str:
    hours = _hours(context.portal())
    if not hours.is_open(now):
        opening = next(open_spans(now, hours))[0]
        texts = _("We answer from %(time)s"), _("We answer from %(time)s tomorrow"), _("We answer from %(time)s on %(day)s")
        return moment_words(opening, now, texts)
    if usual is None:
        return ""
    answered = promised_reply(now, hours, usual / timedelta(hours=1))
    if answered - now <= usual + ROUNDED:  # no closing time lies between
        return _about(usual)
    today, tomorrow = _("Waiting time now: until about %(time)s"), _("Waiting time now: until about %(time)s tomorrow")
    return moment_words(answered, now, (today, tomorrow, _("Waiting time now: until about %(time)s on %(day)s")))


def _about(wait: timedelta) -> str:
    minutes = wait / timedelta(minutes=1)
    step = next((s for s in STEPS if minutes <= s), None)
    if step is not None:
        return ngettext("Waiting time now: about %(num)s minute", "Waiting time now: about %(num)s minutes", step)
    return ngettext("Waiting time now: about %(num)s hour", "Waiting time now: about %(num)s hours", max(1, round(minutes / 60)))


def hours_in_words() -> str:
    """“Mon–Fri 08:00–20:00, Sat–Sun 10:00–16:00”, by the settings."""
    week = _hours(context.portal()).week
    if all(spans == ((time.min, time.max),) for spans in week):
        return _("Always open")
    days: list[list[int]] = []
    for day, spans in enumerate(week):
        if day and spans == week[day - 1]:
            days[-1].append(day)
        else:
            days.append([day])
    return ", ".join(f"{_days(run)} {_times(week[run[0]])}" for run in days if week[run[0]])


def _days(run: list[int]) -> str:
    names = get_day_names("abbreviated", "stand-alone", locale=babel_locale(current_locale()))
    return "–".join(str(names[day]) for day in dict.fromkeys((run[0], run[-1])))


def _times(spans: tuple[tuple[time, time], ...]) -> str:
    # In isolates, for in a text that runs from right to left the end would stand before the beginning; and never on two lines.
    return ", ".join(f"\u2066{_clock(opens)}\u2060–\u2060{_clock(closes)}\u2069" for opens, closes in spans)


def _clock(moment: time) -> str:
    return "24:00" if moment == time.max else format_skeleton("Hm", datetime.combine(date.min, moment), locale=babel_locale())
