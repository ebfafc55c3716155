"""What a tick costs, and how that grows with the book.

    .venv/bin/python -m bench.ticks [--sizes 10000 100000] [--rounds 5] [--folder DIR]

Per size: the full evaluation of a book, a tick with 1,000 changed accounts and a tick with none, on
SQLite with the shipped playbooks and durable-rules confirming. Two limits are measured beside them in
the same run: a bare indexed select of the 1,000 changed rows, and reading every account row by column.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from sqlalchemy import Engine, select

from engine.conditions.catalogue import Kind
from engine.match.choice import open_matcher
from engine.rulebook import Library
from engine.sample.seed import seed
from engine.settings import Settings, load_settings
from engine.state import tables
from engine.state.database import reading
from engine.state.ingest import Entry, ingest
from engine.state.migrate import migrated
from engine.tick import Ticker

END = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANGED = 1_000


@dataclass
class Book:
    """One seeded database with its own ticker and clock."""

    accounts: int
    database: Engine
    ticker: Ticker
    now: datetime = END
    changes: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def timed(self, name: str, action: Callable[[], Any]) -> Any:
        """Run `action`, keeping its seconds under `name`."""
        began = perf_counter()
        result = action()
        self.seconds.setdefault(name, []).append(perf_counter() - began)
        return result


def open_book(settings: Settings, folder: Path, accounts: int, history_days: int) -> Book:
    """A book of that size, seeded and not evaluated yet."""
    database = migrated(f"sqlite:///{folder / f'{accounts}.db'}")
    catalogue = settings.catalogue()
    seed(database, catalogue, accounts=accounts, end=END, history_days=history_days)
    library = Library(settings, catalogue, database)
    return Book(accounts, database, Ticker(database, settings, library, open_matcher(settings)))


def change_accounts(book: Book) -> None:
    """Give 1,000 accounts, spread over the book, a new health."""
    book.now += timedelta(minutes=1)
    book.changes += 1
    step = max(book.accounts // CHANGED, 1)
    with reading(book.database) as connection:
        account: Any = tables.Account.__table__  # type: ignore[attr-defined]
        ids = list(connection.scalars(select(account.c.id).order_by(account.c.id)))[::step][:CHANGED]
    health = Decimal(60 + book.changes % 30)
    entries = [
        Entry(Kind.ACCOUNT, account_id, account_id, {"health": health}, book.now, book.now)
        for account_id in ids
    ]
    ingest(book.database, book.ticker.library.catalogue, entries, source="bench")


def bare_select(book: Book) -> int:
    """The limit for a tick over changed accounts: only finding and reading their rows."""
    account: Any = tables.Account.__table__  # type: ignore[attr-defined]
    watch: Any = tables.Watch.__table__  # type: ignore[attr-defined]
    query = select(account).join(watch, watch.c.account_id == account.c.id).where(watch.c.due_at <= book.now)
    with reading(book.database) as connection:
        return len(connection.execute(query).all())


def read_all(book: Book) -> int:
    """The limit for a full evaluation: reading every account row."""
    account: Any = tables.Account.__table__  # type: ignore[attr-defined]
    with reading(book.database) as connection:
        return sum(1 for _ in connection.execute(select(account)))


def measure(book: Book) -> None:
    """One round of a tick with 1,000 changed and one with none, with the limit beside them."""
    change_accounts(book)
    book.timed("bare select of changed", lambda: bare_select(book))
    book.timed("tick, 1,000 changed", lambda: book.ticker.tick(book.now))
    book.now += timedelta(seconds=1)
    book.ticker.tick(book.now)
    book.now += timedelta(seconds=1)
    book.timed("tick, none changed", lambda: book.ticker.tick(book.now))


def main() -> None:
    """Measure and print medians, ratios to the limits, and growth between the sizes."""
    arguments = _arguments()
    settings = load_settings()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        books = [open_book(settings, Path(folder), size, arguments.history_days) for size in arguments.sizes]
        for book in books:
            book.timed("read every account", partial(read_all, book))
            book.timed("full evaluation", partial(book.ticker.tick, book.now))
            measure(book)
            for name in ("bare select of changed", "tick, 1,000 changed", "tick, none changed"):
                book.seconds[name].clear()
        for _ in range(arguments.rounds):
            for book in books:
                measure(book)
        for book in books:
            book.ticker.matcher.close()
    print(json.dumps(_summary(books), indent=2))


def _summary(books: list[Book]) -> dict[str, Any]:
    medians = {
        book.accounts: {name: statistics.median(seconds) for name, seconds in book.seconds.items()}
        for book in books
    }
    small, large = medians[books[0].accounts], medians[books[-1].accounts]
    return {
        "milliseconds": {
            size: {name: round(value * 1000, 2) for name, value in found.items()}
            for size, found in medians.items()
        },
        "times the limit": {
            size: {
                "full evaluation / reading every account": round(
                    found["full evaluation"] / found["read every account"], 1
                ),
                "tick of 1,000 / bare select of them": round(
                    found["tick, 1,000 changed"] / found["bare select of changed"], 1
                ),
            }
            for size, found in medians.items()
        },
        f"growth from {books[0].accounts} to {books[-1].accounts} accounts": {
            name: round(large[name] / small[name], 2) for name in large
        },
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--history-days", type=int, default=14)
    parser.add_argument("--folder", default=None)
    return parser.parse_args()


if __name__ == "__main__":
    main()
