"""Kills an import and its tick at one commit after another, and lets a fresh process do them again.

Run as a program of its own, which has one thread, so that it may fork: each try is a child that ends
itself by SIGKILL just before or just after a COMMIT. Nothing of this is known to the engine.

    killed_work.py DATABASE_URL FOLDER (all | COUNT)

prints one line of JSON: how many commits there are, and what went wrong at which.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Literal

from sqlalchemy import Connection, Engine, event, make_url, text

import engine.judging
import engine.state.ingest
from engine.state.database import open_database
from engine.state.migrate import migrated
from tests.builders import START, Company, company, difference
from tests.histories import PLAYBOOKS, History, play, random_history

Side = Literal["before", "after"]
ACCOUNTS, DAYS = 6, 8


def main() -> None:
    """Do the undisturbed work, then the tries; print what came of them."""
    url, folder, wanted = sys.argv[1:]
    engine.state.ingest.BATCH = 2
    engine.judging.SHARD = 2
    stage = Stage(url, Path(folder))
    commits, expected = stage.undisturbed()
    tries: list[tuple[int, Side]] = [(n, side) for n in range(1, commits + 1) for side in ("before", "after")]
    if wanted != "all":
        tries = sorted(Random(7).sample(tries, int(wanted)))
    wrong = {f"{side} {n}": found for n, side in tries if (found := stage.killed(n, side, expected))}
    print(json.dumps({"commits": commits, "tries": len(tries), "wrong": wrong}))


class Stage:
    """A database that looks the same at the beginning of every try."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = make_url(url)
        self._folder = folder
        self._history = random_history(11, accounts=ACCOUNTS, days=DAYS)
        self._is_file = self._url.get_backend_name() == "sqlite"
        in_child(self._prepare)

    def _prepare(self, _: Callable[[Any], None]) -> None:
        database = (
            migrated(
                self._named("ready"),
            )
            if self._is_file
            else migrated(self._fresh("ready", None))
        )
        mine = company(database, self._folder, PLAYBOOKS)
        play(mine, History(self._history.accounts, 1, before=self._history.before), [])
        database.dispose()

    def _named(self, name: str) -> str:
        if self._is_file:
            return f"sqlite:///{self._folder}/{name}.db"
        return self._url.set(database=name).render_as_string(hide_password=False)

    def _fresh(self, name: str, template: str | None = "ready") -> str:
        """The URL of a new copy of the prepared database."""
        if self._is_file:
            for ending in ("", "-wal", "-shm"):
                Path(f"{self._folder}/{name}.db{ending}").unlink(missing_ok=True)
            shutil.copyfile(f"{self._folder}/ready.db", f"{self._folder}/{name}.db")
            return self._named(name)
        keeper = open_database(self._url.render_as_string(hide_password=False))
        with keeper.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
            copied = "" if template is None else f' TEMPLATE "{template}"'
            connection.execute(text(f'CREATE DATABASE "{name}"{copied}'))
        keeper.dispose()
        return self._named(name)

    def undisturbed(self) -> tuple[int, str]:
        """How many write commits the work has, and the ledger after it."""
        url = self._fresh("whole")

        def work(say: Callable[[Any], None]) -> None:
            database = open_database(url)
            count = kill_at(database, 0, "before")
            mine = company(database, self._folder, PLAYBOOKS)
            self._work(mine)
            say((len(count), mine.ledger()))

        commits, ledger = in_child(work)
        return commits, ledger

    def killed(self, n: int, side: Side, expected: str) -> list[str]:
        """What differs after a kill at the n-th commit and a second try."""
        url = self._fresh("try")

        def first(_: Callable[[Any], None]) -> None:
            database = open_database(url)
            kill_at(database, n, side)
            self._work(company(database, self._folder, PLAYBOOKS))

        def second(say: Callable[[Any], None]) -> None:
            mine = company(open_database(url), self._folder, PLAYBOOKS)
            self._work(mine)
            say(mine.ledger())

        if in_child(first) != "killed":
            return ["the work was not killed"]
        return difference(expected, in_child(second))

    def _work(self, mine: Company) -> None:
        """An import of all that happened in a week, and the tick that comes to it late."""
        mine.take(*(each for _, each in self._history.inputs))
        mine.tick(START + timedelta(days=DAYS))


def kill_at(database: Engine, n: int, side: Side) -> list[int]:
    """Have this process killed at its n-th commit that writes. Returns the list that counts them."""
    commits: list[int] = []
    writes = [False]
    commit = database.dialect.do_commit

    def note(connection: Connection) -> None:
        writes[0] = bool(connection.get_execution_options().get("writes"))

    def do_commit(connection: Any) -> None:
        if not writes[0]:
            commit(connection)
            return
        commits.append(1)
        if len(commits) == n and side == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        commit(connection)
        if len(commits) == n and side == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(database, "commit", note)
    database.dialect.do_commit = do_commit  # type: ignore[method-assign]
    return commits


def in_child(work: Callable[[Callable[[Any], None]], None]) -> Any:
    """What `work` says in a process of its own; "killed" when that was killed. Raises when it failed."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(readable)
        with os.fdopen(writable, "w") as pipe:
            try:
                work(lambda said: pipe.write(json.dumps(said)))
            except BaseException:
                sys.excepthook(*sys.exc_info())
                os._exit(1)
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "killed"
    if status != 0:
        raise SystemExit("a try failed")
    return json.loads(said) if said else None


if __name__ == "__main__":
    main()
