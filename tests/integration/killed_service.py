"""Kills a process that ticks and delivers at random moments, again and again, and lets a last one finish.

Run as a program of its own, which has one thread, so that it may fork: each life is a child, ended by
SIGKILL from outside at a random moment of its work. Nothing of this is known to the engine.

    killed_service.py DATABASE_URL FOLDER SMTP_PORT ON_UNKNOWN ACCOUNTS KILLS SEED

prints one line of JSON: how many of the kills hit a life that still had work.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from engine.conditions.catalogue import Kind
from engine.outbox.deliver import Deliverer
from engine.outbox.entry import close_connectors
from engine.outbox.wiring import open_connectors
from engine.settings import Settings
from engine.state.database import open_database
from tests.builders import START, Company, account, company, entry

PLAYBOOK = """
playbook: welcome
title: A welcome
owner: cs
subject: account
guard: {max_starts: 100000, within: 1h}
when: {field: account.health, at_least: 40}
steps:
  - {id: call, day: 0, task: {to: csm, title: "Call {{ account.name }}", due: 1bd}}
  - {id: mail, day: 0, email: {to: [champion], template: hello, topic: product}}
"""
HANDFUL_SECONDS = 1.2
"""How long a handful of emails takes; a life lasts up to so much longer than a tick."""
LIFE = timedelta(minutes=6)
"""Between two lives: longer than a lease, so that each takes up what the one before it left."""


def main() -> None:
    """Let lives be killed; then let one finish."""
    url, folder, port, on_unknown, accounts, kills, seed = sys.argv[1:]
    prepared = max(1, int(kills) // 5)
    lives = range(prepared + 1, prepared + int(kills) + 1)
    stage = Stage(url, Path(folder), int(port), on_unknown, int(accounts), lives[-1])
    chance = Random(int(seed))
    began = time.monotonic()
    _child(lambda: stage.company().tick(START))
    longest = HANDFUL_SECONDS + time.monotonic() - began
    _child(lambda: stage.prepare(prepared))
    hit = 0
    for number in lives:
        hit += _killed_after(chance.uniform(0.0, longest), partial(stage.live, number))
    _child(lambda: stage.finish(lives[-1] + 1))
    sys.stdout.write(json.dumps({"hit": hit}) + "\n")


class Stage:
    """One book of accounts, given in parts, one part a life."""

    def __init__(self, url: str, folder: Path, port: int, on_unknown: str, accounts: int, lives: int) -> None:
        self._url, self._folder, self._port, self._on_unknown = url, folder, port, on_unknown
        self._accounts, self._lives = accounts, lives

    def company(self) -> Company:
        """The engine over the database."""
        return company(open_database(self._url), self._folder, (PLAYBOOK,), **self._more())

    def _more(self) -> dict[str, Any]:
        smtp = {
            "kind": "smtp",
            "host": "127.0.0.1",
            "port": self._port,
            "security": "none",
            "timeout_seconds": 20,
            "concurrency": 3,
        }
        return {
            "connectors": {"email": smtp},
            "email": {
                "sender": "s@acme.example",
                "on_unknown": self._on_unknown,
                "max_attempts": 50,
                "caps": {"person": [], "account": []},
                "hours": {"start": "00:00", "end": "23:59:59", "days": "all"},
            },
            "working_hours": {"start": "00:00", "end": "23:59:59"},
        }

    def prepare(self, parts: int) -> None:
        """Have emails wait before the first life, so that each has some to send, however slow its tick."""
        mine = self.company()
        self._take(mine, range(1, parts + 1))
        mine.tick(_clock(parts)())

    def live(self, number: int, begun: Callable[[], None]) -> None:
        """Take in the next part, tick and deliver, all at once, until killed."""
        mine = self.company()
        clock = _clock(number)
        begun()
        with ThreadPoolExecutor(8) as pool:
            pool.submit(self._work, mine, number, clock)
            self._deliver(mine, clock, pool, lambda: True)

    def finish(self, number: int) -> None:
        """Take in all there is, and deliver until nothing is left, beyond every lease and wait."""
        mine = self.company()
        self._take(mine, range(1, self._lives + 1))
        for later in range(number, number + 60):
            mine.tick(_clock(later)())
            with ThreadPoolExecutor(8) as pool:
                self._deliver(mine, _clock(later), pool, lambda: False)
            waiting = [each for each in mine.messages() if each.state in _OPEN]
            if not waiting:
                return

    def _work(self, mine: Company, number: int, clock: Callable[[], datetime]) -> None:
        """Begin with what lives before could not take in: told of later, it would count as history."""
        first = len(mine.accounts()) * self._lives // self._accounts
        self._take(mine, range(max(1, first), number + 1))
        mine.tick(clock())

    def _take(self, mine: Company, parts: range) -> None:
        for part in parts:
            first, last = (self._accounts * each // self._lives for each in (part - 1, part))
            mine.take(*_entries(range(first, last), START + LIFE * part - timedelta(minutes=1)))

    def _deliver(
        self,
        mine: Company,
        clock: Callable[[], datetime],
        pool: ThreadPoolExecutor,
        goes_on: Callable[[], bool],
    ) -> None:
        settings = Settings(**self._more())
        connectors = open_connectors(settings, mine.database)
        deliverer = Deliverer(mine.database, connectors, settings, clock, f"life {os.getpid()}")
        deliverer.recover()

        def run(lane: Any) -> None:
            while True:
                if not lane.run(100) and not goes_on():
                    return
                time.sleep(0.01)

        list(pool.map(run, deliverer.lanes.values()))
        close_connectors(connectors)


_OPEN = ("scheduled", "available", "executing", "retryable")


def _entries(numbers: range, when: datetime) -> list[Any]:
    """The same accounts with their champions, however often they are asked for."""
    found = []
    for each in numbers:
        name = f"a{each:05}"
        found.append(account(when, name, name=name, health=80))
        person = {"name": "Kim", "role": "champion", "status": "active", "email": f"{name}@x.example"}
        found.append(entry(Kind.CONTACT, f"c{name}", when, name, consent="granted", **person))
    return found


def _clock(number: int) -> Callable[[], datetime]:
    """A clock that goes on from the time of a life."""
    began = time.monotonic()
    return lambda: START + LIFE * number + timedelta(seconds=time.monotonic() - began)


def _child(work: Callable[[], Any]) -> None:
    """Do it in a process of its own. Raises SystemExit when it failed."""
    if os.waitpid(_fork(work), 0)[1] != 0:
        raise SystemExit("a life that nobody killed failed")


def _killed_after(seconds: float, work: Callable[[Callable[[], None]], None]) -> bool:
    """Begin it in a process of its own, and kill that so long after it has begun; whether it still ran."""
    said, says = os.pipe()
    child = _fork(lambda: work(lambda: os.close(says)))
    os.close(says)
    os.read(said, 1)
    os.close(said)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _fork(work: Callable[[], Any]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
