"""The text of a query: cleaning what people type, and the small grammar (words, "quoted words", -word, begin*)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_CHARACTERS = 200
MAX_WORDS = 12
"""Words after stop words; what a person asks beyond that no longer changes the answer."""
SHORTEST_PREFIX = 3

_DROPPED = {"Cf", "Cs", "Cn", "Co"}
_BLANK = {"Cc", "Zl", "Zp", "Zs"}
_QUOTED = re.compile(r'(?:(?<=\s)|^)(-?)["“”„«]([^"“”„«»]{1,200})["“”»](?=\s|$|[.,;:!?])')
_PREFIX = re.compile(r"(?:(?<=\s)|^)([^\s*\"-][^\s*\"]*)\*(?=\s|$)")
_MINUS = re.compile(r"(?:(?<=\s)|^)-(?=\w)(\S+)")


_GRAMMAR = re.compile(r'[-*"“”„«]')
"""What text without any grammar has nothing of."""


def clean(text: str) -> tuple[str, bool]:
    """The query in NFC without control and direction characters, white space folded, cut at 200; and whether it was cut."""
    was_long = len(text) > MAX_CHARACTERS
    if text.isascii() and text.isprintable():
        return " ".join(text[: MAX_CHARACTERS * 5].split())[:MAX_CHARACTERS].strip(), was_long
    text = unicodedata.normalize("NFC", text[: MAX_CHARACTERS * 5])
    text = "".join(" " if unicodedata.category(c) in _BLANK else c for c in text if _is_kept(c))
    text = " ".join(text.split())
    return text[:MAX_CHARACTERS].strip(), was_long


def _is_kept(letter: str) -> bool:
    """Joiners inside words (Persian, Indic scripts) stay; other invisible characters go."""
    return letter in "\u200c\u200d" or unicodedata.category(letter) not in _DROPPED


@dataclass(frozen=True)
class Parsed:
    """A query by what its parts ask for."""

    free: str
    """What stands outside quotes, stars and minuses."""
    phrases: tuple[str, ...] = ()
    """Quoted text: must stand like this."""
    prefixes: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    """Words or phrases that must not occur."""
    loose_from: int | None = None
    """Where in `free` the words begin that were quoted and stand like this nowhere: they mean themselves still, so no synonyms."""

    @property
    def all_text(self) -> str:
        return " ".join([self.free, *self.phrases, *self.prefixes])

    @property
    def loosened(self) -> Parsed:
        """The same query without asking that quoted words stand together."""
        free = " ".join([self.free, *self.prefixes])
        return Parsed(" ".join([free, *self.phrases]), excluded=self.excluded, loose_from=len(free))


def parse(text: str) -> Parsed:
    """Read the grammar; whatever does not fit it is ordinary text."""
    if not _GRAMMAR.search(text):
        return Parsed(" ".join(text.split()))
    phrases: list[str] = []
    excluded: list[str] = []

    def take_quoted(match: re.Match[str]) -> str:
        (excluded if match[1] else phrases).append(match[2])
        return " "

    def take_minus(match: re.Match[str]) -> str:
        excluded.append(match[1])
        return " "

    rest = _QUOTED.sub(take_quoted, text)
    prefixes: list[str] = []

    def take_prefix(match: re.Match[str]) -> str:
        if len(match[1]) < SHORTEST_PREFIX:
            return f" {match[1]} "
        prefixes.append(match[1])
        return " "

    rest = _PREFIX.sub(take_prefix, rest)
    rest = _MINUS.sub(take_minus, rest)
    if not (rest.strip() or phrases or prefixes):
        return Parsed(free=" ".join(excluded))  # only minuses: they were meant as words
    return Parsed(" ".join(rest.split()), tuple(phrases[:4]), tuple(prefixes[:4]), tuple(excluded[:8]))
