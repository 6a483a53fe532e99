"""Events in, outcomes out: all or nothing of a file, once however often, and nothing lost when the machine is pulled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from app.db import Base, Database, open_database
from app.deflection import (
    InvalidImport,
    InvalidRulebook,
    Rulebook,
    export_outcomes,
    export_rates,
    import_events,
    import_tickets,
    recompute_due,
    verify_sample,
)
from app.deflection.recording.simulate import stream, subjects
from tests.deflection.story import CASES, START, Story

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


def as_lines(events: list[dict]) -> list[str]:
    return [json.dumps(event, ensure_ascii=False) + "\n" for event in events]


def count(database: Database, table: str = "event") -> int:
    with database.session() as db:
        return int(db.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


GOOD = as_lines(Story().search(0, "s1").view(3, "w1", "s1", read=60).events)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "no JSON"),
        ("[1]", "object"),
        ('{"type":"search"}', "missing"),
        ('{"type":"telepathy","event_id":"e","t_recv":1}', "unknown event type"),
        (GOOD[0].replace('"mode"', '"moed"'), "mode is missing"),
        ('{"type":"search","q":"' + "x" * 70_000 + '"}', "longer"),
        ("[" * 50_000, "no JSON"),
        ('{"type":"identify","event_id":"e","t_recv":1,"requester":"anna@example.com"}', "keyed hash"),
    ],
)
def test_a_bad_line_is_refused_by_its_number_and_nothing_of_the_file_is_applied(database: Database, line: str, complaint: str) -> None:
    with pytest.raises(InvalidImport) as refused:
        import_events(database, [*GOOD, "\n", line + "\n", *GOOD])
    assert list(refused.value.errors) == [str(len(GOOD) + 2)]
    assert complaint in refused.value.errors[str(len(GOOD) + 2)]
    assert f"line {len(GOOD) + 2}:" in str(refused.value)
    assert count(database) == 0


def test_fields_that_events_do_not_have_are_named_and_left_out(database: Database) -> None:
    lines = as_lines([dict(Story().search(0, "s1").events[0], truth="answered", acount="a1")])
    report = import_events(database, lines)
    assert (report.new, report.ignored) == (1, {"truth": 1, "acount": 1})
    assert next(iter(export_outcomes(database)))["link_class"] == 1


def test_a_whole_number_may_be_written_with_a_point(database: Database) -> None:
    story = Story().search(0, "s1").view(3, "w1", "s1", read=60).vote(70, 1, view_id="w1")
    written = [{k: float(v) if type(v) is int else v for k, v in event.items()} for event in story.events]
    assert import_events(database, as_lines(written)).new == len(written)
    (line,) = export_outcomes(database)
    assert (line["outcome"], line["final_at"]) == ("answered_confirmed", START + 70_000 + 8 * 86_400_000)
    assert isinstance(line["final_at"], int)


def test_bad_lines_can_be_skipped_and_are_counted(database: Database) -> None:
    report = import_events(database, ["nonsense\n", *GOOD, b"\xff\xfe\n"], skip_bad=True)
    assert (report.lines, report.events, report.new, report.bad, list(report.refused)) == (5, 3, 3, 2, [1, 5])


def test_importing_a_file_twice_changes_nothing(either: Database) -> None:
    seen: list[int] = []
    assert import_events(either, GOOD, progress=seen.append).new == 3
    recompute_due(either, NOW)
    before = list(export_outcomes(either))
    assert import_events(either, GOOD).new == 0
    recompute_due(either, NOW)
    assert list(export_outcomes(either)) == before
    assert seen[-1] == 3
    assert count(either, "outcome_ledger") == 1


def test_an_export_line_has_the_specified_fields(database: Database) -> None:
    story = Story().search(0, "s1", "pass", mode="type").search(1, "s2", "password", mode="type")
    import_events(database, as_lines(story.events))
    (line,) = export_outcomes(database)
    need = line.pop("need")
    assert isinstance(need, str) and need
    assert line == {
        "search_id": "s2",
        "members": ["s1", "s2"],
        "outcome": "abandoned_with_results",
        "rule": "R11",
        "state": "final",
        "final_at": START + 1000 + 8 * 86_400_000,
        "link_class": 1,
        "post_ticket": False,
    }


def test_an_export_as_of_a_moment_knows_only_what_had_been_received(database: Database) -> None:
    case = next(c for c in CASES if "two days late" in c["name"])
    import_events(database, as_lines(case["events"]))
    ticket = max(e["t_recv"] for e in case["events"])
    before, after = (next(iter(export_outcomes(database, as_of=t))) for t in (ticket - 1, ticket))
    assert (before["outcome"], after["outcome"]) == ("answered_likely", "escalated")
    assert before["state"] == after["state"] == "provisional"
    assert before["need"] == after["need"]
    assert next(iter(export_outcomes(database)))["state"] == "final"
    assert list(export_outcomes(database, as_of=0)) == []


def test_a_feed_is_never_known_complete_later_than_it_told_us(database: Database) -> None:
    story = Story().search(0, "s1")
    Story.add(story, 60, "watermark", source="desk", t_complete=START + 30 * 86_400_000)
    import_events(database, as_lines(story.events))
    rules = Rulebook(require_watermark=True)
    (line,) = export_outcomes(database, as_of=START + 9 * 86_400_000, config=rules)
    assert line["state"] == "provisional"
    later = Story(prefix="y").add(8 * 86_400, "watermark", source="desk", t_complete=START + 8 * 86_400_000)
    import_events(database, as_lines(later.events))
    (line,) = export_outcomes(database, as_of=START + 9 * 86_400_000, config=rules)
    assert line["state"] == "final"


def test_events_of_nobody_are_judged_again_like_all_others(either: Database) -> None:
    nobody = Story(visitor=None, tab=None, prefix="n").search(0, "s1").view(3, "w1", "s1").form(9, "f1")
    nobody.add(20, "identify", requester="r1")
    for _ in range(2):
        import_events(either, as_lines(nobody.events))
        recompute_due(either, NOW)
        assert count(either, "dirty") == 0
        assert verify_sample(either, NOW, share=1.0) == []
    assert count(either, "need") == 3


def test_an_id_told_by_two_people_on_one_browser_is_a_need_of_each(database: Database) -> None:
    stories = [Story("v1", "t1", account, prefix=account).search(at, "s1") for account, at in (("acc1", 0), ("acc2", 7200))]
    for story in stories:
        import_events(database, as_lines(story.events))
        recompute_due(database, NOW)
    assert count(database, "need") == count(database, "need_search") == len(list(export_outcomes(database))) == 2
    assert verify_sample(database, NOW, share=1.0) == []


def test_an_export_with_other_thresholds_judges_by_them(database: Database) -> None:
    import_events(database, GOOD)
    (line,) = export_outcomes(database, config=Rulebook.from_mapping({"sat_ms": 61_000}))
    assert line["outcome"] == "abandoned_with_results"
    with pytest.raises(InvalidRulebook) as refused:
        Rulebook.from_mapping({"sat_ms": -1, "similar": 2, "tempo": 3, "require_watermark": 1})
    assert set(refused.value.errors) == {"sat_ms", "similar", "tempo", "require_watermark"}


def test_judging_component_by_component_is_judging_all_at_once(database: Database) -> None:
    from app.deflection.judging.outcomes import judge
    from app.deflection.recording.events import parse_event

    simulated = stream(7, subjects(30), 400, START, 20)
    import_events(database, as_lines(simulated.events))
    recompute_due(database, NOW)
    judgement = judge(map(parse_event, simulated.events), Rulebook())
    whole = {s.search_id: (*v.outcome_of_search(s), v.final_at, v.post_ticket) for v in judgement.verdicts for s in v.need.searches}
    exported = {o["search_id"]: (o["rule"], o["outcome"], o["final_at"], o["post_ticket"]) for o in export_outcomes(database)}
    with database.session() as db:
        stored = {row[0]: (row[1], row[2]) for row in db.execute(text("SELECT search_id, rule, outcome FROM need_search"))}
    assert len(whole) > 400
    assert whole == exported
    assert {search: found[:2] for search, found in whole.items()} == stored


# --------------------------------------------------------------------------------------------------------------- pulled plugs

_CHILD = """
import sys
from datetime import UTC, datetime
from app.db import open_database
from app.deflection import import_events, recompute_due
from app.deflection.judging import ledger
from app.deflection.recording import exchange
what, url, path = sys.argv[1:]
exchange.BATCH = 50
database = open_database(url)
print("ready", flush=True)
if what == "import":
    import_events(database, open(path), progress=lambda n: print(n, flush=True))
