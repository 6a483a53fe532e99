"""How often something may be tried: counted for each kind and key by itself."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from app.accounts import Limit, TooMany, admit
from app.accounts.throttle import forgive, forgive_last

LIMIT = Limit(2, timedelta(minutes=15))


def may(db: Session, kind: str, key: str, now: datetime) -> bool:
    try:
        admit(db, kind, [key], LIMIT, now)
    except TooMany:
        return False
    return True


def test_forgiving_one_kind_leaves_the_tries_of_every_other(db: Session, now: datetime) -> None:
    for kind, key in (("a", "dana"), ("a", "noam"), ("b", "dana")):
        assert [may(db, kind, key, now) for _ in range(3)] == [True, True, False]
    forgive(db, "a", ["dana"])
    assert may(db, "a", "dana", now)
    assert not may(db, "a", "noam", now)
    assert not may(db, "b", "dana", now)


def test_taking_back_the_last_try_takes_back_one_of_this_kind_and_key(db: Session, now: datetime) -> None:
    for kind, key in (("a", "dana"), ("a", "noam"), ("b", "dana")):
        assert may(db, kind, key, now) and may(db, kind, key, now)
    forgive_last(db, "a", "dana")
    assert not may(db, "a", "noam", now)
    assert not may(db, "b", "dana", now)
    assert [may(db, "a", "dana", now) for _ in range(2)] == [True, False]


def test_the_wait_is_until_the_oldest_of_the_counted_tries_is_over(db: Session, now: datetime) -> None:
    assert may(db, "a", "dana", now) and may(db, "a", "dana", now + timedelta(minutes=5))
    with pytest.raises(TooMany) as found:
        admit(db, "a", ["dana"], LIMIT, now + timedelta(minutes=6))
    assert found.value.retry_after == 9 * 60 + 1
    assert may(db, "a", "dana", now + timedelta(minutes=15))
