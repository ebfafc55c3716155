"""The sample customers go on living: what happens to them at one instant, and nothing if it is too soon."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TypeAlias

from sqlalchemy import ColumnElement, Connection, Engine, Table, select

from engine.conditions.catalogue import Catalogue, Kind, Value
from engine.identity import digest
from engine.sample.happening import Happening
from engine.sample.seed import SEED, take_in
from engine.sample.words import person
from engine.state.database import reading
from engine.state.ingest import Entry, EventEntry
from engine.state.tables import Account, Contact, Subscription

_LOGINS = (1, 3)
_QUIET_SHARE = 16
"""One tech-touch customer in so many no longer logs in."""
_LIVELY = 1_000
"""Customers that live. The others of a large book only exist, so that living costs the same in any book."""
_SILENT_AFTER = timedelta(days=9)
"""Who has been away that long stays away, but for the few who return."""


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
    last_active_at: datetime | None = None

    def is_quiet(self, now: datetime) -> bool:
        """Whether nobody there logs in any more."""
        if self.segment != "tech_touch":
            return False
        is_away = self.last_active_at is not None and now - self.last_active_at > _SILENT_AFTER
        return is_away or int(digest(self.id, "quiet"), 16) % _QUIET_SHARE == 0

    @property
    def is_near_limit(self) -> bool:
        """Whether it uses 80 % of its limit or more."""
        return bool(self.usage and self.limit) and self.usage * 5 >= self.limit * 4  # type: ignore[operator]


def live(database: Engine, catalogue: Catalogue, now: datetime, *, seed: int = SEED) -> int:
    """Take in what happens at `now`; the number of changes and events written."""
    return take_in(database, catalogue, happenings(now, residents(database), seed))


def happenings(now: datetime, customers: Sequence[Resident], seed: int) -> list[Happening]:
    """A few logins, most times; now and then more. The same instant and customers give the same."""
    now = now.replace(microsecond=0)
    draw = Random(f"{seed}:{now.isoformat()}")
    quiet = [each for each in customers if each.is_quiet(now)]
    awake = [each for each in customers if not each.is_quiet(now)]
    found: list[Happening] = []
    for each in draw.sample(awake, min(len(awake), draw.randint(*_LOGINS))):
        found += _login(each, now, draw)
    if quiet and draw.random() < _RETURNS:
        found += _login(draw.choice(quiet), now, draw)
    for chance, may, happen in _CHANCES:
        able = [each for each in awake if may(each)]
        if draw.random() < chance and able:
            found += happen(draw.choice(able), now, draw)
    return found


def residents(database: Engine) -> list[Resident]:
    """The customers of the book that have not left, in a fixed order; of a large book only the first."""
    account: Table = Account.__table__  # type: ignore[attr-defined]
    contact: Table = Contact.__table__  # type: ignore[attr-defined]
    subscription: Table = Subscription.__table__  # type: ignore[attr-defined]
    with reading(database) as connection:
        rows = connection.execute(
            select(account).where(account.c.stage == "active").order_by(account.c.id).limit(_LIVELY)
        ).all()
        ids = [row.id for row in rows]
        is_champion = (contact.c.role == "champion") & (contact.c.status == "active")
        champions = _by_account(connection, contact, ids, is_champion)
        running = _by_account(connection, subscription, ids, subscription.c.status == "active")
    return [
        Resident(
            row.id,
            row.segment,
            row.health,
            row.usage,
            row.usage_limit,
            champions.get(row.id),
            running.get(row.id),
            row.last_active_at,
        )
        for row in rows
    ]


def _by_account(
    connection: Connection, table: Table, ids: list[str], wanted: ColumnElement[bool]
) -> dict[str, str]:
    """The id of the wanted row that each account has; the last where it has several."""
    query = select(table.c.account_id, table.c.id).where(table.c.account_id.in_(ids), wanted)
    rows = connection.execute(query.order_by(table.c.id))
    return {row.account_id: row.id for row in rows}


def _login(customer: Resident, now: datetime, draw: Random) -> list[Happening]:
    return [_event(customer, "login", now), _account(customer, now, {"last_active_at": now})]


def _drift(customer: Resident, now: datetime, draw: Random) -> list[Happening]:
    """Health moves a little, and towards the middle from either end, without crossing 40 downwards."""
    assert customer.health is not None
    lift = 2 if customer.health < 60 else -1 if customer.health > 88 else 0
    lowest = Decimal(41) if customer.health > 40 else customer.health
    moved = max(lowest, min(Decimal(98), customer.health + draw.randint(-3, 3) + lift))
    return [_account(customer, now, {"health": moved})] if moved != customer.health else []


def _slump(customer: Resident, now: datetime, draw: Random) -> list[Happening]:
    return [_account(customer, now, {"health": Decimal(draw.randint(24, 38))})]


def _grow(customer: Resident, now: datetime, draw: Random) -> list[Happening]:
    """Usage grows, up to three quarters of the limit."""
    assert customer.usage is not None
    assert customer.limit is not None
    grown = min(customer.limit * 3 // 4, customer.usage * (1000 + draw.randint(-4, 12)) // 1000)
    return _used(customer, now, grown) if customer.usage < grown else []


def _spurt(customer: Resident, now: datetime, draw: Random) -> list[Happening]:
    assert customer.limit is not None
    return _used(customer, now, customer.limit * draw.randint(80, 88) // 100)


def _used(customer: Resident, now: datetime, usage: Decimal) -> list[Happening]:
    found: list[Happening] = [_account(customer, now, {"usage": usage})]
    if customer.subscription:
        found.append(_entry(customer, Kind.SUBSCRIPTION, customer.subscription, now, {"usage": usage}))
    return found


def _departure(customer: Resident, now: datetime, draw: Random) -> list[Happening]:
    assert customer.champion is not None
    return [_entry(customer, Kind.CONTACT, customer.champion, now, {"status": "departed"})]


def _cancellation(customer: Resident, now: datetime, draw: Random) -> list[Happening]:
    return [_event(customer, "cancel_requested", now)]


def _arrival(customer: Resident, now: datetime, draw: Random) -> list[Happening]:
    """Somebody new becomes the champion."""
    name = person(draw, "english")
    identity = f"{customer.id}-con-{digest(customer.id, now.isoformat())}"
    values: dict[str, Value | None] = {
        "name": name,
        "email": f"{identity}@{customer.id}.example",
        "title": "Head of Operations",
        "role": "champion",
        "level": "director",
        "status": "active",
        "consent": "granted",
    }
    return [_entry(customer, Kind.CONTACT, identity, now, values)]


def _upgrade(customer: Resident, now: datetime, draw: Random) -> list[Happening]:
    """The next plan holds half as much again."""
    assert customer.limit is not None
    limit = customer.limit * 3 // 2
    found: list[Happening] = [
        _event(customer, "plan_upgraded", now),
        _account(customer, now, {"usage_limit": limit}),
    ]
    if customer.subscription:
        found.append(_entry(customer, Kind.SUBSCRIPTION, customer.subscription, now, {"limit": limit}))
    return found


_RETURNS = 0.003
"""The chance at each instant that a quiet customer logs in again."""

_May: TypeAlias = Callable[[Resident], bool]
_Happen: TypeAlias = Callable[[Resident, datetime, Random], list[Happening]]

_CHANCES: tuple[tuple[float, _May, _Happen], ...] = (
    (0.5, lambda each: each.health is not None, _drift),
    (0.4, lambda each: bool(each.usage and each.limit) and not each.is_near_limit, _grow),
    (0.02, lambda each: each.health is not None and each.health >= 45, _slump),
    (0.01, lambda each: bool(each.usage and each.limit) and not each.is_near_limit, _spurt),
    (0.01, lambda each: each.is_near_limit, _upgrade),
    (0.012, lambda each: each.champion is not None, _departure),
    (0.012, lambda each: each.champion is None, _arrival),
    (0.005, lambda each: True, _cancellation),
)
"""What may happen besides logins: its chance at each instant, to whom it may, and what it is."""


def _account(customer: Resident, now: datetime, values: Mapping[str, Value | None]) -> Entry:
    return _entry(customer, Kind.ACCOUNT, customer.id, now, values)


def _entry(
    customer: Resident, kind: Kind, subject_id: str, now: datetime, values: Mapping[str, Value | None]
) -> Entry:
    return Entry(kind, subject_id, customer.id, values, now, now)


def _event(customer: Resident, name: str, now: datetime) -> EventEntry:
    identity = digest(customer.id, name, now.isoformat())
    return EventEntry(f"sample-{identity}", customer.id, name, now, now)
