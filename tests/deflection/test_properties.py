"""What holds for every stream of events: order, repetition and lateness never matter, and everything adds up."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.db import Base, Database, open_database
from app.deflection import export_outcomes, recompute_due, record, verify_sample
from app.deflection.judging.need_rows import Rows
from app.deflection.judging.outcomes import DEFLECTED, Judgement, judge
from app.deflection.judging.rulebook import Rulebook
from app.deflection.recording.events import Event, parse_event
from tests.deflection.story import START

QUERIES = ("reset password", "password reset", "pasword", "vat invoice", "invoice", "close my account", "how do i", "", "re")
QUERIES += ("сбросить пароль", "口座")
NOW = datetime(2026, 1, 1, tzinfo=UTC)

moments = st.integers(0, 40).map(lambda n: n * 7_000) | st.integers(0, 12 * 24 * 3600).map(lambda n: n * 1000)
few = st.integers(0, 3)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """One event of a few people who share names often enough to meet."""
    t = START + draw(moments)
    number = draw(st.integers(0, 60))
    visitor = draw(st.sampled_from(["v1", "v2", "v3", None]))
    event: dict[str, Any] = {
        "event_id": f"e{number}-{draw(st.integers(0, 10**6))}",
        "t_client": t + draw(st.sampled_from([0, 0, 0, 10**9])),
        "t_recv": t + draw(st.sampled_from([50, 50, 900, 10**6])),
        "visitor": visitor,
        "tab": draw(st.sampled_from(["t1", "t1", "t2", None])),
        "account": draw(st.sampled_from([None, None, "a1", "a2"])),
        "role": draw(st.sampled_from(["customer"] * 9 + ["agent"])),
    }
    event["t_sent"] = draw(st.sampled_from([event["t_client"], event["t_client"] + 40, None]))
    event |= draw(st.sampled_from(BODIES))(draw)
    if event["type"] == "ticket":
        event["t_created"] = t
    return event


def _search(draw: st.DrawFn) -> dict[str, Any]:
    n = draw(few)
    return {
        "type": "search",
        "search_id": f"s{draw(st.integers(0, 12))}",
        "q": draw(st.sampled_from(QUERIES)),
        "mode": draw(st.sampled_from(["type", "submit"])),
        "n_results": n,
        "results": [f"a{i}" for i in range(n)],
        "answer_shown": draw(st.booleans()),
    }


def _view(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "type": "view",
        "view_id": f"w{draw(st.integers(0, 8))}",
        "article": f"a{draw(few)}",
        "source": draw(st.sampled_from(["search", "suggestion", "internal", "external", "direct"])),
        "search_id": draw(st.sampled_from([None, "s1", "s2", "s3", "forged"])),
        "form_id": draw(st.sampled_from([None, None, "f1"])),
        "beacon": draw(st.booleans()),
    }


BODIES = (
    _search,
    _search,
    _view,
    _view,
    lambda draw: {"type": "click", "search_id": f"s{draw(few)}", "article": "a1", "rank": 1},
    lambda draw: {"type": "dwell", "view_id": f"w{draw(st.integers(0, 8))}", "active_ms": draw(st.sampled_from([0, 5_000, 31_000, 10**12]))},
    lambda draw: {
        "type": "vote",
        "kind": draw(st.sampled_from(["helpful", "solved"])),
        "value": draw(st.integers(-1, 1)),
        "view_id": f"w{draw(few)}",
        "form_id": draw(st.sampled_from([None, None, "f1"])),
    },
    lambda draw: {"type": "vote", "kind": "solved", "value": draw(st.integers(-1, 1)), "form_id": f"f{draw(few)}"},
    lambda draw: {"type": "form_open", "form_id": f"f{draw(few)}"},
    lambda draw: {"type": "suggest", "form_id": f"f{draw(few)}", "articles": ["a1"], "arm": "on", "shown": True},
    lambda draw: {
        "type": "ticket",
        "ticket_id": f"k{draw(few)}",
        "channel": draw(st.sampled_from(["form", "email"])),
        "subject": draw(st.sampled_from(QUERIES)),
        "form_id": draw(st.sampled_from([None, "f1", "f2"])),
        "requester": draw(st.sampled_from([None, "r1", "r2"])),
        "direction": draw(st.sampled_from(["in", "in", "out"])),
    },
    lambda draw: {"type": "ticket_update", "ticket_id": f"k{draw(few)}", "status": draw(st.sampled_from(["open", "spam", "merged", "deleted"]))},
    lambda draw: {"type": "identify", "requester": draw(st.sampled_from([None, "r1", "r2"]))},
    lambda draw: {"type": "exclude", "target_visitor": "v3"},
    lambda draw: {"type": "watermark", "source": "desk", "t_complete": START + draw(st.sampled_from([0, 10**10]))},
    lambda draw: {"type": "survey", "search_id": "s1", "answered": True},
)  # fmt: skip

streams = st.lists(events(), max_size=40) | st.lists(events(), min_size=20, max_size=40)
"""Short ones, and ones in which the same people meet their questions again."""
relaxed = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


CHANGED = {"visitor": "v1", "tab": "t1", "account": "a2", "role": "customer"}
"""What a later reception of the same event may say of its sender: the first one received stays."""


def essence(judgement: Judgement) -> tuple:
    """Everything that is stored of a judgement."""
    rows = Rows(judgement, Rulebook(), None)
    return rows.needs, rows.children, rows.sessions, rows.contacts


@relaxed
@given(streams, st.randoms(use_true_random=False))
def test_order_and_repetition_never_matter(stream: list[dict], chance: random.Random) -> None:
    events = [parse_event(e) for e in stream]
    again = [parse_event({**e, **CHANGED, "t_recv": e["t_recv"] + 1}) for e in stream[1::2]]
    shuffled = events + events[: len(events) // 2] + again
    chance.shuffle(shuffled)
    assert essence(judge(shuffled, Rulebook())) == essence(judge(events, Rulebook()))


def test_in_one_moment_the_event_id_decides_whatever_comes_first() -> None:
    common = {"t_client": START, "t_sent": START, "t_recv": START + 50}
    ticket = {"type": "ticket", "event_id": "e0", "ticket_id": "k1", "t_created": START, "subject": "invoice", "visitor": "v1", **common}
    updates = [
        {"type": "ticket_update", "event_id": name, "ticket_id": "k1", "status": status, **common}
        for name, status in (("u1", "spam"), ("u2", "open"), ("u3", "spam"), ("u4", "open"))
    ]
    for ordered in permutations(updates):
        (contact,) = judge(map(parse_event, [ticket, *ordered]), Rulebook()).contacts
        assert contact.valid


@relaxed
@given(streams)
def test_every_search_that_counts_has_one_outcome_and_needs_add_up(stream: list[dict]) -> None:
    judgement = judge([parse_event(e) for e in stream], Rulebook())
    needs = [verdict.need for verdict in judgement.verdicts]
    assert sum(Counter(v.outcome for v in judgement.verdicts).values()) == len(needs)
    for verdict in judgement.verdicts:
        assert verdict.need.first <= verdict.need.last < verdict.final_at
        carried = [verdict.outcome_of_search(s) for s in verdict.need.searches]
        assert carried == [] or carried[-1] == (verdict.rule, verdict.outcome)
        assert verdict.need.sessions
    views = [(v.view_id, need.person) for need in needs for v in need.views]
    assert len(views) == len(set(views)), "a view belongs to one need"
    places = [(id(s.session), m) for need in needs for s in need.searches for m in s.members]
    assert len(places) == len(set(places)), "an id belongs to one search"
    assert all((v.links and v.outcome not in DEFLECTED) or v.rule == "R0" for v in judgement.verdicts if v.facts["T"])


@relaxed
@given(streams, st.integers(0, 12 * 24 * 3600))
def test_knowing_up_to_a_moment_is_the_same_as_having_only_those_events(stream: list[dict], seconds: int) -> None:
    events = [parse_event(e) for e in stream]
    as_of = START + seconds * 1000
    assert essence(judge(events, Rulebook(), as_of)) == essence(judge([e for e in events if e.t_recv <= as_of], Rulebook()))


def fill(database: Database, events: list[Event], pieces: int) -> None:
    """Record in pieces with a recomputation after each."""
    size = max(1, -(-len(events) // pieces))
    for i in range(0, len(events), size):
        with database.session() as db:
            record(db, *events[i : i + size])
        recompute_due(database, NOW + timedelta(seconds=i), batch=3)


def stored(database: Database) -> tuple:
    """Everything derived that is stored, without what names the moment of a recomputation."""
    with database.session() as db:
        tables = ("need", "need_search", "need_view", "need_ticket", "visitor_session", "contact")
        return tuple(sorted(tuple(map(str, row)) for row in db.execute(text(f"SELECT * FROM {table}"))) for table in tables)


@settings(relaxed, max_examples=25)
@given(streams, st.randoms(use_true_random=False), st.integers(1, 6))
def test_piece_by_piece_in_any_order_gives_what_all_at_once_gives(stream: list[dict], chance: random.Random, pieces: int) -> None:
    events = [parse_event(e) for e in stream]
    shuffled = events[:]
    chance.shuffle(shuffled)
    found = []
    for ordered, n in ((events, 1), (shuffled, pieces)):
        database = open_database("sqlite://")
        Base.metadata.create_all(database.engine)
        fill(database, ordered, n)
        assert verify_sample(database, NOW, share=1.0) == []
        found.append((stored(database), sorted(map(str, export_outcomes(database)))))
        database.close()
    assert [len(table) for table in found[0][0]] == [len(table) for table in found[1][0]]
    assert found[0] == found[1]


@settings(relaxed, max_examples=15)
@given(streams, st.integers(1, 4))
def test_sqlite_and_postgresql_hold_the_same_outcomes(postgres: Database, stream: list[dict], pieces: int) -> None:
    events = [parse_event(e) for e in stream]
    with postgres.session() as db:
        for table in reversed(Base.metadata.sorted_tables):
            db.execute(table.delete())
    here = open_database("sqlite://")
    Base.metadata.create_all(here.engine)
    for database in (here, postgres):
        fill(database, events, pieces)
        assert verify_sample(database, NOW, share=1.0) == []
    with here.session() as a, postgres.session() as b:
        query = text("SELECT id, outcome, rule, state, first, last, predicates FROM need ORDER BY id")
        assert a.execute(query).all() == b.execute(query).all()
    assert sorted(map(str, export_outcomes(here))) == sorted(map(str, export_outcomes(postgres)))
    here.close()
