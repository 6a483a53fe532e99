"""The front matter of an article: text in, checked fields and the Markdown that follows out; every problem with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from difflib import get_close_matches

from app.content.articles import Audience, Problem, Status
from app.content.yaml_values import Malformed, Reader, Value, parse

MAX_BYTES = 8192
SUMMARY_WORDS = 45
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,119}")
_REVIEW = re.compile(r"([1-9]\d{0,3})\s*(d|w|m|y)")
_VISIBILITY = re.compile(r"(?im)^\s*[\"']?(audience|status|visibility)\b")
_MEANT_AS_VISIBILITY = frozenset(
    {"visibility", "access", "private", "internal", "hidden", "draft", "public", "published", "archived", "state", "roles"}
)
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_REVISION = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True)
class Fields:
    """What an article's front matter says."""

    title: str = ""
    summary: str = ""
    id: str = ""
    keywords: tuple[str, ...] = ()
    audience: Audience = Audience.PUBLIC
    status: Status = Status.PUBLISHED
    replaced_by: str = ""
    redirect_from: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    owner: str = ""
    review_every_days: int | None = None
    reviewed_on: date | None = None
    publish_on: date | None = None
    expire_on: date | None = None
    source_revision: str = ""
    queries: tuple[str, ...] = ()


KEYS = frozenset(f.name for f in fields(Fields)) - {"review_every_days"} | {"review_every"}


@dataclass(frozen=True)
class Parsed:
    """An article's file, taken apart. With an error among the problems the article must not be published."""

    fields: Fields
    markdown: str
    first_line: int
    """Line of the file on which the Markdown starts."""
    lines: dict[str, int]
    """Line of each key."""
    problems: tuple[Problem, ...]
    hidden: bool = False
    """Who may see it cannot be told: then not even the last good version stays."""

    @property
    def failed(self) -> bool:
        return any(p.level == "error" for p in self.problems)


def read_article(path: str, data: bytes) -> Parsed:
    """Take a file apart and check every field of its front matter; never raises."""
    reader = Reader(path)
    text = _decoded(data, reader)
    head, body, first_line = _split(text, reader)
    found, lines = Fields(), dict[str, int]()
    if not reader.failed:
        try:
            lines, found = _fields(parse(head, first_line=2), reader)
        except Malformed as error:
            reader.error(error.line, str(error))
    # A broken front matter that speaks of visibility may have been the attempt to hide the article.
    unread = reader.failed and not lines and bool(_VISIBILITY.search(head or _start(data)))
    return Parsed(found, body, first_line, lines, tuple(reader.problems), hidden=unread or _visibility_failed(reader, lines))


def _start(data: bytes) -> str:
    return data[: MAX_BYTES * 2].decode("utf-8", "replace")


def _visibility_failed(reader: Reader, lines: dict[str, int]) -> bool:
    about = {line for key, line in lines.items() if key in {"audience", "status"} or _meant_as_visibility(key)}
    return any(p.level == "error" and p.line in about for p in reader.problems)


def _meant_as_visibility(key: str) -> bool:
    """Whether an unknown key is likely a misspelt `audience` or `status`."""
    word = key.rpartition(".")[2].strip().lower()
    if key in KEYS:
        return False
    return word in _MEANT_AS_VISIBILITY or bool(get_close_matches(word, ("audience", "status"), n=1, cutoff=0.7))


def _decoded(data: bytes, reader: Reader) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        reader.error(line, "this is not UTF-8; save the file as UTF-8")
        return ""
    if "\x00" in text:
        reader.error(text[: text.index("\x00")].count("\n") + 1, "there is a NUL character; is this a text file?")
        return ""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _split(text: str, reader: Reader) -> tuple[str, str, int]:
    """The front matter, the Markdown, and the line on which the Markdown starts."""
    lines = text.split("\n")
    if reader.failed:
        return "", "", 1
    if lines[0].rstrip() != "---":
        reader.error(1, "an article starts with front matter: a line “---”, then “title: …”, then “---”")
        return "", text, 1
    end = next((i for i, line in enumerate(lines[1:], start=1) if line.rstrip() in {"---", "..."}), None)
    if end is None:
        reader.error(1, "the front matter has no end; close it with a line “---”")
        return "", "", 1
    head = "\n".join(lines[1:end]) + "\n"
    if len(head.encode()) > MAX_BYTES:
        reader.error(1, f"the front matter has {len(head.encode())} bytes; at most {MAX_BYTES} are read")
        return "", "", end + 2
    return head, "\n".join(lines[end + 1 :]), end + 2


