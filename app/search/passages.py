"""What of an article answers the query: marked snippets, the sections to link to, and the best passage.

Everything is read from the shelf: the words of an article are kept as hashes of their stems with their places, so nothing is analysed
again for the ten hits that are shown.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.search.analysis import analyzer_for
from app.search.engine import Passage
from app.search.plan import Plan
from app.search.sentences import sentence_starts
from app.search.served import Served
from app.search.shelf import HEADING, Entry, ShelvedText, term_hash

SNIPPET_LETTERS = 220
LEAD_LETTERS = 60
"""What is shown before the first match when its sentence is long."""
PASSAGE_SENTENCES = 3
PASSAGE_LETTERS = 420
PASSAGE_ARTICLES = 3
"""The best passage may come from one of the first three hits."""
PASSAGE_SHARE = 0.6
"""Share of the query's information that a passage must hold to be shown as the answer; calibrated in docs/search.md."""
LEAST_LETTERS = 40
SECTION_SHARE = 0.5
"""Share of the query's information that a section must hold to be linked by itself."""


@dataclass(frozen=True, slots=True)
class Match:
    """A word of the text that stands for the `group`-th word of the query."""

    group: int
    start: int
    end: int
    section: int
    sentence: int


class Marks:
    """What to look for in texts: the stems of a plan by the query word they stand for, and what each is worth."""

    def __init__(self, served: Served, plan: Plan) -> None:
        groups: dict[int, int] = {}
        self.stems: set[str] = set()
        for term in plan.terms:
            if term.kind in ("words", "own_words") and term.word >= 0:
                groups.setdefault(term_hash(term.term), term.word)
                self.stems.add(term.term)
        self._hashes = np.array(sorted(groups), dtype=np.uint32)
        self._groups = np.array([groups[h] for h in sorted(groups)], dtype=np.int64)
        statistics, locale = served.scores.statistics, plan.locale
        self.weights = [
            0.0 if word.joined else statistics.idf(locale, len(served.scores.of_term("words", locale, word.stem)[0])) for word in plan.words
        ]
        self.whole = sum(self.weights) or 1.0
        self._masses: dict[int, float] = {}

    def find(self, text: ShelvedText) -> list[Match]:
        """All matches in a text, in order."""
        words = text.words
        if not len(self._hashes) or not len(words):
            return []
        at = np.searchsorted(self._hashes, words["term"])
        at[at == len(self._hashes)] = 0
        hit = np.flatnonzero(self._hashes[at] == words["term"])
        found = words[hit]
        return [
            Match(*values)
            for values in zip(
                self._groups[at[hit]].tolist(), found["start"].tolist(), found["end"].tolist(), found["section"].tolist(),
                found["sentence"].tolist(), strict=True,
            )
        ]  # fmt: skip

    def mass(self, bits: int) -> float:
        """What the query words with these numbers are worth together, as a share of the whole query."""
        known = self._masses.get(bits)
        if known is None:
            known = self._masses[bits] = sum(w for i, w in enumerate(self.weights) if bits >> i & 1) / self.whole
        return known


@dataclass(frozen=True)
class Dressed:
    """A hit's texts, with `[[` and `]]` around what matched."""

    title: str
    snippet: str
    sections: tuple[tuple[str, str], ...]


class Found:
    """The matches of one article, added up by sentence and by section."""

    def __init__(self, text: ShelvedText, marks: Marks) -> None:
        self.text, self.marks = text, marks
        self.matches = marks.find(text)

    @cached_property
    def sentences(self) -> dict[int, tuple[int, int]]:
        """By sentence number: (bits of the query words in it, its section); headings are no sentences."""
        out: dict[int, tuple[int, int]] = {}
        for match in self.matches:
            if match.sentence != HEADING:
                bits, _ = out.get(match.sentence, (0, 0))
                out[match.sentence] = (bits | 1 << match.group, match.section)
        return out

    @cached_property
    def sections(self) -> dict[int, int]:
        """By section number: bits of the query words in its text or heading."""
        out: dict[int, int] = {}
        for match in self.matches:
            out[match.section] = out.get(match.section, 0) | 1 << match.group
        return out

    def best_window(self, length: int) -> tuple[float, int, int]:
        """(share of the query, first sentence, section) of the best run of so many sentences in one section; its heading counts half."""
        best = (0.0, -1, 0)
        for number, (_, section) in sorted(self.sentences.items()):
            bits = 0
            for sentence in range(number, number + length):
                more, its_section = self.sentences.get(sentence, (0, section))
                if its_section == section:
                    bits |= more
            mass = self.marks.mass(bits)
            mass += 0.5 * (self.marks.mass(bits | self.sections[section] & self._heading_bits.get(section, 0)) - mass)
            if mass > best[0] + 1e-9:
                best = (mass, number, section)
        return best

    @cached_property
    def _heading_bits(self) -> dict[int, int]:
        out: dict[int, int] = {}
        for match in self.matches:
            if match.sentence == HEADING:
                out[match.section] = out.get(match.section, 0) | 1 << match.group
        return out

    def spans(self, section: int, begin: int, end: int) -> list[tuple[int, int]]:
        """Where matches stand in a piece of a section's text, from its beginning."""
        return [
            (m.start - begin, m.end - begin)
            for m in self.matches
            if m.section == section and m.sentence != HEADING and m.start >= begin and m.end <= end
        ]

    def first_of(self, sentence: int) -> Match:
        return next(m for m in self.matches if m.sentence == sentence)


