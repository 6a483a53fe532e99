"""Locale tags (BCP 47), the order in which locales stand in for each other, and writing direction."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from babel import Locale, UnknownLocaleError

_TAG = re.compile(r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$")


def is_tag(text: str) -> bool:
    """Whether `text` is written as a locale tag we accept: `en`, `pt-BR`, `zh-Hant`."""
    return bool(_TAG.match(text)) and text.split("-")[0] in _known_languages()


@lru_cache(maxsize=1)
def _known_languages() -> dict[str, str]:
    return dict(Locale("en").languages.items())


@lru_cache(maxsize=256)
def _babel(tag: str) -> Locale:
    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def direction(tag: str) -> str:
    """`rtl` for scripts written from right to left (Hebrew, Arabic, …), else `ltr`."""
    return _babel(tag).text_direction


def own_name(tag: str) -> str:
    """The language's name in itself, as a reader looks for it: `svenska`, `עברית`."""
    try:
        name = Locale.parse(tag, sep="-").get_display_name() or tag
    except (UnknownLocaleError, ValueError):
        return tag  # of a saved address or an import; not one that is offered
    return name[:1].upper() + name[1:] if tag.split("-")[0] in {"en", "de"} else name


def language(tag: str) -> str:
    """The language part of a tag: `pt` of `pt-BR`."""
    return tag.split("-")[0]


def fallbacks(tag: str, offered: Sequence[str]) -> list[str]:
    """The offered locales in the order in which a reader of `tag` would rather have them: itself, same language, default first."""
    same = [o for o in offered if o == tag]
    kin = [o for o in offered if o != tag and language(o) == language(tag)]
    rest = [o for o in offered if o not in same and o not in kin]
    return same + kin + rest


def best_match(accepted: Iterable[str], offered: Sequence[str]) -> str:
    """The offered locale that fits a browser's wishes (best first); the first offered one if none does."""
    for wish in (tag.replace("_", "-") for tag in accepted):
        for candidate in offered:
            if candidate.lower() == wish.lower():
                return candidate
        for candidate in offered:
            if language(candidate).lower() == wish.split("-")[0].lower():
                return candidate
    return offered[0]
