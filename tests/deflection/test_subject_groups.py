"""Requests that nobody searched for: what they are about, what language they are in, and that nothing is left out of the comparison."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from app.db import Database
from app.deflection import (
    Languages,
    ReportRequest,
    Thresholds,
    import_events,
    merge_subjects,
    name_subjects,
    recompute_due,
    report_of,
    tell_contacts,
)
from app.deflection.recording.contact_language import likely_language

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
AT = int(datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp() * 1000)


def _address(id: str) -> str:
    return f"{int.from_bytes(id.encode()):032x}"


def _ticket(id: str, subject: str, **fields: object) -> str:
    given = {"channel": "email", "requester": _address(id), **fields}
    return json.dumps(
        {"event_id": f"e-{id}", "type": "ticket", "ticket_id": id, "t_created": AT, "t_recv": AT, "subject": subject, **given}
    )


def _search(name: str, lang: str) -> str:
    given = {"search_id": name, "q": "something else", "mode": "submit", "n_results": 0, "visitor": name, "tab": name, "lang": lang}
    return json.dumps({"event_id": f"s-{name}", "type": "search", "t_recv": AT - 30 * 86_400_000, **given})


def _told(database: Database, lines: list[str], known: Languages | None = None) -> dict[str, tuple[str, int]]:
    import_events(database, lines)
    recompute_due(database, NOW)
    with database.session() as db:
        while tell_contacts(db, NOW, known):
            pass
        return {id: (lang, group) for id, lang, group in db.execute(text("SELECT ticket_id, lang, subject_group FROM contact"))}


def test_no_subject_is_too_rare_to_be_compared(either):
    crowd = [_ticket(f"c{i}", f"zq{i:04}x vw{i:04}y") for i in range(1200)]
    subjects = ("frozen payment card abroad", "payment card frozen abroad today", "card frozen abroad")
    rare = [_ticket(f"r{i}", words) for i, words in enumerate(subjects)]
    told = _told(either, crowd + rare)
    assert len({told[f"r{i}"][1] for i in range(3)}) == 1
    assert told["r0"][1] not in {told[f"c{i}"][1] for i in range(1200)}


def test_a_group_keeps_its_number_when_others_come(either):
    first = _told(either, [_ticket(f"a{i}", "invoice is missing") for i in range(3)])
    later = _told(either, [_ticket("b", "missing invoice"), *(_ticket(f"x{i}", f"other{i} thing{i}") for i in range(20))])
    assert first["a0"][1] == later["a0"][1] == later["b"][1] > 0


def test_groups_that_turn_out_to_be_one_are_one_in_the_morning(either):
    lines = [_ticket(f"a{i}", "parcel delivery late") for i in range(5)]
    told = _told(either, lines)
    told |= _told(either, [_ticket(f"b{i}", "parcels delivry lates") for i in range(5)])
    merged = merge_subjects(either, NOW)
    again = _told(either, [])
    assert merged == len({told["a0"][1], told["b0"][1]}) - 1
    assert again["a0"][1] == again["b0"][1]


def test_subjects_are_named_from_three_people_and_listed_from_five(either):
    lines = [_ticket(f"a{i}", "parcel is late") for i in range(6)] + [_ticket(f"b{i}", "my secret illness") for i in range(2)]
    _told(either, lines)
    with either.session() as db:
        name_subjects(db, NOW, 3)
        report = report_of(db, ReportRequest(4), NOW, Thresholds(5, 3))
    rows = [(row.name.text if row.name else None, row.tickets) for row in report.unsearched]
    # Two people in the common row would be too few: the only other row goes with them.
    assert rows == [(None, 8)]
    with either.session() as db:
        names = set(db.execute(text("SELECT label FROM subject_group")).scalars())
    assert names == {"parcel is late", ""}


def test_a_contact_that_changes_its_subject_or_turns_out_searched_for_is_told_anew(either):
    told = _told(either, [_ticket("a", "parcel is late")])
    assert told["a"][1] > 0
    visit = {"visitor": "v", "tab": "v", "search_id": "s", "q": "parcel late", "mode": "submit", "n_results": 0}
    lines = [
        json.dumps({"event_id": "s", "type": "search", "t_recv": AT - 1000, **visit}),
        json.dumps({"event_id": "i", "type": "identify", "t_recv": AT, "visitor": "v", "tab": "v", "requester": _address("a")}),
    ]
    assert _told(either, lines)["a"][1] == 0


def test_the_best_thing_known_about_a_sender_decides_the_language(either):
    known = Languages(("sv", "en", "he"), lambda ids: {"own": "he"}, lambda accounts: {"ruth": "ru"})
    lines = [
        _search("finn", "en"),
        _ticket("own", "order", account="ruth"),
        _ticket("of-account", "order", account="ruth"),
        _ticket("searched", "order", visitor="finn"),
        _ticket("letters", "order"),
        _ticket("hebrew", "הזמנה"),
    ]
    told = {id: lang for id, (lang, _) in _told(either, lines, known).items()}
    assert told == {"own": "he", "of-account": "ru", "searched": "en", "letters": "sv", "hebrew": "he"}


@pytest.mark.parametrize(
    ("subject", "offered", "language"),
    [
        ("Order", ("sv", "en"), "sv"),
        ("Order", ("ru", "en"), "en"),
        ("Заказ", ("en", "sv"), "ru"),
        ("Заказ", ("en", "uk"), "uk"),
        ("Beställning", ("en", "sv"), "sv"),
        ("Änderung", ("de", "sv"), "de"),
        ("12345", ("he", "en"), "he"),
        ("注文", ("en",), "en"),
    ],
)
def test_letters_speak_where_nothing_else_does(subject, offered, language):
    assert likely_language(subject, offered) == language
