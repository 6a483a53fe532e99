"""What is known of one file at one revision, and its form in the store."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import date, datetime
from sys import intern
from typing import Any

from app.content.articles import Article, Audience, Heading, Problem, Status

REDIRECTS = ":redirects"
"""Not a file: old path → path of today, as JSON."""
CHECKS = ":checks"
"""Not a file: problems that concern several files."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image file beside the articles."""

    content_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class FileState:
    """One file as it was taken in. A refused article is here with its last good version as `article`, or without any."""

    path: str
    blob: str
    article: Article | None = None
    given_id: str = ""
    """The id in the front matter."""
    origin: str = ""
    """Category and slug at the first commit."""
    redirect_from: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    """Files that its links and pictures lead to."""
    includes: tuple[str, ...] = ()
    """Snippet files it uses or looked for."""
    lines: tuple[tuple[str, int], ...] = ()
    """Line of some keys of the front matter, for later checks."""
    refused: bool = False
    shadowed: bool = False
    """Another article has its address or its id: this one is not shown."""
    outdated: bool = False
    changed_in: str = ""
    """The commit that changed it last; empty while it is uncommitted."""
    text: str = ""
    """The last good text of a YAML file."""
    picture: Picture | None = None
    problems: tuple[Problem, ...] = ()
    link_problems: tuple[Problem, ...] = ()

    @property
    def shown(self) -> Article | None:
        """The article, unless another one has its place."""
        return None if self.shadowed else self.article

    def line(self, key: str) -> int:
        return dict(self.lines).get(key, 1)


_ARTICLE_FIELDS = [f.name for f in fields(Article)]
_DEFAULTS = {f.name: f.default for f in fields(FileState)}


def dumped(state: FileState) -> str:
    """JSON of everything that differs from the default."""
    out: dict[str, Any] = {}
    for name, default in _DEFAULTS.items():
        value = getattr(state, name)
        if name in {"path", "blob"} or value == default:
            continue
        if name == "article":
            value = _dumped_article(value)
        elif name in {"problems", "link_problems"}:
            value = [[p.line, p.level, p.message] if p.path == state.path else [p.line, p.level, p.message, p.path] for p in value]
        elif name == "picture":
            value = [value.content_type, value.width, value.height]
        out[name] = value
    return json.dumps(out, ensure_ascii=False, separators=(",", ":"))


def loaded(path: str, blob: str, data: str) -> FileState:
    raw: dict[str, Any] = json.loads(data)
    for name, value in raw.items():
        if name == "article":
            raw[name] = _loaded_article(path, value)
        elif name in {"problems", "link_problems"}:
            raw[name] = tuple(Problem(p[3] if len(p) > 3 else path, p[0], p[1], p[2]) for p in value)
        elif name == "picture":
            raw[name] = Picture(intern(value[0]), value[1], value[2])
        elif name == "lines":
            raw[name] = tuple((intern(key), line) for key, line in value)
        elif name in {"targets", "includes"}:
            raw[name] = tuple(intern(item) for item in value)
        elif isinstance(value, list):
            raw[name] = tuple(value)
    return FileState(path=path, blob=blob, **raw)


def _dumped_article(article: Article) -> list[Any]:
    out: list[Any] = []
    for name in _ARTICLE_FIELDS:
        value = getattr(article, name)
        if isinstance(value, date):  # datetime too
            value = value.isoformat()
        elif name == "headings":
            value = [[h.anchor, h.text, h.level] for h in value]
        elif name == "path":
            value = None
        out.append(value)
    return out


def _loaded_article(path: str, values: list[Any]) -> Article:
    raw = dict(zip(_ARTICLE_FIELDS, values, strict=True))
    for name in ("locale", "category", "author", "owner"):
        raw[name] = intern(raw[name])
    for name in ("reviewed_on", "publish_on", "expire_on"):
        raw[name] = date.fromisoformat(raw[name]) if raw[name] else None
    for name in ("keywords", "related", "queries"):
        raw[name] = tuple(raw[name])
    raw["path"] = path
    raw["updated_at"] = datetime.fromisoformat(raw["updated_at"])
    raw["audience"], raw["status"] = Audience(raw["audience"]), Status(raw["status"])
    raw["headings"] = tuple(Heading(intern(anchor), intern(text), level) for anchor, text, level in raw["headings"])
    return Article(**raw)
