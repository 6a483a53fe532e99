"""Questions that fail: what is missing for each group, and when a share of it may be named."""

from __future__ import annotations

import pytest
from report_needs import need

from app.deflection.reporting.facts import frame_of
from app.deflection.reporting.failures import failure_rows

READ = {"opened": True, "satisfied": True, "article": "a"}
WAYS = [
    ("write", {"rule": 10, "zero": 1}),
    ("title", {"rule": 11}),
    ("title", {"rule": 10, "searches": 2, "zero": 1}),
    ("structure", {"rule": 11, "opened": True, "article": "a"}),
    ("content", {"rule": 1, **READ}),
    ("content", {"rule": 3, "opened": True, "article": "a", "vote": -1}),
    ("synonym", {"rule": 6, "searches": 3, **READ}),
]


@pytest.mark.parametrize(("kind", "fields"), WAYS)
def test_what_is_missing_follows_from_how_a_question_failed(kind, fields):
    failed = [need(i, **fields) for i in range(10)]
    # A group stands in the table only if something failed in it.
    row = failure_rows(frame_of([*failed, need(50, rule=11, opened=True, article="a")]), [], {}, k=1)[0]
    assert row.kind == kind


def test_what_nobody_can_know_blames_nothing():
    unseen = [need(i, rule=7, link_class=0, **READ) for i in range(30)] + [need(40 + i, rule=9) for i in range(30)]
    row = failure_rows(frame_of([*unseen, need(99, rule=10, zero=1)]), [], {}, k=1)[0]
    assert (row.kind, row.failed) == ("write", 1)


@pytest.mark.parametrize(("signed_in", "shown"), [(19, False), (20, True)])
def test_share_of_signed_in_people_rests_on_twenty_of_their_questions(signed_in, shown):
    facts = [need(i, rule=1 if i < 5 else 11, link_class=2 if i < signed_in else 1) for i in range(60)]
    facts += [need(100 + i, cluster=2, link_class=2) for i in range(80)]
    row = next(row for row in failure_rows(frame_of(facts), [], {}, k=1) if row.cluster == 1)
    if shown:
        average = 5 / 100
        assert row.escalated.mean == pytest.approx((5 + 20 * average) / (20 + 20))
    else:
        assert row.escalated is None


def steps(needs, lists=()):
    """Kind and article of the one row, where each need that opened nothing was shown one of the lists."""
    asked = []

    def listed(lots):
        asked.append([len(lot) for lot in lots])
        return [lists for _ in lots]

    row = failure_rows(frame_of(needs), [], {}, k=1, listed=listed)[0]
    assert len(asked) <= 1, "the database is asked once, whatever the number of rows"
    return row.kind, row.article


UNOPENED = [need(i) for i in range(10)]


def test_a_title_to_mend_is_that_of_the_article_most_often_on_top_of_what_was_shown():
    assert steps(UNOPENED, [["fees", "card"], ["fees"], ["card", "fees"]]) == ("title", "fees")


def test_a_title_to_mend_is_rather_that_of_the_article_that_answered_others_if_it_was_listed():
    answered = [need(20 + i, rule=6, **READ) for i in range(3)]
    assert steps([*UNOPENED, *answered], [["fees", "a"], ["fees", "a"], ["card"]]) == ("title", "a")
    assert steps([*UNOPENED, *answered], [["fees"], ["fees", "a"], ["card"]]) == ("title", "fees")


def test_where_nothing_is_kept_of_what_was_shown_the_article_that_others_read_is_named():
    assert steps([*UNOPENED, need(30, rule=1, **READ)]) == ("title", "a")


@pytest.mark.parametrize("kind", ["structure", "content", "synonym"])
def test_the_article_to_mend_is_the_one_that_failed_so_not_the_one_that_most_people_read(kind):
    fields = next(given for name, given in WAYS if name == kind)
    guilty = [need(i, **{**fields, "article": "guilty"}) for i in range(5)]
    fine = [need(100 + i, rule=6, **READ) for i in range(30)]
    assert steps([*guilty, *fine, need(200)])[1] == "guilty"


def test_a_question_without_any_article_names_none():
    assert steps([need(i, rule=10, zero=1) for i in range(5)], [["fees"]]) == ("write", "")
