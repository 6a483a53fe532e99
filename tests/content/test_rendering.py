"""Markdown in, HTML out: what writers use, and the plain text that search gets."""

from __future__ import annotations

import re

import pytest
from justhtml import JustHTML

from app.content.articles import Heading, Section
from app.content.rendering import render

FLAT = str.maketrans({"\n": ""})


def html(markdown: str, locale: str = "en") -> str:
    return render(markdown, locale).html.translate(FLAT)


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("a *b* **c** `d`", "<p>a <em>b</em> <strong>c</strong> <code>d</code></p>"),
        ("1.  One\n\n    More\n\n2.  Two", '<ol class="steps"><li><p>One</p><p>More</p></li><li><p>Two</p></li></ol>'),
        ("- a\n\n    1. b", '<ul><li><p>a</p><ol class="plain"><li>b</li></ol></li></ul>'),
        ("1. a\n    1. b", '<ol class="steps"><li>a<ol class="plain"><li>b</li></ol></li></ol>'),
        ("!!! note\n    Text", '<div class="callout"><strong>Note</strong><p>Text</p></div>'),
        ('!!! tip "Try this"\n    Text', '<div class="callout tip"><strong>Try this</strong><p>Text</p></div>'),
        ("!!! warning\n    Text", '<div class="callout warn"><strong>Warning</strong><p>Text</p></div>'),
        ("/// danger | Stop\nText\n///", '<div class="callout bad"><strong>Stop</strong><p>Text</p></div>'),
        ('??? note "More"\n    Text', '<details class="more"><summary>More</summary><p>Text</p></details>'),
        ('???+ note "More"\n    Text', '<details class="more" open=""><summary>More</summary><p>Text</p></details>'),
        (
            "<details>\n<summary>More *words* | and more</summary>\n\n**Bold**\n\n- one\n\n</details>\nAfter",
            '<details class="more"><summary>More <em>words</em> | and more</summary><p><strong>Bold</strong></p><ul><li>one</li></ul></details>'
            "<p>After</p>",
        ),
        (
            '<details class="x" open><summary>Out</summary>\n<details>\n<summary>In</summary>\n*a*\n</details>\n*b*</details>',
            '<details class="more" open=""><summary>Out</summary><details class="more"><summary>In</summary><p><em>a</em></p></details>'
            "<p><em>b</em></p></details>",
        ),
        (
            "<details><summary>One line</summary>*a*</details>",
            '<details class="more"><summary>One line</summary><p><em>a</em></p></details>',
        ),
        ("Text.\n\n</details>\n\n*a*", "<p>Text.</p><p><em>a</em></p>"),
        ("Term\n:   Meaning", "<dl><dt>Term</dt><dd>Meaning</dd></dl>"),
        (
            "- [ ] open\n- [x] closed",
            '<ul><li class="task-item"><span aria-label="to do" class="task" role="img">☐</span> open</li>'
            '<li class="task-item"><span aria-label="done" class="task" role="img">☑</span> closed</li></ul>',
        ),
        ('![A lock](lock.svg "The lock")', '<figure><img alt="A lock" src="lock.svg"><figcaption>The lock</figcaption></figure>'),
        ("<https://example.com/a>", '<p><a href="https://example.com/a">https://example.com/a</a></p>'),
        (
            "[call](tel:+442079460000) [mail](mailto:a@example.com)",
            '<p><a href="tel:+442079460000">call</a> <a href="mailto:a@example.com">mail</a></p>',
        ),
        ("Press <kbd>Ctrl</kbd>, then H<sub>2</sub>O", "<p>Press <kbd>Ctrl</kbd>, then H<sub>2</sub>O</p>"),
    ],
)
def test_markdown_becomes(markdown: str, expected: str) -> None:
    assert html(markdown) == expected


def test_headings_get_anchors_of_their_own_that_cannot_take_the_pages_ids() -> None:
    rendered = render(
        "# Top\n\n## Fees & *limits*\n\n## Fees & limits\n\n### Own {#price}\n\n## Сколько стоит?\n\n## כמה זה עולה\n\n## main", "en"
    )
    assert rendered.headings == (
        Heading("s-top", "Top", 2),
        Heading("s-fees-limits", "Fees & limits", 2),
        Heading("s-fees-limits-2", "Fees & limits", 2),
        Heading("s-price", "Own", 3),
        Heading("s-сколько-стоит", "Сколько стоит?", 2),
        Heading("s-כמה-זה-עולה", "כמה זה עולה", 2),
        Heading("s-main", "main", 2),
    )
    page = JustHTML(rendered.html, fragment=True, sanitize=False)
    ids = [e.attrs["id"] for e in page.query("[id]")]
    assert len(ids) == len(set(ids)) == 7
    assert next(a.attrs["aria-label"] for a in page.query("a.anchor")) == "Link to Top"
    assert not page.query("h1"), "the title is the page's only first heading"


