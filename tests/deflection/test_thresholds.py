"""Nobody can be recognised in a table, also not by subtracting."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from report_needs import need

from app.deflection.facts import frame_of
from app.deflection.thresholds import label, may_show_filtered, visible_groups


def test_groups_of_few_people_are_put_together():
    groups = np.array([1] * 10 + [2] * 3 + [3] * 3)
    assert visible_groups(groups, np.arange(16), 5) == {1}


def test_one_person_with_many_needs_is_one_person():
    assert visible_groups(np.array([1] * 50), np.array([7] * 50), 5) == set()


def test_a_single_hidden_group_takes_the_smallest_shown_one_with_it():
    groups = np.array([1] * 20 + [2] * 8 + [3] * 2)
    # Total minus the rows 1 and 2 would give row 3 away.
    assert visible_groups(groups, np.arange(30), 5) == {1}


def test_a_group_hides_when_what_the_filter_leaves_out_is_small():
    groups = np.array([1] * 20 + [2] * 20)
    outside = (np.array([1, 1, 2, 2, 2, 2, 2, 2]), np.arange(100, 108))
    # Group 1 minus its filtered part is two persons. Its 20 people stay in the common row, which is large enough by itself.
    assert visible_groups(groups, np.arange(40), 5, [outside]) == {2}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 8), st.integers(0, 30)), min_size=1, max_size=80), st.integers(2, 6))
def test_hidden_people_cannot_be_subtracted_out(rows, k):
    groups, persons = np.array([g for g, _ in rows]), np.array([p for _, p in rows])
    visible = visible_groups(groups, persons, k)
    for group in visible:
        assert len(set(persons[groups == group])) >= k
    rest = set(persons[~np.isin(groups, list(visible))])
    assert not rest or len(rest) >= k or not visible


def test_a_filter_that_leaves_out_two_people_shows_nothing():
    many, few = frame_of([need(i) for i in range(30)]), frame_of([need(100 + i) for i in range(2)])
    assert not may_show_filtered(many, [few], 5)
    assert may_show_filtered(many, [frame_of([])], 5)
    assert not may_show_filtered(few, [many], 5)


def test_query_is_shown_word_for_word_only_from_three_people():
    asked = [("where is my parcel", 1), ("where is my parcel", 2), ("where is my parcel", 2), ("my parcel is late", 3)]
    assert not label(asked, 3).verbatim
    assert set(label(asked, 3).text.split()) == {"is", "my", "parcel"}
    assert label([*asked, ("where is my parcel", 9)], 3).verbatim
    assert label([("a secret", 1), ("another secret thing", 2)], 3) is None
