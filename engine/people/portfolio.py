"""What somebody looks after, at a glance: how many accounts, how they are, and which renew next."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, exists, func, or_, select

from engine.health.bands import Bands
from engine.health.config import Colour
from engine.state.tables import Account, Subscription, Task

_ACCOUNT: Table = Account.__table__  # type: ignore[attr-defined]
_SUBSCRIPTION: Table = Subscription.__table__  # type: ignore[attr-defined]
_TASK: Table = Task.__table__  # type: ignore[attr-defined]

RENEWING_WITHIN = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Accounts that are customers, with what they are worth a year and how they are."""

    accounts: int
    arr: Decimal
    by_colour: dict[Colour, int]
    """How many are green, amber and red by their health's band; the rest have no health."""

    @property
    def without_health(self) -> int:
        """Accounts of which nobody knows how they are."""
        return self.accounts - sum(self.by_colour.values())


@dataclass(frozen=True, slots=True)
class Renewal:
    """A contract that ends soon."""

    account_id: str
    account: str
    on: date
    arr: Decimal | None
    health: Decimal | None


@dataclass(frozen=True, slots=True)
class Worry:
    """An account that is not well, and what is under way for it."""

    account_id: str
    account: str
    health: Decimal
    arr: Decimal | None
    task: str | None
    """The title of its open task that is due first."""
    due_on: date | None


def portfolio(connection: Connection, csms: Collection[str], bands: Bands) -> Portfolio:
    """What these people look after."""
    colours = {colour: func.count().filter(_is_of(bands, colour)) for colour in _COLOURS}
    query = select(
        func.count().label("accounts"), func.sum(_ACCOUNT.c.arr).label("arr"), *colours.values()
    ).where(_looked_after(csms))
    accounts, arr, *counts = connection.execute(query).one()
    return Portfolio(accounts, arr or Decimal(0), dict(zip(colours, counts, strict=True)))


def renewals(connection: Connection, csms: Collection[str], today: date) -> list[Renewal]:
    """Contracts that end within 90 days from today on, the soonest first.

    An account renews with its subscriptions; where none of them says when, on its own date.
    """
    last = today + RENEWING_WITHIN
    account, subscription = _ACCOUNT.c, _SUBSCRIPTION.c
    runs_on = and_(subscription.account_id == account.id, subscription.status.is_distinct_from("ended"))
    own = (account.id, account.name, account.health)
    contracts = (
        select(*own, subscription.renews_on, func.coalesce(subscription.arr, account.arr).label("arr"))
        .join(_SUBSCRIPTION, runs_on)
        .where(_looked_after(csms), subscription.renews_on.between(today, last))
    )
    says_when = exists().where(runs_on, subscription.renews_on.is_not(None))
    accounts = select(*own, account.renews_on, account.arr).where(
        _looked_after(csms), account.renews_on.between(today, last), ~says_when
    )
    rows = [*connection.execute(contracts), *connection.execute(accounts)]
    found = [Renewal(row.id, row.name or row.id, row.renews_on, row.arr, row.health) for row in rows]
    return sorted(found, key=lambda each: (each.on, -(each.arr or 0), each.account_id))


def worries(connection: Connection, csms: Collection[str], bands: Bands, *, limit: int) -> list[Worry]:
    """The accounts whose health is red, those that are worth most first."""
    account = _ACCOUNT.c
    query = (
        select(account.id, account.name, account.health, account.arr)
        .where(_looked_after(csms), _is_of(bands, "red"))
        .order_by(account.arr.desc().nulls_last(), account.id)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    next_tasks = _next_tasks(connection, [row.id for row in rows])
    return [
        Worry(row.id, row.name or row.id, row.health, row.arr, *next_tasks.get(row.id, (None, None)))
        for row in rows
    ]


def _next_tasks(connection: Connection, accounts: list[str]) -> dict[str, tuple[str, date]]:
    task = _TASK.c
    query = select(task.account_id, task.title, task.due_on).where(
        task.account_id.in_(accounts), task.state == "open"
    )
    found: dict[str, tuple[str, date]] = {}
    for row in connection.execute(query.order_by(task.due_at, task.id)):
        found.setdefault(row.account_id, (row.title, row.due_on))
    return found


def _looked_after(csms: Collection[str]) -> ColumnElement[bool]:
    is_customer = or_(_ACCOUNT.c.stage.is_(None), _ACCOUNT.c.stage != "churned")
    return and_(_ACCOUNT.c.csm.in_(sorted(csms)), is_customer)


def _is_of(bands: Bands, colour: Colour) -> Any:
    """The condition that an account's health lies in a band of this colour."""
    health = _ACCOUNT.c.health
    found = []
    above: Decimal | None = None
    for band in bands.bands:
        if band.colour == colour:
            from_here = health >= band.at_least if band is not bands.bands[-1] else health.is_not(None)
            found.append(from_here if above is None else and_(from_here, health < above))
        above = band.at_least
    return or_(False, *found)


_COLOURS: tuple[Colour, ...] = ("green", "amber", "red")
