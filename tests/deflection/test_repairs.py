"""What articles mended is learnt from the portal's own past, against what happened anyway."""

from __future__ import annotations

import pytest

from app.deflection.reporting.avoided import repair_share
from app.deflection.reporting.facts import DAY_MS, frame_of
from app.deflection.reporting.repairs import Addition, repairs
from tests.deflection.report_needs import NOW, need

DAY = NOW // DAY_MS - 80
NEW = "cards/new"


def _needs(cluster: int, before: float, after: float, article_after: str = NEW, n: int = 100, start: int = 0, locale: str = "en"):
    """`n` needs on either side of the day, of which these shares were answered."""
    found = []
    for side, share, article in ((-20, before, "cards/old"), (20, after, article_after)):
        for i in range(n):
            first = (DAY + side) * DAY_MS + i * 60_000
            rule = 6 if i < share * n else 11
            found.append(need(start + len(found), first=first, rule=rule, cluster=cluster, article=article, locale=locale))
    return found


def test_a_repair_is_the_rise_of_its_group_less_what_untouched_groups_did():
    frame = frame_of([*_needs(1, 0.2, 0.7), *_needs(2, 0.4, 0.5, "cards/old", start=1000)])
    (found,) = repairs(frame, [Addition(NEW, "en", DAY)])
    assert (found.before, found.after, found.drift) == pytest.approx((0.2, 0.7, 0.1))
    a, b = repair_share([found])
    assert (a, b) == pytest.approx((2.5, 2.5))


def test_an_article_that_mends_nothing_lowers_what_the_next_is_expected_to_mend():
    frame = frame_of([*_needs(1, 0.5, 0.5), *_needs(2, 0.5, 0.5, "cards/old", start=1000)])
    a, b = repair_share(repairs(frame, [Addition(NEW, "en", DAY)]))
    assert a / (a + b) < 0.5


@pytest.mark.parametrize(
    "addition",
    [Addition("cards/never-read", "en", DAY), Addition(NEW, "sv", DAY), Addition(NEW, "en", DAY - 70), Addition(NEW, "en", DAY + 19)],
)
def test_a_group_that_got_no_article_or_has_too_little_on_one_side_teaches_nothing(addition):
    small = _needs(3, 0.0, 1.0, n=10, start=3000)
    frame = frame_of([*(_needs(1, 0.2, 0.7) if addition.day != DAY + 19 else small), *_needs(2, 0.5, 0.5, "cards/old", start=1000)])
    assert repairs(frame, [addition]) == []


def test_the_first_of_several_articles_of_a_group_counts_once():
    frame = frame_of([*_needs(1, 0.2, 0.7), *_needs(1, 0.2, 0.7, "cards/second", start=500)])
    found = repairs(frame, [Addition("cards/second", "en", DAY + 5), Addition(NEW, "en", DAY)])
    assert len(found) == 1
    assert repairs(frame, []) == []
