"""YAML as plain values that remember their line, read in one bounded pass; nothing is ever constructed from a tag."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import yaml

from app.content.articles import Problem

MAX_DEPTH = 12
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Malformed(Exception):
    """The YAML cannot be used; `line` counts from 1 within the text that was parsed."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Value:
    """A scalar (`str`, or None for nothing), a list, or a mapping, and the line it starts on."""

    line: int
    data: str | list[Value] | dict[str, Value] | None
    quoted: bool = False

    @property
    def kind(self) -> str:
        if self.data is None:
            return "nothing"
        return {str: "text", list: "a list", dict: "a mapping"}[type(self.data)]


def parse(text: str, first_line: int = 1) -> Value:
    """The one document in `text`. Anchors, aliases, tags, several documents, keys given twice and deep nesting are refused.

    Aliases are refused because 324 bytes of them grow to a gigabyte; tags because no file of a writer needs one.
    """
    builder = _Builder(first_line)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
    except yaml.YAMLError as error:
        line, message = _in_words(error, text)
        raise Malformed(first_line + line, message) from None
    return builder.root or Value(first_line, None)


def _in_words(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """(line from 0, what is wrong and what to do): the parser speaks of tokens, which no writer has heard of."""
    problem = getattr(error, "problem", None) or str(getattr(error, "reason", error))
    mark, opened = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if mark is None:
        return 0, f"this is not valid YAML: {problem}"
    letter = _letter_at(text, mark)
    if letter == "\t" or "tab character" in problem:
        return mark.line, "there is a tab; indent with spaces"
    if "cannot start any token" in problem:
        return mark.line, f"a text that starts with “{letter}” must stand in quotes"
    if problem.startswith("mapping values"):
        return (
            mark.line,
            "a text with a colon and a space in it must stand in quotes; if it is no text, this line is not indented like those above",
        )
    if "quoted scalar" in str(getattr(error, "context", "")) and opened:
        return (
            opened.line,
            "a quotation mark opens here and nothing closes it; a text with one in it stands between marks of the other kind",
        )
    if "',' or" in problem and opened:
        pair = "[ ]" if "]" in problem else "{ }"
        what = f"commas part its items, “{pair[2]}” ends it, and a text with marks stands in quotes"
        return opened.line, f"what opens here with “{pair[0]}” goes wrong: {what}"
    if "indicator" in problem or "expected key" in problem:
        return mark.line, "this line is not indented like those above it, or lacks what they begin with (“- ” or “key: ”)"
    return mark.line, f"this is not valid YAML: {problem}"


def _letter_at(text: str, mark: yaml.Mark) -> str:
    lines = text.split("\n")
    line = lines[mark.line] if mark.line < len(lines) else ""
    return line[mark.column : mark.column + 1]


class _Builder:
    """Turns parser events into values without recursion: a file of brackets cannot exhaust the stack."""

    def __init__(self, first_line: int) -> None:
        self.first_line = first_line
        self.root: Value | None = None
        self.open: list[Value] = []
        self.keys: list[Value | None] = []

    def take(self, event: yaml.Event) -> None:
        line = self.first_line + (event.start_mark.line if event.start_mark else 0)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Malformed(line, "anchors and aliases (& and *) are not allowed; write the value out, or put it in quotes")
        if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise Malformed(line, "there is a second document after “---”; a file holds one")
        if getattr(event, "tag", None):
            raise Malformed(line, "tags (!) are not allowed; put the value in quotes")
        if isinstance(event, yaml.ScalarEvent):
            plain = event.implicit[0]
            nothing = plain and event.value in {"", "~", "null", "Null", "NULL"}
            self._add(Value(line, None if nothing else event.value, quoted=not plain))
        elif isinstance(event, yaml.SequenceStartEvent):
            self._push(Value(line, []))
        elif isinstance(event, yaml.MappingStartEvent):
            self._push(Value(line, {}))
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            self.open.pop()
            self.keys.pop()

    def _push(self, value: Value) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise Malformed(value.line, f"this is nested more than {MAX_DEPTH} deep")
        self._add(value)
        self.open.append(value)
        self.keys.append(None)

    def _add(self, value: Value) -> None:
        if not self.open:
            self.root = value
            return
        parent = self.open[-1].data
        if isinstance(parent, list):
            parent.append(value)
        elif isinstance(parent, dict):
            key = self.keys[-1]
            if key is None:
                if not isinstance(value.data, str):
                    raise Malformed(value.line, "a key must be a word, not a list or nothing")
                if value.data in parent:
                    raise Malformed(value.line, f"“{value.data}” is given twice; keep one")
                self.keys[-1] = value
            else:
                parent[str(key.data)] = Value(key.line, value.data, value.quoted)
                if isinstance(value.data, list | dict):
                    # The container that stays open is the parsed one; both share the same list or dict.
                    parent[str(key.data)] = Value(value.line, value.data)
                self.keys[-1] = None


class Reader:
    """Reads typed values and notes every mismatch as a problem of `path`, so that all are reported at once."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def error(self, line: int, message: str) -> None:
        self.problems.append(Problem(self.path, line, "error", message))

    def warning(self, line: int, message: str) -> None:
        self.problems.append(Problem(self.path, line, "warning", message))

    @property
    def failed(self) -> bool:
        return any(p.level == "error" for p in self.problems)

    def text(self, value: Value | None, name: str, default: str = "", longest: int = 500) -> str:
        if value is None or value.data is None:
            return default
        if not isinstance(value.data, str):
            colon = "; a text with a colon and a space in it must stand in quotes" if isinstance(value.data, dict) else ""
            self.error(value.line, f"“{name}” must be text, not {value.kind}{colon}")
            return default
        text = " ".join(value.data.split())
        if len(text) > longest:
            self.error(value.line, f"“{name}” has {len(text)} characters; at most {longest} fit")
            return default
        return text

    def texts(self, value: Value | None, name: str, most: int = 200) -> tuple[str, ...]:
        """A list of texts; empty items are dropped."""
        if value is None or value.data is None:
            return ()
        if not isinstance(value.data, list):
            self.error(value.line, f"“{name}” must be a list, for example [one, two], not {value.kind}")
            return ()
        if len(value.data) > most:
            self.error(value.line, f"“{name}” has {len(value.data)} items; at most {most} fit")
            return ()
        return tuple(t for item in value.data if (t := self.text(item, name)))

    def items(self, value: Value | None, name: str) -> list[Value]:
        if value is None or value.data is None:
            return []
        if not isinstance(value.data, list):
            self.error(value.line, f"“{name}” must be a list (lines that start with “- ”), not {value.kind}")
            return []
        return value.data

    def mapping(self, value: Value | None, name: str, known: frozenset[str] | None = None) -> dict[str, Value]:
        """A mapping; keys outside `known` are warned of."""
        if value is None or value.data is None:
            return {}
        if not isinstance(value.data, dict):
            self.error(value.line, f"“{name}” must be a mapping (key: value), not {value.kind}")
            return {}
        for key, item in value.data.items():
            if known is not None and key not in known:
                self.warning(item.line, f"“{key}” is not known in {name}; known are {', '.join(sorted(known))}")
        return value.data

    def flag(self, value: Value | None, name: str, default: bool = False) -> bool:
        text = self.text(value, name).lower()
        if not text:
            return default
        if text in {"true", "yes", "on", "1"}:
            return True
        if text not in {"false", "no", "off", "0"} and value:
            self.error(value.line, f"“{name}” is either true or false, not “{text}”")
        return False

    def number(self, value: Value | None, name: str, default: int, low: int, high: int) -> int:
        text = self.text(value, name)
        if not text or value is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
            self.error(value.line, f"“{name}” must be a number from {low} to {high}, not “{text[:40]}”")
            return default
        return int(text)

    def day(self, value: Value | None, name: str) -> date | None:
        text = self.text(value, name)
        if not text or value is None:
            return None
        try:
            return date.fromisoformat(text[:10]) if len(text) == 10 else datetime.fromisoformat(text).date()
        except ValueError:
            self.error(value.line, f"“{name}” must be a date like 2026-11-14, not “{text[:40]}”")
            return None

    def moment(self, value: Value | None, name: str) -> datetime | None:
        """A time; UTC when it names no zone, midnight when it is a date alone."""
        text = self.text(value, name)
        if not text or value is None:
            return None
        try:
            moment = datetime.fromisoformat(text.replace(" UTC", "Z"))
        except ValueError:
            self.error(value.line, f"“{name}” must be a time like 2026-11-14T08:00Z, not “{text[:40]}”")
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    def by_locale(self, value: Value | None, name: str, locales: tuple[str, ...]) -> dict[str, str]:
        """A text for every locale on offer: one text for all, or a mapping in which the default locale stands in for missing ones."""
        if value is None or value.data is None:
            return {}
        if isinstance(value.data, str):
            text = self.text(value, name, longest=2000)
            return dict.fromkeys(locales, text)
        given = {k: self.text(v, name, longest=2000) for k, v in self.mapping(value, name).items()}
        given = {k: v for k, v in given.items() if v}
        if not given:
            return {}
        default = given.get(locales[0]) or next(iter(given.values()))
        if locales[0] not in given:
            self.warning(value.line, f"“{name}” has no text for {locales[0]}, the default locale")
        return {locale: given.get(locale) or default for locale in locales} | given
