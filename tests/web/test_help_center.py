"""Pages that everybody reads: what stands on them, which language they speak, how they are kept."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.accounts import Role
from app.content import VISITOR
from app.deflection import View, Vote, milliseconds, recompute_due, record
from app.search import SearchUnavailable
from app.web.help_center.reading_counts import views_until_today, votes_until_today
from app.web.help_center.search_pages import _fitting


class Page(HTMLParser):
    """A page as a reader meets it: headings, links with their words, and elements by id."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[tuple[str, str]] = []
        self.links: dict[str, str] = {}
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self._words: list[list[str]] = []
        self.text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<(script|template|svg).*?</\1>", "", html, flags=re.S)))
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))
        if tag in {"h1", "h2", "h3", "a"}:
            self._open.append(dict(attrs).get("href") or tag)
            self._words.append([])

    def handle_endtag(self, tag: str) -> None:
        if tag in {"h1", "h2", "h3", "a"} and self._open:
            name, words = self._open.pop(), " ".join("".join(self._words.pop()).split())
            if tag == "a":
                self.links.setdefault(name, words)
            else:
                self.headings.append((tag, words))
            if self._words:
                self._words[-1].append(words)

    def handle_data(self, data: str) -> None:
        if self._words:
            self._words[-1].append(data)

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [a for t, a in self.attributes if t == tag and all(a.get(k.rstrip("_").replace("_", "-")) == v for k, v in wanted.items())]


def get(client: FlaskClient, path: str, status: int = 200, **headers: str) -> Page:
    answer = client.get(path, headers=headers)
    assert answer.status_code == status, answer.get_data(as_text=True)[:300]
    return Page(answer.get_data(as_text=True))


# --- where readers arrive ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "home"), [("sv-SE,sv;q=0.9,en;q=0.5", "/sv/"), ("fi", "/en/"), ("en-GB", "/en/"), ("fr, sv;q=0.3", "/sv/")]
)
def test_the_root_leads_to_the_language_the_browser_asks_for(client: FlaskClient, wish: str, home: str):
    answer = client.get("/", headers={"Accept-Language": wish})
    assert (answer.status_code, answer.headers["Location"]) == (302, home)
    assert "Accept-Language" in answer.headers["Vary"]


def test_home_shows_search_topics_and_a_person(client: FlaskClient):
    page = get(client, "/en/")
    assert page.headings[0] == ("h1", "Find the answer, or reach a person")
    assert page.all("form", role="search", action="/en/search", method="get")
    assert "/en/contact" in page.links
    assert ("h2", "Reach a person") in page.headings


def test_a_portal_with_few_articles_lists_them_flat(client: FlaskClient):
    page = get(client, "/en/")
    assert ("h2", "All articles") in page.headings
    assert page.links["/en/articles/activate-your-card"] == "Activate your card"


@pytest.mark.parametrize("path", ["/xx/", "/EN/", "/xx/articles/activate-your-card", "/en/categories/nothing", "/en/articles/nothing"])
def test_what_is_not_here_answers_404_with_a_search_and_a_person(client: FlaskClient, path: str):
    page = get(client, path, 404)
    assert page.headings[0][1] == "This page is not here"
    assert page.all("form", role="search")
    assert ("h2", "Reach a person") in page.headings


def test_a_dead_address_is_searched_by_its_words(client: FlaskClient):
    page = get(client, "/en/articles/how-to-activate-card-2019.html", 404)
    assert page.all("input", name="q", value="how to activate card")
    assert page.links["/en/articles/activate-your-card"] == "Activate your card"


def test_a_category_shows_its_articles_and_those_of_other_languages_apart(client: FlaskClient):
    page = get(client, "/sv/categories/cards")
    assert page.headings[0] == ("h1", "Kort")
    assert page.links["/sv/articles/activate-your-card"] == "Aktivera ditt kort"
    assert page.all("a", href="/sv/articles/card-declined", lang="en", hreflang="en")
    assert page.all("input", type="hidden", name="category", value="cards")


def test_a_category_of_hidden_articles_looks_like_one_that_is_empty_and_names_none_of_them(client: FlaskClient):
    html = client.get("/en/categories/vault").get_data(as_text=True)
    assert "Hippogriff" not in html


# --- articles ---------------------------------------------------------------------------------------------------------------


def test_an_article_begins_with_its_short_answer(client: FlaskClient):
    page = get(client, "/en/articles/card-declined")
    assert page.headings[:2] == [("h1", "Card declined"), ("h2", "The short answer")]
    assert "Why a payment was refused." in page.text
    assert page.links["/en/categories/cards"] == "Cards"
    assert "/en/articles/card-declined/history" in page.links


