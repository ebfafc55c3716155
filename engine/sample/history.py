"""The past of one sample customer: what it was like, what changed, and what happened."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from engine.conditions.catalogue import Kind, Value
from engine.sample import contracts, people, series, words
from engine.sample.customers import Customer, Story
from engine.sample.happening import Happening, account_entry, event, happened_at, moment, subject_entry

_ONE_DAY = timedelta(days=1)
_DAILY = timedelta(days=28)
"""Logins are told day by day for this long, week by week before."""


def history(customer: Customer, draw: Random) -> list[Happening]:
    """Everything known about the customer, oldest first; nothing of it lies after `customer.end`."""
    found: list[Happening] = [_beginning(customer, draw)]
    found += series.health(customer, draw)
    found += series.usage(customer, draw)
    found += people.contacts(customer, draw)
    found += contracts.subscriptions(customer, draw)
    found += _tickets(customer, draw)
    found += _logins(customer, draw)
    found += _cancelling(customer, draw)
    return sorted((each for each in found if happened_at(each) <= customer.end), key=happened_at)


def _beginning(customer: Customer, draw: Random) -> Happening:
    return account_entry(
        customer,
        customer.start,
        {
            "name": customer.name,
            "segment": customer.segment,
            "effective_segment": customer.segment,
            "stage": "active",
            "plan": customer.plan,
            "industry": customer.industry,
            "country": customer.place.country,
            "timezone": customer.place.timezone,
            "arr": Decimal(customer.arr),
            "health": None if customer.usual_health is None else Decimal(customer.usual_health),
            "usage": Decimal(round(customer.limit * customer.share[0])),
            "usage_limit": Decimal(customer.limit),
            "seats": Decimal(customer.seats),
            "strategic": customer.arr > 400_000,
            "csm": customer.csm,
            "ae": customer.ae,
            "exec_sponsor": customer.exec_sponsor,
            "customer_since": customer.customer_since,
            "renews_on": contracts.renewal_after(customer, customer.start),
            "nps": Decimal(draw.randint(5, 10)) if draw.random() < 0.6 else None,
            "open_tickets": Decimal(0),
        },
    )


def _tickets(customer: Customer, draw: Random) -> Iterator[Happening]:
    """Four or so in eighteen months; satisfaction is asked when one closes, and sometimes answered."""
    days = (customer.last - customer.start) / _ONE_DAY
    turns: list[tuple[datetime, int]] = []
    for number in range(1, 1 + round(draw.uniform(0.3, 1.7) * 4 * days / 548)):
        opened = moment(draw, customer.start + timedelta(hours=1), customer.last)
        closed = (opened + timedelta(hours=draw.uniform(1, 160))).replace(microsecond=0)
        identity = f"{customer.id}-tic-{number}"
        yield subject_entry(customer, Kind.TICKET, identity, opened, _opened(opened, draw))
        turns.append((opened, 1))
        if closed < customer.last:
            yield from _closed(customer, identity, closed, draw)
            turns.append((closed, -1))
    waiting = 0
    for at, turn in sorted(turns):
        waiting += turn
        yield account_entry(customer, at, {"open_tickets": Decimal(waiting)})


def _opened(opened: datetime, draw: Random) -> dict[str, Value | None]:
    return {
        "subject": draw.choice(words.TICKETS),
        "priority": draw.choices(("low", "medium", "high", "urgent"), (30, 45, 20, 5))[0],
        "status": "open",
        "escalated": draw.random() < 0.04,
        "first_response_minutes": Decimal(draw.randint(4, 600)),
        "opened_at": opened,
    }


def _closed(customer: Customer, identity: str, closed: datetime, draw: Random) -> Iterator[Happening]:
    values: dict[str, Value | None] = {"status": "closed", "closed_at": closed}
    if draw.random() < 0.55:
        values["csat"] = Decimal(draw.choices((1, 2, 3, 4, 5), (4, 6, 15, 40, 35))[0])
        yield account_entry(customer, closed, {"csat": values["csat"]})
    yield subject_entry(customer, Kind.TICKET, identity, closed, values)


def _logins(customer: Customer, draw: Random) -> Iterator[Happening]:
    """Weekdays of the last four weeks, one login a week or two before; the silent ones stop early."""
    last = _last_login(customer, draw)
    recent = max(customer.start, last - _DAILY)
    at = customer.start + timedelta(hours=draw.uniform(1, 60))
    while at < recent:
        yield event(customer, "login", at.replace(microsecond=0))
        at += timedelta(days=draw.uniform(8, 13))
    day = recent
    while day < last - _ONE_DAY:
        if day.weekday() < 5 and draw.random() < 0.8:
            yield event(customer, "login", moment(draw, day, day + _ONE_DAY * 0.4))
        day += _ONE_DAY
    yield event(customer, "login", last)
    yield account_entry(customer, last, {"last_active_at": last})


def _last_login(customer: Customer, draw: Random) -> datetime:
    """Silence of fourteen days counts from here, so it decides when re-engagement becomes due."""
    if customer.story is Story.WENT_SILENT:
        age = timedelta(days=draw.uniform(14.1, 20))
    elif customer.story is Story.GOES_SILENT:
        age = timedelta(days=draw.uniform(10, 13.9))
    else:
        age = timedelta(hours=draw.uniform(1, 70))
    return max(customer.start + timedelta(minutes=1), (customer.last - age).replace(microsecond=0))


def _cancelling(customer: Customer, draw: Random) -> Iterator[Happening]:
    """The request of those who think of leaving, and of most who left."""
    if customer.story is Story.CANCELS:
        asked = moment(draw, max(customer.start, customer.end - timedelta(days=12)), customer.end)
        yield event(customer, "cancel_requested", asked)
    if customer.left_on is not None:
        if draw.random() < 0.7:
            asked = max(customer.start, customer.left_on - timedelta(days=draw.randint(5, 40)))
            yield event(customer, "cancel_requested", asked)
        left = customer.left_on
        yield account_entry(
            customer, left, {"stage": "churned", "churned_on": left.date(), "renews_on": None}
        )
