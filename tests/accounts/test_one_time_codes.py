"""One-time codes: those of the RFC, a step of drift, one use each, and what a first step is worth."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from app.accounts import (
    Role,
    User,
    add_user,
    app_address,
    disable_user,
    first_step_stamp,
    new_code_secret,
    set_password,
    turn_codes_off,
    turn_codes_on,
    use_code,
    user_of_first_step,
)
from app.accounts.one_time_codes import code_of_step, matching_step, step_of

SECRET = base64.b32encode(b"12345678901234567890").decode()
STEP = timedelta(seconds=30)

pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest.fixture
def noam(db: Session, now: datetime) -> User:
    user = add_user(db, "noam@example.com", Role.AGENT, "Noam", "tiger lamp Oslo", now)
    assert turn_codes_on(db, user.id, SECRET, code_at(now), now)
    return user


def code_at(moment: datetime) -> str:
    return code_of_step(SECRET, step_of(moment))


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    step = step_of(datetime.fromtimestamp(seconds, UTC))
    assert code_of_step(SECRET, step, digits=8) == code
    assert code_of_step(SECRET, step) == code[2:]


def test_a_clock_may_be_one_step_off_and_no_more(now: datetime) -> None:
    here = step_of(now)
    found = {n: matching_step(SECRET, code_at(now + n * STEP), now) for n in (-2, -1, 0, 1, 2)}
    assert found == {-2: None, -1: here - 1, 0: here, 1: here + 1, 2: None}


def test_spaces_are_no_part_of_a_code_and_anything_else_is_wrong(now: datetime) -> None:
    code = code_at(now)
    assert matching_step(SECRET, f" {code[:3]} {code[3:]} ", now) == step_of(now)
    for wrong in ("", "ä", "\ud800", code[:5], code + "0", "".join(chr(ord(digit) - 48 + 0xFF10) for digit in code)):
        assert matching_step(SECRET, wrong, now) is None


def test_a_new_secret_has_twenty_random_bytes() -> None:
    first, second = new_code_secret(), new_code_secret()
    assert first != second
    assert len(base64.b32decode(first)) == 20


def test_the_address_for_the_app_names_portal_and_person() -> None:
    address = app_address(SECRET, "noam+x@example.com", "Fennel & Co: help")
    assert address == f"otpauth://totp/Fennel%20%26%20Co%3A%20help:noam%2Bx@example.com?secret={SECRET}&issuer=Fennel%20%26%20Co%3A%20help"


def test_a_code_works_once_and_no_older_one_after_it(db: Session, noam: User, now: datetime) -> None:
    assert not use_code(db, noam.id, code_at(now), now)  # the one that switched codes on is used up
    later = now + 4 * STEP
    assert use_code(db, noam.id, code_at(later), later)
    assert not use_code(db, noam.id, code_at(later), later)
    assert not use_code(db, noam.id, code_at(later - STEP), later)
    assert use_code(db, noam.id, code_at(later + STEP), later)


def test_codes_are_switched_on_with_a_code_and_never_over_others(db: Session, noam: User, now: datetime) -> None:
    other = new_code_secret()
    assert not turn_codes_on(db, noam.id, other, code_of_step(other, step_of(now)), now)
    turn_codes_off(db, noam.id)
    assert not turn_codes_on(db, noam.id, SECRET, code_at(now + 5 * STEP), now)
    assert not use_code(db, noam.id, code_at(now), now)
    assert turn_codes_on(db, noam.id, SECRET, code_at(now), now)


def test_a_first_step_ends_with_the_password_the_secret_and_the_account(db: Session, noam: User, now: datetime) -> None:
    def still() -> bool:
        return user_of_first_step(db, noam.id, stamp) is not None

    stamp = first_step_stamp(db, noam.id)
    assert still()
    assert user_of_first_step(db, noam.id, "") is None
    set_password(db, noam.id, "another lamp Oslo")
    assert not still()
    stamp = first_step_stamp(db, noam.id)
    add_user(db, "admin@example.com", Role.ADMIN, "", None, now)
    disable_user(db, noam.id)
    assert not still()
    turn_codes_off(db, noam.id)
    assert user_of_first_step(db, noam.id, "") is None