def _nested(given: dict[str, Value], above: str = "") -> Iterator[tuple[str, int]]:
    """The keys below unknown keys, `meta.audience`: an `audience` in the wrong place was still meant to hide something."""
    for key, value in given.items():
        if isinstance(value.data, dict) and key not in KEYS:
            yield from ((f"{above}{key}.{inner}", item.line) for inner, item in value.data.items())
            yield from _nested(value.data, f"{above}{key}.")


def _fields(root: Value, reader: Reader) -> tuple[dict[str, int], Fields]:
    given = reader.mapping(root, "front matter", KEYS)
    lines = {key: value.line for key, value in given.items()} | dict(_nested(given))
    for key, line in lines.items():
        if _meant_as_visibility(key):
            reader.error(line, f"“{key}” is not known; if it should hide the article, write audience or status. Until then it is hidden")
    title = reader.text(given.get("title"), "title", longest=200)
    if not title and not any(p.line == lines.get("title") and p.level == "error" for p in reader.problems):
        reader.error(lines.get("title", 1), "there is no title; add “title: …” to the front matter")
    return lines, Fields(
        title=title,
        summary=_summary(given.get("summary"), reader, lines),
        id=_matching(given.get("id"), "id", _ID, "letters, digits, “.”, “_”, “-” and “/”", reader),
        keywords=reader.texts(given.get("keywords"), "keywords"),
        audience=_audience(given.get("audience"), reader),
        status=_status(given.get("status"), reader),
        replaced_by=reader.text(given.get("replaced_by"), "replaced_by", longest=300),
        redirect_from=reader.texts(given.get("redirect_from"), "redirect_from"),
        related=reader.texts(given.get("related"), "related"),
        owner=reader.text(given.get("owner"), "owner", longest=100),
        review_every_days=_review_every(given.get("review_every"), reader),
        reviewed_on=reader.day(given.get("reviewed_on"), "reviewed_on"),
        publish_on=reader.day(given.get("publish_on"), "publish_on"),
        expire_on=reader.day(given.get("expire_on"), "expire_on"),
        source_revision=_matching(given.get("source_revision"), "source_revision", _REVISION, "7 to 64 digits of a commit", reader),
        queries=reader.texts(given.get("queries"), "queries"),
    )


def _summary(value: Value | None, reader: Reader, lines: dict[str, int]) -> str:
    summary = reader.text(value, "summary", longest=2000)
    words = len(summary.split())
    if not summary:
        reader.warning(lines.get("summary", 1), "there is no summary: readers see it first, on the page and in results")
    elif words > SUMMARY_WORDS:
        reader.warning(lines["summary"], f"the summary has {words} words; keep it to {SUMMARY_WORDS}")
    return summary


def _audience(value: Value | None, reader: Reader) -> Audience:
    return Audience(_choice(value, "audience", tuple(Audience), Audience.PUBLIC, Audience.AGENTS, reader))


def _status(value: Value | None, reader: Reader) -> Status:
    return Status(_choice(value, "status", tuple(Status), Status.PUBLISHED, Status.DRAFT, reader))


def _choice(value: Value | None, name: str, known: tuple[str, ...], default: str, hidden: str, reader: Reader) -> str:
    """One of the known words. A misspelt one hides the article: an internal text must not appear because of a typing error."""
    if value is None:
        return default
    text = reader.text(value, name)
    if text in known:
        return text
    reader.error(value.line, f"“{text[:40]}” is no {name}; it is one of {', '.join(known)}. Until then the article is hidden")
    return hidden


def _matching(value: Value | None, name: str, pattern: re.Pattern[str], allowed: str, reader: Reader) -> str:
    text = reader.text(value, name, longest=200)
    if text and value and (not pattern.fullmatch(text) or ".." in text):
        reader.error(value.line, f"“{name}” may hold {allowed}, not “{text[:60]}”")
        return ""
    return text


def _review_every(value: Value | None, reader: Reader) -> int | None:
    text = reader.text(value, "review_every")
    if not text or value is None:
        return None
    match = _REVIEW.fullmatch(text)
    if not match:
        reader.error(value.line, f"“review_every” is written like 90d, 12w, 6m or 1y, not “{text[:40]}”")
        return None
    return int(match[1]) * _DAYS[match[2]]
