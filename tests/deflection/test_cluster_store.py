"""Clusters in the database: new needs find theirs, editors change them, roll-ups keep adding up, history stays."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import Base, open_database
from app.deflection.grouping import cluster_store, labels
from app.deflection.grouping.cluster_names import cluster_names, label_clusters, label_clusters_in_turn
from app.deflection.grouping.cluster_page import cluster_page, draft_text
from app.deflection.grouping.cluster_undo import CannotUndo, undo_change
from app.deflection.judging.ledger import recompute_due
from app.deflection.recording import simulate
from app.deflection.recording.exchange import import_events
from app.deflection.reporting.thresholds import label
from app.errors import Invalid

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def db(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/c.sqlite3")
    Base.metadata.create_all(database.engine)
    topics = [
        simulate.Subject("a", {"en": ("freeze my card", "card freeze now", "freeze card")}, ("x",)),
        simulate.Subject("b", {"en": ("exchange rate today", "todays exchange rates")}, ("y",)),
    ]
    import_events(database, simulate.lines(simulate.stream(2, topics, 120, int((NOW - timedelta(days=20)).timestamp() * 1000), 18)))
    recompute_due(database, NOW)
    with Session(database.engine, expire_on_commit=False) as session:
        while cluster_store.assign_due(session, NOW):
            pass
        label_clusters(session, NOW, 3)
        session.commit()
        yield session
    database.close()


def _merge_at_night(db):
    """In transactions of its own, as the worker does it."""
    url = db.get_bind().url
    db.commit()
    night = open_database(str(url))
    cluster_store.merge_nightly(night, NOW)
    night.close()


def _rollups_match(db):
    kept = Counter(
        {
            tuple(row[:-1]): row[-1]
            for row in db.execute(
                text("SELECT day, kind, cluster, article, locale, link_class, outcome, state, n FROM rollup_day WHERE n <> 0")
            )
        }
    )
    counted = Counter(
        tuple(row)
        for row in db.execute(text("SELECT day, kind, coalesce(cluster, 0), article, lang, link_class, outcome, state FROM need"))
    )
    return kept == counted


def _cluster_of(db, word):
    return db.execute(
        text("SELECT cluster, count(*) AS n FROM need WHERE q LIKE :w GROUP BY cluster ORDER BY n DESC"), {"w": f"%{word}%"}
    ).first()[0]


def test_every_query_has_a_cluster_and_rollups_follow(db):
    assert db.execute(text("SELECT count(*) FROM need WHERE q <> '' AND cluster IS NULL")).scalar() == 0
    assert _cluster_of(db, "freeze") != _cluster_of(db, "exchange")
    assert _rollups_match(db)


def test_merge_moves_needs_keeps_the_old_number_and_says_who(db):
    a, b = _cluster_of(db, "freeze"), _cluster_of(db, "exchange")
    cluster_store.merge_clusters(db, b, a, "ingrid", NOW)
    assert _cluster_of(db, "exchange") == a
    assert _rollups_match(db)
    assert cluster_page(db, b, NOW, 5, 3).id == a
    assert [(c.who, c.action, c.cluster, c.other) for c in cluster_store.history(db, a)] == [("ingrid", "merge", b, a)]
    with pytest.raises(cluster_store.ClusterNotFound):
        cluster_store.rename_cluster(db, b, "x", "ingrid", NOW)


def test_split_pins_so_that_no_night_undoes_it(db):
    a = _cluster_of(db, "freeze")
    new = cluster_store.split_cluster(db, a, ["card freeze now"], "Freeze now", "ingrid", NOW)
    assert db.execute(text("SELECT DISTINCT cluster FROM need WHERE q = 'card freeze now'")).scalars().all() == [new]
    assert _cluster_of(db, "freeze my") == a
    _merge_at_night(db)
    assert db.execute(text("SELECT DISTINCT cluster FROM need WHERE q = 'card freeze now'")).scalars().all() == [new]
    assert cluster_names(db)[new].text == "Freeze now"
    assert _rollups_match(db)
    with pytest.raises(Invalid):
        cluster_store.split_cluster(db, new, ["card freeze now"], "all of it", "ingrid", NOW)


def test_history_tells_acts_in_the_words_that_were_used_and_nothing_that_changed_nothing(db):
    a, b = _cluster_of(db, "freeze"), _cluster_of(db, "exchange")
    label = cluster_names(db)[a].text
    cluster_store.rename_cluster(db, a, "Freezing", "ingrid", NOW)
    cluster_store.rename_cluster(db, a, " Freezing ", "ingrid", NOW)
    cluster_store.rename_cluster(db, a, "", "ingrid", NOW)
    for _ in range(2):
        cluster_store.pin_query(db, "freezing the cards of ola@example.com", "en", a, "ingrid", NOW)
    cluster_store.split_cluster(db, a, ["card freeze now"], "Freeze now", "ingrid", NOW)
    assert [act.detail for act in reversed(cluster_store.history(db, a))] == [
        f"{label} → Freezing",
        f"Freezing → {label}",
        "freezing the cards of ‹email›",
        "card freeze now",
    ]
    with pytest.raises(Invalid):
        cluster_store.rename_cluster(db, b, "x" * 121, "ingrid", NOW)


def test_pinning_what_one_person_asked_moves_nothing_of_theirs_and_does_not_say_that_it_was_there(db):
    a, b = _cluster_of(db, "freeze"), _cluster_of(db, "exchange")
    lonely = db.execute(text("SELECT id FROM need WHERE cluster = :a LIMIT 1"), {"a": a}).scalar()
    db.execute(text("UPDATE need SET q = 'freeze card of Zebulon', cluster = NULL WHERE id = :id"), {"id": lonely})
    cluster_store.assign_due(db, NOW)
    before = db.execute(text("SELECT cluster FROM need WHERE id = :id"), {"id": lonely}).scalar()
    for query in ("freeze card of Zebulon", "nobody ever asked that"):
        cluster_store.pin_query(db, query, "en", b, "ingrid", NOW, k=3)
    assert db.execute(text("SELECT cluster FROM need WHERE id = :id"), {"id": lonely}).scalar() == before
    assert [act.other for act in cluster_store.history(db, b)] == [None, None]
    cluster_store.pin_query(db, "freeze my card", "en", b, "ingrid", NOW, k=3)
    assert set(db.execute(text("SELECT DISTINCT cluster FROM need WHERE q = 'freeze my card'")).scalars()) == {b}


def test_pinned_query_moves_with_its_needs(db):
    a, b = _cluster_of(db, "freeze"), _cluster_of(db, "exchange")
    cluster_store.pin_query(db, "freeze my card", "en", b, "ingrid", NOW)
    assert set(db.execute(text("SELECT DISTINCT cluster FROM need WHERE q = 'freeze my card'")).scalars()) == {b}
    assert a != b
    assert _rollups_match(db)


def test_label_goes_when_too_few_people_remain(db):
    a = _cluster_of(db, "freeze")
    assert cluster_names(db)[a].verbatim
    label_clusters(db, NOW + timedelta(days=200), 3)
    assert a not in cluster_names(db)


def test_draft_names_the_searches_it_must_be_found_by(db):
    draft = draft_text(cluster_page(db, _cluster_of(db, "freeze"), NOW, 5, 3))
    assert draft.startswith('---\ntitle: "')
    assert "status: draft" in draft
    assert "freeze" in draft.split("queries:")[1]


def _places(db):
    bags = db.execute(text("SELECT language, bag, cluster, leads FROM cluster_bag ORDER BY 1, 2")).all()
    needs = db.execute(text("SELECT id, cluster FROM need ORDER BY id")).all()
    living = db.execute(text("SELECT id, name FROM query_cluster WHERE merged_into IS NULL ORDER BY id")).all()
    return bags, needs, living


def _act(db, name):
    a, b = _cluster_of(db, "freeze"), _cluster_of(db, "exchange")
    match name:
        case "rename":
            cluster_store.rename_cluster(db, a, "Freezing", "ingrid", NOW)
        case "merge":
            cluster_store.merge_clusters(db, b, a, "ingrid", NOW)
        case "split":
            cluster_store.split_cluster(db, a, ["card freeze now"], "Freeze now", "ingrid", NOW)
        case "pin":
            cluster_store.pin_query(db, "freeze my card", "en", b, "ingrid", NOW)
        case "pin of a new query":
            cluster_store.pin_query(db, "ice my plastic", "en", a, "ingrid", NOW)
    return cluster_store.history(db, a)[0] if name != "pin" else cluster_store.history(db, b)[0]


@pytest.mark.parametrize("name", ["rename", "merge", "split", "pin", "pin of a new query"])
def test_each_act_on_a_group_can_be_taken_back_from_its_history(db, name):
    before = _places(db)
    act = _act(db, name)
    assert act.can_be_undone
    assert _places(db) != before
    shown = undo_change(db, act.id, "sergei", NOW)
    bags, needs, living = _places(db)
    assert (bags, needs, [row for row in living if row[0] in dict(before[2])]) == before
    assert _rollups_match(db)
    newest, undone = cluster_store.history(db, shown)[:2]
    assert (newest.action, newest.who, newest.can_be_undone) == ("undo", "sergei", False)
    assert (undone.undone, undone.can_be_undone) == (True, False)
    with pytest.raises(CannotUndo):
        undo_change(db, act.id, "sergei", NOW)


def test_a_merge_that_was_taken_back_stays_so_at_night(db):
    act = _act(db, "merge")
    freed = undo_change(db, act.id, "sergei", NOW)
    _merge_at_night(db)
    assert _cluster_of(db, "exchange") == freed


def test_what_something_later_stands_on_is_not_taken_back(db):
    act = _act(db, "rename")
    cluster_store.rename_cluster(db, act.cluster, "Ice", "ingrid", NOW)
    with pytest.raises(CannotUndo):
        undo_change(db, act.id, "sergei", NOW)
    assert cluster_names(db)[act.cluster].text == "Ice"


def test_labels_are_written_though_somebody_wrote_while_they_were_looked_for(db, monkeypatch):
    """SQLite refuses to write on what somebody changed since it was read, and on a busy portal somebody always does."""
    db.execute(text("UPDATE query_cluster SET label = ''"))
    db.commit()
    ours, theirs = open_database(str(db.get_bind().url)), open_database(str(db.get_bind().url))

    def while_somebody_writes(asked, k):
        with theirs.session() as other:
            other.execute(text("UPDATE outcome_stamp SET n = n + 1"))
        return label(asked, k)

    monkeypatch.setattr(labels, "label", while_somebody_writes)
    assert label_clusters_in_turn(ours, NOW, 3) > 0
    assert any(db.execute(text("SELECT label FROM query_cluster")).scalars())
    ours.close()
    theirs.close()