def test_an_article_that_is_not_translated_is_shown_in_its_own_language_and_says_so(client: FlaskClient):
    page = get(client, "/sv/articles/card-declined")
    assert page.all("html", lang="sv")
    assert page.all("div", class_="text", lang="en", dir="ltr")
    assert page.all("link", rel="canonical", href="http://localhost/en/articles/card-declined")


def test_the_language_menu_keeps_the_page(client: FlaskClient):
    page = get(client, "/en/articles/activate-your-card")
    assert page.links["/sv/articles/activate-your-card"] == "svenska"
    assert get(client, "/en/search?q=card&category=cards").links["/sv/search?q=card&category=cards"] == "svenska"


def test_translations_know_each_other_and_have_one_canonical_address_each(client: FlaskClient):
    page = get(client, "/sv/articles/activate-your-card")
    assert page.all("link", rel="canonical", href="http://localhost/sv/articles/activate-your-card")
    assert {a["hreflang"] for a in page.all("link", rel="alternate") if a.get("hreflang")} == {"en", "sv", "x-default"}


def test_an_archived_article_is_gone_and_names_its_successor(client: FlaskClient):
    page = get(client, "/en/articles/old-fees", 410)
    assert page.headings[0][1] == "This article is no longer here"
    assert page.links["/en/articles/close-your-account"] == "Close your account"


def test_an_archived_internal_article_looks_missing(client: FlaskClient):
    assert "Basilisk" not in client.get("/en/articles/old-internal").get_data(as_text=True)
    assert client.get("/en/articles/old-internal").status_code == 404


@pytest.mark.parametrize("slug", ["secret-plan", "next-year", "last-year", "override-a-declined-card", "interest-for-members"])
def test_what_a_visitor_may_not_see_looks_like_what_does_not_exist(client: FlaskClient, slug: str):
    hidden, missing = client.get(f"/en/articles/{slug}"), client.get("/en/articles/" + "x" * len(slug))
    assert hidden.status_code == missing.status_code == 404
    for suffix in ("/history", "/feedback"):
        assert client.get(f"/en/articles/{slug}{suffix}").status_code == 404


def test_staff_read_internal_articles_which_say_that_they_are(signed_in):
    page = get(signed_in(Role.AGENT), "/en/articles/override-a-declined-card")
    assert page.headings[0] == ("h1", "Quetzal override for agents")
    assert "Internal" in page.text
    assert not page.all("link", rel="canonical")


def test_the_permanent_address_leads_to_the_readers_language_and_keeps_the_query(client: FlaskClient):
    article_id = get(client, "/en/articles/activate-your-card").all("article")[0]["data-article"]
    answer = client.get(f"/a/{article_id}?ref=1", headers={"Accept-Language": "sv"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sv/articles/activate-your-card?ref=1")
    assert client.get("/a/quetzal").status_code == 404


def test_history_names_the_changes_of_an_article(client: FlaskClient):
    page = get(client, "/en/articles/activate-your-card/history")
    assert page.headings[0] == ("h1", "What changed")
    assert "Articles" in page.text


def test_an_article_tells_search_engines_what_it_is_in_data_that_no_title_can_break(client: FlaskClient):
    import json

    html = client.get("/en/articles/card-declined").get_data(as_text=True)
    data = json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.S)[1])
    kinds = {thing["@type"]: thing for thing in data["@graph"]}
    assert kinds["Article"]["headline"] == "Card declined"
    assert [step["name"] for step in kinds["BreadcrumbList"]["itemListElement"]] == ["Help home", "Cards", "Card declined"]


# --- searching --------------------------------------------------------------------------------------------------------------


def test_results_carry_search_and_rank_and_are_recorded(client: FlaskClient, portal):
    page = get(client, "/en/search?q=declined&t=tab-1")
    link = next(href for href in page.links if href.startswith("/en/articles/card-declined?"))
    search_id = re.search(r"s=([\w-]+)&r=1$", link)[1]
    portal.events.flush()
    event = _events(portal, "search")[-1]
    assert (event["search_id"], event["mode"], event["q"], event["tab"]) == (search_id, "submit", "declined", "tab-1")
    assert event["n_results"] >= 1
    assert event["lang"] == "en"


