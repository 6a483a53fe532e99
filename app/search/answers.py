"""Answering a query on what is served: plan, score, filter, order, and dress the hits that are shown."""

from __future__ import annotations

import time
from datetime import date

import numpy as np

from app.locales import fallbacks
from app.search.analysis import analyzer_for
from app.search.engine import Explanation, Hit, Query, Results
from app.search.passages import dress
from app.search.plan import Plan, plain_plan
from app.search.query_text import parse
from app.search.ranking import best, explain, having, score, with_phrase
from app.search.served import Served


def answer(served: Served, query: Query, today: date) -> Results:
    """The results of a query for its viewer. Raises only what reading a damaged index raises."""
    started = time.perf_counter()
    parsed = parse(query.text)
    visible = served.visible(query.viewer.audiences, today)
    ranked: list[tuple[Plan, int, float]] = []
    by_category: dict[str, int] = {}
    by_locale: dict[str, int] = {}
    total = 0
    for locale in served.locales_for(query, fallbacks):
        plan = plain_plan(parsed, analyzer_for(locale))
        scores = score(served.scores, plan)
        allowed = visible & served.in_locale(locale)
        for phrase in plan.phrases:
            if phrase:
                allowed &= with_phrase(served, locale, phrase)
        for stem in plan.excluded:
            allowed &= ~having(served, locale, stem)
        matched, top = best(scores, allowed & served.in_category(query.category) if query.category else allowed, query.offset + query.limit)
        everything = np.flatnonzero((scores > 0) & allowed) if query.category else matched
        if len(everything):
            by_locale[locale] = len(everything)
            for code, count in enumerate(np.bincount(served.category_codes[everything], minlength=len(served.categories))):
                if count:
                    by_category[served.categories[code]] = by_category.get(served.categories[code], 0) + int(count)
        total += len(matched)
        ranked.extend((plan, int(n), float(scores[n])) for n in top)
    shown = ranked[query.offset : query.offset + query.limit]
    hits = tuple(_hit(served, query, plan, number, value, rank) for rank, (plan, number, value) in enumerate(shown, query.offset + 1))
    return Results(query=query, hits=hits, total=total, revision=served.origin.revision, by_category=by_category, by_locale=by_locale,
                   took_ms=(time.perf_counter() - started) * 1000)


def _hit(served: Served, query: Query, plan: Plan, number: int, value: float, rank: int) -> Hit:
    entry = served.entries[number]
    assert entry is not None  # deleted documents are masked
    dressed = dress(served, plan, number) if query.snippets else None
    explanation = Explanation(value, explain(served.scores, plan, number)) if query.explain else None
    return Hit(
        rank=rank, article_id=entry.article_id, locale=entry.locale, category=entry.category, slug=entry.slug, title=entry.title, url=entry.url,
        score=value, explanation=explanation,
        snippet=dressed.snippet if dressed else "", title_marked=dressed.title if dressed else "", sections=dressed.sections if dressed else (),
    )  # fmt: skip
