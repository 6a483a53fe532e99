"""The background worker: what is due is a row in the database, so that a killed worker loses nothing and a second one doubles nothing.

Its jobs stand in lanes, each a thread: an outcome and a mail wait for no job that takes long, whatever the night brings. What the lanes
do to the database they do in short transactions, between which others come to write.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain

import structlog

from app import accounts, deflection, tickets
from app.cli.following import ContentFollower, bring_up
from app.errors import KnowledgeBaseError
from app.journeys import learn_phrases
from app.portal import Portal

KEEP_DELIVERED = timedelta(days=14)
"""How long delivered mail can still be looked up by an operator."""

MOST_JUDGED = 1500
"""Persons judged as of one moment: a second or two."""
MANY_GROUPED = 200
"""Needs put into groups at once after which their names are not left for later: events were imported, and somebody wants to see them."""
DAYS_PACKED = 8
"""Days packed for reports before the time is looked at."""
TURN_SECONDS = 1.0
"""How long a job with much to do goes on before those that share its lane have their turn."""
LOOKS_EVERY = 0.5
"""Seconds between two looks at what is due."""

ENDING = 5.0
"""Seconds that the jobs in progress get together when the worker ends; one that is cut off is done again."""

log = structlog.get_logger()

Job = Callable[[Portal, datetime], str]
"""Does what is due at a moment and says it in a few words; empty when nothing was."""


class Unfinished(str):
    """What a job did, when more may be left: it is due again as soon as the others of its lane had their turn."""

    __slots__ = ()


def deliver(portal: Portal, now: datetime) -> str:
    """Mail and other deliveries."""
    report = tickets.deliver_due(portal.database, portal.connectors, now)
    return (
        f"{report.done} delivered, {report.failed} to try again, {report.dead} given up"
        if report.done or report.failed or report.dead
        else ""
    )


def judge(portal: Portal, now: datetime, most: int | None = None) -> str:
    """Outcomes of the persons whom new events touched."""
    count = deflection.recompute_due(portal.database, now, deflection.rules_from(portal.settings), limit=most)
    return f"{count} person(s) judged" if count else ""


def judge_some(portal: Portal, now: datetime) -> str:
    """The same for a second or two: what is left of a year that is being imported is judged as of a later moment."""
    said = judge(portal, now, MOST_JUDGED)
    return Unfinished(said) if said else said


def follow_content(portal: Portal, now: datetime) -> str:
    """The content's newest revision, from its remote or from disk."""
    return bring_up(portal.settings, portal.articles, portal.engine, now)


def learn(portal: Portal, now: datetime) -> str:
    """What past searches teach the ranking."""
    count = learn_phrases(portal.settings, portal.database, now)
    return f"{count} learned phrase(s) in force" if count else ""


def group(portal: Portal, now: datetime, seconds: float = math.inf) -> str:
    """Questions that are asked in other words are put together, and requests on one subject, for the reports."""
    known = _languages(portal)
    until, needs, contacts, left = time.monotonic() + seconds, 0, 0, True
    while left:
        with portal.database.giving_way(), portal.database.session() as db:
            more_needs = deflection.assign_due(db, now)
        with portal.database.giving_way(), portal.database.session() as db:
            more_contacts = deflection.tell_contacts(db, now, known)
        needs, contacts, left = needs + more_needs, contacts + more_contacts, bool(more_needs or more_contacts)
        if time.monotonic() >= until:
            break
    if not needs and not contacts:
        return ""
    named = name_groups(portal, now) if max(needs, contacts) >= MANY_GROUPED and not left else ""
    said = "; ".join([f"{needs} need(s) and {contacts} request(s) put into groups", *([named] if named else [])])
    return Unfinished(said) if left else said


def group_some(portal: Portal, now: datetime) -> str:
    """The same for a moment: after an import hundreds of thousands of questions wait."""
    return group(portal, now, TURN_SECONDS)


def _languages(portal: Portal) -> deflection.Languages:
    """What our own requests and accounts say about the language of a contact."""

    def of_tickets(ids: Sequence[str]) -> Mapping[str, str]:
        with portal.database.session() as db:
            return tickets.locales_of(db, ids)

    def of_accounts(ids: Sequence[str]) -> Mapping[str, str]:
        with portal.database.session() as db:
            return accounts.locales_of(db, ids)

    return deflection.Languages(portal.settings.locales, of_tickets, of_accounts)


def pack(portal: Portal, now: datetime, seconds: float = math.inf, most: int = DAYS_PACKED) -> str:
    """Past days are packed for the reports, newest first, once the outcomes stand on which everything packed rests."""
    with portal.database.session() as db:
        if deflection.many_wait(db, MOST_JUDGED):
            return ""
    until, days, left = time.monotonic() + seconds, 0, True
    while left:
        counts = deflection.pack_days(portal.database, now, most), deflection.pack_asked(portal.database, now, most)
        days, left = days + max(counts), most in counts
        if time.monotonic() >= until:
            break
    said = f"{days} day(s) packed for reports" if days else ""
    return Unfinished(said) if left else said


def pack_some(portal: Portal, now: datetime) -> str:
    """The same for a moment: after an import all of them have to be packed."""
    return pack(portal, now, TURN_SECONDS)


def name_groups(portal: Portal, now: datetime) -> str:
    """Groups get the label that enough people's words allow."""
    k = portal.settings.privacy_k_query
    changed = deflection.name_clusters_in_turn(portal.database, now, k) + deflection.name_subjects_in_turn(portal.database, now, k)
    return f"{changed} group(s) named" if changed else ""


def watch_form(portal: Portal, now: datetime) -> str:
    """Which share of people sees no answers is noted, so that the trial knows the odds of each day."""
    with portal.database.durable_session() as db:
        deflection.note_share(db, now, portal.settings.form_holdout_share)
    return ""