def dress(served: Served, marks: Marks, entry: Entry) -> Dressed:
    """Snippet, marked title and up to two sections of one article."""
    found = Found(served.shelf.text(entry.row), marks)
    return Dressed(_title(entry, marks), _snippet(found), _sections(found))


def _title(entry: Entry, marks: Marks) -> str:
    words = analyzer_for(entry.locale).words(entry.title)
    return marked(entry.title, [(w.start, w.end) for w in words if w.stem in marks.stems and not w.joined])


def _snippet(found: Found) -> str:
    """From the sentence that holds most of the query, as much as fits two lines."""
    _, sentence, section = found.best_window(2)
    if sentence < 0:
        return _cut(next((t for _, _, t in found.text.sections if t.strip()), ""))
    match = found.first_of(sentence)
    body = found.text.sections[section][2]
    starts = sentence_starts(body)
    begin = starts[bisect_right(starts, match.start) - 1]
    lead = ""
    if match.start - begin > SNIPPET_LETTERS - LEAD_LETTERS:
        begin, lead = max(begin, body.rfind(" ", 0, match.start - LEAD_LETTERS) + 1), "…"
    end = begin + len(_cut(body[begin:], ""))
    return lead + " ".join(marked(body[begin:end], found.spans(section, begin, end)).split()) + ("…" if end < len(body.rstrip()) else "")


def _cut(text: str, more: str = "…") -> str:
    if len(text) <= SNIPPET_LETTERS:
        return text
    at = text.rfind(" ", SNIPPET_LETTERS // 2, SNIPPET_LETTERS)
    return text[: at if at > 0 else SNIPPET_LETTERS] + more


def _sections(found: Found) -> tuple[tuple[str, str], ...]:
    """Sections that hold enough of the query to be worth a link of their own, the best two in reading order."""
    worth = [(found.marks.mass(bits), -n) for n, bits in found.sections.items() if found.text.sections[n][0]]
    best = sorted((m, n) for m, n in worth if m >= SECTION_SHARE)[-2:]
    return tuple(found.text.sections[-n][:2] for _, n in sorted(best, key=lambda pair: -pair[1]))


def best_passage(served: Served, marks: Marks, numbers: np.ndarray) -> Passage | None:
    """Up to three sentences, word for word, that hold most of the query; None when none of the first articles has enough of it in one place."""
    best: tuple[float, Found, Entry, int, int] | None = None
    for number in numbers[:PASSAGE_ARTICLES]:
        entry = served.entries[int(number)]
        if entry:
            found = Found(served.shelf.text(entry.row), marks)
            share, sentence, section = found.best_window(PASSAGE_SENTENCES)
            if sentence >= 0 and share >= PASSAGE_SHARE and (best is None or share > best[0] + 0.1):
                best = (share, found, entry, sentence, section)
    return _passage(*best) if best else None


def _passage(share: float, found: Found, entry: Entry, sentence: int, section: int) -> Passage | None:
    anchor, heading, body = found.text.sections[section]
    starts = [*sentence_starts(body), len(body)]
    first = bisect_right(starts, found.first_of(sentence).start) - 1
    last = first + 1
    while last < len(starts) - 1 and last - first < PASSAGE_SENTENCES and starts[last + 1] - starts[first] <= PASSAGE_LETTERS:
        last += 1
    begin, end = starts[first], starts[first] + len(body[starts[first] : starts[last]].rstrip())
    if not LEAST_LETTERS <= end - begin <= 2 * PASSAGE_LETTERS:
        return None
    url = f"{entry.url}#{anchor}" if anchor else entry.url
    return Passage(
        text=body[begin:end], article_id=entry.article_id, locale=entry.locale, title=entry.title, anchor=anchor, heading=heading, url=url,
        score=share, text_marked=marked(body[begin:end], found.spans(section, begin, end)),
    )  # fmt: skip


def marked(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with `[[` and `]]` around the spans; neighbours that only a space divides are marked together."""
    out: list[str] = []
    at = 0
    for start, end in spans:
        if start < at:
            continue
        if out and text[at:start].isspace() and out[-1] == "]]":
            out[-1] = text[at:start] + text[start:end]
            out.append("]]")
        else:
            out += [text[at:start], "[[", text[start:end], "]]"]
        at = end
    return "".join([*out, text[at:]])
