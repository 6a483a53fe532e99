"""A report as the page, the files and the weekly mail need it: the request's choice, the words, and what the articles are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from flask import request, url_for

from app.content import ArticleRepository, Catalog, Publication, publications
from app.deflection import RANGES, Addition, Mark, Report, ReportRequest, Thresholds, report_of
from app.errors import Unavailable
from app.web import context
from app.web.i18n import ngettext
from app.web.reports import report_charts, report_numbers, report_sentences, report_words
from app.web.reports.report_blocks import FIRST_ROWS
from app.web.reports.report_charts import date_of

HISTORY = timedelta(weeks=2 * max(RANGES))
"""How far back articles are looked up: a report compares its range with the one before it."""
FEWEST_CHANGED = 3
MOST_REVISIONS = 3
LATE_AFTER = timedelta(hours=24)


def thresholds() -> Thresholds:
    """The operator's privacy thresholds."""
    settings = context.portal().settings
    return Thresholds(settings.privacy_k, settings.privacy_k_query)


def current_report() -> Report:
    """The report that the address of this request asks for."""
    return report_for(ReportRequest.from_query(request.args))


def report_for(asked: ReportRequest) -> Report:
    """The report of a choice, as of now."""
    settings, catalog = context.portal().settings, catalog_or_none()
    midnight = context.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    history = _history(context.portal().articles, catalog, midnight - HISTORY) if catalog else ()
    return report_of(
        context.db(),
        asked,
        context.now(),
        thresholds(),
        category_of={a.id: a.category for a in catalog.indexable()} if catalog else {},
        translated=_translated(catalog),
        marks=publication_marks(history),
        additions=[Addition(p.article, p.locale, _day(p)) for p in history if p.added],
        cost=(settings.cost_per_ticket_low, settings.cost_per_ticket_high, settings.content_cost_per_month),
    )


def catalog_or_none() -> Catalog | None:
    """The articles, or None while they cannot be had."""
    try:
        return context.catalog()
    except Unavailable:
        # Numbers do not need the articles; they are then shown by their ids.
        return None


def _translated(catalog: Catalog | None) -> dict[str, frozenset[str]]:
    if catalog is None:
        return {}
    found: dict[str, set[str]] = {}
    for article in catalog.indexable():
        found.setdefault(article.id, set()).add(article.locale)
    return {id: frozenset(locales) for id, locales in found.items()}


@lru_cache(maxsize=4)
def _history(articles: ArticleRepository, catalog: Catalog, since: datetime) -> tuple[Publication, ...]:
    """What was added and changed; a catalog never changes, so its history is asked for once a day."""
    try:
        return tuple(publications(articles, catalog, since))
    except Unavailable:
        # The trend is worth showing without its marks.
        return ()


def publication_marks(found: Sequence[Publication]) -> list[Mark]:
    """Days on which articles were added, or several changed, with their revisions; a single small edit would only clutter the trend."""
    by_day: dict[int, list[Publication]] = {}
    for publication in found:
        by_day.setdefault(_day(publication), []).append(publication)
    marks = []
    for day, here in sorted(by_day.items()):
        added = {(p.article, p.locale) for p in here if p.added}
        changed = {(p.article, p.locale) for p in here} - added
        if not added and len(changed) < FEWEST_CHANGED:
            continue
        parts = [ngettext("%(num)s article added", "%(num)s articles added", len(added))] if added else []
        parts += [ngettext("%(num)s article changed", "%(num)s articles changed", len(changed))] if changed else []
        revisions = list(dict.fromkeys(p.revision[:7] for p in here))
        named = ", ".join(revisions[:MOST_REVISIONS]) + (" …" if len(revisions) > MOST_REVISIONS else "")
        marks.append(Mark(day, f"{', '.join(parts)} ({named})", "articles"))
    return marks


def _day(publication: Publication) -> int:
    return (publication.at.astimezone(UTC).date() - date_of(0)).days


def page_of(report: Report) -> dict[str, object]:
    """Everything the page shows of a report; the weekly mail is made of the same."""
    catalog = catalog_or_none()
    locale = context.locale()
    return {
        "r": report,
        "s": report.summary,
        "w": report_words,
        "say": report_sentences,
        "ranges": RANGES,
        "until": _until(report),
        "is_late": data_is_late(report, context.now()),
        "newest": datetime.fromtimestamp(report.newest / 1000, UTC) if report.newest else None,
        "trend": report_charts.trend(report) if report.has_trend else None,
        "funnel": report_charts.funnel(report.summary) if report.summary else [],
        "numbers": report_numbers.every_number(report),
        "windows": report_charts.windows(report.sensitivity),
        "charts": report_charts,
        "title_of": title_of(catalog, locale),
        "address_of": lambda **changes: url_for("reports.overview", **report.request.to_query(**changes)),  # type: ignore[arg-type]
        "file_of": lambda key, form: url_for("reports.table", key=key, form=form, **report.request.to_query()),  # type: ignore[arg-type]
        "meaning": lambda key: url_for("reports.definitions", _anchor=key),
        "value_name": value_namer(catalog, locale),
        "first_rows": FIRST_ROWS,
        "thresholds": thresholds(),
        "settings": context.portal().settings,
    }


def data_is_late(report: Report, now: datetime) -> bool:
    """Whether the newest event is so old that somebody should ask why."""
    return bool(report.newest) and datetime.fromtimestamp(report.newest / 1000, UTC) < now - LATE_AFTER


def _until(report: Report) -> dict[str, object]:
    return {"start": date_of(report.span.start), "end": date_of(report.span.end - 1)}


def value_namer(catalog: Catalog | None, locale: str) -> Callable[[str, str], str]:
    """(filter, value) → what the value is called, categories as the content calls them."""
    names = {c.slug: (c.texts.get(locale) or next(iter(c.texts.values()))).title for c in catalog.site.categories} if catalog else {}
    return lambda name, value: report_words.value_name(name, value, names)


def title_of(catalog: Catalog | None, locale: str) -> Callable[[str], tuple[str, str]]:
    """Article id → title and address, in the reader's language if there is one."""

    def of(id: str) -> tuple[str, str]:
        found = catalog.translations(id) if catalog else {}
        article = found.get(locale) or next(iter(found.values()), None)
        return (article.title, article.url) if article else (id, "")

    return of