def test_anchors_are_announced_in_the_articles_language() -> None:
    assert "Länk till Pris" in html("## Pris", "sv") and "Varning" in html("!!! warning\n    x", "sv")
    assert "Внимание" in html("!!! warning\n    x", "ru") and "שימו לב" in html("!!! warning\n    x", "he")


def test_tables_scroll_and_numbers_are_aligned() -> None:
    page = JustHTML(render("## Fees\n\n| a | b |\n|---|--:|\n| x | 1 |\n\n| c |\n|---|\n| y |", "en").html, fragment=True, sanitize=False)
    first, second = page.query("div.scroll")
    assert (first.attrs["tabindex"], first.attrs["role"], first.attrs["aria-label"]) == ("0", "region", "Fees")
    assert second.attrs["aria-label"] == "Fees (2)", "regions are told apart"
    assert [th.attrs["scope"] for th in page.query("th")] == ["col", "col", "col"]
    assert [td.to_text() for td in page.query("td.n")] == ["1"]
    assert "style" not in render("| a |\n|--:|\n| 1 |", "en").html


def test_code_is_coloured_without_script_and_reachable_by_keyboard() -> None:
    page = JustHTML(render('```python\ndef f():\n    return "<b>"\n```', "en").html, fragment=True, sanitize=False)
    (pre,) = page.query("div.highlight pre")
    assert pre.attrs["tabindex"] == "0"
    assert [s.to_text() for s in page.query("span.k")] == ["def", "return"]
    assert render('```python\ndef f():\n    return "<b>"\n```', "en").sections[0].text == 'def f():\nreturn "<b>"'


def test_variants_that_follow_each_other_share_a_container_and_nothing_else_does() -> None:
    source = "/// tab | iPhone\nOne **bold**\n\n- list\n///\n/// tab | Android\nTwo\n///\n\nBetween\n\n/// tab | iPhone\nThree\n///\n"
    page = JustHTML(render("## A\n\n" + source, "en").html, fragment=True, sanitize=False)
    groups = page.query("div.variants")
    assert [[s.attrs["data-variant"] for s in g.query("section.variant")] for g in groups] == [["iPhone", "Android"], ["iPhone"]]
    assert [s.attrs["id"] for s in page.query("section.variant")] == ["v-iphone", "v-android", "v-iphone-2"]
    assert [h.to_text() for h in page.query("section h3")] == ["iPhone", "Android", "iPhone"]
    assert [h.text for h in render("## A\n\n" + source, "en").headings] == ["A"], "variants are not in the table of contents"


def test_footnotes_lead_there_and_back_and_do_not_leak_into_the_next_article() -> None:
    page = JustHTML(render("Text[^1]\n\n[^1]: Note.", "en").html, fragment=True, sanitize=False)
    assert [a.attrs["href"] for a in page.query("a")] == ["#fn-1", "#fnref-1"]
    assert [e.attrs["id"] for e in page.query("[id]")] == ["fnref-1", "fn-1"]
    assert "Note" not in html("Other[^1]")


def test_plain_text_is_split_by_heading() -> None:
    rendered = render("Intro.\n\n## One\n\nText *here*.\n\n| a | b |\n|---|---|\n| c | d |\n\n### Two\n\n- x\n- y\n", "en")
    assert rendered.sections == (
        Section("", "", 0, "Intro."),
        Section("s-one", "One", 2, "Text here.\na: b.\nc: d."),
        Section("s-two", "Two", 3, "x\ny"),
    )
    assert rendered.words == 9


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("Location check | Your phone is elsewhere", "Location check: Your phone is elsewhere."),
        ("Any fee? | No. | 0 %", "Any fee? No; 0 %."),
        ("Alone | ", "Alone."),
        (" | Only this", "Only this."),
        ("Waiting | It comes back…", "Waiting: It comes back…"),
        ("Line<br>break | two", "Line break: two."),
        (" | ", ""),
    ],
)
def test_each_row_of_a_table_reads_as_a_sentence(row: str, expected: str) -> None:
    text = render(f"Before\n\n| Reason | What | Fee |\n|---|---|---|\n| {row} |\n\nAfter", "en").sections[0].text
    assert text.split("\n") == [line for line in ("Before", "Reason: What; Fee.", expected, "After") if line]


def test_links_and_pictures_are_listed_as_written() -> None:
    rendered = render("## A\n\n[b](../c/d.md#e) ![f](g.png) [h](#a) https://x.example", "en")
    assert rendered.links == ("../c/d.md#e", "#a") and rendered.images == ("g.png",)


@pytest.mark.parametrize(
    "markdown", ["", "   \n\n", "\n" * 500, "## ", "#", "|", "[^1]", "///", "/// tab |", "```", "!!!", ":", "\u202e\u0000x"]
)
def test_odd_little_inputs_show_what_was_written(markdown: str) -> None:
    rendered = render(markdown, "en")
    written = markdown.strip("# \n").replace("\u0000", "")
    assert re.sub("<[^>]*>", "", rendered.html) == written
    assert [(section.heading, section.text) for section in rendered.sections] == ([("", written)] if written else [])
