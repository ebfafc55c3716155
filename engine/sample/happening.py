"""What the sample is made of: entries and events, learned at the moment they are so."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import TypeAlias

from engine.conditions.catalogue import Kind, Value
from engine.identity import digest
from engine.sample.customers import Customer
from engine.state.ingest import Entry, EventEntry

Happening: TypeAlias = Entry | EventEntry


def happened_at(happening: Happening) -> datetime:
    """When it was so."""
    return happening.effective_at if isinstance(happening, Entry) else happening.occurred_at


def account_entry(customer: Customer, at: datetime, values: Mapping[str, Value | None]) -> Entry:
    """What became so of the customer itself."""
    return subject_entry(customer, Kind.ACCOUNT, customer.id, at, values)


def subject_entry(
    customer: Customer, kind: Kind, subject_id: str, at: datetime, values: Mapping[str, Value | None]
) -> Entry:
    """What became so of one of the customer's contacts, subscriptions or tickets."""
    return Entry(kind, subject_id, customer.id, values, at, at)


def event(customer: Customer, name: str, at: datetime, subject_id: str | None = None) -> EventEntry:
    """Something that happened at `at`."""
    identity = digest(customer.id, name, at.isoformat())
    return EventEntry(f"sample-{identity}", customer.id, name, at, at, subject_id)


def moment(draw: Random, low: datetime, high: datetime) -> datetime:
    """Some whole second between the two; `low` where there is no room."""
    seconds = int((high - low).total_seconds())
    return low + timedelta(seconds=draw.randrange(seconds)) if seconds > 0 else low
