"""Posted items are taken whole or refused with every reason."""

from decimal import Decimal
from typing import Any

import pytest

from engine.api.batches import MOST_FAULTS, MOST_ITEMS, items_under, read_accounts, read_events
from engine.api.problems import Problem
from engine.conditions.catalogue import BUILT_IN, Kind
from tests.website_book import NOW


def _faults(rejected: list[Any]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.detail) for each in rejected for fault in each.errors]


def test_read_accounts_turns_an_item_and_its_parts_into_entries() -> None:
    """Parts and metrics carry the account's id and time."""
    item = {
        "id": "acme",
        "name": "Acme",
        "health": Decimal(38),
        "effective_at": "2026-01-27T00:00:00Z",
        "contacts": [{"id": "c1", "role": "champion"}],
        "subscriptions": [{"id": "s1", "signed": False}],
        "tickets": [{"id": "k1", "effective_at": "2026-01-20T00:00:00Z"}],
        "metrics": {"logins_30d": Decimal(12)},
    }
    taken, rejected = read_accounts([item], BUILT_IN, NOW)
    assert rejected == []
    entries = taken[0].entries
    assert [(each.kind, each.id, each.account_id) for each in entries] == [
        (Kind.ACCOUNT, "acme", "acme"),
        (Kind.CONTACT, "c1", "acme"),
        (Kind.SUBSCRIPTION, "s1", "acme"),
        (Kind.TICKET, "k1", "acme"),
        (Kind.METRIC, "acme:logins_30d", "acme"),
    ]
    assert entries[0].values == {"name": "Acme", "health": Decimal(38)}
    assert [each.effective_at.day for each in entries] == [27, 27, 27, 20, 27]
    assert {each.recorded_at for each in entries} == {NOW}


@pytest.mark.parametrize(
    ("item", "faults"),
    [
        ("acme", [("/accounts/0", "this is not an object")]),
        ({}, [("/accounts/0/id", "the id of the account is null")]),
        ({"id": Decimal(7)}, [("/accounts/0/id", "the id of the account is a number")]),
        ({"id": "x" * 201}, [("/accounts/0/id", "the id of the account has 201 characters")]),
        (
            {"id": "a", "helth": 1, "arr": "much"},
            [
                ("/accounts/0/helth", 'unknown account field "helth"'),
                ("/accounts/0/arr", "account.arr is an amount of money, and this is text"),
            ],
        ),
        ({"id": "a", "x/y~z": 1}, [("/accounts/0/x~1y~0z", 'unknown account field "x/y~z"')]),
        (
            {"id": "a", "effective_at": "soon"},
            [("/accounts/0/effective_at", '"soon" is not an instant with an offset')],
        ),
        ({"id": "a", "contacts": {}}, [("/accounts/0/contacts", "this is not a list that fits")]),
        ({"id": "a", "contacts": [1]}, [("/accounts/0/contacts/0", "this is not an object")]),
        ({"id": "a", "contacts": [{}]}, [("/accounts/0/contacts/0/id", "the id of the contact is null")]),
        (
            {"id": "a", "contacts": [{"id": "c", "role": "boss"}]},
            [("/accounts/0/contacts/0/role", '"boss" is not a role')],
        ),
        (
            {"id": "a", "contacts": [{"id": "c"}, {"id": "c"}]},
            [("/accounts/0/contacts/1/id", 'contact "c" is named twice, first at /accounts/0/contacts/0/id')],
        ),
        (
            {"id": "a", "tickets": [{"id": "k", "effective_at": "1970-01-01T00:00:00Z"}]},
            [("/accounts/0/tickets/0/effective_at", "1970-01-01T00:00:00Z lies before 1990")],
        ),
        ({"id": "a", "metrics": []}, [("/accounts/0/metrics", "this is not an object that fits")]),
        (
            {"id": "a", "metrics": {"m": "x"}},
            [("/accounts/0/metrics/m", "metric.value is a number, and this is text")],
        ),
        (
            {"id": "a", "metrics": {"": 1}},
            [("/accounts/0/metrics/", "the name of a metric has 0 characters")],
        ),
    ],
)
def test_read_accounts_tells_everything_wrong_with_an_item(item: Any, faults: list[tuple[str, str]]) -> None:
    """Each fault has its place; none of the item is taken."""
    taken, rejected = read_accounts([item], BUILT_IN, NOW)
    assert (taken, _faults(rejected)) == ([], faults)


def test_read_accounts_refuses_the_second_of_one_id() -> None:
    """Which of two should count would be a guess."""
    taken, rejected = read_accounts([{"id": "a"}, {"id": "a"}], BUILT_IN, NOW)
    assert [each.index for each in taken] == [0]
    assert _faults(rejected) == [("/accounts/1/id", 'account "a" is named twice, first at /accounts/0/id')]


def test_read_accounts_stops_telling_after_some_faults() -> None:
    """A flood of unknown fields costs little."""
    flood = {"id": "a", **{f"field_{number}": 1 for number in range(5000)}}
    _, rejected = read_accounts([flood], BUILT_IN, NOW)
    assert len(rejected[0].errors) == MOST_FAULTS


def test_read_events_keeps_properties_as_plain_numbers() -> None:
    """Decimals become what a JSON column keeps."""
    properties = {"n": Decimal(3), "f": Decimal("0.5"), "huge": Decimal("1e400"), "deep": [{"x": Decimal(1)}]}
    item = {"id": "e", "account_id": "a", "name": "login", "properties": properties}
    taken, rejected = read_events([item], NOW)
    assert rejected == []
    assert taken[0].event.properties == {"n": 3, "f": 0.5, "huge": "1E+400", "deep": [{"x": 1}]}
    assert taken[0].event.occurred_at == NOW


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"id": ""}, "/events/0/id"),
        ({"account_id": None}, "/events/0/account_id"),
        ({"name": "a\x00b"}, "/events/0/name"),
        ({"name": "a\nb"}, "/events/0/name"),
        ({"occurred_at": "2027-01-01T00:00:00Z"}, "/events/0/occurred_at"),
        ({"occurred_at": "1989-01-01T00:00:00Z"}, "/events/0/occurred_at"),
        ({"occurred_at": ""}, "/events/0/occurred_at"),
        ({"subject_id": []}, "/events/0/subject_id"),
        ({"properties": []}, "/events/0/properties"),
        ({"properties": {str(number): 1 for number in range(101)}}, "/events/0/properties"),
        ({"type": "login"}, "/events/0/type"),
    ],
)
def test_read_events_refuses_what_does_not_fit(change: dict[str, Any], pointer: str) -> None:
    """The place of the fault is named."""
    item = {"id": "e", "account_id": "a", "name": "login", **change}
    taken, rejected = read_events([item], NOW)
    assert taken == []
    assert [each[0] for each in _faults(rejected)] == [pointer]


@pytest.mark.parametrize("body", [None, [], "x", {}, {"accounts": {}}, {"accounts": [], "more": 1}])
def test_items_under_refuses_a_frame_that_does_not_fit(body: Any) -> None:
    """The post must be an object with that one list."""
    with pytest.raises(Problem) as problem:
        items_under(body, "accounts")
    assert problem.value.status == 400


def test_items_under_refuses_too_many_items() -> None:
    """The bound is told."""
    with pytest.raises(Problem, match=r"1,001 items were sent; send at most 1,000"):
        items_under({"accounts": [{}] * (MOST_ITEMS + 1)}, "accounts")
