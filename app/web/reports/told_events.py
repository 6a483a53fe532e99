"""Recorded events in words a person understands: what a customer tried before writing, and one search from beginning to end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from app.content import STAFF, can_see
from app.deflection import Click, Dwell, Event, FormOpen, Search, Suggest, TicketEvent, TicketUpdate, View, Vote
from app.locales import fallbacks
from app.web import context
from app.web.i18n import current_locale, ngettext
from app.web.i18n import gettext as _


@dataclass(frozen=True)
class ToldEvent:
    """One line: when, what kind of thing, what it was about (somebody's words or a title), and what came of it."""

    at: datetime
    what: str
    words: str = ""
    article_id: str = ""
    detail: str = ""
    good: bool | None = None
    """True or False for a vote; None for everything else."""
    search_id: str = ""
    titles: tuple[str, ...] = ()
    """Several articles, where it was about more than one: each is written in its own direction."""


def tried(events: Iterable[Event]) -> list[ToldEvent]:
    """What the customer tried: searches (typing folded into the last), articles read with time and vote, answers that were shown."""
    events = list(events)
    reading = _reading_times(events)
    votes = {v.view_id: v.value for v in events if isinstance(v, Vote) and v.view_id}
    searches = [e for e in events if isinstance(e, Search)]
    told = []
    for event in events:
        if isinstance(event, Search) and not _typed_over(event, searches):
            told.append(_search(event))
        elif isinstance(event, View):
            told.append(_view(event, reading.get(event.view_id), votes.get(event.view_id, 0)))
        elif isinstance(event, Suggest) and event.shown:
            told.append(ToldEvent(_at(event), _("Was shown in the form"), titles=_titles(event.articles)))
        elif isinstance(event, Vote) and event.form_id and event.value == 1:
            told.append(ToldEvent(_at(event), _("Said that an answer in the form helped, then wrote after all")))
    return told


def all_told(events: Iterable[Event], without_words: bool = False) -> list[ToldEvent]:
    """Every event of a search in order, one line each; without what was typed where nobody may read it."""
    lines = ((event, _line(event)) for event in events)
    return [replace(line, words="…") if without_words and isinstance(event, Search) else line for event, line in lines]


def read_articles(events: Iterable[Event]) -> frozenset[str]:
    """Ids of the articles that were opened."""
    return frozenset(e.article for e in events if isinstance(e, View | Click))


def title_of(article_id: str) -> str:
    """The article's title in the agent's language; its id when it is gone."""
    versions = context.catalog().translations(article_id)
    visible = (versions[tag] for tag in fallbacks(current_locale(), list(versions)) if can_see(versions[tag], STAFF, context.today()))
    found = next(visible, None)
    return found.title if found else article_id


def _titles(articles: Iterable[str]) -> tuple[str, ...]:
    return tuple(title_of(article) for article in articles)


def _typed_over(search: Search, searches: Sequence[Search]) -> bool:
    """Whether this list was only a step of typing towards another one: a later one, or one sent while this was on its way."""
    if search.mode != "type":
        return False
    words = search.q.casefold().strip()
    others = [(s, s.q.casefold().strip()) for s in searches if s is not search]
    return any((s.t_recv >= search.t_recv and q.startswith(words)) or (s.mode == "submit" and q == words) for s, q in others)


def _search(event: Search) -> ToldEvent:
    detail = ngettext("%(num)s result", "%(num)s results", event.n_results) if event.n_results else _("nothing found")
    return ToldEvent(_at(event), _("Searched"), event.q, detail=detail, search_id=event.search_id, good=None if event.n_results else False)


def _view(event: View, active_ms: int | None, vote: int) -> ToldEvent:
    parts = [_reading(active_ms)] if active_ms is not None else [] if event.beacon else [_("time not measured")]
    if vote:
        parts.append(_("said: solved") if vote > 0 else _("said: still stuck"))
    good = None if not vote else vote > 0
    return ToldEvent(_at(event), _("Read"), title_of(event.article), event.article, ", ".join(parts), good)


def _reading(active_ms: int) -> str:
    seconds = active_ms // 1000
    if seconds < 90:
        return ngettext("%(num)s second", "%(num)s seconds", seconds)
    return ngettext("%(num)s minute", "%(num)s minutes", round(seconds / 60))


def _reading_times(events: Iterable[Event]) -> dict[str, int]:
    times: dict[str, int] = {}
    for event in events:
        if isinstance(event, Dwell):
            times[event.view_id] = max(times.get(event.view_id, 0), event.active_ms)
    return times


def _line(event: Event) -> ToldEvent:
    at = _at(event)
    if isinstance(event, Search):
        return _search(event)
    if isinstance(event, Click):
        where = _("result %(rank)s", rank=event.rank) if event.rank else ""
        return ToldEvent(at, _("Opened"), title_of(event.article), event.article, where)
    if isinstance(event, View):
        return _view(event, None, 0)
    if isinstance(event, Dwell):
        return ToldEvent(at, _("Reading so far"), detail=_reading(event.active_ms))
    if isinstance(event, Vote):
        words = {1: _("said: solved"), 0: _("took the vote back"), -1: _("said: still stuck")}
        return ToldEvent(at, _("Voted"), detail=words[event.value], good=None if not event.value else event.value > 0)
    if isinstance(event, FormOpen):
        return ToldEvent(at, _("Opened the contact form"))
    if isinstance(event, Suggest):
        what = _("Was shown in the form") if event.shown else _("Was not shown in the form (held out)")
        return ToldEvent(at, what, titles=_titles(event.articles))
    if isinstance(event, TicketEvent):
        return ToldEvent(at, _("Sent a request"), event.subject)
    if isinstance(event, TicketUpdate):
        return ToldEvent(at, _("Request is now"), event.status)
    return ToldEvent(at, event.type)


def _at(event: Event) -> datetime:
    return datetime.fromtimestamp(event.t_recv / 1000, UTC)
