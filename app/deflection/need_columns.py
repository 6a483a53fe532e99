"""Needs as columns, one packed record a day: what a report over months reads instead of hundreds of thousands of rows.

Derived, and may be deleted at any time. Whoever changes a need takes the record of its day away in the same transaction
(`ledger.raise_stamp`), so a record that exists says what the rows say; days without one are read from the rows.
"""

from __future__ import annotations

import hashlib
import json
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from app.db import Database
from app.deflection.clock import DAY
from app.deflection.events import milliseconds
from app.deflection.facts import CODED, COLUMNS, KINDS, Frame, person_code
from app.deflection.judging_lock import lock_for_judging
from app.deflection.store import giving_way

FIELDS = (
    "id", "person", "first", "last", "kind", "rule", "final_at", "link_class", "post_ticket", "lang", "surface", "device", "cluster",
    "article", "searches", "zero", "clicked", "opened", "read", "vote", "solved", "forms", "shown", "unsent", "answered_after",
    "ticket_after", "topical_after",
)  # fmt: skip
"""The columns of `need` that reports are made of."""
_RECORD = np.dtype(
    [("id", "S24"), *((name, "<i8") for name in ("person", "first", "last", "final_at", "answer_ms", "escalate_ms", "topical_ms")),
     *((name, "<i4") for name in ("locale", "surface", "device", "article", "cluster", "searches", "zero", "clicked", "forms",
                                  "forms_shown", "forms_left")),
     *((name, "i1") for name in ("kind", "rule", "link_class", "vote")),
     *((name, "?") for name in ("post_ticket", "opened", "satisfied", "solved"))]
)  # fmt: skip
_TEXTS = tuple(name for name in CODED if name in (_RECORD.names or ()))
FORMAT = hashlib.blake2b(repr((_RECORD.descr, _TEXTS)).encode(), digest_size=6).hexdigest()
"""Records of another layout are left alone and made anew."""
_RULES = {f"R{i}": i for i in range(12)}
_SAME = (
    "first", "last", "final_at", "link_class", "post_ticket", "searches", "zero", "clicked", "vote", "solved", "forms",
)  # fmt: skip
"""Fields that are called and written alike in the row and in the record."""
_DAYS_AT_ONCE = 4
"""Days packed in one transaction, in which others wait to write."""
MOST_KEPT = 800


@dataclass(frozen=True)
class Columns:
    """Some needs as records; the text columns hold places in `names`."""

    records: np.ndarray
    names: Mapping[str, Sequence[str]]

    def packed(self) -> bytes:
        head = json.dumps(self.names, ensure_ascii=False, separators=(",", ":")).encode()
        return zlib.compress(len(head).to_bytes(4, "little") + head + self.records.tobytes(), 1)

    @classmethod
    def unpacked(cls, data: bytes) -> Columns:
        whole = zlib.decompress(data)
        end = 4 + int.from_bytes(whole[:4], "little")
        return cls(np.frombuffer(whole, dtype=_RECORD, offset=end), json.loads(whole[4:end]))


def columns_of(values: Mapping[str, Sequence]) -> Columns:
    """Columns of `need` rows (one sequence a field) as records."""
    records = np.zeros(len(values["id"]), dtype=_RECORD)
    names: dict[str, tuple[str, ...]] = {}
    if len(records):
        for name in ("id", *_SAME):
            records[name] = values[name]
        records["person"] = [person_code(p or f"erased:{i}") for p, i in zip(values["person"], values["id"], strict=True)]
        records["kind"] = [KINDS.index(kind) for kind in values["kind"]]
        records["rule"] = [_RULES[rule] for rule in values["rule"]]
        records["cluster"] = [cluster or 0 for cluster in values["cluster"]]
        records["opened"] = [bool(n) for n in values["opened"]]
        records["satisfied"] = [bool(n) for n in values["read"]]
        records["forms_shown"] = values["shown"]
        records["forms_left"] = [min(a, b) for a, b in zip(values["shown"], values["unsent"], strict=True)]
        records["answer_ms"] = [-1 if v is None else v for v in values["answered_after"]]
        records["escalate_ms"] = [-1 if v is None else max(v, 0) for v in values["ticket_after"]]
        records["topical_ms"] = [-1 if v is None else v for v in values["topical_after"]]
    for name in _TEXTS:
        codes: dict[str, int] = {}
        records[name] = [codes.setdefault(value or "", len(codes)) for value in values["lang" if name == "locale" else name]]
        names[name] = tuple(codes)
    return Columns(records, names)


def frame_of_days(parts: Sequence[Columns], asked: Mapping[str, int | None]) -> tuple[Frame, np.ndarray]:
    """One frame of all parts, and the sorted person codes whose places are the frame's persons.

    `asked` gives the need ids that the survey asked about, with the answer 1, 0 or None.
    """
    records = np.concatenate([part.records for part in parts]) if parts else np.zeros(0, dtype=_RECORD)
    columns: dict[str, np.ndarray] = {}
    names: dict[str, tuple[str, ...]] = {"top": ("",)}
    for name in _TEXTS:
        columns[name], names[name] = _common_codes(parts, name)
    people, columns["person"] = np.unique(records["person"], return_inverse=True)
    columns["top"] = np.zeros(len(records), dtype=np.int32)
    columns["asked"], columns["survey"] = _survey_columns(records["id"], asked)
    for name in COLUMNS:
        if name not in columns:
            kind = records.dtype[name]
            columns[name] = records[name].astype(np.int32 if kind == np.int8 else kind)
    return Frame(columns, names), people


