"""Articles from git: reading, checking, rendering, and the catalog of all articles at one revision.

This room knows git and Markdown. It knows nothing of who signs in, of searching or of pages; other rooms get values from it
(`Article`, `Rendering`, `Site`) and ask `can_see` who may read what.
"""

from app.content.articles import (
    CUSTOMER,
    STAFF,
    VISITOR,
    Article,
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
    Viewer,
    can_see,
)

__all__ = [
    "CUSTOMER",
    "STAFF",
    "VISITOR",
    "Article",
    "Audience",
    "Category",
    "CategoryText",
    "Channel",
    "Heading",
    "Notice",
    "Problem",
    "QuickAction",
    "Rendering",
    "RequestTopic",
    "Section",
    "Site",
    "Status",
    "Viewer",
    "can_see",
]
