"""One worker's share of the questions, and what happens when the worker is lost."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.conditions.tree import Condition
from engine.match.question import Question
from engine.match.requests import Answer, Ask, Load
from engine.match.worker_process import WorkerLost, WorkerProcess

_MOST_LOSSES = 3
"""Workers a shard may lose one after the other before it is no longer asked."""

_WORDS = {True: "true", False: "false", None: "unknown"}


@dataclass(frozen=True, slots=True)
class Batch:
    """Questions that one shard answers at once."""

    shard: str
    questions: Sequence[Question]


@dataclass
class ShardSet:
    """The shards loaded at one time, and what has become of them."""

    conditions: Mapping[str, Mapping[str, Condition]]
    refused: set[str] = field(default_factory=set)
    losses: Counter[str] = field(default_factory=Counter)
    shard_of: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Index the shards by condition."""
        self.shard_of = {rule: shard for shard, rules in self.conditions.items() for rule in rules}

    def refuse(self, shard: str, why: str) -> str:
        """Ask this shard no more. Returns the incident."""
        self.refused.add(shard)
        rules = ", ".join(f'"{rule}"' for rule in self.conditions[shard])
        return f"{shard} is refused and left to the reference evaluator ({rules}): {why}"


class Lane:
    """One worker, replaced when it is lost. Not for use by more than one thread at a time."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._worker: WorkerProcess | None = None
        self._loaded: set[str] = set()

    @property
    def pid(self) -> int | None:
        """The worker's process id, if it has been started."""
        return None if self._worker is None else self._worker.pid

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close()
        self._worker = None
        self._loaded.clear()

    def confirm(self, shards: ShardSet, batches: Sequence[Batch]) -> list[str]:
        """Ask about each batch of a shard that is not refused. Returns the incidents."""
        incidents: list[str] = []
        for batch in batches:
            if batch.shard in shards.refused:
                continue
            try:
                worker = self._running(incidents)
            except WorkerLost as lost:
                self._forget()
                return [*incidents, f"{lost}; the reference evaluator decides alone this time"]
            incidents += self._confirm_batch(worker, shards, batch)
        return incidents

    def _running(self, incidents: list[str]) -> WorkerProcess:
        """The worker, started anew when there is none or it ended while idle. Raises WorkerLost."""
        if self._worker is not None and self._worker.ending is not None:
            incidents.append(f"matching worker {self.pid} {self._worker.ending} while idle and was replaced")
            self.close()
        if self._worker is None:
            self._worker = WorkerProcess(self._timeout_seconds)
        return self._worker

    def _confirm_batch(self, worker: WorkerProcess, shards: ShardSet, batch: Batch) -> list[str]:
        try:
            refusal = self._load(worker, shards, batch.shard)
            if refusal is not None:
                return [shards.refuse(batch.shard, refusal)]
            incidents = _disagreements(worker, batch)
        except WorkerLost as lost:
            self._forget()
            return _loss(lost, shards, batch)
        shards.losses[batch.shard] = 0
        return incidents

    def _load(self, worker: WorkerProcess, shards: ShardSet, shard: str) -> str | None:
        """Have the worker build and prove the shard, once. Returns why it is refused."""
        if shard in self._loaded:
            return None
        refusal: str | None = worker.ask(Load(shard, shards.conditions[shard]))
        if refusal is None:
            self._loaded.add(shard)
        return refusal

    def _forget(self) -> None:
        """The worker is lost and already ended; the next batch starts another."""
        self._worker = None
        self._loaded.clear()


def _loss(lost: WorkerLost, shards: ShardSet, batch: Batch) -> list[str]:
    count = len(batch.questions)
    incident = (
        f"{lost} while confirming {count} verdicts of {batch.shard}; the reference evaluator decided them"
    )
    shards.losses[batch.shard] += 1
    if shards.losses[batch.shard] < _MOST_LOSSES:
        return [incident]
    return [incident, shards.refuse(batch.shard, f"it lost {_MOST_LOSSES} workers one after the other")]


def _disagreements(worker: WorkerProcess, batch: Batch) -> list[str]:
    """An incident for each question that durable-rules answers otherwise. Raises WorkerLost.

    A fact that looks like another by its 32-bit hash is dropped by the library, so each such question is
    asked a second time, in company that differs.
    """
    doubtful = _differing(batch.questions, _answers(worker, batch.shard, batch.questions))
    if not doubtful:
        return []
    asked_again = [question for question, _ in doubtful]
    return [
        f'condition "{question.rule}" for {question.subject}: durable-rules says {_worded(answer)}, '
        f"the reference evaluator {_worded(question.expected)}, which stands; facts {dict(question.facts)}"
        for question, answer in _differing(asked_again, _answers(worker, batch.shard, asked_again))
    ]


def _answers(worker: WorkerProcess, shard: str, questions: Sequence[Question]) -> list[Answer]:
    answers: list[Answer] = worker.ask(Ask(shard, [(each.rule, dict(each.facts)) for each in questions]))
    return answers


def _differing(questions: Sequence[Question], answers: Sequence[Answer]) -> list[tuple[Question, Answer]]:
    pairs = zip(questions, answers, strict=True)
    return [(question, answer) for question, answer in pairs if answer is not question.expected]


def _worded(answer: Answer) -> str:
    return answer if isinstance(answer, str) else _WORDS[answer]
