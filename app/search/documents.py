"""From the catalog to what the engine takes: articles as search documents, and what editors and past searches add to the ranking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from app.search.engine import LearnedPhrase, SearchContext, SearchDocument

if TYPE_CHECKING:
    from app.content import Article, Catalog


def search_documents(catalog: Catalog, articles: Iterable[Article]) -> Iterator[SearchDocument]:
    """The articles as the engine needs them, one at a time: texts come from the store and are not all held in memory."""
    for article in articles:
        yield search_document(catalog, article)


def search_document(catalog: Catalog, article: Article) -> SearchDocument:
    """One article with its plain text by section. Dates travel along: whether it is live is asked at query time."""
    rendering = catalog.rendering(article)
    return SearchDocument(
        key=f"{article.locale}/{article.id}",
        article_id=article.id,
        locale=article.locale,
        category=article.category,
        slug=article.slug,
        audience=article.audience,
        title=article.title,
        summary=article.summary,
        keywords=article.keywords,
        sections=tuple((s.anchor, s.heading, s.text) for s in rendering.sections),
        blob=article.blob,
        live_from=article.publish_on.isoformat() if article.publish_on else "",
        live_until=article.expire_on.isoformat() if article.expire_on else "",
    )


def search_context(catalog: Catalog, learned: Sequence[LearnedPhrase] = ()) -> SearchContext:
    """What ranks beside the articles' own words at this revision."""
    return SearchContext(site=catalog.site, synonyms=dict(catalog.synonyms), learned=tuple(learned))
