"""Editors' synonyms: what else to look for when certain words are asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from app.search.analysis import Word, analyzer_for


class Synonyms:
    """The rules of one locale, by the stems of their words; several words are matched in order."""

    def __init__(self, rules: Iterable[tuple[tuple[str, ...], tuple[str, ...], bool]], locale: str) -> None:
        self._by_stems: dict[tuple[str, ...], list[str]] = defaultdict(list)
        analyzer = analyzer_for(locale)
        for words, meanings, both_ways in rules:
            pairs = [(w, m) for w in words for m in meanings]
            if both_ways:
                pairs += [(m, w) for w, m in pairs]
            for source, target in pairs:
                stems = tuple(w.stem for w in analyzer.words(source) if not w.joined)
                if stems and target not in self._by_stems[stems] and target != source:
                    self._by_stems[stems].append(target)
        self._longest = max((len(s) for s in self._by_stems), default=0)

    def of(self, words: list[Word]) -> Iterator[tuple[int, str]]:
        """(position of the first word, what else to look for) for every rule that matches."""
        stems = [w.stem for w in words]
        for start in range(len(stems)):
            for length in range(1, min(self._longest, len(stems) - start) + 1):
                for target in self._by_stems.get(tuple(stems[start : start + length]), ()):
                    yield start, target
