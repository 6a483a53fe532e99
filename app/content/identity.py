"""Who is who: the identity of every article, which one has an address that two claim, and which translation is behind its original."""

from __future__ import annotations

from dataclasses import replace

from app.content.articles import Article, Problem
from app.content.history import History
from app.content.repository import ArticleRepository
from app.content.states import FileState

_CLASH = "Until then it is not shown"


def identified(
    files: dict[str, FileState],
    before: dict[str, FileState],
    history: History,
    locales: tuple[str, ...],
    repository: ArticleRepository,
    folder: str,
) -> dict[str, FileState]:
    """The same files, each article with its id, and marked when it must yield to another or is outdated."""
    states = [s for s in files.values() if s.article is not None]
    ids = _ids(states, locales)
    shadows = _shadows(states, ids, before)
    result = dict(files)
    for state in states:
        result[state.path] = _settled(state, ids[state.path], shadows.get(state.path))
    _mark_outdated(result, before, locales, repository)
    return result


def _ids(states: list[FileState], locales: tuple[str, ...]) -> dict[str, str]:
    """Path → id. Translations without one of their own take that of the original at the same category and slug."""
    ids: dict[str, str] = {}
    at: dict[tuple[str, str], str] = {}
    order = {locale: i for i, locale in enumerate(locales)}
    for state in sorted(states, key=lambda s: (order.get(_of(s).locale, 99), s.path)):
        article = _of(state)
        place = (article.category, article.slug)
        ids[state.path] = state.given_id or at.get(place) or state.origin
        at.setdefault(place, ids[state.path])
    return ids


def _of(state: FileState) -> Article:
    assert state.article is not None
    return state.article


def _shadows(states: list[FileState], ids: dict[str, str], before: dict[str, FileState]) -> dict[str, Problem]:
    """Path → why this article must yield. Whoever was there first stays, so that a mistake hurts the article it was made in."""

    def was_shown_so(state: FileState) -> bool:
        known = before.get(state.path)
        shown = known.shown if known else None
        return shown is not None and shown.slug == _of(state).slug and shown.id == ids[state.path]

    addresses: dict[tuple[str, str], str] = {}
    identities: dict[tuple[str, str], str] = {}
    shadows: dict[str, Problem] = {}
    for state in sorted(states, key=lambda s: (not was_shown_so(s), s.path)):
        article, path = _of(state), state.path
        holder = addresses.setdefault((article.locale, article.slug), path)
        if holder != path:
            message = f"the name “{article.slug}” is taken by {holder}; names are unique within a locale, so rename one. {_CLASH}"
            shadows[path] = Problem(path, 1, "error", message)
            continue
        holder = identities.setdefault((article.locale, ids[path]), path)
        if holder != path:
            message = f"the id “{ids[path]}” is taken by {holder}; give one of them another “id”. {_CLASH}"
            shadows[path] = Problem(path, state.line("id"), "error", message)
            del addresses[article.locale, article.slug]
    return shadows


def _settled(state: FileState, article_id: str, shadow: Problem | None) -> FileState:
    article = _of(state)
    problems = tuple(p for p in state.problems if not p.message.endswith(_CLASH))
    if shadow:
        problems = (*problems, shadow)
    if article.id == article_id and problems == state.problems and state.shadowed == (shadow is not None):
        return state
    named = article if article.id == article_id else replace(article, id=article_id)
    return replace(state, article=named, shadowed=shadow is not None, problems=problems)


def _mark_outdated(
    files: dict[str, FileState], before: dict[str, FileState], locales: tuple[str, ...], repository: ArticleRepository
) -> None:
    originals: dict[str, FileState] = {}
    order = {locale: i for i, locale in enumerate(locales)}
    shown = [s for s in files.values() if s.shown]
    for state in sorted(shown, key=lambda s: order.get(_of(s).locale, 99)):
        originals.setdefault(_of(state).id, state)
    for state in shown:
        original = originals[_of(state).id]
        if original is state:
            outdated = False
        elif before.get(state.path) is state and before.get(original.path) is original:
            continue  # neither of the two changed
        else:
            outdated = _is_behind(state, original, repository)
        if outdated != state.outdated:
            files[state.path] = replace(state, outdated=outdated)


def _is_behind(translation: FileState, original: FileState, repository: ArticleRepository) -> bool:
    """Whether the original has changed since the commit that was translated, or, where none is named, since the translation."""
    source = repository.resolve(_of(translation).source_revision) if _of(translation).source_revision else ""
    if not source:
        return _of(original).updated_at > _of(translation).updated_at
    return original.changed_in != source and not (original.changed_in and repository.is_ancestor(original.changed_in, source))
