"""Playbooks about sources: one run for a feed, outside every account."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from engine.conditions.catalogue import Kind
from engine.explain import explain
from engine.state import tables
from engine.state.entries import Entry
from tests.builders import START, Company, account, at, company

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