def test_results_travel_compressed_unless_they_are_somebodys_own(client: FlaskClient, signed_in: Callable[..., FlaskClient]):
    answer = client.get("/en/search?q=card", headers={"Accept-Encoding": "gzip"})
    assert (answer.headers["Content-Encoding"], answer.headers["Cache-Control"]) == ("gzip", "no-store")
    assert b"/en/articles/card-declined" in gzip.decompress(answer.data)
    assert "Accept-Encoding" in answer.headers["Vary"]
    # A page with a token in it is not compressed together with what somebody typed.
    own = signed_in().get("/en/search?q=card", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in own.headers


def test_results_can_be_narrowed_by_type_and_the_choice_stays_in_every_other_link(client: FlaskClient):
    page = get(client, "/en/search?q=card")
    choices = {href: text for href, text in page.links.items() if "type=" in href}
    assert choices == {"/en/search?q=card&type=guides": "How to 1", "/en/search?q=card&type=trouble": "Trouble 1"}
    narrowed = get(client, "/sv/search?q=card&type=trouble&category=cards")
    current = [a["href"] for a in narrowed.all("a", **{"aria-current": "true"})]
    assert "/sv/search?q=card&type=trouble&category=cards" in current
    assert [href for href in narrowed.links if "articles/card-declined" in href]
    assert not [href for href in narrowed.links if "activate-your-card" in href]
    assert "/sv/search?q=card&type=trouble" in narrowed.links, "all topics, still of this type"
    assert narrowed.links["/en/search?q=card&type=trouble&category=cards"] == "English"


def test_a_type_without_results_leads_back_to_all_of_them(client: FlaskClient):
    page = get(client, "/en/search?q=card&type=unheard-of")
    assert page.headings[0][1] == "No page matches “card”"
    assert page.links["/en/search?q=card"]


def test_without_script_links_carry_the_tab_that_the_server_made(client: FlaskClient, portal):
    page = get(client, "/en/search?q=declined")
    tab = page.all("input", name="t")[0]["value"]
    assert tab.startswith("n-")
    assert any(href.endswith(f"&t={tab}") for href in page.links)


def test_nothing_found_offers_a_person_and_is_recorded_as_zero(client: FlaskClient, portal):
    page = get(client, "/en/search?q=zzgxqv")
    assert page.headings[0][1] == "No page matches “zzgxqv”"
    assert any(href.startswith("/en/contact?q=zzgxqv") for href in page.links)
    assert page.all("meta", name="robots", content="noindex")
    portal.events.flush()
    assert _events(portal, "search")[-1]["n_results"] == 0


@pytest.mark.parametrize("narrowed", ["&type=unheard-of", "&category=unheard-of"])
def test_a_filter_that_leaves_nothing_is_no_gap(client: FlaskClient, portal, narrowed: str):
    page = get(client, f"/en/search?q=card{narrowed}")
    assert "There are articles on it, but none with these filters." in page.text
    assert "We will tell the writers" not in page.text
    portal.events.flush()
    assert _events(portal, "search")[-1]["n_results"] > 0
    assert "We will tell the writers" in get(client, f"/en/search?q=zzgxqv{narrowed}").text
    portal.events.flush()
    assert _events(portal, "search")[-1]["n_results"] == 0


def test_a_page_beyond_the_last_leads_to_the_first(client: FlaskClient, portal):
    answer = client.get("/en/search?q=card&page=9999&category=cards")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/en/search?q=card&category=cards")
    portal.events.flush()
    assert _events(portal, "search") == []


def test_signs_alone_are_said_to_have_no_word(client: FlaskClient):
    page = get(client, "/en/search?q=%3F%3F%3F")
    assert "There is no word in it to search for." in page.text
    assert "We will tell the writers" not in page.text


def test_a_failed_engine_says_so_and_is_not_recorded_as_nothing_found(client: FlaskClient, portal, monkeypatch):
    def fail(query):
        raise SearchUnavailable("the index is gone")

    monkeypatch.setattr(portal.engine, "search", fail)
    answer = client.get("/en/search?q=declined")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert Page(answer.get_data(as_text=True)).headings[0][1] == "Search is not answering"
    portal.events.flush()
    assert _events(portal, "search") == []


def test_a_corrected_search_says_for_what_it_found_this_and_offers_the_words_as_typed(client: FlaskClient):
    page = get(client, "/en/search?q=decliend")
    assert "Showing results for “ declined ”." in page.text, "the words in an element of their own"
    exact = next(address for address, words in page.links.items() if words == "Search only for “decliend”")
    assert "Showing results for" not in get(client, exact).text


def test_words_typed_on_another_keyboard_are_said_to_be_read_so_though_nothing_is_found(client: FlaskClient):
    page = get(client, "/en/search?q=%D1%8B%D0%B5%D0%BA%D1%84%D1%82%D0%BF%D1%83%D0%BA")  # stranger, on a Russian keyboard
    assert page.headings[0][1] == "No page matches “stranger”"
    assert "“ ыекфтпук ” was read as “ stranger ”." in page.text
    assert "Search only for “ыекфтпук”" in page.links.values()


def test_somebodys_words_are_isolated_where_they_stand_in_a_sentence_of_ours(client: FlaskClient):
    for path, words in (("search?q=zzgxqv%3F", "zzgxqv?"), ("search?q=decliend", "declined"), ("search?q=card+%3Cb%3E", "card &lt;b&gt;")):
        page = client.get(f"/en/{path}").get_data(as_text=True)
        assert f"“<bdi>{words}</bdi>”</h1>" in page
    assert re.search(r"“<bdi>[^<]+</bdi>” was replaced", client.get("/en/articles/old-fees").get_data(as_text=True))


def test_an_empty_search_is_the_topics_page_and_no_search(client: FlaskClient, portal):
    assert get(client, "/en/search?q=%20").headings[0][1] == "All topics"
    portal.events.flush()
    assert _events(portal, "search") == []


def test_a_very_long_search_is_cut_and_says_so(client: FlaskClient):
    assert "only its first 200 characters" in get(client, "/en/search?q=" + "card+" * 60).text


@pytest.mark.parametrize("page", ["0", "-3", "x", "99999999999999999999", "²"])
def test_odd_pages_and_filters_never_break_the_search(client: FlaskClient, page: str):
    get(client, f"/en/search?q=card&page={page}&category=%00&lang=xx&exact=maybe&t=%22%3E")


@pytest.mark.parametrize("q", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "[[card]]", "{{7*7}}", "\u202ecard"])
def test_what_was_typed_is_never_markup(client: FlaskClient, q: str):
    html = client.get("/en/search", query_string={"q": q}).get_data(as_text=True)
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "49" not in Page(html).headings[0][1]


