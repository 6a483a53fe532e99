"""Jinja filters: times, numbers and marked text, as the reader's language writes them; times are those of the operator's zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta
from babel.numbers import format_decimal, format_percent
from flask import Flask
from markupsafe import Markup, escape

from app.web import context
from app.web.i18n import current_locale

PLAIN = {"en": "en-GB"}
"""English without a country writes its dates as most of its readers do: 14 November 2026, 09:12."""


def babel_locale(locale: str | None = None) -> Locale:
    """The rules that dates and numbers of this language are written by."""
    return Locale.parse(PLAIN.get(tag := locale or current_locale(), tag), sep="-")


def long_date(value: date | datetime, locale: str | None = None) -> str:
    """14 November 2026"""
    return format_date(_day(value), "long", locale=babel_locale(locale))


def short_date(value: date | datetime) -> str:
    """14 Nov"""
    return format_skeleton("MMMd", datetime.combine(_day(value), datetime.min.time()), locale=babel_locale())


def short_time(value: datetime) -> str:
    """09:12"""
    return format_time(_utc(value), "short", tzinfo=_zone(), locale=babel_locale())


def date_time(value: datetime) -> str:
    """14 Nov 2026, 09:12"""
    return f"{format_date(_day(value), 'medium', locale=babel_locale())}, {short_time(value)}" if value else ""


def ago(value: datetime) -> str:
    """3 hours ago"""
    return format_timedelta(_utc(value) - context.now(), add_direction=True, locale=babel_locale())


def iso(value: date | datetime) -> str:
    """For the datetime attribute of <time>."""
    return _utc(value).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value.isoformat()


def language_name(tag: str) -> str:
    """“Hebrew”, “עברית”: a language as the reader's language calls it."""
    return babel_locale(tag).get_language_name(babel_locale()) or tag


def number(value: float) -> str:
    """12,345.6 with the separators of the language"""
    return format_decimal(value, locale=babel_locale())


def percent(value: float, digits: int = 0) -> str:
    """A share as a percentage: 0.614 → 61%"""
    return format_percent(value, format=f"#,##0.{'0' * digits}%" if digits else None, locale=babel_locale())


def marked(text: str) -> Markup:
    """Text with `[[` and `]]` around the words that matched, as HTML with <mark>; everything else is escaped."""
    out = str(escape(text)).replace("[[", "<mark>").replace("]]", "</mark>")
    if out.count("<mark>") != out.count("</mark>"):
        # An article may hold such brackets itself; marks that do not pair would spoil the page.
        out = re.sub(r"</?mark>", "", out)
    return Markup(out)  # noqa: S704 - escaped above; only our own marks are added  # nosec B704


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _zone() -> tzinfo:
    """The zone that the operator's working hours are in, so that no two times on the portal disagree."""
    return ZoneInfo(context.portal().settings.time_zone)


def _day(value: date | datetime) -> date:
    return _utc(value).astimezone(_zone()).date() if isinstance(value, datetime) else value


FILTERS = {f.__name__: f for f in (long_date, short_date, short_time, date_time, ago, iso, number, percent, marked)}


def init(app: Flask) -> None:
    """Make the filters known to templates."""
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals["language_name"] = language_name
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
