"""What writers should look at next: problems with file and line, articles due for review, translations that are behind or missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from flask import Blueprint, render_template

from app.accounts import Role
from app.content import STAFF, Article, Catalog, Problem, staleness
from app.deflection import FailureRow, ReportRequest
from app.web.access import current_user, requires
from app.web.context import catalog, locale, portal, today
from app.web.reports import report_words
from app.web.reports.report_page import report_for, title_of

MOST_GROUPS = 8

bp = Blueprint("writer", __name__, url_prefix="/writer")


@dataclass(frozen=True)
class FileProblems:
    """One file and what is wrong with it, errors first."""

    path: str
    problems: tuple[Problem, ...]

    @property
    def is_refused(self) -> bool:
        return any(p.level == "error" for p in self.problems)


@dataclass(frozen=True)
class DueReview:
    """An article whose last look is longer ago than its writer promised, and by how many days."""

    article: Article
    days: int


@dataclass(frozen=True)
class TranslationRow:
    """One article and how each other locale stands: `current`, `outdated` or `missing`."""

    article: Article
    states: dict[str, str]


@bp.get("/")
@requires(Role.WRITER, Role.MANAGER, Role.AGENT)
def queue() -> str:
    """The work queue."""
    now = catalog()
    offered = [tag for tag in portal().settings.locales if tag in now.locales]
    return render_template(
        "writer/queue.html",
        files=file_problems(now.problems),
        due=due_reviews(now.visible(STAFF, today()), today()),
        translations=translation_rows(now, offered, today()),
        offered=offered[1:],
        revision=now.revision,
        stale=staleness(portal().settings.path(portal().settings.data_folder)),
        failing=failing_groups() if may_edit_groups() else None,
        w=report_words,
        title_of=title_of(now, locale()),
    )


def may_edit_groups() -> bool:
    """Agents read this page too; groups of questions are for those who write."""
    user = current_user()
    return user is not None and user.role in (Role.WRITER, Role.MANAGER, Role.ADMIN)


def failing_groups() -> list[FailureRow]:
    """The groups of questions that most would be gained by answering, as the report of the last quarter lists them."""
    return [row for row in report_for(ReportRequest()).failures if row.name and row.failed][:MOST_GROUPS]


def file_problems(problems: Iterable[Problem]) -> list[FileProblems]:
    """Problems by file; files that were refused come first."""
    ordered = sorted(problems, key=lambda p: (p.path, p.level != "error", p.line))
    files = [FileProblems(path, tuple(group)) for path, group in groupby(ordered, key=lambda p: p.path)]
    return sorted(files, key=lambda f: (not f.is_refused, f.path))


def due_reviews(articles: Iterable[Article], on: date) -> list[DueReview]:
    """Articles past their review date, the longest overdue first."""
    found = []
    for article in articles:
        if article.review_every_days:
            last = article.reviewed_on or article.updated_at.date()
            late = (on - (last + timedelta(days=article.review_every_days))).days
            if late > 0:
                found.append(DueReview(article, late))
    return sorted(found, key=lambda d: (-d.days, d.article.path))


def translation_rows(now: Catalog, offered: list[str], on: date) -> list[TranslationRow]:
    """Articles of the default locale that some other offered locale lacks or has in an older state; the best translated first."""
    rows = []
    for article in now.visible(STAFF, on, locale=offered[0] if offered else None):
        versions = now.translations(article.id)
        states = {tag: _state(now, versions.get(tag), on) for tag in offered[1:]}
        if any(state == "outdated" for state in states.values()) or {"missing", "current"} <= set(states.values()):
            rows.append(TranslationRow(article, states))
    return sorted(rows, key=lambda row: ("outdated" not in row.states.values(), row.article.path))


def _state(now: Catalog, version: Article | None, on: date) -> str:
    if version is None or not version.is_live(on):
        return "missing"
    return "outdated" if now.is_outdated(version) else "current"
