"""Workers that crash, hang and outlive nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psutil
import pytest

from engine.conditions.catalogue import BUILT_IN
from engine.conditions.tree import Condition, Predicate
from engine.match.matcher import DurableMatcher, Matcher, ReferenceMatcher
from engine.match.question import Question

ROOT = Path(__file__).parents[2]
HEALTH = BUILT_IN.get("account.health")
CONDITIONS: dict[str, Condition] = {
    f"below {number}": Predicate("below", "when", field=HEALTH, value=Decimal(number)) for number in range(60)
}


def questions(count: int, wrong: int | None = None) -> list[Question]:
    """So many questions over all conditions, one with a wrong expectation where wanted."""
    found = []
    for number in range(count):
        health, limit = number % 83, number % 60
        expected = (health < limit) is not (number == wrong)
        found.append(Question(f"below {limit}", f"account a{number}", {"p0": health * 1_000_000}, expected))
    return found


@pytest.fixture
def matcher() -> Iterator[DurableMatcher]:
    """One worker with a short patience."""
    with_one = DurableMatcher(workers=1, timeout_seconds=2.0)
    assert with_one.load(CONDITIONS) == []
    yield with_one
    with_one.close()


def test_confirm_agrees_and_starts_lazily(matcher: DurableMatcher) -> None:
    """Nothing starts before the first question; right verdicts raise no incident."""
    assert matcher.worker_pids == []
    assert matcher.confirm([]) == []
    assert matcher.worker_pids == []
    assert matcher.confirm(questions(2_000)) == []
    assert len(matcher.worker_pids) == 1


def test_disagreement_names_rule_subject_and_both_answers(matcher: DurableMatcher) -> None:
    """A verdict that durable-rules does not share is told, the others are confirmed."""
    (incident,) = matcher.confirm(questions(700, wrong=65))
    assert incident == (
        'condition "below 5" for account a65: durable-rules says false, '
        "the reference evaluator true, which stands; facts {'p0': 65000000}"
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_killed_mid_batch_are_replaced(workers: int) -> None:
    """A crash costs an incident and the batches under way; the next questions are confirmed."""
    matcher = DurableMatcher(workers, timeout_seconds=10.0)
    matcher.load(CONDITIONS)
    try:
        assert matcher.confirm(questions(2_000)) == []
        before = matcher.worker_pids
        incidents = _killed_mid_batch(matcher, before)
        assert incidents
        assert all("was ended by signal 9" in incident for incident in incidents)
        assert matcher.confirm(questions(2_000)) == []
        assert not set(before) & set(matcher.worker_pids)
    finally:
        matcher.close()


def test_frozen_worker_is_replaced_after_the_timeout(matcher: DurableMatcher) -> None:
    """A worker that hangs is ended after the timeout, its batch is left to the reference."""
    assert matcher.confirm(questions(100)) == []
    (frozen,) = matcher.worker_pids
    os.kill(frozen, signal.SIGSTOP)
    started = time.monotonic()
    incidents = matcher.confirm(questions(60))
    assert 1.9 < time.monotonic() - started < 20
    assert incidents[0].startswith(f"matching worker {frozen} did not answer within 2 s while confirming 24 ")
    assert len(incidents) == 1
    assert not psutil.pid_exists(frozen)
    assert matcher.confirm(questions(2_000)) == []


def test_frozen_worker_with_a_full_pipe_is_replaced(matcher: DurableMatcher) -> None:
    """A worker that takes no more work holds nobody up, even with more to send than a pipe holds."""
    matcher.load({"below 1": CONDITIONS["below 1"]})
    small = [Question("below 1", "account a", {"p0": 0}, True)]
    assert matcher.confirm(small) == []
    os.kill(matcher.worker_pids[0], signal.SIGSTOP)
    bulky = [
        Question("below 1", "account a", {"p0": 0, "p1": f"{each}{'x' * 4_000}"}, True) for each in range(500)
    ]
    (incident,) = matcher.confirm(bulky)
    assert "did not take its work within 2 s while confirming 500 verdicts" in incident
    assert matcher.confirm(small) == []


def test_worker_that_died_while_idle_loses_nothing(matcher: DurableMatcher) -> None:
    """A worker that is gone before it is asked is replaced first, and every question is confirmed."""
    matcher.confirm(questions(100))
    (pid,) = matcher.worker_pids
    psutil.Process(pid).kill()
    while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    incidents = matcher.confirm(questions(700, wrong=65))
    assert incidents[0] == f"matching worker {pid} was ended by signal 9 while idle and was replaced"
    assert "below 5" in incidents[1]


def test_shard_that_keeps_killing_workers_is_refused() -> None:
    """After three workers lost one after the other, a shard is left to the reference by name."""
    matcher = DurableMatcher(workers=1, timeout_seconds=0.000_01)
    matcher.load({"below 1": CONDITIONS["below 1"]})
    try:
        incidents = matcher.confirm(questions(1)[:0] + [Question("below 1", "a", {"p0": 0}, True)] * 2_000)
        assert len(incidents) == 4
        assert incidents[-1].startswith('shard 1 is refused and left to the reference evaluator ("below 1")')
        assert matcher.confirm([Question("below 1", "a", {"p0": 0}, False)]) == []
    finally:
        matcher.close()


def test_condition_outside_the_envelope_is_left_to_the_reference(matcher: DurableMatcher) -> None:
    """It is named at load, and its questions are not asked."""
    huge = Predicate("below", "when", field=HEALTH, value=Decimal(99_999_999_999))
    (incident,) = matcher.load({"huge": huge, "below 1": CONDITIONS["below 1"]})
    assert incident.startswith(
        'condition "huge" is left to the reference evaluator: 99999999999 is too large'
    )
    wrong = [Question(rule, "a", {"p0": 0}, False) for rule in ("huge", "below 1")]
    (found,) = matcher.confirm(wrong)
    assert 'condition "below 1"' in found


def test_load_replaces_the_conditions(matcher: DurableMatcher) -> None:
    """A name may mean another condition after a reload."""
    question = Question("below 5", "account a", {"p0": 7_000_000}, False)
    assert matcher.confirm([question]) == []
    assert matcher.load({"below 5": CONDITIONS["below 9"]}) == []
    assert len(matcher.confirm([question])) == 1


def test_close_ends_the_workers(matcher: DurableMatcher) -> None:
    """No process is left after closing, and the matcher can be used again."""
    matcher.confirm(questions(60))
    pids = matcher.worker_pids
    matcher.close()
    matcher.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert matcher.confirm(questions(60)) == []


def test_worker_ignores_the_interrupt_of_its_parent(matcher: DurableMatcher) -> None:
    """Ctrl-C reaches the whole group; the worker leaves it to the service."""
    matcher.confirm(questions(60))
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(matcher.worker_pids[0], number)
    assert matcher.confirm(questions(700)) == []


def test_memory_of_a_worker_stays_flat(matcher: DurableMatcher) -> None:
    """State is deleted after each batch: sixty more batches need no more memory."""
    batch = questions(5_000)
    for _ in range(2):
        assert matcher.confirm(batch) == []
    worker = psutil.Process(matcher.worker_pids[0])
    before = worker.memory_info().rss
    for _ in range(5):
        assert matcher.confirm(batch) == []
    assert worker.memory_info().rss - before < 4_000_000


PARENT = """
import sys, time
from decimal import Decimal
from engine.conditions.catalogue import BUILT_IN
from engine.conditions.tree import Predicate
from engine.match.matcher import DurableMatcher
from engine.match.question import Question

