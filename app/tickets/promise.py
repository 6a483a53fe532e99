"""By when we promise to reply: working hours counted from now, so that the date on the page is a real one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.config import WEEKDAYS

_PART = re.compile(r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? (?P<opens>\d\d:\d\d)-(?P<closes>\d\d:\d\d)")


@dataclass(frozen=True)
class WorkingHours:
    """When agents work: for each weekday (Monday first) the spans of opening and closing times, in one time zone."""

    week: tuple[tuple[tuple[time, time], ...], ...]
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, zone: str) -> WorkingHours:
        """From `mon-fri 08:00-18:00; sat 10:00-14:00`; raises ValueError with what is wrong."""
        try:
            place = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"“{zone}” is no time zone; write for example Europe/Stockholm") from None
        week: list[list[tuple[time, time]]] = [[] for _ in WEEKDAYS]
        for part in filter(None, (p.strip() for p in text.lower().split(";"))):
            for day, span in _spans(part):
                week[day].append(span)
        if not any(week):
            raise ValueError("no working hours; write for example mon-fri 08:00-18:00")
        return cls(tuple(tuple(sorted(day)) for day in week), place)

    def is_open(self, now: datetime) -> bool:
        """Whether somebody is at the desk at this moment."""
        local = now.astimezone(self.zone)
        return any(opens <= local.time() < closes for opens, closes in self.week[local.weekday()])


def _spans(part: str) -> list[tuple[int, tuple[time, time]]]:
    found = _PART.fullmatch(part)
    if not found or found["first"] not in WEEKDAYS or (found["last"] or "mon") not in WEEKDAYS:
        raise ValueError(f"“{part}” is not of the form mon-fri 08:00-18:00")
    first, last = WEEKDAYS.index(found["first"]), WEEKDAYS.index(found["last"] or found["first"])
    span = time.fromisoformat(found["opens"]), time.max if found["closes"] == "24:00" else time.fromisoformat(found["closes"])
    if last < first or span[1] <= span[0]:
        raise ValueError(f"“{part}” ends before it begins")
    return [(day, span) for day in range(first, last + 1)]


def open_spans(now: datetime, hours: WorkingHours) -> Iterator[tuple[datetime, datetime]]:
    """The spans in which somebody is at the desk from `now` (aware) on, in order and in UTC; the one that runs begins now."""
    local = now.astimezone(hours.zone)
    for offset in range(400):
        date = local.date() + timedelta(days=offset)
        for opens, closes in hours.week[date.weekday()]:
            # Compared in UTC: on the night of a clock change a span has an hour more or less.
            start = max(datetime.combine(date, opens, hours.zone).astimezone(UTC), now.astimezone(UTC))
            end = datetime.combine(date, closes, hours.zone).astimezone(UTC)
            if start < end:
                yield start, end


def promised_reply(now: datetime, hours: WorkingHours, reply_hours: float) -> datetime:
    """The moment by which so many working hours have passed since `now` (aware UTC)."""
    left = timedelta(hours=reply_hours)
    for start, end in open_spans(now, hours):
        if left <= end - start:
            return _rounded(start + left)
        left -= end - start
    return _rounded(now + timedelta(hours=reply_hours))


def _rounded(moment: datetime) -> datetime:
    """Up to the next quarter of an hour: nobody promises 17:03."""
    minutes = -(-(moment.minute * 60 + moment.second + moment.microsecond / 1e6) // 900) * 15
    return moment.replace(minute=0, second=0, microsecond=0) + timedelta(minutes=minutes)
