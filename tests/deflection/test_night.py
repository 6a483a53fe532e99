"""What the worker does at night is done in pieces: somebody's outcome comes between two of them, and ending there harms nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.db import Base, Database, open_database
from app.deflection import (
    apply_retention,
    assign_due,
    import_events,
    merge_nightly,
    merge_subjects,
    pack_asked,
    pack_days,
    recompute_due,
    tell_contacts,
    verify_sample,
)
from app.deflection.grouping import cluster_store
from app.deflection.judging.judging_lock import lock_for_judging
from app.deflection.recording import retention

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY_MS = 86_400_000
AT = int(NOW.timestamp() * 1000) - 10 * DAY_MS
JOBS: dict[str, Callable[[Database], object]] = {
    "merging questions": lambda database: merge_nightly(database, NOW),
    "merging subjects": lambda database: merge_subjects(database, NOW),
    "retention": lambda database: apply_retention(database, NOW, event_days=30),
    "packing": lambda database: (pack_days(database, NOW), pack_asked(database, NOW)),
}
STATE = (
    "SELECT id, outcome, state, cluster, q FROM need WHERE home NOT LIKE 'v:live%'",
    "SELECT ticket_id, subject_group, subject FROM contact",
    "SELECT event_id FROM event WHERE event_id NOT LIKE 'live%'",
    "SELECT event_id FROM seen WHERE event_id NOT LIKE 'live%'",
    "SELECT a, b FROM identity_edge WHERE a NOT LIKE '%live%'",
    "SELECT day FROM need_columns",
    "SELECT day FROM asked_columns",
)


class Killed(BaseException):
    """The worker was killed here."""


def _search(name: str, q: str, t: int) -> str:
    return json.dumps(
        {"event_id": name, "type": "search", "t_recv": t, "visitor": name, "tab": name, "search_id": name, "q": q, "mode": "submit",
         "n_results": 0, "lang": "en"}
    )  # fmt: skip


def _ticket(name: str, subject: str) -> str:
    sender = f"{int.from_bytes(name.encode()):032x}"
    return json.dumps(
        {"event_id": name, "type": "ticket", "ticket_id": name, "t_created": AT, "t_recv": AT, "subject": subject, "channel": "email",
         "requester": sender}
    )  # fmt: skip


def _fill(database: Database) -> None:
    """Three pairs of groups of each kind that the night finds to be the same, and events of half a year."""
    pairs = [("parcel delivery late", "parcels delivry lates"), ("invoice payment incorrect", "invoice payment incorrct"),
             ("password reset disabled", "password reset disabld")]  # fmt: skip
    for place in (0, 1):
        words = [pair[place] for pair in pairs]
        import_events(database, [_ticket(f"k{place}-{i}-{n}", subject) for i, subject in enumerate(words) for n in range(5 - place)])
        import_events(
            database, [_search(f"s{place}-{i}-{n}", q, AT - 50 * n * DAY_MS) for i, q in enumerate(words) for n in range(5 - place)]
        )
        recompute_due(database, NOW)
        with database.session() as db:
            while assign_due(db, NOW) or tell_contacts(db, NOW):
                pass


def _state(database: Database) -> list[list[tuple]]:
    with database.session() as db:
        return [sorted(map(tuple, db.execute(text(sql)))) for sql in STATE]


def _is_judged(database: Database, name: str) -> bool:
    with database.session() as db:
        return db.execute(text("SELECT 1 FROM need_search WHERE search_id = :name"), {"name": name}).first() is not None


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_store, "MOST_ASSIGNED", 2)
    monkeypatch.setattr(retention, "TIES_AT_ONCE", 3)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("job", JOBS)
def test_an_outcome_comes_between_two_pieces_and_a_worker_killed_after_each_does_no_harm(
    job: str, either: Database, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(either)
    uninterrupted = open_database(f"sqlite:///{tmp_path}/uninterrupted.sqlite3")
    Base.metadata.create_all(uninterrupted.engine)
    _fill(uninterrupted)
    before = _state(either)
    JOBS[job](uninterrupted)

    done: list[str] = []
    changed: list[bool] = []

    @contextmanager
    def killed_after_each(database: Database) -> Iterator[None]:
        yield
        piece = f"live{len(done)}"
        done.append(piece)
        with monkeypatch.context() as alone:
            alone.setattr(Database, "giving_way", _nothing_special)
            import_events(database, [_search(piece, "something new", int(NOW.timestamp() * 1000))])
            recompute_due(database, NOW + timedelta(seconds=1), limit=1)
            assert _is_judged(database, piece)
            state = _state(database)
        changed.append(state != last[0])
        last[0] = state
        if changed[-1]:
            raise Killed

    last = [before]
    while True:
        with monkeypatch.context() as working:
            working.setattr(Database, "giving_way", killed_after_each)
            try:
                JOBS[job](either)
            except Killed:
                continue
        break
    assert sum(changed) > 2
    assert _state(either) == _state(uninterrupted) != before
    assert verify_sample(either, NOW, share=1.0) == []
    uninterrupted.close()


@contextmanager
def _nothing_special(_database: Database) -> Iterator[None]:
    yield


def test_verification_reads_one_moment_and_waits_for_nobody_who_writes(either: Database) -> None:
    _fill(either)
    with either.session() as other:
        lock_for_judging(other, either.is_sqlite)
        other.execute(text("UPDATE need SET outcome = 'escalated'"))
        other.execute(text("DELETE FROM rollup_day"))
        assert verify_sample(either, NOW, share=1.0) == []
        other.rollback()
