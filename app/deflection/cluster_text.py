"""Query text → the bag of stems that clustering compares: normalise, drop stop words, stem in the query's language."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import Stemmer

_WORD = re.compile(r"[^\W_]+")
_PLACEHOLDER = re.compile(r"‹\w+›")

STOP_WORDS = {
    "en": "a an and are as at be but by can could do does for from get got has have he help hello hi how i if in is it its me my need "
    "not of on or our please problem should so than that the their them then there they this to trying want was we what when where "
    "which who why will with would you your",
    "sv": "att av behöver den det du en ett far fick för från får ha har hej hjälp hur i inte jag kan kunde man med men min mina mitt "
    "måste och om på problem sig ska skulle som till tack vad var varför vi vill är",
    "ru": "в вы где для до его если есть за и из или как какой когда ли мне мой моя мы на надо не нет но о он они от по почему помогите "
    "при проблема с со так то у что чтобы это я здравствуйте",
    "he": "אני אבל או איך איפה את אתה ב בבקשה גם הוא היא הם זה זו יש כל כן כי ל לא לי מה מי מתי של עזרה על עם שלום שלי תודה",
}
STOPPED = frozenset(word for words in STOP_WORDS.values() for word in words.split())
"""The lists of all four languages apply together (deflection.md, Appendix A)."""

_SNOWBALL = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "eu": "basque",
    "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
_HEBREW_PREFIXES = "הלבכמשו"
_HEBREW_ENDINGS = ("ים", "ות")
_LATIN = re.compile(r"^[a-z0-9]+$")


def normalise(text: str) -> str:
    """NFKC, casefold, then the runs of letters and digits joined by single spaces; typed placeholders keep their name."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def stems(text: str, locale: str) -> tuple[str, ...]:
    """The sorted, distinct stems of the meaning words: the key of a query."""
    return _stems(normalise(_PLACEHOLDER.sub(" ", text)), locale.split("-")[0])


@lru_cache(maxsize=200_000)
def _stems(text: str, language: str) -> tuple[str, ...]:
    words = text.split()
    meaning = [word for word in words if word not in STOPPED] or words
    return tuple(sorted({stem(word, language) for word in meaning}))


@lru_cache(maxsize=200_000)
def stem(word: str, language: str) -> str:
    """One word's stem; Latin words in other scripts' text as English, Hebrew by one prefix and one ending."""
    if language == "he" and not _LATIN.match(word):
        return _hebrew(word)
    if language not in {"en"} and _LATIN.match(word) and language in {"ru", "he", "ar", "el", "hy"}:
        language = "en"
    stemmer = _stemmer(language)
    return str(stemmer.stemWord(word)) if stemmer else word


@lru_cache(maxsize=64)
def _stemmer(language: str) -> Stemmer.Stemmer | None:
    name = _SNOWBALL.get(language)
    return Stemmer.Stemmer(name) if name else None


def _hebrew(word: str) -> str:
    # One prefix letter off only if enough of a word is left: בית (house) must not become ית.
    if len(word) > 4 and word[0] in _HEBREW_PREFIXES:
        word = word[1:]
    for ending in _HEBREW_ENDINGS:
        if len(word) > len(ending) + 2 and word.endswith(ending):
            return word[: -len(ending)]
    return word


@lru_cache(maxsize=200_000)
def trigrams(word: str) -> frozenset[str]:
    """Every 3-character window of ^word$."""
    padded = f"^{word}$"
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))


def dice(a: frozenset[str], b: frozenset[str]) -> float:
    return 2 * len(a & b) / (len(a) + len(b)) if a and b else 0.0
