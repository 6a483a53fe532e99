"""Taking in files: bytes in, the state of each file out; a bad one is reported and hurts no other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from sys import intern

from app.content.articles import Article, Problem
from app.content.front_matter import Parsed, read_article
from app.content.history import NO_DATE, History
from app.content.linting import advice, first_of
from app.content.pictures import MAX_BYTES as PICTURE_BYTES
from app.content.pictures import BadPicture, measured
from app.content.places import PICTURES, Kind, Place, is_relative, place_of, target_of
from app.content.renderer import RendererPool
from app.content.repository import Snapshot
from app.content.site import read_notices, read_search_tests, read_site, read_synonyms
from app.content.snippets import candidates, expanded, named
from app.content.states import FileState, Picture
from app.content.store import ContentStore, RenderedFacts

_LINES_KEPT = ("id", "related", "replaced_by", "queries", "source_revision", "redirect_from")
_BATCH = 100
_LINK = "this is a symbolic link, which is never followed; put the file itself here, or share its text as a snippet"


@dataclass
class _Draft:
    """An article that was read and checked, and waits for its rendering."""

    path: str
    place: Place
    blob: str
    """Of the file."""
    key: str
    """Of the file with what it includes: the key of the rendering."""
    parsed: Parsed
    markdown: str
    includes: tuple[str, ...]
    problems: list[Problem]


class Intake:
    """Takes in the changed files of one snapshot."""

    def __init__(
        self,
        snapshot: Snapshot,
        folder: str,
        locales: tuple[str, ...],
        largest: int,
        store: ContentStore,
        pool: RendererPool,
        before: dict[str, FileState],
        history: History,
        now: datetime,
    ) -> None:
        self.snapshot = snapshot
        self.folder = folder
        self.locales = locales
        self.largest = largest
        self.store = store
        self.pool = pool
        self.before = before
        self.history = history
        self.now = now
        self._snippets: dict[str, str | None] = {}

    def states(self, paths: Sequence[str]) -> Iterator[FileState]:
        """The state of each file, as they are done."""
        articles: list[tuple[str, Place]] = []
        others: list[tuple[str, Place]] = []
        for path in paths:
            place = place_of(path, self.folder, self.locales)
            (articles if place.kind is Kind.ARTICLE else others).append((path, place))
        yield from self._other_states(others)
        yield from self._article_states(articles)

    def links(self) -> Iterator[FileState]:
        """The state of each symbolic link: what it leads to is not read, and its writer has to hear of it."""
        for path in self.snapshot.links:
            kind = place_of(path, self.folder, self.locales).kind
            if kind is Kind.OTHER and any(part.startswith((".", "_")) for part in path.split("/")):
                continue
            level = "warning" if kind is Kind.OTHER else "error"
            yield FileState(path, "", refused=level == "error", problems=(Problem(path, 1, level, _LINK),))

    # Files that are no articles

    def _other_states(self, files: list[tuple[str, Place]]) -> Iterator[FileState]:
        places = dict(files)
        for path, place in files:
            if place.kind is Kind.MISPLACED:
                yield FileState(path, self.snapshot.files[path], problems=(Problem(path, 1, "warning", place.reason),))
            elif place.kind is Kind.MISNAMED:
                yield FileState(path, self.snapshot.files[path], refused=True, problems=(Problem(path, 1, "error", place.reason),))
            elif place.kind in {Kind.OTHER, Kind.SNIPPET}:
                yield FileState(path, self.snapshot.files[path])
        read = [p for p, place in files if place.kind not in {Kind.MISPLACED, Kind.MISNAMED, Kind.OTHER, Kind.SNIPPET}]
        for path, blob, data in self.snapshot.read(read, PICTURE_BYTES):
            if data is None:
                yield FileState(path, blob, problems=(Problem(path, 1, "error", f"the file is larger than {PICTURE_BYTES} bytes"),))
            elif places[path].kind is Kind.PICTURE:
                yield self._picture(path, blob, data)
            else:
                yield self._yaml(path, blob, data, places[path])

    def _picture(self, path: str, blob: str, data: bytes) -> FileState:
        content_type = PICTURES[path[path.rindex(".") :].lower()]
        try:
            width, height = measured(data, content_type)
        except BadPicture as error:
            return FileState(path, blob, refused=True, problems=(Problem(path, 1, "error", str(error)),))
        self.store.keep_media(blob, data)
        return FileState(path, blob, picture=Picture(content_type, width, height))

    def _yaml(self, path: str, blob: str, data: bytes, place: Place) -> FileState:
        """A YAML file with an error keeps its last good text."""
        result: object
        if place.kind is Kind.SITE:
            result, problems = read_site(path, data, self.locales)
        elif place.kind is Kind.NOTICES:
            result, problems = read_notices(path, data, self.locales)
        elif place.kind is Kind.SYNONYMS:
            result, problems = read_synonyms(path, data)
        else:
            result, problems = read_search_tests(path, data, place.locale)
        if result is not None:
            return FileState(path, blob, text=data.decode("utf-8-sig"), problems=tuple(problems))
        known = self.before.get(path)
        return FileState(path, blob, text=known.text if known else "", refused=True, problems=tuple(problems))

    # Articles

    def _article_states(self, files: list[tuple[str, Place]]) -> Iterator[FileState]:
        places = dict(files)
        waiting: dict[str, _Draft] = {}
        done: list[FileState] = []

        def jobs() -> Iterator[tuple[str, str, str]]:
            for path, blob, data in self.snapshot.read([p for p, _ in files], self.largest):
                draft = self._draft(path, blob, data, places[path], done)
                if draft is None:
                    continue
                facts = self.store.known(draft.key, draft.place.locale)
                if facts is not None:
                    done.append(self._state(draft, facts))
                else:
                    waiting[path] = draft
                    yield path, draft.markdown, draft.place.locale

        batch = []
        for path, rendered, reason in self.pool.render_all(jobs()):
            draft = waiting.pop(path)
            batch.append((draft.key, draft.place.locale, draft.markdown, rendered, reason))
            done.append(self._state(draft, RenderedFacts(rendered.words, reason, rendered.headings, rendered.links, rendered.images)))
            if len(batch) >= _BATCH:
                self.store.keep(batch)  # a first publish that is interrupted need not start from nothing
                batch = []
            while done:
                yield done.pop()
        self.store.keep(batch)
        yield from done

    def _draft(self, path: str, blob: str, data: bytes | None, place: Place, done: list[FileState]) -> _Draft | None:
        """What is to be rendered, or nothing when the article is refused: then its state is among those done."""
        if data is None:
            message = f"the file is larger than {self.largest // 1024} kB (HYLLA_ARTICLE_MAX_KB); split the article"
            done.append(self._refused(path, blob, [Problem(path, 1, "error", message)], hidden=False))
            return None
        parsed = read_article(path, data)
        problems = list(parsed.problems)
        if parsed.failed:
            done.append(self._refused(path, blob, problems, parsed.hidden))
            return None
        markdown, includes, missing = self._with_snippets(parsed, place.locale)
        problems += first_of(path, [(line, f"there is no snippet “{name[:60]}” in _snippets/") for line, name in missing])
        problems += advice(path, parsed.markdown, parsed.first_line, place.locale)
        key = hashlib.sha1(f"{blob}\x00{markdown}".encode(), usedforsecurity=False).hexdigest() if includes else blob
        return _Draft(path, place, blob, key, parsed, markdown, includes, problems)

    def _refused(self, path: str, blob: str, problems: list[Problem], hidden: bool) -> FileState:
        """Keeps the last good version, unless the file tries to say that fewer people may see it."""
        known = self.before.get(path)
        if known is None or known.article is None or hidden:
            return FileState(path, blob, refused=True, problems=tuple(problems))
        return replace(known, blob=blob, refused=True, problems=tuple(problems))

    def _with_snippets(self, parsed: Parsed, locale: str) -> tuple[str, tuple[str, ...], list[tuple[int, str]]]:
        """The Markdown with its snippets, the files they may come from, and the missing ones with their lines."""
        names = named(parsed.markdown)
        if not names:
            return parsed.markdown, (), []
        markdown, missing = expanded(parsed.markdown, lambda name: self._snippet(name, locale), parsed.first_line)
        return markdown, tuple(intern(c) for name in names for c in candidates(name, self.folder, locale)), missing

    def _snippet(self, name: str, locale: str) -> str | None:
        for path in candidates(name, self.folder, locale):
            if path in self.snapshot.files:
                if path not in self._snippets:
                    _, _, data = next(iter(self.snapshot.read([path], self.largest)))
                    self._snippets[path] = None if data is None else data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
                return self._snippets[path]
        return None

    def _state(self, draft: _Draft, facts: RenderedFacts) -> FileState:
        problems = list(draft.problems)
        if facts.reason:
            problems.append(Problem(draft.path, draft.parsed.first_line, "error", f"{facts.reason}; the article is shown as plain text"))
        fields, path = draft.parsed.fields, draft.path
        known = self.history.of(path)
        relative = (href for href in (*facts.links, *facts.images) if is_relative(href))
        return FileState(
            path=path,
            blob=draft.blob,
            article=self._article(draft, facts),
            given_id=fields.id,
            origin=self.history.birth_name(path),
            redirect_from=fields.redirect_from,
            targets=tuple(dict.fromkeys(intern(t) for href in relative if (t := target_of(path, href)[0]))),
            includes=draft.includes,
            lines=(
                ("body", draft.parsed.first_line),
                *((key, draft.parsed.lines[key]) for key in _LINES_KEPT if key in draft.parsed.lines),
            ),
            changed_in=known.revision if known else "",
            problems=tuple(problems),
        )

    def _article(self, draft: _Draft, facts: RenderedFacts) -> Article:
        fields, place, known = draft.parsed.fields, draft.place, self.history.of(draft.path)
        return Article(
            id="",  # given by `identity`, which knows all articles
            locale=intern(place.locale),
            category=intern(place.category),
            slug=place.slug,
            path=draft.path,
            blob=draft.key,
            title=fields.title,
            summary=fields.summary,
            updated_at=min(known.at, self.now) if known else NO_DATE,
            author=intern(known.author) if known else "",
            words=facts.words,
            keywords=fields.keywords,
            audience=fields.audience,
            status=fields.status,
            replaced_by=fields.replaced_by,
            related=fields.related,
            owner=intern(fields.owner),
            review_every_days=fields.review_every_days,
            reviewed_on=fields.reviewed_on,
            publish_on=fields.publish_on,
            expire_on=fields.expire_on,
            source_revision=fields.source_revision,
            queries=fields.queries,
            headings=facts.headings,
        )
