"""What of an article answers the query: marked snippets, the sections to link to, and the best passage.

Everything is read from the shelf: the words of an article are kept as hashes of their stems with their places, so nothing is analysed
again for the ten hits that are shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.search.engine import Passage
from app.search.plan import Plan
from app.search.postings import Statistics
from app.search.served import Served
from app.search.shelf import HEADING, TITLE, Entry, ShelvedText, term_hash

SNIPPET_LETTERS = 220
LEAD_LETTERS = 60
"""What is shown before the first match when its sentence is long."""
PASSAGE_SENTENCES = 3
PASSAGE_LETTERS = 420
PASSAGE_SHARE = 0.5
"""Share of the query's information that a passage must hold to be shown as the answer."""
PASSAGE_LEAD = 1.25
"""How far the first article's score must be ahead of the second's. Both calibrated on the demo's search tests and the questions to it
(docs/search.md): at 1.1, every seventh passage shown for a question nobody tuned on was of another article; at 1.25 one in twenty is."""
LEAST_LETTERS = 30
SECTION_SHARE = 0.5
"""Share of the query's information that a section must hold to be linked by itself."""


Match = tuple[int, int, int, int, int]
"""A word of the text that stands for a word of the query: (which word of the query, start, end, section, sentence)."""


class Marks:
    """What to look for in texts: the stems of a plan by the query word they stand for, and what each is worth."""

    def __init__(self, statistics: Statistics, plan: Plan) -> None:
        groups: dict[int, int] = {}
        for term in plan.terms:
            if term.kind in ("words", "own_words") and term.word >= 0 and term.sure:
                groups.setdefault(term_hash(term.term), term.word)
        self._hashes = np.array(sorted(groups), dtype=np.uint32)
        self._groups = np.array([groups[h] for h in sorted(groups)], dtype=np.int64)
        typed = {term.word: len(docs) for term, docs in plan.found if term.origin == "query"}
        idf = statistics.idf
        self.weights = [0.0 if word.joined else idf(plan.locale, typed.get(i, 0)) for i, word in enumerate(plan.words)]
        self.whole = sum(self.weights) or 1.0
        self.heaviest = max(self.weights) / self.whole if sum(w > 0 for w in self.weights) > 1 else 0.0
        """What the most telling word of several is worth by itself, as a share of the whole query."""
        self._masses: dict[int, float] = {}

    def find(self, text: ShelvedText) -> list[Match]:
        """All matches in a text, in order."""
        words = text.words
        if not len(self._hashes) or not len(words):
            return []
        at = np.searchsorted(self._hashes, words["term"])
        at[at == len(self._hashes)] = 0
        hit = (self._hashes[at] == words["term"]).nonzero()[0]
        found = words[hit]
        return list(
            zip(
                self._groups[at[hit]].tolist(), found["start"].tolist(), found["end"].tolist(), found["section"].tolist(),
                found["sentence"].tolist(), strict=True,
            )
        )  # fmt: skip

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
        self.sentences: dict[int, int] = {}
        """By sentence number: bits of the query words in it."""
        self.section_of: dict[int, int] = {}
        self.sections: dict[int, int] = {}
        """By section number: bits of the query words in its text or heading."""
        self.headings: dict[int, int] = {}
        for group, _, _, section, sentence in self.matches:
            bit = 1 << group
            if section == TITLE:
                continue
            self.sections[section] = self.sections.get(section, 0) | bit
            if sentence == HEADING:
                self.headings[section] = self.headings.get(section, 0) | bit
            else:
                self.sentences[sentence] = self.sentences.get(sentence, 0) | bit
                self.section_of[sentence] = section

    def best_window(self, length: int) -> tuple[float, int]:
        """(share of the query, first sentence) of the best run of so many sentences in one section; its heading counts half."""
        best = (0.0, -1)
        for number, bits in self.sentences.items():
            section = self.section_of[number]
            for sentence in range(number + 1, number + length):
                if self.section_of.get(sentence) == section:
                    bits |= self.sentences[sentence]
            mass = self.marks.mass(bits)
            if section in self.headings:
                mass = 0.5 * (mass + self.marks.mass(bits | self.headings[section]))
            if mass > best[0] + 1e-9:
                best = (mass, number)
        return best

    def first_of_section(self, sentence: int) -> int:
        """The first sentence of the section that this one stands in: their beginnings grow, and start anew with every section."""
        starts = self.text.starts
        while sentence > 0 and starts[sentence - 1] < starts[sentence]:
            sentence -= 1
        return sentence

    def spans(self, section: int, begin: int, end: int) -> list[tuple[int, int]]:
        """Where matches stand in a piece of a section's text, from its beginning."""
        return [
            (start - begin, stop - begin)
            for _, start, stop, where, sentence in self.matches
            if where == section and sentence != HEADING and start >= begin and stop <= end
        ]

    @property
    def title_spans(self) -> list[tuple[int, int]]:
        return [(start, end) for _, start, end, section, _ in self.matches if section == TITLE]


