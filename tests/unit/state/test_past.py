"""What fields were and when events happened, read from either database."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.conditions.catalogue import Field, FieldType, Kind
from engine.conditions.tree import Predicate, Stream
from engine.state.book import Past
from engine.state.database import reading
from engine.state.flow import Reach
from engine.state.past import read_courses, read_event_times, read_flows
from tests.builders import START, Company, account, company, happening
from tests.histories import DAY, HOUR

HEALTH = (Kind.ACCOUNT, "health")


@pytest.fixture
def mine(database: Engine, tmp_path: Path) -> Company:
    """An account with a past: 60, none, 45, and 70 before them, learned last."""
    found = company(database, tmp_path)
    found.take(account(START - 9 * DAY, health=60), account(START - 5 * DAY, health=None))
    found.take(account(START - 2 * DAY, health=45), account(START - 2 * DAY, "beta", health=1))
    found.take(account(START - 10 * DAY, recorded=START - DAY, health=70))
    return found


def course(mine: Company, since: datetime, floor: datetime | None = None, late: bool = False) -> list[Any]:
    """The account's healths as they can be read, with how many days before START each began."""
    with reading(mine.database) as connection:
        found = read_courses(connection, HEALTH, ["acme"], since, only_folded=late, floor=floor)
    assert set(found) <= {"acme"}
    return [((START - each.effective_at) // DAY, each.value) for each in found.get("acme", [])]


@pytest.mark.parametrize(
    ("since", "floor", "expected"),
    [
        (timedelta(0), None, [(10, 70), (9, 60), (5, None), (2, 45)]),
        (-DAY - HOUR, None, [(9, 60), (5, None), (2, 45)]),
        (-3 * DAY, None, [(9, 60), (5, None)]),
        (-20 * DAY, None, []),
        (timedelta(0), -6 * DAY, [(9, 60), (5, None), (2, 45)]),
        (timedelta(0), -5 * DAY + HOUR, [(5, None), (2, 45)]),
        (timedelta(0), -5 * DAY, [(9, 60), (5, None), (2, 45)]),
        (timedelta(0), -DAY, [(2, 45)]),
    ],
)
def test_course_is_what_was_known_and_still_held(
    mine: Company, since: timedelta, floor: timedelta | None, expected: list[tuple[int, int | None]]
) -> None:
    """Nothing learned later, nothing that had ended before the floor; missing values are part of it."""
    found = course(mine, START + since, None if floor is None else START + floor)
    assert found == [(days, None if value is None else Decimal(value)) for days, value in expected]


def test_course_may_leave_out_what_waits_to_be_folded(mine: Company) -> None:
    """A value that came in after the last evaluation is an input still, and no past."""
    mine.tick(START)
    mine.take(account(START - DAY, health=50))
    assert course(mine, START)[-1] == (1, Decimal(50))
    assert course(mine, START, late=True)[-1] == (2, Decimal(45))


def test_course_of_nobody_is_not_asked_for(mine: Company) -> None:
    """Without subjects there is no query."""
    with reading(mine.database) as connection:
        assert read_courses(connection, HEALTH, [], START, only_folded=False) == {}


def test_pasts_are_ordered_by_their_times_alone() -> None:
    """A missing value can be sorted among the others."""
    first, second = Past(START, START, 1, None), Past(START, START, 2, Decimal(1))
    assert sorted([second, first]) == [first, second]


def test_event_times_are_those_known_within_the_span(mine: Company) -> None:
    """The span's first instant included, what was learned later and what happened elsewhere left out."""
    for hours, recorded in ((30, 30), (24, 24), (3, 3), (2, -1)):
        mine.take(happening("login", START - hours * HOUR, recorded=START - recorded * HOUR))
    mine.take(happening("logout", START - HOUR), happening("login", START - HOUR, "beta"))

    def times(late: bool = False) -> dict[str, list[int]]:
        with reading(mine.database) as connection:
            found = read_event_times(connection, "login", ["acme"], START, DAY, only_folded=late)
        return {name: [(START - each) // HOUR for each in known] for name, known in found.items()}

    assert times() == {"acme": [24, 3]}
    assert times(late=True) == {}
    mine.tick(START)
    assert times(late=True) == {"acme": [24, 3]}


TRIAL = Stream(
    "login", Predicate("equals", "", field=Field(Kind.EVENT, "plan", FieldType.TEXT), value="trial")
)
AMOUNT = Stream("login", None, Field(Kind.EVENT, "amount", FieldType.NUMBER))


def test_flows_reach_as_far_back_as_is_asked(mine: Company) -> None:
    """The newest that counts is looked for until it is found, for those who lack one within the span."""
    for name, days in (("acme", 3000), ("acme", 500), ("beta", 2), ("beta", 900)):
        mine.take(happening("login", START - days * DAY, name, carries={"plan": "trial", "amount": days}))
    mine.take(happening("login", START - 2 * HOUR, carries={"amount": "many"}))
    mine.take(happening("login", START - HOUR, carries={"plan": "pro"}))

    def read(reaches: dict[Stream, Reach], late: bool = False) -> dict[str, list[list[int]]]:
        with reading(mine.database) as connection:
            found = list(read_flows(connection, reaches, ["acme", "beta"], START, DAY, only_folded=late))
        return {
            name: [[(START - each) // DAY for each in times] for times in (flow.surely, flow.maybe)]
            for name, flow in dict(found).items()
        }

    assert read({TRIAL: Reach(2 * DAY)}) == {"acme": [[], [0]], "beta": [[2], [2]]}
    newest = {TRIAL: Reach(2 * DAY, is_newest=True)}
    assert read(newest) == {"acme": [[500], [500, 0]], "beta": [[2], [2]]}
    assert read(newest, late=True) == {"acme": [[], []], "beta": [[], []]}
    with reading(mine.database) as connection:
        (_, summed), *_ = read_flows(
            connection, {AMOUNT: Reach(DAY)}, ["acme"], START, DAY, only_folded=False
        )
    assert [each.amount for each in summed.marks] == [None, None]
