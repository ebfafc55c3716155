"""Links sign in once, for three days, and only those who may."""

from datetime import timedelta

from sqlalchemy import Engine, select

from engine.state.database import reading
from engine.state.tables import SignInLink
from engine.users.access import Access
from engine.users.links import is_good, link_address, make_link, use_link
from engine.users.users import add_user, disable_user
from tests.website_book import NOW


def _dana(database: Engine) -> str:
    return add_user(database, "dana@ours.example", Access.CSM, NOW).person_id


def test_a_link_signs_in_once(database: Engine) -> None:
    """Looking at it does not use it up; only its digest is kept."""
    code = make_link(database, _dana(database), NOW)
    with reading(database) as connection:
        assert code not in str(connection.execute(select(SignInLink.__table__)).one())  # type: ignore[attr-defined]
    assert is_good(database, code, NOW)
    assert is_good(database, code, NOW)
    assert use_link(database, code, NOW) == "dana@ours.example"
    assert use_link(database, code, NOW) is None
    assert not is_good(database, code, NOW)


def test_a_link_is_over_after_three_days_or_with_the_next(database: Engine) -> None:
    """Odd codes are no errors."""
    person = _dana(database)
    first = make_link(database, person, NOW)
    assert not is_good(database, first, NOW + timedelta(days=3))
    second = make_link(database, person, NOW)
    assert [is_good(database, each, NOW) for each in (first, second, "", "\ud800", "x" * 9999)] == [
        *(False, True, False, False, False)
    ]


def test_a_link_of_somebody_shut_out_is_dead(database: Engine) -> None:
    """Made before or after."""
    person = _dana(database)
    before = make_link(database, person, NOW)
    disable_user(database, person, NOW)
    after = make_link(database, person, NOW)
    assert [use_link(database, each, NOW) for each in (before, after)] == [None, None]


def test_link_address_is_what_to_open() -> None:
    """However the public address ends."""
    for url in ("https://cs.acme.example", "https://cs.acme.example/"):
        assert link_address(url, "abc") == "https://cs.acme.example/sign-in/link?code=abc"
