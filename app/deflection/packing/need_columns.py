"""Needs and contacts as columns, one packed record a day: what a report over months reads instead of hundreds of thousands of rows.

Derived, and may be deleted at any time. Whoever changes a need or a contact takes the record of its day away in the same transaction
(`ledger.raise_stamp`), so a record that exists says what the rows say; days without one are read from the rows.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.deflection.asking.surveyed import Answers
from app.deflection.bulk import chunks, expanding
from app.deflection.packing.packing import packed, unpacked
from app.deflection.recording.clock import DAY
from app.deflection.reporting.facts import CODED, COLUMNS, CONFIRMED, KINDS, LIKELY, Contacts, Frame, person_code

FIELDS = (
    "id", "person", "first", "last", "kind", "rule", "final_at", "link_class", "post_ticket", "lang", "surface", "device", "cluster",
    "article", "searches", "zero", "clicked", "opened", "read", "vote", "solved", "forms", "shown", "unsent", "answered_after",
    "ticket_after", "topical_after", "version",
)  # fmt: skip
"""The columns of `need` that reports are made of."""
CONTACT_FIELDS = ("home", "t", "channel", "linked", "lang", "subject_group")
_CONTACT_TEXTS = ("channel", "locale")
_RULES = {f"R{i}": i for i in range(12)}
_AS_THEY_ARE = ("link_class", "post_ticket", "searches", "zero", "clicked", "vote", "solved", "forms")
_SAYING_NOTHING = {"ticket_after": "escalate_ms", "topical_after": "topical_ms", "answered_after": "answer_ms"}
_BOOLEANS = ("post_ticket", "opened", "satisfied", "solved", "asked")
_TIMES = ("person", "first", "last", "final_at", "answer_ms", "escalate_ms", "topical_ms")
FORMAT = hashlib.blake2b(repr((FIELDS, CONTACT_FIELDS, CODED, "packing 1")).encode(), digest_size=6).hexdigest()
"""Records of another layout are left alone and made anew."""
MOST_KEPT = 800

Values = Mapping[str, Sequence]


@dataclass(frozen=True)
class Columns:
    """Some needs and contacts as arrays. Beginnings count from `base`, ends from beginnings, and finality from ends, because small
    numbers take less room; the text columns hold places in `names`, where those of contacts are called `contact.…`."""

    base: int
    needs: Mapping[str, np.ndarray]
    contacts: Mapping[str, np.ndarray]
    names: Mapping[str, Sequence[str]]
    judged: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    """Day → version of the definitions → needs judged by it."""
    asked: bool = False
    """Whether the survey's columns are filled."""

    def __len__(self) -> int:
        return len(self.needs["first"])

    @property
    def first_day(self) -> int | None:
        """The earliest day on which any of its needs began."""
        return (self.base + int(self.needs["first"].min())) // DAY if len(self) else None

    def packed(self) -> bytes:
        arrays = {**self.needs, **{f"contact.{name}": array for name, array in self.contacts.items()}}
        return packed(arrays, [self.base, self.names, [[day, found] for day, found in self.judged.items()], self.asked])

    @classmethod
    def unpacked(cls, data: bytes) -> Columns:
        arrays, (base, names, judged, asked) = unpacked(data)
        contacts = {name.removeprefix("contact."): arrays.pop(name) for name in list(arrays) if name.startswith("contact.")}
        return cls(base, arrays, contacts, names, dict(judged), asked)


