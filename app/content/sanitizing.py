"""The last word on an article's HTML: only what is listed here comes through."""

from __future__ import annotations

import re

import nh3
from pygments.token import STANDARD_TYPES

SCHEMES = {"http", "https", "mailto", "tel"}
_TAGS = (
    {"p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "figure", "figcaption", "details", "summary", "div", "section"}
    | {"ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "a", "img", "span", "time"}
    | {"strong", "em", "b", "i", "u", "s", "del", "ins", "sub", "sup", "small", "mark", "code", "kbd", "samp", "var", "abbr", "q", "cite"}
    | {"bdi", "bdo"}
)
_DROPPED_WITH_CONTENT = {"script", "style", "title", "template", "noscript", "iframe", "object", "svg", "math", "textarea", "select", "xmp"}
_ATTRIBUTES = {
    "a": {"href", "title", "aria-label"},
    "img": {"src", "alt", "title"},
    "th": {"colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
    "ol": {"start"},
    "div": {"aria-label"},
    "section": {"data-variant"},
    "span": {"aria-label"},
    "abbr": {"title"},
    "details": {"open"},
    "time": {"datetime"},
    "*": {"id", "lang", "dir", "class"},
}
_VALUES = {
    "div": {"tabindex": {"0"}, "role": {"region"}},
    "pre": {"tabindex": {"0"}},
    "span": {"role": {"img"}},
    "th": {"scope": {"col", "row"}},
}
_HIGHLIGHT = {name for name in STANDARD_TYPES.values() if name}
_CLASSES = {
    "a": {"anchor", "footnote-ref", "footnote-backref"},
    "div": {"callout", "warn", "bad", "tip", "scroll", "variants", "highlight", "footnote"},
    "section": {"variant"},
    "ol": {"steps", "plain"},
    "table": {"tbl"},
    "th": {"n"},
    "td": {"n"},
    "li": {"task-item"},
    "span": {"task"} | _HIGHLIGHT,
    "details": {"more"},
}
_ID = re.compile(r"(?:s|v|fn|fnref|fnref\d+)-[\w.-]{1,120}")
_LANG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_PREFORMATTED = re.compile(r'(<div class="highlight">)<pre>')


def sanitized(html: str) -> str:
    """Harmless HTML: no script, style, frame or form; links only over https, http, mailto and tel; ids only of our own making."""
    html = _PREFORMATTED.sub(r'\1<pre tabindex="0">', html)  # a box that scrolls must be reachable by keyboard
    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=_filter,
        tag_attribute_values=_VALUES,
        url_schemes=SCHEMES,
        link_rel=None,
    )


def _filter(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "id":
        # An id of the writer's choice could take the place of a part of the page, or of a global of a script.
        return value if _ID.fullmatch(value) else None
    if attribute == "class":
        return " ".join(c for c in value.split() if c in _CLASSES.get(tag, ())) or None
    if attribute == "lang":
        return value if _LANG.fullmatch(value) else None
    if attribute == "dir":
        return value if value in {"ltr", "rtl", "auto"} else None
    if attribute in {"colspan", "rowspan", "start"}:
        return value if value.isascii() and value.isdigit() and len(value) < 4 else None
    if attribute in {"href", "src"}:
        return value if _is_address(value) else None
    return value


def _is_address(value: str) -> bool:
    """A path or an address of a listed scheme, also after everything is taken out that some reader of addresses ignores."""
    bare = "".join(c for c in value if c > " " and c.isprintable()).lower()
    if re.match(r"[/\\]{2}|\\", bare):
        return False  # //host and /\host leave the site under the disguise of a path
    scheme = re.match(r"([^/?#\\]*?):", bare)
    return scheme is None or scheme[1] in SCHEMES
