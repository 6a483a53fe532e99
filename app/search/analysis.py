"""From text to what is indexed and searched: words, their stems, word pairs and character n-grams, by the rules of a locale.

All analysis happens here, once for articles and queries, and the index is given finished terms. So the index files hold no analyser of
ours (a pickled one could not be opened after its class moved), and what a term is does not depend on the search library's version.
"""

from __future__ import annotations

import re
import sys
import threading
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import Stemmer

from app.locales import language
from app.search.hebrew import is_hebrew, light_stem
from app.search.stop_words import STOP_WORDS

_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english", "eo": "esperanto",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi",
    "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "nb": "norwegian", "ne": "nepali",
    "nl": "dutch", "nn": "norwegian", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
_ELIDING = frozenset({"fr", "it", "ca", "oc"})
_ALPHABETS = {"ru": "cyrillic", "uk": "cyrillic", "bg": "cyrillic", "be": "cyrillic", "mk": "cyrillic", "sr": "cyrillic", "kk": "cyrillic"}
_NOT_LATIN = frozenset({*_ALPHABETS, "he", "yi", "ar", "fa", "ur", "el", "hy", "ka", "hi", "ne", "ta", "th", "zh", "ja", "ko"})
WITHOUT_SPACES = frozenset({"zh", "ja", "th", "lo", "km", "my"})
LONGEST_TERM = 40
"""Letters kept of one word: a 50,000-letter word costs nothing and finds its like."""
MOST_REMEMBERED = 100_000
"""Words whose analysis is remembered; a bound, so that hostile queries cannot fill the memory."""
LONGEST_TEXT = 600_000
"""Letters of one text that are analysed; an article file is refused long before."""


def _letter_class() -> str:
    """A word's letters for a regular expression: what Python calls a letter or digit, plus every mark that sits on one."""
    marks = [c for c in range(0x300, 0xFE30) if unicodedata.category(chr(c)) in {"Mn", "Mc"}]
    runs: list[list[int]] = []
    for code in marks:
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    ranges = "".join(f"{chr(a)}-{chr(b)}" if a != b else chr(a) for a, b in runs)
    return rf"(?:[^\W_]|[{ranges}\u200c\u200d\u00ad])"


