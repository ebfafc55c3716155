"""Deliveries while the database goes away, a machine sleeps, or a second process takes over."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from connectors.outcome import Delivered, Outcome, Retry
from engine.outbox.circuit import FIRST_REST
from engine.outbox.claim import LEASE
from engine.outbox.deliver import Deliverer, deliver_batch
from engine.outbox.entry import Entry
from tests.conftest import postgresql_server
from tests.integration.outbox_book import NOW, attempts, outbox, seed, settings
from tests.integration.troubled_database import (
    Trouble,
    filled_sqlite,
    full_disk_sqlite,
    locked_sqlite,
    lost_postgresql,
    stopped_postgresql,
)


@dataclass
class Doing:
    """A connector that delivers, and does something during every try."""

    during: Callable[[], object] = lambda: None
    outcome: Outcome = field(default_factory=lambda: Delivered("ok"))
    asked: list[str] = field(default_factory=list)

    def deliver(self, entry: Entry, now: Any) -> Outcome:
        self.asked.append(entry.id)
        self.during()
        return self.outcome

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(params=["locked", "full", "filled", "lost"])
def trouble(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Trouble]:
    """A database that can be taken away: locked, on a full disk (two ways), or out of reach."""
    if request.param == "lost":
        with lost_postgresql(_postgresql(request)) as found:
            yield found
        return
    _ = request.getfixturevalue("sqlite_database")
    file = tmp_path / "tminus.db"
    if request.param == "filled":
        with _small_disk(tmp_path / "disk") as disk:
            file = Path(shutil.copy(file, disk))
            with filled_sqlite(file, disk) as found:
                yield found
        return
    with (locked_sqlite if request.param == "locked" else full_disk_sqlite)(file) as found:
        yield found


def _postgresql(request: pytest.FixtureRequest) -> str:
    database: Engine = request.getfixturevalue("postgresql_database")
    return database.url.render_as_string(hide_password=False)


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs leave to mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_answers_outlast_a_database_that_is_gone(trouble: Trouble) -> None:
    """Gone while the first of three is on its way: each is sent once, and what came of it is noted."""
    ids = seed(trouble.database, 3)
    connector = Doing(trouble.strike)
    deliverer = Deliverer(trouble.database, {"email": connector}, settings(), lambda: NOW, "test")
    assert deliverer.lanes["email 1"].run(100).total() == 3
    assert connector.asked == ids
    assert attempts(trouble.database) == [(each, 1, "delivered") for each in ids]
    assert {row.state for row in outbox(trouble.database).values()} == {"completed"}


@pytest.mark.soak
def test_answers_outlast_a_postgresql_that_is_stopped_and_started(testrun_uid: str) -> None:
    """The same with the server itself."""
    folder = Path(gettempdir()) / f"tminus-stopped-{testrun_uid[:12]}"
    with postgresql_server(folder) as server, stopped_postgresql(server) as trouble:
        test_answers_outlast_a_database_that_is_gone(trouble)


def test_lane_goes_on_when_the_database_is_back(trouble: Trouble) -> None:
    """A claim that fails loses nothing, and holds the connector up no longer than the trouble lasts."""
    ids = seed(trouble.database, 3)
    connector = Doing()
    deliverer = Deliverer(trouble.database, {"email": connector}, settings(), lambda: NOW, "test")
    lane = deliverer.lanes["email 1"]
    trouble.strike()
    with pytest.raises(OperationalError):
        lane.run(100)
    assert eventually(lambda: _runs(lane))
    assert connector.asked == ids
    assert attempts(trouble.database) == [(each, 1, "delivered") for each in ids]


def _runs(lane: Any) -> bool:
    try:
        return bool(lane.run(100))
    except OperationalError:
        return False


def test_leases_are_renewed_when_the_database_is_back(trouble: Trouble) -> None:
    """Signs of life go on after one that failed."""
    (key,) = seed(trouble.database)
    clock = _Clock()
    deliverer: Deliverer

    def watch() -> None:
        trouble.strike()
        clock.at += timedelta(minutes=1)
        assert eventually(lambda: _lease(trouble.database, key) == clock.at + LEASE)

    connector = Doing(watch)
    deliverer = Deliverer(
        trouble.database, {"email": connector}, settings(), clock, "test", sign_seconds=0.05
    )
    deliverer.begin()
    assert deliverer.lanes["email 1"].run(100).total() == 1
    deliverer.end()
    assert outbox(trouble.database)[key].state == "completed"


def _lease(database: Engine, key: str) -> datetime | None:
    try:
        found: datetime | None = outbox(database)[key].lease_until
    except OperationalError:
        return None
    return found


@dataclass
class _Clock:
    """A clock that is set by hand."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


