"""The worked cases of the specification, in every order in which they may arrive."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.db import Database
from app.deflection import export_outcomes, recompute_due, record
from app.deflection.judging.outcomes import judge
from app.deflection.judging.rulebook import Rulebook
from tests.deflection.story import CASES, outcomes, parsed

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def check(case: dict, found: dict[str, str]) -> None:
    assert {search: found.get(search, "-") for search in case["expect"]} == case["expect"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case_has_the_specified_outcomes_whatever_the_order_and_the_repeats(case: dict) -> None:
    chance = random.Random(case["name"])
    events = parsed(case["events"])
    for _ in range(10):
        check(case, outcomes(judge(events, Rulebook())))
        events = events + chance.sample(events, len(events) // 2)
        chance.shuffle(events)


@pytest.mark.parametrize("seed", range(4))
def test_cases_come_out_the_same_when_events_arrive_late_one_by_one_and_twice(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    now = NOW
    for number, case in enumerate(CASES):
        # Cases share names of browsers: each gets its own, so that one database holds them all.
        events = parsed([_renamed(event, f"{number}-") for event in case["events"]])
        chance.shuffle(events)
        for event in events:
            with database.session() as db:
                record(db, event, event)
            if chance.random() < 0.3:
                now += timedelta(seconds=1)
                recompute_due(database, now)
    recompute_due(database, now)
    with database.session() as db:
        stored = {row[0]: row[1] for row in db.execute(text("SELECT search_id, outcome FROM need_search"))}
    exported = {line["search_id"]: line["outcome"] for line in export_outcomes(database)}
    for number, case in enumerate(CASES):
        expect = {f"{number}-{search}": outcome for search, outcome in case["expect"].items()}
        check({"expect": expect}, stored)
        check({"expect": expect}, exported)


def _renamed(event: dict, prefix: str) -> dict:
    names = ("event_id", "visitor", "tab", "account", "search_id", "view_id", "form_id", "ticket_id", "requester")
    return {k: prefix + v if k in names and v else v for k, v in event.items()}
