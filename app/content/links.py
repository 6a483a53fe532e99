"""Links and pictures of an article: from the files that a writer names to addresses, for one revision.

Renderings are kept with links as written. They are resolved when a page is made, so that moving one article never means rendering
the others again.
"""

from __future__ import annotations

import html
import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from app.content.articles import Article, Audience, Problem, Rendering, Status
from app.content.places import PICTURES, is_relative, target_of

if TYPE_CHECKING:
    from app.content.catalog import Catalog

_TAG = re.compile(r'<(/?[a-zA-Z][^\s/>]*)((?:\s+[^\s=>/"]+(?:="[^"]*")?)*)\s*/?>')
_ATTRIBUTE = re.compile(r'\s+([^\s=>/"]+)(?:="([^"]*)")?')
_WIDTH = {Audience.PUBLIC: 0, Audience.CUSTOMERS: 1, Audience.AGENTS: 2}
_OWN_ANCHORS = ("s-", "v-", "fn-", "fnref-")


def bind(rendering: Rendering, article: Article, catalog: Catalog) -> Rendering:
    """The rendering with its links and pictures resolved in this catalog."""
    return replace(rendering, html=_Binder(article, catalog).bound(rendering.html))


class _Binder:
    def __init__(self, article: Article, catalog: Catalog) -> None:
        self.article = article
        self.catalog = catalog
        self.open_links: list[bool] = []

    def bound(self, text: str) -> str:
        # Whole tags are matched, so that something that looks like a tag inside an attribute's value is left alone.
        return _TAG.sub(self._tag, text)

    def _tag(self, match: re.Match[str]) -> str:
        name = match[1].lower()
        if name == "a":
            tag = self._link(match)
            self.open_links.append(bool(tag))
            return tag
        if name == "/a":
            return "</a>" if not self.open_links or self.open_links.pop() else ""
        if name == "img":
            return self._image(match)
        return match[0]

    def _link(self, match: re.Match[str]) -> str:
        """The opening tag, or nothing where the link would lead nowhere or give away what the reader may not see."""
        given = _attributes(match[2])
        href = html.unescape(given.get("href", ""))
        if href.startswith("#"):
            given["href"] = html.escape("#" + _anchor(href[1:]))
        elif is_relative(href):
            address = link_address(self.article, href, self.catalog)
            if not address:
                return ""
            given["href"] = html.escape(address)
        elif re.match(r"https?:", href, re.I):
            given["rel"] = "noopener"
        elif not href:
            return ""
        return _tag("a", given)

    def _image(self, match: re.Match[str]) -> str:
        given = _attributes(match[2])
        src, alt = html.unescape(given.get("src", "")), given.get("alt", "")
        picture = self.catalog.picture_at(target_of(self.article.path, src)[0]) if is_relative(src) else None
        if picture is None:
            # A picture from another site would tell it who reads what; a missing one would be a hole. Both become words.
            return f'<a href="{html.escape(src)}" rel="noopener">{alt or html.escape(src)}</a>' if src.startswith("https:") else alt
        address, width, height = picture
        given |= {"src": html.escape(address), "alt": alt, "loading": "lazy", "decoding": "async"}
        if width and height:
            given |= {"width": str(width), "height": str(height)}
        return _tag("img", given)


def _attributes(text: str) -> dict[str, str]:
    return {m[1]: m[2] or "" for m in _ATTRIBUTE.finditer(text)}


def _tag(name: str, attributes: dict[str, str]) -> str:
    return "<" + name + "".join(f' {k}="{v}"' for k, v in attributes.items()) + ">"


def _anchor(fragment: str) -> str:
    return fragment if not fragment or fragment.startswith(_OWN_ANCHORS) else f"s-{fragment}"


def link_address(article: Article, href: str, catalog: Catalog) -> str:
    """The address that a relative link leads to; empty if it leads nowhere, or to an article for fewer people than this one."""
    path, fragment = target_of(article.path, href)
    if posixpath.splitext(path)[1].lower() in PICTURES:
        picture = catalog.picture_at(path)
        return picture[0] if picture else ""
    target = linked_article(article, path, catalog)
    if target is None or target.status is Status.DRAFT or _WIDTH[target.audience] > _WIDTH[article.audience]:
        return ""
    # The reader's own locale stays in the address, so that a translation made tomorrow is found by this link.
    address = f"/{article.locale}/articles/{target.slug}"
    return f"{address}#{_anchor(fragment)}" if fragment else address


def linked_article(article: Article, path: str, catalog: Catalog) -> Article | None:
    """The article in a file, or, where it is not translated yet, the original at the same place in another locale."""
    target = catalog.article_at(path)
    if target is None and path.startswith(f"{catalog.folder}/{article.locale}/" if catalog.folder else f"{article.locale}/"):
        inner = path[len(catalog.folder) + 1 :] if catalog.folder else path
        rest = inner.split("/", 1)[1]
        for locale in catalog.locales:
            target = catalog.article_at("/".join(p for p in (catalog.folder, locale, rest) if p))
            if target:
                break
    return target


def check_links(
    article: Article, links: tuple[str, ...], images: tuple[str, ...], markdown: str, first_line: int, catalog: Catalog
) -> list[Problem]:
    """Links that lead nowhere, anchors that are not there, and pictures that are missing, each with its line."""
    found: list[Problem] = []

    def report(href: str, message: str) -> None:
        found.append(Problem(article.path, _line_of(href, markdown, first_line), "warning", message))

    for href in dict.fromkeys(links):
        message = _link_problem(article, href, catalog)
        if message:
            report(href, message)
    for src in dict.fromkeys(images):
        if re.match(r"https?:", src, re.I):
            report(src, f"the picture “{src[:80]}” is on another site and is shown as a link; put it beside the article")
        elif not is_relative(src) or catalog.picture_at(target_of(article.path, src)[0]) is None:
            report(src, f"there is no picture “{src[:80]}” (PNG, JPEG, GIF, WebP or SVG) beside the article")
    return found


def _link_problem(article: Article, href: str, catalog: Catalog) -> str:
    if href.startswith("#"):
        return "" if href == "#" or _has_anchor(article, href[1:]) else f"there is no heading “{href}” in this article"
    if not is_relative(href):
        own = re.match(r"/([A-Za-z-]+)/articles/([a-z0-9_-]+)", href)
        known = own is None or catalog.resolve(own[0], own[1]) is not None
        return "" if known else f"there is no article at “{href[:80]}”; link its file instead, then it is followed when it moves"
    path, fragment = target_of(article.path, href)
    if posixpath.splitext(path)[1].lower() in PICTURES:
        return "" if catalog.picture_at(path) else f"there is no picture “{href[:80]}”"
    target = linked_article(article, path, catalog)
    if target is None:
        return f"the link “{href[:80]}” leads to no article; its words are shown without a link"
    if target.status is Status.DRAFT or _WIDTH[target.audience] > _WIDTH[article.audience]:
        return f"the link “{href[:80]}” leads to an article that readers of this one may not see; its words are shown without a link"
    if target.status is Status.ARCHIVED:
        return f"the link “{href[:80]}” leads to an archived article; link the one that replaced it"
    if fragment and not _has_anchor(target, fragment):
        return f"“{path}” has no heading “#{fragment}”"
    return ""


def _has_anchor(article: Article, fragment: str) -> bool:
    anchor = _anchor(fragment)
    return anchor.startswith(("v-", "fn-", "fnref-")) or any(h.anchor == anchor for h in article.headings)


def _line_of(href: str, markdown: str, first_line: int) -> int:
    at = markdown.find(href)
    return first_line + (markdown.count("\n", 0, at) if at >= 0 else 0)
