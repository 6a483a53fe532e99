"""Query text → the bag of stems that clustering compares: normalise, drop stop words, stem in the query's language."""

from __future__ import annotations

import re
from functools import lru_cache

import Stemmer

from app.deflection.grouping.wording import STOP_WORDS, normalise

_PLACEHOLDER = re.compile(r"‹\w+›")

_SNOWBALL = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "eu": "basque",
    "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
_HEBREW_PREFIXES = "הלבכמשו"
_HEBREW_ENDINGS = ("ים", "ות")
_LATIN = re.compile(r"^[a-z0-9]+$")


def stems(text: str, locale: str) -> tuple[str, ...]:
    """The sorted, distinct stems of the meaning words: the key of a query."""
    return _stems(normalise(_PLACEHOLDER.sub(" ", text)), locale.split("-")[0])


@lru_cache(maxsize=200_000)
def _stems(text: str, language: str) -> tuple[str, ...]:
    words = text.split()
    meaning = [word for word in words if word not in STOP_WORDS] or words
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
    # Up to two letters, because הכרטיס and כרטיס must meet and nobody can tell a prefix כ from a root's; but only while enough of a
    # word is left: בית (house) must not become ית.
    for _ in range(2):
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
