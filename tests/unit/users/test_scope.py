"""Whose accounts somebody sees."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from engine.state import tables
from engine.state.database import reading
from engine.users.scope import EVERYTHING, Scope, team_of, team_scope
from tests.website_book import NOW, account, put, task

MANAGERS = {
    "helena": None,
    "renata": "helena",
    "marcus": "helena",
    "dana": "marcus",
    "luis": "marcus",
    "priya": "renata",
    "alone": None,
    "ring-a": "ring-b",
    "ring-b": "ring-a",
}


@pytest.mark.parametrize(
    ("person", "team"),
    [
        ("dana", {"dana", "luis", "marcus"}),
        ("priya", {"priya", "renata"}),
        ("marcus", {"marcus", "renata", "helena", "dana", "luis"}),
        ("helena", {"helena", "renata", "marcus", "dana", "luis", "priya"}),
        ("alone", {"alone"}),
        ("ring-a", {"ring-a", "ring-b"}),
        ("stranger", {"stranger"}),
    ],
)
def test_team_of_is_the_manager_with_everybody_there_and_everybody_beneath(
    person: str, team: set[str]
) -> None:
    """Whoever has no manager is no team with others who have none."""
    assert team_of(person, MANAGERS) == team


def _people(database: Engine) -> None:
    put(database, *(tables.Person(id=each, name=each, manager=above) for each, above in MANAGERS.items()))
    put(database, *account("mine", "Mine", csm="dana"), *account("luis", "Of Luis", csm="luis"))
    put(database, *account("other", "Other", csm="priya"), *account("pool", "Pool"))
    put(database, *account("sold", "Sold by Dana", csm="priya", ae="dana"))
    put(database, *account("cover", "Covered", csm="priya"))


def _seen(database: Engine, scope: Scope) -> set[str]:
    ids = tables.Account.__table__.c.id  # type: ignore[attr-defined]
    with reading(database) as connection:
        found = set(connection.scalars(select(ids).where(scope.sees(ids))))
        assert found == {each for each in _all(database) if scope.may_see(connection, each)}
    return found


def _all(database: Engine) -> list[str]:
    with reading(database) as connection:
        return list(connection.scalars(select(tables.Account.__table__.c.id)))  # type: ignore[attr-defined]


def test_a_csm_sees_the_accounts_of_the_team(database: Engine) -> None:
    """Those of colleagues, those sold, those nobody has; one of another team with a task in it."""
    _people(database)
    with reading(database) as connection:
        dana, helena = (team_scope(connection, each) for each in ("dana", "helena"))
    assert _seen(database, dana) == {"mine", "luis", "pool", "sold"}
    assert _seen(database, helena) == {"mine", "luis", "other", "pool", "sold", "cover"}
    done = {"state": "done", "closed_at": NOW + timedelta(hours=1)}
    put(database, task("t1", account_id="cover"), task("t2", account_id="other", **done))
    assert _seen(database, dana) == {"mine", "luis", "pool", "sold", "cover"}


def test_everything_hides_nothing_that_exists(database: Engine) -> None:
    """An account that does not exist is seen by nobody."""
    _people(database)
    assert _seen(database, EVERYTHING) == {"mine", "luis", "other", "pool", "sold", "cover"}
    with reading(database) as connection:
        assert not EVERYTHING.may_see(connection, "nowhere")


def test_a_task_of_ones_own_is_seen_whatever_it_is_about(database: Engine) -> None:
    """Tasks of a source belong to no account."""
    _people(database)
    put(
        database,
        task("own", account_id="source:crm", assignee="dana"),
        task("theirs", account_id="source:crm", assignee="priya"),
        task("team", account_id="luis", assignee="luis"),
        task("far", account_id="other", assignee="priya"),
    )
    tasks = tables.Task.__table__  # type: ignore[attr-defined]
    with reading(database) as connection:
        scope = team_scope(connection, "dana")
        seen = select(tasks.c.id).where(scope.sees_task(tasks.c.account_id, tasks.c.assignee))
        assert set(connection.scalars(seen)) == {"own", "team"}
