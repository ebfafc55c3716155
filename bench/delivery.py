"""How many emails a minute leave through the outbox, and what a bare loop over the same wire does.

    .venv/bin/python -m bench.delivery [--emails 4000] [--processes 1 2] [--reply-ms 0] [--database URL]
                                         [--dkim-key FILE]

The outbox holds rendered emails of about 2 kB to as many contacts; deliverers, each a process of its own,
take them to an SMTP server on loopback that answers after `--reply-ms` milliseconds and keeps only a count.
The bare loop sends messages built beforehand over one connection of smtplib, with no bookkeeping: the ratio
is the price of the promise that nothing is lost and nothing sent twice. With `--dkim-key`, a private key in
PEM form, each number of processes is measured once more with every email signed.
"""

import argparse
import asyncio
import itertools
import json
import multiprocessing
import os
import smtplib
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from sqlalchemy import Engine, delete, func, insert, select

from connectors.message import Letter, build_message, on_the_wire
from engine.identity import digest
from engine.outbox.deliver import deliver_batch
from engine.outbox.entry import close_connectors
from engine.outbox.wiring import open_connectors
from engine.settings import Settings
from engine.state import tables
from engine.state.database import open_database, reading, writing
from engine.state.migrate import migrated

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""A Monday morning, so that working hours hold nothing back."""
FEW = 5
"""Contacts of an account, below its cap."""
TEXT = "Good morning. " + "Your team has used Acme every day this week, and more of it than last. " * 12
HTML = (
    f"<html><body><h1>Your week</h1><p>{TEXT}</p><p><a href='https://acme.example'>More</a></p></body></html>"
)


def main() -> None:
    """Measure each number of processes and the bare loop, interleaved, and print medians."""
    arguments = _arguments()
    keys = ("", arguments.dkim_key) if arguments.dkim_key else ("",)
    with tempfile.TemporaryDirectory() as folder, _sink(arguments.reply_ms / 1000) as (port, taken):
        url = arguments.database or f"sqlite:///{folder}/tminus.db"
        database = migrated(url)
        rates: dict[str, list[float]] = {}
        for _ in range(arguments.rounds):
            rates.setdefault("bare loop", []).append(_bare(port, arguments.emails))
            for count, key in itertools.product(arguments.processes, keys):
                _fill(database, arguments.emails)
                before = taken.value
                rate = _measure(url, port, count, arguments.emails, key)
                assert taken.value - before == arguments.emails, (taken.value, before)
                assert _completed(database) == arguments.emails
                signed = ", signed" if key else ""
                rates.setdefault(f"{count} processes{signed}", []).append(rate)
        database.dispose()
    bare = statistics.median(rates["bare loop"])
    for name, found in rates.items():
        median = statistics.median(found)
        print(
            json.dumps(
                {"way": name, "emails_a_minute": round(median * 60), "of_bare": round(median / bare, 3)}
            )
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--emails", type=int, default=4000)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reply-ms", type=float, default=0.0)
    parser.add_argument("--database", default="")
    parser.add_argument("--dkim-key", default="")
    return parser.parse_args()


def _bare(port: int, emails: int) -> float:
    """Messages a second of one connection that does nothing else."""
    prepared = [
        on_the_wire(build_message(_letter(digest("bare", str(number)), f"c{number}@x.example")))
        for number in range(min(emails, 500))
    ]
    with smtplib.SMTP("127.0.0.1", port) as client:
        began = time.perf_counter()
        for number in range(emails):
            client.sendmail("success@acme.example", f"c{number}@x.example", prepared[number % len(prepared)])
        return emails / (time.perf_counter() - began)


def _letter(identity: str, recipient: str) -> Letter:
    return Letter(identity, "Acme <success@acme.example>", recipient, "Your week", TEXT, HTML, NOW)


def _fill(database: Engine, emails: int) -> None:
    """An open run, `emails` contacts, five to an account, and an email for each."""
    with writing(database) as connection:
        for model in (tables.Attempt, tables.Outbox, tables.Contact, tables.Run, tables.Account):
            connection.execute(delete(model))
        accounts = [{"id": f"a{each}", "name": "A", "timezone": "UTC"} for each in range(emails // FEW + 1)]
        connection.execute(insert(tables.Account), accounts)
        connection.execute(insert(tables.Run), [_RUN])
        for first in range(0, emails, 500):
            numbers = range(first, min(first + 500, emails))
            connection.execute(insert(tables.Contact), [_contact(each) for each in numbers])
            connection.execute(insert(tables.Outbox), [_entry(each) for each in numbers])


_RUN = {
    "id": "r",
    "account_id": "a0",
    "playbook": "p",
    "version": "v",
    "kind": "account",
    "subject_id": "a",
    "key": "",
    "generation": 1,
    "state": "open",
    "started_at": NOW,
    "reason": "",
}


def _contact(number: int) -> dict[str, Any]:
    return {
        "id": f"c{number}",
        "account_id": f"a{number // FEW}",
        "email": f"c{number}@x.example",
        "status": "active",
        "consent": "granted",
    }


def _entry(number: int) -> dict[str, Any]:
    return {
        "id": digest("bench", str(number)),
        "run_id": "r",
        "account_id": f"a{number // FEW}",
        "playbook": "p",
        "step": "s",
        "contact_id": f"c{number}",
        "connector": "email",
        "recipient": f"c{number}@x.example",
        "address": f"c{number}@x.example",
        "priority": 50,
        "topic": "product",
        "subject": "Your week",
        "payload": {"html": HTML, "text": TEXT},
        "state": "available",
        "available_at": NOW - timedelta(minutes=1),
        "attempts": 0,
        "created_at": NOW,
    }


def _measure(url: str, port: int, processes: int, emails: int, key: str) -> float:
    """Emails a second, from the first deliverer's start to the last one's end."""
    context = multiprocessing.get_context("spawn")
    ready, go = context.Semaphore(0), context.Event()
    workers = [context.Process(target=_work, args=(url, port, key, ready, go)) for _ in range(processes)]
    for each in workers:
        each.start()
    for _ in workers:
        ready.acquire()
    began = time.perf_counter()
    go.set()
    for each in workers:
        each.join()
    return emails / (time.perf_counter() - began)


def _work(url: str, port: int, key: str, ready: Any, go: Any) -> None:
    database = open_database(url)
    settings = _settings(port, key)
    connectors = open_connectors(settings, database)
    ready.release()
    go.wait()
    owner = f"bench:{os.getpid()}"
    while deliver_batch(database, connectors, settings, now=NOW, owner=owner, limit=100_000).handled:
        pass
    close_connectors(connectors)
    database.dispose()


def _settings(port: int, key: str) -> Settings:
    dkim = {"domain": "acme.example", "selector": "bench", "key": key} if key else None
    return Settings(
        connectors={"email": {"kind": "smtp", "host": "127.0.0.1", "port": port, "security": "none"}},
        email={"sender": "Acme <success@acme.example>", "dkim": dkim},
        console={"public_url": "https://acme.example"},
    )


def _completed(database: Engine) -> int:
    outbox: Any = tables.Outbox.__table__  # type: ignore[attr-defined]
    with reading(database) as connection:
        query = select(func.count()).where(outbox.c.state == "completed")
        return int(connection.scalar(query) or 0)


@contextmanager
def _sink(delay: float) -> Iterator[tuple[int, "Synchronized[int]"]]:
    """An SMTP server in a process of its own, and how many messages it has taken."""
    context = multiprocessing.get_context("spawn")
    taken = context.Value("q", 0)
    port = context.Value("i", 0)
    up = context.Event()
    process = context.Process(target=_serve, args=(delay, taken, port, up), daemon=True)
    process.start()
    up.wait(10)
    try:
        yield port.value, taken
    finally:
        process.terminate()


def _serve(delay: float, taken: "Synchronized[int]", port: "Synchronized[int]", up: Any) -> None:
    async def run() -> None:
        server = await asyncio.start_server(
            lambda r, w: _converse(r, w, delay, taken), "127.0.0.1", 0, limit=2**20
        )
        port.value = server.sockets[0].getsockname()[1]
        up.set()
        await server.serve_forever()

    asyncio.run(run())


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, taken: "Synchronized[int]"
) -> None:
    """Just enough of RFC 5321 and PIPELINING to take messages as fast as they come."""
    writer.write(b"220 sink\r\n")
    try:
        while line := await reader.readline():
            verb = line[:4].upper()
            if delay:
                await writer.drain()
                await asyncio.sleep(delay)
            if verb == b"EHLO":
                writer.write(b"250-sink\r\n250 PIPELINING\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                taken.value += 1
                writer.write(b"250 taken\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


if __name__ == "__main__":
    main()
