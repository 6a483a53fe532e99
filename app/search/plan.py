"""From a query to weighted terms in one locale: what is looked up, with what weight, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from app.search.analysis import Analyzer, Word, analyzer_for, fold, grams, pairs
from app.search.corrections import Around, Corrector, most_gained
from app.search.fields import CORRECTION_WEIGHT, PREFIX_WEIGHT, SIMILAR_WEIGHT, SYNONYM_WEIGHT, TOLD_WEIGHT
from app.search.hebrew import GERSHAYIM
from app.search.lexicon import has_lexicon, is_right
from app.search.query_text import MAX_WORDS, Parsed
from app.search.served import Served
from app.search.sight import Sight
from app.search.slips import Correction
from app.search.spelling import vocabulary_of

MOST_COMPLETIONS = 50
"""Words that a starred beginning may stand for."""

LONGEST_ABBREVIATION = 5
"""Letters of the longest word in capitals (USB, IMAP) that is taken for a name rather than for shouting."""


class PlanTerm(NamedTuple):
    """One term to look up: a kind is a group of fields (see `fields.KINDS`). (A tuple: a dozen are made for every search.)"""

    kind: str
    term: str
    weight: float
    origin: str
    """`query`, `correction`, `joined`, `synonym`, `shingle`, `exact`, `grams`, `prefix`."""
    word: int = -1
    """Which of the query's words it stands for; -1: none alone (pairs)."""
    sure: bool = True
    """Whether an article with it has what was asked; a guess finds articles, but does not make them an answer."""


class KnownLetters(NamedTuple):
    letters: int
    share: float
    """Of all letters of the text."""


@dataclass
class Plan:
    """Everything that is asked of one locale's fields."""

    locale: str
    terms: list[PlanTerm] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    """The words that count, in order; `PlanTerm.word` is a place in this list."""
    known: list[bool] = field(default_factory=list)
    """For each of them: whether an article that the viewer may see has it."""
    phrases: list[list[str]] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    corrections: dict[int, Correction] = field(default_factory=dict)
    """What was most likely meant, by place of the word that nobody has."""
    rare: dict[int, Correction] = field(default_factory=dict)
    """Words that hardly any article has, and a far commoner one that is nearly the same, or that people say every day: only offered."""
    added: list[str] = field(default_factory=list)
    """Words that were added to what was typed, to be named on the page: those that are told or offered as a correction are named already."""
    together: list[str] = field(default_factory=list)
    """Neighbours that were typed apart, as one word."""
    found: list[tuple[PlanTerm, np.ndarray]] = field(default_factory=list)
    """What looking up the terms gave, once `ranking.score` has: (term, documents)."""
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def add(self, kind: str, term: str, weight: float, origin: str, word: int = -1, sure: bool = True) -> None:
        """Add a term unless it is there already: what was typed goes first and keeps its weight."""
        key = (kind, term)
        if term and key not in self._seen:
            self._seen.add(key)
            self.terms.append(PlanTerm(kind, term, weight, origin, word, sure))

    def corrected(self, text: str, which: dict[int, Correction]) -> str:
        """The query's text with these words in place of the typed ones."""
        by_text = {self.words[i].text: c.word for i, c in which.items() if c.sure}
        out, at = [], 0
        for word in analyzer_for(self.locale).words(text):
            if word.text in by_text and not word.joined and word.start >= at:
                out += [text[at : word.start], _with_apostrophe(text[word.start : word.end], by_text[word.text])]
                at = word.end
        return "".join([*out, text[at:]])


