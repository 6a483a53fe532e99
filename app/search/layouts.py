"""Words typed with the wrong keyboard layout: `ghbdtn` for привет, `akuo` for שלום, `руддщ` for hello."""

from __future__ import annotations

import re
from collections.abc import Callable

from app.locales import language

_LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,./`"
_CYRILLIC = "йцукенгшщзхъфывапролджэячсмитьбю.ё"
_HEBREW = "/'קראטוןםפ][שדגכעיחלךף,זסבהנמצתץ.;"

_TO = {
    "ru": str.maketrans(_LATIN + '{}:"<>~', _CYRILLIC + "хъжэбюё"),
    "he": str.maketrans(_LATIN, _HEBREW),
}
_SIGNS = ".,;:?!"
_SIGN_IN_WORD = re.compile(r"""(?:[^\W\d_][^\w\s'’׳״"-]+|(?:^|\s)['/])[^\W\d_]""")

_FROM = {
    "ru": str.maketrans(_CYRILLIC, _LATIN),
    "he": str.maketrans(_HEBREW, _LATIN),
}


def turned_round(text: str, locale: str, is_word: Callable[[str], bool]) -> str | None:
    """What the text would be on the other layout that readers of this locale use; none if it looks like their script already, or if signs
    would stand inside words. `is_word` tells the signs after a word from letters: `ltymub.` is деньги with a full stop, `vty.` is меню."""
    lowered = text.lower()
    table = _table(lowered, language(locale))
    turned = " ".join(_turned(part, table, is_word) for part in lowered.split(" ")) if table else None
    return None if turned is None or _SIGN_IN_WORD.search(turned) else turned


def _table(lowered: str, wanted: str) -> dict[int, int] | None:
    if wanted in _TO:
        return _TO[wanted] if any("a" <= c <= "z" for c in lowered) else None
    if any("а" <= c <= "я" for c in lowered):
        return _FROM["ru"]
    return _FROM["he"] if any("א" <= c <= "ת" for c in lowered) else None


def _turned(part: str, table: dict[int, int], is_word: Callable[[str], bool]) -> str:
    for end in range(len(part), len(part.rstrip(_SIGNS)) - 1, -1):
        if is_word(word := part[:end].translate(table)):
            return word + part[end:]
    return part.translate(table)


def _places() -> dict[str, tuple[int, int]]:
    """Where the letters of all layouts stand: (row, place in it)."""
    rows = (slice(0, 12), slice(12, 23), slice(23, 33))
    return {
        letter: (row, place)
        for keys in (_LATIN, _CYRILLIC, _HEBREW)
        for row, part in enumerate(rows)
        for place, letter in enumerate(keys[part])
    }


_PLACES = _places()


def are_beside(a: str, b: str) -> bool:
    """Whether two letters are neighbours on a keyboard: in a row, or one above the other."""
    here, there = _PLACES.get(a), _PLACES.get(b)
    return here is not None and there is not None and abs(here[0] - there[0]) <= 1 and abs(here[1] - there[1]) <= 1
