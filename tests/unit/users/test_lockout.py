"""Guessing is stopped by user and by address, for a while."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select

from engine.state.database import reading
from engine.state.tables import SignInTries
from engine.users.lockout import BY_ADDRESS, Count, Limit, LockedOut, begin_try, counted, forgive
from tests.website_book import NOW

LIMIT = Limit(3, timedelta(minutes=10))
_MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, Count(1, NOW)),
        (Count(1, NOW - _MINUTE), Count(2, NOW - _MINUTE)),
        (Count(2, NOW - _MINUTE), Count(3, NOW - _MINUTE, NOW + 10 * _MINUTE)),
        (Count(2, NOW - 10 * _MINUTE), Count(1, NOW)),
        (Count(3, NOW - 15 * _MINUTE, NOW), Count(1, NOW)),
    ],
)
def test_counted_locks_at_the_limit_and_forgets_in_time(before: Count | None, after: Count) -> None:
    """The count begins anew when the stretch, or the lock, is over."""
    assert counted(before, LIMIT, NOW) == after


def test_counted_refuses_while_locked() -> None:
    """With the instant at which it ends, which trying does not put off."""
    with pytest.raises(LockedOut) as refusal:
        counted(Count(3, NOW - 5 * _MINUTE, NOW + _MINUTE), LIMIT, NOW)
    assert refusal.value.until == NOW + _MINUTE


def _tries(database: Engine, number: int, email: str, address: str) -> int:
    """How many of so many tries are let through."""
    through = 0
    for _ in range(number):
        try:
            begin_try(database, email, address, NOW)
            through += 1
        except LockedOut:
            pass
    return through


def test_a_user_is_locked_out_wherever_the_tries_come_from(database: Engine) -> None:
    """Others are not; a quarter of an hour later it is over."""
    for number in range(5):
        begin_try(database, "Dana@ours.example ", f"192.0.2.{number}", NOW)
    with pytest.raises(LockedOut):
        begin_try(database, "dana@ours.example", "198.51.100.1", NOW + _MINUTE)
    begin_try(database, "omar@ours.example", "192.0.2.1", NOW + _MINUTE)
    begin_try(database, "dana@ours.example", "192.0.2.1", NOW + 15 * _MINUTE)


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("", "nonsense", True),
    ],
)
def test_an_address_is_locked_out_whoever_it_says_it_is(
    sqlite_database: Engine, first: str, second: str, is_same: bool
) -> None:
    """A network of version 6 is one address."""
    for number in range(BY_ADDRESS.tries):
        begin_try(sqlite_database, f"{number}@ours.example", first, NOW)
    assert _tries(sqlite_database, 1, "new@ours.example", second) == (0 if is_same else 1)


def test_what_was_right_is_forgiven(database: Engine) -> None:
    """So that an office at one address is not locked out by signing in."""
    for number in range(2 * BY_ADDRESS.tries):
        begin_try(database, f"{number}@ours.example", "192.0.2.1", NOW)
        forgive(database, f"{number}@ours.example", "192.0.2.1")
    assert _tries(database, 4, "dana@ours.example", "192.0.2.1") == 4
    forgive(database, "dana@ours.example", "192.0.2.1")
    assert _tries(database, 9, "dana@ours.example", "192.0.2.1") == 5


def test_nothing_that_was_typed_is_kept(database: Engine) -> None:
    """People type their password into the wrong field; and after a day the count is forgotten."""
    begin_try(database, "my secret password", "192.0.2.1", NOW)
    keys = select(SignInTries.__table__)  # type: ignore[attr-defined]
    with reading(database) as connection:
        assert "my secret password" not in str(connection.execute(keys).all())
    begin_try(database, "other", "192.0.2.2", NOW + timedelta(days=2))
    with reading(database) as connection:
        assert connection.scalar(select(func.count()).select_from(SignInTries.__table__)) == 2  # type: ignore[attr-defined]