def columns_of(values: Values, contacts: Values | None = None, base: int = 0) -> Columns:
    """Columns of `need` rows and `contact` rows, one sequence a field."""
    first, last, final = (np.array(values[name], dtype=np.int64) for name in ("first", "last", "final_at"))
    a, b = _id_halves(values["id"])
    needs = {
        "id_a": a,
        "id_b": b,
        "person": np.array([person_code(p or f"erased:{i}") for p, i in zip(values["person"], values["id"], strict=True)], dtype=np.int64),
        "first": first - base,
        "last": last - first,
        "final_at": final - last,
        "kind": _numbers(KINDS.index(kind) for kind in values["kind"]),
        "rule": _numbers(_RULES[rule] for rule in values["rule"]),
        "cluster": _numbers(cluster or 0 for cluster in values["cluster"]),
        "opened": _numbers(values["opened"]) > 0,
        "satisfied": _numbers(values["read"]) > 0,
        "forms_shown": _numbers(values["shown"]),
        "forms_left": np.minimum(_numbers(values["shown"]), _numbers(values["unsent"])),
    }
    needs |= {name: _numbers(values[name]) for name in _AS_THEY_ARE}
    needs |= {to: _numbers(-1 if v is None else v for v in values[name]) for name, to in _SAYING_NOTHING.items()}
    needs["escalate_ms"] = needs["escalate_ms"].clip(min=-1)
    needs |= {name: needs[name].astype(bool) for name in _BOOLEANS if name in needs}
    names: dict[str, Sequence[str]] = {}
    for name in CODED:
        needs[name], names[name] = _coded(values["lang" if name == "locale" else name])
    judged: dict[int, Counter[str]] = defaultdict(Counter)
    for day, version in zip((first // DAY).tolist(), values["version"], strict=True):
        judged[day][version] += 1
    told, told_names = _contact_columns(contacts or dict.fromkeys(CONTACT_FIELDS, ()), base)
    return Columns(base, needs, told, names | told_names, judged)


def _contact_columns(values: Values, base: int) -> tuple[dict[str, np.ndarray], dict[str, Sequence[str]]]:
    columns = {
        "person": np.array([person_code(home) for home in values["home"]], dtype=np.int64),
        "at": np.array(values["t"], dtype=np.int64) - base,
        "searched": _numbers(values["linked"]) > 0,
        "group": _numbers(values["subject_group"]),
    }
    names: dict[str, Sequence[str]] = {}
    for name in _CONTACT_TEXTS:
        columns[name], names[f"contact.{name}"] = _coded(values["lang" if name == "locale" else name])
    return columns, names


def _numbers(values: Sequence | Iterator) -> np.ndarray:
    return np.fromiter(values, dtype=np.int64)


def _coded(texts: Sequence) -> tuple[np.ndarray, tuple[str, ...]]:
    codes: dict[str, int] = {}
    return _numbers(codes.setdefault(value or "", len(codes)) for value in texts), tuple(codes)


def _id_halves(ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The digests that needs are called by, as numbers."""
    digests = np.frombuffer(bytes.fromhex("".join(ids)), dtype=[("a", ">u8"), ("b", ">u4")])
    return digests["a"].astype(np.uint64), digests["b"].astype(np.uint32)


def frame_of_days(parts: Sequence[Columns], asked: Answers) -> Frame:
    """One frame of the needs of all parts; `asked` says which needs the survey asked about, for parts that do not say it themselves."""
    columns = {name: _joined(parts, name, np.int64 if name in _TIMES else bool if name in _BOOLEANS else np.int32) for name in _PLAIN}
    bases = np.array([part.base for part in parts], dtype=np.int64)
    columns["first"] += np.repeat(bases, [len(part) for part in parts])
    columns["last"] += columns["first"]
    columns["final_at"] += columns["last"]
    columns["person"] = np.unique(columns["person"], return_inverse=True)[1]
    names: dict[str, tuple[str, ...]] = {}
    for name in CODED:
        columns[name], names[name] = _common_codes([(part.needs[name], part.names[name]) for part in parts])
    columns["asked"], columns["survey"] = _survey_columns(parts, asked)
    columns |= {name: _joined(parts, name, dtype) for name, dtype in (("id_a", np.uint64), ("id_b", np.uint32))}
    return Frame(columns, names)


def ids_of(needs: Frame) -> list[str]:
    """What the needs of such a frame are called in the database."""
    return [f"{a:016x}{b:08x}" for a, b in zip(needs["id_a"].tolist(), needs["id_b"].tolist(), strict=True)]


_PLAIN = tuple(name for name in COLUMNS if name not in CODED and name not in ("asked", "survey"))


def contacts_of_days(parts: Sequence[Columns]) -> Contacts:
    """The contacts of all parts in one table."""
    columns = {
        name: _joined_arrays([part.contacts[name] for part in parts], bool if name == "searched" else np.int64)
        for name in ("person", "at", "searched", "group")
    }
    columns["at"] += np.repeat(np.array([part.base for part in parts], dtype=np.int64), [len(part.contacts["at"]) for part in parts])
    names: dict[str, tuple[str, ...]] = {}
    for name in _CONTACT_TEXTS:
        columns[name], names[name] = _common_codes([(part.contacts[name], part.names[f"contact.{name}"]) for part in parts])
    return Contacts(columns, names)


def _joined(parts: Sequence[Columns], name: str, dtype: type) -> np.ndarray:
    return _joined_arrays([part.needs[name] for part in parts], dtype)


def _joined_arrays(arrays: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(arrays, dtype=dtype) if arrays else np.zeros(0, dtype=dtype)


def _common_codes(parts: Sequence[tuple[np.ndarray, Sequence[str]]]) -> tuple[np.ndarray, tuple[str, ...]]:
    seen: dict[str, int] = {}
    found = [np.zeros(0, dtype=np.int32)]
    for codes, names in parts:
        table = np.array([seen.setdefault(value, len(seen)) for value in names] or [0], dtype=np.int32)
        found.append(table[codes])
    return np.concatenate(found), tuple(seen)


def _survey_columns(parts: Sequence[Columns], asked: Answers) -> tuple[np.ndarray, np.ndarray]:
    a, b = _id_halves(list(asked))
    answers = np.array([-1 if answer is None else int(answer) for answer in asked.values()], dtype=np.int32)
    order = np.argsort(a, kind="stable")
    was_asked, survey = [np.zeros(0, dtype=bool)], [np.zeros(0, dtype=np.int32)]
    for part in parts:
        if part.asked:
            was_asked.append(part.needs["asked"])
            survey.append(part.needs["survey"].astype(np.int32))
            continue
        here, said = np.zeros(len(part), dtype=bool), np.full(len(part), -1, dtype=np.int32)
        if len(a) and len(part):
            places = order[np.searchsorted(a, part.needs["id_a"], sorter=order).clip(max=len(a) - 1)]
            here = (a[places] == part.needs["id_a"]) & (b[places] == part.needs["id_b"])
            said[here] = answers[places[here]]
        was_asked.append(here)
        survey.append(said)
    return np.concatenate(was_asked), np.concatenate(survey)


# ------------------------------------------------------------------------------------------------------------------- reading

_QUOTED = ", ".join(f'"{name}"' for name in FIELDS)
_KNOWN = text("SELECT day, id FROM need_columns WHERE day >= :start AND day < :end AND format = :format")
_DATA = expanding("SELECT day, id, data FROM need_columns WHERE id IN :ids")
_unpacked: OrderedDict[tuple[str, int], tuple[int, Columns]] = OrderedDict()
_lock = threading.Lock()


def columns_of_days(db: Session, start: int, end: int) -> list[Columns]:
    """The needs and contacts of the days in [start, end): from their records where there are some, else from the rows."""
    where = str(db.get_bind().engine.url)
    rows = db.execute(_KNOWN, {"start": start, "end": end, "format": FORMAT})
    known: dict[int, int] = {day: id for day, id in rows}  # noqa: C416 — rows are no pairs for a type checker
    with _lock:
        found = {day: _unpacked[where, day][1] for day, id in known.items() if _unpacked.get((where, day), (0,))[0] == id}
    wanted = [id for day, id in known.items() if day not in found]
    fetched: dict[int, tuple[int, Columns]] = {}
    for chunk in chunks(wanted):
        fetched |= {day: (id, Columns.unpacked(data)) for day, id, data in db.execute(_DATA, {"ids": chunk})}
    with _lock:
        for day, kept in fetched.items():
            _unpacked[where, day] = kept
            _unpacked.move_to_end((where, day))
        while len(_unpacked) > MOST_KEPT:
            _unpacked.popitem(last=False)
    found |= {day: columns for day, (_, columns) in fetched.items()}
    rest = read_days(db, [day for day in range(start, end) if day not in found])
    return [*(found[day] for day in sorted(found)), rest]


def read_days(db: Session, days: Sequence[int], base: int = 0) -> Columns:
    """The needs and contacts of some days, from their rows."""
    needs: list[tuple] = []
    contacts: list[tuple] = []
    for chunk in chunks(days):
        these = f"day IN ({', '.join(str(int(day)) for day in chunk)})"
        needs += _fetched(db, f"SELECT {_QUOTED} FROM need WHERE {these} ORDER BY day, id")  # noqa: S608 — numbers  # nosec B608
        counted = "valid AND inbound AND NOT duplicate"
        contacts += _fetched(db, f"SELECT {', '.join(CONTACT_FIELDS)} FROM contact WHERE {these} AND {counted} ORDER BY t, ticket_id")  # noqa: S608  # nosec B608
    return columns_of(_by_field(FIELDS, needs), _by_field(CONTACT_FIELDS, contacts), base)


_RESULTS = expanding("SELECT need_id, results FROM need_search WHERE need_id IN :ids AND n_results > 0 ORDER BY need_id, position")


def results_shown(db: Session, lots: Sequence[Frame]) -> list[list[list[str]]]:
    """For each lot of needs what their last searches with results listed, best first."""
    ids = [ids_of(needs) for needs in lots]
    last: dict[str, str] = {}
    for chunk in chunks(sorted(id for lot in ids for id in lot)):
        last.update((row.need_id, row.results) for row in db.execute(_RESULTS, {"ids": chunk}))
    return [[json.loads(last[id]) for id in lot if id in last] for lot in ids]


def _fetched(db: Session, sql: str) -> list[tuple]:
    return list(db.connection().exec_driver_sql(sql).cursor.fetchall())


def _by_field(names: Sequence[str], rows: Sequence[tuple]) -> dict[str, Sequence]:
    return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())


def solved_of(columns: Columns) -> tuple[int, int]:
    """How many of the counted needs were solved without a ticket, and how many are counted."""
    frame = frame_of_days([columns], {}).counted
    return int((frame.rules(CONFIRMED, LIKELY) & ~frame["post_ticket"]).sum()), len(frame)
