"""Playing histories in memory, and the ledger of it as a database would have it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from engine.conditions.catalogue import Kind
from engine.fold.world import LivePlaybook
from engine.health.model import LiveHealth, health_model
from engine.judging import TickReport
from engine.replay.dump import dump
from engine.replay.replay import Replay
from engine.runs.owners import Person
from engine.runs.run import Task
from engine.state.database import writing
from engine.state.entries import Entry, EventEntry
from engine.state.sources import DECLARED, declarations
from engine.worlds import make_world
from tests.builders import PEOPLE, Company, ledger_json


@dataclass
class Replayed:
    """The same company as one over a database, in memory; its ledger is read from an empty database."""

    replay: Replay
    empty: Engine

    def take(self, *given: Entry | EventEntry) -> None:
        """Take in entries and events; none may be refused."""
        entries = [each for each in given if isinstance(each, Entry)]
        events = [each for each in given if isinstance(each, EventEntry)]
        rejected = self.replay.take_in(entries, events, source="test")
        if rejected:
            raise AssertionError(rejected)

    def tick(self, when: datetime) -> TickReport:
        """One pass."""
        return self.replay.tick(when)

    def accounts(self) -> list[str]:
        """The ids of all accounts, in their order."""
        return sorted(identity for kind, identity in self.replay.memory.owners if kind is Kind.ACCOUNT)

    def open_tasks(self) -> Sequence[Task]:
        """The tasks that are still to be done."""
        return self.replay.open_tasks()

    def finish_task(self, task_id: str, when: datetime, outcome: str | None = None) -> None:
        """Complete a task."""
        self.replay.complete(task_id, outcome=outcome, note=None, by="dana", now=when)

    def release(self, when: datetime) -> None:
        """Release everything that is held."""
        self.replay.release(by="max", at=when)

    def silence(self, account_id: str, when: datetime, until: datetime, playbook: str | None) -> None:
        """Silence an account, in one playbook or in all."""
        self.replay.silence(account_id, playbook=playbook, at=when, until=until, by="max", why="a merger")

    def end_silences(self, when: datetime) -> None:
        """End everything that is silenced."""
        self.replay.end_silences(by="max", at=when)

    def pause(self, playbook: str, when: datetime) -> None:
        """Let a playbook rest."""
        self.replay.pause(playbook, at=when, by="max", why="a review")

    def resume(self, playbook: str, when: datetime) -> None:
        """Let it go on."""
        self.replay.resume(playbook, at=when, by="max")

    def ledger(self) -> str:
        """See `ledger_json`."""
        with writing(self.empty) as connection:
            dump(connection, self.replay.memory)
        return ledger_json(self.empty)


def replayed(company: Company, empty: Engine, since: datetime) -> Replayed:
    """In memory what `company` is, its playbooks live from `since` on; `empty` takes the ledger."""
    library = company.library
    live = tuple(
        LivePlaybook(each, since, since)
        for each in sorted(library.rules.playbooks, key=lambda each: each.name)
    )
    people = {each["id"]: Person(**each) for each in PEOPLE}  # type: ignore[arg-type]
    settings = library.settings.health
    health = LiveHealth(health_model(settings, library.catalogue), since) if settings.components else None
    replay = Replay(make_world(library, live, people, health), library.catalogue)
    declared = declarations(library.settings.sources, {}, since)
    if replay.take_in(declared, source=DECLARED):
        raise AssertionError(declared)
    return Replayed(replay, empty)
