"""Confirming verdicts: durable-rules in worker processes, or the reference alone.

The reference evaluator's verdict always stands. What durable-rules answers otherwise, what it cannot be
asked, and every worker that is lost is told as an incident, a text for people.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from engine.conditions.form import OutsideEnvelope
from engine.conditions.tree import Condition
from engine.match.compile import BATCH, MOST_CONDITIONS, rules_of
from engine.match.lane import Batch, Lane, ShardSet
from engine.match.question import Question


class Matcher(Protocol):
    """Confirms verdicts of the reference evaluator."""

    def load(self, conditions: Mapping[str, Condition]) -> list[str]:
        """Take these conditions by name in place of all earlier ones. Returns incidents."""

    def confirm(self, questions: Sequence[Question]) -> list[str]:
        """Ask about verdicts of loaded conditions. Returns incidents, also for the library's faults."""

    def close(self) -> None:
        """End what was started. It may be used again afterwards."""


class ReferenceMatcher:
    """Confirms nothing: the reference evaluator decides alone."""

    def load(self, conditions: Mapping[str, Condition]) -> list[str]:
        """Needs nothing."""
        return []

    def confirm(self, questions: Sequence[Question]) -> list[str]:
        """Finds no fault."""
        return []

    def close(self) -> None:
        """Has nothing to end."""


class DurableMatcher:
    """Confirms with durable-rules in worker processes, which start with the first question."""

    def __init__(self, workers: int, timeout_seconds: float) -> None:
        """With at least one worker, and as long as that for each batch of questions before it is given up."""
        self._lock = threading.Lock()
        self._conditions: dict[str, Condition] = {}
        self._shards = ShardSet({})
        self._lanes = [Lane(timeout_seconds) for _ in range(max(1, workers))]

    def load(self, conditions: Mapping[str, Condition]) -> list[str]:
        """Compile the conditions into shards; those outside the envelope are left to the reference."""
        with self._lock:
            if self._conditions == conditions:
                return []
            self._close()
            self._conditions = dict(conditions)
            fitting, incidents = _within_envelope(conditions)
            self._shards = ShardSet(_shards(fitting))
            return incidents

    def confirm(self, questions: Sequence[Question]) -> list[str]:
        """Ask durable-rules, in batches spread over the workers."""
        with self._lock:
            batches = list(self._batches(questions))
            if len(self._lanes) == 1 or len(batches) < 2:
                return self._lanes[0].confirm(self._shards, batches)
            with ThreadPoolExecutor(len(self._lanes)) as pool:
                shares = [batches[start :: len(self._lanes)] for start in range(len(self._lanes))]
                found = pool.map(lambda lane, share: lane.confirm(self._shards, share), self._lanes, shares)
                return [incident for incidents in found for incident in incidents]

    def close(self) -> None:
        """End the workers."""
        with self._lock:
            self._close()

    @property
    def worker_pids(self) -> list[int]:
        """The process ids of the running workers."""
        return [lane.pid for lane in self._lanes if lane.pid is not None]

    def _close(self) -> None:
        for lane in self._lanes:
            lane.close()

    def _batches(self, questions: Sequence[Question]) -> Iterator[Batch]:
        """The questions by shard, in groups of BATCH; those of conditions not in any shard are left out."""
        by_shard: dict[str, list[Question]] = {}
        for each in questions:
            shard = self._shards.shard_of.get(each.rule)
            if shard is not None:
                by_shard.setdefault(shard, []).append(each)
        for shard, asked in by_shard.items():
            for start in range(0, len(asked), BATCH):
                yield Batch(shard, asked[start : start + BATCH])


def _within_envelope(conditions: Mapping[str, Condition]) -> tuple[dict[str, Condition], list[str]]:
    """The conditions that durable-rules can be asked about, and an incident for each other."""
    fitting, incidents = {}, []
    for rule, condition in conditions.items():
        try:
            rules_of(condition, "c0")
        except OutsideEnvelope as error:
            incidents.append(f'condition "{rule}" is left to the reference evaluator: {error}')
        else:
            fitting[rule] = condition
    return fitting, incidents


def _shards(conditions: Mapping[str, Condition]) -> dict[str, dict[str, Condition]]:
    rules = list(conditions)
    groups = [rules[start : start + MOST_CONDITIONS] for start in range(0, len(rules), MOST_CONDITIONS)]
    return {
        f"shard {number}": {rule: conditions[rule] for rule in group}
        for number, group in enumerate(groups, start=1)
    }
