"""Signing in with a password: one answer for everything that is wrong, and limits that hold under haste and through any door."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from argon2 import Parameters, PasswordHasher, extract_parameters

from app.accounts import (
    Role,
    SignInFailed,
    SignInRules,
    SignInThrottled,
    User,
    add_user,
    disable_user,
    passwords,
    set_role,
    sign_in,
    user_of_session,
)
from app.accounts.models import UserRow
from app.db import Database
from app.errors import Unavailable

PASSWORD = "tiger lamp Oslo"
RULES = SignInRules(attempts=3, wait=timedelta(minutes=15))


def add(database: Database, email: str, now: datetime, password: str | None = PASSWORD) -> User:
    with database.durable_session() as db:
        return add_user(db, email, Role.CUSTOMER, "", password, now)


def enter(database: Database, email: str, password: str, now: datetime, address: str = "10.0.0.1") -> tuple[User, str]:
    return sign_in(database, email, password, address, "UA", now, RULES)


@pytest.mark.usefixtures("quick_hashes")
def test_the_right_password_gives_the_user_and_a_new_session_each_time(database: Database, now: datetime) -> None:
    add(database, "dana@example.com", now)
    user, first = enter(database, " Dana@Example.com", PASSWORD, now)
    _, second = enter(database, "dana@example.com", PASSWORD, now)
    assert user.email == "dana@example.com"
    assert first != second
    with database.session() as db:
        assert user_of_session(db, first, now) == user
        assert user_of_session(db, second, now) == user


@pytest.mark.usefixtures("quick_hashes")
@pytest.mark.parametrize("password", ["", "wrong password", PASSWORD + " ", PASSWORD.upper(), "x" * 100_000])
def test_everything_that_is_wrong_gets_the_same_answer(database: Database, now: datetime, password: str) -> None:
    add(database, "dana@example.com", now)
    add(database, "link-only@example.com", now, None)
    closed = add(database, "closed@example.com", now)
    with database.durable_session() as db:
        disable_user(db, closed.id)
    answers = set()
    for email in ("dana@example.com", "link-only@example.com", "nobody@example.com", "no address", ""):
        with pytest.raises(SignInFailed) as failed:
            enter(database, email, password, now, address=f"of {email}")
        answers.add(str(failed.value))
    with pytest.raises(SignInFailed) as failed:
        enter(database, "closed@example.com", PASSWORD, now, address="of closed")
    answers.add(str(failed.value))
    assert len(answers) == 1


@pytest.mark.usefixtures("quick_hashes")
def test_too_many_failures_for_an_account_make_it_wait_from_every_address_whether_it_exists_or_not(
    database: Database, now: datetime
) -> None:
    add(database, "dana@example.com", now)
    for email in ("dana@example.com", "nobody@example.com"):
        for n in range(3):
            with pytest.raises(SignInFailed):
                enter(database, email, "wrong password", now, f"10.1.{len(email)}.{n}")
        with pytest.raises(SignInThrottled) as throttled:
            enter(database, email, PASSWORD, now + timedelta(minutes=5), "10.9.9.9")
        assert 600 <= throttled.value.retry_after <= 601
    user, _ = enter(database, "dana@example.com", PASSWORD, now + timedelta(minutes=15, seconds=1), "10.9.9.9")
    assert user.email == "dana@example.com"


@pytest.mark.usefixtures("quick_hashes")
def test_too_many_failures_from_an_address_make_it_wait_for_every_account(database: Database, now: datetime) -> None:
    add(database, "dana@example.com", now)
    for n in range(3):
        with pytest.raises(SignInFailed):
            enter(database, f"guess{n}@example.com", "Spring2026!", now)
    with pytest.raises(SignInThrottled):
        enter(database, "dana@example.com", PASSWORD, now)
    assert enter(database, "dana@example.com", PASSWORD, now, "10.0.0.2")


@pytest.mark.usefixtures("quick_hashes")
def test_knocking_while_waiting_does_not_prolong_the_wait(database: Database, now: datetime) -> None:
    add(database, "dana@example.com", now)
    for _ in range(3):
        with pytest.raises(SignInFailed):
            enter(database, "dana@example.com", "wrong password", now)
    for minute in range(1, 15):
        with pytest.raises(SignInThrottled):
            enter(database, "dana@example.com", PASSWORD, now + timedelta(minutes=minute))
    assert enter(database, "dana@example.com", PASSWORD, now + timedelta(minutes=15, seconds=1))


@pytest.mark.usefixtures("quick_hashes")
def test_signing_in_oneself_does_not_wipe_out_ones_failures_against_others(database: Database, now: datetime) -> None:
    add(database, "attacker@example.com", now)
    for n in range(2):
        with pytest.raises(SignInFailed):
            enter(database, f"victim{n}@example.com", "Spring2026!", now)
        enter(database, "attacker@example.com", PASSWORD, now)
    with pytest.raises(SignInFailed):
        enter(database, "victim2@example.com", "Spring2026!", now)
    with pytest.raises(SignInThrottled):
        enter(database, "victim3@example.com", "Spring2026!", now)


@pytest.mark.usefixtures("quick_hashes")
def test_guesses_at_the_same_moment_cannot_all_slip_through(database: Database, now: datetime) -> None:
    add(database, "dana@example.com", now)

    def guess(n: int) -> type[Exception] | None:
        try:
            enter(database, "dana@example.com", f"wrong password {n}", now, f"10.2.0.{n}")
        except (SignInFailed, SignInThrottled) as error:
            return type(error)
        return None

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(guess, range(16)))
    assert outcomes.count(SignInFailed) == 3
    assert outcomes.count(SignInThrottled) == 13


def test_a_hash_made_with_other_parameters_is_made_anew_at_the_next_sign_in(
    database: Database, now: datetime, quick_hashes: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = add(database, "dana@example.com", now)
    with database.session() as db:
        row = db.get(UserRow, user.id)
        assert row is not None
        old = row.password_hash
    monkeypatch.setattr(passwords, "hasher", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    enter(database, "dana@example.com", PASSWORD, now)
    with database.session() as db:
        row = db.get(UserRow, user.id)
        assert row is not None
        assert row.password_hash != old
        assert "m=16,t=2" in str(row.password_hash)
    assert enter(database, "dana@example.com", PASSWORD, now)


@pytest.mark.usefixtures("quick_hashes")
def test_whoever_is_disabled_while_the_password_is_checked_does_not_get_in(
    database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = add(database, "dana@example.com", now)
    real = passwords.verify_password

    def verify_slowly(stored: str | None, password: str) -> bool:
        with database.durable_session() as db:
            disable_user(db, user.id)
        return real(stored, password)

    # By its module name: in the package, `sign_in` is the function.
    monkeypatch.setattr(sys.modules["app.accounts.sign_in"], "verify_password", verify_slowly)
    with pytest.raises(SignInFailed):
        enter(database, "dana@example.com", PASSWORD, now)


@pytest.mark.usefixtures("quick_hashes")
def test_the_database_keeps_neither_passwords_nor_cookies(database: Database, now: datetime, tmp_path: Path) -> None:
    add(database, "dana@example.com", now)
    _, token = enter(database, "dana@example.com", PASSWORD, now)
    with database.durable_session() as db:
        set_role(db, add_user(db, "x@example.com", Role.AGENT, "", None, now).id, Role.WRITER)
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"dana@example.com" in files
    assert PASSWORD.encode() not in files
    assert token.encode() not in files


def test_the_parameters_in_use_are_those_recommended_for_argon2id() -> None:
    assert passwords.hasher.type.name == "ID"
    assert passwords.hasher.memory_cost >= 64 * 1024
    assert passwords.hasher.time_cost >= 3


def test_at_most_two_passwords_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, lock = 0, 0, threading.Lock()
    all_started = threading.Event()

    class Watched(PasswordHasher):
        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
                if running == 2:
                    all_started.set()
            all_started.wait(5)
            with lock:
                running -= 1
            return "hash"

    monkeypatch.setattr(passwords, "hasher", Watched())
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(passwords.hash_password, ["x"] * 6)) == ["hash"] * 6
    assert most == 2


def test_whoever_waits_too_long_for_a_turn_at_the_hashes_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_PATIENCE_SECONDS", 0.01)
    with passwords._slot(), passwords._slot(), pytest.raises(Unavailable):
        passwords.hash_password("a password of somebody")


def test_known_and_unknown_accounts_cost_one_hash_of_the_same_price(
    database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    generous = SignInRules(attempts=1000)
    add(database, "dana@example.com", now)
    add(database, "link-only@example.com", now, None)
    prices: list[Parameters] = []
    verify = PasswordHasher.verify

    def priced(hasher: PasswordHasher, stored: str, password: str) -> bool:
        prices.append(extract_parameters(stored))
        return verify(hasher, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", priced)
    spent = {}
    for email in ("dana@example.com", "nobody@example.com", "link-only@example.com"):
        prices.clear()
        with pytest.raises(SignInFailed):
            sign_in(database, email, "wrong password", "10.0.0.1", "UA", now, generous)
        spent[email] = list(prices)
    # A hash takes a hundred times as long as all the rest: as many, of the same price, are the same time on any machine.
    assert {len(hashes) for hashes in spent.values()} == {1}
    assert spent["dana@example.com"] == spent["nobody@example.com"] == spent["link-only@example.com"]
