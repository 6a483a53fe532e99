"""The audit of a search says what happened, which rule decided, when it is final and what would change it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from app.db import Database
from app.deflection import (
    UnknownSearch,
    assign_due,
    audit,
    audits_of_ticket,
    parse_event,
    recompute_due,
    record,
    sentences,
    without_words,
    words_are_common,
)
from app.deflection.judging.audit import _REASONS
from app.deflection.judging.outcomes import RULES
from app.deflection.recording.simulate import stream, subjects
from tests.deflection.story import START, Story, parsed

T0 = datetime.fromtimestamp(START / 1000, UTC)
H = 3600


def full() -> Story:
    story = Story().search(0, "s1", "reset pasword", 0).search(15, "s2", revision="abc123")
    story.add(18, "click", search_id="s2", article="a2", rank=2).view(18.2, "w1", "s2", article="a2", read=12)
    story.form(60, "f1").add(62, "suggest", form_id="f1", articles=["a1", "a3"], arm="on", shown=True)
    story.view(70, "w2", form_id="f1", article="a3", source="suggestion", read=9).vote(85, -1, view_id="w2")
    return story.ticket(200, "k1", "cannot reset my password", form_id="f1")


def tell(database: Database, *stories: Story) -> None:
    with database.session() as db:
        record(db, *parsed(*stories))
    recompute_due(database, T0 + timedelta(minutes=10))


def test_everything_that_was_seen_is_in_the_audit(either: Database) -> None:
    tell(either, full())
    with either.session() as db:
        found = audit(db, T0 + timedelta(hours=1), search_id="s1")
    assert (found.search_id, found.search_outcome, found.search_rule) == ("s1", "reformulated", "RS")
    assert (found.outcome, found.rule, found.state, found.link_class) == ("escalated", "R1", "provisional", 1)
    assert [(s.search_id, s.n_results, s.opened, s.revision) for s in found.searches] == [
        ("s1", 0, (), None),
        ("s2", 3, ((2, "a2"),), "abc123"),
    ]
    assert [(v.article, v.rank, v.active_ms, v.required_ms, v.satisfied) for v in found.views] == [
        ("a2", 2, 12_000, 30_000, False),
        ("a3", None, 9_000, 30_000, False),
    ]
    assert [(f.sent, f.arm, f.shown, f.articles) for f in found.forms] == [(True, "on", True, ("a1", "a3"))]
    assert [(v.kind, v.value, v.article) for v in found.votes] == [("helpful", -1, "a3")]
    assert [(t.ticket_id, t.level, t.topical, t.delay) for t in found.tickets] == [("k1", "form", True, 115_000)]
    assert [(c.from_outcome, c.to_outcome) for c in found.ledger] == [(None, "escalated")]
    assert found.predicates == ("T", "V-", "O")


def test_its_sentences_tell_the_story_in_order(database: Database) -> None:
    tell(database, full())
    with database.session() as db:
        found = audit(db, T0 + timedelta(hours=1), search_id="s2")
    assert [str(s) for s in sentences(found)] == [
        "Searched for “reset pasword” and found nothing.",
        "Searched for “reset password”: 3 results.",
        "Opened “a2” and read it for only 12 s of the 30 s needed.",
        "Opened the contact form, was shown “a1, a3” there, and sent it.",
        "Opened “a3” and read it for only 9 s of the 30 s needed.",
        "Said that it did not help.",
        "Wrote request k1 on the same topic (form), sent with the form of this question, 1 min after the last thing they did here.",
        "Wrote to us about it.",
        "Not final before 22 Nov 2023, 22:14 UTC.",
        "Marking k1 as spam or as a test would take it back.",
    ]


def test_every_rule_has_its_words_and_every_sentence_can_be_said() -> None:
    assert set(_REASONS) == {rule for rule, _, _ in RULES}


@pytest.mark.parametrize(
    ("story", "rule", "would_change"),
    [
        (Story(ua="Googlebot").search(0, "s1"), "R0", {"change_none"}),
        (Story().search(0, "s1").view(3, "w1", "s1", read=60).vote(70, 1, view_id="w1"), "R2", {"change_ticket_browser"}),
        (
            Story().search(0, "s1").view(3, "w1", "s1").vote(9, -1, view_id="w1"),
            "R3",
            {"change_vote", "change_reading", "change_search", "change_ticket_browser"},
        ),
        (
            Story().search(0, "s1").form(9, "f1"),
            "R4",
            {"change_vote", "change_reading", "change_search", "change_form", "change_ticket_browser"},
        ),
        (
            Story(account="acc").search(0, "s1").view(3, "w1", "s1", read=60),
            "R6",
            {"change_vote", "change_ticket_account", "change_search"},
        ),
        (Story(visitor=None).search(0, "s1").view(3, "w1", "s1", read=60), "R7", {"change_vote", "change_ticket_tab", "change_search"}),
        (
            Story().search(0, "s1").view(3, "w1", "s1", beacon=False),
            "R8",
            {"change_vote", "change_reading", "change_search", "change_ticket_browser"},
        ),
        (Story().search(0, "s1", answer_shown=True), "R9", {"change_vote", "change_reading", "change_search", "change_ticket_browser"}),
        (Story().search(0, "s1", n=0), "R10", {"change_vote", "change_reading", "change_search", "change_ticket_browser"}),
        (Story().search(0, "s1"), "R11", {"change_vote", "change_reading", "change_search", "change_ticket_browser"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_audit_names_the_rule_and_what_would_change_it(database: Database, story: Story, rule: str, would_change: set[str]) -> None:
    tell(database, story)
    with database.session() as db:
        found = audit(db, T0 + timedelta(minutes=15), search_id="s1")
    assert (found.rule, found.reason.code) == (rule, rule)
    assert {sentence.code for sentence in found.changes} == would_change
    told = sentences(found)
    assert told and [sentence for sentence in told if not sentence.text] == []


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        (Story().search(0, "s1"), "Reading an article for 30 s after it would count as an answer."),
        (
            Story().search(0, "s1").view(3, "w1", "s1").vote(9, -1, view_id="w1"),
            "Reading another article for 30 s after it would count as an answer.",
        ),
        (
            Story(visitor=None).search(0, "s1"),
            "Reading an article for 30 s after it would make it: not known, as a request could not be recognised.",
        ),
    ],
    ids=("R11", "R3", "R11 without a cookie"),
)
def test_what_reading_would_change_depends_on_who_read_what(database: Database, story: Story, expected: str) -> None:
    tell(database, story)
    with database.session() as db:
        found = audit(db, T0 + timedelta(minutes=15), search_id="s1")
    assert next(s.text for s in found.changes if s.code == "change_reading") == expected


@pytest.mark.parametrize("minutes", [15, 45, 49 * 60])
@pytest.mark.parametrize(
    "story",
    [
        lambda: Story().search(0, "s1").view(3, "w1", "s1", read=60).vote(70, 1, view_id="w1"),
        lambda: Story().search(0, "s1").view(3, "w1", "s1").vote(9, -1, view_id="w1"),
        lambda: Story().search(0, "s1").form(9, "f1"),
        lambda: Story().search(0, "s1").view(3, "w1", "s1", read=60),
        lambda: Story().search(0, "s1", n=0),
        lambda: Story().search(0, "s1").view(3, "w1", "s1", read=60).search(90, "s2", "reset the password"),
    ],
    ids=("R2", "R3", "R4", "R6", "R10", "R11 after reading"),
)
def test_another_search_continues_a_question_exactly_when_the_audit_says_that_it_may(
    database: Database, story: Callable[[], Story], minutes: int
) -> None:
    tell(database, story())
    with database.session() as db:
        says = "change_search" in {s.code for s in audit(db, T0 + timedelta(minutes=minutes), search_id="s1").changes}
    tell(database, Story(prefix="more").search(minutes * 60, "s9", "how to reset my password"))
    with database.session() as db:
        found = audit(db, T0 + timedelta(minutes=minutes + 1), search_id="s1")
    assert ("s9" in {member for search in found.searches for member in search.members}) == says


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (False, "Searched for “reset password”: 1 result."),
        (True, "Searched for “reset password”: 1 result, with an answer shown above it."),
    ],
)
def test_one_result_is_one_result(database: Database, shown: bool, expected: str) -> None:
    tell(database, Story().search(0, "s1", q="reset password", n=1, answer_shown=shown))
    with database.session() as db:
        found = audit(db, T0 + timedelta(minutes=15), search_id="s1")
    assert found.story[0].text == expected


def test_what_would_change_it_really_does(database: Database) -> None:
    """The ticket that the audit of a likely answer warns of turns it over; one after the named date does not."""
    tell(database, Story().search(0, "s1").view(3, "w1", "s1", read=60))
    with database.session() as db:
        warning = next(s for s in audit(db, T0, search_id="s1").changes if s.code.startswith("change_ticket"))
    seconds = (warning.params["date"] - T0).total_seconds()
    tell(database, Story(prefix="late").ticket(seconds + 60, "k1", form_id="x"))
    with database.session() as db:
        assert audit(db, T0, search_id="s1").outcome == "answered_likely"
    tell(database, Story(prefix="soon").ticket(seconds - 60, "k2", form_id="y"))
    with database.session() as db:
        assert audit(db, T0, search_id="s1").outcome == "escalated"


def test_a_ticket_names_the_needs_that_led_to_it_latest_first(database: Database) -> None:
    story = Story().search(0, "s1").search(H, "s2", "vat invoice").ticket(2 * H, "k1", "reset password and vat invoice", form_id="x")
    tell(database, story)
    with database.session() as db:
        found = audits_of_ticket(db, "k1", T0)
        assert [a.search_id for a in found] == ["s2", "s1"]
        assert audit(db, T0, ticket_id="k1") == found[0]


def test_an_unknown_search_or_ticket_is_said_to_be_unknown(database: Database) -> None:
    tell(database, Story().search(0, "s1", "pa", mode="type"), Story(visitor="v9", tab=None, prefix="x").ticket(0, "k9", "hello"))
    with database.session() as db:
        for names in ({"search_id": "nonsense"}, {"search_id": "s1"}, {"ticket_id": "nonsense"}, {"ticket_id": "k9"}):
            with pytest.raises(UnknownSearch):
                audit(db, T0, **names)


def test_the_audit_of_any_search_in_a_busy_portal_takes_a_moment(database: Database) -> None:
    simulated = stream(5, subjects(40), 1500, START, 60)
    with database.session() as db:
        record(db, *map(parse_event, simulated.events))
    slowest = 0.0
    with database.session() as db:
        for truth in simulated.truth[::30]:
            start = time.process_time()
            audit(db, T0 + timedelta(days=61), search_id=truth.search_id)
            slowest = max(slowest, time.process_time() - start)
    assert slowest < 0.2


def test_what_can_no_longer_happen_is_not_named_as_what_would_change_it(database: Database) -> None:
    tell(database, Story().search(0, "s1"))
    with database.session() as db:
        later = audit(db, T0 + timedelta(days=3), search_id="s1")
        final = audit(db, T0 + timedelta(days=30), search_id="s1")
    assert {sentence.code for sentence in later.changes} == {"change_vote", "change_ticket_browser"}
    assert [sentence.code for sentence in final.changes] == ["change_ticket_late"]
    tell(database, Story(visitor=None, tab="t9", prefix="y").search(0, "s9"))
    with database.session() as db:
        unseen = audit(db, T0 + timedelta(days=30), search_id="s9")
    assert [str(sentence) for sentence in unseen.changes] == ["Nothing that can still happen."]


def test_without_words_the_audit_keeps_everything_else(database: Database) -> None:
    tell(database, full())
    with database.session() as db:
        found = audit(db, T0 + timedelta(hours=1), search_id="s2")
        assert not words_are_common(db, found, 3, T0 + timedelta(hours=1))
    silent = without_words(found)
    assert "pas" not in " ".join(s.text for s in silent.story if s.code.startswith("search"))
    assert {search.q for search in silent.searches} == {""}
    assert (silent.views, silent.tickets, silent.rule) == (found.views, found.tickets, found.rule)


def test_words_are_common_when_enough_people_asked_the_same(database: Database) -> None:
    tell(database, *(Story(visitor=f"v{i}", tab=f"t{i}", prefix=f"p{i}").search(0, f"s{i}", "Reset password!") for i in range(3)))
    with database.session() as db:
        while assign_due(db, T0):
            pass
        found = audit(db, T0 + timedelta(hours=1), search_id="s1")
        assert words_are_common(db, found, 3, T0 + timedelta(hours=1))
        assert not words_are_common(db, found, 4, T0 + timedelta(hours=1))
