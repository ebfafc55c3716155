"""The sample customers go on living: what happens to them at one instant, and nothing if it is too soon."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from random import Random

from sqlalchemy import ColumnElement, Connection, Engine, Table, select

from engine.conditions.catalogue import Catalogue, Kind, Value
from engine.identity import digest
from engine.sample.happening import Happening
from engine.sample.seed import SEED, take_in
from engine.state.database import reading
from engine.state.ingest import Entry, EventEntry
from engine.state.tables import Account, Contact, Subscription

_LOGINS = (1, 3)
_QUIET_SHARE = 16
"""One tech-touch customer in so many no longer logs in."""


@dataclass(frozen=True, slots=True)
class Resident:
    """What the life of a customer goes on from."""

    id: str
    segment: str | None
    health: Decimal | None
    usage: Decimal | None
    limit: Decimal | None
    champion: str | None
    """Its active champion's contact id."""
    subscription: str | None
    """The subscription under way."""

    @property
    def is_quiet(self) -> bool:
        """Whether nobody there logs in any more."""
        return self.segment == "tech_touch" and int(digest(self.id, "quiet"), 16) % _QUIET_SHARE == 0


def live(database: Engine, catalogue: Catalogue, now: datetime, *, seed: int = SEED) -> int:
    """Take in what happens at `now`; the number of changes and events written."""
    return take_in(database, catalogue, happenings(now, residents(database), seed))


def happenings(now: datetime, customers: Sequence[Resident], seed: int) -> list[Happening]:
    """A few logins, most times; now and then more. The same instant and customers give the same."""
    now = now.replace(microsecond=0)
    draw = Random(f"{seed}:{now.isoformat()}")
    awake = [each for each in customers if not each.is_quiet]
    if not awake:
        return []
    found: list[Happening] = []
    for each in draw.sample(awake, min(len(awake), draw.randint(*_LOGINS))):
        found += _login(each, now, draw)
    for chance, happen in _CHANCES:
        if draw.random() < chance:
            found += happen(draw.choice(awake), now, draw)
    return found


def residents(database: Engine) -> list[Resident]:
    """The customers of the book that have not left, in a fixed order."""
    account: Table = Account.__table__  # type: ignore[attr-defined]
    contact: Table = Contact.__table__  # type: ignore[attr-defined]
    subscription: Table = Subscription.__table__  # type: ignore[attr-defined]
    with reading(database) as connection:
        champions = _by_account(
            connection, contact, contact.c.role == "champion", contact.c.status == "active"
        )
        running = _by_account(connection, subscription, subscription.c.status == "active")
        columns = (account.c.id, account.c.segment, account.c.health, account.c.usage, account.c.usage_limit)
        rows = connection.execute(
            select(*columns).where(account.c.stage == "active").order_by(account.c.id)
        ).all()
    return [Resident(*row, champions.get(row[0]), running.get(row[0])) for row in rows]


def _by_account(connection: Connection, table: Table, *wanted: ColumnElement[bool]) -> dict[str, str]:
    """The id of the row that each account has; the last where it has several."""
    rows = connection.execute(select(table.c.account_id, table.c.id).where(*wanted).order_by(table.c.id))
    return {row.account_id: row.id for row in rows}


def _login(customer: Resident, now: datetime, draw: Random) -> list[Happening]:
    return [_event(customer, "login", now), _account(customer, now, {"last_active_at": now})]


def _drift(customer: Resident, now: datetime, draw: Random) -> list[Happening]:
    """Health moves a little, and towards the middle from either end, without crossing 40 downwards."""
    if customer.health is None:
        return []
    lift = 2 if customer.health < 60 else -1 if customer.health > 88 else 0
    lowest = Decimal(41) if customer.health > 40 else customer.health
    moved = max(lowest, min(Decimal(98), customer.health + draw.randint(-3, 3) + lift))
    return [_account(customer, now, {"health": moved})] if moved != customer.health else []


def _slump(customer: Resident, now: datetime, draw: Random) -> list[Happening]:
    if customer.health is None or customer.health < 45:
        return []
    return [_account(customer, now, {"health": Decimal(draw.randint(24, 38))})]


def _grow(customer: Resident, now: datetime, draw: Random) -> list[Happening]:
    """Usage grows, up to three quarters of the limit."""
    if not customer.usage or not customer.limit:
        return []
    grown = min(customer.limit * 3 // 4, customer.usage * (1000 + draw.randint(-4, 12)) // 1000)
    return _used(customer, now, grown) if customer.usage < grown else []


def _spurt(customer: Resident, now: datetime, draw: Random) -> list[Happening]:
    if not customer.usage or not customer.limit or customer.usage * 5 >= customer.limit * 4:
        return []
    return _used(customer, now, customer.limit * draw.randint(80, 88) // 100)


def _used(customer: Resident, now: datetime, usage: Decimal) -> list[Happening]:
    found: list[Happening] = [_account(customer, now, {"usage": usage})]
    if customer.subscription:
        found.append(_entry(customer, Kind.SUBSCRIPTION, customer.subscription, now, {"usage": usage}))
    return found


def _departure(customer: Resident, now: datetime, draw: Random) -> list[Happening]:
    if customer.champion is None:
        return []
    return [_entry(customer, Kind.CONTACT, customer.champion, now, {"status": "departed"})]


def _cancellation(customer: Resident, now: datetime, draw: Random) -> list[Happening]:
    return [_event(customer, "cancel_requested", now)]


_CHANCES: tuple[tuple[float, Callable[[Resident, datetime, Random], list[Happening]]], ...] = (
    (0.5, _drift),
    (0.4, _grow),
    (0.02, _slump),
    (0.01, _spurt),
    (0.006, _departure),
    (0.004, _cancellation),
)
"""What may happen besides logins, with its chance at each instant."""


def _account(customer: Resident, now: datetime, values: Mapping[str, Value | None]) -> Entry:
    return _entry(customer, Kind.ACCOUNT, customer.id, now, values)


def _entry(
    customer: Resident, kind: Kind, subject_id: str, now: datetime, values: Mapping[str, Value | None]
) -> Entry:
    return Entry(kind, subject_id, customer.id, values, now, now)


def _event(customer: Resident, name: str, now: datetime) -> EventEntry:
    identity = digest(customer.id, name, now.isoformat())
    return EventEntry(f"sample-{identity}", customer.id, name, now, now)
