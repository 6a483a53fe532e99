"""Editors' synonyms: what else to look for when certain words are asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from app.search.analysis import Word, analyzer_for


class Synonyms:
    """The rules of one locale, by the stems of their words; several words are matched in order."""

    def __init__(self, rules: Iterable[tuple[tuple[str, ...], tuple[str, ...], bool]], locale: str) -> None:
        self._by_stems: dict[tuple[str, ...], list[str]] = defaultdict(list)
        analyzer = analyzer_for(locale)
        for words, meanings, both_ways in rules:
            stems_of = {phrase: tuple(w.stem for w in analyzer.words(phrase) if not w.joined) for phrase in {*words, *meanings}}
            pairs = [(w, m) for w in words for m in meanings]
            if both_ways:
                pairs += [(m, w) for w, m in pairs]
            for source, target in pairs:
                stems = stems_of[source]
                if stems and target not in self._by_stems[stems] and target != source:
                    self._by_stems[stems].append(target)
        self._longest = max((len(s) for s in self._by_stems), default=0)

    def of(self, words: list[Word]) -> Iterator[tuple[list[Word], str]]:
        """(the words that a rule is about, what else to look for) for every rule that matches."""
        stems = [w.stem for w in words]
        for start in range(len(stems)):
            for length in range(1, min(self._longest, len(stems) - start) + 1):
                for target in self._by_stems.get(tuple(stems[start : start + length]), ()):
                    yield words[start : start + length], target


def idle_synonyms(rules: Sequence[tuple[tuple[str, ...], tuple[str, ...], bool]], locale: str) -> Iterator[tuple[int, str]]:
    """(number of the rule, what of it does nothing or too much, and what to do) for writers."""
    analyzer = analyzer_for(locale)
    known: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
    for number, (words, meanings, _) in enumerate(rules):
        stems_of: dict[str, tuple[str, ...]] = {}
        for phrase in dict.fromkeys((*words, *meanings)):
            found = [w for w in analyzer.words(phrase) if not w.joined]
            stems_of[phrase] = tuple(w.stem for w in found)
            if not found:
                yield number, f"“{phrase[:40]}” has no word that could be searched; take it out"
            elif len(found) == 1 and found[0].stop:
                yield number, f"“{phrase[:40]}” stands in nearly every text and tells nothing; take it out, or write it with its neighbours"
        pairs = {(stems_of[w], stems_of[m]): (w, m) for w in words for m in meanings if stems_of[w] and stems_of[m]}
        different = {pair: names for pair, names in pairs.items() if pair[0] != pair[1]}
        if not different:
            yield number, "all words here are the same to the search; write another that means the same, or take the entry out"
        elif twice := next((pair for pair in different if pair in known), None):
            word, meaning = different[twice]
            yield number, f"“{word[:40]}” finds “{meaning[:40]}” already, by entry {known[twice] + 1} of the file; keep one"
        known |= {pair: number for pair in different if pair not in known}
