"""The whole sample book, customer by customer."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from engine.sample.customers import Customer, draw_customer
from engine.sample.happening import Happening
from engine.sample.history import history

HISTORY_DAYS = 548
"""Eighteen months."""


def generate(
    accounts: int, seed: int, end: datetime, *, history_days: int = HISTORY_DAYS
) -> Iterator[Happening]:
    """Every entry and event of the book, each customer's in order of time, none after `end`.

    The same arguments give the same book, and a customer is the same in a book of any size up to 320.
    """
    for customer, draw in customers(accounts, seed, end, history_days=history_days):
        yield from history(customer, draw)


def customers(
    accounts: int, seed: int, end: datetime, *, history_days: int = HISTORY_DAYS
) -> Iterator[tuple[Customer, Random]]:
    """Every customer with the source of chance its history is drawn from."""
    end = end.replace(microsecond=0)
    for index in range(accounts):
        draw = Random(f"{seed}:{index}")
        history = timedelta(days=history_days)
        yield draw_customer(index, draw, accounts=accounts, end=end, history=history), draw