class Planner:
    """Makes the plan of one query for one locale, from what this viewer may see there."""

    def __init__(self, served: Served, sight: Sight, exact: bool, known_elsewhere: Callable[[str], bool]) -> None:
        self.served, self.sight, self.locale, self.exact = served, sight, sight.locale, exact
        self.analyzer: Analyzer = analyzer_for(self.locale)
        self._words_kind, self._pairs_kind = ("own_words", "own_pairs") if exact else ("words", "pairs")
        self._elsewhere = known_elsewhere

    def knows(self, stem: str) -> bool:
        """Whether any visible article of this locale has the stem."""
        return self.sight.knows("words", stem)

    def known_letters(self, text: str) -> KnownLetters:
        """How many letters of a text stand in words that this locale's articles or dictionary know. (Not by their stem alone: where a light
        stemmer leaves three letters, most words have that of one.)"""
        words = [w.text for w in self.analyzer.words(text) if not w.joined and _has_letters_only(w)]
        known = sum(len(w) for w in words if len(w) > 1 and self.is_word(w))
        return KnownLetters(known, known / max(1, sum(c.isalpha() for c in text)))

    def is_word(self, word: str) -> bool:
        """Whether this locale's articles or dictionary know a word in lower case."""
        name = self.analyzer.language
        return self.sight.articles_with(word) > 0 or (is_right(word, name) if has_lexicon(name) else self.knows(self.analyzer.stem(word)))

    def plan(self, parsed: Parsed, widen: bool = True) -> Plan:
        """The whole plan; without `widen` only what was typed (and its neighbours as pairs)."""
        chunks = [self.analyzer.words(text) for text in (parsed.free, *parsed.phrases)]
        quoted = {id(w) for words in chunks[1:] for w in words}
        everything = [w for words in chunks for w in words]
        plan = Plan(self.locale, words=content_words(everything))
        self._typed(plan, chunks)
        free = [i for i, w in enumerate(plan.words) if id(w) not in quoted and not w.joined]
        if widen and not self.exact:
            loose = [w for w in chunks[0] if not w.joined and (parsed.loose_from is None or w.end <= parsed.loose_from)]
            synonyms = list(self.served.synonyms_of(self.locale).of(loose))
            # What editors name is no slip: "hole in the wall" is neither a hold nor a will.
            named = {id(w) for words, _ in synonyms for w in words}
            self._correct(plan, [i for i in free if id(plan.words[i]) not in named], chunks[0], parsed.free)
            self._synonyms(plan, synonyms)
        for prefix in parsed.prefixes:
            self._complete(plan, prefix)
        plan.phrases = [[w.text for w in words if not w.joined] for words in chunks[1:]]
        plan.excluded = [w.stem for text in parsed.excluded for w in self.analyzer.words(text)]
        return plan

    def _typed(self, plan: Plan, chunks: list[list[Word]]) -> None:
        knows = self.sight.knows
        for number, word in enumerate(plan.words):
            plan.known.append(knows("words", word.stem))
            plan.add(self._words_kind, word.stem, 1.0, "query", number)
            plan.add("exact", word.text, 1.0, "exact", number)
            if self.analyzer.grams:
                for gram in grams(word.text, self.analyzer.grams):
                    plan.add("grams", gram, 1.0, "grams", number)
        for words in chunks:
            for pair in pairs(words)[:MAX_WORDS]:
                plan.add(self._pairs_kind, pair, 1.0, "shingle")

    def _correct(self, plan: Plan, free: list[int], typed: list[Word], text: str) -> None:
        corrector = Corrector(self.served, self.analyzer, self.sight)
        least = -most_gained(len(plan.words))
        for i in free:
            word = plan.words[i]
            if word.stop or not (corrector.hope(word) >= least if plan.known[i] else _has_letters_only(word)):
                continue
            around = _around(plan, i, typed, text, self._elsewhere(word.text))
            if not plan.known[i] and not around.known_elsewhere:
                self._put_in(corrector, plan, i, around)
            elif (instead := corrector.meant(word, around)) and instead[0].sure:
                plan.rare[i] = instead[0]
        if plan.corrections:
            self._pairs_of_corrected(plan)
        for word, joined in corrector.joined(typed[: 2 * MAX_WORDS]):
            place = next((i for i, w in enumerate(plan.words) if w is word), -1)
            plan.add(self._words_kind, self.analyzer.stem(joined), CORRECTION_WEIGHT, "joined", place)
            plan.together.append(joined)
        plan.added += [c.word for i, c in plan.corrections.items() if not c.sure and i not in plan.rare]

    def _put_in(self, corrector: Corrector, plan: Plan, i: int, around: Around) -> None:
        """For a word that nobody has: its two halves, the likeliest words behind it, or words that look like it."""
        word = plan.words[i]
        meant, parts = corrector.meant(word, around), corrector.split(word)
        if parts is not None and not (meant and meant[0].sure):
            for part in parts.word.split():
                plan.add(self._words_kind, self.analyzer.stem(part), CORRECTION_WEIGHT, "joined", i)
            plan.corrections[i] = parts
        elif meant:
            if meant[0].sure and corrector.may_be_meant(word):
                plan.rare[i] = meant[0]
                meant = [replace(c, sure=False) for c in meant]
            plan.corrections[i] = meant[0]
            for place, correction in enumerate(meant[:3]):
                weight = CORRECTION_WEIGHT / 2 if place else TOLD_WEIGHT if correction.sure else CORRECTION_WEIGHT
                plan.add(self._words_kind, self.analyzer.stem(correction.word), weight, "correction", i, correction.sure)
                plan.add("exact", correction.word, weight, "correction", i)
        else:
            for similar, alike in corrector.similar(word):
                plan.add(self._words_kind, self.analyzer.stem(similar), SIMILAR_WEIGHT * alike, "grams", i, sure=False)

    def _pairs_of_corrected(self, plan: Plan) -> None:
        stems: list[tuple[str, bool]] = []
        for i, word in enumerate(plan.words):
            if not word.joined:
                meant = plan.corrections[i].word.split() if i in plan.corrections else []
                stems += [(self.analyzer.stem(w), len(meant) > 1) for w in meant] or [(word.stem, False)]
        for (a, is_part), (b, is_other_part) in pairwise(stems):
            plan.add(self._pairs_kind, f"{a}_{b}", CORRECTION_WEIGHT, "joined" if is_part or is_other_part else "correction")

    def _synonyms(self, plan: Plan, synonyms: list[tuple[list[Word], str]]) -> None:
        for words, target in synonyms:
            place = next((i for i, w in enumerate(plan.words) if w is words[0]), -1)
            meaning = self.analyzer.words(target)
            # One word of "not accepted" or "foreign country" finds articles, but means nothing of the kind by itself.
            alone = sum(not w.joined for w in meaning) == 1
            for word in content_words(meaning):
                plan.add(self._words_kind, word.stem, SYNONYM_WEIGHT, "synonym", place, sure=alone)
            for pair in pairs(meaning):
                plan.add(self._pairs_kind, pair, SYNONYM_WEIGHT, "synonym", place)
            plan.added.append(target)

    def _complete(self, plan: Plan, prefix: str) -> None:
        folded = fold(prefix.lower())
        words = {w for s in self.served.segments for w in vocabulary_of(s, self.locale).beginning(folded)}
        place = len(plan.words)
        plan.words.append(Word(prefix.lower(), folded, 0, 0, False))
        stems = sorted({self.analyzer.stem(w) for w in words})
        visible = [s for s in stems if self.knows(s)][:MOST_COMPLETIONS]
        plan.known.append(bool(visible))
        for stem in visible:
            plan.add("own_words", stem, PREFIX_WEIGHT, "prefix", place)


