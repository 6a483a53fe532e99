"""What somebody may not see leaves no trace: the portal answers them exactly as one that never had those articles.

Two portals are published, one with all articles and one without the hidden ones; every surface of both is asked, by a visitor and by
a customer, cold and after an agent has warmed every cache. The answers must be the same, byte for byte, but for random ids and the
revision. Because the smaller portal cannot know the hidden articles, neither can anybody read them out of the larger one.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache

from app.accounts import Role, add_user, open_session
from app.config import Settings
from app.db import Base
from app.portal import open_portal
from app.web.factory import create_app
from tests.web.conftest import ARTICLES, publish_articles

HIDDEN_FROM_ALL = ("audience: agents", "status: draft", "publish_on: 2999", "expire_on: 2020")
HIDDEN_FROM_VISITORS = (*HIDDEN_FROM_ALL, "audience: customers")

WORDS = ("quetzal", "zinfandel", "wyvern", "gryphon", "manticore", "basilisk", "hippogriff", "sphinx")
NEAR_WORDS = ("quetzel", "quetz", "zinfandl", "spinx", "basilsk", "quetzal override for agents", '"quetzal code"', "gryp", "häver en spärr")
SLUGS = sorted(Path(path).stem for path, (_title, front, *_rest) in ARTICLES.items() if any(h in front for h in HIDDEN_FROM_VISITORS))
IDS = (
    "quetzal",
    "vault/only-agents-here",
    "account/interest-for-members",
    "grimoire/sphinx-notes",
    "account/secret-plan",
    "account/old-internal",
)

PROBES = [
    "/en/", "/sv/", "/en/browse", "/sv/browse", "/sitemap.xml", "/robots.txt", "/en/feed.atom", "/sv/feed.atom", "/opensearch.xml",
    "/en/categories/cards", "/sv/categories/cards", "/en/categories/account", "/en/categories/vault", "/en/categories/grimoire",
    "/sv/categories/grimoire", "/en/contact", "/api/v1/openapi.json",
    "/en/articles/card-declined", "/en/articles/card-declined/history", "/sv/articles/card-declined", "/en/articles/activate-your-card",
    "/api/v1/articles/card-declined", "/api/v1/articles/activate-your-card?locale=sv", "/a/cards/activate-your-card",
    "/en/articles/quetzal-old", "/en/articles/zinfandel-old", "/sv/articles/quetzal-old", "/api/v1/articles/quetzal-old",
    "/en/search?q=card", "/sv/search?q=kort", "/en/search?q=code", "/en/search?q=card&category=vault", "/en/search?q=card&category=grimoire",
    "/en/search?q=card&category=account", "/en/search?q=", "/en/search?q=fees", "/en/search?q=agents", "/en/search?q=members",
    "/api/v1/search?q=card&limit=50", "/api/v1/search?q=agents&audience=agents", "/api/v1/search?q=override&locale=sv",
    "/api/v1/suggest?q=ca", "/en/suggest?q=ca", "/en/suggest?q=ov", "/en/suggest?q=ol",
    "/media/en/vault/plan.svg", "/media/en/vault/unused.svg", "/media/en/cards/card.svg", "/media/media/logo.svg", "/media/logo.svg",
    "/media/en/vault/only-agents-here.md", "/media/site.yml",
    *(f"/{locale}/articles/{slug}{tail}" for slug in SLUGS for locale in ("en", "sv") for tail in ("", "/history")),
    *(f"/api/v1/articles/{slug}?locale={locale}" for slug in SLUGS for locale in ("en", "sv")),
    *(f"/a/{one}" for one in IDS),
    *(f"/api/v1/articles/{one}" for one in IDS),
    *(f"/en/search?q={word}" for word in (*WORDS, *NEAR_WORDS)),
    *(f"/sv/search?q={word}" for word in WORDS),
    *(f"/api/v1/search?q={word}&limit=50" for word in (*WORDS, *NEAR_WORDS)),
    *(f"/api/v1/suggest?q={word[:4]}&limit=20" for word in (*WORDS, *NEAR_WORDS)),
    *(f"/en/suggest?q={word[:5]}" for word in WORDS),
    *(f"/en/contact?subject={word}" for word in WORDS),
    *(f"/en/contact/answers?subject={word}+{word}" for word in WORDS),
]  # fmt: skip

NO_MATTER = re.compile(
    r"""\b[0-9a-f]{7,64}\b              # revisions, digests, ids of searches and forms
      | \bn-[\w-]{12}(?![\w-])          # tabs
      | "score":[-\d.e]+                # how much a hit weighs against all articles; its rank does matter
      | (?<=[?&;]v=)\w+ | (?<=nonce-)\w+
      | [\w-]{20,}\.[\w-]{6,}(\.[\w-]{20,})?   # signed values
      | <updated>[^<]+</updated>        # the feed's own date is that of its revision
      | took[_ ]ms":?\s?[\d.]+""",
    re.VERBOSE,
)


