"""The decision table R0 to R11: total, and in the order in which the specification lists it."""

from __future__ import annotations

from itertools import product

import pytest

from app.deflection.judging.outcomes import PREDICATES, RULES, WORST_FIRST, decide

TABLE = (
    ("X", "R0", "excluded"),
    ("T", "R1", "escalated"),
    ("V+", "R2", "answered_confirmed"),
    ("V-", "R3", "unanswered_confirmed"),
    ("F", "R4", "abandoned_form"),
    ("C", "R5", "reformulated"),
    ("S O", "R6", "answered_likely"),
    ("S", "R7", "undetermined"),
    ("U", "R8", "undetermined"),
    ("G", "R9", "undetermined"),
    ("Z", "R10", "abandoned_no_results"),
    ("", "R11", "abandoned_with_results"),
)


def test_all_2048_combinations_are_decided_by_the_first_line_that_matches() -> None:
    seen = set()
    for values in product([False, True], repeat=len(PREDICATES)):
        facts = dict(zip(PREDICATES, values, strict=True))
        rule, outcome = next((rule, outcome) for needed, rule, outcome in TABLE if all(facts[name] for name in needed.split()))
        assert decide(facts) == (rule, outcome)
        seen.add(rule)
    assert len(PREDICATES) == 11
    assert seen == {rule for rule, _, _ in RULES}, "every rule decides something"


@pytest.mark.parametrize(("needed", "rule", "outcome"), TABLE)
def test_each_rule_decides_when_only_its_own_facts_hold(needed: str, rule: str, outcome: str) -> None:
    facts = dict.fromkeys(PREDICATES, False) | dict.fromkeys(needed.split(), True)
    assert decide(facts) == (rule, outcome)


def test_the_worst_need_speaks_for_a_session_in_the_specified_order() -> None:
    assert WORST_FIRST == (
        "escalated",
        "unanswered_confirmed",
        "abandoned_form",
        "abandoned_no_results",
        "abandoned_with_results",
        "undetermined",
        "answered_likely",
        "answered_confirmed",
    )
