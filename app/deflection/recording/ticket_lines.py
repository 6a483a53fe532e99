"""Lines of a file or a message → the rows in them, JSON Lines or CSV, with the line number of everything that cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from csv import Error as CsvError
from csv import reader as csv_reader
from typing import Any

from app.deflection.recording.exchange import LINE_BYTES

Refuse = Callable[[int, str], None]
Row = Mapping[str, Any]
KEY_COLUMN = "ticket_id"
_NAMES_NO_COLUMNS = f"the first line must name the columns, separated by commas, {KEY_COLUMN} among them"
_LOOKS_LIKE_CSV = "no JSON but, as it seems, CSV: say so (--format csv; over HTTP the content type text/csv)"
_LOOKS_LIKE_JSON = "no CSV but, as it seems, JSON Lines: say so (--format jsonl; over HTTP another content type than text/csv)"


def rows_of(lines: Iterable[str | bytes], csv: bool, refuse: Refuse) -> Iterator[tuple[int, Row]]:
    """Each row with the number of its (last) line; a line that is no row goes to `refuse`."""
    reader = _Lines(lines, refuse)
    yield from _csv_rows(reader) if csv else _json_rows(reader)


class _Lines:
    """The lines as text. One that is too long or no UTF-8 is refused and read as an empty one, so that the numbers stay right."""

    def __init__(self, lines: Iterable[str | bytes], refuse: Refuse) -> None:
        self._lines, self.refuse = lines, refuse
        self.number = 0
        self.refused = 0
        """The last line that was refused."""

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.number += 1
            yield self._text(line)

    def bad(self, problem: str) -> None:
        self.refused = self.number
        self.refuse(self.number, problem)

    def _text(self, line: str | bytes) -> str:
        if len(line) > LINE_BYTES:
            self.bad(f"longer than {LINE_BYTES} bytes; every ticket that keeps its limits is shorter")
            return ""
        try:
            text = line.decode() if isinstance(line, bytes) else line
        except UnicodeDecodeError:
            self.bad("not written in UTF-8; save the file as UTF-8 (in a spreadsheet: “CSV UTF-8”)")
            return ""
        return text.removeprefix("\ufeff") if self.number == 1 else text


def _names_columns(line: str) -> bool:
    return KEY_COLUMN in (name.strip(' "\r\n') for name in line.split(","))


def _json_rows(lines: _Lines) -> Iterator[tuple[int, Row]]:
    for line in lines:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            lines.bad(_LOOKS_LIKE_CSV if _names_columns(line) else f"no JSON: {error.msg} at character {error.pos + 1}")
            continue
        except (ValueError, RecursionError):
            lines.bad("no JSON that can be read: a number has thousands of digits, or lists stand in lists without end")
            continue
        if isinstance(row, dict):
            yield lines.number, row
        else:
            lines.bad(f'a ticket must be a JSON object: {{"{KEY_COLUMN}": …}}')


def _csv_rows(lines: _Lines) -> Iterator[tuple[int, Row]]:
    # Strictly: a quotation mark that is never closed would swallow all the tickets after it.
    rows = csv_reader(lines, strict=True)
    names: list[str] | None = None
    while True:
        first = lines.number + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except CsvError as error:
            lines.bad(f"no CSV: {error} (the row begins in line {first}; is each quotation mark closed, and doubled within a text?)")
            continue
        if lines.refused >= first or not any(row):
            continue
        if names is None:
            names = [name.strip() for name in row]
            if KEY_COLUMN not in names:
                lines.bad(_LOOKS_LIKE_JSON if names[0].startswith("{") else _NAMES_NO_COLUMNS)
                return
        elif len(row) != len(names):
            lines.bad(f"{len(row)} columns where the first line names {len(names)}")
        else:
            yield lines.number, dict(zip(names, row, strict=True))