def group_again(portal: Portal, now: datetime) -> str:
    """Groups that turned out to ask the same become one; the form trial stops itself when answers do harm."""
    merged = deflection.merge_nightly(portal.database, now) + deflection.merge_subjects(portal.database, now)
    stopped = deflection.watch_trial(portal.database, now, portal.settings.form_holdout_share)
    said = [f"{merged} group(s) merged"] if merged else []
    return "; ".join([*said, f"the form trial was stopped: {stopped}"] if stopped else said)


def weekly(portal: Portal, now: datetime) -> str:
    """The report of the week, as a mail to managers."""
    from app.web.factory import create_app
    from app.web.reports.report_mail import is_due, queue_weekly

    if not is_due(now):
        return ""
    count = queue_weekly(create_app(portal=portal), now)
    return f"weekly report for {count} manager(s)" if count else ""


def tidy(portal: Portal, now: datetime) -> str:
    """What is kept only for a while: raw events, drafts, deliveries long done, uploads that no request holds."""
    with portal.database.durable_session() as db:
        drafts = tickets.forget_old_drafts(db, now)
        tickets.forget_delivered(db, now - KEEP_DELIVERED)
        deflection.forget_asked(db, now)
        tickets.sweep_files(db, portal.settings.path(portal.settings.data_folder) / "attachments", now)
    removed = deflection.apply_retention(portal.database, now, portal.settings.event_retention_days)
    return f"{drafts} draft(s) and {removed} event(s) past their time removed" if drafts or removed else ""


def verify(portal: Portal, now: datetime) -> str:
    """A random hundredth of all persons, judged anew: it must match what is stored, or somebody has to know."""
    differences = deflection.verify_sample(portal.database, now, deflection.rules_from(portal.settings))
    if differences:
        log.error("outcomes differ", count=len(differences), first=str(differences[0]))
        return f"{len(differences)} stored outcome(s) differ from their recomputation"
    return ""


@dataclass
class Rhythm:
    """A job and how often it is looked at; failures are logged and tried again at the next beat."""

    name: str
    job: Job
    every: timedelta
    due: datetime = datetime.min.replace(tzinfo=UTC)

    def beat(self, portal: Portal, now: datetime) -> str:
        # A clock set back must not stop the job for as long as it was set back.
        if now < self.due <= now + self.every:
            return ""
        self.due = now + self.every
        try:
            said = self.job(portal, now)
        except KnowledgeBaseError as error:
            log.error("job failed", job=self.name, reason=str(error), cause=getattr(error, "reason", ""))
            return ""
        except Exception:
            # Whatever was not foreseen in one job must not keep the others from being done; it is tried again at the next beat.
            log.exception("job failed", job=self.name)
            return ""
        if isinstance(said, Unfinished):
            self.due = now
        if said:
            log.info("job", job=self.name, did=said)
        return said


def lanes(in_turn: bool = False) -> dict[str, list[Rhythm]]:
    """Everything the worker does beside following the content: what comes one after the other, and what waits for nothing else.

    `in_turn` is for a worker that goes on and comes back to what is left.
    """
    return {
        "deliveries": [Rhythm("deliver", deliver, timedelta(seconds=1))],
        "outcomes": [Rhythm("judge", judge_some if in_turn else judge, timedelta(seconds=1))],
        "reports": [
            Rhythm("group", group_some if in_turn else group, timedelta(seconds=30)),
            Rhythm("pack", pack_some if in_turn else pack, timedelta(seconds=30)),
            Rhythm("name groups", name_groups, timedelta(minutes=10)),
            Rhythm("watch form", watch_form, timedelta(hours=1)),
            Rhythm("group again", group_again, timedelta(hours=24)),
            Rhythm("learn", learn, timedelta(hours=1)),
            Rhythm("weekly", weekly, timedelta(hours=1)),
            Rhythm("tidy", tidy, timedelta(hours=6)),
            Rhythm("verify", verify, timedelta(hours=24)),
        ],
    }


class Lane(threading.Thread):
    """Jobs that are done one after the other, again and again, whatever the other lanes are at."""

    def __init__(self, portal: Portal, name: str, jobs: Sequence[Rhythm]) -> None:
        super().__init__(name=name, daemon=True)
        self._portal, self._jobs, self._stop_asked = portal, jobs, threading.Event()

    def run(self) -> None:
        while not self._stop_asked.is_set():
            left = False
            for job in self._jobs:
                left = isinstance(job.beat(self._portal, datetime.now(UTC)), Unfinished) or left
                if self._stop_asked.is_set():
                    break
            if not left:
                self._stop_asked.wait(LOOKS_EVERY)

    def ask_to_stop(self) -> None:
        """No further job is begun."""
        self._stop_asked.set()


def work_once(portal: Portal, now: datetime) -> str:
    """Do all that is due now, whatever its rhythm; returns what was done in a sentence."""
    content = Rhythm("content", follow_content, timedelta())
    done = [said for rhythm in (content, *chain.from_iterable(lanes().values())) if (said := rhythm.beat(portal, now))]
    return "; ".join(done) + "." if done else "Nothing was due."


def work_until_stopped(portal: Portal) -> None:
    """Work until TERM or Ctrl-C, the content in a thread of its own."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    content = ContentFollower(portal.settings)
    content.start()
    working = [Lane(portal, name, jobs) for name, jobs in lanes(in_turn=True).items()]
    for lane in working:
        lane.start()
    stop.wait()
    for lane in working:
        lane.ask_to_stop()
    until = time.monotonic() + ENDING
    for lane in working:
        lane.join(max(0.0, until - time.monotonic()))
    content.end()
