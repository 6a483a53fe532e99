"""A wave of the same question is noticed; an ordinary busy hour is not."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import yaml

from app.deflection.recording.clock import HOUR
from app.deflection.reporting.failures import ClusterName
from app.deflection.reporting.spikes import Spike, find_spikes, notice_proposal

END = 1_790_000_000_000


def _past(seed, rate=2.0, weeks=4, cluster=1):
    rng = random.Random(seed)
    return [
        (cluster, f"p{hour}-{i}", END - hour * HOUR - rng.randrange(1, HOUR))
        for hour in range(1, weeks * 7 * 24)
        for i in range(sum(rng.random() < rate / 10 for _ in range(10)))
    ]


def test_an_outage_stands_out():
    wave = [(1, f"now{i}", END - 60_000 - i) for i in range(25)]
    (spike,) = find_spikes(_past(1) + wave, END)
    assert spike.persons >= 25
    assert spike.times > 8


def test_one_person_asking_often_is_no_wave():
    assert find_spikes(_past(1) + [(1, "me", END - i * 1000 - 1) for i in range(50)], END) == []


def test_ordinary_hours_raise_no_alarm():
    alarms = 0
    for seed in range(300):
        rng = random.Random(1000 + seed)
        hour = [(1, f"h{i}", END - rng.randrange(1, HOUR)) for i in range(sum(rng.random() < 0.2 for _ in range(10)))]
        alarms += bool(find_spikes(_past(seed % 5) + hour, END))
    assert alarms == 0


def test_a_new_portal_has_no_past_to_compare_with():
    assert find_spikes([(1, f"n{i}", END - i * 1000 - 1) for i in range(30)], END) == []


def test_proposed_notice_is_a_valid_entry():
    spike = Spike(7, ClusterName('top-up "failed" \\ now', True, "en"), 25, 2.0, 1e-12)
    (entry,) = yaml.safe_load(notice_proposal(spike, datetime(2026, 11, 22, 9, tzinfo=UTC)))
    assert entry["matches"] == ['top-up "failed" \\ now']
    assert entry["tone"] == "warning"
    assert set(entry["headline"]) == {"en"}
