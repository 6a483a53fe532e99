"""Markdown → safe HTML with its sections and headings. Call it through `RendererPool`: Markdown can be made to hang or to crash."""

from __future__ import annotations

import html as html_module
from dataclasses import dataclass

from app.content.articles import Heading, Section

VERSION = 3
"""Raised when the same Markdown would give other HTML than before: everything is rendered again."""
MAX_HTML = 4_000_000


@dataclass(frozen=True)
class Rendered:
    """What one article's Markdown became. Links and pictures are still as the writer wrote them; `links.bind` resolves them."""

    html: str
    sections: tuple[Section, ...]
    headings: tuple[Heading, ...]
    words: int
    links: tuple[str, ...]
    images: tuple[str, ...]
    plain: bool = False


def render(markdown: str, locale: str) -> Rendered:
    """Render in this process, without any limit. A fresh `Markdown` each time: a used one leaks footnotes into the next article."""
    from markdown import Markdown

    from app.content.plain_text import outline
    from app.content.sanitizing import sanitized
    from app.content.structure import ArticleStructure
    from app.content.words import words_for

    converter = Markdown(
        extensions=[
            "tables",
            "footnotes",
            "def_list",
            "attr_list",
            "sane_lists",
            "admonition",
            "pymdownx.superfences",
            "pymdownx.highlight",
            "pymdownx.details",
            "pymdownx.blocks.admonition",
            "pymdownx.blocks.details",
            ArticleStructure(words_for(locale)),
        ],
        extension_configs={
            "footnotes": {"SEPARATOR": "-", "BACKLINK_TITLE": ""},
            "pymdownx.highlight": {"guess_lang": False, "css_class": "highlight"},
            "pymdownx.blocks.admonition": {"types": ["note", "tip", "warning", "danger"]},
        },
        output_format="html",
    )
    raw = converter.convert(markdown)
    if len(raw) > MAX_HTML:
        raise ValueError(f"the HTML would have {len(raw)} characters")
    html = sanitized(raw)
    found = outline(html)
    return Rendered(html, tuple(found.sections), tuple(found.headings), found.words, tuple(found.links), tuple(found.images))


def as_plain_text(markdown: str) -> Rendered:
    """The source itself, readable and harmless: what readers get when rendering failed."""
    section = Section("", "", 0, markdown.strip())
    html = f'<pre tabindex="0">{html_module.escape(markdown.strip())}</pre>'
    return Rendered(html, (section,), (), len(markdown.split()), (), (), plain=True)