def _with_apostrophe(typed: str, word: str) -> str:
    """A corrected word as people write it: its text in the index has no apostrophe, what was typed has one before the same ending."""
    _, apostrophe, ending = typed.lower().replace("’", "'").rpartition("'")
    apart = apostrophe and len(word) > len(ending) and word.endswith(ending)
    return f"{word.removesuffix(ending)}'{ending}" if apart else word


def _has_letters_only(word: Word) -> bool:
    """Whether no digit is in the word: numbers, codes and names of products are never corrected."""
    return not any(c.isdigit() for c in word.text)


def _around(plan: Plan, i: int, typed: list[Word], text: str, known_elsewhere: bool) -> Around:
    """What stands in the query with one of the plan's words."""
    word = plan.words[i]
    raw = text[word.start : word.end]
    whole = [w for w in typed if not w.joined]
    place = next(n for n, w in enumerate(whole) if w is word)
    rest = [(w, known) for j, (w, known) in enumerate(zip(plan.words, plan.known, strict=True)) if j != i and not (w.stop or w.joined)]
    return Around(
        beside=[plan.words[j] for j in (i - 1, i + 1) if 0 <= j < len(plan.words)],
        before=whole[place - 1].text if place else "",
        after=whole[place + 1].text if place + 1 < len(whole) else "",
        others=tuple(w for w, known in rest if known),
        unknown=sum(not known for _, known in rest),
        known_elsewhere=known_elsewhere,
        abbreviation=(len(raw) <= LONGEST_ABBREVIATION and raw.isupper() and not text.isupper()) or not GERSHAYIM.isdisjoint(raw),
    )


def content_words(words: list[Word]) -> list[Word]:
    """The words that say something, each once; all of them when nothing else is left. At most twelve (joined forms come on top)."""
    kept = [w for w in words if not w.stop] or words
    out: list[Word] = []
    seen: set[str] = set()
    count = 0
    for word in kept:
        if word.stem in seen:
            continue
        seen.add(word.stem)
        count += not word.joined
        if count > MAX_WORDS:
            break
        out.append(word)
    return out
