"""Small collections of articles on a real engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

from app.content import VISITOR, Audience, Site, Viewer
from app.search import Query, Results, SearchContext, SearchDocument, WhooshEngine, open_engine

TODAY = date(2026, 11, 22)


def article(
    slug: str,
    title: str,
    text: str = "",
    *,
    locale: str = "en",
    category: str = "cards",
    audience: Audience = Audience.PUBLIC,
    summary: str = "",
    keywords: tuple[str, ...] = (),
    sections: tuple[tuple[str, str, str], ...] = (),
    article_id: str = "",
    live_from: str = "",
    live_until: str = "",
) -> SearchDocument:
    """A search document with usual values for what a test does not care about."""
    article_id = article_id or slug
    return SearchDocument(
        f"{locale}/{article_id}", article_id, locale, category, slug, audience, title, summary, keywords, (("", "", text), *sections), slug,
        live_from, live_until,
    )  # fmt: skip


class Desk:
    """An engine with some articles, and short ways to ask it."""

    def __init__(self, folder: Path, documents: Iterable[SearchDocument], context: SearchContext | None = None) -> None:
        self.context = context or SearchContext(Site("Test"))
        self.engine: WhooshEngine = open_engine(folder, today=lambda: TODAY)
        self.generation = self.engine.rebuild(list(documents), "revision1", self.context)
        self.engine.open(self.generation, "revision1", self.context)

    def ask(self, text: str, locale: str = "en", viewer: Viewer = VISITOR, **more: object) -> Results:
        return self.engine.search(Query.from_text(text, locale, viewer, **more))  # type: ignore[arg-type]

    def slugs(self, text: str, locale: str = "en", viewer: Viewer = VISITOR, **more: object) -> list[str]:
        return [hit.slug for hit in self.ask(text, locale, viewer, **more).hits]

    def suggested(self, text: str, locale: str = "en", viewer: Viewer = VISITOR) -> list[str]:
        return [item.title for item in self.engine.suggest(text, locale, viewer).items]


NOISE = tuple(
    article(f"noise-{n}", f"About {a} and {b}", f"Everything on {a}. Then something on {b}, and a word about the {c}.", category="noise")
    for n, (a, b, c) in enumerate(
        [
            ("weather", "gardens", "rain"), ("music", "concerts", "stage"), ("trains", "stations", "platform"), ("bread", "ovens", "flour"),
            ("horses", "stables", "saddle"), ("rivers", "bridges", "water"), ("paint", "brushes", "wall"), ("chess", "boards", "king"),
            ("windows", "curtains", "light"), ("winter", "snow", "coat"), ("lemons", "trees", "garden"), ("letters", "stamps", "postman"),
        ]
    )
)  # fmt: skip
"""Articles that no test is about, so that a search that finds everything fails."""


MakeDesk = Callable[..., Desk]
