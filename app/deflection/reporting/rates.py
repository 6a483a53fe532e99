"""Every rate as one JSON object, judged from the stored events as known at a moment: what `flask kb rates export` writes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import count
from typing import Any

from sqlalchemy import text

from app.db import Database
from app.deflection.asking.surveyed import asked_needs
from app.deflection.grouping.cluster_store import bag_of, language_of
from app.deflection.grouping.clusters import cluster
from app.deflection.inference.statistics import Interval, Proportion
from app.deflection.judging.need_rows import Rows
from app.deflection.judging.outcomes import FINAL
from app.deflection.judging.rulebook import Rulebook
from app.deflection.packing.need_columns import FIELDS, columns_of, frame_of_days
from app.deflection.recording.exchange import judgements
from app.deflection.reporting.facts import EXCLUDED, OUTCOME_OF_RULE, SEARCH, Frame
from app.deflection.reporting.metrics import Summary, narrow_form_rate, summary

_EPOCH = date(1970, 1, 1)


def export_rates(
    database: Database, as_of: int | None = None, start: date | None = None, end: date | None = None, rules: Rulebook | None = None
) -> dict[str, Any]:
    """The rates over final needs that began in [start, end] (UTC days), each with count, base, rate and interval."""
    rules = rules or Rulebook()
    needs, contacts, things = _judged(database, rules, as_of)
    first, last = _day(start, -(2**31)), _day(end, 2**31)
    chosen = [row for row in needs if first <= row["day"] <= last]
    tickets = sum(row["valid"] and row["inbound"] and not row["duplicate"] and first <= row["day"] <= last for row in contacts)
    _give_clusters(chosen)
    values: Mapping[str, Sequence] = {name: [row[name] for row in chosen] for name in FIELDS}
    frame = frame_of_days([columns_of(values)], asked_needs(_surveys(database, as_of), things))
    counted = frame.counted
    final = counted.final(0)
    return {
        "as_of": as_of,
        "from": start.isoformat() if start else None,
        "to": end.isoformat() if end else None,
        "definition_version": rules.version,
        "needs": {
            "all": len(frame),
            "with_search": int((frame["kind"] == SEARCH).sum()),
            "excluded": int(frame.rules(EXCLUDED).sum()),
            "counted": len(counted),
            "final": len(final),
            "provisional": len(counted) - len(final),
            "persons": final.persons,
        },
        "searches": int(final["searches"].sum()),
        "tickets": tickets,
        "outcomes": _outcomes(final),
        "rules": {f"R{rule}": n for rule, n in sorted(Counter(final["rule"].tolist()).items())},
        **_numbers(summary(final, tickets), len(final), narrow_form_rate(frame.final(0))),
    }


def _day(day: date | None, missing: int) -> int:
    return (day - _EPOCH).days if day else missing


def _judged(database: Database, rules: Rulebook, as_of: int | None) -> tuple[list[dict], list[dict], dict[str, str]]:
    """Need rows, contact rows, and which need each search and view belongs to."""
    needs: list[dict] = []
    contacts: list[dict] = []
    things: dict[str, str] = {}
    for judgement in judgements(database, rules, as_of):
        rows = Rows(judgement, rules, as_of)
        for id, row in rows.needs.items():
            # Finality was decided with the watermark of the time; the frame only needs yes (0) or no (1).
            needs.append({**row, "cluster": None, "final_at": 0 if row["state"] == FINAL else 1})
            for search in rows.children[id]["need_search"]:
                things |= dict.fromkeys(json.loads(search["members"]), id)
            things |= {view["view_id"]: id for view in rows.children[id]["need_view"]}
        for verdict in judgement.verdicts:
            things |= {form.form_id: things[verdict.need.searches[0].search_id] for form in verdict.need.forms if verdict.need.searches}
        contacts += rows.contacts.values()
    return needs, contacts, things


def _give_clusters(needs: Iterable[dict]) -> None:
    by_language: dict[str, Counter] = defaultdict(Counter)
    bags = []
    for row in needs:
        language = language_of(row["lang"])
        bag = bag_of(row["q"], language) if row["q"] else ()
        bags.append((row, language, bag))
        if bag:
            by_language[language][bag] += 1
    ids = count(1)
    found = {language: cluster(counts, lambda: next(ids)).known for language, counts in sorted(by_language.items())}
    for row, language, bag in bags:
        row["cluster"] = found[language][bag] if bag else 0


def _surveys(database: Database, as_of: int | None) -> list[dict]:
    with database.session() as db:
        rows = db.execute(text("SELECT body, t_recv FROM event WHERE type = 'survey'"))
        return [json.loads(body) for body, t_recv in rows if as_of is None or t_recv <= as_of]


def _outcomes(final: Frame) -> dict[str, int]:
    counts = Counter(OUTCOME_OF_RULE[rule] for rule in final["rule"].tolist())
    return {name: counts[name] for name in dict.fromkeys(OUTCOME_OF_RULE) if name not in ("excluded", "reformulated")}


def _numbers(s: Summary, needs: int, in_form: Proportion) -> dict[str, Any]:
    rates = {
        "confirmed_rate": s.confirmed_log,
        "log_answer_rate": s.answered_log,
        "log_answer_rate_upper": s.answered_upper,
        "solved_without_a_ticket": s.solved,
        "escalation_rate": s.escalated,
        "escalation_rate_signed_in": s.escalated_known,
        "left_without_an_answer_rate": s.left,
        "undetermined_rate": s.unknown,
        "zero_result_rate": s.zero,
        "click_through_rate": s.clicked,
        "reformulation_rate": s.asked_again,
        "success_at_first_search_rate": s.first_search,
        "self_service_ratio": s.self_service,
        "narrow_form_rate": in_form,
    }
    return {
        "rates": {name: _rate(value) for name, value in rates.items()},
        "calibrated_answer_rate": _calibrated(s),
        "tickets_avoided": _avoided(s) if needs else None,
        "time_to_answer_seconds": {"median": s.time.median, "median_interval": list(s.time.median_interval), "p90": s.time.p90},
    }


def _rate(value: Proportion) -> dict[str, Any]:
    return {
        "count": value.count,
        "base": value.base,
        "rate": value.rate,
        **_ends(value.interval),
        "design_effect": round(value.deff, 4),
    }


def _ends(interval: Interval | None) -> dict[str, float | None]:
    return {"low": interval.low if interval else None, "high": interval.high if interval else None}


def _calibrated(s: Summary) -> dict[str, Any] | None:
    found = s.calibrated
    if found is None:
        return None
    return {
        "rate": found.rate,
        **_ends(found.interval),
        "worst_case": _ends(found.worst),
        "asked": found.asked,
        "answers": found.answers,
        "response_by_rule": {f"R{c.rule}": {"asked": c.asked, "replied": c.replied, "yes": c.yes} for c in found.classes},
    }


def _avoided(s: Summary) -> dict[str, Any] | None:
    return {"estimate": s.avoided.estimate, **_ends(s.avoided.range)} if s.avoided else None
