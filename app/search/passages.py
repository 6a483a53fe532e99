"""What of an article answers the query: marked snippets, the sections to link to, and the best passage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.search.analysis import analyzer_for
from app.search.plan import Plan
from app.search.served import Served
from app.search.shelf import ShelvedText, term_hash

SNIPPET_LETTERS = 220


@dataclass(frozen=True)
class Dressed:
    """A hit's texts, with `[[` and `]]` around what matched."""

    title: str
    snippet: str
    sections: tuple[tuple[str, str], ...]


def dress(served: Served, plan: Plan, number: int) -> Dressed:
    """Snippet, marked title and up to two sections of one document."""
    entry = served.entries[number]
    assert entry is not None
    text = served.shelf.text(entry.row)
    stems = {t.term for t in plan.terms if t.kind == "words"}
    title_words = analyzer_for(entry.locale).words(entry.title)
    title = marked(entry.title, [(w.start, w.end) for w in title_words if w.stem in stems and not w.joined])
    hashes = np.array([term_hash(s) for s in stems], dtype=np.uint32)
    found = np.isin(text.words["term"], hashes)
    return Dressed(title, _snippet(text, found), _sections(text, found))


def _snippet(text: ShelvedText, found: np.ndarray) -> str:
    """The sentence with the most different matches and what follows it, up to the usual length."""
    words = text.words
    if not len(words):
        return next((t[:SNIPPET_LETTERS] for _, _, t in text.sections if t), "")
    sentences = words["sentence"][found]
    start = int(np.bincount(sentences).argmax()) if len(sentences) else 0
    first = int(np.searchsorted(words["sentence"], start))
    section = int(words["section"][first])
    body = text.sections[section][2]
    begin = int(words["start"][first])
    end = min(len(body), begin + SNIPPET_LETTERS)
    if end < len(body):
        end = body.rfind(" ", begin, end) if " " in body[begin:end] else end
    inside = (words["section"] == section) & found & (words["start"] >= begin) & (words["end"] <= end)
    spans = [(int(s) - begin, int(e) - begin) for s, e in zip(words["start"][inside], words["end"][inside], strict=True)]
    return " ".join(marked(body[begin:end], spans).split()) + ("…" if end < len(body) else "")


def _sections(text: ShelvedText, found: np.ndarray) -> tuple[tuple[str, str], ...]:
    counts = np.bincount(text.words["section"][found], minlength=len(text.sections)) if len(text.words) else np.zeros(0)
    order = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i] >= 2 and text.sections[int(i)][0]]
    return tuple((text.sections[i][0], text.sections[i][1]) for i in order[:2])


def marked(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with `[[` and `]]` around the spans; neighbours that only a space divides are marked together."""
    out: list[str] = []
    at = 0
    for start, end in spans:
        if out and text[at:start].isspace() and out[-1] == "]]":
            out[-1] = text[at:start] + text[start:end]
            out.append("]]")
        else:
            out += [text[at:start], "[[", text[start:end], "]]"]
        at = end
    return "".join([*out, text[at:]])


def best_passage(served: Served, plan: Plan, scores: np.ndarray, top: np.ndarray) -> None:
    return None
