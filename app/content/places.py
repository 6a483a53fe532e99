"""What a path in the content folder stands for, and the address it is served at."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from app.locales import is_tag

PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
UNNAMEABLE = "its name holds control characters, a backslash or bytes that are no UTF-8, so it is left out; rename the file"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,119}")
_YAML = re.compile(r"(?:site|notices?|synonyms?|search[-_ ]?tests?)\.ya?ml")
_ABSOLUTE = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:|[/#?\\])")


class Kind(StrEnum):
    ARTICLE = "article"
    SITE = "site"
    NOTICES = "notices"
    SYNONYMS = "synonyms"
    SEARCH_TESTS = "search-tests"
    SNIPPET = "snippet"
    PICTURE = "picture"
    MISPLACED = "misplaced"
    """A file that looks like an article or like one of the YAML files but lies in the wrong place; `reason` says why."""
    MISNAMED = "misnamed"
    """An article that has no address, because of its name or its folder's; `reason` says why."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Place:
    kind: Kind
    locale: str = ""
    category: str = ""
    slug: str = ""
    reason: str = ""


def place_of(path: str, folder: str, locales: tuple[str, ...]) -> Place:
    """What the file at `path` is for."""
    inner = path[len(folder) + 1 :] if folder else path
    parts = inner.split("/")
    name = parts[-1]
    if any(part.startswith(".") for part in parts):
        return Place(Kind.OTHER)
    if not inner.isprintable() or "\\" in inner:
        return (
            Place(Kind.MISPLACED, reason=UNNAMEABLE)
            if posixpath.splitext(name)[1].lower() in {".md", ".yml", *PICTURES}
            else Place(Kind.OTHER)
        )
    if inner in {"site.yml", "notices.yml"}:
        return Place(Kind.SITE if inner == "site.yml" else Kind.NOTICES)
    if len(parts) == 2 and name in {"synonyms.yml", "search-tests.yml"} and parts[0] in locales:
        return Place(Kind.SYNONYMS if name == "synonyms.yml" else Kind.SEARCH_TESTS, parts[0])
    if _YAML.fullmatch(name.lower()) and not any(part.startswith("_") for part in parts):
        return Place(Kind.MISPLACED, reason=_unread(parts, locales))
    if parts[-2:-1] == ["_snippets"] and name.endswith(".md") and len(parts) <= 3:
        return Place(Kind.SNIPPET, parts[0] if len(parts) == 3 else "")
    suffix = posixpath.splitext(name)[1].lower()
    if suffix in PICTURES:
        return Place(Kind.PICTURE)
    if suffix != ".md" or name.lower() == "readme.md" or any(part.startswith("_") for part in parts):
        return Place(Kind.OTHER)
    return _article_place(parts, locales)


def _unread(parts: list[str], locales: tuple[str, ...]) -> str:
    """Why a YAML file is not read that its writer takes for one of ours."""
    if len(parts) == 2 and parts[1] in {"synonyms.yml", "search-tests.yml"}:
        return _not_on_offer(parts[0], locales)
    return "no file of this name is read here; there are site.yml, notices.yml, <locale>/synonyms.yml and <locale>/search-tests.yml"


def _not_on_offer(locale: str, locales: tuple[str, ...]) -> str:
    if not is_tag(locale):  # asking whether it is a tag loads a table of all languages
        return f"“{locale}” is no locale tag like en or pt-BR"
    return f"“{locale}” is not among HYLLA_LOCALES ({', '.join(locales)}), so it is not published"


def _article_place(parts: list[str], locales: tuple[str, ...]) -> Place:
    if len(parts) != 3:
        return Place(Kind.MISPLACED, reason="an article lies at <locale>/<category>/<slug>.md; move it there")
    locale, category, slug = parts[0], parts[1], parts[2][:-3]
    if locale not in locales:
        return Place(Kind.MISPLACED, reason=_not_on_offer(locale, locales))
    for word in (category, slug):
        if not _NAME.fullmatch(word):
            allowed = "small letters, digits, hyphens and underscores" if len(word) <= 120 else "at most 120 characters"
            return Place(Kind.MISNAMED, reason=f"“{word[:60]}” cannot be part of an address, so this is not published; use {allowed}")
    return Place(Kind.ARTICLE, locale, category, slug)


def is_relative(href: str) -> bool:
    """Whether a link names a file beside the article, rather than an address or a place on the page."""
    return bool(href) and not _ABSOLUTE.match(href)


def target_of(path: str, href: str) -> tuple[str, str]:
    """(file, anchor) that a relative link in the file `path` leads to; the file is empty if it leaves the repository."""
    name, _, fragment = href.partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(name.partition("?")[0])))
    if target.startswith(("../", "/")) or target == "..":
        return "", fragment
    if not posixpath.splitext(target)[1]:
        target += ".md"
    return target, unquote(fragment)


def media_address(path: str, folder: str, blob: str) -> str:
    """Where a picture is served; `v` changes with its content, so that it may be cached for ever."""
    from urllib.parse import quote

    return f"/media/{quote(path[len(folder) + 1 :] if folder else path)}?v={blob[:12]}"
