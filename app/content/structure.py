"""What the Markdown of an article becomes beyond plain Markdown: anchored headings, steps, callouts, variants, tables that scroll.

Runs only inside a rendering process.
"""

from __future__ import annotations

import html
import re
import unicodedata
import xml.etree.ElementTree as etree
from collections.abc import Iterator
from typing import Any

from markdown import Markdown
from markdown.extensions import Extension
from markdown.extensions.toc import remove_fnrefs, render_inner_html, strip_tags
from markdown.treeprocessors import Treeprocessor
from pymdownx.blocks import BlocksExtension
from pymdownx.blocks.block import Block

from app.content.details_tags import DetailsTags
from app.content.words import Words

ANCHOR_PREFIX = "s-"
"""Before every anchor of a heading, so that no heading can take the id of a part of the page around it."""
_CALLOUTS = {"note": "", "tip": "tip", "warning": "warn", "danger": "bad"}
_TASK = re.compile(r"^\s*\[([ xX])\]\s+")


def anchor_name(text: str) -> str:
    """The anchor of a heading: its words in small letters, in any alphabet, joined by hyphens."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub(r"[^\w\s-]", "", text)
    return re.sub(r"[\s_-]+", "-", text).strip("-")[:80].strip("-") or "section"


class _Variant(Block):
    """`/// tab | iPhone`: what to do on one kind of device."""

    NAME = "tab"
    ARGUMENT = True

    def on_create(self, parent: etree.Element) -> etree.Element:
        section = etree.SubElement(parent, "section", {"class": "variant", "data-variant": str(self.argument)})
        etree.SubElement(section, "h3").text = str(self.argument)
        return section


class _Blocks(BlocksExtension):
    def extendMarkdownBlocks(self, md: Markdown, block_mgr: Any) -> None:
        block_mgr.register(_Variant, self.getConfigs())


class ArticleStructure(Extension):
    """Reshapes the finished tree; `words` are the few words that the portal itself adds, in the article's language."""

    def __init__(self, words: Words) -> None:
        super().__init__()
        self.words = words

    def extendMarkdown(self, md: Markdown) -> None:
        _Blocks().extendMarkdown(md)
        # After fenced code (25) has been put aside, before blocks of HTML (20) are.
        md.preprocessors.register(DetailsTags(md), "details_tags", 22)
        # After attr_list (8), so that `{#fees}` has become an id; before unescape (0).
        md.treeprocessors.register(_Structure(md, self.words), "article_structure", 4)