def test_suggestions_fit_into_two_kilobytes_in_any_script() -> None:
    one = {"type": "article", "title": "Перевод", "url": "/ru/articles/a?s=1", "where": "Переводы"}
    assert json.loads(_fitting("s1", [one, one])) == {"search_id": "s1", "items": [one, one]}
    assert "Перевод".encode() in _fitting("s1", [one])
    long = one | {"title": "Как перевести деньги 🏦 " * 8}
    body = _fitting("s1", [long] * 6)
    assert len(body) <= 2048
    assert 0 < len(json.loads(body)["items"]) < 6


def test_suggestions_are_recorded_as_typing_and_point_at_their_list(client: FlaskClient, portal):
    answer = client.get("/en/suggest?q=acti&t=tab-2").get_json()
    first = answer["items"][0]
    assert first["title"] == "Activate your card"
    assert first["url"].endswith(f"?s={answer['search_id']}&r=1")
    portal.events.flush()
    event = _events(portal, "search")[-1]
    assert (event["mode"], event["q"], event["search_id"]) == ("type", "acti", answer["search_id"])


@pytest.mark.parametrize("path", ["/en/search?q=quetzal", "/en/suggest?q=quet", "/en/search?q=hippogriff", "/sitemap.xml", "/en/feed.atom",
                                  "/en/", "/en/browse", "/en/articles/card-declined", "/en/nothing-about-quetzal"])  # fmt: skip
def test_internal_articles_leak_nowhere(client: FlaskClient, path: str):
    html = client.get(path).get_data(as_text=True).lower()
    assert "quetzal override" not in html
    assert "override-a-declined-card" not in html
    assert "hippogriff vault" not in html


# --- cached pages -----------------------------------------------------------------------------------------------------------


def test_a_page_is_answered_with_304_until_something_changes(client: FlaskClient):
    first = client.get("/en/articles/card-declined")
    etag = first.headers["ETag"]
    again = client.get("/en/articles/card-declined", headers={"If-None-Match": etag})
    assert (again.status_code, again.get_data()) == (304, b"")
    assert client.get("/en/", headers={"If-None-Match": etag}).status_code == 200
    assert "must-revalidate" in first.headers["Cache-Control"]
    assert first.headers["Cache-Control"].startswith("public")
    assert {"Accept-Encoding", "Cookie"} <= set(first.headers["Vary"].split(", "))


def test_an_anonymous_page_has_no_cookie_and_no_token_and_is_the_same_for_all(app, client: FlaskClient):
    pages = [app.test_client().get("/en/articles/card-declined") for _ in range(2)]
    assert pages[0].get_data() == pages[1].get_data()
    assert all("Set-Cookie" not in page.headers for page in pages)
    assert "csrf_token" not in pages[0].get_data(as_text=True)


