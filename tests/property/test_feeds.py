"""Answers that wait for sources do not depend on when ticks happen."""

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine

from tests.builders import START, Company, Fresh, company, difference, feed
from tests.histories import History, at_random, play, random_history

HOUR = timedelta(hours=1)
_TASK = "task: {to: csm, title: Call, due: 1bd}"
PLAYBOOKS = (
    f"""
playbook: gone
owner: cs
subject: account
when: {{event: login, absent_for: 2d}}
cooldown: 1d
steps: [{{id: call, day: 0, {_TASK}}}]
exit: [{{outcome: back, when: {{event: login, within: 12h}}}}]
""",
    f"""
playbook: rare
owner: cs
subject: account
when: {{none: [{{event: login, at_least: 2, within: 4d}}]}}
for: 6h
existing: {{since: 3d}}
steps:
  - {{id: call, day: 0, {_TASK}}}
  - {{id: again, on: {{none: [{{event: login, within: 36h}}]}}, {_TASK}}}
exit: [{{outcome: lively, when: {{event: login, at_least: 2, within: 2d}}, for: 4h}}]
""",
    f"""
playbook: idle
owner: cs
subject: account
when: {{any: [{{event: outage, absent_for: 1d}}, {{event: login, within: 1d}}]}}
on_missing: "false"
keep_active_for: 5h
steps: [{{id: call, day: 1, if: {{none: [{{event: outage, within: 2d}}]}}, {_TASK}}}]
""",
)
PLAYBOOKS += (
    f"""
playbook: few
owner: cs
subject: account
when: {{count: event, name: login, within: 3d, between: [1, 2]}}
cooldown: 12h
steps:
  - {{id: call, day: 0, {_TASK}}}
  - {{id: still, on: {{count: event, name: login, since: run_start, below: 1}}, {_TASK}}}
  - {{id: silent, day: 1, if: {{none: [{{event: login, since: run_start}}]}}, {_TASK}}}
exit: [{{outcome: many, when: {{count: event, name: login, within: 1d, above: 2}}}}]
""",
)
PLAYBOOKS += (
    f"""
playbook: low
owner: cs
subject: account
when: {{field: account.health, below: 60}}
steps:
  - {{id: call, day: 0, {_TASK}}}
  - {{id: unknown, on: {{field: account.health, is_missing: true}}, {_TASK}}}
exit: [{{outcome: well, when: {{field: account.health, at_least: 60}}, for: 3h}}]
""",
    f"""
playbook: known
owner: cs
subject: account
when: {{none: [{{field: account.health, is_missing: true}}]}}
on_missing: "false"
steps: [{{id: note, day: 0, {_TASK}}}]
""",
)
SOURCES = {
    "web": {"feeds": ["login"], "lag": "2h"},
    "phone": {"feeds": ["login", "account.health"], "fresh_for": "14h"},
    "status": {"feeds": ["outage"]},
}


def made(database: Engine, folder: Path) -> Company:
    """A company that trusts three sources, which lag."""
    return company(database, folder, PLAYBOOKS, sources=SOURCES)


def fed_history(seed: int, days: int = 8) -> History:
    """A history in which sources advance at random, some of them dead for long stretches."""
    history, random = random_history(seed, days=days), Random(seed)
    for source in SOURCES:
        reached, known = START - timedelta(days=1), START
        while known < history.end:
            known += timedelta(minutes=random.choice((37, 240, 240, 1440, 5000)))
            reached = max(reached, known - timedelta(minutes=random.choice((0, 30, 600, 3000))))
            history.inputs.append((known, feed(source, reached, known)))
    history.inputs.sort(key=lambda each: each[0])
    return history


def unwaited(mine: Company, history: History, ticks: list) -> str:  # type: ignore[type-arg]
    """The ledger of a play in which every account is looked at in every tick, whoever waits for what."""

    class Forced(Company):
        def tick(self, when):  # type: ignore[no-untyped-def]
            report = super().tick(when)
            self.ask_all(when)
            super().tick(when)
            return report

    return play(Forced(mine.database, mine.library, mine.ticker), history, ticks)


@pytest.mark.parametrize("seed", [60])
def test_sources_that_advance_at_random_give_the_same_ledger(seed: int, fresh: Fresh, tmp_path: Path) -> None:
    """Few ticks, many, and many at which everything is looked at decide the same."""
    history = fed_history(seed)
    few = play(made(fresh(), tmp_path), history, [])
    many = play(made(fresh(), tmp_path), history, at_random(seed, history, 25))
    assert difference(few, many) == []
    all_of_them = unwaited(made(fresh(), tmp_path), history, at_random(seed + 1, history, 8))
    assert difference(few, all_of_them) == []
    assert '"started"' in few


def test_sources_that_advance_at_random_give_the_same_ledger_on_postgresql(
    fresh: Fresh, postgresql_database: Engine, tmp_path: Path
) -> None:
    """And the same on both databases."""
    history = fed_history(66, days=8)
    few = play(made(fresh(), tmp_path), history, [])
    many = play(made(postgresql_database, tmp_path), history, at_random(66, history, 12))
    assert difference(few, many) == []


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(600, 660))
def test_sources_that_advance_at_random_give_the_same_ledger_for_long(
    seed: int, fresh: Fresh, tmp_path: Path
) -> None:
    """More of the above."""
    history = fed_history(seed, days=18)
    few = play(made(fresh(), tmp_path), history, [])
    assert difference(few, play(made(fresh(), tmp_path), history, at_random(seed, history, 60))) == []
