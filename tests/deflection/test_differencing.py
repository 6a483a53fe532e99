"""Reports under one filter, then under another, then under both: subtracting them reveals nobody."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import combinations, product

import numpy as np
import pytest
from report_needs import NOW, need

from app.deflection.reporting.facts import DAY_MS, Contacts, NeedFact, frame_of
from app.deflection.reporting.failures import OTHERS, ClusterName
from app.deflection.reporting.report import Material, Report, build
from app.deflection.reporting.report_request import ReportRequest, span_of
from app.deflection.reporting.thresholds import Thresholds

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
    third = [needs(1000 + 100 * i, 50, cluster=3, device=device) for i, device in enumerate(("phone", "desktop", "tablet"))]
    few = [
        *needs(300, 20, cluster=1, device="phone"),
        *needs(400, 12, cluster=1, device="desktop"),
        *needs(500, 2, cluster=1, device="tablet"),
    ]
    everything = [*others, *few, *third[0], *third[1], *third[2]]
    assert asked(report(everything)) == {1: 34, 2: 120, 3: 150}
    by_device = {device: asked(report(everything, device=device)) for device in ("phone", "desktop", "tablet")}
    # 34 less 20 less 12 would say that two people asked this on a tablet, and so would a common row with nothing else in it.
    assert by_device == {"phone": {1: 20, 2: 40, 3: 50}, "desktop": {3: 50}, "tablet": {3: 50}}


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


def test_two_filters_together_do_not_give_the_fourth_corner_away():
    everything = [
        *needs(0, 20, locale="en", device="phone"),
        *needs(100, 20, locale="en", device="desktop"),
        *needs(200, 20, locale="sv", device="phone"),
        *needs(300, 2, locale="sv", device="desktop"),
    ]
    assert not any(report(everything, **one).withheld for one in ({}, {"locale": "en"}, {"device": "phone"}))
    # 62 less 40 less 40 plus 20 is two.
    for both in product(("en", "sv"), ("phone", "desktop")):
        assert report(everything, locale=both[0], device=both[1]).withheld
    shown = report(everything, locale="en")
    assert [row.value for row in shown.slices["device"]] == []


def test_requests_that_nobody_searched_for_are_not_told_by_subtracting_a_language():
    contacts = [("en", 1)] * 9 + [("sv", 1)] * 2 + [("en", 2)] * 9 + [("sv", 2)] * 9 + [("en", 3)] * 9 + [("sv", 3)] * 9
    locales = ("en", "sv")
    columns = {
        "person": np.arange(len(contacts)),
        "at": np.full(len(contacts), NOW - 40 * DAY_MS),
        "channel": np.zeros(len(contacts), dtype=int),
        "locale": np.array([locales.index(locale) for locale, _ in contacts]),
        "group": np.array([group for _, group in contacts]),
        "searched": np.zeros(len(contacts), dtype=bool),
    }
    material = Material(
        frame_of([*needs(0, 40, locale="en"), *needs(100, 40, locale="sv")]),
        Contacts(columns, {"channel": ("form",), "locale": locales}),
        subjects={group: ClusterName(f"subject {group}", True) for group in (1, 2, 3)},
    )

    def subjects(**filters: str) -> dict[int, int]:
        request = ReportRequest(13, **filters)
        found = build(material, request, span_of(request, AT), NOW, Thresholds(K, 3)).unsearched
        return {row.cluster: row.tickets for row in found if row.cluster > 0}

    assert subjects() == {1: 11, 2: 18, 3: 18}
    assert 1 not in subjects(locale="en")
    assert len(subjects(locale="en")) == 1


VALUES = {"locale": ("en", "sv", "he", "ru"), "device": ("phone", "desktop", "tablet"), "surface": ("portal", "widget")}


@pytest.mark.parametrize(
    ("seed", "filters"), [*((seed, ("locale", "device")) for seed in range(12)), *((seed, tuple(VALUES)) for seed in (1, 2, 11))]
)
def test_no_sum_of_all_reports_together_is_a_number_of_fewer_than_k_people(seed: int, filters: tuple[str, ...]):
    """Every report of every choice of filters, as equations: what follows from them is never about one to four people."""
    facts = _people(random.Random(seed), (60, 150, 400, 1000)[seed % 4], filters)
    places = list(product(*(VALUES[name] for name in filters), (1, 2, 3, 4)))
    told = [[float(holds(place)) for place in places] for holds in _told(facts, filters)]
    _, sizes, directions = np.linalg.svd(np.array(told), full_matrices=False)
    known = directions[sizes > 1e-9]
    assert len(known) > 2
    for few in _few(facts, filters):
        sought = np.array([float(few(place)) for place in places])
        assert np.linalg.norm(sought - known.T @ (known @ sought)) > 1e-6


Holds = Callable[[tuple], bool]


def _people(rng: random.Random, n: int, filters: tuple[str, ...]) -> list[NeedFact]:
    weights = {name: [rng.choice((20, 10, 3, 1)) for _ in VALUES[name]] for name in filters}
    drawn = [{name: rng.choices(VALUES[name], weights[name])[0] for name in filters} for _ in range(n)]
    groups = rng.choices((1, 2, 3, 4), (8, 4, 2, 1), k=n)
    persons = [i if rng.random() < 0.85 else rng.randrange(n) for i in range(n)]
    return [
        need(i, first=NOW - 40 * DAY_MS + i * 1000, person=persons[i], cluster=group, **values)
        for i, (group, values) in enumerate(zip(groups, drawn, strict=True))
    ]


def _where(filters: tuple[str, ...], chosen: dict[str, str], cluster: int | None = None) -> Holds:
    wanted = [chosen.get(name) for name in filters] + [cluster]
    return lambda place: all(want is None or want == own for want, own in zip(wanted, place, strict=True))


def _choices(filters: tuple[str, ...]) -> list[dict[str, str]]:
    chosen = [names for n in range(len(filters) + 1) for names in combinations(filters, n)]
    return [dict(zip(names, values, strict=True)) for names in chosen for values in product(*(VALUES[name] for name in names))]


def _told(facts: list[NeedFact], filters: tuple[str, ...]) -> list[Holds]:
    """Which needs each number counts that the reports show."""
    found = []
    for chosen in _choices(filters):
        shown = report(facts, **chosen)
        if shown.withheld:
            continue
        found.append(_where(filters, chosen))
        # Without a common row, what is not listed is nobody's.
        listed = asked(shown) if any(row.cluster == OTHERS for row in shown.failures) else (1, 2, 3, 4)
        found += [_where(filters, chosen, cluster) for cluster in listed]
        found += [_where(filters, {**chosen, name: row.value}) for name in filters for row in shown.slices[name]]
    return found


def _few(facts: list[NeedFact], filters: tuple[str, ...]) -> list[Holds]:
    """The choices of filters, with a group and without, behind which there are some people but too few."""
    persons: dict[tuple, set[int]] = defaultdict(set)
    for fact in facts:
        own = {name: getattr(fact, name) for name in filters}
        for names in (names for n in range(len(filters) + 1) for names in combinations(filters, n)):
            for cluster in (None, fact.cluster):
                persons[tuple((name, own[name]) for name in names), cluster].add(fact.person)
    return [_where(filters, dict(chosen), cluster) for (chosen, cluster), people in persons.items() if len(people) < K]
