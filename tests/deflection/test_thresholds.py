"""Nobody can be recognised in a table, also not by subtracting."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.deflection.reporting.thresholds import Split, label, visible_cells, visible_groups


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
    groups = np.array([1] * 20 + [2] * 20 + [3] * 30)
    outside = np.array([1, 1] + [2] * 6 + [3] * 7)
    every = Split(np.concatenate([groups, outside]), [np.array([0] * 70 + [1] * 15)], np.arange(85), (0,))
    # Group 1 minus its filtered part is two persons. Alone in the common row, it would still be known: the next smallest goes with it.
    assert visible_groups(groups, np.arange(70), 5, every) == {3}
    assert visible_groups(groups, np.arange(70), 5) == {1, 2, 3}


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
    assert visible_cells([np.array([0] * 30 + [1] * 2)], np.arange(32), 5).tolist() == [False, False]
    assert visible_cells([np.array([0] * 30)], np.arange(30), 5).tolist() == [True]


def test_a_combination_of_few_people_is_hidden_with_the_corners_of_a_box():
    first = np.repeat([0, 0, 0, 1, 1, 1, 2, 2, 2], [40, 30, 20, 30, 30, 10, 20, 10, 2])
    second = np.repeat([0, 1, 2, 0, 1, 2, 0, 1, 2], [40, 30, 20, 30, 30, 10, 20, 10, 2])
    # The corners of the fewest people go with the two.
    assert visible_cells([first, second], np.arange(len(first)), 5).tolist() == [
        [True, True, True],
        [True, False, False],
        [True, False, False],
    ]


def test_combinations_are_all_shown_where_none_is_small():
    first, second = np.repeat([0, 0, 1, 1], 9), np.tile(np.repeat([0, 1], 9), 2)
    assert visible_cells([first, second], np.arange(36), 5).all()


def test_query_is_shown_word_for_word_only_from_three_people():
    asked = [("where is my parcel", 1), ("where is my parcel", 2), ("where is my parcel", 2), ("my parcel is late", 3)]
    assert not label(asked, 3).verbatim
    assert set(label(asked, 3).text.split()) == {"is", "my", "parcel"}
    assert label([*asked, ("where is my parcel", 9)], 3).verbatim
    assert label([("a secret", 1), ("another secret thing", 2)], 3) is None