_LETTER = _letter_class()
_WORD = re.compile(rf"\d+(?:[.,]\d+)+(?!\d)|{_LETTER}+(?:['’׳״]{_LETTER}+|(?<=[א-ת])\"(?=[א-ת]){_LETTER}+)*")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_HYPHENS = frozenset("-\u2010\u2011\u2043")
_INVISIBLE = str.maketrans("", "", "\u200c\u200d\u00ad")
_SPELLED_OUT = str.maketrans(
    {"ø": "o", "đ": "d", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i", "ё": "е", "ґ": "г"}
)
_CYRILLIC_MARKED = frozenset("йЙїЇўЎ")


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """A lower-case word as somebody without the right keys would type it: marks and points off, ё as е, ø as o."""
    if word.isascii():
        return word
    kept = []
    for letter in word.translate(_SPELLED_OUT):
        if letter in _CYRILLIC_MARKED:
            kept.append(letter)  # й is a letter, not an и with an ornament
        else:
            kept.extend(c for c in unicodedata.normalize("NFKD", letter) if unicodedata.category(c) != "Mn")
    return "".join(kept)


def plain(text: str) -> str:
    """A word in lower case, composed, without invisible joiners; marks that matter for meaning are still on it."""
    return unicodedata.normalize("NFC", text.translate(_INVISIBLE)).lower().replace("’", "'")


@dataclass(slots=True)
class Word:
    """One word of a text: as written in lower case, its stem, and where it stands. (Not frozen: thousands are made a second.)"""

    text: str
    """Without points and with ё as е, but å stays å: what spelling help and the exact field know."""
    stem: str
    start: int
    end: int
    stop: bool
    joined: bool = False
    """Made of the parts of a hyphenated word (`topup` from `top-up`); stands at the same place as its last part."""


class Analyzer:
    """The rules of one locale. Safe for many threads."""

    def __init__(self, locale: str) -> None:
        self.locale = locale
        self.language = language(locale)
        self.grams = 3 if self.language not in _STEMMERS or self.language in {"he", "yi"} else 0
        """Length of the character n-grams that are indexed beside the words, for languages we cannot stem well; 0: none."""
        if self.language in WITHOUT_SPACES:
            self.grams = 0
        self._own = _STEMMERS.get(self.language)
        self._latin = "english" if self.language in _NOT_LATIN else self._own
        self._cyrillic = self._own if self.language in _ALPHABETS else "russian"
        self._stop = frozenset(fold(w) for w in STOP_WORDS.get(self.language, ()))
        self._stems: dict[str, str] = {}
        self._known: dict[str, tuple[str, str, bool]] = {}
        """Plain words as met before: (text, stem, stop)."""

    def words(self, text: str) -> list[Word]:
        """Every word of the text in order, with the joined form after the last part of a hyphenated one."""
        found: list[Word] = []
        for match in _WORD.finditer(text, 0, LONGEST_TEXT):
            self._add(found, match.group(), match.start())
        return self._with_joined(found, text)

    def stem(self, word: str) -> str:
        """The stem of a word in lower case."""
        known = self._stems.get(word)
        if known is None:
            if len(self._stems) > MOST_REMEMBERED:
                self._stems.clear()
            known = self._stems[word] = self._make_stem(word)
        return known

    def is_stop(self, word: str) -> bool:
        """Whether the word says nothing: with its apostrophe, because "I'd" says nothing and "id" does, and neither does "they're"."""
        folded = fold(word)
        return folded in self._stop or (self.language == "en" and "'" in folded and folded.partition("'")[0] in self._stop)

    def _add(self, found: list[Word], raw: str, start: int) -> None:
        known = self._known.get(raw)
        if known is not None:
            found.append(Word(known[0], known[1], start, start + len(raw), known[2]))
            return
        if _UNSPACED.search(raw):
            found.extend(self._pairs_of_signs(raw, start))
            return
        whole = raw
        word = surface(raw)
        if self.language in _ELIDING and "'" in word:
            head, _, rest = word.partition("'")
            if rest and len(head) <= 2:
                start, word, raw = start + len(head) + 1, rest, raw[len(head) + 1 :]
        if not word:
            return
        made = Word(word.replace("'", ""), self.stem(word), start, start + len(raw), self.is_stop(word))
        found.append(made)
        if raw is whole and len(raw) <= LONGEST_TERM:
            if len(self._known) > MOST_REMEMBERED:
                self._known.clear()
            self._known[raw] = (made.text, made.stem, made.stop)

    def _pairs_of_signs(self, raw: str, start: int) -> list[Word]:
        """Text without spaces as overlapping pairs of signs; other letters in between as words."""
        out: list[Word] = []
        position = 0
        for run in _UNSPACED.finditer(raw):
            if run.start() > position:
                self._add(out, raw[position : run.start()], start + position)
            signs, at = run.group(), start + run.start()
            for i in range(max(1, len(signs) - 1)):
                pair = fold(signs[i : i + 2])
                out.append(Word(pair, pair, at + i, at + min(i + 2, len(signs)), False))
            position = run.end()
        if position < len(raw):
            self._add(out, raw[position:], start + position)
        return out

    def _with_joined(self, found: list[Word], text: str) -> list[Word]:
        if not any(sign in text for sign in _HYPHENS):
            return found
        out: list[Word] = []
        run: list[Word] = []
        for word in found:
            glued = bool(run) and word.start == run[-1].end + 1 and text[word.start - 1] in _HYPHENS
            if not glued:
                self._join(out, run)
                run = []
            run.append(word)
            out.append(word)
        self._join(out, run)
        return out

    def _join(self, out: list[Word], run: list[Word]) -> None:
        if 2 <= len(run) <= 3:
            text = "".join(w.text for w in run)[:LONGEST_TERM]
            out.append(Word(text, self.stem(text), run[0].start, run[-1].end, False, joined=True))

    def _make_stem(self, word: str) -> str:
        if is_hebrew(word):
            return light_stem(fold(word).replace("'", "").replace("׳", "").replace("״", "").replace('"', ""))
        first = word[:1]
        if first.isdigit():
            return word
        if "Ѐ" <= first <= "ӿ":
            name = self._cyrillic
        elif first.isascii() or "À" <= first <= "ɏ":
            name = self._latin
        else:
            name = self._own
        stemmed = _stemmer(name).stemWord(word.replace("ё", "е")) if name else word
        if name == "swedish" and stemmed == word:
            stemmed = _swedish_definite(word)
        return fold(stemmed).replace("'", "") or word


def _swedish_definite(word: str) -> str:
    """What Snowball leaves standing: `fakturan` (like `fakturor`) and `lösenordet` (like `lösenord`)."""
    if len(word) >= 6 and word.endswith("an"):
        return _stemmer("swedish").stemWord(word[:-1])
    if len(word) >= 9 and word.endswith("et"):  # shorter ones are often no definite form: internet, paket, alfabet
        return word[:-2]
    return word


_WITH_SEPARATORS = re.compile(r"^\d{1,3}([.,]\d{3})+$")


def surface(raw: str) -> str:
    """A word as it stands in the exact field: lower case, points off Hebrew and Arabic, ё as е, 10,000 as 10000."""
    word = plain(raw[: LONGEST_TERM * 2])
    if not word.isascii():
        word = word.replace("ё", "е")
        if any("\u0590" <= c <= "\u06ff" for c in word):
            word = "".join(c for c in word if unicodedata.category(c) != "Mn")
    if _WITH_SEPARATORS.match(word):
        word = word.replace(".", "").replace(",", "")
    return sys.intern(word[:LONGEST_TERM])


def pairs(words: list[Word]) -> list[str]:
    """Neighbouring stems after stop words: `card declined abroad` gives `card_declin`, `declin_abroad`."""
    stems = [w.stem for w in words if not w.stop and not w.joined]
    return [f"{a}_{b}" for a, b in pairwise(stems)]


def grams(word: str, size: int) -> list[str]:
    """The character n-grams of a folded word; a shorter word is its own."""
    word = fold(word)
    if len(word) <= size:
        return [word] if len(word) > 1 else []
    return [word[i : i + size] for i in range(len(word) - size + 1)]


_local = threading.local()


def _stemmer(name: str) -> Stemmer.Stemmer:
    """One stemmer a thread: PyStemmer's objects must not be shared."""
    made: dict[str, Stemmer.Stemmer] | None = getattr(_local, "stemmers", None)
    if made is None:
        made = _local.stemmers = {}
    if name not in made:
        made[name] = Stemmer.Stemmer(name, 0)  # our own cache is in front of it
    return made[name]


@lru_cache(maxsize=64)
def analyzer_for(locale: str) -> Analyzer:
    """The rules of a locale, made once."""
    return Analyzer(locale)