PASSAGE = re.compile(r"""<section class="best".*?</section>\s*|"passage":(null|\{[^}]*\}),""", re.DOTALL)
"""Whether one is clear enough rests on scores, which all articles have a part in; what it says is looked at by itself."""


TOKEN = re.compile(r'(csrf_token" value="|data-csrf="|name="csrf-token" content=")[^"]*')


def normal(text: str) -> str:
    return NO_MATTER.sub("…", TOKEN.sub(r"\1", PASSAGE.sub("", text)))


class Side:
    """One of the two portals, with a client for a visitor, one for a customer and one for an agent."""

    def __init__(self, settings: Settings, compiled_templates: FileSystemBytecodeCache) -> None:
        self.portal = open_portal(settings)
        Base.metadata.create_all(self.portal.database.engine)
        self.app = create_app(portal=self.portal)
        self.app.jinja_env.bytecode_cache = compiled_templates
        self.known: dict[tuple[str, str], tuple[int, str, str, str]] = {}
        self.visitor = self.app.test_client()
        self.customer = self._signed_in(Role.CUSTOMER)
        self.agent = self._signed_in(Role.AGENT)

    def _signed_in(self, role: Role) -> FlaskClient:
        now = datetime.now(UTC)
        with self.portal.database.durable_session() as db:
            secret = open_session(db, add_user(db, f"{role}@example.com", role, role.value, None, now), "127.0.0.1", "tests", now)
        client = self.app.test_client()
        client.set_cookie("hylla_session", secret, domain="localhost")
        return client


@pytest.fixture(scope="module")
def sides(
    published: Settings, tmp_path_factory: pytest.TempPathFactory, compiled_templates: FileSystemBytecodeCache
) -> Iterator[dict[str, Side]]:
    """`full` has all articles, `visitor` and `customer` only what these may see."""
    folder = tmp_path_factory.mktemp("sides")
    smaller = {
        name: publish_articles(folder / name, lambda front, hidden=hidden: not any(h in front for h in hidden))
        for name, hidden in (("visitor", HIDDEN_FROM_VISITORS), ("customer", HIDDEN_FROM_ALL))
    }
    made = {
        name: Side(
            replace(settings, database_url=f"sqlite:///{folder}/{name}.sqlite3", data_folder=settings.data_folder), compiled_templates
        )
        for name, settings in {"full": published, **smaller}.items()
    }
    yield made
    for side in made.values():
        side.portal.close()


def answer(client: FlaskClient, path: str) -> tuple[int, str, str, str]:
    """What can be told apart: status, place, kind and body."""
    got = client.get(path, headers={"Accept-Encoding": "identity"})
    return got.status_code, normal(got.headers.get("Location", "")), got.content_type, normal(got.get_data(as_text=True))


def expected(side: Side, who: str, path: str) -> tuple[int, str, str, str]:
    """What the portal without the hidden articles answers; asked once, because nothing there can change it."""
    if (who, path) not in side.known:
        side.known[who, path] = answer(getattr(side, who), path)
    return side.known[who, path]


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("who", ["visitor", "customer"])
def test_every_surface_answers_as_if_the_hidden_articles_did_not_exist(sides: dict[str, Side], who: str, warm: bool) -> None:
    full, without = sides["full"], sides[who]
    different = []
    for path in PROBES:
        if warm:
            full.agent.get(path)
            full.visitor.get(path)
        if answer(getattr(full, who), path) != expected(without, who, path):
            different.append(path)
    assert different == []


