"""People who may sign in: added, changed, shut out."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from engine.state import tables
from engine.state.database import reading
from engine.users.access import GRANTS, Access, Permission, access_of
from engine.users.sessions import Lasting, begin_session, sessions_of
from engine.users.users import (
    UserError,
    add_user,
    disable_user,
    enable_user,
    find_user,
    list_users,
    set_access,
)
from tests.website_book import NOW, put

LASTING = Lasting(timedelta(hours=24), timedelta(days=14))


def _dana(database: Engine) -> None:
    put(database, tables.Person(id="dana", name="Dana Whitfield", email="Dana@Ours.example"))


def test_add_user_finds_the_person_by_address(database: Engine) -> None:
    """Whatever its case; the address to sign in with is kept in lower case."""
    _dana(database)
    made = add_user(database, " DANA@ours.example ", Access.CSM, NOW)
    assert (made.person_id, made.name, made.email) == ("dana", "Dana Whitfield", "dana@ours.example")
    assert (made.access, made.has_password, made.signed_in_at) == (Access.CSM, False, None)


def test_add_user_makes_a_person_where_there_is_none(database: Engine) -> None:
    """Known by the address."""
    add_user(database, "it@ours.example", Access.ADMIN, NOW, name="Ida Torres")
    add_user(database, "ops@ours.example", Access.OPS, NOW)
    with reading(database) as connection:
        assert [(each.person_id, each.name) for each in list_users(connection)] == [
            ("it@ours.example", "Ida Torres"),
            ("ops@ours.example", "ops@ours.example"),
        ]


@pytest.mark.parametrize(
    "address", ["", "dana", "@ours.example", "dana@", "a b@c.example", "a\x00@b.example"]
)
def test_add_user_refuses_what_is_no_address(sqlite_database: Engine, address: str) -> None:
    """With the address in the words."""
    with pytest.raises(UserError, match="not an email address"):
        add_user(sqlite_database, address, Access.CSM, NOW)


def test_add_user_refuses_twice_and_whom_it_cannot_tell(database: Engine) -> None:
    """The message says what to do."""
    _dana(database)
    add_user(database, "dana@ours.example", Access.CSM, NOW)
    with pytest.raises(UserError, match="can sign in already"):
        add_user(database, "dana@ours.example", Access.OPS, NOW)
    with pytest.raises(UserError, match="can sign in already"):
        add_user(database, "dana.2@ours.example", Access.OPS, NOW, person_id="dana")
    with pytest.raises(UserError, match='no person "nobody"'):
        add_user(database, "x@ours.example", Access.OPS, NOW, person_id="nobody")
    put(database, tables.Person(id="a", name="A", email="team@ours.example"))
    put(database, tables.Person(id="b", name="B", email="team@ours.example"))
    with pytest.raises(UserError, match="address of a, b; say which"):
        add_user(database, "team@ours.example", Access.OPS, NOW)


def test_changing_access_signs_out(database: Engine) -> None:
    """So that no page goes on with what was allowed before; so does shutting out."""
    _dana(database)
    add_user(database, "dana@ours.example", Access.CSM, NOW)
    for change in (
        lambda: set_access(database, "dana", Access.OPS),
        lambda: disable_user(database, "dana", NOW),
    ):
        begin_session(database, NOW, LASTING, "password", person_id="dana")
        change()
        with reading(database) as connection:
            assert sessions_of(connection, "dana", NOW, LASTING) == []
    assert find_user(database, "dana").is_disabled
    enable_user(database, "dana")
    known = find_user(database, "Dana@ours.example")
    assert (known.is_disabled, known.access) == (False, Access.OPS)


def test_the_last_admin_stays(database: Engine) -> None:
    """Or nobody could let others in; one who is disabled does not count."""
    for name in ("ada", "eve"):
        add_user(database, f"{name}@ours.example", Access.ADMIN, NOW)
    disable_user(database, "eve@ours.example", NOW)
    with pytest.raises(UserError, match="the only admin"):
        set_access(database, "ada@ours.example", Access.OPS)
    with pytest.raises(UserError, match="the only admin"):
        disable_user(database, "ada@ours.example", NOW)
    enable_user(database, "eve@ours.example")
    set_access(database, "ada@ours.example", Access.OPS)


def test_unknown_people_are_named(database: Engine) -> None:
    """In every change."""
    for change in (
        lambda: find_user(database, "nobody"),
        lambda: set_access(database, "nobody", Access.CSM),
        lambda: disable_user(database, "nobody", NOW),
        lambda: enable_user(database, "nobody"),
    ):
        with pytest.raises(UserError, match='nobody signs in as "nobody"'):
            change()


def test_access_of_is_the_most_that_permissions_amount_to() -> None:
    """What lies between two counts as the lower."""
    assert {each: access_of(GRANTS[each]) for each in Access} == {each: each for each in Access}
    assert access_of({Permission.READ, Permission.DATA}) is Access.VIEWER
    assert access_of({Permission.DATA}) is None
