"""Playbooks about sources: one run for a feed, outside every account."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from engine.conditions.catalogue import Kind
from engine.explain import explain
from engine.settings import SourceSettings
from engine.state import tables
from engine.state.entries import Entry
from tests.builders import START, Company, Fresh, account, at, company, difference
from tests.replays import replayed

DAY = timedelta(days=1)

SILENT = """
playbook: silent
title: A silent feed
owner: cs
subject: source
when: {field: source.watermark, days_since: {at_least: 3}}
guard: {max_starts: 1, within: 1d}
steps:
  - id: mend
    day: 0
    task: {to: csm, title: "Mend {{ source.name }} of {{ account.name }}", due: 1bd}
  - id: shout
    day: 0
    message: {via: slack, to: "#data", template: note}
exit:
  - {outcome: back, when: {field: source.watermark, days_since: {below: 3}}}
"""
HEALTH = """
playbook: health
owner: cs
subject: account
when: {field: account.health, below: 40}
steps: [{id: call, day: 0, task: {to: csm, title: Call}}]
"""


@pytest.fixture
def mine(database: Engine, tmp_path: Path) -> Company:
    """A company with one account and two feeds that have just come."""
    built = company(database, tmp_path, (SILENT, HEALTH))
    built.take(account(START - DAY, name="Acme", csm="dana"))
    built.take(*(feed(each, START) for each in ("usage", "crm")))
    built.tick(START)
    return built


def feed(name: str, when: object) -> Entry:
    """A feed that has said everything up to an instant, then."""
    return Entry(Kind.SOURCE, name, f"source:{name}", {"name": name, "watermark": when}, when, when)  # type: ignore[arg-type, dict-item]


def test_silent_source_makes_one_task_whatever_its_accounts(mine: Company) -> None:
    """Found through fallbacks, due by the settings' calendar, named for the source."""
    mine.take(feed("crm", START + 2 * DAY))
    mine.tick(START + 4 * DAY)
    (task,) = mine.tasks()
    assert (task.account_id, task.kind, task.subject_id) == ("source:usage", "source", "usage")
    assert (task.assignee, task.title) == ("team:cs_pool", "Mend usage of source:usage")
    assert task.created_at == at("2026-03-05 08:00")
    assert [each.recipient for each in mine.messages()] == ["#data"]


def test_sources_are_exempt_from_the_guard(mine: Company) -> None:
    """When all feeds fall silent at once, each one is told of: holding them back would hide the cause."""
    mine.tick(START + 4 * DAY)
    assert sorted(each.subject_id for each in mine.runs()) == ["crm", "usage"]
    assert mine.rows(tables.Hold) == []


def test_source_that_comes_back_ends_its_run(mine: Company) -> None:
    """At the instant at which it came, whenever that is looked at."""
    mine.tick(START + 4 * DAY)
    mine.take(feed("usage", START + 4 * DAY + timedelta(hours=3)))
    mine.tick(START + 5 * DAY)
    ended = {each.subject_id: (each.outcome, each.ended_at) for each in mine.runs()}
    assert ended["usage"] == ("back", START + 4 * DAY + timedelta(hours=3))
    assert ended["crm"] == (None, None)


def test_source_is_no_account(mine: Company) -> None:
    """Playbooks about accounts do not see it, and it is in no list of them."""
    mine.tick(START + 4 * DAY)
    assert [each.id for each in mine.rows(tables.Account)] == ["acme"]
    assert mine.runs(playbook="health") == []


def test_explain_answers_for_a_source(mine: Company) -> None:
    """By its name, as for any subject."""
    mine.tick(START + 2 * DAY)
    found = explain(mine.database, mine.library, "silent", "usage", START + 2 * DAY)
    assert (found.kind, found.subject_id, found.verdict) == ("source", "usage", False)
    assert "2 days ago" in found.conclusion


NEVER_CAME = SILENT.replace("at_least: 3}}", "at_least: 3}, else_since: source.declared_at}").replace(
    "exit:", "exit:\n  - {outcome: gone, when: {field: source.declared_at, is_missing: true}}"
)


def declaring(mine: Company, *names: str, **more: object) -> None:
    """Let the settings name these sources, and no others, from the next tick on; `more` is said of each."""
    found = {name: SourceSettings(feeds=("login",), **more) for name in names}  # type: ignore[arg-type]
    mine.library.settings = mine.library.settings.model_copy(update={"sources": found})
    mine.ticker.settings = mine.library.settings


@pytest.fixture
def waiting(database: Engine, tmp_path: Path) -> Company:
    """A company whose settings have named one feed since START; it has never come."""
    built = company(database, tmp_path, (NEVER_CAME,), sources={"usage": {"feeds": ["login"]}})
    built.tick(START)
    return built


def test_source_that_never_came_is_missed(waiting: Company) -> None:
    """Counted from when the settings named it, whenever that is looked at."""
    waiting.tick(START + DAY)
    waiting.tick(START + 5 * DAY)
    (run,) = waiting.runs()
    assert (run.subject_id, run.started_at) == ("usage", at("2026-03-05 00:00"))
    assert run.reason == "source declared 2026-03-02 (3 days ago, at least 3 days ago)"
    found = explain(waiting.database, waiting.library, "silent", "usage", START + 2 * DAY)
    assert (found.verdict, found.when and found.when.reason) == (
        False,
        "source declared 2026-03-02 (2 days ago, not at least 3 days ago)",
    )


def test_source_is_declared_once(waiting: Company) -> None:
    """Naming another one, or changing what it feeds, is no new beginning; leaving it out is an end."""
    declaring(waiting, "usage", "crm", lag="2h")
    waiting.tick(START + 2 * DAY)
    table = waiting.rows(tables.Source)
    assert {each.id: each.declared_at for each in table} == {
        "usage": START,
        "crm": START + 2 * DAY + timedelta(microseconds=1),
    }
    waiting.tick(START + 4 * DAY)
    declaring(waiting, "crm")
    waiting.tick(START + 4 * DAY + timedelta(hours=1))
    (run,) = waiting.runs()
    assert (run.subject_id, run.outcome) == ("usage", "gone")


def test_live_source_is_not_waited_for(waiting: Company) -> None:
    """It needs no watermark, so there is nothing to miss."""
    declaring(waiting, "chat", live=True)
    waiting.tick(START + DAY)
    waiting.tick(START + 9 * DAY)
    assert [each.id for each in waiting.rows(tables.Source)] == ["usage"]
    assert waiting.runs() == []


def test_declared_source_is_missed_in_memory_too(fresh: Fresh, tmp_path: Path) -> None:
    """A replay comes to the same ledger."""
    mine = company(fresh(), tmp_path, (NEVER_CAME,), sources={"usage": {"feeds": ["login"]}})
    other = replayed(mine, fresh(), START)
    for player in (mine, other):
        player.tick(START)
        player.tick(START + 5 * DAY)
        player.take(feed("usage", START + 6 * DAY))
        player.tick(START + 7 * DAY)
    assert '"back"' in mine.ledger()
    assert difference(mine.ledger(), other.ledger()) == []