def dress(marks: Marks, entry: Entry, text: ShelvedText) -> Dressed:
    """Snippet, marked title and up to two sections of one article."""
    found = Found(text, marks)
    return Dressed(marked(entry.title, found.title_spans), _snippet(found), _sections(found))


def _snippet(found: Found) -> str:
    """From the sentence that holds most of the query, as much as fits two lines."""
    _, sentence = found.best_window(2)
    if sentence < 0:
        return _cut(next((t for _, _, t in found.text.sections if t.strip()), ""))
    section = found.section_of[sentence]
    body = found.text.sections[section][2]
    begin = found.text.starts[sentence]
    first = next(start for _, start, _, _, number in found.matches if number == sentence)
    lead = ""
    if first - begin > SNIPPET_LETTERS - LEAD_LETTERS:
        begin, lead = max(begin, body.rfind(" ", 0, first - LEAD_LETTERS) + 1), "…"
    end = begin + len(_cut(body[begin : begin + SNIPPET_LETTERS + 1], ""))
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
    return tuple((found.text.sections[-n][0], found.text.sections[-n][1]) for _, n in sorted(best, key=lambda pair: -pair[1]))


def best_passage(served: Served, marks: Marks, scores: np.ndarray, top: np.ndarray) -> Passage | None:
    """Up to three sentences of the first article, word for word, that hold enough of the query in one place; None when it is not clear
    that the article is the one, or no place of it has enough."""
    if not len(top) or (len(top) > 1 and scores[top[0]] < PASSAGE_LEAD * scores[top[1]]):
        return None
    entry = served.entry(int(top[0]))
    if entry is None:
        return None
    found = Found(served.shelf.text(entry.row), marks)
    share, sentence = found.best_window(PASSAGE_SENTENCES)
    if sentence < 0 or share < PASSAGE_SHARE or share <= marks.heaviest + 1e-9:
        return None  # one word of several finds an article, but hardly what was asked in it
    section = found.section_of[sentence]
    if marks.mass(found.headings.get(section, 0)) >= PASSAGE_SHARE:
        sentence = found.first_of_section(sentence)  # the heading asks the question: what follows it is the answer
    return _passage(share, found, entry, section, sentence)


def _passage(share: float, found: Found, entry: Entry, section: int, sentence: int) -> Passage | None:
    starts = found.text.starts
    anchor, heading, body = found.text.sections[section]
    begin, end = starts[sentence], len(body)
    for count in range(1, PASSAGE_SENTENCES + 1):
        # The next section begins at 0 again: then this sentence is the section's last.
        following = starts[sentence + count] if sentence + count < len(starts) else 0
        stop = following if following > begin else len(body)
        if count > 1 and stop - begin > PASSAGE_LETTERS:
            break
        end = stop
        if stop == len(body):
            break
    text = body[begin:end].rstrip()
    if not LEAST_LETTERS <= len(text) <= 2 * PASSAGE_LETTERS:
        return None
    url = f"{entry.url}#{anchor}" if anchor else entry.url
    return Passage(
        text=text, article_id=entry.article_id, locale=entry.locale, title=entry.title, anchor=anchor, heading=heading, url=url,
        score=share, text_marked=marked(text, found.spans(section, begin, begin + len(text))),
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
