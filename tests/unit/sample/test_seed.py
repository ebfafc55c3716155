"""Writing the sample book into a database."""

from datetime import UTC, datetime

from sqlalchemy import Engine, func, select

from engine.conditions.catalogue import BUILT_IN
from engine.sample.seed import seed
from engine.sample.staff import ids_of, staff
from engine.state.database import reading
from engine.state.tables import Account, Change, Person

END = datetime(2026, 6, 17, 9, 30, tzinfo=UTC)


def _count(database: Engine, table: type) -> int:
    with reading(database) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_seed_writes_people_and_book(database: Engine) -> None:
    """Accounts with their history, and our own people, are there afterwards."""
    assert seed(database, BUILT_IN, accounts=12, end=END) > 500
    assert _count(database, Account) == 12
    assert _count(database, Change) > 300
    assert _count(database, Person) == len(staff())


def test_seed_twice_writes_once(sqlite_database: Engine) -> None:
    """The second time finds everything known."""
    seed(sqlite_database, BUILT_IN, accounts=5, end=END)
    changes = _count(sqlite_database, Change)
    assert seed(sqlite_database, BUILT_IN, accounts=5, end=END) == 0
    assert _count(sqlite_database, Change) == changes
    assert _count(sqlite_database, Person) == len(staff())


def test_staff_has_everyone_a_playbook_asks_for() -> None:
    """Managers are on the list themselves, and every role is filled."""
    people = {each.id: each for each in staff()}
    assert len(people) == len(staff())
    assert {each.manager for each in people.values() if each.manager} <= people.keys()
    assert (len(ids_of("csm")), len(ids_of("csm_manager")), len(ids_of("ae"))) == (9, 2, 3)
    assert {people[each].manager for each in ids_of("csm")} == set(ids_of("csm_manager"))
