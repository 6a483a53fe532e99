"""Tabs and forms are named by browsers: a name that thousands claim ties nobody, and costs nobody anything."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.db import Database
from app.deflection import Rulebook, export_outcomes, recompute_due, record, verify_sample
from app.deflection.judging import ledger
from app.deflection.judging.crowds import MOST_TIED
from app.deflection.judging.outcomes import judge
from app.deflection.recording.exchange import search_outcomes
from app.deflection.recording.store import events_of_actors
from tests.deflection.story import START, Story, parsed

NOW = datetime.fromtimestamp(START / 1000, UTC) + timedelta(days=1)
RULES = Rulebook()


def _words(i: int) -> str:
    """Words that are like nobody else's."""
    return hashlib.blake2b(str(i).encode(), digest_size=6).hexdigest()


def _visitor(i: int, tab: str, form: str = "") -> Story:
    story = Story(visitor=f"v{i}", tab=tab, prefix=f"p{i}-").search(i, f"s{i}", _words(i)).view(i + 5, f"w{i}", f"s{i}", read=40)
    return story.form(i + 60, form) if form else story


def _tell(database: Database, *stories: Story) -> None:
    with database.session() as db:
        record(db, *parsed(*stories))
    recompute_due(database, NOW)


def _stored(database: Database) -> list[dict]:
    return sorted(export_outcomes(database), key=lambda line: line["search_id"])


def _pure(*stories: Story) -> list[dict]:
    return sorted(search_outcomes(judge(parsed(*stories), RULES), RULES, None), key=lambda line: line["search_id"])


def _alone(*stories: Story) -> list[dict]:
    return sorted(
        (line for story in stories for line in search_outcomes(judge(parsed(story), RULES), RULES, None)),
        key=lambda line: line["search_id"],
    )


def _one_tab(n: int) -> list[Story]:
    return [_visitor(i, "shared") for i in range(n)]


def _one_form(n: int) -> list[Story]:
    return [_visitor(i, f"t{i}", "shared-form") for i in range(n)]


def _chain(n: int) -> list[Story]:
    """Each visitor shares one tab with the one before and another with the one after."""
    return [
        part
        for i in range(n)
        for part in (_visitor(i, f"t{i}"), Story(visitor=f"v{i}", tab=f"t{i + 1}", prefix=f"q{i}-").view(i + 100, f"x{i}"))
    ]


def _mail(tab: str) -> Story:
    """A ticket that only the tab ties to anybody."""
    story = Story(visitor=None, tab=tab, prefix="mail")
    return story.add(200, "ticket", ticket_id="k1", t_created=START + 200_000, subject=_words(3), channel="chat")


@pytest.mark.parametrize("crowd", [_one_tab, _one_form, _chain])
def test_each_of_a_crowd_is_judged_as_if_the_others_were_not_there(either: Database, crowd) -> None:
    stories = crowd(MOST_TIED + 10)
    _tell(either, *stories)
    assert _stored(either) == _pure(*stories)
    assert verify_sample(either, NOW, share=1.0) == []
    if crowd is not _chain:
        assert _stored(either) == _alone(*stories)


def test_a_tab_ties_a_person_to_their_ticket_until_a_crowd_claims_it(either: Database) -> None:
    few = [_visitor(i, "shared") for i in range(5)]
    _tell(either, *few, _mail("shared"))
    assert {line["search_id"] for line in _stored(either) if line["outcome"] == "escalated"} == {"s3"}
    more = [_visitor(i, "shared") for i in range(5, MOST_TIED + 1)]
    for story in more:
        _tell(either, story)
    # Who had been judged with the others is judged without them now, and the ledger says so.
    recompute_due(either, NOW)
    assert not [line for line in _stored(either) if line["outcome"] == "escalated"]
    assert _stored(either) == _pure(*few, *more, _mail("shared"))
    assert verify_sample(either, NOW, share=1.0) == []
    with either.session() as db:
        assert db.execute(text("SELECT cause, to_outcome FROM outcome_ledger WHERE from_outcome = 'escalated'")).all() == [
            ("crowd", "answered_likely")
        ]


def test_it_does_not_matter_when_a_crowd_came(either: Database) -> None:
    stories = [*_one_tab(MOST_TIED + 10), *[_visitor(1000 + i, f"own{i}", "one-form") for i in range(3)], _mail("shared")]
    with either.session() as db:
        record(db, *parsed(*stories[: MOST_TIED // 2]))
    recompute_due(either, NOW, batch=7)
    with either.session() as db:
        record(db, *parsed(*stories))
    recompute_due(either, NOW, batch=7)
    assert _stored(either) == _pure(*stories)
    assert verify_sample(either, NOW, share=1.0) == []


def test_one_more_cookie_on_a_tab_of_thousands_reads_what_one_person_did(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    _tell(database, *_one_tab(2000))
    read: list[int] = []

    def counting(*given):
        found = events_of_actors(*given)
        read.append(len(found))
        return found

    monkeypatch.setattr(ledger, "events_of_actors", counting)
    _tell(database, _visitor(5000, "shared"))
    assert read == [3]
    assert verify_sample(database, NOW, share=0.05, seed=1) == []
