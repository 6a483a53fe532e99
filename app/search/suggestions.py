"""What is offered while somebody types."""

from __future__ import annotations

from datetime import date

import numpy as np

from app.content import Viewer
from app.locales import fallbacks
from app.search.analysis import analyzer_for
from app.search.engine import Suggestion, Suggestions
from app.search.fields import NAMES, field_name
from app.search.query_text import clean
from app.search.served import Served


def suggest(served: Served, text: str, locale: str, viewer: Viewer, today: date, limit: int) -> Suggestions:
    """Articles whose title or keywords have words beginning like those typed."""
    cleaned, _ = clean(text)
    visible = served.visible(viewer.audiences, today)
    items: list[Suggestion] = []
    for loc in fallbacks(locale, served.locales)[:1]:
        words = [w.text for w in analyzer_for(loc).words(cleaned) if not w.joined]
        if not words:
            continue
        mask = visible & served.in_locale(loc)
        for word in words:
            mask = mask & _beginning(served, loc, word)
        for number in np.flatnonzero(mask)[:limit]:
            entry = served.entries[int(number)]
            if entry:
                items.append(Suggestion("article", entry.title, entry.url, entry.category, entry.article_id))
    return Suggestions(tuple(items[:limit]), served.origin.revision)


def _beginning(served: Served, locale: str, word: str) -> np.ndarray:
    from bisect import bisect_left

    mask = np.zeros(served.size, dtype=bool)
    field = field_name(NAMES, locale)
    for segment in served.segments:
        if field in segment.totals:
            terms = segment.lexicon(field)
            for term in terms[bisect_left(terms, word) : bisect_left(terms, word + "\uffff")][:200]:
                mask[served.scores.documents(NAMES, locale, term)] = True
    return mask
