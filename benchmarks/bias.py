"""How far each number is from what really happened, and how often its interval holds it: on simulated streams whose truth is known.

Run by `python -m benchmarks.outcomes --bias --seeds 40`. All streams have the same subjects and other people. An interval is asked to
hold what it claims to hold: the share that many such streams have together (chance alone), or the truth of its own stream.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from statistics import mean
from typing import Any

from app.db import Base, open_database
from app.deflection import export_rates, import_events
from app.deflection.inference.statistics import Proportion, newcombe
from app.deflection.judging.outcomes import DEFLECTED, judge
from app.deflection.judging.rulebook import Rulebook
from app.deflection.recording.events import parse_event
from app.deflection.recording.simulate import Behaviour, Simulated, Subject, lines, stream, subjects

START = 1_760_000_000_000
DAYS = 60
SUBJECTS = 60
ALIKE = Behaviour(replies_answered=0.45, replies_not=0.45, known_sender=1.0)
"""Whoever was answered replies to the survey as often as whoever was not, and the mail of signed-in people comes from an address we know."""
UNLIKE = Behaviour(replies_answered=0.5, replies_not=0.25, known_sender=0.7)
"""Whoever was not answered replies half as often, and three of ten mails come from elsewhere: biases that no interval knows of."""
PROMISED = 0.9


def bias(seeds: int, needs: int) -> None:
    """The definitions and the intervals over several streams."""
    topics = subjects(SUBJECTS, 1)
    shares: dict[str, list[float]] = defaultdict(list)
    rates: list[dict[str, Any]] = []
    held: dict[str, list[bool]] = defaultdict(list)
    for seed in range(1, seeds + 1):
        simulated = stream(seed, topics, needs, START, DAYS, ALIKE)
        for name, value in definitions(simulated):
            shares[name].append(value)
        rates.append(exported(simulated))
        for name, found in of_its_own_stream(rates[-1], simulated):
            held[name].append(found)
        for name, found in where_assumptions_fail(seed, topics, needs):
            held[name].append(found)
    for name, found in of_all_streams(rates):
        held[name].append(found)
    print(f"{seeds} streams of {needs} needs; what each definition reports, and its ratio to the truth")
    answered, avoided = mean(shares["truth: answered"]), mean(shares["truth: tickets avoided"])
    print(f"{'definition':44} {'share':>8} {'÷ answered':>12} {'÷ avoided':>12}")
    for name, values in shares.items():
        print(f"{name:44} {mean(values):8.3f} {mean(values) / answered:12.2f} {mean(values) / avoided:12.2f}")
    print(f"\n{'interval':72} {'held':>8}")
    for name, found in held.items():
        share = mean(found)
        print(f"{name:72} {sum(found):4d} of {len(found)}{'' if share >= PROMISED else '  below 90 %'}", flush=True)


def exported(simulated: Simulated) -> dict[str, Any]:
    """What `flask kb rates export` says of a stream."""
    database = open_database("sqlite://")
    Base.metadata.create_all(database.engine)
    import_events(database, lines(simulated))
    found = export_rates(database)
    database.close()
    return found


def definitions(simulated: Simulated) -> Iterator[tuple[str, float]]:
    """What different definitions say of one stream, as shares of needs."""
    judgement = judge(map(parse_event, simulated.events), Rulebook())
    needs = [v for v in judgement.verdicts if v.need.searches and v.outcome != "excluded"]
    total = len(needs)
    yield "truth: answered", simulated.answered_share
    yield "truth: wrote to us", sum(t.wrote for t in simulated.truth) / len(simulated.truth)
    yield "truth: tickets avoided", simulated.avoided / len(simulated.truth)
    yield "ours: confirmed (floor)", sum(v.rule == "R2" and not v.post_ticket for v in needs) / total
    yield "ours: confirmed + likely", sum(v.outcome in DEFLECTED and not v.post_ticket for v in needs) / total
    yield "ours: upper end (with undetermined)", sum(v.outcome in (*DEFLECTED, "undetermined") for v in needs) / total
    yield "ours: escalated", sum(v.outcome == "escalated" for v in needs) / total
    yield "naive: no linked ticket", sum(not v.links for v in needs) / total
    yield "naive: a click and no ticket", sum(bool(v.need.views) and not v.links for v in needs) / total
    forms = [form for v in needs for form in v.need.forms]
    yield "naive: contact form left, of forms opened", sum(not form.sent for form in forms) / max(1, len(forms))
    opened = {e.get("search_id") for e in simulated.events if e["type"] == "click"}
    typed = [e for e in simulated.events if e["type"] == "search"]
    yield "naive: search events with a click", sum(e["search_id"] in opened for e in typed) / len(typed)


def of_its_own_stream(found: Mapping[str, Any], simulated: Simulated) -> Iterator[tuple[str, bool]]:
    """The intervals that claim to hold what really happened."""
    answered, rates = simulated.answered_share, found["rates"]
    band = rates["log_answer_rate"]["low"], rates["log_answer_rate_upper"]["high"]
    yield "truly answered, in the band of the log (R2 + R6 to R2 + R6 + R7 to R9)", band[0] <= answered <= band[1]
    if found["calibrated_answer_rate"]:
        yield "truly answered, in the interval of the best estimate", _holds(found["calibrated_answer_rate"], answered)
    yield "tickets truly avoided, in their range", _holds(found["tickets_avoided"], simulated.avoided)
    escalated = rates["escalation_rate"]
    wrote = sum(t.wrote for t in simulated.truth) / len(simulated.truth)
    yield "truly wrote to us, not below the escalated share (a lower bound)", escalated["low"] <= wrote


def where_assumptions_fail(seed: int, topics: list[Subject], needs: int) -> Iterator[tuple[str, bool]]:
    """Silence that depends on the answer, and requests that nobody can link: what the numbers say then."""
    simulated = stream(10_000 + seed, topics, needs, START, DAYS, UNLIKE)
    found = exported(simulated)
    if found["calibrated_answer_rate"]:
        yield (
            "the unanswered reply half as often: best estimate (not promised)",
            _holds(found["calibrated_answer_rate"], simulated.answered_share),
        )
        yield (
            "the unanswered reply half as often: worst-case band",
            _holds(found["calibrated_answer_rate"]["worst_case"], simulated.answered_share),
        )
    yield "three of ten mails by unknown senders: tickets avoided (not promised)", _holds(found["tickets_avoided"], simulated.avoided)
    yield "three of ten mails by unknown senders: avoided at least the low end", found["tickets_avoided"]["low"] <= simulated.avoided


def of_all_streams(streams: list[dict[str, Any]]) -> Iterator[tuple[str, bool]]:
    """The intervals that claim to hold what chance could have made of the same behaviour: the share that all streams have together."""
    for name in streams[0]["rates"]:
        own = [found["rates"][name] for found in streams if found["rates"][name]["low"] is not None]
        together = sum(rate["count"] for rate in own) / sum(rate["base"] for rate in own)
        yield from ((f"{name} of all streams", _holds(rate, together)) for rate in own)
    medians = [found["time_to_answer_seconds"] for found in streams]
    together = mean(time["median"] for time in medians if time["median"] is not None)
    for time in medians:
        low, high = time["median_interval"]
        yield "median time to answer of all streams", low <= together and (high is None or together <= high)
    for now, before in zip(streams, streams[1:] + streams[:1], strict=True):
        sides = [found["rates"]["solved_without_a_ticket"] for found in (now, before)]
        difference = newcombe(*(Proportion(rate["count"], rate["base"], rate["design_effect"]) for rate in sides))
        yield "no difference between two streams (Newcombe)", difference.holds(0.0)


def _holds(interval: Mapping[str, float], value: float) -> bool:
    return bool(interval["low"] <= value <= interval["high"])
