"""What past searches teach: only from several people, fading, removable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.db import Base, open_database
from app.deflection.models import NeedViewRow
from app.deflection.recording.events import milliseconds
from app.deflection.reporting.facts import DAY_MS
from app.deflection.reporting.learned import AgentAnswer, Answered, learned_phrases, phrases_of, remove_phrase, restore_phrase

NOW = datetime(2026, 11, 20, tzinfo=UTC)
AT = milliseconds(NOW)


def _answered(query="card eaten by machine", persons=("a", "b", "c"), article="cards/retained", age_days=1, locale="en"):
    return [Answered(article, locale, query, person, AT - age_days * DAY_MS) for person in persons]


def test_three_needs_of_three_people_teach_a_phrase():
    (phrase,) = phrases_of(_answered(), AT)
    assert (phrase.article_id, phrase.locale, phrase.phrase) == ("cards/retained", "en", "card eaten by machine")
    assert phrase.weight == pytest.approx(3, abs=0.05)
    assert phrases_of(_answered(persons=("a", "b")), AT) == []
    assert phrases_of(_answered(persons=("a", "a", "a", "b")), AT) == []


def test_wordings_of_the_same_words_support_each_other_but_one_must_be_sayable():
    needs = _answered(persons=("a", "b", "c")) + _answered("machine eaten my card", persons=("d",))
    (phrase,) = phrases_of(needs, AT)
    assert phrase.phrase == "card eaten by machine"
    assert phrase.needs == 4
    mixed = [need for i, p in enumerate("abc") for need in _answered(["machine ate card", "card ate machine", "ate card machine"][i], (p,))]
    assert phrases_of(mixed, AT) == []


def test_phrases_fade():
    fresh, old = phrases_of(_answered(), AT)[0], phrases_of(_answered(age_days=90), AT)[0]
    assert old.weight == pytest.approx(fresh.weight / 2, rel=0.02)
    assert phrases_of(_answered(age_days=360), AT) == []


def test_masked_text_is_never_learned():
    assert phrases_of(_answered("refund to ‹email›"), AT) == []


@pytest.fixture
def db(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/l.sqlite3")
    Base.metadata.create_all(database.engine)
    with database.session() as session:
        yield session
    database.close()


def _insert_need(db, id, query, person, rule="R6", article="cards/retained"):
    kinds = {row[1]: row[2] for row in db.execute(text("PRAGMA table_info(need)"))}
    filled = {name: "" if "CHAR" in kind or kind == "TEXT" else 0 for name, kind in kinds.items()}
    filled |= {
        "id": id, "person": person, "kind": "search", "rule": rule, "day": AT // DAY_MS, "first": AT, "lang": "en", "q": query, "article": article,
    }  # fmt: skip
    names = ", ".join(f'"{name}"' for name in kinds)
    db.execute(text(f"INSERT INTO need ({names}) VALUES ({', '.join(':' + name for name in kinds)})"), filled)


def _replies(subject, requesters="abc", article="cards/frozen", locale="en"):
    return [AgentAnswer(article, locale, subject, f"{subject} {who}", NOW - timedelta(days=1)) for who in requesters]


@pytest.fixture
def session(either):
    with either.session() as session:
        yield session


def test_what_a_writer_took_away_in_one_wording_stays_away_in_every_wording_of_the_same_words(session):
    few = _replies("Freeze card")
    assert [phrase.phrase for phrase in learned_phrases(session, NOW, agents=few)] == ["freeze card"]
    remove_phrase(session, "cards/frozen", "en", "freeze card", "writer", NOW)
    more = few + _replies("How do I freeze my card?", "abcd") + _replies("my CARDS, freezing", "abcde")
    assert learned_phrases(session, NOW, agents=more) == []
    (shown,) = learned_phrases(session, NOW, agents=more, with_removed=True)
    assert (shown.phrase, shown.removed) == ("my cards freezing", True)
    other_words = learned_phrases(session, NOW, agents=_replies("Freeze account"))
    elsewhere = learned_phrases(session, NOW, agents=_replies("Freeze card", article="cards/lost"))
    another_language = learned_phrases(session, NOW, agents=_replies("Freeze card", locale="sv"))
    assert [len(phrases) for phrases in (other_words, elsewhere, another_language)] == [1, 1, 1]


def test_giving_back_the_wording_that_is_shown_gives_back_all_that_was_taken_away_of_the_same_words(session):
    replies = _replies("Freeze card") + _replies("How do I freeze my card?", "abcd")
    remove_phrase(session, "cards/frozen", "en", "freeze card", "writer", NOW)
    remove_phrase(session, "cards/frozen", "en", "freeze my card", "writer", NOW)
    remove_phrase(session, "cards/frozen", "en", "thaw card", "writer", NOW)
    (shown,) = learned_phrases(session, NOW, agents=replies, with_removed=True)
    restore_phrase(session, shown.article_id, shown.locale, shown.phrase)
    assert len(learned_phrases(session, NOW, agents=replies)) == 1
    assert len(learned_phrases(session, NOW, agents=_replies("Freeze card"))) == 1
    assert learned_phrases(session, NOW, agents=_replies("Thaw card")) == []


def test_a_wording_of_stop_words_alone_is_taken_away_by_those_words(session):
    remove_phrase(session, "cards/frozen", "en", "what is it", "writer", NOW)
    assert learned_phrases(session, NOW, agents=_replies("What is it?")) == []
    assert len(learned_phrases(session, NOW, agents=_replies("Who are you?"))) == 1


def test_a_long_wording_that_is_shown_cut_off_is_taken_away_as_it_is_shown(session):
    replies = _replies("freeze " + "card of my other account " * 7 + "unmistakably" * 3)
    (phrase,) = learned_phrases(session, NOW, agents=replies)
    remove_phrase(session, phrase.article_id, phrase.locale, phrase.phrase, "writer", NOW)
    assert learned_phrases(session, NOW, agents=replies) == []


def test_replies_of_agents_teach_too_and_writers_take_away(db):
    answers = [AgentAnswer("cards/retained", "en", "Card eaten by machine", who, NOW - timedelta(days=1)) for who in ("r1", "r2", "r3")]
    (phrase,) = learned_phrases(db, NOW, agents=answers)
    remove_phrase(db, phrase.article_id, phrase.locale, phrase.phrase, "writer", NOW)
    assert learned_phrases(db, NOW, agents=answers) == []
    assert learned_phrases(db, NOW, agents=answers, with_removed=True)[0].removed
    restore_phrase(db, phrase.article_id, phrase.locale, phrase.phrase)
    assert len(learned_phrases(db, NOW, agents=answers)) == 1


def test_only_answered_needs_count(db):
    for i, rule in enumerate(("R2", "R6", "R6", "R1", "R11", "R11", "R11")):
        _insert_need(db, f"n{i}", "lost card" if i < 3 else "other words entirely", f"v:{i}", rule)
    assert [phrase.phrase for phrase in learned_phrases(db, NOW)] == ["lost card"]


def _insert_view(db, need, position, article, active_ms=0, helpful=0):
    columns = {"need_id": need, "position": position, "view_id": f"{need}/{position}", "article": article, "t": AT + position}
    db.add(NeedViewRow(**columns, source="search", beacon=True, active_ms=active_ms, required_ms=30_000, helpful=helpful, last=False))


@pytest.mark.parametrize("answer", [{"active_ms": 40_000}, {"active_ms": 2_000, "helpful": 1}], ids=["read", "said to have helped"])
def test_the_article_that_was_read_learns_and_not_one_that_was_only_looked_into_after_it(db, answer):
    for i in range(3):
        _insert_need(db, f"n{i}", "lost card", f"v:{i}", article="cards/looked-into")
        _insert_view(db, f"n{i}", 0, "cards/read-before", active_ms=50_000)
        _insert_view(db, f"n{i}", 1, "cards/read", **answer)
        _insert_view(db, f"n{i}", 2, "cards/looked-into", active_ms=1_000)
    assert [phrase.article_id for phrase in learned_phrases(db, NOW)] == ["cards/read"]


def test_whoever_searched_and_then_wrote_the_same_is_one_person(db):
    who = [("v:b1", "h1"), ("v:b2", "h2")]
    for i, (person, requester) in enumerate(who):
        db.execute(text("INSERT INTO identity_edge (a, b) VALUES (:a, :b)"), {"a": person, "b": f"r:{requester}"})
        _insert_need(db, f"own{i}", "card in the basement", person)
    agents = [AgentAnswer("cards/retained", "en", "Card in the basement", requester, NOW - timedelta(days=1)) for _, requester in who]
    assert learned_phrases(db, NOW, agents=agents) == []
    third = AgentAnswer("cards/retained", "en", "Card in the basement", "h3", NOW - timedelta(days=1))
    assert [phrase.persons for phrase in learned_phrases(db, NOW, agents=[*agents, third])] == [3]
