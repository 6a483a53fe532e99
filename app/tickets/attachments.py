"""Files that come with messages: judged by their content, kept under generated names, never opened, only ever handed out as downloads."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

import puremagic
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.errors import Invalid, NotFound
from app.tickets.models import AttachmentRow, MessageRow, TicketRow
from app.tickets.values import MessageKind, StoredFile

ALLOWED: dict[str, tuple[str, ...]] = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "image/heic": (".heic", ".heif"),
    "application/pdf": (".pdf",),
    "text/plain": (".txt", ".log", ".csv"),
    "application/zip": (".zip", ".docx", ".xlsx", ".pptx", ".odt", ".ods"),
    "video/mp4": (".mp4", ".m4v"),
    "video/quicktime": (".mov",),
}
"""What we take, by content, with the endings that go with it. Nothing here runs when somebody opens the download by mistake."""

_ZIPPED = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
}
KINDS = "PNG, JPEG, GIF, WebP, HEIC, PDF, TXT, CSV, DOCX, XLSX, ODT, ZIP, MP4, MOV"
"""The allow list as a person reads it."""


class AttachmentRefused(Invalid):
    """The file cannot be taken; `code` is `empty`, `too_big`, `type`, `too_many` or `quota`, `name` is the file's."""

    def __init__(self, code: str, name: str) -> None:
        super().__init__(f"{name}: {code}", {"files": code})
        self.code, self.name = code, name


class AttachmentNotFound(NotFound):
    """No such file, or not in a request this person may read."""


@dataclass(frozen=True)
class AttachmentRules:
    """How much one person may send."""

    max_bytes: int
    max_files: int
    quota_bytes: int


def clean_name(name: str) -> str:
    """The file name as we show and send it: the last part of a path, no control or direction characters, at most 120 letters."""
    name = PurePosixPath(name.replace("\\", "/")).name
    name = "".join(
        c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    )
    name = re.sub(r'[<>:"|?*]', "_", " ".join(name.split())).strip(". ")
    if len(name) > 120:
        suffix = PurePosixPath(name).suffix[:12]
        name = name[: 120 - len(suffix)] + suffix
    return name or "file"


def check_attachment(name: str, data: bytes, max_bytes: int) -> str:
    """The media type by content; `AttachmentRefused` for what is empty, too big, or of a type we do not take or its name denies."""
    name = clean_name(name)
    if not data:
        raise AttachmentRefused("empty", name)
    if len(data) > max_bytes:
        raise AttachmentRefused("too_big", name)
    suffix = PurePosixPath(name).suffix.lower()
    media_type = _type_by_content(data)
    if media_type is None or suffix not in ALLOWED[media_type]:
        raise AttachmentRefused("type", name)
    return _ZIPPED.get(suffix, media_type) if media_type == "application/zip" else media_type


_MARKUP = re.compile(rb"^\s*(?:<\?xml|<!doctype|<html|<svg|<script|<!--|#!|MZ|\x7fELF)", re.IGNORECASE)


def _type_by_content(data: bytes) -> str | None:
    if _MARKUP.match(data[:512]):
        return None
    text = data[:4096]
    if text[:3] == b"PK\x03":
        return "application/zip"
    if text[4:8] == b"ftyp":
        brand = text[8:12]
        if brand in {b"heic", b"heix", b"mif1", b"msf1", b"heim", b"heis"}:
            return "image/heic"
        return "video/quicktime" if brand == b"qt  " else "video/mp4"
    found = _magic(data)
    if found in ALLOWED:
        return found
    return "text/plain" if _is_text(data) else None


def _magic(data: bytes) -> str | None:
    try:
        candidates = puremagic.magic_string(data[:65536])
    except (puremagic.PureError, ValueError):
        return None
    best = max((c.confidence for c in candidates), default=0)
    for candidate in candidates:
        if candidate.confidence == best and candidate.mime_type in ALLOWED and candidate.mime_type != "text/plain":
            return str(candidate.mime_type)
    return None


def _is_text(data: bytes) -> bool:
    if b"\x00" in data:
        return False
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True


def store_file(folder: Path, name: str, data: bytes, rules: AttachmentRules) -> StoredFile:
    """Check a file and write it, synced, under a generated name; no row yet, so until one is written it is rubbish to be swept."""
    media_type = check_attachment(name, data, rules.max_bytes)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file_id = secrets.token_hex(16)
    path = folder / file_id
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return StoredFile(file_id, clean_name(name), media_type, len(data), hashlib.sha256(data).hexdigest())


def check_amount(db: Session, email: str, files: Iterable[StoredFile], rules: AttachmentRules, now: datetime) -> None:
    """Raise `AttachmentRefused` for too many files, or for more in one day than one person may send."""
    files = list(files)
    if len(files) > rules.max_files:
        raise AttachmentRefused("too_many", files[rules.max_files].name)
    ids = [f.id for f in files]
    sent = select(func.coalesce(func.sum(AttachmentRow.size), 0)).where(
        AttachmentRow.requester_email == email.strip().lower(),
        AttachmentRow.created_at > now - timedelta(days=1),
        AttachmentRow.id.not_in(ids),
    )
    if files and (db.scalar(sent) or 0) + sum(f.size for f in files) > rules.quota_bytes:
        raise AttachmentRefused("quota", files[-1].name)


def keep_in_draft(db: Session, draft_id: str, files: Iterable[StoredFile], email: str, now: datetime) -> None:
    """Tie stored files to a draft, so that they survive an error on the page and need not be chosen again."""
    for f in files:
        db.add(
            AttachmentRow(
                id=f.id,
                draft_id=draft_id,
                name=f.name,
                media_type=f.media_type,
                size=f.size,
                sha256=f.sha256,
                requester_email=email.strip().lower()[:254],
                created_at=now,
            )
        )


def files_of_draft(db: Session, draft_id: str) -> list[StoredFile]:
    """The files that wait in a draft."""
    rows = db.scalars(select(AttachmentRow).where(AttachmentRow.draft_id == draft_id).order_by(AttachmentRow.created_at, AttachmentRow.id))
    return [StoredFile(r.id, r.name, r.media_type, r.size, r.sha256) for r in rows]


def drop_from_draft(db: Session, draft_id: str, file_ids: Sequence[str]) -> None:
    """Take files out of a draft; the sweep removes them from the disk."""
    db.execute(delete(AttachmentRow).where(AttachmentRow.draft_id == draft_id, AttachmentRow.id.in_(file_ids)))


def find_attachment(db: Session, ticket_id: str, file_id: str, with_notes: bool) -> StoredFile:
    """A file of one request the caller has already been allowed to read; raises `AttachmentNotFound`."""
    chosen = select(AttachmentRow).join(MessageRow).join(TicketRow).where(AttachmentRow.id == file_id, TicketRow.id == ticket_id)
    if not with_notes:
        chosen = chosen.where(MessageRow.kind != MessageKind.NOTE.value)
    row = db.scalar(chosen)
    if row is None:
        raise AttachmentNotFound("this request has no such file")
    return StoredFile(row.id, row.name, row.media_type, row.size, row.sha256)


def sweep_files(db: Session, folder: Path, now: datetime, older_than: timedelta = timedelta(days=1)) -> int:
    """Remove files that no row speaks of: written for a request whose transaction never ended."""
    if not folder.is_dir():
        return 0
    known = set(db.scalars(select(AttachmentRow.id)))
    gone = 0
    for path in folder.iterdir():
        if path.name not in known and path.is_file() and now.timestamp() - path.stat().st_mtime > older_than.total_seconds():
            path.unlink(missing_ok=True)
            gone += 1
    return gone
