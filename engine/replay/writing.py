"""Writing what folds came to into memory, as `ledger.commit` writes it into the database."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime

from engine.admit.guard import Batch
from engine.conditions.catalogue import Kind
from engine.fold.case import Folded
from engine.ledger.commit import ENDED, UNSENT, born_intake, hold_row, message_row
from engine.replay.intake import keep
from engine.replay.memory import Account, Held, Memory
from engine.replay.reading import MemoryReading
from engine.state.accept import fields_of
from engine.state.book import Standing


@dataclass(frozen=True)
class MemoryLedger:
    """Implements `judging.Ledger`. Nobody else writes there, so that nothing ever conflicts."""

    view: MemoryReading

    def reading(self) -> AbstractContextManager[MemoryReading]:
        """The memory as it is."""
        return nullcontext(self.view)

    def commit(
        self, folds: Sequence[Folded], due: Mapping[str, Standing], at: datetime, holds: Iterable[Batch]
    ) -> frozenset[str]:
        """Write the folds, each whole."""
        memory = self.view.memory
        for batch in holds:
            memory.holds.setdefault(batch.id, Held(**hold_row(batch)))
        for fold in folds:
            _write(memory, memory.accounts[fold.account_id], fold, at)
        moved = self._take_in_born(folds)
        for fold in folds:
            account = memory.accounts[fold.account_id]
            account.evaluated_to, account.due_at = at, fold.due_at
            account.evaluated_revision = due[account.id].revision + (account.id in moved)
        return frozenset()

    def _take_in_born(self, folds: Sequence[Folded]) -> frozenset[str]:
        """Take in what playbooks brought about, and return the accounts that this counts as an intake of."""
        born = sorted((each for each in folds if each.born), key=lambda each: each.account_id)
        batch = [(each.account_id, born_intake(each)) for each in born]
        if not batch:
            return frozenset()
        fields = {kind: fields_of(self.view.catalogue, kind) for kind in Kind}
        return keep(self.view.memory, fields, batch, "tminus")[0]


def _write(memory: Memory, account: Account, fold: Folded, at: datetime) -> None:
    account.episodes.update((each.id, each) for each in fold.episodes)
    account.runs.update((each.id, each) for each in fold.runs)
    account.steps.update((each.id, each) for each in fold.steps)
    account.tasks.update((each.id, each) for each in fold.tasks)
    for message in fold.messages:
        account.messages.setdefault(message.id, {**message_row(message), "error": None, "finished_at": None})
    for row in account.messages.values() if fold.silenced_runs else ():
        is_of_exit = row["step"].startswith("exit:")
        if row["run_id"] in fold.silenced_runs and row["state"] in UNSENT and not is_of_exit:
            row.update(ENDED, finished_at=at)
    memory.decisions.extend(fold.decisions)
    account.scores.update((each.at, each) for each in fold.scores)
    if fold.waits is not None:
        account.waits = dict(fold.waits)
