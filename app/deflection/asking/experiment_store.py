"""The trial's exposures from the rows: first form opening of each person, and the requests and reading that followed."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import Database
from app.deflection.asking.experiments import COUNTS_FOR_DAYS, Exposure, Trial, arm_of, holdout_share, judge_trial
from app.deflection.judging.sessions import is_machine
from app.deflection.recording.clock import DAY
from app.deflection.recording.events import milliseconds
from app.deflection.reporting.report_models import FormTrialRow, TrialShareRow

WEEK = 7 * DAY

_SUGGESTS = text(
    "SELECT account, visitor, tab, body FROM event WHERE type = 'suggest' AND role = 'customer' AND day >= :start ORDER BY t, event_id"
)
_OPENED = text(
    "SELECT t, account, visitor, tab, actor, ua, ref FROM event WHERE type = 'form_open' AND role = 'customer' AND day >= :start"
    " ORDER BY t, event_id"
)
_OPENINGS = text("SELECT t FROM event WHERE type = 'form_open' AND role = 'customer' AND day >= :start")
_SOLVED = text("SELECT t, body FROM event WHERE type = 'vote' AND day >= :start AND body LIKE '%\"kind\":\"solved\"%' ORDER BY t, event_id")
_TICKETS = text(
    "SELECT need.home, need_ticket.t FROM need_ticket JOIN need ON need.id = need_ticket.need_id WHERE need.day >= :start"
    " UNION SELECT home, t FROM contact WHERE valid AND inbound AND NOT duplicate AND day >= :start"
)
_READ = text("SELECT home, first, last FROM need WHERE rule IN ('R2', 'R6', 'R7') AND day >= :start AND forms > 0")
_NEWEST = text("SELECT stopped_at, reason FROM form_trial WHERE id = 1")


_SHARES = text("SELECT since, share FROM form_trial_share ORDER BY since")
_SHARES_NEWEST = text("SELECT share FROM form_trial_share ORDER BY since DESC LIMIT 1")


def month_of(t: int) -> tuple[int, int]:
    moment = datetime.fromtimestamp(t / 1000, UTC)
    return moment.year, moment.month


def _month_before(month: tuple[int, int]) -> tuple[int, int]:
    return (month[0] - 1, 12) if month[1] == 1 else (month[0], month[1] - 1)


def current_share(db: Session, now: datetime, setting: float) -> float:
    """The holdout's share this month: as the number of forms opened last month says; everybody once the trial was stopped for harm."""
    if trial_stopped(db):
        return 1.0
    start = milliseconds(now) // DAY - 62
    counts = Counter(month_of(t) for (t,) in db.execute(_OPENINGS, {"start": start}))
    return holdout_share(counts[_month_before(month_of(milliseconds(now)))], setting)


def note_share(db: Session, now: datetime, setting: float) -> None:
    """Keep which share is drawn from now on, if it is another than before."""
    if not trial_stopped(db) and db.execute(_SHARES_NEWEST).scalar() != setting:
        db.merge(TrialShareRow(since=milliseconds(now), share=setting))
        db.flush()


def _setting_at(shares: Sequence[tuple[int, float]], t: int, setting: float) -> float:
    """The setting in force at a moment: the last one noted before it, else the first; today's where none was noted."""
    place = bisect_right(shares, (t, 1.0))
    return shares[max(place - 1, 0)][1] if shares else setting


