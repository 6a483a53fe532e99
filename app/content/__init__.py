"""Articles from git: reading, checking, rendering, and the catalog of all articles at one revision.

This room knows git and Markdown. It knows nothing of who signs in, of searching or of pages; other rooms get values from it
(`Article`, `Rendering`, `Site`) and ask `can_see` who may read what.
"""

from app.content.articles import (
    CUSTOMER,
    STAFF,
    VISITOR,
    Article,
    ArticleType,
    Audience,
    Category,
    CategoryText,
    Channel,
    Heading,
    Notice,
    Problem,
    QuickAction,
    Rendering,
    RequestTopic,
    Section,
    Site,
    Status,
    TopicField,
    Viewer,
    can_see,
    one_line,
    portal_path,
)
from app.content.catalog import Catalog, Media
from app.content.changes import Change, reader_text, what_changed
from app.content.comparing import same_words
from app.content.current import CurrentCatalog
from app.content.errors import ArticleGone, ArticleMoved, ArticleNotFound, ContentUnavailable, PublishBusy
from app.content.pointer import Pointer, publishing_lock, read_pointer, write_pointer
from app.content.publications import Publication, publications
from app.content.publishing import Gathered, check, gather
from app.content.renderer import RendererPool
from app.content.repository import ArticleRepository, Commit
from app.content.site import SearchTest, Synonyms, synonym_lines
from app.content.staleness import Staleness, note_fresh, note_stale, staleness
from app.content.store import copy_store
from app.content.worktree import follow

__all__ = [
    "CUSTOMER",
    "STAFF",
    "VISITOR",
    "Article",
    "ArticleGone",
    "ArticleMoved",
    "ArticleNotFound",
    "ArticleRepository",
    "ArticleType",
    "Audience",
    "Catalog",
    "Category",
    "CategoryText",
    "Change",
    "Channel",
    "Commit",
    "ContentUnavailable",
    "CurrentCatalog",
    "Gathered",
    "Heading",
    "Media",
    "Notice",
    "Pointer",
    "Problem",
    "Publication",
    "PublishBusy",
    "QuickAction",
    "RendererPool",
    "Rendering",
    "RequestTopic",
    "SearchTest",
    "Section",
    "Site",
    "Staleness",
    "Status",
    "Synonyms",
    "TopicField",
    "Viewer",
    "can_see",
    "check",
    "copy_store",
    "follow",
    "gather",
    "note_fresh",
    "note_stale",
    "one_line",
    "portal_path",
    "publications",
    "publishing_lock",
    "read_pointer",
    "reader_text",
    "same_words",
    "staleness",
    "synonym_lines",
    "what_changed",
    "write_pointer",
]
