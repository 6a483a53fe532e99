"""What a hostile or broken page sends: never a fault of ours, and never somebody else's outcome."""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.deflection import export_outcomes
from app.portal import Portal

ARTICLE = "cards/activate-your-card"
ODD_VALUES = [
    None, True, False, 0, -1, 1, 5.5, 2**53, -(2**53), 2**53 + 1, 2**64, 10**400, 1e308, -1e308, math.inf, math.nan, "", " ", "\0", "\ud800",
    "א" * 2000, "<script>", "a" * 129, [], [[]], {}, {"a": {}}, ["a"] * 60, [None],
]  # fmt: skip
EVENTS: list[dict[str, Any]] = [
    {"type": "search", "search_id": "s1", "q": "activate", "mode": "submit", "n_results": 3, "results": [ARTICLE], "surface": "portal"},
    {"type": "click", "search_id": "s1", "article": ARTICLE, "rank": 1},
    {"type": "view", "view_id": "w1", "article": ARTICLE, "source": "search", "search_id": "s1", "beacon": True, "sat_ms": 5000},
    {"type": "dwell", "view_id": "w1", "active_ms": 1000},
    {"type": "vote", "kind": "solved", "value": 1, "view_id": "w1"},
    {"type": "form_open", "form_id": "f1"},
    {"type": "suggest", "form_id": "f1", "articles": [ARTICLE], "arm": "on", "shown": True},
]


def post(client: FlaskClient, events: Any, content_type: str = "text/plain") -> int:
    return client.post("/api/v1/events", data=json.dumps(events), content_type=content_type).status_code


def outcomes_of(portal: Portal) -> list[dict[str, Any]]:
    assert portal.events.flush()
    return sorted(export_outcomes(portal.database), key=lambda row: row["search_id"])


def test_no_odd_value_in_any_field_is_a_fault_of_ours(client: FlaskClient, portal: Portal) -> None:
    chance = random.Random(4)
    times = {"t_client": 1_700_000_000_000, "t_sent": 1_700_000_000_000, "tab": "n-tab"}
    number = 0
    for template in EVENTS:
        for name in (*template, *times, "event_id", "unknown"):
            for value in ODD_VALUES:
                number += 1
                event = {"event_id": f"e{number}", **times, **template, name: value}
                assert post(client, [event]) in {204, 422}, (name, value)
    for _ in range(200):
        number += 1
        event = {"event_id": f"e{number}", **times, **chance.choice(EVENTS)}
        event |= {"t_client": chance.choice(ODD_VALUES), "t_sent": chance.choice(ODD_VALUES), "active_ms": chance.choice(ODD_VALUES)}
        assert post(client, [event]) in {204, 422}
    assert portal.events.flush()
    assert (portal.events.dropped, portal.events.failures) == (0, 0)
    judged = [row["outcome"] for row in outcomes_of(portal)]
    assert judged and None not in judged


@pytest.mark.parametrize("content_type", ["text/plain", "application/json"])
def test_ten_megabytes_are_refused_whole(client: FlaskClient, portal: Portal, content_type: str) -> None:
    event = {"event_id": "e1", "type": "search", "search_id": "s1", "q": "x" * 10_000_000, "mode": "submit", "n_results": 0}
    assert post(client, [event], content_type) in {413, 422}
    assert post(client, [{**event, "q": "reset", "event_id": f"e{n}"} for n in range(100_000)], content_type) in {413, 422}
    assert outcomes_of(portal) == []


def test_a_clock_that_jumps_moves_nothing_but_itself(client: FlaskClient, portal: Portal) -> None:
    for n, (t_client, t_sent) in enumerate([(0, 0), (10**15, 10**15), (-(10**15), 10**15), (10**15, 0), (1, 2**53)]):
        search = {"type": "search", "search_id": f"s{n}", "q": f"question number {n}", "mode": "submit", "n_results": 3, "tab": f"tab{n}"}
        assert post(client, [{"event_id": f"e{n}", "t_client": t_client, "t_sent": t_sent, **search}]) == 204
    rows = outcomes_of(portal)
    week = 7 * 86_400_000
    spread = max(row["final_at"] for row in rows) - min(row["final_at"] for row in rows)
    assert len(rows) == 5
    assert spread < week, "no time is older than a week or later than now"


@pytest.mark.parametrize("jump", [timedelta(days=-1), timedelta(days=365), timedelta(days=-400)])
def test_a_jump_of_our_own_clock_changes_nobody_elses_outcome_and_is_no_fault(
    app: Flask, client: FlaskClient, portal: Portal, monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    whole = [{"event_id": f"w{n}", "tab": "n-whole", **event} for n, event in enumerate((EVENTS[0], EVENTS[2], EVENTS[3]))]
    assert post(client, whole) == 204
    (before,) = outcomes_of(portal)
    caught = app.test_client()
    searched = {**EVENTS[0], "search_id": "s2", "event_id": "c0", "tab": "n-caught"}
    assert post(caught, [searched]) == 204
    there = datetime.now(UTC) + jump
    with monkeypatch.context() as patched:
        patched.setattr("app.web.context.now", lambda: there)
        read = [{**EVENTS[2], "view_id": "w2", "search_id": "s2"}, {**EVENTS[3], "view_id": "w2", "active_ms": 60_000}]
        assert post(caught, [{"event_id": f"c{n}", "tab": "n-caught", **event} for n, event in enumerate(read, 1)]) == 204
        for path in ("/en/", "/en/search?q=card", "/en/articles/card-declined", "/en/contact"):
            assert caught.get(path).status_code == 200, path
        assert portal.events.flush()
    assert post(caught, [{**EVENTS[4], "view_id": "w2", "event_id": "c9", "tab": "n-caught"}]) == 204
    after = {row["search_id"]: row for row in outcomes_of(portal)}
    assert after["s1"] == before
    assert after["s2"]["outcome"], "the question that was caught in it is judged, too"


def test_no_page_can_answer_the_survey_about_whatever_it_likes(client: FlaskClient) -> None:
    survey = {"event_id": "e1", "tab": "n-mine", "type": "survey", "search_id": "s1", "answered": True}
    assert post(client, [survey]) == 422


def test_a_beacon_about_somebody_elses_ids_changes_nothing_for_them(app: Flask, client: FlaskClient, portal: Portal) -> None:
    mine = [{"event_id": f"m{n}", "tab": "n-mine", **event} for n, event in enumerate((EVENTS[0], EVENTS[2], EVENTS[3], EVENTS[5]))]
    assert post(client, mine) == 204
    (before,) = outcomes_of(portal)
    stranger = app.test_client()
    forged = [
        {**EVENTS[3], "active_ms": 10**9},
        EVENTS[4],
        {"type": "vote", "kind": "helpful", "value": -1, "view_id": "w1"},
        {"type": "vote", "kind": "solved", "value": 1, "form_id": "f1"},
        EVENTS[1],
        {**EVENTS[2], "article": "another"},
        EVENTS[5],
    ]
    for tab in ("n-mine", "n-other"):
        batch = [{"event_id": f"{tab}{n}", "tab": tab, **event} for n, event in enumerate(forged)]
        assert post(stranger, batch) == 204
    # An id of an event that is known already: the first received stays.
    assert post(stranger, [{**mine[0], "q": "something else"}]) == 204
    after = [row for row in outcomes_of(portal) if row["search_id"] == "s1"]
    assert after == [before]
    assert before["rule"] == "R4"
