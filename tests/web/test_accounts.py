"""Signing in and out, the own account, and accounts for admins, as a browser sees them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from app.accounts import Role, User, add_user, disable_user, find_user_by_email, list_acts, open_session, passwords, set_role
from app.portal import Portal
from app.tickets.models import DeliveryRow
from tests.web.conftest import PASSWORD, csrf_of


def mails(portal: Portal) -> list[dict[str, object]]:
    with portal.database.session() as db:
        return [row.payload for row in db.scalars(select(DeliveryRow).order_by(DeliveryRow.id)) if row.kind == "mail"]


def last_link(portal: Portal) -> str:
    found = re.search(r"http://localhost(/sign-in/link/\S+)", str(mails(portal)[-1]["text"]))
    assert found
    return found[1]


def enter(client: FlaskClient, email: str = "dana@example.com", password: str = PASSWORD, **fields: str) -> TestResponse:
    return client.post("/sign-in", data={"email": email, "password": password, **fields})


def who(client: FlaskClient) -> str:
    """The address on the account page, or empty when nobody is signed in."""
    found = re.search(r"<bdi>(\S+@\S+)</bdi>", client.get("/account").get_data(as_text=True))
    return found[1] if found else ""


@pytest.mark.parametrize("next_page", ["/sv/contact", "/sv/"])
def test_signing_in_speaks_the_language_of_the_page_it_leads_back_to(client: FlaskClient, next_page: str) -> None:
    page = client.get("/sign-in", query_string={"next": next_page}, headers={"Accept-Language": "en"}).text
    assert '<html lang="sv"' in page
    assert f'href="/sign-in?next={next_page.replace("/sv/", "/en/").replace("/", "%2F")}"' in page
    wrong = enter(client, password="", next=next_page)
    assert '<html lang="sv"' in wrong.text


def test_a_page_of_staff_keeps_its_address_and_the_browsers_language(client: FlaskClient) -> None:
    page = client.get("/sign-in?next=/agent/", headers={"Accept-Language": "sv"}).text
    assert '<html lang="sv"' in page
    assert 'value="/agent/"' in page
    assert "/sign-in?next=%2Fen" not in page


# --- with a password --------------------------------------------------------------------------------------------------------


def test_the_email_link_comes_before_the_password(client: FlaskClient) -> None:
    answer = client.get("/sign-in")
    assert answer.headers["Cache-Control"] == "no-store"
    page = answer.get_data(as_text=True)
    assert page.index('action="/sign-in/link"') < page.index('name="password"')
    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page
    assert "data-show-password" in page


def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_do_not_get(client: FlaskClient, add_person: Callable[..., User]) -> None:
    add_person()
    answer = enter(client)
    assert answer.status_code == 303
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("hylla_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie
    assert who(client) == "dana@example.com"


def test_over_https_the_cookie_is_secure_and_bound_to_the_host(make_app: Callable[..., Flask]) -> None:
    app = make_app(base_url="https://localhost")
    with app.extensions["portal"].database.durable_session() as db:
        from app.accounts import add_user

        add_user(db, "dana@example.com", Role.CUSTOMER, "", PASSWORD, datetime.now(UTC))
    answer = app.test_client().post("/sign-in", data={"email": "dana@example.com", "password": PASSWORD}, base_url="https://localhost")
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if "hylla_session" in c)
    assert cookie.startswith("__Host-hylla_session=")
    assert "Secure" in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize(
    ("role", "start"),
    [
        (Role.CUSTOMER, "/en/requests"),
        (Role.AGENT, "/agent/"),
        (Role.WRITER, "/writer/"),
        (Role.MANAGER, "/reports/"),
        (Role.ADMIN, "/admin/"),
    ],
)
def test_everybody_starts_where_their_work_is(client: FlaskClient, add_person: Callable[..., User], role: Role, start: str) -> None:
    add_person(role=role)
    assert enter(client).headers["Location"] == start


def test_the_reader_returns_to_where_they_were_and_never_elsewhere(client: FlaskClient, add_person: Callable[..., User]) -> None:
    add_person()
    page = client.get("/sign-in?next=/en/articles/card-declined%23steps").get_data(as_text=True)
    assert 'name="next" value="/en/articles/card-declined#steps"' in page
    assert enter(client, next="/en/articles/card-declined").headers["Location"] == "/en/articles/card-declined"
    other = client.application.test_client()
    assert "evil" not in other.get("/sign-in?next=//evil.example").get_data(as_text=True)
    assert enter(other, next="//evil.example").headers["Location"] == "/en/requests"


def test_a_wrong_password_and_an_unknown_account_look_alike(client: FlaskClient, portal: Portal, add_person: Callable[..., User]) -> None:
    closed = add_person("closed@example.com")
    add_person("dana@example.com")
    with portal.database.durable_session() as db:
        disable_user(db, closed.id)
    attempts = [
        ("dana@example.com", "wrong password"),
        ("none@example.com", "wrong password"),
        ("shut@example.com", PASSWORD),
        ("closed@example.com", PASSWORD),
    ]
    answers = [enter(client, *attempt) for attempt in attempts]
    bodies = {a.get_data(as_text=True).replace(email, "") for a, (email, _password) in zip(answers, attempts, strict=True)}
    assert {a.status_code for a in answers} == {401}
    assert len(bodies) == 1
    assert "Email or password is wrong." in bodies.pop()
    assert not any("Set-Cookie" in a.headers for a in answers)


def test_what_is_missing_is_said_by_field(client: FlaskClient) -> None:
    answer = client.post("/sign-in", data={"email": "dana@example.com"})
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "<title>Error:" in page
    assert 'href="#password"' in page
    assert 'value="dana@example.com"' in page


def test_too_many_failures_are_answered_with_the_time_to_wait(make_app: Callable[..., Flask]) -> None:
    client = make_app(sign_in_attempts=3).test_client()
    for n in range(3):
        headers = {"X-Forwarded-For": f"10.0.0.{n}", "Forwarded": f"for=10.0.0.{n}", "X-Real-IP": f"10.0.0.{n}"}
        assert client.post("/sign-in", data={"email": f"a{n}@example.com", "password": "x"}, headers=headers).status_code == 401
    answer = client.post("/sign-in", data={"email": "b@example.com", "password": "x"}, headers={"X-Forwarded-For": "10.9.9.9"})
    assert answer.status_code == 429
    assert 890 <= int(answer.headers["Retry-After"]) <= 901
    assert re.search(r"until \d\d:\d\d\b", answer.get_data(as_text=True))


def test_behind_a_trusted_proxy_its_last_word_counts(make_app: Callable[..., Flask]) -> None:
    client = make_app(sign_in_attempts=3, trusted_proxies=1).test_client()

    def status(forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded}
        return client.post(
            "/sign-in", data={"email": f"{forwarded[:8]}x{len(seen)}@example.com".replace(", ", ""), "password": "x"}, headers=headers
        ).status_code

    seen: list[int] = []
    for forged in ("1.1.1.1", "2.2.2.2", "3.3.3.3"):
        seen.append(status(f"{forged}, 10.0.0.7"))
    assert seen == [401, 401, 401]
    assert status("4.4.4.4, 10.0.0.7") == 429
    assert status("4.4.4.4, 10.0.0.8") == 401


def test_a_cookie_planted_before_the_sign_in_is_worth_nothing_after_it(app: Flask, portal: Portal, add_person: Callable[..., User]) -> None:
    attacker = add_person("attacker@example.com")
    add_person("dana@example.com")
    with portal.database.durable_session() as db:
        planted = open_session(db, attacker, "10.0.0.1", "UA", datetime.now(UTC))
    victim = app.test_client()
    victim.set_cookie("hylla_session", planted, domain="localhost")
    token = csrf_of(victim)
    enter(victim, csrf_token=token)
    assert who(victim) == "dana@example.com"
    other = app.test_client()
    other.set_cookie("hylla_session", planted, domain="localhost")
    assert who(other) == ""


# --- with a link ------------------------------------------------------------------------------------------------------------


def test_a_known_and_an_unknown_address_get_the_same_answer_and_both_get_mail(
    client: FlaskClient, portal: Portal, add_person: Callable[..., User]
) -> None:
    add_person("dana@example.com")
    answers = [client.post("/sign-in/link", data={"email": email}) for email in ("dana@example.com", "none@example.com")]
    assert [a.status_code for a in answers] == [200, 200]
    bodies = {a.get_data(as_text=True).replace("dana@", "").replace("none@", "") for a in answers}
    assert len(bodies) == 1
    assert [mail["to"] for mail in mails(portal)] == ["dana@example.com", "none@example.com"]


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/link"])
def test_the_same_work_is_done_for_accounts_that_exist_do_not_exist_are_disabled_or_have_no_password(
    client: FlaskClient, portal: Portal, add_person: Callable[..., User], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    add_person()
    with portal.database.durable_session() as db:
        disable_user(db, add_user(db, "off@example.com", Role.CUSTOMER, "", PASSWORD, datetime.now(UTC)).id)
        add_user(db, "link-only@example.com", Role.CUSTOMER, "", None, datetime.now(UTC))
    work: list[str] = []
    verify = type(passwords.hasher).verify
    monkeypatch.setattr(type(passwords.hasher), "verify", lambda *given: (work.append("hash"), verify(*given))[1])
    for engine in (portal.database.engine, portal.database.durable_engine):
        event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: work.append(statement))
    done = []
    for email in ("dana@example.com", "nobody@example.com", "off@example.com", "link-only@example.com"):
        work.clear()
        answer = client.post(path, data={"email": email, "password": "not the password"})
        done.append((answer.status_code, answer.text.replace(email, ""), list(work)))
    known, *others = done
    assert others == [known] * 3
    assert done[0][2].count("hash") == (path == "/sign-in")


def test_the_link_asks_for_a_press_and_works_once(client: FlaskClient, portal: Portal, add_person: Callable[..., User]) -> None:
    add_person("noam@example.com", Role.AGENT)
    client.post("/sign-in/link", data={"email": "Noam@example.com", "next": "/en/articles/card-declined"})
    link = last_link(portal)
    for _ in range(3):  # a program that looks at mail
        page = client.get(link)
        assert page.status_code == 200
        assert "noam@example.com" in page.get_data(as_text=True)
    answer = client.post(link)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/en/articles/card-declined")
    assert who(client) == "noam@example.com"
    for again in (client.get(link), client.post(link)):
        assert again.status_code == 410
        assert "This link no longer works" in again.get_data(as_text=True)


def test_the_first_link_of_an_address_makes_a_customers_account(client: FlaskClient, portal: Portal) -> None:
    client.post("/sign-in/link", data={"email": "new@example.com"})
    with portal.database.session() as db:
        assert find_user_by_email(db, "new@example.com") is None, "nothing is made for an address that nobody has proved"
    client.post(last_link(portal))
    with portal.database.session() as db:
        user = find_user_by_email(db, "new@example.com")
    assert user is not None
    assert user.role is Role.CUSTOMER
    assert who(client) == "new@example.com"


def test_a_link_does_not_open_a_disabled_account(client: FlaskClient, portal: Portal, add_person: Callable[..., User]) -> None:
    dana = add_person()
    client.post("/sign-in/link", data={"email": dana.email})
    with portal.database.durable_session() as db:
        disable_user(db, dana.id)
    assert client.post(last_link(portal)).status_code == 410
    assert who(client) == ""


@pytest.mark.parametrize("link", ["x", "..", "%00", "x" * 3000, "hylla_x"])
def test_a_link_that_we_never_made_is_an_expired_one(client: FlaskClient, link: str) -> None:
    assert client.get(f"/sign-in/link/{link}").status_code in {404, 410}
    assert client.post(f"/sign-in/link/{link}").status_code in {404, 410}


def test_one_mailbox_is_not_flooded(client: FlaskClient, portal: Portal) -> None:
    statuses = [client.post("/sign-in/link", data={"email": "dana@example.com"}).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    assert len(mails(portal)) == 5
    assert client.post("/sign-in/link", data={"email": "noam@example.com"}).status_code == 200


@pytest.mark.parametrize("email", ["", "dana", "dana@", "a@b.c\nBcc: x@y.z", "\u202e@example.com", "x" * 5000])
def test_what_is_no_address_is_said_and_gets_no_mail(client: FlaskClient, portal: Portal, email: str) -> None:
    assert client.post("/sign-in/link", data={"email": email}).status_code == 422
    assert mails(portal) == []


# --- the end of a session ---------------------------------------------------------------------------------------------------


def test_signing_out_ends_the_session_on_the_server(app: Flask, client: FlaskClient, add_person: Callable[..., User]) -> None:
    add_person()
    enter(client)
    cookie = client.get_cookie("hylla_session")
    assert cookie is not None
    assert client.get("/sign-out").status_code == 200, "a link signs nobody out"
    assert who(client) == "dana@example.com"
    assert client.post("/sign-out", data={"csrf_token": csrf_of(client)}).status_code == 303
    thief = app.test_client()
    thief.set_cookie("hylla_session", cookie.value, domain="localhost")
    assert who(thief) == ""


def test_a_role_that_is_taken_away_and_an_account_that_is_disabled_count_at_once(
    portal: Portal, signed_in: Callable[..., FlaskClient]
) -> None:
    admin, second = signed_in(Role.ADMIN, "one@example.com"), signed_in(Role.ADMIN, "two@example.com")
    assert admin.get("/admin/").status_code == second.get("/admin/").status_code == 200
    with portal.database.durable_session() as db:
        one = find_user_by_email(db, "one@example.com")
        assert one is not None
        set_role(db, one.id, Role.AGENT)
    assert admin.get("/admin/").status_code == 403
    assert who(admin) == "one@example.com"
    with portal.database.durable_session() as db:
        disable_user(db, one.id)
    assert who(admin) == ""


def test_sessions_are_listed_and_can_be_ended_one_by_one_or_all_others(
    app: Flask, client: FlaskClient, add_person: Callable[..., User]
) -> None:
    add_person()
    others = [app.test_client() for _ in range(3)]
    enter(client)
    for n, other in enumerate(others):
        other.post("/sign-in", data={"email": "dana@example.com", "password": PASSWORD}, headers={"User-Agent": f"Browser {n}"})
    page = client.get("/account").get_data(as_text=True)
    assert page.count("This browser") == 1
    endings = re.findall(r'action="(/account/sessions/[0-9a-f-]{36}/end)"', page)
    assert len(endings) == 3
    token = csrf_of(client)
    last_used_first = re.findall(r"Browser (\d)", page)
    client.post(endings[0], data={"csrf_token": token})
    assert who(others[int(last_used_first[0])]) == ""
    assert sum(who(other) != "" for other in others) == 2
    client.post("/account/sessions/end-others", data={"csrf_token": token})
    assert [who(other) for other in others] == ["", "", ""]
    assert who(client) == "dana@example.com"


# --- the own account --------------------------------------------------------------------------------------------------------


def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions(
    app: Flask, client: FlaskClient, add_person: Callable[..., User]
) -> None:
    add_person()
    other = app.test_client()
    enter(client)
    enter(other)
    token = csrf_of(client)
    change = {"csrf_token": token, "old_password": "not this one", "new_password": "another good one"}
    assert client.post("/account/password", data=change).status_code == 422
    change["old_password"] = PASSWORD
    assert client.post("/account/password", data=change | {"new_password": "password123"}).status_code == 422
    assert client.post("/account/password", data=change).status_code == 303
    assert who(client) == "dana@example.com"
    assert who(other) == ""
    assert enter(app.test_client()).status_code == 401
    assert enter(app.test_client(), password="another good one").status_code == 303


def test_the_old_password_cannot_be_guessed_in_an_open_session(make_app: Callable[..., Flask]) -> None:
    app = make_app(sign_in_attempts=3)
    with app.extensions["portal"].database.durable_session() as db:
        from app.accounts import add_user

        add_user(db, "dana@example.com", Role.CUSTOMER, "", PASSWORD, datetime.now(UTC))
    client = app.test_client()
    enter(client)
    change = {"csrf_token": csrf_of(client), "old_password": "guess", "new_password": "another good one"}
    assert [client.post("/account/password", data=change).status_code for _ in range(4)] == [422, 422, 422, 429]


def test_name_and_language_can_be_changed(client: FlaskClient, add_person: Callable[..., User]) -> None:
    add_person()
    enter(client)
    token = csrf_of(client)
    assert client.post("/account/profile", data={"csrf_token": token, "name": "Dana P", "locale": "sv"}).status_code == 303
    page = client.get("/account").get_data(as_text=True)
    assert 'value="Dana P"' in page
    assert client.post("/account/profile", data={"csrf_token": token, "name": " ", "locale": "sv"}).status_code == 422


def test_the_language_of_the_account_goes_before_the_browsers_and_the_address_before_both(
    app: Flask, signed_in: Callable[..., FlaskClient], portal: Portal
) -> None:
    client, english = signed_in(), {"Accept-Language": "en"}
    token = csrf_of(client)
    assert client.get("/", headers=english).headers["Location"] == "/en/"
    client.post("/account/profile", data={"csrf_token": token, "name": "Dana P", "locale": "sv"}, headers=english)
    home = client.get("/", headers=english)
    assert (home.headers["Location"], home.headers["Cache-Control"]) == ("/sv/", "no-store")
    assert 'lang="sv"' in client.get("/account", headers=english).text
    assert client.get("/a/cards/activate-your-card", headers=english).headers["Location"] == "/sv/articles/activate-your-card"
    assert 'lang="en"' in client.get("/en/", headers=english).text
    stranger = app.test_client()
    assert stranger.get("/", headers=english).headers["Location"] == "/en/"
    assert 'lang="en"' in stranger.get("/sign-in", headers=english).text
    for email, subject in (("customer@example.com", "Din länk"), ("nobody@example.com", "Your link")):
        stranger.post("/sign-in/link", data={"email": email}, headers=english)
        assert str(mails(portal)[-1]["subject"]).startswith(subject)


def test_a_page_for_somebody_asks_a_visitor_to_sign_in_and_takes_them_back(client: FlaskClient, add_person: Callable[..., User]) -> None:
    add_person()
    answer = client.get("/account?x=1")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/sign-in?next=%2Faccount%3Fx%3D1"
    assert client.post("/account/profile", data={"name": "x"}).status_code == 403
    assert enter(client, next="/account?x=1").headers["Location"] == "/account?x=1"


def test_last_use_is_noted_now_and_then(app: Flask, portal: Portal, add_person: Callable[..., User]) -> None:
    from app.accounts import sessions_of

    user = add_person()
    started = datetime.now(UTC) - timedelta(hours=5)
    with portal.database.durable_session() as db:
        secret = open_session(db, user, "10.0.0.1", "UA", started)
    client = app.test_client()
    client.set_cookie("hylla_session", secret, domain="localhost")
    client.get("/account")
    with portal.database.session() as db:
        assert datetime.now(UTC) - sessions_of(db, user, datetime.now(UTC))[0].last_seen_at < timedelta(minutes=1)


def test_staff_who_left_for_the_night_sign_in_anew(app: Flask, portal: Portal, add_person: Callable[..., User]) -> None:
    evening = datetime.now(UTC) - timedelta(minutes=portal.settings.staff_idle_minutes)
    for role, status in ((Role.AGENT, 302), (Role.ADMIN, 302), (Role.CUSTOMER, 200)):
        with portal.database.durable_session() as db:
            secret = open_session(db, add_person(f"{role.value}@night.example", role), "10.0.0.1", "UA", evening)
        client = app.test_client()
        client.set_cookie("hylla_session", secret, domain="localhost")
        assert client.get("/account").status_code == status, role


# --- for admins -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [None, Role.CUSTOMER, Role.AGENT, Role.WRITER, Role.MANAGER])
def test_nobody_but_an_admin_gets_in(client: FlaskClient, signed_in: Callable[..., FlaskClient], role: Role | None) -> None:
    person = signed_in(role) if role else client
    token = {"csrf_token": csrf_of(person)} if role else {}
    assert person.get("/admin/").status_code == (403 if role else 302)
    assert person.get("/admin/log").status_code == (403 if role else 302)
    assert person.get("/admin/users/x").status_code == (403 if role else 302)
    for path in ("/admin/users", "/admin/users/x/role", "/admin/users/x/disable", "/admin/users/x/enable", "/admin/users/x/end-sessions"):
        assert person.post(path, data=token).status_code == 403, path


def test_an_admin_adds_changes_and_disables_accounts_and_the_log_says_so(portal: Portal, signed_in: Callable[..., FlaskClient]) -> None:
    admin = signed_in(Role.ADMIN)
    token = {"csrf_token": csrf_of(admin)}
    assert admin.post("/admin/users", data=token | {"email": "noam@example.com", "name": "Noam", "role": "agent"}).status_code == 303
    with portal.database.session() as db:
        noam = find_user_by_email(db, "noam@example.com")
    assert noam is not None
    assert noam.role is Role.AGENT
    assert f'href="/admin/users/{noam.id}"' in admin.get("/admin/?q=NOAM&role=agent").get_data(as_text=True)
    assert "noam@example.com" not in admin.get("/admin/?role=writer").get_data(as_text=True)
    assert admin.get(f"/admin/users/{noam.id}").status_code == 200
    assert admin.post(f"/admin/users/{noam.id}/role", data=token | {"role": "manager"}).status_code == 303
    assert admin.post(f"/admin/users/{noam.id}/role", data=token | {"role": "root"}).status_code == 422
    assert admin.post(f"/admin/users/{noam.id}/end-sessions", data=token).status_code == 303
    assert admin.post(f"/admin/users/{noam.id}/disable", data=token).status_code == 303
    assert admin.post(f"/admin/users/{noam.id}/enable", data=token).status_code == 303
    with portal.database.session() as db:
        acts = [(act.actor, act.verb, act.subject) for act in reversed(list_acts(db))]
    verbs = ["add", "set-role", "end-sessions", "disable", "enable"]
    assert acts == [("admin@example.com", verb, "noam@example.com") for verb in verbs]
    log = admin.get("/admin/log").get_data(as_text=True)
    assert "agent → manager" in log


def test_mistakes_come_back_with_the_words_kept(signed_in: Callable[..., FlaskClient]) -> None:
    admin = signed_in(Role.ADMIN)
    token = {"csrf_token": csrf_of(admin)}
    for fields in (
        {"email": "no address", "role": "agent"},
        {"email": "admin@example.com", "role": "agent"},
        {"email": "a@example.com", "role": "x"},
        {"email": "a@example.com", "role": "agent", "password": "short"},
    ):
        answer = admin.post("/admin/users", data=token | fields | {"name": "Kept <name>"})
        assert answer.status_code == 422
        assert 'value="Kept &lt;name&gt;"' in answer.get_data(as_text=True)


def test_the_last_admin_stays(portal: Portal, signed_in: Callable[..., FlaskClient]) -> None:
    admin = signed_in(Role.ADMIN)
    with portal.database.session() as db:
        me = find_user_by_email(db, "admin@example.com")
    assert me is not None
    token = {"csrf_token": csrf_of(admin)}
    assert admin.post(f"/admin/users/{me.id}/disable", data=token).status_code == 422
    assert admin.post(f"/admin/users/{me.id}/role", data=token | {"role": "agent"}).status_code == 422
    assert admin.get("/admin/").status_code == 200


def test_an_unknown_account_is_not_found(signed_in: Callable[..., FlaskClient]) -> None:
    admin = signed_in(Role.ADMIN)
    token = {"csrf_token": csrf_of(admin)}
    assert admin.get("/admin/users/nobody").status_code == 404
    for act in ("role", "disable", "enable", "end-sessions"):
        assert admin.post(f"/admin/users/nobody/{act}", data=token).status_code == 404
