"""Reports under one filter, then under another: subtracting them reveals nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from report_needs import NOW, need

from app.deflection.facts import DAY_MS, NeedFact, frame_of
from app.deflection.report import Material, Report, build
from app.deflection.report_request import ReportRequest, span_of
from app.deflection.thresholds import Thresholds

K = 5
AT = datetime.fromtimestamp(NOW / 1000, UTC)


def report(facts: Sequence[NeedFact], **filters: str) -> Report:
    request = ReportRequest(13, **filters)
    return build(Material(frame_of(list(facts))), request, span_of(request, AT), NOW, Thresholds(K, 3))


def asked(shown: Report) -> dict[int, int]:
    """Group → questions, of the rows that a report lists."""
    return {row.cluster: row.needs for row in shown.failures if row.cluster > 0}


def needs(start: int, n: int, **fields: object) -> list[NeedFact]:
    # All on days of which everything is final, as listed rows are.
    return [need(i, first=NOW - 40 * DAY_MS + i * 1000, **fields) for i in range(start, start + n)]


def test_two_shown_devices_do_not_give_the_third_one_away_in_a_group():
    others = [
        *needs(0, 40, cluster=2, device="phone"),
        *needs(100, 40, cluster=2, device="desktop"),
        *needs(200, 40, cluster=2, device="tablet"),
    ]
    few = [
        *needs(300, 20, cluster=1, device="phone"),
        *needs(400, 12, cluster=1, device="desktop"),
        *needs(500, 2, cluster=1, device="tablet"),
    ]
    everything = [*others, *few]
    assert asked(report(everything)) == {1: 34, 2: 120}
    by_device = {device: asked(report(everything, device=device)) for device in ("phone", "desktop", "tablet")}
    # 34 less 20 less 12 would say that two people asked this on a tablet.
    assert (by_device["phone"], by_device["desktop"]) == ({2: 40}, {2: 40})
    assert 1 not in by_device["tablet"]


def test_a_group_is_split_where_every_part_is_large_enough_or_empty():
    everything = [
        *needs(0, 20, cluster=1, device="phone"),
        *needs(100, 12, cluster=1, device="desktop"),
        *needs(200, 40, cluster=2, device="tablet"),
        *needs(300, 40, cluster=2, device="phone"),
        *needs(400, 40, cluster=2, device="desktop"),
    ]
    assert asked(report(everything, device="phone")) == {1: 20, 2: 40}
    assert asked(report(everything, device="desktop")) == {1: 12, 2: 40}


def test_two_shown_devices_do_not_give_the_third_one_away_in_the_headline():
    everything = [*needs(0, 40, device="phone"), *needs(100, 20, device="desktop"), *needs(200, 2, device="tablet")]
    shown = {device: not report(everything, device=device).withheld for device in ("phone", "desktop", "tablet")}
    # Phones may be shown: what is left are computers and tablets together.
    assert shown == {"phone": True, "desktop": False, "tablet": False}
    assert not report(everything).withheld