class _Structure(Treeprocessor):
    def __init__(self, md: Markdown, words: Words) -> None:
        super().__init__(md)
        self.words = words
        self.anchors: dict[str, int] = {}
        self.labels: dict[str, int] = {}
        self.heading = ""

    def run(self, root: etree.Element) -> None:
        self._group_variants(root)
        for parent, element in list(_walk(root)):
            self._reshape(parent, element)
        self._lists(root, nested=False)

    def _reshape(self, parent: etree.Element, element: etree.Element) -> None:
        tag, classes = element.tag, element.get("class", "").split()
        if tag in {"h1", "h2", "h3", "h4", "h5", "h6"} and "variant" not in parent.get("class", "").split():
            self._heading(element)
        elif tag == "div" and "admonition" in classes:
            self._callout(element, classes)
        elif tag == "details":
            element.set("class", "more")
        elif tag == "table":
            self._table(parent, element)
        elif tag == "p" and len(element) == 1 and element[0].tag == "img" and element[0].get("title") and not (element.text or "").strip():
            _figure(element)

    def _heading(self, element: etree.Element) -> None:
        if element.tag == "h1":
            element.tag = "h2"  # the title is the page's only first heading
        text = self._text(element)
        if not text:
            return
        name = self._unique(anchor_name(element.get("id") or text), self.anchors)
        element.set("id", ANCHOR_PREFIX + name)
        self.heading = text
        last = element[-1] if len(element) else None
        if last is not None:
            last.tail = (last.tail or "").rstrip() + " "
        else:
            element.text = (element.text or "").rstrip() + " "
        link = {"class": "anchor", "href": f"#{ANCHOR_PREFIX}{name}", "aria-label": self.words.link_to.format(text)}
        etree.SubElement(element, "a", link).text = "#"

    def _text(self, element: etree.Element) -> str:
        return " ".join(html.unescape(strip_tags(render_inner_html(remove_fnrefs(element), self.md))).split())

    def _unique(self, name: str, seen: dict[str, int]) -> str:
        """Count, do not search: an article of equal headings would take quadratic time."""
        seen[name] = seen.get(name, 0) + 1
        return name if seen[name] == 1 else self._unique(f"{name}-{seen[name]}", seen)

    def _callout(self, element: etree.Element, classes: list[str]) -> None:
        kind = next((c for c in classes if c in _CALLOUTS), "note")
        element.set("class", f"callout {_CALLOUTS[kind]}".strip())
        title = next((child for child in element if child.get("class") == "admonition-title"), None)
        if title is not None:
            title.tag = "strong"
            title.attrib.clear()
            if title.text and title.text.strip().lower() == kind and not len(title):
                title.text = self.words.callouts[kind]

    def _table(self, parent: etree.Element, table: etree.Element) -> None:
        table.set("class", "tbl")
        for cell in table.iter():
            if cell.tag in {"th", "td"}:
                if "right" in cell.get("style", "") or cell.get("align") == "right":
                    cell.set("class", "n")
                cell.attrib.pop("style", None)
                if cell.tag == "th":
                    cell.set("scope", "col")
        label = self.heading or self.words.table
        self.labels[label] = self.labels.get(label, 0) + 1
        if self.labels[label] > 1:
            label = f"{label} ({self.labels[label]})"  # regions are told apart by their names
        wrapper = etree.Element("div", {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": label})
        wrapper.tail, table.tail = table.tail, None
        parent[list(parent).index(table)] = wrapper
        wrapper.append(table)

    def _lists(self, element: etree.Element, nested: bool) -> None:
        """Numbered lists that stand in no other list are steps. Iterative: depth is the writer's choice."""
        stack = [(element, nested)]
        while stack:
            current, inside = stack.pop()
            for child in current:
                if child.tag == "ol":
                    child.set("class", "plain" if inside or "footnote" in current.get("class", "") else "steps")
                if child.tag == "li":
                    self._task(child)
                stack.append((child, inside or child.tag in {"ol", "ul", "table"}))

    def _task(self, item: etree.Element) -> None:
        holder = item[0] if len(item) and item[0].tag == "p" and not (item.text or "").strip() else item
        match = _TASK.match(holder.text or "")
        if not match:
            return
        done = match[1] != " "
        rest = (holder.text or "")[match.end() :]
        holder.text = ""
        box = etree.Element("span", {"class": "task", "role": "img", "aria-label": self.words.done if done else self.words.to_do})
        box.text, box.tail = ("☑" if done else "☐"), " " + rest
        holder.insert(0, box)
        item.set("class", "task-item")

    def _group_variants(self, root: etree.Element) -> None:
        """Variants that follow each other share one container, which a script may turn into tabs."""
        for parent in [e for _, e in _walk(root)] + [root]:
            if not any(_is_variant(child) for child in parent):
                continue
            group: etree.Element | None = None
            children = list(parent)
            for child in children:
                parent.remove(child)
            for child in children:
                if not _is_variant(child):
                    group = None
                    parent.append(child)
                    continue
                if group is None:
                    group = etree.SubElement(parent, "div", {"class": "variants"})
                child.set("id", "v-" + self._unique("v-" + anchor_name(child.get("data-variant", "")), self.anchors).removeprefix("v-"))
                group.append(child)


def _is_variant(element: etree.Element) -> bool:
    return element.tag == "section" and element.get("class") == "variant"


def _walk(root: etree.Element) -> Iterator[tuple[etree.Element, etree.Element]]:
    """Every element with its parent, in document order, without recursion."""
    stack = [(root, child) for child in reversed(root)]
    while stack:
        parent, element = stack.pop()
        if not isinstance(element.tag, str):
            continue
        yield parent, element
        stack.extend((element, child) for child in reversed(element))


def _figure(paragraph: etree.Element) -> None:
    image = paragraph[0]
    paragraph.tag = "figure"
    caption = etree.SubElement(paragraph, "figcaption")
    caption.text = image.attrib.pop("title")
