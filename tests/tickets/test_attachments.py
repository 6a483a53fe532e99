"""Files: judged by what they are, kept under names of ours, counted, and swept."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from app.db import Database
from app.tickets import (
    AttachmentNotFound,
    AttachmentRefused,
    AttachmentRules,
    Author,
    TicketDraft,
    add_note,
    check_amount,
    check_attachment,
    files_of_draft,
    find_attachment,
    forget_draft,
    forget_old_drafts,
    keep_draft,
    keep_in_draft,
    store_file,
    submit,
    sweep_files,
)
from app.tickets.attachments import clean_name

from .conftest import NOW

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + bytes(64) + b"\xff\xd9"
PDF = b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\ntrailer\n<< >>\n%%EOF\n"
ZIP = b"PK\x03\x04" + bytes(60)
MP4 = bytes.fromhex("00000018667479706d703432") + bytes(40)
RULES = AttachmentRules(max_bytes=2000, max_files=2, quota_bytes=5000)


@pytest.mark.parametrize(
    ("name", "data", "media_type"),
    [
        ("a.png", PNG, "image/png"),
        ("A.JPEG", JPEG, "image/jpeg"),
        ("terms.pdf", PDF, "application/pdf"),
        ("log.txt", "Fel: kortet nekades\nשלום".encode(), "text/plain"),
        ("rows.csv", b"a;b\n1;2\n", "text/plain"),
        ("all.zip", ZIP, "application/zip"),
        ("letter.docx", ZIP, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("clip.mp4", MP4, "video/mp4"),
    ],
)
def test_the_type_comes_from_the_content(name: str, data: bytes, media_type: str) -> None:
    assert check_attachment(name, data, 10_000) == media_type


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.png", b"", "empty"),
        ("a.png", PNG + bytes(20_000), "too_big"),
        ("a.png", PDF, "type"),
        ("a.pdf", PNG, "type"),
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "type"),
        ("a.txt", b"<html><script>alert(1)</script></html>", "type"),
        ("a.txt", b"  \n<!DOCTYPE html><p>", "type"),
        ("a.png", b"<?xml version='1.0'?><svg/>", "type"),
        ("run.exe", b"MZ" + bytes(100), "type"),
        ("run.txt", b"MZ" + bytes(100), "type"),
        ("run.png", b"\x7fELF" + bytes(100), "type"),
        ("run.txt", b"#!/bin/sh\nrm -rf /\n", "type"),
        ("noname", PNG, "type"),
        ("a.png.html", PNG, "type"),
        ("macro.docm", ZIP, "type"),
        ("a.txt", b"\xff\xfe\x00binary", "type"),
    ],
)
def test_what_is_not_on_the_list_or_not_what_its_name_says_is_refused(name: str, data: bytes, code: str) -> None:
    with pytest.raises(AttachmentRefused) as caught:
        check_attachment(name, data, 10_000)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\dana\\screen.png", "screen.png"),
        ("a\r\nSet-Cookie: x.png", "aSet-Cookie_ x.png"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("..", "file"),
        ("", "file"),
        ("קבלה.pdf", "קבלה.pdf"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_a_name_cannot_lead_anywhere_or_lie_about_its_end(given: str, kept: str) -> None:
    assert clean_name(given) == kept


def test_a_file_is_kept_under_a_name_that_nobody_can_guess(tmp_path: Path) -> None:
    stored = store_file(tmp_path / "attachments", "../screen.png", PNG, RULES)
    (path,) = (tmp_path / "attachments").iterdir()
    assert path.name == stored.id
    assert len(stored.id) == 32
    assert stored.name == "screen.png"
    assert path.read_bytes() == PNG
    assert path.stat().st_mode & 0o077 == 0


def test_too_many_and_too_much_in_a_day_are_refused_by_name(database: Database, tmp_path: Path) -> None:
    files = [store_file(tmp_path, f"{n}.txt", b"x" * 1900, RULES) for n in range(4)]
    with database.durable_session() as db:
        with pytest.raises(AttachmentRefused) as many:
            check_amount(db, "dana@example.com", files[:3], RULES, NOW)
        assert (many.value.code, many.value.name) == ("too_many", "2.txt")
        submit(db, TicketDraft("s", "m", "Dana@example.com", "k", attachments=tuple(files[:2])), NOW)
        check_amount(db, "other@example.com", files[2:], RULES, NOW)
        with pytest.raises(AttachmentRefused) as much:
            check_amount(db, "dana@example.com", files[2:], RULES, NOW + timedelta(hours=23))
        assert (much.value.code, much.value.name) == ("quota", "3.txt")
        check_amount(db, "dana@example.com", files[2:], RULES, NOW + timedelta(hours=25))


def test_files_of_a_draft_move_into_the_request(database: Database, tmp_path: Path) -> None:
    stored = store_file(tmp_path, "screen.png", PNG, RULES)
    with database.durable_session() as db:
        keep_in_draft(db, "draft-1", [stored], "dana@example.com", NOW)
        assert files_of_draft(db, "draft-1") == [stored]
        assert files_of_draft(db, "draft-2") == []
        ticket = submit(db, TicketDraft("s", "m", "dana@example.com", "k", attachments=(stored,)), NOW).ticket
        forget_draft(db, "draft-1")
        assert find_attachment(db, ticket.id, stored.id, with_notes=False) == stored


def test_a_file_is_found_only_through_its_own_request_and_notes_stay_inside(database: Database, tmp_path: Path) -> None:
    one, two = (store_file(tmp_path, f"{n}.png", PNG, RULES) for n in "ab")
    with database.durable_session() as db:
        mine = submit(db, TicketDraft("s", "m", "dana@example.com", "k1", attachments=(one,)), NOW).ticket
        other = submit(db, TicketDraft("s", "m", "other@example.com", "k2", attachments=(two,)), NOW).ticket
        add_note(db, mine.number, Author("Noam", "u"), "note", "n", NOW)
        for ticket, file in ((mine, two), (other, one)):
            with pytest.raises(AttachmentNotFound):
                find_attachment(db, ticket.id, file.id, with_notes=True)
        with pytest.raises(AttachmentNotFound):
            find_attachment(db, mine.id, "../secret_key", with_notes=True)


def test_files_without_a_row_are_swept_after_a_day_and_others_never(database: Database, tmp_path: Path) -> None:
    kept, orphan, fresh = (store_file(tmp_path, f"{n}.png", PNG, RULES) for n in "abc")
    old = NOW.timestamp() - 3 * 86400
    for file in (kept, orphan):
        os.utime(tmp_path / file.id, (old, old))
    os.utime(tmp_path / fresh.id, (NOW.timestamp(), NOW.timestamp()))
    with database.durable_session() as db:
        submit(db, TicketDraft("s", "m", "dana@example.com", "k", attachments=(kept,)), NOW)
        assert sweep_files(db, tmp_path, NOW) == 1
    assert {p.name for p in tmp_path.iterdir()} >= {kept.id, fresh.id}
    assert not (tmp_path / orphan.id).exists()


def test_old_drafts_go_with_their_files_and_agents_drafts_stay_longer(database: Database, tmp_path: Path) -> None:
    stored = store_file(tmp_path, "screen.png", PNG, RULES)
    with database.durable_session() as db:
        keep_draft(db, "form-1", {"subject": "a"}, NOW)
        keep_in_draft(db, "form-1", [stored], "dana@example.com", NOW)
        keep_draft(db, "agent/tkt-1/u/text", {"text": "b"}, NOW)
        assert forget_old_drafts(db, NOW + timedelta(days=1)) == 0
        assert forget_old_drafts(db, NOW + timedelta(days=3)) == 1
        assert files_of_draft(db, "form-1") == []
        assert forget_old_drafts(db, NOW + timedelta(days=31)) == 1