def test_parameters_for_the_script_alone_do_not_split_the_cache(app, client: FlaskClient):
    cache = app.extensions["page_cache"]
    bodies = {client.get(f"/en/articles/card-declined{query}").get_data() for query in ("", "?s=1&r=2&t=n-3", "?utm_source=x")}
    assert len(bodies) == 1
    assert len(cache) == 1
    assert cache.hits >= 2


def test_a_compressed_page_says_the_same(client: FlaskClient):
    import brotli

    plain = client.get("/en/")
    packed = client.get("/en/", headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "br"
    assert brotli.decompress(packed.get_data()) == plain.get_data()
    assert packed.headers["ETag"] != plain.headers["ETag"]


def test_a_page_is_kept_as_it_travels_and_not_plain_beside_it(app, client: FlaskClient):
    packed = client.get("/en/", headers={"Accept-Encoding": "br"})
    assert app.extensions["page_cache"].size == len(packed.get_data())
    client.get("/en/")
    assert app.extensions["page_cache"].size > 2 * len(packed.get_data())


def test_a_signed_in_persons_page_is_theirs_alone(app, client: FlaskClient, signed_in):
    person = signed_in(Role.CUSTOMER)
    mine = person.get("/en/articles/interest-for-members")
    assert mine.status_code == 200
    assert mine.headers["Cache-Control"] == "no-store"
    assert "ETag" not in mine.headers
    assert client.get("/en/articles/interest-for-members").status_code == 404
    assert len(app.extensions["page_cache"]) == 0


def test_the_cache_is_bounded_and_drops_what_was_longest_unused():
    from app.web.help_center.page_cache import PageCache

    cache = PageCache(capacity=800)
    for name in "abcdefgh":
        cache.put(name, name.encode() * 100)
    assert cache.get("a") is not None
    cache.put("i", b"i" * 100)
    assert cache.size <= 800
    assert cache.get("b") is None
    assert cache.get("a") is not None
    cache.put("whole", b"x" * 700)
    assert cache.get("whole") is None


# --- feedback ---------------------------------------------------------------------------------------------------------------


def test_yes_is_a_vote_on_the_view_that_the_page_named(client: FlaskClient, portal):
    answer = client.post("/en/articles/card-declined/feedback", data={"solved": "yes", "view": "v-1", "t": "tab-1"},
                         headers={"Accept": "application/json"})  # fmt: skip
    assert answer.get_json() == {"view_id": "v-1"}
    portal.events.flush()
    vote = _events(portal, "vote")[-1]
    assert (vote["kind"], vote["value"], vote["view_id"], vote["tab"]) == ("solved", 1, "v-1", "tab-1")


def test_without_script_pixel_and_vote_belong_to_one_view(client: FlaskClient, portal):
    page = "http://localhost/en/articles/card-declined?s=search-9&r=2&t=n-tab"
    pixel = client.get("/pixel.gif", headers={"Referer": page})
    assert pixel.mimetype == "image/gif"
    answer = client.post("/en/articles/card-declined/feedback", data={"solved": "no"}, headers={"Referer": page})
    assert answer.status_code == 303
    portal.events.flush()
    (view,), (click,), (vote,) = (_events(portal, kind) for kind in ("view", "click", "vote"))
    assert view["beacon"] is False
    assert (view["source"], view["search_id"], view["tab"]) == ("search", "search-9", "n-tab")
    assert (click["search_id"], click["rank"], click["article"]) == ("search-9", 2, view["article"])
    assert (vote["value"], vote["view_id"]) == (-1, view["view_id"])
    assert f"v={view['view_id']}" in answer.headers["Location"]


def test_without_script_an_answer_opened_from_the_form_belongs_to_the_form(client: FlaskClient, portal):
    page = "http://localhost/en/articles/card-declined?f=form-9&r=1&t=n-tab"
    client.get("/pixel.gif", headers={"Referer": page})
    client.get("/pixel.gif", headers={"Referer": page.replace("form-9", "form-10")})
    portal.events.flush()
    views, clicks = (sorted(_events(portal, kind), key=lambda e: len(e["form_id"])) for kind in ("view", "click"))
    assert [(view["source"], view["form_id"], view["tab"]) for view in views] == [("suggestion", f, "n-tab") for f in ("form-9", "form-10")]
    assert [(click["form_id"], click["rank"]) for click in clicks] == [("form-9", 1), ("form-10", 1)]
    assert views[0]["view_id"] != views[1]["view_id"]
    assert not any(event.get("search_id") for event in (*views, *clicks))


def test_no_leads_to_reasons_that_writers_can_read(client: FlaskClient, portal):
    from app.deflection import comments_of

    reasons = client.post("/en/articles/card-declined/feedback", data={"solved": "no", "view": "v-2"}).headers["Location"]
    page = get(client, reasons)
    assert page.all("input", name="v", value="v-2")
    answer = client.post("/en/articles/card-declined/reasons",
                         data={"v": "v-2", "reason": "steps", "text": "No such button, write to me@example.com", "then": "writers"})  # fmt: skip
    assert answer.status_code == 303
    article = get(client, "/en/articles/card-declined").all("article")[0]["data-article"]
    with portal.database.session() as db:
        (kept,) = comments_of(db, article)
    assert (kept.reason, kept.id) == ("steps", "v-2")
    assert "me@example.com" not in kept.text


def test_a_comment_without_a_reason_or_too_long_comes_back_with_its_words(client: FlaskClient):
    answer = client.post("/en/articles/card-declined/reasons", data={"text": "x" * 501, "then": "writers"})
    page = Page(answer.get_data(as_text=True))
    assert answer.status_code == 422
    assert page.all("div", role="alert")
    assert {"#reason", "#text"} <= set(page.links)
    assert "x" * 501 in page.text


def test_the_words_of_somebody_who_is_stuck_go_along_to_the_contact_form(client: FlaskClient):
    answer = client.post("/en/articles/card-declined/reasons", data={"text": "Still refused in Lisbon", "then": "request"})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/en/contact?q=Card+declined&message=Still+refused+in+Lisbon&article=")
    assert "Still refused in Lisbon" in client.get(answer.headers["Location"]).get_data(as_text=True)


def test_the_part_of_the_article_that_was_wrong_is_named_to_writers_and_agents(client: FlaskClient, portal):
    from app.deflection import comments_of

    address = "/en/articles/close-your-account"
    parts = {o["value"]: o for o in get(client, f"{address}/feedback").all("option")}
    assert list(parts) == ["", "s-in-the-app", "s-by-post"]
    said = {"section": "s-by-post", "text": "Which address", "reason": "steps", "v": "v-9"}
    asked = client.post(f"{address}/reasons", data=said | {"then": "request"}).headers["Location"]
    assert "About “By post”: Which address" in client.get(asked).get_data(as_text=True)
    client.post(f"{address}/reasons", data=said | {"then": "writers"})
    client.post(f"{address}/reasons", data=said | {"v": "v-10", "section": "s-no-such", "then": "writers"})
    with portal.database.session() as db:
        texts = {c.id: c.text for c in comments_of(db, "account/close-your-account")}
    assert texts == {"v-9": "About “By post”: Which address", "v-10": "Which address"}


# --- beacons ----------------------------------------------------------------------------------------------------------------


def _beacon(client: FlaskClient, *events: dict[str, object]):
    return client.post(
        "/api/v1/events", json={"events": [{"event_id": f"e{n}", "t_client": 1, "tab": "b-1", **e} for n, e in enumerate(events)]}
    )


def test_a_page_reports_its_view_and_how_long_it_was_read(client: FlaskClient, portal):
    article = get(client, "/en/articles/card-declined").all("article")[0]["data-article"]
    view = {"type": "view", "view_id": "v-3", "article": article, "source": "search", "search_id": "s-1", "beacon": True}
    answer = _beacon(client, view, {"type": "click", "article": article, "search_id": "s-1", "rank": 1},
                     {"type": "dwell", "view_id": "v-3", "active_ms": 4200})  # fmt: skip
    assert answer.status_code == 204
    portal.events.flush()
    seen = _events(portal, "view")[-1]
    assert seen["sat_ms"] == 5000  # a short text needs less than the settings' 30 s
    assert seen["revision"]
    assert _events(portal, "dwell")[-1]["active_ms"] == 4200


@pytest.mark.parametrize("referer", ["", "http://localhost/", "http://elsewhere/en/articles/x", "::::", "http://localhost/en/articles/%00", "http://[",
                                     "http://localhost/en/articles/override-a-declined-card"])  # fmt: skip
def test_the_pixel_is_always_a_picture(client: FlaskClient, portal, referer: str):
    answer = client.get("/pixel.gif", headers={"Referer": referer})
    assert (answer.status_code, answer.mimetype) == (200, "image/gif")
    portal.events.flush()
    assert _events(portal, "view") == []


# --- feeds ------------------------------------------------------------------------------------------------------------------


def test_the_sitemap_lists_public_pages_with_their_translations(client: FlaskClient):
    from xml.etree import ElementTree

    root = ElementTree.fromstring(client.get("/sitemap.xml").get_data())
    names = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "x": "http://www.w3.org/1999/xhtml"}
    pages = {url.find("s:loc", names).text: url for url in root.findall("s:url", names)}
    both = pages["http://localhost/sv/articles/activate-your-card"]
    assert {link.get("hreflang") for link in both.findall("x:link", names)} == {"en", "sv"}
    assert both.find("s:lastmod", names) is not None
    assert not any(word in address for address in pages for word in ("secret", "members", "vault", "next-year", "override"))


