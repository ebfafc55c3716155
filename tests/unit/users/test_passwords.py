"""Passwords: kept as argon2 hashes, checked in the same time for everybody, refused when weak."""

import unicodedata
from datetime import timedelta
from time import perf_counter

import pytest
from sqlalchemy import Engine, select

from engine.state.database import reading
from engine.state.tables import User
from engine.users.access import Access
from engine.users.passwords import PasswordRefused, check_password, refuse_weak, set_password
from engine.users.sessions import Lasting, begin_session, known_session
from engine.users.users import UserError, add_user, disable_user
from tests.website_book import NOW

GOOD = "vier Zebras am Fluß"
LASTING = Lasting(timedelta(hours=24), timedelta(days=14))
EMAIL = "dana@ours.example"


def _dana(database: Engine) -> str:
    person = add_user(database, EMAIL, Access.CSM, NOW).person_id
    set_password(database, person, GOOD, NOW)
    return person


def test_a_password_is_kept_as_an_argon2_hash(database: Engine) -> None:
    """Nothing of it can be read back."""
    person = _dana(database)
    with reading(database) as connection:
        row = connection.execute(select(User.__table__)).one()  # type: ignore[attr-defined]
    assert row.password.startswith("$argon2id$")
    assert GOOD not in str(row)
    assert check_password(database, " Dana@OURS.example", GOOD) == person


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (EMAIL, "wrong horse battery"),
        (EMAIL, ""),
        (EMAIL, GOOD + " "),
        (EMAIL, "x" * 1_000_000),
        (EMAIL, "\ud800"),
        ("nobody@ours.example", GOOD),
        ("", GOOD),
        ("a\x00@ours.example", GOOD),
    ],
)
def test_anything_else_fits_nobody(sqlite_database: Engine, email: str, password: str) -> None:
    """Odd text is refused, not an error."""
    _dana(sqlite_database)
    assert check_password(sqlite_database, email, password) is None


def test_a_password_fits_however_its_accents_are_composed(sqlite_database: Engine) -> None:
    """Keyboards differ."""
    person = add_user(sqlite_database, EMAIL, Access.CSM, NOW).person_id
    set_password(sqlite_database, person, "crème brûlée à midi", NOW)
    apart = unicodedata.normalize("NFD", "crème brûlée à midi")
    assert check_password(sqlite_database, EMAIL, apart) == person


def test_nobody_without_a_password_or_disabled_comes_in(sqlite_database: Engine) -> None:
    """An empty password is no password."""
    add_user(sqlite_database, "boss@ours.example", Access.ADMIN, NOW)
    person = _dana(sqlite_database)
    assert check_password(sqlite_database, "boss@ours.example", "") is None
    disable_user(sqlite_database, person, NOW)
    assert check_password(sqlite_database, EMAIL, GOOD) is None


def test_a_check_takes_as_long_for_people_who_do_not_exist(sqlite_database: Engine) -> None:
    """Within a wide margin: without the work of a hash it would take a hundredth."""
    _dana(sqlite_database)
    check_password(sqlite_database, "nobody@ours.example", "warm")

    def quickest(email: str, password: str) -> float:
        times = []
        for _ in range(3):
            start = perf_counter()
            check_password(sqlite_database, email, password)
            times.append(perf_counter() - start)
        return min(times)

    known, unknown = quickest(EMAIL, "wrong password"), quickest("nobody@ours.example", "wrong password")
    assert unknown > known / 4


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", "at least 12"),
        ("x" * 201, "at most 200"),
        ("aaaaaaaaaaaaaa", "more different"),
        ("ababababababab", "more different"),
        ("dana@ours.example!", "leave your address out"),
    ],
)
def test_weak_passwords_are_refused(password: str, words: str) -> None:
    """With what to do."""
    with pytest.raises(PasswordRefused, match=words):
        refuse_weak(password, EMAIL)


def test_a_new_password_ends_other_sessions(database: Engine) -> None:
    """The one in which it is changed may stay."""
    person = _dana(database)
    here, there = (begin_session(database, NOW, LASTING, "password", person_id=person) for _ in range(2))
    session = known_session(database, here, NOW, LASTING)
    assert session is not None
    set_password(database, person, "another long password", NOW, but=session.digest)
    assert known_session(database, here, NOW, LASTING) is not None
    assert known_session(database, there, NOW, LASTING) is None
    with pytest.raises(UserError, match="nobody signs in"):
        set_password(database, "stranger", GOOD, NOW)
