"""The numbers of a report's sections against the truth of simulated streams: gaps, corrected weeks, windows, articles, survey, tickets avoided.

Run by `python -m benchmarks.outcomes --bias --seeds 40` after the headline's (benchmarks.bias). Groups of questions are the simulator's
subjects, so that what is measured is the interval and not the grouping.
"""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from statistics import mean

from app.db import Base, open_database
from app.deflection.asking.calibration import calibrate
from app.deflection.asking.survey import PAUSE, is_sampled, may_ask, question_asked
from app.deflection.asking.surveyed import asked_needs
from app.deflection.inference.statistics import FEWEST_FOR_A_RATE, Proportion
from app.deflection.judging.need_rows import Rows
from app.deflection.judging.outcomes import judge
from app.deflection.judging.rulebook import Rulebook
from app.deflection.packing.need_columns import FIELDS, columns_of, frame_of_days
from app.deflection.recording.events import Actor, parse_event
from app.deflection.recording.simulate import Behaviour, Simulated, Subject, stream, subjects
from app.deflection.reporting.article_report import ArticleRow, article_rows
from app.deflection.reporting.avoided import REPAIR_PRIOR, Gap, gaps, tickets_avoided
from app.deflection.reporting.facts import DAY_MS, Frame
from app.deflection.reporting.metrics import window_sensitivity
from app.deflection.reporting.trends import lateness, monday_of, weekly

START_DAY = monday_of(20_400)
START = START_DAY * DAY_MS
DAYS = 56
SUBJECTS = 60
HALF_OF_WHAT_FAILS = 0.5
NEWEST = (47, 51)
"""Days of the stream on which its newest weeks are looked at."""
LATE = Behaviour(replies_answered=0.45, replies_not=0.45, known_sender=1.0, surveyed=0.1, writes_after_hours=36.0)
"""Mail comes a day and a half after the question, so that there is something to correct."""
SILENT = {
    "half reply, the unanswered half as often": (0.5, 0.25),
    "nine of ten reply, the unanswered seven of ten": (0.9, 0.7),
    "the unanswered reply twice as often": (0.25, 0.5),
    "everybody replies": (1.0, 1.0),
}
ALL_FINAL = 10**15


@dataclass(frozen=True)
class Judged:
    """One stream: its counted needs once everything is known, what was known on some days, and the truth."""

    needs: Frame
    known: tuple[tuple[int, Frame], ...]
    truth: Simulated


def coverage(seeds: int, needs: int) -> None:
    """Each interval over several streams of the same subjects."""
    topics = subjects(SUBJECTS, 1)
    streams = [judged(stream(20_000 + seed, topics, needs, START, DAYS, LATE), topics) for seed in range(seeds)]
    print(f"\n{seeds} streams of {needs} needs, whose mail comes a day and a half later (mean)")
    print(f"{'what':78} {'held':>14}  bias")
    gap_scores(streams, topics)
    windows(streams)
    articles(streams)
    avoided_so_far(streams)
    corrected_weeks(streams)
    silence(seeds, needs, topics)
    sampling(streams)
    asked_again(streams[0].truth)


