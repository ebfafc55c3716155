"""A matching worker that crashes or hangs in the middle of a tick costs an incident, never a firing."""

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine

from engine.match import lane
from engine.match.matcher import DurableMatcher
from engine.match.question import Question
from engine.match.requests import Answer
from engine.match.worker_process import WorkerProcess
from engine.state import tables
from tests.builders import SLIDE, START, Company, account, company
from tests.histories import DAY, HOUR, PLAYBOOKS, at_random, play, random_history

GUARDLESS = SLIDE.replace("steps:", "guard: {max_starts: 500, within: 1h}\nsteps:")


class Ailing(DurableMatcher):
    """A matcher whose worker gets a signal each time it is about to be asked."""

    ailment: signal.Signals | None = None

    def confirm(self, questions: object) -> list[str]:
        """Strike, then ask."""
        if self.ailment is not None:
            for pid in self.worker_pids:
                os.kill(pid, self.ailment)
        return super().confirm(questions)  # type: ignore[arg-type]


@pytest.fixture
def matcher() -> Iterator[Ailing]:
    """One worker and little patience."""
    made = Ailing(1, timeout_seconds=2.0)
    yield made
    made.close()


def confirmed(mine: Company) -> list[str]:
    """The incidents written so far."""
    return [each.message for each in mine.rows(tables.Incident)]


def crowd(database: Engine, folder: Path, matcher: DurableMatcher, size: int = 60) -> Company:
    """Healthy accounts, live, and a worker that has been asked once."""
    mine = company(database, folder, [GUARDLESS], matcher)
    mine.take(*(account(START - DAY, f"a{each:03d}", health=70) for each in range(size)))
    mine.tick(START)
    mine.take(account(START + HOUR, "a000", health=30))
    mine.tick(START + HOUR)
    assert confirmed(mine) == []
    return mine


@pytest.mark.parametrize("ailment", [signal.SIGKILL, signal.SIGSTOP])
def test_lost_worker_costs_an_incident_and_no_firing(
    sqlite_database: Engine, tmp_path: Path, matcher: Ailing, ailment: signal.Signals
) -> None:
    """Killed or frozen while it should confirm sixty openings: all of them start, once."""
    mine = crowd(sqlite_database, tmp_path, matcher)
    (pid,) = matcher.worker_pids
    matcher.ailment = ailment
    mine.take(*(account(START + 2 * HOUR, f"a{each:03d}", health=30) for each in range(60)))
    report = mine.tick(START + 3 * HOUR)
    matcher.ailment = None
    assert report.starts == 59
    assert len(mine.runs()) == len(mine.tasks()) == 60
    (incident,) = confirmed(mine)
    assert f"matching worker {pid} " in incident
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    mine.take(*(account(START + 4 * HOUR, f"a{each:03d}", health=80) for each in range(60)))
    mine.tick(START + 5 * HOUR)
    assert len(confirmed(mine)) == 1
    assert {each.state for each in mine.episodes()} == {"resolved"}


def test_worker_lost_between_two_batches_loses_nothing(
    sqlite_database: Engine, tmp_path: Path, matcher: Ailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had confirmed stands; what it had not, the reference or the next worker decides."""
    mine = crowd(sqlite_database, tmp_path, matcher, size=200)
    asked: list[int] = []

    def answers(worker: WorkerProcess, shard: str, questions: Sequence[Question]) -> list[Answer]:
        found = given(worker, shard, questions)
        asked.append(len(questions))
        if len(asked) == 2:
            os.kill(worker.pid, signal.SIGKILL)
        return found

    given = lane._answers
    monkeypatch.setattr(lane, "_answers", answers)
    monkeypatch.setattr("engine.match.matcher.BATCH", 40)
    mine.take(*(account(START + 2 * HOUR, f"a{each:03d}", health=30) for each in range(200)))
    mine.tick(START + 3 * HOUR)
    assert len(asked) > 2
    assert len(mine.runs()) == 200
    (incident,) = confirmed(mine)
    assert "was ended by signal 9" in incident


def test_disagreement_is_an_incident_and_the_reference_stands(
    sqlite_database: Engine, tmp_path: Path
) -> None:
    """A library that answers wrong changes nothing but the list of incidents."""
    matcher = Doubting(1, timeout_seconds=5.0)
    try:
        mine = crowd(sqlite_database, tmp_path, matcher)
        matcher.is_wrong = True
        mine.take(account(START + 2 * HOUR, "a001", health=30))
        mine.tick(START + 3 * HOUR)
        assert len(mine.runs()) == 2
        (incident,) = confirmed(mine)
        assert 'condition "slide/when" for a001: durable-rules says true' in incident
        assert "the reference evaluator false, which stands" in incident
    finally:
        matcher.close()


class Doubting(DurableMatcher):
    """A matcher that is told the opposite of what the reference found."""

    is_wrong = False

    def confirm(self, questions: object) -> list[str]:
        """Turn the expectation round, which looks like a library that errs."""
        asked: list[Question] = list(questions)  # type: ignore[call-overload]
        if self.is_wrong:
            asked = [Question(each.rule, each.subject, each.facts, not each.expected) for each in asked]
        return super().confirm(asked)


def test_real_matcher_agrees_over_a_history(sqlite_database: Engine, tmp_path: Path) -> None:
    """Weeks of everything that may happen, confirmed by durable-rules without one incident."""
    matcher = DurableMatcher(1, timeout_seconds=10.0)
    try:
        history = random_history(70, days=10)
        mine = company(sqlite_database, tmp_path, PLAYBOOKS, matcher)
        play(mine, history, at_random(70, history, 4))
        assert confirmed(mine) == []
        assert len(mine.runs()) > 5
    finally:
        matcher.close()
