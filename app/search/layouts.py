"""Words typed with the wrong keyboard layout: `ghbdtn` for привет, `akuo` for שלום, `руддщ` for hello."""

from __future__ import annotations

from app.locales import language

_LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,./`"
_CYRILLIC = "йцукенгшщзхъфывапролджэячсмитьбю.ё"
_HEBREW = "/'קראטוןםפ][שדגכעיחלךף,זסבהנמצתץ.;"

_TO = {
    "ru": str.maketrans(_LATIN, _CYRILLIC),
    "he": str.maketrans(_LATIN, _HEBREW),
}
_FROM = {
    "ru": str.maketrans(_CYRILLIC, _LATIN),
    "he": str.maketrans(_HEBREW, _LATIN),
}


def turned_round(text: str, locale: str) -> list[str]:
    """What the text would be on the other layouts that readers of this locale use; none if it already looks like their script."""
    lowered = text.lower()
    wanted = language(locale)
    if wanted in _TO:
        return [lowered.translate(_TO[wanted])] if any("a" <= c <= "z" for c in lowered) else []
    if any("а" <= c <= "я" for c in lowered):
        return [lowered.translate(_FROM["ru"])]
    if any("א" <= c <= "ת" for c in lowered):
        return [lowered.translate(_FROM["he"])]
    return []


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
