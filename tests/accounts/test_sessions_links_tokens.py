"""Sessions, links by mail and tokens for programs: what they let in, and when they stop."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts import (
    InvalidScope,
    InvalidUser,
    LinkExpired,
    Role,
    User,
    add_user,
    check_link,
    disable_user,
    end_other_sessions,
    end_session,
    end_session_by_id,
    find_user_by_email,
    list_acts,
    list_tokens,
    make_token,
    note_act,
    open_session,
    request_link,
    revoke_token,
    session_of_token,
    sessions_of,
    touch_session,
    touch_token,
    use_link,
    user_of_session,
    user_of_token,
)
from app.accounts.models import LinkRow
from app.db import Database
from app.errors import NotFound


@pytest.fixture
def dana(db: Session, now: datetime) -> User:
    add_user(db, "noise@example.com", Role.ADMIN, "Noise", None, now)
    return add_user(db, "dana@example.com", Role.CUSTOMER, "Dana", None, now)


def test_a_session_ends_by_its_date(db: Session, dana: User, now: datetime) -> None:
    token = open_session(db, dana, "10.0.0.1", "UA", now, days=14)
    assert user_of_session(db, token, now + timedelta(days=14) - timedelta(seconds=1)) == dana
    assert user_of_session(db, token, now + timedelta(days=14)) is None


def test_a_staff_session_ends_when_it_is_not_used_and_a_customers_does_not(db: Session, dana: User, now: datetime) -> None:
    noam, idle = add_user(db, "noam@example.com", Role.AGENT, "Noam", None, now), timedelta(hours=8)
    tokens = {user.id: open_session(db, user, "10.0.0.1", "UA", now) for user in (dana, noam)}
    just_before, then = now + idle - timedelta(seconds=1), now + idle
    found = session_of_token(db, tokens[noam.id], just_before, idle)
    assert found is not None
    assert session_of_token(db, tokens[noam.id], then, idle) is None
    assert session_of_token(db, tokens[dana.id], then, idle) is not None
    touch_session(db, found[1].id, just_before)
    db.expire_all()
    assert session_of_token(db, tokens[noam.id], then, idle) is not None
    assert session_of_token(db, tokens[noam.id], just_before + idle, idle) is None


@pytest.mark.parametrize("token", ["", "x", "x" * 10_000, "\0", "' OR 1=1 --", "\ud800"])
def test_a_cookie_that_we_never_made_is_nobody(db: Session, dana: User, now: datetime, token: str) -> None:
    open_session(db, dana, "10.0.0.1", "UA", now)
    assert user_of_session(db, token, now) is None
    end_session(db, token)
    assert len(sessions_of(db, dana, now)) == 1


def test_one_session_can_be_ended_and_all_others(db: Session, dana: User, now: datetime) -> None:
    here, there, elsewhere = (open_session(db, dana, f"10.0.0.{n}", f"UA {n}", now + timedelta(minutes=n)) for n in range(3))
    end_session(db, there)
    assert user_of_session(db, there, now) is None
    assert [s.user_agent for s in sessions_of(db, dana, now)] == ["UA 2", "UA 0"]
    assert end_other_sessions(db, dana, here) == 1
    assert user_of_session(db, here, now) == dana
    assert user_of_session(db, elsewhere, now) is None
    assert end_other_sessions(db, dana, "") == 1


def test_nobody_ends_a_session_of_somebody_else(db: Session, dana: User, now: datetime) -> None:
    other = find_user_by_email(db, "noise@example.com")
    assert other is not None
    token = open_session(db, other, "10.0.0.1", "UA", now)
    found = session_of_token(db, token, now)
    assert found is not None
    assert not end_session_by_id(db, dana, found[1].id)
    assert user_of_session(db, token, now) == other
    assert end_session_by_id(db, other, found[1].id)
    assert user_of_session(db, token, now) is None


def test_the_list_has_the_open_sessions_of_one_account_and_ending_them_touches_no_other(db: Session, dana: User, now: datetime) -> None:
    other = find_user_by_email(db, "noise@example.com")
    assert other is not None
    theirs = open_session(db, other, "10.0.0.9", "theirs", now)
    open_session(db, dana, "10.0.0.1", "over", now - timedelta(days=30), days=31)
    later = now + timedelta(days=2)
    used, unused = (open_session(db, dana, "10.0.0.1", name, now + timedelta(hours=1)) for name in ("used", "unused"))
    found = session_of_token(db, used, now)
    assert found is not None
    touch_session(db, found[1].id, later)
    assert [s.user_agent for s in sessions_of(db, dana, later)] == ["used", "unused"], "latest use first, what is over not at all"
    assert end_session_by_id(db, dana, found[1].id)
    assert [s.user_agent for s in sessions_of(db, dana, later)] == ["unused"]
    assert end_other_sessions(db, dana, unused) == 1
    assert user_of_session(db, theirs, now) == other


def test_last_use_is_noted_and_long_headers_are_cut(db: Session, dana: User, now: datetime) -> None:
    token = open_session(db, dana, "1" * 500, "U" * 5000, now)
    found = session_of_token(db, token, now)
    assert found is not None
    assert (len(found[1].address), len(found[1].user_agent)) == (64, 300)
    touch_session(db, found[1].id, now + timedelta(hours=1))
    db.expire_all()
    assert sessions_of(db, dana, now)[0].last_seen_at == now + timedelta(hours=1)


def test_a_link_works_once_for_half_an_hour_and_for_its_purpose(db: Session, now: datetime) -> None:
    token = request_link(db, "New@Example.com", "sign-in", now)
    assert check_link(db, token, "sign-in", now) == "new@example.com"
    assert check_link(db, token, "sign-in", now) == "new@example.com", "looking does not use it up"
    for attempt in (check_link, use_link):
        with pytest.raises(LinkExpired):
            attempt(db, token, "requests", now)
        with pytest.raises(LinkExpired):
            attempt(db, token, "sign-in", now + timedelta(minutes=30))
    assert use_link(db, token, "sign-in", now + timedelta(minutes=29)) == "new@example.com"
    for attempt in (check_link, use_link):
        with pytest.raises(LinkExpired):
            attempt(db, token, "sign-in", now)


def test_using_a_link_ends_the_others_in_the_same_mailbox(db: Session, now: datetime) -> None:
    first, second = (request_link(db, "dana@example.com", "sign-in", now) for _ in range(2))
    other = request_link(db, "noam@example.com", "sign-in", now)
    for_something_else = request_link(db, "dana@example.com", "requests", now)
    use_link(db, second, "sign-in", now)
    assert use_link(db, for_something_else, "requests", now) == "dana@example.com"
    with pytest.raises(LinkExpired):
        use_link(db, first, "sign-in", now)
    assert use_link(db, other, "sign-in", now) == "noam@example.com"


def test_old_links_are_forgotten_a_day_after_their_end_and_no_sooner(db: Session, now: datetime) -> None:
    request_link(db, "dana@example.com", "sign-in", now)
    for later, kept in ((timedelta(hours=24, minutes=29), 2), (timedelta(hours=24, minutes=30), 2)):
        request_link(db, "noam@example.com", "sign-in", now + later)
        assert db.scalar(select(func.count()).select_from(LinkRow)) == kept


def test_of_many_who_use_one_link_at_once_one_gets_in(database: Database, now: datetime) -> None:
    with database.durable_session() as db:
        token = request_link(db, "dana@example.com", "sign-in", now)

    def use(_n: int) -> bool:
        try:
            with database.durable_session() as db:
                use_link(db, token, "sign-in", now)
        except LinkExpired:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(use, range(16))) == 1


def test_a_known_and_an_unknown_address_get_a_link_alike(db: Session, dana: User, now: datetime) -> None:
    assert check_link(db, request_link(db, dana.email, "sign-in", now), "sign-in", now) == dana.email
    assert check_link(db, request_link(db, "nobody@example.com", "sign-in", now), "sign-in", now) == "nobody@example.com"
    with pytest.raises(InvalidUser):
        request_link(db, "no address", "sign-in", now)


def test_a_token_acts_for_its_account_within_its_scopes_until_it_is_revoked(db: Session, dana: User, now: datetime) -> None:
    secret = make_token(db, dana, "Nightly export", ["read", "read"], now)
    found = user_of_token(db, secret)
    assert found is not None
    user, token = found
    assert (user, token.scopes, token.name, token.last_used_at) == (dana, {"read"}, "Nightly export", None)
    touch_token(db, token.id, now)
    db.expire_all()
    assert list_tokens(db, dana)[0].last_used_at == now
    revoke_token(db, token.id, now)
    assert user_of_token(db, secret) is None
    assert list_tokens(db)[0].revoked_at == now


def test_a_token_of_a_disabled_account_lets_nobody_in(db: Session, dana: User, now: datetime) -> None:
    secret = make_token(db, dana, "x", ["tickets:write"], now)
    disable_user(db, dana.id)
    assert user_of_token(db, secret) is None


@pytest.mark.parametrize("scopes", [[], ["everything"], ["read", "admin"], ["read tickets:write"]])
def test_scopes_are_a_closed_list(db: Session, dana: User, now: datetime, scopes: list[str]) -> None:
    with pytest.raises(InvalidScope):
        make_token(db, dana, "x", scopes, now)
    assert list_tokens(db) == []


def test_a_token_that_is_none_is_nobody_and_cannot_be_revoked(db: Session, dana: User, now: datetime) -> None:
    make_token(db, dana, "x", ["read"], now)
    assert user_of_token(db, "hylla_x") is None
    with pytest.raises(NotFound):
        revoke_token(db, "no such id", now)


def test_the_audit_log_keeps_acts_in_order_the_newest_first(db: Session, now: datetime) -> None:
    for n in range(3):
        note_act(db, "admin@example.com", "disable", f"user{n}@example.com", now + timedelta(seconds=n), "x" * 1000)
    acts = list_acts(db, limit=2)
    assert [act.subject for act in acts] == ["user2@example.com", "user1@example.com"]
    assert len(acts[0].detail) == 500
    assert [act.subject for act in list_acts(db, limit=2, offset=2)] == ["user0@example.com"]