def judged(simulated: Simulated, topics: Sequence[Subject]) -> Judged:
    """The stream judged with everything known, and as known on its newest days."""
    subject_of = {words: i + 1 for i, topic in enumerate(topics) for words in topic.wordings["en"]}
    known = tuple((day, _frame(simulated, subject_of, START + day * DAY_MS + DAY_MS // 2)) for day in NEWEST)
    return Judged(_frame(simulated, subject_of), known, simulated)


def _frame(simulated: Simulated, subject_of: dict[str, int], as_of: int | None = None) -> Frame:
    rules = Rulebook()
    rows = Rows(judge(map(parse_event, simulated.events), rules, as_of), rules, as_of)
    needs = [{**row, "cluster": subject_of.get(row["q"], 0)} for row in rows.needs.values()]
    need_of = {
        member: need for need, children in rows.children.items() for row in children["need_search"] for member in json.loads(row["members"])
    }
    surveys = [e for e in simulated.events if e["type"] == "survey" and (as_of is None or e["t_recv"] <= as_of)]
    return frame_of_days([columns_of({name: [row[name] for row in needs] for name in FIELDS})], asked_needs(surveys, need_of)).counted


def told(what: str, found: Sequence[bool], bias: str = "") -> None:
    print(f"{what:78} {sum(found):6d} of {len(found):4d}  {bias}", flush=True)


def gap_scores(streams: Sequence[Judged], topics: Sequence[Subject]) -> None:
    """Tickets a month that an article would avoid: what the unanswered of the subject write, times the share that the article mends."""
    place = {topic.name: i + 1 for i, topic in enumerate(topics)}
    wrote = Counter(place[t.subject] for s in streams for t in s.truth.truth if t.wrote and not t.answered)
    months = DAYS / 30 * len(streams)
    rng = random.Random(1)
    kinds: dict[str, tuple[tuple[float, float], Callable[[], float]]] = {
        "gap score, 80 % interval (promise 75 %): an article mends what the prior says": (REPAIR_PRIOR, lambda: rng.betavariate(*REPAIR_PRIOR)),
        "the same where it is known that an article mends half": ((1e6, 1e6), lambda: HALF_OF_WHAT_FAILS),
    }  # fmt: skip
    for name, (repair, mends) in kinds.items():
        rows = [gap for s in streams for gap in _gaps(s.needs, repair)]
        held = [gap.interval.holds(wrote[gap.cluster] / months * mends()) for gap in rows]
        truth = sum(wrote[gap.cluster] / months * HALF_OF_WHAT_FAILS for gap in rows)
        told(name, held, f"sum of the scores ÷ truth {sum(gap.score for gap in rows) / max(truth, 1e-9):.2f}")


def _gaps(needs: Frame, repair: tuple[float, float]) -> list[Gap]:
    found = calibrate(needs)
    return [gap for gap in gaps(needs, found, DAYS, repair) if gap.needs >= FEWEST_FOR_A_RATE] if found else []


def windows(streams: Sequence[Judged]) -> None:
    """The escalated share by window, against the share of all streams together."""
    by_hours: dict[int, list[Proportion]] = defaultdict(list)
    for s in streams:
        for point in window_sensitivity(s.needs, ALL_FINAL):
            by_hours[point.hours].append(point.escalated)
    for hours, shares in by_hours.items():
        told(f"wrote to us within {hours} hours, of all streams", _hold(shares))


def _hold(shares: Sequence[Proportion]) -> list[bool]:
    together = sum(share.count for share in shares) / sum(share.base for share in shares)
    return [share.interval is not None and share.interval.holds(together) for share in shares]


def articles(streams: Sequence[Judged]) -> None:
    """Each article's share, and whether it is called better or worse than others: no article of the simulator is either."""
    rows: dict[str, list[ArticleRow]] = defaultdict(list)
    for s in streams:
        for row in article_rows(s.needs, {}):
            rows[row.article].append(row)
    held, off = [], []
    for own in rows.values():
        truth = sum(row.answered.count for row in own) / sum(row.answered.base for row in own)
        held += [row.shrunk.interval.holds(truth) for row in own]
        off += [row.shrunk.mean - truth for row in own]
    told("answered share of an article, shrunk, of all streams", held, f"{100 * mean(off):+.2f} points")
    every = [row for own in rows.values() for row in own]
    told("article called neither better nor worse than others on the same questions", [not (row.below or row.above) for row in every])


def avoided_so_far(streams: Sequence[Judged]) -> None:
    """The range of tickets avoided at the end of every week from the fourth on; held only if it held at all of them."""
    held, once, off = [], [], []
    for s in streams:
        looks = []
        for end in range(28, DAYS + 1, 7):
            needs = s.needs.between(START_DAY, START_DAY + end)
            found = tickets_avoided(needs, calibrate(needs))
            truth = sum(t.answered and t.would_write and t.would_send for t in s.truth.truth if t.at < START + end * DAY_MS)
            assert found is not None
            looks.append(found.range.holds(truth))
            if found.estimate:
                off.append(found.estimate / truth - 1)
        held.append(all(looks))
        once += looks
    told("tickets truly avoided so far, in their range at a week's end", once)
    told("tickets truly avoided so far, in their range at all of them", held, f"best estimate {100 * mean(off or [0.0]):+.1f} %")


def corrected_weeks(streams: Sequence[Judged]) -> None:
    """The newest weeks as corrected for what is still to come, against what came of the same needs."""
    off: dict[str, list[float]] = defaultdict(list)
    final = [(s.needs.answered.sum(), len(s.needs)) for s in streams]
    together = sum(hits for hits, _ in final) / sum(n for _, n in final)
    held = []
    for s in streams:
        for day, known in s.known:
            as_of = START + day * DAY_MS + DAY_MS // 2
            for week in weekly(known, as_of, START_DAY, START_DAY + DAYS, lateness(known, as_of)):
                if week.nowcast is None or week.nowcast_escalated is None or week.band is None:
                    continue
                own = s.needs.between(week.start, week.start + 7)
                own = own.where(own["first"] <= as_of)
                solved, wrote = float(own.answered.mean()), float(own.rules(1).mean())
                age = "this week" if week.start + 7 > START_DAY + day else "the week before"
                off[f"solved, {age}: corrected"].append(week.nowcast - solved)
                off[f"solved, {age}: raw"].append(_rate(week.solved) - solved)
                off[f"wrote to us, {age}: corrected"].append(week.nowcast_escalated / week.solved.base - wrote)
                off[f"wrote to us, {age}: raw"].append(week.escalated / week.solved.base - wrote)
                held.append(week.band.holds(together))
    told("solved share of all streams, in the band of the newest weeks as corrected", held)
    for name, values in off.items():
        print(f"  {name:76} {'':14}  {100 * mean(values):+.2f} points")


def _rate(share: Proportion) -> float:
    return share.count / share.base


def silence(seeds: int, needs: int, topics: Sequence[Subject]) -> None:
    """The survey's worst case, where replying depends on having been answered."""
    for name, (answered, not_answered) in SILENT.items():
        worst, best = [], []
        for seed in range(seeds):
            behaviour = replace(LATE, replies_answered=answered, replies_not=not_answered)
            simulated = stream(30_000 + seed, topics, needs, START, DAYS, behaviour)
            found = calibrate(_frame(simulated, {}))
            if found:
                worst.append(found.worst.holds(simulated.answered_share))
                best.append(found.interval.holds(simulated.answered_share))
        told(f"survey, {name}: worst-case band", worst, f"best estimate {sum(best)} of {len(best)} (not promised unless they reply alike)")


def sampling(streams: Sequence[Judged]) -> None:
    """Whether 5 % by hash is 5 %, of the answered as of the others."""
    for name, answered in (("answered", True), ("not answered", False)):
        drawn = [[is_sampled(t.search_id, 0.05) for t in s.truth.truth if t.answered is answered] for s in streams]
        shares = [Proportion(sum(found), len(found)) for found in drawn]
        told(f"5 % by hash of those {name}", [share.interval is not None and share.interval.holds(0.05) for share in shares],
             f"{100 * sum(s.count for s in shares) / sum(s.base for s in shares):.2f} %")  # fmt: skip


def asked_again(simulated: Simulated) -> None:
    """Everybody asked whenever that is allowed: never twice in 30 days."""
    database = open_database("sqlite://")
    Base.metadata.create_all(database.engine)
    times: dict[str, list[int]] = defaultdict(list)
    with database.session() as db:
        for event in simulated.events:
            if event["type"] != "search" or event.get("mode") != "submit":
                continue
            actor = Actor(account=event.get("account"), visitor=event.get("visitor"), tab=event.get("tab"))
            now = datetime.fromtimestamp(event["t_recv"] / 1000, UTC)
            if may_ask(db, actor, event["search_id"], 1.0, now):
                question_asked(db, actor, event["search_id"], now)
                times[actor.account or actor.visitor or actor.tab or ""].append(event["t_recv"])
    database.close()
    pauses = [later - earlier for asked in times.values() for earlier, later in pairwise(asked)]
    told("asked again, and not within 30 days", [pause >= PAUSE for pause in pauses], f"{sum(map(len, times.values()))} questions")
