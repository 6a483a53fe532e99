"""How alike two texts are, reproducible to the bit in any language: trigrams of the words that mean something."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")
_IDEOGRAPH = re.compile("[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f]")

_STOP_WORDS = """
a an and are as at be but by can could do does for from get got has have he help hello hi how i if in is it its me my need not of on or
our please problem should so than that the their them then there they this to trying want was we what when where which who why will with
would you your
att av behöver den det du en ett far fick för från får ha har hej hjälp hur i inte jag kan kunde man med men min mina mitt måste och om
på problem sig ska skulle som till tack vad var varför vi vill är
в вы где для до его если есть за и из или как какой когда ли мне мой моя мы на надо не нет но о он они от по почему помогите при
проблема с со так то у что чтобы это я здравствуйте
אני אבל או איך איפה את אתה ב בבקשה גם הוא היא הם זה זו יש כל כן כי ל לא לי מה מי מתי של עזרה על עם שלום שלי תודה
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Words that say nothing about a topic: English, Swedish, Russian and Hebrew together."""


@lru_cache(maxsize=50_000)
def normalise(text: str) -> str:
    """NFKC, casefold, then the runs of letters and digits joined by single spaces."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


@lru_cache(maxsize=50_000)
def trigrams(normalised: str) -> frozenset[str]:
    """Every three-character window of `^word$` over the meaning words (all words if only stop words are left)."""
    words = normalised.split()
    meaning = [word for word in words if word not in STOP_WORDS] or words
    padded = [f"^{word}$" for word in meaning]
    return frozenset(word[i : i + 3] for word in padded for i in range(len(word) - 2))


def dice(a: frozenset[str], b: frozenset[str]) -> float:
    """2|A∩B| / (|A|+|B|); 0 if one is empty."""
    return 2 * len(a & b) / (len(a) + len(b)) if a and b else 0.0


def coverage(query: frozenset[str], subject: frozenset[str]) -> float:
    """The share of a query's trigrams that occur in a subject; 0 if one is empty."""
    return len(query & subject) / len(query) if query and subject else 0.0


def is_enough_text(normalised: str) -> bool:
    """Whether a typed text says something by itself: three letters or digits, or one ideograph, kana or hangul syllable."""
    return len(normalised.replace(" ", "")) >= 3 or bool(_IDEOGRAPH.search(normalised))


def continues(a: str, b: str) -> bool:
    """Whether one normalised query may be the other a keystroke later: a prefix, or at most two edits away."""
    return a.startswith(b) or b.startswith(a) or _within_two_edits(a, b)


def _within_two_edits(a: str, b: str) -> bool:
    if abs(len(a) - len(b)) > 2:
        return False
    previous = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (x != y)))
        if min(row) > 2:
            return False
        previous = row
    return previous[-1] <= 2
