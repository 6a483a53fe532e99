"""The commands that writers and operators type, as real processes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from operators_desk import PROJECT, Desk

from app.config import Settings
from app.portal import with_secret_key


def test_publish_says_what_changed_and_a_second_time_that_nothing_did(desk: Desk) -> None:
    first = desk.kb("publish")
    assert first.returncode == 0, first.stderr
    assert "Published revision" in first.stdout
    assert "added" in first.stdout
    assert "Nothing to publish" in desk.kb("publish").stdout


def test_a_refused_article_is_named_with_file_and_line_and_ends_publish_with_1(desk: Desk) -> None:
    desk.kb("publish")
    bad = desk.content / "articles/en/hire/broken.md"
    bad.write_text("---\ntitle: Broken\naudience: everybody\n---\nText.\n")
    desk.commit("An article with an unknown audience")
    done = desk.kb("publish")
    assert done.returncode == 1
    assert "articles/en/hire/broken.md:3: error:" in done.stdout
    assert "1 refused" in done.stdout


def test_check_names_problems_without_publishing(desk: Desk) -> None:
    bad = desk.content / "articles/en/hire/uncommitted.md"
    bad.write_text("---\nsummary: No title\n---\nText.\n")
    found = desk.kb("check", "--format", "json")
    assert found.returncode == 1
    assert any(p["path"].endswith("uncommitted.md") and p["level"] == "error" for p in json.loads(found.stdout))
    done = desk.kb("check", "--format", "github")
    assert done.stdout.startswith("::"), done.stderr
    assert not (desk.folder / "index" / "CURRENT").exists()


def test_accounts_are_added_listed_changed_and_disabled(desk: Desk) -> None:
    added = desk.kb("user", "add", "anna@example.com", "--role", "agent", "--name", "Anna", given="a long enough phrase\n")
    assert added.returncode == 0, added.stderr
    assert "anna@example.com" in desk.kb("user", "list").stdout
    assert "manager" in desk.kb("user", "set-role", "anna@example.com", "manager").stdout
    desk.kb("user", "disable", "anna@example.com")
    assert "(disabled)" in desk.kb("user", "list").stdout


def test_a_mistake_ends_with_a_sentence_and_exit_code_1_never_a_traceback(desk: Desk) -> None:
    for args in (("user", "disable", "nobody@example.com"), ("token", "revoke", "nothing"), ("privacy", "export", "not an address")):
        done = desk.kb(*args)
        assert done.returncode == 1, args
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("Error: ")


def test_commands_are_found_from_another_folder_when_flask_is_told_where_the_app_is(desk: Desk, tmp_path: Path) -> None:
    told = [sys.executable, "-m", "flask", "--app", str(PROJECT / "app"), "kb", "publish"]
    done = subprocess.run(told, cwd=tmp_path, env=desk.environment(), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    elsewhere = desk.environment()
    del elsewhere["HYLLA_CONTENT_REPOSITORY"]
    lost = subprocess.run(told, cwd=tmp_path, env=elsewhere, capture_output=True, text=True, timeout=120, check=False)
    assert lost.returncode == 1
    assert "HYLLA_CONTENT_REPOSITORY" in lost.stderr and "Traceback" not in lost.stderr


def test_the_database_stands_in_the_data_folder_unless_it_is_set(tmp_path: Path) -> None:
    def place(**given: str) -> str:
        return Settings.from_environ(given, tmp_path).resolved_database_url

    assert place() == f"sqlite:///{tmp_path}/var/hylla.sqlite3"
    assert place(HYLLA_DATA_FOLDER="mine") == f"sqlite:///{tmp_path}/mine/hylla.sqlite3"
    assert place(HYLLA_DATA_FOLDER="/srv/mine") == "sqlite:////srv/mine/hylla.sqlite3"
    assert place(HYLLA_DATA_FOLDER="mine", HYLLA_DATABASE_URL="sqlite:///other.sqlite3") == f"sqlite:///{tmp_path}/other.sqlite3"


@pytest.mark.parametrize(
    ("spoil", "command", "said"),
    [
        (lambda desk: (desk.folder / "index").write_text("x"), "publish", "HYLLA_INDEX_FOLDER"),
        (lambda desk: file_in_place_of(desk.folder / "var"), "publish", "HYLLA_DATA_FOLDER"),
        (lambda desk: spoiled_database(desk).write_bytes(b"no database at all" * 99), "user list", "file is not a database"),
        (lambda desk: spoiled_database(desk).write_bytes(b"no database at all" * 99), "serve --port {port}", "HYLLA_DATABASE_URL"),
        (lambda desk: with_schema(spoiled_database(desk), "CREATE TABLE users (id)"), "serve --port {port}", "already exists"),
        (
            lambda desk: with_schema(database_of(desk), "ALTER TABLE tickets RENAME subject TO was_subject"),
            "serve --port {port}",
            "lacks tickets.subject",
        ),
        (
            lambda desk: with_schema(database_of(desk), "UPDATE alembic_version SET version_num = '9999'"),
            "serve --port {port}",
            "another version",
        ),
    ],
    ids=["index", "data", "no database", "no database to serve", "foreign tables", "earlier tables", "later tables"],
)
def test_what_cannot_be_used_is_named_with_what_to_do(
    desk: Desk, spoil: Callable[[Desk], object], command: str, said: str, port: int
) -> None:
    spoil(desk)
    done = desk.kb(*command.format(port=port).split(" "))
    assert done.returncode == 1
    assert said in done.stderr and "Traceback" not in done.stderr, done.stderr


def file_in_place_of(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("x")


def database_of(desk: Desk) -> Path:
    return desk.folder / "var/hylla.sqlite3"


def spoiled_database(desk: Desk) -> Path:
    shutil.rmtree(desk.folder / "var")
    (desk.folder / "var").mkdir()
    return database_of(desk)


def with_schema(file: Path, change: str) -> None:
    with sqlite3.connect(file) as database:
        database.execute(change)
    database.close()


def test_a_port_that_is_taken_and_a_theme_that_is_gone_end_serve_with_a_sentence(desk: Desk, port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = desk.kb("serve", "--port", str(other.getsockname()[1]))
    assert taken.returncode == 1 and "choose another one" in taken.stderr and "Traceback" not in taken.stderr
    plain = desk.kb("serve", "--port", str(port), HYLLA_BRAND_FILE=str(desk.folder / "none.toml"))
    assert plain.returncode == 1 and "none.toml is missing" in plain.stderr and "Traceback" not in plain.stderr


def test_a_bare_clone_that_is_to_be_served_from_disk_removes_no_article(desk: Desk) -> None:
    desk.kb("publish")
    desk.git("clone", "-q", "--bare", ".", str(desk.folder / "bare"))
    done = desk.kb("publish", HYLLA_CONTENT_REPOSITORY=str(desk.folder / "bare"), HYLLA_CONTENT_WORKTREE="1")
    assert done.returncode == 1 and "leave HYLLA_CONTENT_WORKTREE out" in done.stderr


def test_a_file_of_tickets_that_is_no_text_is_refused_by_line(desk: Desk) -> None:
    file = desk.folder / "tickets.jsonl"
    file.write_bytes(b"\xff\xfe\x00\n{}\n")
    done = desk.kb("tickets", "import", str(file))
    assert done.returncode == 1 and "line 1: not written in UTF-8" in done.stderr + done.stdout and "Traceback" not in done.stderr


def test_all_problems_of_settings_are_reported_together(desk: Desk) -> None:
    done = desk.kb("settings", HYLLA_LOCALES="en,xx-yy", HYLLA_BASE_URL="nowhere", HYLLA_UPLOAD_MAX_MB="many", HYLLA_NOSUCH="1")
    assert done.returncode == 1
    for name in ("HYLLA_LOCALES", "HYLLA_BASE_URL", "HYLLA_UPLOAD_MAX_MB", "HYLLA_NOSUCH"):
        assert name in done.stderr


def test_settings_lists_every_option_but_no_secret(desk: Desk) -> None:
    secret = "a secret that nobody may read anywhere"
    done = desk.kb("settings", HYLLA_SECRET_KEY=secret)
    assert "HYLLA_SATISFIED_SECONDS=30" in done.stdout
    assert secret not in done.stdout


def test_events_are_imported_whole_or_not_at_all_and_only_once(desk: Desk) -> None:
    event = {"type": "search", "event_id": "e1", "t_client": 1, "t_sent": 1, "t_recv": 1700000000000, "visitor": "v1", "tab": "t1", "account": None,
             "ua": "Mozilla/5.0", "search_id": "s1", "q": "reset password", "mode": "submit", "n_results": 0, "results": []}  # fmt: skip
    good, bad = json.dumps(event), json.dumps({**event, "event_id": "e2", "type": "serch"})
    refused = desk.kb("events", "import", "-", given=f"{good}\n{bad}\n")
    assert refused.returncode == 1
    assert "2" in refused.stderr
    assert desk.kb("outcomes", "export").stdout == ""
    assert "1 new" in desk.kb("events", "import", "-", given=f"{good}\n").stdout
    assert "0 new" in desk.kb("events", "import", "-", given=f"{good}\n").stdout
    rows = [json.loads(line) for line in desk.kb("outcomes", "export").stdout.splitlines()]
    assert [(r["search_id"], r["outcome"], r["rule"]) for r in rows] == [("s1", "abandoned_no_results", "R10")]


def test_searching_on_the_terminal_explains_itself(desk: Desk) -> None:
    desk.kb("publish")
    done = desk.kb("search", "unlock bike", "--explain")
    assert done.returncode == 0, done.stderr
    assert "unlock-a-bike" in done.stdout
    assert "“unlock” in the title" in done.stdout
    assert "Nothing found" in desk.kb("search", "qqqqzzzz").stdout
    assert "Also searched, as synonyms: bicycle, cycle\n" in desk.kb("search", "unlock bike").stdout
    slip = desk.kb("search", "unlokc bike").stdout
    assert slip.startswith("Searched for “unlock bike” instead.\nAlso searched, as synonyms: bicycle, cycle\n")
    assert "has no word that could be searched" in desk.kb("search", "?!").stderr
    assert "choose one of en" in desk.kb("search", "bike", "--locale", "xx").stderr


def test_check_runs_search_tests_and_names_idle_synonyms_each_with_its_line(desk: Desk) -> None:
    tests = desk.content / "articles/en/search-tests.yml"
    tests.write_text(
        tests.read_text() + "- {query: unlock, expect: unlock-a-bike}\n- {query: unlock, expect: what-a-hire-costs, within: 1}\n"
    )
    synonyms = desk.content / "articles/en/synonyms.yml"
    synonyms.write_text("- same: [bike, bikes]\n" + synonyms.read_text())
    found = desk.kb("check")
    assert found.returncode == 1
    lines = len(tests.read_text().splitlines())
    assert f"search-tests.yml:{lines}: error: search “unlock” should find what-a-hire-costs in the first 1, but it " in found.stdout
    assert "unlock-a-bike scores " in found.stdout
    assert "synonyms.yml:1: warning: all words here are the same to the search" in found.stdout


def test_replay_on_a_new_machine_says_that_nobody_has_searched(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.kb("publish")
    done = desk.kb("replay")
    assert done.returncode == 0, done.stderr
    assert "Nobody has searched in the last 30d" in done.stdout


def _search(number: int, query: str, at: datetime) -> str:
    """A search event of a visitor of its own, as `events import` reads it."""
    when = int(at.timestamp() * 1000)
    return json.dumps(
        {"type": "search", "event_id": f"e{number}", "t_client": when, "t_sent": when, "t_recv": when, "visitor": f"v{number}", "tab": f"t{number}",
         "account": None, "ua": "Mozilla/5.0", "search_id": f"s{number}", "q": query, "mode": "submit", "n_results": 0, "results": [],
         "lang": "en"}
    )  # fmt: skip


def _read(number: int, article: str, at: datetime) -> str:
    """The article opened from that search, and read for half a minute."""
    opened, left = (int((at + timedelta(seconds=seconds)).timestamp() * 1000) for seconds in (5, 40))
    whose = {"visitor": f"v{number}", "tab": f"t{number}", "account": None, "ua": "Mozilla/5.0", "view_id": f"w{number}"}
    view = {"type": "view", "event_id": f"o{number}", "article": article, "source": "search", "search_id": f"s{number}", "sat_ms": 10_000}
    dwell = {"type": "dwell", "event_id": f"d{number}", "active_ms": 30_000}
    times = ({"t_client": t, "t_sent": t, "t_recv": t} for t in (opened, left))
    return "\n".join(json.dumps(whose | said | when) for said, when in zip((view, dwell), times, strict=True))


def test_replay_names_the_place_of_what_answered_before_and_after(desk: Desk) -> None:
    desk.kb("publish")
    at = datetime.now(UTC) - timedelta(days=2)
    lines = (f"{_search(n, 'unlock', at)}\n{_read(n, 'unlock', at)}\n" for n in range(3))
    desk.kb("events", "import", "-", given="".join(lines))
    desk.kb("work", "--once", HYLLA_LEARNED_PHRASES="0")
    (desk.content / "articles/en/hire/unlock-a-bike.md").write_text("---\ntitle: Begin a ride\nid: unlock\n---\nScan the code.\n")
    report = desk.content / "articles/en/hire/report-a-crash.md"
    report.write_text(report.read_text().replace("title: ", "title: Unlock, or "))
    desk.commit("other words")
    done = desk.kb("replay", HYLLA_LEARNED_PHRASES="0")
    assert "breaks     3 × “unlock”: unlock answered it, place 1 → not in the first 20; first unlock-a-bike → report-a-crash" in done.stdout


def test_replay_lists_what_a_branch_fixes_and_breaks(desk: Desk) -> None:
    assert "Nothing has been published yet" in desk.kb("replay").stderr
    desk.kb("publish")
    nothing = desk.kb("replay")
    assert nothing.returncode == 0 and "nothing to replay" in nothing.stdout
    at = datetime.now(UTC) - timedelta(days=2)
    desk.kb("events", "import", "-", given="".join(f"{_search(n, q, at)}\n" for n, q in enumerate(("crash", "snorkel"))))
    desk.kb("work", "--once")
    desk.git("checkout", "-q", "-b", "draft")
    (desk.content / "articles/en/hire/unlock-a-bike.md").write_text("---\ntitle: Snorkel\n---\nAbout snorkels.\n")
    desk.commit("another article")
    desk.git("checkout", "-q", "-")
    done = desk.kb("replay", "--since", "7d", "--branch", "draft")
    assert "fixes      1 × (a search of few people): first nothing → unlock-a-bike" in done.stdout
    assert "Replayed 2 different searches: fixes 1, breaks 0." in done.stdout
    assert done.returncode == 0, done.stderr
    desk.git("rm", "-q", "-r", "articles/en/hire")
    desk.commit("no article about bikes")
    broken = desk.kb("replay", "--since", "7d")
    assert broken.returncode == 1
    assert "breaks 1." in broken.stdout and "first report-a-crash → nothing" in broken.stdout
    unknown = desk.kb("replay", "--branch", "nowhere")
    assert unknown.returncode == 1 and "There is no branch “nowhere”" in unknown.stderr
    assert "write for example 12h, 30d or 8w" in desk.kb("replay", "--since", "long").stderr


def test_work_once_does_what_is_due_and_ends(desk: Desk) -> None:
    assert desk.kb("work", "--once").returncode == 0
    assert (desk.folder / "index" / "CURRENT").exists()


def test_erasing_a_person_leaves_no_byte_of_their_address_in_the_database(desk: Desk) -> None:
    desk.kb("user", "add", "unique.person@example.com", given="\n")
    done = desk.kb("privacy", "erase", "unique.person@example.com", "--yes")
    assert done.returncode == 0, done.stderr
    for path in (desk.folder / "var").rglob("*"):
        assert not path.is_file() or b"unique.person" not in path.read_bytes(), path


def test_migrations_leave_exactly_the_tables_that_the_models_describe(desk: Desk) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    import app.accounts
    import app.deflection
    import app.tickets  # noqa: F401
    from app.db import Base, open_database

    database = open_database(f"sqlite:///{desk.folder / 'var' / 'hylla.sqlite3'}")
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    database.close()
    assert sqlite3.connect(desk.folder / "var" / "hylla.sqlite3").execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_developers_env_file_is_read_by_the_portal_and_left_out_by_tests(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HYLLA_LOCALES=fi\n")
    assert Settings.from_environ({}, root=tmp_path).locales == ("fi",)
    assert Settings.from_environ({"FLASK_SKIP_DOTENV": "1"}, root=tmp_path).locales[0] == "en"
    assert Settings.from_environ({"HYLLA_LOCALES": "sv"}, root=tmp_path).locales == ("sv",), "the environment counts more than the file"


def test_the_data_folder_is_private(tmp_path: Path) -> None:
    with_secret_key(Settings(root=tmp_path))
    assert (tmp_path / "var").stat().st_mode & 0o077 == 0


def test_tickets_are_imported_with_how_far_the_feed_is_complete(desk: Desk) -> None:
    file = desk.folder / "desk.jsonl"
    file.write_text(
        json.dumps({"ticket_id": "d-1", "t_created": 1_700_000_000_000, "subject": "Lock jammed", "requester": "a@example.com"})
    )
    done = desk.kb("tickets", "import", str(file), "--complete-to", "2026-01-31T12:00:00+01:00")
    assert done.returncode == 0, done.stderr
    assert "2 new event(s)" in done.stdout
    again = desk.kb("tickets", "import", str(file), "--complete-to", "1769857200000")
    assert "0 new event(s)" in again.stdout, "milliseconds name the same moment"
    refused = desk.kb("tickets", "import", str(file), "--complete-to", "yesterday")
    assert refused.returncode == 1
    assert "neither milliseconds since 1970 nor a date and time" in refused.stderr
    assert "lies in the future" in desk.kb("tickets", "import", str(file), "--complete-to", "2999-01-01").stderr


def test_a_start_imports_without_looking_for_garbage_and_without_what_no_start_needs(tmp_path: Path) -> None:
    (tmp_path / "watchful.py").write_text("import gc\nCOLLECTING = gc.isenabled()\n")
    code = (
        "import gc, sys; from app.cli import imported; watchful = imported('watchful');"
        "assert gc.isenabled() and not watchful.COLLECTING and gc.get_freeze_count() > 1000;"
        "imported('app.cli.running'); imported('app.web.serving.server'); assert 'simplemma' not in sys.modules and 'alembic' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": f"{PROJECT}{os.pathsep}{tmp_path}"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