else:
    batch = ledger._recompute_some
    def told(*given):
        done = batch(*given)
        print(done, flush=True)
        return done
    ledger._recompute_some = told
    recompute_due(database, datetime(2026, 5, 1, tzinfo=UTC), batch=5)
print("end", flush=True)
"""


def killed(what: str, url: str, path: Path, after: int) -> bool:
    """Run a step in a process of its own and kill it after some lines of progress; False when it had ended before."""
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, what, url, str(path)], stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert child.stdout is not None
    last = b""
    for _ in range(after + 1):
        last = child.stdout.readline()
        if last in (b"", b"end\n"):
            break
    child.send_signal(signal.SIGKILL)
    child.stdout.close()
    child.wait()
    return last not in (b"", b"end\n")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_killing_import_and_recomputation_loses_nothing_and_doubles_nothing(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path}/events.sqlite3"
        database = open_database(url)
        Base.metadata.create_all(database.engine)
    else:
        url, database = request.getfixturevalue("postgres_url"), request.getfixturevalue("postgres")
    events = stream(3, subjects(10), 90, START, 10).events
    path = tmp_path / "events.jsonl"
    path.write_text("".join(as_lines(events)))
    for after in (1, 5) if kind == "sqlite" else (3,):
        assert killed("import", url, path, after)
    assert 0 < count(database) < len(events), "it was killed in the middle"
    with path.open() as lines:
        import_events(database, lines)
    assert count(database) == len(events)
    for after in (1, 1) if kind == "sqlite" else (2,):
        assert killed("judge", url, path, after)
    assert count(database, "dirty") > 0
    recompute_due(database, NOW)
    assert count(database, "dirty") == 0
    assert verify_sample(database, NOW, share=1.0) == []
    reference = open_database("sqlite://")
    Base.metadata.create_all(reference.engine)
    import_events(reference, as_lines(events))
    recompute_due(reference, NOW)
    for table in ("need", "need_search", "need_view", "need_ticket", "contact", "visitor_session", "rollup_day"):
        assert count(database, table) == count(reference, table), table
    assert sorted(map(str, export_outcomes(database))) == sorted(map(str, export_outcomes(reference)))
    reference.close()
    database.close()


# -------------------------------------------------------------------------------------------------------- other people's tickets


def test_tickets_of_another_helpdesk_come_in_once_with_their_state(either: Database) -> None:
    import_events(either, as_lines(Story(account="acc1").search(0, "s1").add(5, "identify", requester="x").events), key="k" * 32)
    known = Story(account="acc1", prefix="i").add(1, "identify", requester="anna@example.com").events
    import_events(either, as_lines(known), key="k" * 32)
    rows = [
        {
            "ticket_id": "z1",
            "t_created": START + 3_600_000,
            "subject": "reset password",
            "requester": "Anna@example.com",
            "channel": "email",
        },
        {"ticket_id": "z2", "t_created": "2023-11-15T00:00:00Z", "subject": "buy followers", "status": "spam"},
    ]
    for _ in range(2):
        report = import_tickets(either, as_lines(rows), NOW, "k" * 32, complete_to=NOW)
        recompute_due(either, NOW)
    assert (report.events, report.new) == (4, 0)
    assert [o["outcome"] for o in export_outcomes(either)] == ["escalated"]
    rows[0]["status"] = "spam"
    assert import_tickets(either, as_lines(rows), NOW, "k" * 32).new == 1
    recompute_due(either, NOW)
    assert [o["outcome"] for o in export_outcomes(either)] == ["abandoned_with_results"]
    with either.session() as db:
        assert "anna" not in " ".join(db.execute(text("SELECT body FROM event")).scalars()).casefold()


def test_tickets_come_from_csv_as_well(database: Database) -> None:
    file = [
        "ticket_id,t_created,subject,channel,requester,status\r\n",
        'c1,2026-01-02 10:00+02:00,"lost card, again",phone,,solved\r\n',
        "c2,1767340800000,hello,email,anna@example.com,\r\n",
    ]
    assert import_tickets(database, file, NOW, "k" * 32, csv=True).new == 3
    recompute_due(database, NOW)
    with database.session() as db:
        found = db.execute(text("SELECT ticket_id, subject, channel, status, t FROM contact ORDER BY ticket_id")).all()
    assert [tuple(row) for row in found] == [
        ("c1", "lost card, again", "phone", "solved", 1767340800000),
        ("c2", "hello", "email", "open", 1767340800000),
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"ticket_id": "z1"},
        {"t_created": START},
        {"ticket_id": "z1", "t_created": "yesterday"},
        {"ticket_id": "z1", "t_created": START, "status": "lost"},
        {"ticket_id": "z1", "t_created": START, "colour": "red"},
        {"ticket_id": "z1", "t_created": START, "direction": "sideways"},
    ],
)
def test_a_wrong_ticket_is_refused_by_its_line_and_nothing_is_applied(database: Database, row: dict) -> None:
    good = {"ticket_id": "z0", "t_created": START}
    with pytest.raises(InvalidImport) as refused:
        import_tickets(database, as_lines([good, row]), NOW, "k" * 32)
    assert list(refused.value.errors) == ["2"]
    assert count(database) == 0


def test_rates_count_a_click_only_where_there_were_results_and_a_solved_form_only_where_answers_were_shown(database: Database) -> None:
    # The page without results offered something else, which was opened: no click on a result.
    empty = Story("v1").search(0, "s1", "vat invoice").search(5, "s2", "vat invoices", n=0).view(9, "w1", "s2")
    solved = (
        Story("v2", prefix="b")
        .form(0, "f1")
        .add(1, "suggest", form_id="f1", articles=["a1"], shown=True)
        .vote(9, 1, "solved", form_id="f1")
    )
    left = Story("v3", prefix="c").form(0, "f2").add(1, "suggest", form_id="f2", articles=["a1"], shown=True)
    hidden = Story("v4", prefix="d").form(0, "f3").add(1, "suggest", form_id="f3", articles=["a1"], arm="holdout")
    for story in (empty, solved, left, hidden):
        import_events(database, as_lines(story.events))
    rates = export_rates(database)["rates"]
    assert (rates["click_through_rate"]["count"], rates["click_through_rate"]["base"]) == (0, 1)
    assert (rates["narrow_form_rate"]["count"], rates["narrow_form_rate"]["base"]) == (1, 2)
