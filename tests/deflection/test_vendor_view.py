"""What others would report on the same questions, counted as they count."""

from __future__ import annotations

from report_needs import need

from app.deflection.reporting.facts import frame_of
from app.deflection.reporting.metrics import summary
from app.deflection.reporting.vendor_view import vendor_numbers

HOUR = 3_600_000
READ = {"opened": True, "satisfied": True, "article": "a"}


def _numbers(facts, ticket_persons=10):
    every = frame_of(facts)
    needs = every.counted
    return {v.key: (v.count, v.base) for v in vendor_numbers(every, needs, summary(needs), ticket_persons)}


def test_each_definition_counts_what_its_vendor_counts():
    quiet = [need(i, rule=6, **READ) for i in range(30)]
    glanced = [need(100 + i, rule=11, opened=True, article="a") for i in range(8)]
    nothing = [need(200 + i, rule=10, zero=1) for i in range(7)]
    soon = [need(300 + i, rule=1, escalate_ms=2 * HOUR, **READ) for i in range(5)]
    late = [need(400 + i, rule=1, escalate_ms=50 * HOUR, **READ) for i in range(4)]
    against = [need(500 + i, rule=3, vote=-1, **READ) for i in range(3)]
    browsed = [need(600 + i, kind=1, searches=0, rule=11, **READ) for i in range(6)]
    robots = [need(700 + i, rule=0) for i in range(9)]
    found = _numbers([*quiet, *glanced, *nothing, *soon, *late, *against, *browsed, *robots])
    assert found["zendesk"] == (63, 10), "visitors, also who only read, by people who wrote"
    assert found["intercom"] == (30 + 8 + 4, 50), "opened, no request within a day, no vote against it"
    assert found["servicenow"] == (30 + 8 + 4 + 3, 57)
    assert found["silence"] == (48, 57)
    assert found["hylla"] == (30, 57)


def test_forms_left_are_counted_where_every_form_showed_answers():
    left = [need(i, rule=4, forms=1, forms_shown=1, forms_left=1) for i in range(6)]
    sent = [need(10 + i, rule=1, forms=1, forms_shown=1) for i in range(14)]
    # One form with answers was sent, another without any was left: which of the two is not known.
    mixed = [need(30 + i, rule=1, forms=2, forms_shown=1, forms_left=1) for i in range(5)]
    assert _numbers([*left, *sent, *mixed])["form"] == (6, 20)