def eventually(is_so: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether something comes to be so in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def broken_commit(database: Engine, *, is_done: bool) -> Iterator[None]:
    """The next commit of a write loses its answer, done or not."""
    commit = database.dialect.do_commit
    writes = [False]
    left = [1]

    @event.listens_for(database, "commit")
    def note(connection: Connection) -> None:
        writes[0] = bool(connection.get_execution_options().get("writes"))

    def do_commit(connection: Any) -> None:
        if not writes[0] or not left:
            commit(connection)
            return
        left.pop()
        if is_done:
            commit(connection)
        raise database.dialect.dbapi.OperationalError("the connection is lost")  # type: ignore[union-attr]

    database.dialect.do_commit = do_commit  # type: ignore[method-assign]
    yield
    database.dialect.do_commit = commit  # type: ignore[method-assign]


@pytest.mark.parametrize("is_done", [True, False])
def test_claim_whose_answer_is_lost_is_handed_back(database: Engine, is_done: bool) -> None:
    """Nothing of it was tried, so nothing of it is unknown."""
    ids = seed(database, 2)
    connector = Doing()
    lane = Deliverer(database, {"email": connector}, settings(), lambda: NOW, "test").lanes["email 1"]
    with broken_commit(database, is_done=is_done):
        with pytest.raises(OperationalError):
            lane.run(100)
        assert lane.run(100).total() == 2
    assert connector.asked == ids
    assert attempts(database) == [(each, 1, "delivered") for each in ids]


def test_record_whose_answer_is_lost_is_written_again(database: Engine) -> None:
    """It comes to the same."""
    (key,) = seed(database)
    connector = Doing()
    lane = Deliverer(database, {"email": connector}, settings(), lambda: NOW, "test").lanes["email 1"]
    with _broken_during(connector, database):
        assert lane.run(1).total() == 1
    assert connector.asked == [key]
    assert attempts(database) == [(key, 1, "delivered")]
    assert (outbox(database)[key].state, outbox(database)[key].attempts) == ("completed", 1)


@contextmanager
def _broken_during(connector: Doing, database: Engine) -> Iterator[None]:
    broken = broken_commit(database, is_done=True)
    connector.during = broken.__enter__
    yield
    broken.__exit__(None, None, None)


def test_rest_ends_although_a_claim_failed(database: Engine) -> None:
    """The connector's one entry that finds out is not lost with the claim that was to bring it."""
    seed(database, 3)
    clock, connector = _Clock(), Doing(outcome=Retry("refused", is_outage=True))
    lane = Deliverer(database, {"email": connector}, settings(), clock, "test").lanes["email 1"]
    assert lane.run(100).total() == 2
    clock.at += FIRST_REST
    connector.outcome = Delivered("ok")
    with broken_commit(database, is_done=False):
        with pytest.raises(OperationalError):
            lane.run(100)
        assert lane.run(100).total() == 1


def test_slow_server_leaves_the_rest_of_a_handful_to_a_new_claim(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked at the claim is asked again; the next handful is smaller."""
    ids = seed(database, 5)
    monkeypatch.setattr("engine.outbox.lane.SLOW_SECONDS", 0.05)
    connector = Doing(lambda: time.sleep(0.06))
    lane = Deliverer(database, {"email": connector}, settings(), lambda: NOW, "test").lanes["email 1"]
    assert lane.run(1).total() == 1
    rows = outbox(database)
    assert {(rows[each].state, rows[each].attempts) for each in ids[1:]} == {("available", 0)}
    assert lane.handful == 5
    assert lane.run(100).total() == 4
    assert connector.asked == ids
    assert attempts(database) == [(each, 1, "delivered") for each in ids]


def test_machine_that_slept_sends_nothing_of_which_it_has_lost_the_lease(database: Engine) -> None:
    """Only the try in the middle of which it fell asleep may be made twice."""
    ids = seed(database, 3)
    clock, other = _Clock(), Doing()
    chosen = settings(email={"on_unknown": "retry"})

    def sleep() -> None:
        for minutes in (10, 2):
            clock.at += timedelta(minutes=minutes)
            deliver_batch(database, {"email": other}, chosen, now=clock.at, owner="other")

    sleeper = Doing(sleep)
    lane = Deliverer(database, {"email": sleeper}, chosen, clock, "sleeper").lanes["email 1"]
    assert lane.run(100).total() == 1
    assert sleeper.asked == ids[:1]
    assert sorted(other.asked) == sorted(ids)
    found = sorted(each for each in attempts(database) if each[0] != ids[0])
    assert [each[1:] for each in found] == [(1, "lost"), (2, "delivered")] * 2


def test_deliverer_does_not_give_up_its_own_living_tries(database: Engine) -> None:
    """However long it could give no sign of life, what came of a try is noted."""
    (key,) = seed(database)
    clock = _Clock()
    deliverer: Deliverer

    def recover_late() -> None:
        clock.at += LEASE * 3
        assert not deliverer.recover()

    connector = Doing(recover_late)
    deliverer = Deliverer(database, {"email": connector}, settings(), clock, "test")
    deliverer.lanes["email 1"].run(100)
    assert attempts(database) == [(key, 1, "delivered")]
