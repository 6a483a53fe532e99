"""The numbers of a report against needs whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from report_needs import NOW, need, population

from app.deflection.asking.calibration import calibrate
from app.deflection.inference.statistics import Proportion
from app.deflection.reporting.avoided import Repair, cost_avoided, gaps, repair_share, tickets_avoided
from app.deflection.reporting.facts import DAY_MS, frame_of
from app.deflection.reporting.metrics import (
    change,
    endings,
    narrow_form_rate,
    share,
    share_of_searches,
    summary,
    time_to_answer,
    window_sensitivity,
)


def test_endings_sum_to_the_whole():
    facts, _ = population(1, 800)
    facts += [need(9000 + i, rule=rule, post_ticket=i % 2 == 0) for i, rule in enumerate((2, 6, 2, 6, 3, 4, 9, 7, 8))]
    counted = frame_of(facts).counted
    e = endings(counted)
    parts = (e.confirmed, e.likely, e.after_ticket, e.escalated, e.said_no, e.left_form, e.no_results, e.with_results)
    assert sum(parts) + e.unobservable + e.unmeasured + e.shown_only == e.total == len(counted)
    assert e.after_ticket == 2


def test_only_searched_and_not_excluded_needs_are_counted():
    frame = frame_of([need(1), need(2, rule=0), need(3, kind=1, rule=5), need(4, kind=2, rule=1), need(5, rule=1)])
    assert len(frame.counted) == 2


def test_needs_after_a_ticket_are_never_called_solved():
    found = summary(frame_of([need(i, rule=6, post_ticket=i < 10) for i in range(40)]))
    assert found.solved.count == 30
    assert found.answered_log.count == 40


def test_rate_of_fewer_than_twenty_needs_is_not_given():
    found = summary(frame_of([need(i, rule=6) for i in range(19)]))
    assert found.solved.count == 19
    assert found.solved.rate is None


def test_searches_of_one_person_do_not_count_as_independent():
    loyal = frame_of([need(i, person=i // 20, searches=1, zero=(i // 20) % 2) for i in range(400)])
    spread = frame_of([need(i, searches=1, zero=i % 2) for i in range(400)])
    assert share_of_searches(loyal, loyal["zero"], loyal["searches"]).deff > 10
    assert share_of_searches(spread, spread["zero"], spread["searches"]).deff == pytest.approx(1, abs=0.05)


def test_a_change_is_one_only_if_its_interval_excludes_zero():
    assert not change(Proportion(520, 1000), Proportion(500, 1000)).clear
    assert change(Proportion(600, 1000), Proportion(500, 1000)).clear
    assert change(Proportion(10, 15), Proportion(500, 1000)) is None


def test_calibrated_share_covers_the_truth():
    held, errors = 0, []
    for seed in range(40):
        facts, truth = population(seed, 1500)
        found = calibrate(frame_of(facts).counted)
        held += found.interval.holds(truth["answered"])
        errors.append(found.rate - truth["answered"])
    assert held / 40 >= 0.9
    assert abs(np.mean(errors)) < 0.01


def test_log_share_alone_is_biased_where_the_calibrated_one_is_not():
    facts, truth = population(3, 6000)
    found = summary(frame_of(facts).counted)
    assert abs(found.calibrated.rate - truth["answered"]) < 0.03
    assert abs(found.answered_log.rate - truth["answered"]) > 0.03


def test_there_is_no_best_estimate_from_a_handful_of_answers():
    facts, _ = population(5, 300, survey=0.02)
    assert calibrate(frame_of(facts).counted) is None


def test_worst_case_band_holds_all_that_silence_could_mean():
    facts, _ = population(6, 3000)
    found = calibrate(frame_of(facts).counted)
    assert found.worst.low < found.interval.low < found.interval.high < found.worst.high


def test_worst_case_band_has_the_chance_of_who_was_asked_in_it():
    said = [1] * 60 + [0] * 10 + [-1] * 30
    found = calibrate(frame_of([need(i, rule=6, asked=True, survey=said[i]) for i in range(100)]).counted)
    # Quantiles of Beta(60.5, 40.5) and Beta(90.5, 10.5): 60 of 100 if the silent had said no, 90 if they had said yes.
    assert found.worst.low == pytest.approx(0.5022, abs=0.01)
    assert found.worst.high == pytest.approx(0.9475, abs=0.01)
    everybody = calibrate(frame_of([need(i, rule=6, asked=True, survey=i % 2) for i in range(100)]).counted)
    assert 0.4 < everybody.worst.low <= everybody.interval.low < 0.42
    assert 0.58 < everybody.interval.high <= everybody.worst.high < 0.61


def test_avoided_tickets_lie_within_their_range():
    held = 0
    for seed in range(40):
        facts, truth = population(100 + seed, 1500)
        needs = frame_of(facts).counted
        found = tickets_avoided(needs, calibrate(needs))
        held += found.range.holds(truth["avoided"])
    assert held / 40 >= 0.9


def test_without_a_survey_only_a_range_of_avoided_tickets_is_given():
    facts, _ = population(7, 1000, survey=0)
    found = tickets_avoided(frame_of(facts).counted, None)
    assert found.estimate is None
    assert 0 < found.range.low < found.range.high


def test_needs_after_a_ticket_avoid_nothing():
    answered = [need(i, rule=2, post_ticket=True, link_class=2) for i in range(50)]
    wrote = [need(100 + i, rule=1, link_class=2) for i in range(50)]
    assert tickets_avoided(frame_of(answered + wrote), None).range.high == 0


def test_costs_are_a_range_and_only_if_the_operator_set_them():
    facts, _ = population(8, 500)
    found = tickets_avoided(frame_of(facts).counted, None)
    assert cost_avoided(found, 0, 0) is None
    cost = cost_avoided(found, 4, 9)
    assert cost.low == pytest.approx(4 * found.range.low)
    assert cost.high == pytest.approx(9 * found.range.high)
    less = cost_avoided(found, 4, 9, content=1000)
    assert (less.low, less.high) == (pytest.approx(cost.low - 1000), pytest.approx(cost.high - 1000))


def test_gap_ranks_what_people_need_and_nobody_answers_first():
    busy_and_bad = [need(i, cluster=1, rule=1 if i % 2 else 11, link_class=2) for i in range(200)]
    busy_and_good = [need(1000 + i, cluster=2, rule=2, link_class=2) for i in range(200)]
    rare_and_bad = [need(2000 + i, cluster=3, rule=1, link_class=2) for i in range(10)]
    found = gaps(frame_of(busy_and_bad + busy_and_good + rare_and_bad), None, days=30)
    assert [gap.cluster for gap in found] == [1, 3, 2]
    assert found[0].interval.low < found[0].score < found[0].interval.high
    # At most half of the 100 requests a month: the prior says that a repair mends about half.
    assert 30 < found[0].score < 70


def test_gap_is_the_product_of_its_means_and_small_groups_keep_their_order():
    facts = [need(i, cluster=1 + i % 40, rule=1 if i // 40 < 2 else 11, link_class=2) for i in range(400)]
    found = gaps(frame_of(facts), None, days=30)
    # Each of the 40 groups has 10 questions of which 2 were written about: 10.5 a month, nobody answered, (2 + 12·⅕) ÷ (10 + 12), a half.
    assert [gap.score for gap in found] == pytest.approx([10.5 * (2 + 12 * 0.2) / 22 / 2] * 40)
    assert [gap.cluster for gap in found] == list(range(1, 41))


def test_repairs_of_the_past_update_what_the_next_may_mend():
    assert repair_share([]) == (2.0, 2.0)
    a, b = repair_share([Repair(before=0.2, after=0.8, drift=0.0)] * 10)
    assert a / (a + b) == pytest.approx((2 + 7.5) / 14)
    a, b = repair_share([Repair(before=0.5, after=0.6, drift=0.1)])
    assert (a, b) == (2.0, 3.0)


def test_unanswered_stay_in_the_time_to_answer():
    answered = [need(i, rule=6, answer_ms=10_000) for i in range(40)]
    never = [need(100 + i, rule=11) for i in range(60)]
    assert time_to_answer(frame_of(answered)).median == 10
    assert time_to_answer(frame_of(answered + never)).median is None


def test_longer_windows_only_add_requests():
    facts, _ = population(9, 1000)
    shares = [point.escalated.count for point in window_sensitivity(frame_of(facts).counted, NOW)]
    assert shares == sorted(shares)
    assert shares[0] < shares[-1]


def test_a_window_of_two_weeks_finds_what_the_rules_no_longer_link_on_needs_that_were_watched_so_long():
    linked = [need(i, first=NOW - 20 * DAY_MS, rule=1, escalate_ms=3 * DAY_MS, topical_ms=3 * DAY_MS) for i in range(30)]
    later = [need(100 + i, first=NOW - 20 * DAY_MS, rule=6, topical_ms=10 * DAY_MS) for i in range(20)]
    never = [need(200 + i, first=NOW - 20 * DAY_MS, rule=6) for i in range(50)]
    young = [need(300 + i, first=NOW - 10 * DAY_MS, rule=6) for i in range(40)]
    found = {p.hours: p.escalated for p in window_sensitivity(frame_of([*linked, *later, *never, *young]), NOW)}
    assert (found[24].count, found[168].count, found[336].count) == (0, 30, 50)
    assert {p.base for p in found.values()} == {100}


def test_share_knows_its_design_effect():
    frame = frame_of([need(i, person=i // 10, rule=6 if (i // 10) % 2 else 11, first=NOW - 20 * DAY_MS) for i in range(500)])
    assert share(frame, frame.answered).deff == pytest.approx(10, rel=0.1)


def test_self_service_ratio_is_as_unsure_as_answers_and_requests_are():
    facts, _ = population(3, 1500)
    needs = frame_of(facts).counted
    found = summary(needs, tickets=300)
    answers = [end * found.endings.total for end in (found.calibrated.interval.low, found.calibrated.interval.high)]
    alone = [end / (end + 300) for end in answers]
    both = found.self_service.interval
    assert both.low < alone[0] < found.self_service.rate < alone[1] < both.high
    # With a thousand times as many requests only the answers are unsure.
    many = summary(needs, tickets=300_000).self_service.interval
    assert [many.low, many.high] == pytest.approx([end / (end + 300_000) for end in answers], rel=0.01)


def test_self_service_ratio_without_a_request_is_not_surely_one():
    found = summary(frame_of([need(i, rule=6) for i in range(40)]), tickets=0).self_service
    assert (found.count, found.base, found.interval.high) == (40, 40, 1.0)
    assert found.interval.low == pytest.approx(0.91, abs=0.01)


def test_form_rate_counts_only_who_said_that_an_answer_solved_it():
    shown = [need(i, kind=2, searches=0, rule=2, solved=True, forms=1, forms_shown=1) for i in range(6)]
    left = [need(10 + i, rule=4, forms=1, forms_shown=1, forms_left=1) for i in range(30)]
    helpful_only = [need(50 + i, rule=2, forms=1, forms_shown=1) for i in range(4)]
    robots = [need(60 + i, rule=0, solved=True, forms=1, forms_shown=1) for i in range(9)]
    found = narrow_form_rate(frame_of([*shown, *left, *helpful_only, *robots]))
    assert (found.count, found.base) == (6, 40)
