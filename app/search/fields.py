"""The fields of the index, what each weighs, and why: the whole recipe of the ranking in one place.

Every locale has its own fields (`title.sv`), so a word's rarity and a text's usual length are those of its language. The figures behind
the numbers are in docs/search.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.search.analysis import Analyzer, Word, grams, pairs
from app.search.shelf import Analysed

TITLE, KEYWORDS, WHOLE = "title", "keywords", "article"
EXACT, GRAMS, PAIRS, NAMES, PARTS = "exact", "grams", "pairs", "names", "parts"
LEARNED, LEARNED_PAIRS = "learned", "learned_pairs"

WORD_WEIGHTS = {WHOLE: 2.0, TITLE: 1.25, KEYWORDS: 1.0, LEARNED: 0.5}
"""Stems. The whole article is judged as one text, in which a word counts however its mentions are spread over title, headings and
paragraphs, and is as rare as the articles that have it anywhere. A title is short and its words are rare in titles, so its own idf favours
it already: a much higher weight loses. So do learned phrases: they help articles without keywords more at 1, and then mislead the others."""
PAIR_WEIGHTS = {PAIRS: 0.75, LEARNED_PAIRS: 0.5}
"""Two neighbouring words together, anywhere in the article: what tells "card payment" from a card and a payment."""
EXACT_WEIGHTS = {EXACT: 0.5}
"""The word as typed, at a quarter of its stem in the whole article: breaks ties between forms, and between words that a stemmer throws
together."""
TIMES = {TITLE: 2, KEYWORDS: 2}
"""How often a word counts in the whole article and among its pairs when it stands there: these are chosen, where text only mentions."""
GRAM_WEIGHTS = {GRAMS: 1.0}
"""Character 3-grams, only for languages that we cannot stem well (Hebrew first of all)."""

KINDS = {
    "words": WORD_WEIGHTS,
    "pairs": PAIR_WEIGHTS,
    "exact": EXACT_WEIGHTS,
    "grams": GRAM_WEIGHTS,
    "own_words": {part: weight for part, weight in WORD_WEIGHTS.items() if part != LEARNED},
    "own_pairs": {part: weight for part, weight in PAIR_WEIGHTS.items() if part != LEARNED_PAIRS},
    "names": {NAMES: 2.0, PARTS: 1.0},
}
"""What can be asked for one term: a kind is a group of fields whose weighted scores are added."""

TOLD_WEIGHT = 1.0
"""A word put in for one that no article has, and told: of a hundred, 98 are what was meant, so it counts as if it had been typed."""
CORRECTION_WEIGHT = 0.6
"""The same where it is not sure enough to be told; another that may have been meant counts half."""
SYNONYM_WEIGHT = 0.2
"""Editors' synonyms widen the search; more would let them outrank what was typed."""
SIMILAR_WEIGHT = 0.3
"""Words that share most character 4-grams with a word that has neither a hit nor a correction."""
PREFIX_WEIGHT = 0.5
"""Each of the words that a starred beginning stands for."""

K1, B = 1.2, 0.75
"""BM25's usual parameters, and Whoosh's."""


def field_name(part: str, locale: str) -> str:
    """The name of a field in the index: `title.pt-BR` (Whoosh allows any name; the dot keeps it apart from our own words)."""
    return f"{part}.{locale}"


@dataclass(frozen=True)
class FieldSpec:
    """How a part is indexed: with positions (for phrases) or only with how often."""

    part: str
    positions: bool = False


FIELD_SPECS = (
    FieldSpec(WHOLE),
    FieldSpec(TITLE),
    FieldSpec(KEYWORDS),
    FieldSpec(EXACT, positions=True),
    FieldSpec(PAIRS),
    FieldSpec(GRAMS),
    FieldSpec(NAMES),
    FieldSpec(PARTS),
)

GAP = "|"
"""Stands between the parts of the exact field, so that no phrase reaches from a title into the text. No word looks like it."""


def terms_of(keywords: tuple[str, ...], analysed: Analysed, a: Analyzer) -> dict[str, list[str]]:
    """All terms of an article by part, as they go into the index."""
    titles, heading_words = analysed.title, analysed.headings
    summaries, *sections = analysed.words
    keyword_words = [a.words(k) for k in keywords]
    everything = [titles, *heading_words, *keyword_words, summaries, *sections]
    weighed = [*[titles] * TIMES[TITLE], *heading_words, *keyword_words * TIMES[KEYWORDS], summaries, *sections]
    parts: dict[str, list[str]] = {
        WHOLE: _stems(weighed),
        TITLE: _stems([titles]),
        KEYWORDS: _stems(keyword_words),
        EXACT: _exact(everything),
        PAIRS: _each(pairs, weighed),
        NAMES: [w.text for words in [titles, *keyword_words] for w in words],
        PARTS: [w.text for words in heading_words for w in words],
    }
    if a.grams:
        parts[GRAMS] = [g for words in everything for w in words if not w.stop for g in grams(w.text, a.grams)]
    return parts


def _stems(lists: list[list[Word]]) -> list[str]:
    return [w.stem for words in lists for w in words]


def _each(make: Callable[[list[Word]], list[str]], lists: list[list[Word]]) -> list[str]:
    return [term for words in lists for term in make(words)]


def _exact(lists: list[list[Word]]) -> list[str]:
    """The words as typed; joined forms stand apart at the end, so that they do not stand between the words of a phrase."""
    out: list[str] = []
    joined: list[str] = []
    for words in lists:
        if words:
            out.extend(w.text for w in words if not w.joined)
            out.append(GAP)
            joined.extend(w.text for w in words if w.joined)
    return out + joined
