"""Accounts: one address is one account, and the last admin cannot be lost."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from app.accounts import (
    InvalidUser,
    LastAdmin,
    PasswordRefused,
    Role,
    UserExists,
    UserNotFound,
    add_user,
    allow_queries,
    change_profile,
    customer_of_email,
    disable_user,
    enable_user,
    find_user,
    find_user_by_email,
    has_this_password,
    list_users,
    locales_of,
    normal_email,
    open_session,
    set_password,
    set_role,
    user_of_session,
)
from app.errors import Invalid

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("quick_hashes")


def test_one_address_is_one_account_however_it_is_written(db: Session) -> None:
    dana = add_user(db, " Dana@Example.COM ", Role.CUSTOMER, "Dana", None, NOW)
    assert dana.email == "dana@example.com"
    assert find_user_by_email(db, "DANA@example.com") == dana
    with pytest.raises(UserExists):
        add_user(db, "dana@EXAMPLE.com", Role.AGENT, "Other", None, NOW)


@pytest.mark.parametrize(
    "text", ["", "dana", "dana@", "@example.com", "a b@example.com", "dana@example", "x@[127.0.0.1]", "a@b.c\r\nBcc: d@e.f"]
)
def test_what_is_no_address_is_refused_by_field(db: Session, text: str) -> None:
    with pytest.raises(InvalidUser) as refused:
        add_user(db, text, Role.CUSTOMER, "", None, NOW)
    assert list(refused.value.errors) == ["email"]
    assert find_user_by_email(db, text) is None


def test_an_address_with_letters_of_other_alphabets_is_accepted() -> None:
    assert normal_email("Åsa@Räksmörgås.example") == "åsa@räksmörgås.example"


def test_a_role_that_does_not_exist_is_refused(db: Session) -> None:
    with pytest.raises(InvalidUser, match="customer, agent, writer, manager, admin"):
        add_user(db, "a@example.com", "root", "", None, NOW)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "too short"),
        ("123456789", "too short"),
        ("x" * 1025, "too long"),
        ("qwertyuiop", "well known"),
        ("Password123", "well known"),
        ("aaaaaaaaaaaa", "well known"),
        ("abababababab", "well known"),
        ("dana.levi@example.com", "well known"),
        ("Correct Horse Battery Staple", "well known"),
    ],
)
def test_a_password_that_would_be_guessed_is_refused(db: Session, password: str, reason: str) -> None:
    with pytest.raises(PasswordRefused) as refused:
        add_user(db, "dana.levi@example.com", Role.CUSTOMER, "Dana", password, NOW)
    assert refused.value.reason == reason
    assert "password" in refused.value.errors


@pytest.mark.parametrize(
    "password", ["tiger lamp Oslo", "פיל סגול בחצר", "        x y  z", "\N{SLICE OF PIZZA}" * 4 + "a b c d e", "x1" + "y" * 1022]
)
def test_any_other_password_of_ten_characters_is_accepted_as_it_is(db: Session, password: str) -> None:
    user = add_user(db, "dana@example.com", Role.CUSTOMER, "Dana", password, NOW)
    assert has_this_password(db, user.id, password)
    assert not has_this_password(db, user.id, password + "!")
    assert not has_this_password(db, user.id, password.strip() + " ")


def test_a_role_holds_from_the_next_request_on(db: Session) -> None:
    agent = add_user(db, "agent@example.com", Role.AGENT, "Noam", None, NOW)
    token = open_session(db, agent, "10.0.0.1", "UA", NOW)
    set_role(db, agent.id, Role.CUSTOMER)
    seen = user_of_session(db, token, NOW)
    assert seen is not None
    assert seen.role is Role.CUSTOMER


def test_disabling_ends_the_sessions_of_this_account_and_of_no_other(db: Session) -> None:
    one = add_user(db, "one@example.com", Role.AGENT, "One", None, NOW)
    two = add_user(db, "two@example.com", Role.AGENT, "Two", None, NOW)
    first, second, other = (open_session(db, user, "10.0.0.1", "UA", NOW) for user in (one, one, two))
    disable_user(db, one.id)
    assert user_of_session(db, first, NOW) is None
    assert user_of_session(db, second, NOW) is None
    assert user_of_session(db, other, NOW) == two
    enable_user(db, one.id)
    assert user_of_session(db, first, NOW) is None, "an ended session stays ended"


def test_the_last_admin_can_neither_be_disabled_nor_given_another_role(db: Session) -> None:
    last = add_user(db, "admin@example.com", Role.ADMIN, "Alex", None, NOW)
    gone = add_user(db, "former@example.com", Role.ADMIN, "Former", None, NOW)
    disable_user(db, gone.id)
    with pytest.raises(LastAdmin):
        disable_user(db, last.id)
    with pytest.raises(LastAdmin):
        set_role(db, last.id, Role.AGENT)
    enable_user(db, gone.id)
    assert set_role(db, last.id, Role.AGENT).role is Role.AGENT


def test_whoever_proves_an_address_gets_its_account_or_a_new_customers(db: Session) -> None:
    agent = add_user(db, "agent@example.com", Role.AGENT, "Noam", None, NOW)
    assert customer_of_email(db, "Agent@example.com", NOW) == agent
    new = customer_of_email(db, "new@example.com", NOW, "sv")
    assert (new.role, new.locale, new.name, new.has_password) == (Role.CUSTOMER, "sv", "new", False)
    assert customer_of_email(db, "new@example.com", NOW) == new


def test_the_list_filters_by_role_and_by_words_taken_literally(db: Session) -> None:
    for name, role in (("a_b", Role.AGENT), ("axb", Role.AGENT), ("c%d", Role.CUSTOMER)):
        add_user(db, f"{name.replace('%', '')}@example.com", role, name, None, NOW)
    assert [u.name for u in list_users(db)] == ["a_b", "axb", "c%d"]
    assert [u.name for u in list_users(db, Role.AGENT)] == ["a_b", "axb"]
    assert [u.name for u in list_users(db, text="A_B")] == ["a_b"]
    assert [u.name for u in list_users(db, text="%")] == ["c%d"]
    assert [u.name for u in list_users(db, limit=1, offset=1)] == ["axb"]


def test_a_profile_keeps_a_name_that_can_be_shown_and_a_language_that_exists(db: Session) -> None:
    user = add_user(db, "a@example.com", Role.CUSTOMER, "A", None, NOW)
    changed = change_profile(db, user.id, "  Ada\u202e\n Lovelace ", "sv")
    assert (changed.name, changed.locale) == ("Ada Lovelace", "sv")
    with pytest.raises(InvalidUser) as refused:
        change_profile(db, user.id, "\x00\u200f ", "klingon")
    assert set(refused.value.errors) == {"name", "locale"}


def test_a_password_can_be_changed_and_taken_away(db: Session) -> None:
    user = add_user(db, "a@example.com", Role.CUSTOMER, "A", "tiger lamp Oslo", NOW)
    set_password(db, user.id, "another good one")
    assert not has_this_password(db, user.id, "tiger lamp Oslo")
    assert has_this_password(db, user.id, "another good one")
    set_password(db, user.id, None)
    assert not has_this_password(db, user.id, "another good one")
    assert not find_user(db, user.id).has_password


def test_only_staff_may_be_allowed_to_read_queries_and_the_permission_ends_with_the_role(db: Session) -> None:
    manager, customer = (
        add_user(db, "m@example.com", Role.MANAGER, "", None, NOW),
        add_user(db, "c@example.com", Role.CUSTOMER, "", None, NOW),
    )
    with pytest.raises(Invalid):
        allow_queries(db, customer.id, True)
    assert not allow_queries(db, customer.id, False).reads_queries
    assert allow_queries(db, manager.id, True).reads_queries
    assert not set_role(db, manager.id, Role.CUSTOMER).reads_queries
    assert not set_role(db, manager.id, Role.MANAGER).reads_queries, "it has to be given anew"


def test_an_account_that_was_disabled_may_sign_in_again_once_it_is_enabled(db: Session) -> None:
    user = add_user(db, "d@example.com", Role.CUSTOMER, "", None, NOW)
    assert disable_user(db, user.id).disabled
    assert not enable_user(db, user.id).disabled


def test_the_languages_of_many_accounts_are_those_that_they_chose(db: Session) -> None:
    one, other = (
        add_user(db, "one@example.com", Role.CUSTOMER, "", None, NOW),
        add_user(db, "other@example.com", Role.CUSTOMER, "", None, NOW),
    )
    change_profile(db, one.id, "One", "sv")
    assert locales_of(db, [one.id, other.id, "gone", *(f"x{n}" for n in range(900))]) == {one.id: "sv"}
    assert locales_of(db, []) == {}


def test_an_unknown_id_is_not_found(db: Session) -> None:
    for act in (find_user, disable_user, enable_user):
        with pytest.raises(UserNotFound):
            act(db, "nobody")
