"""What a test of a playbook sees in memory is what the database would hold, byte for byte."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.admit.holds import list_holds, release_holds
from engine.admit.silences import add_silence, end_silence, list_silences
from engine.conditions.catalogue import Catalogue
from engine.fold.world import World
from engine.judging import TickReport
from engine.match.matcher import ReferenceMatcher
from engine.rehearsal import stage
from engine.rehearsal.parse import parse_tests
from engine.rehearsal.reasons import Explainer
from engine.rehearsal.run import find_tests
from engine.rehearsal.script import Rehearsal
from engine.rehearsal.shelf import RuleShelf
from engine.replay.dump import dump
from engine.replay.replay import Replay
from engine.rulebook import Library
from engine.rulefile.configured import known_to
from engine.rulefile.folder import TEST
from engine.rulefile.load import load_files, shared_files
from engine.runs.task_actions import complete
from engine.settings import Settings, load_settings
from engine.state import tables
from engine.state.database import writing
from engine.state.entries import Entry, EventEntry, Rejection
from engine.state.ingest import ingest
from engine.state.upsert import upsert
from engine.tick import Ticker
from tests.builders import Fresh, difference, ledger_json

ROOT = Path(__file__).parents[2]


class Twin(Replay):
    """A replay that does everything over a database as well."""

    def __init__(self, shelf: RuleShelf, database: Engine, world: World, catalogue: Catalogue) -> None:
        super().__init__(world, catalogue)
        self.database, self.catalogue = database, catalogue
        library = Library(shelf.settings, catalogue, database)
        library.use(shelf.rules)
        self.ticker = Ticker(database, shelf.settings, library, ReferenceMatcher())
        people = [
            {name: getattr(each, name) for name in each.__slots__} for each in world.team.people.values()
        ]
        with writing(database) as connection:
            upsert(connection, tables.Person.__table__, people)  # type: ignore[attr-defined]

    def take_in(
        self, entries: Iterable[Entry], events: Iterable[EventEntry] = (), *, source: str
    ) -> list[Rejection]:
        entries, events = list(entries), list(events)
        found = super().take_in(entries, events, source=source)
        assert tuple(found) == ingest(self.database, self.catalogue, entries, events, source=source).rejected
        return found

    def tick(self, at: datetime) -> TickReport:
        mine, stored = super().tick(at), self.ticker.tick(at)
        assert mine.passed == stored.passed
        return mine

    def is_due(self, at: datetime) -> bool:
        found = super().is_due(at)
        assert found == self.ticker.is_due(at)
        return found

    def complete(self, task_id: str, **more: Any) -> None:
        super().complete(task_id, **more)
        complete(self.database, task_id, **more)

    def release(self, *, by: str, at: datetime) -> None:
        super().release(by=by, at=at)
        release_holds(
            self.database, [each.id for each in list_holds(self.database, only_held=True)], by=by, at=at
        )

    def silence(self, account_id: str, **more: Any) -> None:
        super().silence(account_id, **more)
        add_silence(self.database, account_id, **more)

    def end_silences(self, *, by: str, at: datetime) -> None:
        super().end_silences(by=by, at=at)
        for each in list_silences(self.database, lasting_at=at):
            end_silence(self.database, each.id, by=by, at=at)


def shipped(settings: Settings, chosen: slice) -> Iterator[tuple[RuleShelf, Path, Rehearsal]]:
    """Some of the tests beside the shipped playbooks, with what each plays on."""
    catalogue, beside = settings.catalogue(), shared_files(settings.rules)
    for file, test in list(_tests(settings))[chosen]:
        rule = file.with_name(file.name.removesuffix(TEST) + ".yaml")
        rules = load_files(
            [rule, *(rule.parent / each for each in test.others)],
            settings.templates,
            known_to(settings, catalogue),
            beside=beside,
        )
        yield RuleShelf(settings.model_copy(update={"rules": rule}), catalogue, rules), rule, test


def _tests(settings: Settings) -> Iterator[tuple[Path, Rehearsal]]:
    for file in find_tests([settings.rules]):
        text = file.read_text(encoding="utf-8")
        for test in parse_tests(file.as_posix(), text, settings.catalogue()).tests:
            yield file, test


def play(shelf: RuleShelf, rule: Path, test: Rehearsal, fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> str:
    """Play a test on both, compare, and return the ledger."""
    monkeypatch.setattr(stage, "Replay", lambda world, catalogue: Twin(shelf, fresh(), world, catalogue))
    mine = stage.Stage(shelf, rule.as_posix(), Explainer())
    mine.open(test)
    for move in test.timeline:
        mine.play(move)
    twin, empty = mine.replay, fresh()
    assert isinstance(twin, Twin)
    with writing(empty) as connection:
        dump(connection, twin.memory)
    stored = ledger_json(twin.database)
    assert difference(stored, ledger_json(empty)) == [], test.name
    return stored


@pytest.fixture
def settings() -> Settings:
    """The configuration that ships."""
    found = load_settings(ROOT / "config.yaml")
    return found.model_copy(update={"rules": ROOT / "rules", "templates": ROOT / "templates"})


def test_twins_agree_on_shipped_tests(
    settings: Settings, fresh: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of them, that together start runs and send mail."""
    ledgers = [play(*each, fresh, monkeypatch) for each in shipped(settings, slice(None, None, 12))]
    assert any('"answer": "started"' in each for each in ledgers)
    assert any('"answer": "email"' in each for each in ledgers)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(12))
def test_twins_agree_on_every_shipped_test(
    settings: Settings, fresh: Fresh, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    """All of them."""
    for each in shipped(settings, slice(part, None, 12)):
        play(*each, fresh, monkeypatch)