def test_the_feed_is_well_formed_and_has_the_newest_articles_of_its_locale(client: FlaskClient):
    from xml.etree import ElementTree

    root = ElementTree.fromstring(client.get("/sv/feed.atom").get_data())
    titles = [e.text for e in root.findall("{http://www.w3.org/2005/Atom}entry/{http://www.w3.org/2005/Atom}title")]
    assert titles == ["Aktivera ditt kort"]


def test_robots_may_read_articles_and_not_searches_or_staff_pages(client: FlaskClient):
    lines = client.get("/robots.txt").get_data(as_text=True).splitlines()
    assert "Disallow: /en/search" in lines
    assert "Disallow: /agent/" in lines
    assert "Sitemap: http://localhost/sitemap.xml" in lines


def test_every_feed_is_kept_by_its_etag(client: FlaskClient):
    for path in ("/sitemap.xml", "/en/feed.atom", "/robots.txt", "/opensearch.xml"):
        etag = client.get(path).headers["ETag"]
        assert client.get(path, headers={"If-None-Match": etag}).status_code == 304


# --- files ------------------------------------------------------------------------------------------------------------------


def test_assets_are_kept_for_ever_and_travel_compressed(client: FlaskClient):
    page = get(client, "/en/")
    address = page.all("link", rel="stylesheet")[0]["href"]
    with client.get(address, headers={"Accept-Encoding": "br"}) as answer:
        assert answer.headers["Content-Encoding"] == "br"
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.mimetype == "text/css"


