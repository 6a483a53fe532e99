"""The YAML files beside the articles."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from writers_desk import KB

from app.content.articles import CategoryText, RequestTopic, TopicField
from app.content.site import read_notices, read_search_tests, read_site, read_synonyms

LOCALES = ("en", "sv")


def test_site_yml_is_read_in_full() -> None:
    site, problems = read_site("site.yml", (KB / "site.yml").read_bytes(), LOCALES)
    assert site is not None and problems == []
    assert site.name == "Kestrel Bikes Help"
    assert [c.slug for c in site.categories] == ["hire", "payments"]
    hire = site.categories[0]
    assert hire.icon == "bike" and hire.pinned == ("unlock-a-bike",)
    assert hire.text("sv") == CategoryText("Hyra en cykel", "Börja, pausa och avsluta en hyra")
    assert hire.groups == (({"en": "During the ride", "sv": "Under turen"}, ("pause-a-hire", "end-a-hire")),)
    assert site.popular == {"en": ("bike will not unlock", "charged twice"), "sv": ("cykeln går inte att låsa upp",)}
    assert site.channels[0].href == "/contact" and site.channels[0].label["sv"] == "Skicka ett ärende"
    assert site.quick_actions[0].urgent and site.quick_actions[0].article == "report-a-crash"
    assert site.pinned_answers == {"en": {"prices": "what-a-hire-costs"}}
    assert site.topics[0] == RequestTopic("crash", {"en": "A crash or an injury", "sv": "En olycka eller skada"}, True, "+46 8 555 01 12")
    assert site.links == (({"en": "Prices", "sv": "Priser"}, "/articles/what-a-hire-costs"),)


def test_a_topic_asks_for_what_it_needs_in_every_locale() -> None:
    text = "request_topics:\n  - slug: a\n    label: b\n    fields:\n"
    text += "      - label: {en: Card, sv: Kort}\n        optional: true\n      - {label: Shop}"
    site, problems = read_site("s", text.encode(), LOCALES)
    assert site is not None and problems == []
    assert site.topics[0].fields == (TopicField({"en": "Card", "sv": "Kort"}, True), TopicField({"en": "Shop", "sv": "Shop"}))


def test_a_text_without_locales_holds_for_all_and_a_missing_one_is_the_default() -> None:
    site, _ = read_site("s", b"footer: Same\ncategories: [{slug: a, title: {en: Hello}}]", LOCALES)
    assert site is not None
    assert site.footer == {"en": "Same", "sv": "Same"}
    assert site.categories[0].texts["sv"].title == "Hello"


def test_types_name_their_articles_and_one_type_is_that_of_all_others() -> None:
    text = "types:\n  - {slug: guides, label: How to}\n  - {slug: fees, label: {en: Fees, sv: Avgifter}, articles: [a, b]}"
    site, problems = read_site("site.yml", text.encode(), LOCALES)
    assert site is not None and not problems
    assert [(t.slug, t.label["sv"], t.articles) for t in site.types] == [
        ("guides", "How to", frozenset()),
        ("fees", "Avgifter", frozenset({"a", "b"})),
    ]


def test_an_empty_site_yml_is_a_site_without_anything() -> None:
    site, problems = read_site("s", b"", LOCALES)
    assert site is not None and (site.name, site.categories, problems) == ("Help", (), [])


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("name: [a]", 1, "must be text"),
        ("categories: cards", 1, "must be a list"),
        ("categories:\n  - slug: Big Cards", 2, "small letters"),
        ("categories:\n  - {slug: a}\n  - {slug: a}", 1, "given twice"),
        ("categories:\n  - slug: a\n    groups: [{articles: [b]}]", 3, "needs a “title”"),
        ("channels:\n  - kind: fax\n    href: /contact\n    label: x", 2, "chat, request or phone"),
        ("channels:\n  - {kind: chat, href: 'javascript:alert(1)', label: x}", 2, "no address"),
        ("channels:\n  - {kind: chat, href: //evil.example, label: x}", 2, "no address"),
        ("links:\n  - {label: x, href: '/\\evil.example'}", 2, "no address"),
        ("quick_actions:\n  - {label: x}", 2, "needs a “label” and an “article”"),
        ("quick_actions:\n  - {label: x, article: 'data:text/html,x'}", 2, "no address"),
        ("types:\n  - {slug: a}", 2, "needs a “label”"),
        ("types:\n  - {slug: a, label: b}\n  - {slug: c, label: d}", 3, "only one type"),
        ("types:\n  - {slug: a, label: b, articles: [x]}\n  - {slug: a, label: d}", 3, "given twice"),
        ("types:\n  - {slug: a, label: b, articles: [x]}\n  - {slug: c, label: d, articles: [x]}", 3, "“x” has two types"),
        ("request_topics:\n  - {slug: a}", 2, "needs a “label”"),
        ("request_topics:\n  - {slug: a, label: b, safety: perhaps}", 2, "either true or false"),
        ("request_topics:\n  - slug: a\n    label: b\n    fields:\n      - {optional: true}", 5, "needs a “label”"),
        ("request_topics:\n  - slug: a\n    label: b\n    fields: [{label: c, optional: sometimes}]", 4, "either true or false"),
        (
            "request_topics:\n  - slug: a\n    label: b\n    fields:\n      - {label: c}\n      - {label: d}\n      - {label: e}",
            7,
            "at most 2",
        ),
        (f"request_topics:\n  - {{slug: a, label: b, fields: [{{label: {'c' * 81}}}]}}", 2, "longer than 80"),
        ("a: &x 1\nb: *x", 1, "anchors"),
        ("name: a\nname: b", 2, "given twice"),
    ],
)
def test_a_mistake_in_site_yml_is_an_error_with_its_line(text: str, line: int, word: str) -> None:
    site, problems = read_site("site.yml", text.encode(), LOCALES)
    assert site is None
    errors = [p for p in problems if p.level == "error"]
    assert errors[0].line == line and word in errors[0].message


def test_an_unknown_key_in_site_yml_is_a_warning() -> None:
    site, problems = read_site("site.yml", b"name: A\ncolour: red", LOCALES)
    assert site is not None and [(p.line, p.level) for p in problems] == [(2, "warning")]


def test_notices_have_times_places_and_words() -> None:
    notices, problems = read_notices("notices.yml", (KB / "notices.yml").read_bytes(), LOCALES)
    assert notices is not None and problems == []
    closed, prices = notices
    assert closed.starts == datetime(2026, 11, 20, 6, tzinfo=UTC) and closed.ends == datetime(2026, 11, 30, 18, tzinfo=UTC)
    assert closed.matches == ("harbour", "station closed") and closed.tone == "warning" and closed.dismissible
    assert prices.starts == datetime(2026, 12, 15, tzinfo=UTC) and prices.ends is None
    assert prices.categories == ("payments",) and prices.headline["sv"] == "Prices change in January."


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("- id: a", "headline"),
        ("- {id: A b, headline: x}", "small letters"),
        ("- {id: a, headline: x, tone: angry}", "info or warning"),
        ("- {id: a, headline: x, starts: tomorrow}", "must be a time"),
        ("- {id: a, headline: x, starts: 2026-02-02, ends: 2026-02-01}", "ends before it starts"),
        ("- {id: a, headline: x, link: 'javascript:x'}", "no address"),
        ("headline: x", "must be a list"),
    ],
)
def test_a_mistake_in_notices_is_an_error(text: str, word: str) -> None:
    notices, problems = read_notices("notices.yml", text.encode(), LOCALES)
    assert notices is None and any(word in p.message for p in problems)


def test_synonyms_hold_both_ways_or_one_way() -> None:
    synonyms, problems = read_synonyms("synonyms.yml", (KB / "en" / "synonyms.yml").read_bytes())
    assert problems == []
    assert synonyms == (
        (("bike", "bicycle", "cycle"), ("bike", "bicycle", "cycle"), True),
        (("accident",), ("crash", "injury"), False),
    )


@pytest.mark.parametrize("text", ["- same: [one]", "- words: [a]", "- find: [a]", "- {same: [a, b], words: [c], find: [d]}", "- a"])
def test_half_a_synonym_is_an_error(text: str) -> None:
    synonyms, problems = read_synonyms("synonyms.yml", text.encode())
    assert synonyms is None and problems


def test_search_tests_are_read_with_their_lines() -> None:
    tests, problems = read_search_tests("search-tests.yml", (KB / "en" / "search-tests.yml").read_bytes(), "en")
    assert tests is not None and problems == []
    assert (tests[0].query, tests[0].expect, tests[0].within, tests[0].line) == ("how much is an hour", ("what-a-hire-costs",), 3, 1)
    assert (tests[1].expect, tests[1].within) == (("report-a-fault", "unlock-a-bike"), 5)
    assert tests[1].not_expect == ("what-a-hire-costs",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {query: '???', expect: a}", "“???” has no word that could be searched"),
        ("- {query: a, expect: b, not_expect: [b]}", "“b” is both expected and not"),
        ("- {query: a, expect: {b: c}}", "must be the slug of an article, or a list of them"),
        ("- {query: [a], expect: b}", "“query” must be text, not a list"),
        ("- a", "must be a mapping"),
        ("- {query: a, expect: b, within: 21}", "a number from 1 to 20"),
    ],
)
def test_a_mistake_in_a_search_test_is_told_once(text: str, message: str) -> None:
    tests, problems = read_search_tests("search-tests.yml", text.encode(), "en")
    assert tests is None
    assert len(problems) == 1 and message in problems[0].message


def test_a_search_test_that_stands_twice_is_warned_of_with_both_lines() -> None:
    tests, problems = read_search_tests("t", b"- {query: a, expect: b}\n- {query: a, expect: c}\n- {query: a, expect: b}\n", "en")
    assert tests is not None
    assert [(p.line, p.level, "line 1" in p.message) for p in problems] == [(3, "warning", True)]


def test_pinned_searches_are_compared_by_their_words() -> None:
    text = "pinned_answers:\n  en:\n    Top-up: add\n    top  up: other\n    'What?!': why\n    '???': a\n    ' ': b\n    nothing:\n"
    site, problems = read_site("site.yml", text.encode(), LOCALES)
    assert site is not None and site.pinned_answers == {"en": {"top up": "add", "what": "why"}}
    assert [(p.line, p.level) for p in problems] == [(4, "warning"), (6, "warning"), (7, "warning"), (8, "warning")]


@pytest.mark.parametrize("text", ["- query: a", "- expect: b", "- {query: a, expect: b, within: 0}", "- {query: a, expect: b, within: x}"])
def test_half_a_search_test_is_an_error(text: str) -> None:
    tests, problems = read_search_tests("search-tests.yml", text.encode(), "en")
    assert tests is None and problems