def exposures(db: Session, now: datetime, setting: float) -> list[Exposure]:
    """The first form opening of each person whose 24 hours are over; openings after a stop, or while it was off, are no part of it.

    Everyone who opened the form counts in the arm that was drawn, whatever they saw: also those for whose words nothing was found.
    """
    at, start = milliseconds(now), milliseconds(now) // DAY - COUNTS_FOR_DAYS
    stopped = db.execute(_NEWEST).first()
    until = min(at - DAY, stopped.stopped_at if stopped and stopped.stopped_at else at)
    openings = Counter(month_of(t) for (t,) in db.execute(_OPENINGS, {"start": start - 31}))
    shares = [(int(since), float(share)) for since, share in db.execute(_SHARES)]
    solved = _solved_forms(db, start)
    tickets: dict[str, list[int]] = defaultdict(list)
    for home, t in db.execute(_TICKETS, {"start": start}):
        tickets[home].append(t)
    for times in tickets.values():
        times.sort()
    read: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for home, first, last in db.execute(_READ, {"start": start}):
        read[home].append((first, last))
    drawn: dict[str, str] = {}
    for account, visitor, tab, body in db.execute(_SUGGESTS, {"start": start}):
        drawn.setdefault(account or visitor or tab or "", json.loads(body).get("arm", "on"))
    opened = list(db.execute(_OPENED, {"start": start}))
    forms: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for t, account, visitor, tab, _, _, form in opened:
        forms[account or visitor or tab or ""].append((t, form))
    found: dict[str, Exposure] = {}
    for t, account, visitor, tab, actor, ua, _ in opened:
        unit = account or visitor or tab
        if unit is None or unit in found or t > until or is_machine(ua):
            continue
        homes = {actor, *(f"{kind}:{name}" for kind, name in (("a", account), ("v", visitor), ("t", tab)) if name)}
        share = holdout_share(openings[_month_before(month_of(t))], _setting_at(shares, t, setting))
        if not 0 < share < 1:
            continue
        said = any(form in solved for later, form in forms[unit] if later <= t + DAY)
        arm = drawn.get(unit) or arm_of(unit, share)
        found[unit] = _exposure(unit, t, arm, share, said, homes, tickets, read, t + WEEK <= at)
    return list(found.values())


def _exposure(
    unit: str, t: int, arm: str, share: float, solved: bool, homes: set[str], tickets: dict, read: dict, week_over: bool
) -> Exposure:
    wrote = any(_any_between(tickets.get(home, ()), t - 1, t + DAY) for home in homes)
    again = any(_any_between(tickets.get(home, ()), t + DAY, t + WEEK) for home in homes)
    answered = solved or any(first <= t <= last + DAY for home in homes for first, last in read.get(home, ()))
    return Exposure(unit, t, arm, share, wrote, solved, not wrote and not answered, again, week_over)


def _any_between(times: list[int], low: int, high: int) -> bool:
    place = bisect_left(times, low + 1)
    return place < len(times) and times[place] <= high


def _solved_forms(db: Session, start: int) -> set[str]:
    """Forms whose last 'this answered my question' was not taken back."""
    last: dict[str, int] = {}
    for _, body in db.execute(_SOLVED, {"start": start}):
        vote = json.loads(body)
        if vote.get("form_id"):
            last[vote["form_id"]] = vote["value"]
    return {form for form, value in last.items() if value > 0}


def form_trial(db: Session, now: datetime, setting: float) -> Trial:
    """Where the trial of answers in the contact form stands."""
    found = exposures(db, now, setting)
    weeks = (milliseconds(now) - min((e.at for e in found), default=milliseconds(now))) / WEEK
    return judge_trial(found, weeks)


def trial_stopped(db: Session) -> str:
    """Why the trial was stopped; empty while it runs."""
    row = db.execute(_NEWEST).first()
    return row.reason if row and row.stopped_at else ""


def watch_trial(database: Database, now: datetime, setting: float) -> str:
    """Stop the trial if answers leave more people without one; gives the reason when it did just now.

    The trial is read before anything is written, so that nobody waits for it.
    """
    with database.durable_session() as db:
        note_share(db, now, setting)
    with database.session() as db:
        if setting <= 0 or trial_stopped(db):
            return ""
        trial = form_trial(db, now, setting)
    if not trial.must_stop:
        return ""
    left = next(d for d in trial.deltas if d.key == "left")
    reason = f"{100 * left.look.difference:+.1f} points more people left without an answer where answers were shown"
    with database.durable_session() as db:
        db.merge(FormTrialRow(id=1, stopped_at=milliseconds(now), reason=reason))
        # From now on nobody is drawn; after a new start these people must not be taken for a comparison group.
        db.merge(TrialShareRow(since=milliseconds(now), share=1.0))
    return reason


def restart_trial(db: Session) -> None:
    """Let the trial run again, after somebody has looked into why it stopped."""
    db.merge(FormTrialRow(id=1, stopped_at=None, reason=""))
