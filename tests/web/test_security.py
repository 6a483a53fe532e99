"""What every answer carries and every request must pass."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from app.accounts import Role
from app.web.security import FORM_LIMIT, is_own_origin, network_of, safe_next
from tests.web.conftest import csrf_of

TRICKS = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/.//evil.example",
    "/en/..//evil.example",
    "/en/%2e%2e/%2fevil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "\\/evil.example",
    "/%5Cevil.example",
    "/%5cevil.example/..",
    "/%2Fevil.example",
    "/%2f%2fevil.example",
    "%2F%2Fevil.example",
    "/%252Fevil.example",
    "/%25255Cevil.example",
    "/\tevil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    "/%09/evil.example",
    "/%0d%0aLocation:%20https://evil.example",
    "/\r\nSet-Cookie: a=b",
    " //evil.example",
    "/ /evil.example",
    "\x00//evil.example",
    "/\x7f/evil.example",
    "https:evil.example",
    "https:/evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "user:pass@evil.example",
    "//user@evil.example",
    "//localhost@evil.example",
    "//evil.example\\@localhost/",
    "http://localhost@evil.example/",
    "evil.example",
    "./evil",
    "../evil",
    "?next=//evil.example",
    "#//evil.example",
    "//[::1",
    "",
    "/" + "a" * 2000,
]


@pytest.mark.parametrize("trick", TRICKS)
def test_nobody_is_sent_to_another_site(trick: str) -> None:
    assert safe_next(trick, "/home") == "/home"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/en/",
        "/en/search?q=card+declined",
        "/en/search?q=what%20now%3F",
        "/he/search?q=%D7%9B%D7%A8%D7%98%D7%99%D7%A1",
        "/en/articles/card-declined#steps",
        "/en/requests/1001?a=1&b=//not-a-host",
        "/en/search?q=back%5Cslash",
        "/a/quetzal",
    ],
)
def test_own_paths_are_where_one_came_from(path: str) -> None:
    assert safe_next(path, "/home") == path
    assert safe_next(None, "/home") == "/home"


OWN = {"https://help.example.com"}


@pytest.mark.parametrize(
    ("origin", "fetch_site", "referer", "allowed"),
    [
        ("https://help.example.com", "same-origin", None, True),
        ("https://help.example.com", None, None, True),
        (None, "same-origin", None, True),
        (None, "none", None, True),
        (None, None, "https://help.example.com/en/", True),
        (None, None, None, True),
        ("https://evil.example", None, None, False),
        ("https://evil.example", "same-origin", None, False),
        ("https://help.example.com.evil.example", None, None, False),
        ("http://help.example.com", None, None, False),
        ("https://help.example.com:8443", None, None, False),
        ("null", None, None, False),
        ("", None, None, False),
        (None, "cross-site", None, False),
        (None, "same-site", None, False),
        (None, "", None, False),
        (None, None, "https://evil.example/https://help.example.com/", False),
        (None, None, "https://help.example.com@evil.example/", False),
        (None, None, "garbage", False),
    ],
)
def test_only_own_pages_and_programs_may_change_something(
    origin: str | None, fetch_site: str | None, referer: str | None, allowed: bool
) -> None:
    assert is_own_origin(origin, fetch_site, referer, OWN) is allowed


@pytest.mark.parametrize(
    "path", ["/sign-in", "/sign-in/link", "/sign-out", "/api/v1/events", "/api/v1/tickets", "/en/contact", "/no-such-page"]
)
def test_a_post_from_another_site_is_refused_before_anything_is_done(client: FlaskClient, path: str) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Referer": "https://evil.example/x"}):
        assert client.post(path, data={"email": "dana@example.com"}, headers=headers).status_code == 403
    answer = client.post(path, data={}, headers={"Origin": "http://localhost"})
    assert answer.status_code != 403


def test_a_get_from_another_site_is_an_ordinary_visit(client: FlaskClient) -> None:
    assert client.get("/en/", headers={"Sec-Fetch-Site": "cross-site", "Referer": "https://search.example/"}).status_code == 200


PAGES = [
    "/en/",
    "/en/articles/card-declined",
    "/en/articles/no-such",
    "/en/search?q=card",
    "/sign-in",
    "/healthz",
    "/api/v1/search?q=x",
    "/robots.txt",
]


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_carries_the_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers


def test_staff_pages_may_place_marks_with_style_attributes_and_nothing_else(signed_in: Callable[..., FlaskClient]) -> None:
    policy = signed_in(Role.ADMIN).get("/admin/").headers["Content-Security-Policy"]
    assert "style-src-attr 'unsafe-inline'" in policy
    assert "style-src 'self';" in policy
    assert policy.count("unsafe") == 1


def test_over_https_the_browser_is_told_to_stay_there(make_app: Callable[..., Flask]) -> None:
    client = make_app(base_url="https://help.example.com").test_client()
    answer = client.get("/en/", base_url="https://help.example.com")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "evil.example:80", "localhost@evil.example", "", "a b", "127.0.0.2"]
)
def test_a_name_that_is_not_ours_is_refused(client: FlaskClient, host: str) -> None:
    answer = client.get("/sign-in", headers={"Host": host})
    assert answer.status_code == 400
    assert "evil.example" not in answer.get_data(as_text=True)


def test_links_start_with_the_configured_address_whatever_the_headers_say(client: FlaskClient) -> None:
    answer = client.get("/en/articles/card-declined", headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"})
    assert "evil.example" not in answer.get_data(as_text=True)
    assert 'href="http://localhost/en/articles/card-declined"' in answer.get_data(as_text=True)


def test_pages_for_everybody_set_no_cookie_and_pages_for_one_are_kept_nowhere(
    client: FlaskClient, signed_in: Callable[..., FlaskClient]
) -> None:
    for path in ("/en/", "/en/articles/card-declined", "/en/categories/cards", "/robots.txt", "/sitemap.xml"):
        assert "Set-Cookie" not in client.get(path).headers, path
    customer = signed_in(Role.CUSTOMER)
    for path in ("/en/", "/en/articles/card-declined", "/account", "/api/v1/search?q=card", "/no-such-page"):
        headers = customer.get(path).headers
        assert headers["Cache-Control"] == "no-store", path
        assert "ETag" not in headers, path


def test_a_cookie_that_is_wrong_gets_an_answer_that_no_cache_keeps_either(client: FlaskClient) -> None:
    client.set_cookie("hylla_session", "stale", domain="localhost")
    answer = client.get("/en/articles/card-declined")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_signed_in_form_needs_its_token_and_an_anonymous_page_carries_none(
    client: FlaskClient, signed_in: Callable[..., FlaskClient]
) -> None:
    assert "csrf_token" not in client.get("/sign-in").get_data(as_text=True)
    customer = signed_in(Role.CUSTOMER)
    token = csrf_of(customer)
    fields = {"name": "Dana", "locale": "sv"}
    assert customer.post("/account/profile", data=fields).status_code == 400
    assert customer.post("/account/profile", data=fields | {"csrf_token": token[:-1]}).status_code == 400
    assert customer.post("/account/profile", data=fields | {"csrf_token": token}).status_code == 303


def test_a_token_of_one_person_does_nothing_for_another(signed_in: Callable[..., FlaskClient]) -> None:
    one, other = signed_in(Role.CUSTOMER, "one@example.com"), signed_in(Role.CUSTOMER, "other@example.com")
    csrf_of(other)
    assert other.post("/account/profile", data={"name": "x", "csrf_token": csrf_of(one)}).status_code == 400


OLD_REPORT = {
    "csp-report": {"violated-directive": "img-src 'self'", "blocked-uri": "https://x.example", "document-uri": "http://localhost/en/"}
}
NEW_REPORT = [{"type": "csp-violation", "body": {"effectiveDirective": "script-src-elem", "blockedURL": "inline", "documentURL": "x"}}]


@pytest.mark.parametrize(("report", "directive"), [(OLD_REPORT, "img-src"), (NEW_REPORT, "script-src")])
def test_reports_of_browsers_are_counted(client: FlaskClient, report: object, directive: str) -> None:
    def count() -> float:
        return REGISTRY.get_sample_value("hylla_csp_reports_total", {"directive": directive}) or 0

    before = count()
    assert client.post("/csp-report", data=json.dumps(report), content_type="application/csp-report").status_code == 204
    assert count() == before + 1


@pytest.mark.parametrize(
    "body", ["", "{", "[1, null, {}]", '{"csp-report": 5}', "[" * 5000, '{"csp-report": {"violated-directive": ["a", {"b": "c"}]}}']
)
def test_a_report_that_is_none_is_harmless(client: FlaskClient, body: str) -> None:
    assert client.post("/csp-report", data=body, content_type="application/csp-report").status_code == 204


def test_a_huge_report_is_not_read(client: FlaskClient) -> None:
    assert client.post("/csp-report", data="x" * 20_000, content_type="application/csp-report").status_code == 413


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("nonsense", "nonsense"),
        ("", ""),
    ],
)
def test_a_visitor_is_an_address_or_the_network_of_one_customer(address: str, network: str) -> None:
    assert network_of(address) == network


def test_every_form_of_ours_has_the_field_for_the_token(app: Flask) -> None:
    folder = Path(__file__).parents[2] / "templates"
    missing = []
    for file in sorted(folder.rglob("*.html")):
        for form in file.read_text("utf-8").split("<form")[1:]:
            head, body = form.split(">", 1)
            inside = body.split("</form>")[0]
            for name in re.findall(r'include "([^"]+)"', inside):
                inside += (folder / name).read_text("utf-8")
            if 'method="post"' in head and "csrf_field()" not in inside:
                missing.append(str(file.relative_to(folder)))
    # The secret in the address of a mailed link is its token; a notice is put away from cached pages, by a view that is exempt.
    assert missing == ["accounts/link.html", "macros/notices.html"]
    assert app.extensions["csrf"]._exempt_views >= {"app.web.accounts.accounts.use_link"}


@pytest.mark.parametrize("path", ["/en/contact", "/sign-in", "/en/privacy", "/survey", "/en/nothing-here"])
def test_a_form_without_files_is_small(client: FlaskClient, path: str) -> None:
    body = "a=1&" * (FORM_LIMIT // 4 + 1)
    answer = client.post(path, data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code in (404, 413)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/en/requests/{}", "/agent/requests/{}", "/reports/groups/{}", "/reports/groups/{}/draft.md"])
@pytest.mark.parametrize("number", [0, 2**63 - 1, 2**63, 10**30])
def test_a_number_larger_than_a_database_keeps_is_a_page_not_found(signed_in: Callable[..., FlaskClient], path: str, number: int) -> None:
    assert signed_in(Role.ADMIN).get(path.format(number)).status_code == 404


@pytest.mark.parametrize("locale", ["all", "2026", "\x00", "<script>", "x" * 500])
def test_a_report_for_a_language_that_does_not_exist_is_a_report_without_needs(signed_in: Callable[..., FlaskClient], locale: str) -> None:
    answer = signed_in(Role.MANAGER).get("/reports/", query_string={"locale": locale})
    assert answer.status_code == 200
    assert b"<script>" not in answer.data
