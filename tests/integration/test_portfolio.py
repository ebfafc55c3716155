"""What somebody looks after, counted on both databases."""

from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import Engine

from engine.health.bands import bands_of
from engine.people.portfolio import Renewal, Worry, portfolio, renewals, worries
from engine.state.database import reading
from engine.state.tables import Subscription
from tests.website_book import NOW, account, put, task

TODAY = date(2026, 1, 28)
BANDS = bands_of({})


def test_a_portfolio_counts_customers_by_colour(database: Engine) -> None:
    """The bands are half open: 60 is green, 59.9 amber, and below the lowest band is red as well."""
    healths = ["100", "60", "59.9", "40", "39.999999", "-5", None]
    for number, health in enumerate(healths):
        worth = Decimal("1000.5") if number < 2 else None
        value = None if health is None else Decimal(health)
        put(database, *account(f"a{number}", f"A {number}", csm="dana", health=value, arr=worth))
    put(database, *account("gone", "Gone", csm="dana", health=Decimal(10), stage="churned"))
    put(database, *account("other", "Other", csm="omar", health=Decimal(10)))
    with reading(database) as connection:
        found = portfolio(connection, {"dana"}, BANDS)
        nobody = portfolio(connection, set(), BANDS)
    assert (found.accounts, found.arr, found.without_health) == (7, Decimal(2001), 1)
    assert found.by_colour == {"green": 2, "amber": 2, "red": 2}
    assert (nobody.accounts, nobody.arr, nobody.without_health) == (0, Decimal(0), 0)


def test_renewals_are_those_of_contracts_else_of_the_account(database: Engine) -> None:
    """From today to the ninetieth day; a contract that has ended renews no more."""
    last = TODAY + timedelta(days=90)
    put(
        database,
        *account("two", "Two", csm="dana", arr=Decimal(9), renews_on=TODAY),
        Subscription(id="s1", account_id="two", status="active", renews_on=last, arr=Decimal(5)),
        Subscription(id="s2", account_id="two", renews_on=last + timedelta(days=1)),
        Subscription(id="s3", account_id="two", status="ended", renews_on=TODAY),
        *account("own", None, csm="dana", arr=Decimal(7), renews_on=TODAY),  # type: ignore[arg-type]
        Subscription(id="s4", account_id="own", status="active"),
        *account("past", "Past", csm="dana", renews_on=TODAY - timedelta(days=1)),
        *account("churned", "Churned", csm="dana", renews_on=TODAY, stage="churned"),
    )
    with reading(database) as connection:
        found = renewals(connection, {"dana"}, TODAY)
    assert found == [
        Renewal("own", "own", TODAY, Decimal(7), None),
        Renewal("two", "Two", last, Decimal(5), None),
    ]


def test_worries_are_red_with_what_is_next(database: Engine) -> None:
    """Those worth most first; of several open tasks the one due first."""
    put(
        database,
        *account("small", "Small", csm="dana", health=Decimal(20), arr=Decimal(1)),
        *account("unknown", "Unknown", csm="dana", health=Decimal(39)),
        *account("large", "Large", csm="dana", health=Decimal(0), arr=Decimal(100)),
        *account("fine", "Fine", csm="dana", health=Decimal(40), arr=Decimal(1000)),
        task("later", account_id="large", due_at=NOW + timedelta(days=9), title="Later"),
        task("sooner", account_id="large", due_at=NOW, title="Sooner", due_on=TODAY),
        task("done", account_id="small", state="done"),
    )
    with reading(database) as connection:
        found = worries(connection, {"dana"}, BANDS, limit=3)
    assert found == [
        Worry("large", "Large", Decimal(0), Decimal(100), "Sooner", TODAY),
        Worry("small", "Small", Decimal(20), Decimal(1), None, None),
        Worry("unknown", "Unknown", Decimal(39), None, None, None),
    ]