matcher = DurableMatcher(1, 5.0)
matcher.load({"low": Predicate("below", "when", field=BUILT_IN.get("account.health"), value=Decimal(40))})
incidents = matcher.confirm([Question("low", "a", {"p0": 0}, True), Question("low", "b", {"p0": 0}, False)])
print(len(incidents), *matcher.worker_pids, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("way", ["script from stdin", "command", "file"])
def test_worker_dies_with_its_parent(way: str, tmp_path: Path) -> None:
    """However the parent was started, its worker works, and is gone once the parent is killed."""
    file = tmp_path / "parent.py"
    file.write_text(PARENT)
    arguments = {"script from stdin": ["-"], "command": ["-c", PARENT], "file": [str(file)]}[way]
    with (
        file.open() as script,
        subprocess.Popen(
            [sys.executable, *arguments],
            stdin=script,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as parent,
    ):
        assert parent.stdout is not None
        incidents, pid = parent.stdout.readline().split()
        assert incidents == "1"
        assert psutil.pid_exists(int(pid))
        parent.kill()
    _, alive = psutil.wait_procs(
        [psutil.Process(int(pid))] if psutil.pid_exists(int(pid)) else [], timeout=10
    )
    assert alive == []


def test_reference_matcher_confirms_everything() -> None:
    """Without workers there is nothing to ask and nothing to end."""
    matcher: Matcher = ReferenceMatcher()
    assert matcher.load(CONDITIONS) == []
    assert matcher.confirm(questions(10, wrong=3)) == []
    matcher.close()


def _killed_mid_batch(matcher: DurableMatcher, pids: list[int]) -> list[str]:
    """Incidents of a confirmation whose workers have taken a batch when they are killed."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    incidents: list[str] = []
    thread = threading.Thread(target=lambda: incidents.extend(matcher.confirm(questions(2_000))))
    thread.start()
    time.sleep(0.3)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    thread.join()
    return incidents