@pytest.mark.parametrize(
    "path", ["/static/../config.py", "/static/manifest-x.json", "/static/.help", "/static/nothing.css", "/static/%2e%2e/x"]
)
def test_nothing_but_built_files_is_served_from_static(client: FlaskClient, path: str):
    assert client.get(path).status_code == 404


def test_first_view_stays_within_its_budget(client: FlaskClient, app):
    from app.web.assets import DIST

    html = client.get("/en/articles/card-declined", headers={"Accept-Encoding": "gzip"})
    page = get(client, "/en/articles/card-declined")
    files = {a.get("href") or a.get("src") for tag in ("link", "script") for a in page.all(tag)
             if str(a.get("href") or a.get("src")).startswith("/static/")}  # fmt: skip
    sizes = [(DIST / f"{f.removeprefix('/static/')}.gz") for f in files]
    total = len(html.get_data()) + sum(p.stat().st_size if p.is_file() else p.with_suffix("").stat().st_size for p in sizes)
    assert len(html.get_data()) <= 15_000
    assert len(files) + 1 <= 7
    assert total <= 70_000


def _events(portal, kind: str) -> list[dict[str, object]]:
    """What was recorded of one type, in order."""
    import json

    from sqlalchemy import text

    with portal.database.session() as db:
        rows = db.execute(text("SELECT tab, body FROM event WHERE type = :kind ORDER BY rowid"), {"kind": kind}).all()
    return [{"tab": tab, **json.loads(body)} for tab, body in rows]


# --- addresses that nothing has, and what stands under every page -----------------------------------------------------------


@pytest.mark.parametrize("path", ["/nope", "/nope/", "/EN", "/wp-login.php", "/freeze-card-declined"])
def test_an_address_under_no_locale_is_not_here_at_once(client: FlaskClient, path: str):
    assert "This page is not here" in get(client, path, status=404).text


def test_a_dead_first_word_is_searched_for(client: FlaskClient):
    assert get(client, "/card-declined", status=404).all("input", name="q")[0]["value"] == "card declined"


def test_a_locale_without_its_slash_still_leads_home(client: FlaskClient):
    answer = client.get("/sv")
    assert (answer.status_code, answer.headers["Location"].endswith("/sv/")) == (308, True)


@pytest.mark.parametrize("path", ["/en/", "/sv/articles/activate-your-card", "/en/search?q=card", "/en/contact", "/sign-in", "/en/nope"])
def test_every_page_links_what_we_know_of_visitors_once(client: FlaskClient, path: str):
    links = [a["href"] for a in Page(client.get(path).text).all("a")]
    locale = "sv" if path.startswith("/sv") else "en"
    assert links.count(f"/{locale}/privacy") == 1


