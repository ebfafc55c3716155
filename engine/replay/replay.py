"""A replay: playbooks over accounts in memory, under whatever clock its owner moves."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from engine.admit.pauses import PauseError, new_pause
from engine.admit.silences import SilenceError, new_silence
from engine.conditions.catalogue import Catalogue, Kind
from engine.fold.needs import needs
from engine.fold.world import World
from engine.judging import Round, TickReport, earliest_start
from engine.replay.intake import take_in
from engine.replay.memory import Account, Memory
from engine.replay.reading import MemoryReading
from engine.replay.writing import MemoryLedger
from engine.runs.run import Task
from engine.runs.task_deeds import readable_note, valid_outcome
from engine.runs.task_errors import TaskClosedError, TaskNotFoundError
from engine.state.entries import Entry, EventEntry, Rejection


class Replay:
    """Decides what a service would that ticked at the same instants. Nothing is on disk.

    The playbooks of its world are its live set from the first tick to the last, which must not be before the
    instant since which they are live. It has no workers to confirm verdicts: the reference decides.
    """

    def __init__(self, world: World, catalogue: Catalogue) -> None:
        """Over no accounts yet; `catalogue` has the fields that may be given."""
        self.memory = Memory()
        self._world = world
        self._catalogue = catalogue
        self._needs = needs([each.playbook for each in world.live], world.health)
        self._passed: datetime | None = None

    def take_in(
        self, entries: Iterable[Entry], events: Iterable[EventEntry] = (), *, source: str
    ) -> list[Rejection]:
        """Keep what is new; return what cannot be taken in."""
        return take_in(self.memory, self._catalogue, entries, events, source)

    def tick(self, at: datetime) -> TickReport:
        """Decide everything that inputs and time have made due by `at`, which no earlier tick may follow."""
        report = TickReport(at)
        due = self.memory.due(at)
        if due:
            since = self._passed or earliest_start(self._world, due, at)
            view = MemoryReading(self.memory, self._catalogue, self._world.settings, self._needs, since)
            world = replace(self._world, pauses=tuple(self.memory.pauses))
            Round(MemoryLedger(view), world, lambda asked: (), at, self._passed, report, due).run()
        self._passed = at
        return report

    def is_due(self, at: datetime) -> bool:
        """Whether a tick at `at` would have anything to look at."""
        return bool(self.memory.due(at))

    def next_due(self) -> datetime | None:
        """The earliest instant that asks for a tick; None when nothing does."""
        return self.memory.next_due()

    def open_tasks(self) -> list[Task]:
        """Tasks that somebody has still to do, in the order of their creation."""
        tasks = [each for account in self.memory.accounts.values() for each in account.tasks.values()]
        return sorted(
            (each for each in tasks if each.state == "open"), key=lambda each: (each.created_at, each.id)
        )

    def complete(
        self, task_id: str, *, outcome: str | None, note: str | None, by: str, now: datetime
    ) -> None:
        """Close a task as done. Raises TaskActionError, as `runs.task_actions.complete` does."""
        account, task = self._task(task_id)
        kept = readable_note(note)
        if task.state != "open":
            raise TaskClosedError(task_id, task.state)
        chosen = valid_outcome(outcome, tuple(task.outcomes or ()))
        account.tasks[task_id] = replace(
            task, state="done", outcome=chosen, note=kept, closed_at=now, closed_by=by
        )
        account.wake(now)

    def _task(self, task_id: str) -> tuple[Account, Task]:
        for account in self.memory.accounts.values():
            if task_id in account.tasks:
                return account, account.tasks[task_id]
        raise TaskNotFoundError(task_id)

    def release(self, *, by: str, at: datetime) -> None:
        """Let everything start that is held, if it still applies."""
        held = {each.id: each for each in self.memory.holds.values() if each.state == "held"}
        for hold in held.values():
            hold.state, hold.released_at, hold.released_by = "released", at, by
        for account in self.memory.accounts.values():
            if any(each.is_open and each.hold_id in held for each in account.episodes.values()):
                account.wake(at)

    def silence(
        self, account_id: str, *, playbook: str | None, at: datetime, until: datetime, by: str, why: str
    ) -> None:
        """Silence an account from `at` on. Raises SilenceError when there is none, or no time left."""
        silence = new_silence(account_id, playbook=playbook, at=at, until=until, by=by, why=why)
        if self.memory.row(Kind.ACCOUNT, account_id) is None:
            raise SilenceError(f'there is no account "{account_id}"; give the id it was imported with')
        account = self.memory.accounts[account_id]
        account.silences.setdefault(silence.id, silence)
        account.wake(at)

    def pause(self, playbook: str, *, at: datetime, by: str, why: str) -> None:
        """Pause a playbook from `at` on. Raises PauseError when it is paused already."""
        if any(each.covers(playbook, at) for each in self.memory.pauses):
            raise PauseError(f'"{playbook}" is paused already')
        self.memory.pauses.append(new_pause(playbook, at=at, by=by, why=why))

    def resume(self, playbook: str, *, at: datetime, by: str) -> None:
        """End the pause of a playbook at `at`. Raises PauseError when it is not paused."""
        lasting = [each for each in self.memory.pauses if each.playbook == playbook and not each.ended_at]
        if not lasting:
            raise PauseError(f'"{playbook}" is not paused')
        ended = replace(lasting[0], ended_at=max(at, lasting[0].since), ended_by=by)
        self.memory.pauses[self.memory.pauses.index(lasting[0])] = ended
        for account in self.memory.accounts.values():
            owes = any(
                each.is_open and each.owed is not None and each.playbook == playbook
                for each in account.episodes.values()
            )
            if owes or any(each.is_open and each.playbook == playbook for each in account.runs.values()):
                account.wake(at)

    def end_silences(self, *, by: str, at: datetime) -> None:
        """End every silence that lasts at `at`."""
        for account in self.memory.accounts.values():
            for silence in [each for each in account.silences.values() if each.end > at]:
                account.silences[silence.id] = replace(silence, ended_at=at, ended_by=by)
                account.wake(at)
