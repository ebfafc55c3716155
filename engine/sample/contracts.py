"""A sample customer's contracts: one subscription a year, each begun where the last one ended."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from engine.conditions.catalogue import Kind, Value
from engine.sample.customers import TERM, Customer
from engine.sample.happening import Happening, account_entry, event, moment, subject_entry


def subscription_id(customer: Customer, at: datetime) -> str:
    """The subscription under way at that time."""
    return _id(customer, renewal_after(customer, at))


def renewal_after(customer: Customer, at: datetime) -> date:
    """The end of the term under way at that time."""
    renewal = customer.renews_on
    while _midnight(renewal - TERM) > at:
        renewal -= TERM
    return renewal


def subscriptions(customer: Customer, draw: Random) -> Iterator[Happening]:
    """Every term that touches the history, with its signature, its end and the next one's beginning."""
    renewal = renewal_after(customer, customer.start)
    yield _begun(customer, renewal, customer.start)
    while _midnight(renewal) < customer.last:
        yield from _renewed(customer, renewal, draw)
        renewal += TERM
        yield _begun(customer, renewal, _midnight(renewal - TERM))
    identity = _id(customer, renewal)
    if customer.left_on is not None:
        ended: dict[str, Value | None] = {
            "status": "ended",
            "ended_on": customer.left_on.date(),
            "signed": False,
        }
        yield subject_entry(customer, Kind.SUBSCRIPTION, identity, customer.left_on, ended)
    elif renewal - customer.end.date() < timedelta(days=25) and draw.random() < 0.5:
        at = moment(draw, customer.end - timedelta(days=10), customer.end)
        yield subject_entry(customer, Kind.SUBSCRIPTION, identity, max(at, customer.start), {"signed": True})


def _begun(customer: Customer, renewal: date, at: datetime) -> Happening:
    started = renewal - TERM
    return subject_entry(
        customer,
        Kind.SUBSCRIPTION,
        _id(customer, renewal),
        at,
        {
            "plan": customer.plan,
            "term": f"{started:%Y-%m}/{renewal:%Y-%m}",
            "status": "active",
            "started_on": started,
            "renews_on": renewal,
            "seats": Decimal(customer.seats),
            "usage": Decimal(round(customer.limit * customer.share_at(at))),
            "limit": Decimal(customer.limit),
            "mrr": Decimal(customer.arr) / 12 // 1,
            "arr": Decimal(customer.arr),
            "auto_renew": not customer.is_managed,
            "signed": False,
        },
    )


def _renewed(customer: Customer, renewal: date, draw: Random) -> Iterator[Happening]:
    identity = _id(customer, renewal)
    ends = _midnight(renewal)
    signs = moment(draw, max(customer.start, ends - timedelta(days=28)), ends - timedelta(hours=1))
    yield subject_entry(customer, Kind.SUBSCRIPTION, identity, signs, {"signed": True})
    yield event(customer, "renewed", ends, identity)
    yield subject_entry(customer, Kind.SUBSCRIPTION, identity, ends, {"status": "ended", "ended_on": renewal})
    yield account_entry(customer, ends, {"renews_on": renewal + TERM})


def _id(customer: Customer, renewal: date) -> str:
    return f"{customer.id}-sub-{renewal:%Y}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), UTC)
