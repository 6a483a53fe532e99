"""Labels on pairs of searches: which pairs are shown, what is kept, and which thresholds follow."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.db import Base, open_database
from app.deflection import Rulebook, recompute_due
from app.deflection.grouping import pair_labels
from app.deflection.grouping.pair_labels import (
    DIFFERENT,
    FEWEST_LABELS,
    SAME,
    UNCLEAR,
    Pair,
    draw_pairs,
    fit_labels,
    label_pair,
    labelled,
    take_last_back,
)
from app.deflection.recording import simulate
from app.deflection.recording.exchange import import_events
from app.errors import Invalid

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def db(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/l.sqlite3")
    Base.metadata.create_all(database.engine)
    with database.session() as session:
        yield session
    database.close()


@pytest.fixture
def searched(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/s.sqlite3")
    Base.metadata.create_all(database.engine)
    start = int((NOW - timedelta(days=60)).timestamp() * 1000)
    import_events(database, simulate.lines(simulate.stream(9, simulate.subjects(10), 900, start, 58)))
    recompute_due(database, NOW)
    with database.session() as session:
        yield session
    database.close()


def test_of_a_long_log_only_the_latest_days_are_looked_at(searched, monkeypatch):
    whole = sum(pair.stands_for for pair in draw_pairs(searched, NOW, 3))
    monkeypatch.setattr(pair_labels, "MOST_SEARCHES", 300)
    latest = draw_pairs(searched, NOW, 3)
    assert latest
    assert sum(pair.stands_for for pair in latest) < whole / 2


def _pair(n, likeness, gap_s, stands_for=1.0):
    return Pair(f"k{n}", "a", "b", "en", likeness, gap_s * 1000, "", stands_for)


def _labels(db, truth, n=100, seed=1, noise=0.0):
    """Verdicts of somebody for whom searches are one question as `truth(likeness, seconds)` says."""
    rng = random.Random(seed)
    for i in range(n):
        pair = _pair(i, rng.random(), rng.choice((5, 25, 50, 80, 100, 150, 400, 900)))
        same = truth(pair.likeness, pair.gap_ms / 1000) != (rng.random() < noise)
        label_pair(db, pair, SAME if same else DIFFERENT, "ingrid", NOW + timedelta(seconds=i))


def test_pairs_are_searches_of_one_visit_in_words_of_enough_people(searched):
    pairs = draw_pairs(searched, NOW, 3)
    assert 20 < len(pairs) <= 100
    assert pairs == draw_pairs(searched, NOW, 3)
    assert len({pair.key for pair in pairs}) == len(pairs)
    for pair in pairs:
        for words in (pair.first, pair.second):
            asked = searched.execute(
                text("SELECT count(DISTINCT n.person) FROM need_search s JOIN need n ON n.id = s.need_id WHERE lower(s.q) = :q"),
                {"q": words},
            ).scalar()
            assert asked >= 3
    assert not draw_pairs(searched, NOW, 10_000)


def test_pairs_spread_over_likeness_and_stand_for_all_of_their_kind(searched):
    few = draw_pairs(searched, NOW, 3, most=12)
    every = draw_pairs(searched, NOW, 3, most=10_000)
    assert {pair.stratum for pair in few} == {pair.stratum for pair in every}
    assert sum(pair.stands_for for pair in few) == pytest.approx(sum(pair.stands_for for pair in every))


def test_no_words_are_kept_with_a_label_and_the_last_one_can_be_taken_back(searched):
    pairs = draw_pairs(searched, NOW, 3)
    label_pair(searched, pairs[0], SAME, "ingrid", NOW)
    label_pair(searched, pairs[1], UNCLEAR, "ingrid", NOW + timedelta(seconds=5))
    kept = str(searched.execute(text("SELECT * FROM pair_label")).all())
    assert not any(words in kept for pair in pairs[:2] for words in (pair.first, pair.second))
    take_last_back(searched)
    assert labelled(searched) == {pairs[0].key}
    with pytest.raises(Invalid):
        label_pair(searched, pairs[2], "perhaps", "ingrid", NOW)


def test_labels_find_the_thresholds_that_they_were_given_by(db):
    _labels(db, lambda likeness, seconds: likeness >= 0.62 or seconds <= 30, noise=0.03)
    fit = fit_labels(db, Rulebook())
    assert fit.similar_interval.holds(0.62)
    assert 0.5 <= fit.similar <= 0.7
    assert fit.seconds in (30, 45)
    assert fit.speaks_against(Rulebook())
    assert fit.best.rate > 0.9 > fit.agreement.rate


def test_labels_that_agree_with_the_rule_in_force_suggest_nothing_else(db):
    _labels(db, lambda likeness, seconds: likeness >= 0.4 or seconds <= 60, noise=0.05)
    fit = fit_labels(db, Rulebook())
    assert not fit.speaks_against(Rulebook())
    assert fit.agreement.rate > 0.9


def test_too_few_labels_or_all_of_one_kind_suggest_nothing(db):
    _labels(db, lambda likeness, seconds: likeness >= 0.4, n=FEWEST_LABELS - 1)
    assert fit_labels(db, Rulebook()) is None
    _labels(db, lambda likeness, seconds: True, n=100)
    assert fit_labels(db, Rulebook()) is None


def test_a_label_weighs_as_much_as_the_pairs_that_it_stands_for(db):
    for i in range(50):
        label_pair(db, _pair(i, 0.5, 300, 1.0), DIFFERENT, "ingrid", NOW)
        label_pair(db, _pair(100 + i, 0.8, 300, 9.0), SAME, "ingrid", NOW)
    assert fit_labels(db, Rulebook()).agreement.rate == pytest.approx(0.9)
