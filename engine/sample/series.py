"""How a sample customer's numbers move: health, usage and seats."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from engine.conditions.catalogue import Kind
from engine.sample.contracts import subscription_id
from engine.sample.customers import Customer, Story
from engine.sample.happening import Happening, account_entry, moment, subject_entry

_RECENT = timedelta(days=13)
_FINAL_DROPS = {Story.DECLINES: (27, 38), Story.COLLAPSES: (8, 18), Story.CANCELS: (41, 48)}
"""Where health ends up in the last two weeks; a customer that cancels may look well enough until then."""


def health(customer: Customer, draw: Random) -> Iterator[Happening]:
    """A walk every ten days or so that is pulled back to the customer's own level, with the story's dips."""
    if customer.usual_health is None:
        return
    final = _FINAL_DROPS.get(customer.story)
    drop = moment(draw, max(customer.start, customer.end - _RECENT), customer.end - timedelta(hours=2))
    dip = moment(draw, customer.start, max(customer.start, customer.last - timedelta(days=120)))
    floor = 8.0 if customer.story is Story.ADRIFT else 44.0
    level = float(customer.usual_health)
    for at in _every(10, customer.start, drop if final else customer.last, draw):
        level += (customer.usual_health - level) * 0.25 + draw.gauss(0, 2.6)
        level = min(99.0, max(floor, level))
        is_dipped = customer.story is Story.DIPPED and dip <= at < dip + timedelta(days=55)
        yield account_entry(customer, at, {"health": Decimal(round(34 if is_dipped else level))})
    if final:
        yield account_entry(customer, drop, {"health": Decimal(draw.randint(*final))})


def usage(customer: Customer, draw: Random) -> Iterator[Happening]:
    """Usage and seats once a month, on their way from the first share of the limit to the last."""
    for at in _every(30, customer.start, customer.last, draw):
        yield from _used(customer, at, customer.share_at(at) * draw.uniform(0.96, 1.03), draw)
    if customer.story is Story.GROWS:
        low = max(customer.start, customer.end - _RECENT)
        crossing = moment(draw, low, customer.end - timedelta(hours=2))
        yield from _used(customer, crossing, draw.uniform(0.81, 0.87), draw)


def _used(customer: Customer, at: datetime, share: float, draw: Random) -> Iterator[Happening]:
    used = {"usage": Decimal(round(customer.limit * share))}
    seats = Decimal(min(customer.seats, round(customer.seats * draw.uniform(0.55, 0.85))))
    people = {"value": seats - round(seats * Decimal("0.2"))}
    adoption = Decimal(round(40 + 55 * min(1.0, share)))
    yield account_entry(customer, at, {**used, "seats_used": seats, "adoption": adoption})
    yield subject_entry(
        customer, Kind.SUBSCRIPTION, subscription_id(customer, at), at, {**used, "seats_used": seats}
    )
    yield subject_entry(customer, Kind.METRIC, f"{customer.id}:weekly_active_users", at, people)


def _every(days: int, low: datetime, high: datetime, draw: Random) -> Iterator[datetime]:
    """Instants between the two, about that many days apart."""
    at = low + timedelta(days=days * draw.uniform(0.3, 1.0))
    while at < high:
        yield at.replace(microsecond=0)
        at += timedelta(days=days * draw.uniform(0.8, 1.2))