def _common_codes(parts: Sequence[Columns], name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    seen: dict[str, int] = {}
    found = [np.zeros(0, dtype=np.int32)]
    for part in parts:
        table = np.array([seen.setdefault(value, len(seen)) for value in part.names[name]] or [0], dtype=np.int32)
        found.append(table[part.records[name]])
    return np.concatenate(found), tuple(seen)


def _survey_columns(ids: np.ndarray, asked: Mapping[str, int | None]) -> tuple[np.ndarray, np.ndarray]:
    was_asked, answers = np.zeros(len(ids), dtype=bool), np.full(len(ids), -1, dtype=np.int32)
    if asked and len(ids):
        wanted = np.array(list(asked), dtype="S24")
        order = np.argsort(ids, kind="stable")
        places = np.searchsorted(ids, wanted, sorter=order).clip(max=len(ids) - 1)
        for need, place, answer in zip(wanted, order[places], asked.values(), strict=True):
            if ids[place] == need:
                was_asked[place] = True
                answers[place] = -1 if answer is None else int(answer)
    return was_asked, answers


# ---------------------------------------------------------------------------------------------------------- reading and packing

_QUOTED = ", ".join(f'"{name}"' for name in FIELDS)
_KNOWN = text("SELECT day, id FROM need_columns WHERE day >= :start AND day < :end AND format = :format")
_unpacked: OrderedDict[tuple[str, int], tuple[int, Columns]] = OrderedDict()
_lock = threading.Lock()


def columns_of_days(db: Session, start: int, end: int) -> list[Columns]:
    """The needs of the days in [start, end): from their records where there are some, else from the rows."""
    where = str(db.get_bind().engine.url)
    rows = db.execute(_KNOWN, {"start": start, "end": end, "format": FORMAT})
    known: dict[int, int] = {day: id for day, id in rows}  # noqa: C416 — rows are no pairs for a type checker
    with _lock:
        found = {day: _unpacked[where, day][1] for day, id in known.items() if _unpacked.get((where, day), (0,))[0] == id}
    wanted = [id for day, id in known.items() if day not in found]
    fetched: dict[int, tuple[int, Columns]] = {}
    for chunk in _chunks(wanted, 400):
        sql = text("SELECT day, id, data FROM need_columns WHERE id IN :ids").bindparams(bindparam("ids", expanding=True))
        fetched |= {day: (id, Columns.unpacked(data)) for day, id, data in db.execute(sql, {"ids": chunk})}
    with _lock:
        for day, kept in fetched.items():
            _unpacked[where, day] = kept
            _unpacked.move_to_end((where, day))
        while len(_unpacked) > MOST_KEPT:
            _unpacked.popitem(last=False)
    found |= {day: columns for day, (_, columns) in fetched.items()}
    rest = _read(db, [day for day in range(start, end) if day not in found])
    return [*(found[day] for day in sorted(found)), rest]


def _read(db: Session, days: Sequence[int]) -> Columns:
    rows: list[tuple] = []
    for chunk in _chunks(days, 400):
        names = ", ".join(str(int(day)) for day in chunk)
        rows += db.connection().exec_driver_sql(f"SELECT {_QUOTED} FROM need WHERE day IN ({names}) ORDER BY day, id").cursor.fetchall()  # noqa: S608 — numbers  # nosec B608
    return columns_of(dict(zip(FIELDS, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(FIELDS, ()))


def _chunks(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (items[i : i + size] for i in range(0, len(items), size))


def pack_days(database: Database, now: datetime, most: int = 1000) -> int:
    """Make the records of days that have none, newest first; gives how many. The day that runs changes too often to be worth it."""
    with database.session() as db:
        missing = list(
            db.execute(
                text(
                    "SELECT DISTINCT day FROM rollup_day WHERE day < :today AND day NOT IN"
                    " (SELECT day FROM need_columns WHERE format = :format) ORDER BY day DESC LIMIT :most"
                ),
                {"today": milliseconds(now) // DAY, "format": FORMAT, "most": most},
            ).scalars()
        )
    for days in _chunks(missing, _DAYS_AT_ONCE):
        with giving_way(database), database.session() as db:
            # Nobody changes a need between our reading it and our record of it.
            lock_for_judging(db, database.is_sqlite)
            made = [{"day": day, "format": FORMAT, "data": _read(db, [day]).packed()} for day in days]
            db.execute(text("DELETE FROM need_columns WHERE day = :day"), [{"day": day} for day in days])
            db.execute(text("INSERT INTO need_columns (day, format, data) VALUES (:day, :format, :data)"), made)
    return len(missing)


def person_places(people: np.ndarray, homes: Iterable[str]) -> list[int]:
    """The persons of a frame by the actors' names; those it does not know get numbers of their own below zero."""
    names = list(homes)
    codes = np.array([person_code(name) for name in names], dtype=np.int64)
    if not len(people) or not len(codes):
        return (-1 - np.unique(codes, return_inverse=True)[1]).tolist() if len(codes) else []
    places = np.searchsorted(people, codes).clip(max=len(people) - 1)
    return np.where(people[places] == codes, places, -1 - np.unique(codes, return_inverse=True)[1]).tolist()