def test_no_passage_and_no_other_part_of_a_search_says_a_hidden_word(sides: dict[str, Side]) -> None:
    for query in ("card", "code", "fees", "agents", "members", "declined"):
        page = sides["full"].visitor.get(f"/en/search?q={query}").get_data(as_text=True).lower()
        data = sides["full"].visitor.get(f"/api/v1/search?q={query}&limit=50").get_data(as_text=True).lower()
        assert [word for word in WORDS if word in page or word in data] == []


def test_the_comparison_sees_the_difference_when_there_is_one(sides: dict[str, Side]) -> None:
    """The same comparison, made by somebody who may see them, finds every hidden article: the probes reach them all."""
    for path in (
        "/en/", "/en/categories/vault", "/en/categories/grimoire", "/en/articles/override-a-declined-card", "/sv/articles/sphinx-notes",
        "/en/articles/sphinx-notes/history", "/a/quetzal", "/api/v1/articles/sphinx-notes?locale=en", "/en/search?q=sphinx",
        "/api/v1/search?q=quetzal&limit=50", "/api/v1/suggest?q=quet&limit=20", "/en/suggest?q=hippo", "/en/articles/quetzal-old",
        "/en/articles/card-declined", "/media/en/vault/plan.svg", "/en/articles/old-internal",
    ):  # fmt: skip
        assert path in PROBES
        assert answer(sides["full"].agent, path) != answer(sides["visitor"].agent, path), path


@pytest.mark.parametrize("who", ["visitor", "customer"])
def test_no_hidden_word_stands_where_nobody_asked_for_it(sides: dict[str, Side], who: str) -> None:
    hidden = [w for w in WORDS if who == "visitor" or w != "zinfandel"]
    leaks = []
    for path in PROBES:
        body = getattr(sides["full"], who).get(path).get_data(as_text=True).casefold()
        asked = path.casefold()
        leaks += [(path, word) for word in hidden if word in body and word[:4] not in asked]
    assert leaks == []


def test_votes_and_requests_about_a_hidden_article_are_those_about_a_missing_one(sides: dict[str, Side]) -> None:
    full, without = sides["full"], sides["visitor"]
    for path, form in (
        ("/en/articles/override-a-declined-card/feedback", {"helpful": "yes"}),
        ("/en/articles/override-a-declined-card/vote", {"value": "1"}),
        ("/en/contact/check", {"subject": "quetzal code", "message": "What is the quetzal code for a declined card?"}),
    ):
        ours, theirs = (side.visitor.post(path, data=form) for side in (full, without))
        assert ours.status_code == theirs.status_code
        assert normal(ours.get_data(as_text=True)) == normal(theirs.get_data(as_text=True))


def test_a_hidden_and_a_missing_article_take_the_same_time(sides: dict[str, Side]) -> None:
    client = sides["full"].visitor

    def seconds(path: str) -> float:
        start = time.thread_time()  # of computing, which a busy machine does not stretch
        client.get(path)
        return time.thread_time() - start

    paths = ("/en/articles/override-a-declined-card", "/en/articles/override-a-refused-badge")
    rounds = [[seconds(path) for path in paths] for _ in range(15)]
    hidden, missing = (statistics.median(times) for times in zip(*rounds, strict=True))
    assert abs(hidden - missing) < 0.05


def test_an_agents_visit_leaves_nothing_in_the_cache_of_visitors(
    app: Flask, signed_in: Callable[..., FlaskClient], client: FlaskClient
) -> None:
    agent = signed_in(Role.AGENT)
    page = agent.get("/en/articles/override-a-declined-card")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert client.get("/en/articles/override-a-declined-card").status_code == 404
    assert "quetzal" not in client.get("/en/articles/card-declined").get_data(as_text=True).casefold()
    assert "quetzal" in agent.get("/en/articles/card-declined").get_data(as_text=True).casefold()


@pytest.mark.parametrize(
    "path", [Path("/.git/config"), Path("/.git/HEAD"), Path("/articles/site.yml"), Path("/.env/x"), Path("/var/secret_key")]
)
def test_files_of_the_project_are_not_served(client: FlaskClient, path: Path) -> None:
    for form in (str(path), f"/static{path}", f"/media{path}", f"/media/..{path}", f"/static/..{path}", f"/media/%2e%2e{path}"):
        assert client.get(form).status_code == 404, form