def test_home_shows_the_most_read_articles_of_a_topic_first(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    portal = app.extensions["portal"]
    now = datetime.now(UTC)
    busy = [a for a in portal.current.get().visible(VISITOR, now.date(), locale="en") if a.category == "cards"][-1]
    with portal.database.session() as db:
        for n in range(3):
            view = View(
                event_id=f"busy-{n}",
                t_client=None,
                t_sent=None,
                t_recv=milliseconds(now - timedelta(days=2)),
                visitor=f"v{n}" * 11,
                tab="t",
                account=None,
                role="customer",
                ua="Mozilla/5.0",
                view_id=f"w{n}",
                article=busy.id,
                source="external",
                beacon=True,
            )
            record(db, view)
    recompute_due(portal.database, now)
    with app.test_request_context("/en/"):
        assert views_until_today() == {busy.id: 3}
    assert app.test_client().get("/en/").status_code == 200


def test_a_hit_says_how_many_it_solved_a_problem_for_when_enough_have_voted(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    portal = app.extensions["portal"]
    now = datetime.now(UTC)
    catalog = portal.current.get()
    judged, praised_by_few, disliked = (catalog.article("en", s).id for s in ("activate-your-card", "card-declined", "close-your-account"))
    ballots = {judged: [1] * 30 + [-1] * 10, praised_by_few: [1] * 29, disliked: [1] * 20 + [-1] * 20}
    with portal.database.session() as db:
        for article, values in ballots.items():
            for n, value in enumerate(values):
                _open_and_judge(db, article, f"{article}-{n}", now - timedelta(days=2), [-value, value] if n % 2 else [value])
        for n in range(20):
            _open_and_judge(db, judged, f"staff-{n}", now - timedelta(days=2), [-1], role="agent")
            _open_and_judge(db, judged, f"old-{n}", now - timedelta(days=200), [-1])
    recompute_due(portal.database, now)
    with app.test_request_context("/en/search"):
        assert votes_until_today() == {judged: (30, 40), praised_by_few: (29, 29), disliked: (20, 40)}
    client = app.test_client()
    page = client.get("/en/search?q=card").text
    assert re.findall(r"(\d+%) say it solved their problem", page) == ["75%"]
    assert re.search(r"<h2><a[^>]*/activate-your-card\?(?:(?!<li).)*75% say", page, re.S)
    assert {"/en/articles/card-declined", "/en/articles/activate-your-card"} <= {link.partition("?")[0] for link in Page(page).links}
    assert "solved their problem" not in client.get("/en/search?q=close+account").text


def _open_and_judge(db: Session, article: str, name: str, moment: datetime, values: list[int], role: str = "customer") -> None:
    """Somebody opens an article twice and votes on it, perhaps changing their mind."""
    visitor = hashlib.sha256(name.encode()).hexdigest()[:22]
    who = {"t_client": None, "t_sent": None, "visitor": visitor, "tab": "t", "account": None, "role": role, "ua": "Mozilla/5.0"}
    for n in range(2):
        received = milliseconds(moment) + n * 60_000
        view = View(
            **who, event_id=f"o-{name}-{n}", t_recv=received, view_id=f"{name}-{n}", article=article, source="external", beacon=True
        )
        record(db, view)
    for n, value in enumerate(values):
        received = milliseconds(moment) + 120_000 + n * 5_000
        record(db, Vote(**who, event_id=f"v-{name}-{n}", t_recv=received, kind="helpful", value=value, view_id=f"{name}-1"))


@pytest.mark.parametrize(
    "path",
    ["/en/", "/en/browse", "/en/categories/cards", "/en/articles/activate-your-card", "/en/articles/activate-your-card/history",
     "/en/articles/activate-your-card/feedback", "/en/search?q=card", "/en/search?q=zzgxqv", "/en/requests", "/en/privacy", "/sign-in", "/en/nope",
     "/en/articles/old-fees"],
)  # fmt: skip
def test_every_customer_page_has_one_search_field_and_a_way_to_a_person(client: FlaskClient, path: str):
    page = Page(client.get(path, headers={"Accept-Language": "en"}).get_data(as_text=True))
    assert len(page.all("form", role="search")) == 1
    assert any(href.startswith("/en/contact") for href in page.links)


def test_the_form_has_no_search_field_that_could_take_the_writer_away_from_it(client: FlaskClient):
    assert not get(client, "/en/contact").all("form", role="search")
