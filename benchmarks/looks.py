"""Whether what may be looked at again and again holds at every look: the form trial, how long it is said to take, and the trend's flag.

Run by `python -m benchmarks.outcomes --looks --seeds 40`. People and weeks are drawn with known truth; what is judged is the product's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from statistics import mean, median

import numpy as np

from app.db import Base, open_database
from app.deflection import import_events, recompute_due
from app.deflection.asking.experiment_store import WEEK, exposures
from app.deflection.asking.experiments import COUNTS_FOR_DAYS, HOLDOUT, ON, OUTCOMES, PLANNED_EFFECT, Exposure, Trial, judge_trial
from app.deflection.inference.sequences import confidence_sequence, weeks_until_decided
from app.deflection.inference.statistics import Proportion
from app.deflection.recording.clock import DAY
from app.deflection.recording.simulate import Behaviour, lines, stream, subjects
from app.deflection.reporting.facts import frame_of
from app.deflection.reporting.metrics import change
from app.deflection.reporting.trends import CLOSE_WEEKS, READ_WEEKS, Week, shift

A_WEEK, TRIAL_WEEKS, TREND_WEEKS = 100, 52, 104
REMEMBERED = COUNTS_FOR_DAYS // 7
FEW, MANY = 0.1, 0.5
Chances = tuple[float, float, float, float]
TRIALS: dict[str, tuple[Chances, Chances]] = {
    "no effect": ((0.75, 0.0, 0.2, 0.05), (0.75, 0.0, 0.2, 0.05)),
    "no effect, all of it rare": ((0.03, 0.02, 0.02, 0.02), (0.03, 0.02, 0.02, 0.02)),
    "answers help": ((0.6, 0.15, 0.2, 0.05), (0.75, 0.0, 0.2, 0.05)),
    "answers put people off": ((0.65, 0.0, 0.3, 0.05), (0.75, 0.0, 0.2, 0.05)),
}
"""What people do with answers and without: write, say that it solved it, leave without an answer, write again."""
TOLD_AT = (100, 500, 1000, 2000)
LONGEST = 400
FIRST_MONDAY = 4
STREAM_WEEKS = 10
STREAM_START = 20_402 * DAY
NO_NEEDS = frame_of([])


def looks(seeds: int) -> None:
    """Every comparison that somebody may look at each week."""
    print(
        f"{seeds} trials of {A_WEEK} people a week over {TRIAL_WEEKS} weeks, looked at every week; each person counts for {REMEMBERED} weeks"
    )
    print(
        f"{'what answers do, share without':44} {'held at every look: ' + ', '.join(OUTCOMES):52} {'stopped':>8}  verdict after half a year"
    )
    for name, (on, holdout) in TRIALS.items():
        for share in (MANY, FEW, None):
            trials = [list(_trial(seed, on, holdout, share)) for seed in range(seeds)]
            held = ", ".join(str(sum(_held(trial, i, on[i] - holdout[i]) for trial in trials)) for i in range(len(OUTCOMES)))
            stopped = sum(any(look.must_stop for look in trial) for trial in trials)
            verdicts = [trial[REMEMBERED - 1].verdict for trial in trials]
            ends = ", ".join(f"{verdicts.count(v)} {v}" for v in sorted(set(verdicts)))
            print(f"{name + ', ' + ('changing' if share is None else f'{share:.0%}'):44} {held:52} {stopped:8d}  {ends}", flush=True)
    from_events(seeds)
    for share in (MANY, FEW):
        weeks_told(seeds, share)
    trend(5 * seeds)


def _people(rng: np.random.Generator, on: Chances, holdout: Chances, share: float | None) -> list[Exposure]:
    """One trial's people; without a share it changes every four weeks, as it does where about 500 forms a month are opened."""
    found = []
    for i in range(A_WEEK * TRIAL_WEEKS):
        odds = (FEW, MANY)[i // A_WEEK // 4 % 2] if share is None else share
        arm = HOLDOUT if rng.random() < odds else ON
        done = rng.random(len(OUTCOMES)) < (holdout if arm == HOLDOUT else on)
        found.append(Exposure(f"u{i}", i, arm, odds, *done.tolist()))
    return found


def _trial(seed: int, on: Chances, holdout: Chances, share: float | None) -> Iterator[Trial]:
    """The trial at each look, over the people who count then."""
    people = _people(np.random.default_rng(seed), on, holdout, share)
    for week in range(1, TRIAL_WEEKS + 1):
        yield judge_trial(people[max(0, week - REMEMBERED) * A_WEEK : week * A_WEEK], min(week, REMEMBERED))


def _held(trial: Sequence[Trial], outcome: int, truth: float) -> bool:
    return all(not look.deltas or (found := look.deltas[outcome].interval) is None or found.holds(truth) for look in trial)


def from_events(seeds: int) -> None:
    """The trial read from simulated streams of events, at the end of every week; the truth is the difference of all streams together."""
    for helps in (0.0, 0.5):
        people = [_exposed(seed, helps) for seed in range(seeds)]
        every = [e for own in people for e in own]
        held = []
        for outcome, key in enumerate(OUTCOMES):
            arms = [[getattr(e, key) for e in every if e.arm == arm] for arm in (ON, HOLDOUT)]
            truth = mean(arms[0]) - mean(arms[1]) if helps else 0.0
            held.append(str(sum(_held([_until(own, week) for week in range(1, STREAM_WEEKS + 1)], outcome, truth) for own in people)))
        name = f"from events, answers help {helps:.0%}, {len(every) // seeds} people"
        stopped = sum(any(_until(own, week).must_stop for week in range(1, STREAM_WEEKS + 1)) for own in people)
        print(f"{name:44} {', '.join(held):52} {stopped:8d}", flush=True)


def _exposed(seed: int, helps: float) -> list[Exposure]:
    behaviour = Behaviour(holdout=MANY, by_form=1.0, form_helps=helps)
    simulated = stream(40_000 + seed, subjects(20, 1), 2000, STREAM_START, 7 * STREAM_WEEKS - 2, behaviour)
    now = datetime.fromtimestamp(STREAM_START / 1000, UTC) + timedelta(weeks=STREAM_WEEKS + 1)
    database = open_database("sqlite://")
    Base.metadata.create_all(database.engine)
    import_events(database, lines(simulated))
    recompute_due(database, now)
    with database.session() as db:
        found = exposures(db, now, MANY)
    database.close()
    return found


def _until(people: Sequence[Exposure], week: int) -> Trial:
    return judge_trial([e for e in people if e.at < STREAM_START + week * WEEK], week)


def weeks_told(trials: int, share: float) -> None:
    """'About n more weeks', against how long it really took in trials with that very difference."""
    found: dict[int, list[tuple[int, int]]] = {units: [] for units in TOLD_AT}
    for seed in range(trials):
        rng = np.random.default_rng(1000 + seed)
        on = rng.random(A_WEEK * LONGEST) < 1 - share
        hits = rng.random(len(on)) < np.where(on, 0.75 - PLANNED_EFFECT, 0.75)
        took = next((w for w in range(1, LONGEST) if confidence_sequence(hits[: w * A_WEEK], on[: w * A_WEEK], 1 - share).decided), LONGEST)
        for units in TOLD_AT:
            if took * A_WEEK > units:
                told = weeks_until_decided(confidence_sequence(hits[:units], on[:units], 1 - share), A_WEEK, PLANNED_EFFECT, LONGEST)
                found[units].append((told or LONGEST, took - units // A_WEEK))
    for units, pairs in found.items():
        if not pairs:
            continue
        told, real = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
        within = mean(real <= told for told, real in pairs)
        print(f"{share:.0%} without answers, after {units:4d} people: told {told:.0f} weeks, took {real:.0f} (medians of {len(pairs)}); "
              f"over by then {within:.0%}", flush=True)  # fmt: skip


def trend(series: int) -> None:
    """The flag in two years without a change, and in the eight weeks after one; and how often two periods look different meanwhile."""
    for a_week, spread in ((1000, 0.0), (200, 0.0), (200, 0.03)):
        flagged, called, looked = 0, 0, 0
        for seed in range(series):
            weeks = _weeks(np.random.default_rng(seed), TREND_WEEKS + 26, a_week, spread)
            flagged += any(_flag(weeks[:n]) for n in range(12, len(weeks) + 1))
            calls = [_differ(weeks[n - 26 : n]) for n in range(26, len(weeks) + 1)]
            called, looked = called + sum(calls), looked + len(calls)
        print(f"no change, {a_week} a week, ± {spread:.0%} between weeks: flag ever up in {flagged} of {series} series; "
              f"13 weeks against 13 called different at {called / looked:.1%} of the looks", flush=True)  # fmt: skip
    for a_week, spread, step in (
        (200, 0.0, 0.05),
        (200, 0.0, 0.08),
        (200, 0.0, 0.12),
        (200, 0.03, 0.08),
        (1000, 0.0, 0.03),
        (1000, 0.0, 0.05),
    ):
        found = 0
        for seed in range(series):
            weeks = _weeks(np.random.default_rng(5000 + seed), 68, a_week, spread, step)
            found += any(_flag(weeks[:n]) < 0 for n in range(61, 69))
        print(f"-{100 * step:.0f} points, {a_week} a week, ± {spread:.0%} between weeks: flagged within eight weeks in {found} of {series}")


def _weeks(rng: np.random.Generator, n: int, a_week: int, spread: float, step: float = 0.0, at: int = 60) -> list[Week]:
    found = []
    for week in range(n):
        share = min(max(0.6 - (step if week >= at else 0.0) + rng.normal() * spread, 0.01), 0.99)
        base = max(20, int(rng.poisson(a_week)))
        found.append(Week(FIRST_MONDAY + 7 * week, Proportion(int(rng.binomial(base, share)), base), 0, 0, 0, False))
    return found


def _flag(weeks: Sequence[Week]) -> int:
    """−1 or 1 where the flag is up at the end of these weeks."""
    earlier = {w.start: (int(w.solved.count), int(w.solved.base)) for w in weeks[:-CLOSE_WEEKS]}
    found = shift(NO_NEEDS, tuple(weeks[-READ_WEEKS:]), FIRST_MONDAY, earlier)
    return 0 if found is None or not found.clear else (1 if found.difference > 0 else -1)


def _differ(weeks: Sequence[Week]) -> bool:
    sides = [Proportion(sum(w.solved.count for w in part), sum(w.solved.base for w in part)) for part in (weeks[13:], weeks[:13])]
    found = change(*sides)
    return found is not None and found.clear
