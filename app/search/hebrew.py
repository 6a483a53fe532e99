"""A light stemmer for Hebrew: up to two prefix letters and one ending off, final letters as inner ones.

Hebrew glues prepositions, the article and "and" to the word (ב־הכרטיס, וכשהכרטיס). A dictionary would be right more often; without one,
taking the same letters off in articles and queries alike makes the forms of one word meet. Words whose own first letter looks like a prefix
lose it everywhere, so they still meet; the character 3-grams beside this field separate what is thrown together.
"""

from __future__ import annotations

PREFIXES = frozenset("הובכלמש")
GERSHAYIM = frozenset('״"')
"""What stands before the last letter of an abbreviation (חו״ל), and around quoted words."""
_ENDINGS = ("ויות", "יות", "ים", "ות", "ית", "ה", "ת", "י")
_FINALS = str.maketrans("ךםןףץ", "כמנפצ")
_SHORTEST = 3
"""Letters that must be left: of shorter stems too many words would share one."""


def is_hebrew(word: str) -> bool:
    return not word.isascii() and any("א" <= letter <= "ת" for letter in word)


def light_stem(word: str) -> str:
    """The stem of a word without points: `הכרטיסים` and `בכרטיס` give the same one."""
    for _ in range(2):
        if len(word) > _SHORTEST and word[0] in PREFIXES:
            word = word[1:]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            word = word[: -len(ending)]
            break
    return word.translate(_FINALS)


def without_prefix(word: str) -> list[str]:
    """The word and what is left of it without one or two prefix letters, longest first: what a person may have meant."""
    forms = [word]
    while len(forms) < 3 and len(forms[-1]) > 2 and forms[-1][0] in PREFIXES:
        forms.append(forms[-1][1:])
    return forms
