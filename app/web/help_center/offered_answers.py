"""Answers to somebody's words: the best articles with the passage itself. Used in the contact form, where it may spare a request."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from app.content import Viewer
from app.errors import Unavailable
from app.journeys import search_articles
from app.search import Hit, Query
from app.web import context
from app.web.frame import NoticeText, notice_text

MOST_ANSWERS = 3


@dataclass(frozen=True)
class OfferedAnswer:
    """One article that may answer, with the passage that does."""

    rank: int
    article_id: str
    locale: str
    title: str
    url: str
    passage: str
    """Plain text with `[[` and `]]` around what matched."""


def answers_for(words: str, locale: str, viewer: Viewer) -> list[OfferedAnswer]:
    """At most three answers; none when nothing fits well or the search is down: asking a person never depends on it."""
    query = Query.from_text(words, locale, viewer, limit=MOST_ANSWERS)
    if not query.text:
        return []
    try:
        results = search_articles(context.portal().engine, context.catalog(), query, context.today())
    except Unavailable:
        return []
    if results.close:
        return []
    passage = results.passage
    answers = []
    for rank, hit in enumerate(results.hits[:MOST_ANSWERS], start=1):
        best = passage if passage and (passage.article_id, passage.locale) == (hit.article_id, hit.locale) else None
        text = (best.text_marked or best.text) if best else _summary(hit)
        url = best.url if best and best.url else hit.url
        answers.append(OfferedAnswer(rank, hit.article_id, hit.locale, hit.title, url, text))
    return answers


def _summary(hit: Hit) -> str:
    article = context.catalog().translations(hit.article_id).get(hit.locale)
    return (article.summary if article else "") or hit.snippet


def with_form(answer: OfferedAnswer, form_id: str, tab: str) -> str:
    """The article's address, saying from which form and place it was opened; the page's script takes it out of the address bar."""
    path, _, anchor = answer.url.partition("#")
    marks = urlencode({"f": form_id, "r": answer.rank, "t": tab})
    return f"{path}?{marks}" + (f"#{anchor}" if anchor else "")


def matching_notices(words: str) -> list[NoticeText]:
    """Service notices that speak of what somebody is writing about: known problems come before everything else."""
    try:
        return [notice_text(n) for n in context.catalog().matching_notices(words, context.now())][:2]
    except Unavailable:
        return []
