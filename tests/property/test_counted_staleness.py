"""What is counted and summed goes stale as what is asked directly does."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine

from engine.conditions.catalogue import Kind
from tests.builders import START, Fresh, company, difference, entry
from tests.histories import History, at_random, play
from tests.property.test_feeds import fed_history
from tests.replays import replayed

DAY = timedelta(days=1)
WHERE_LOW = "{all: [{field: metric.name, equals: nps}, {field: metric.value, below: 5}]}"
ASKED = {
    "metric": {
        "asked": "{field: metric.nps, below: 5}",
        "counted": f"{{count: metric, where: {WHERE_LOW}, at_least: 1}}",
        "summed": "{sum: metric.value, where: {field: metric.name, equals: nps}, below: 5}",
    },
    "contact": {
        "each": "{field: contact.nps, below: 5}",
        "many": "{count: contact, where: {field: contact.nps, below: 5}, at_least: 1}",
        "none": "{count: contact, where: {field: contact.nps, at_least: 5}, below: 1}",
    },
}
"""By what is asked, ways to say the same of an account that has one metric `nps` and one contact."""
SOURCES = {
    "web": {"feeds": ["metric.nps"], "fresh_for": "14h"},
    "phone": {"feeds": ["contact.nps", "metric.other"], "fresh_for": "1d", "lag": "3h"},
}


def playbook(name: str, subject: str, when: str) -> str:
    """A playbook that runs while the condition holds, and whose exit asks the same."""
    return f"""
playbook: {name}
owner: cs
subject: {subject}
when: {when}
steps: [{{id: call, day: 0, task: {{to: csm, title: Call}}}}]
exit: [{{outcome: over, when: {{none: [{when}]}}}}]
"""


PLAYBOOKS = [
    playbook(name, subject if subject == "contact" and name == "each" else "account", when)
    for subject, ways in ASKED.items()
    for name, when in ways.items()
]
FIELDS = {f"metric.{name}": {"type": "number"} for name in ("nps", "other")}


def scored_history(seed: int) -> History:
    """A history in which one account's metric and its one contact get other values, fed by silent sources."""
    history, random = fed_history(seed, days=8), Random(seed)
    inputs = [each for each in history.inputs if getattr(each[1], "kind", None) is Kind.SOURCE]
    before = [each for each in history.before if getattr(each, "kind", None) is Kind.ACCOUNT]
    name = min(each.account_id for each in before)
    ids = {Kind.METRIC: f"{name}:nps", Kind.CONTACT: f"{name}-kim"}
    fields = {Kind.METRIC: "value", Kind.CONTACT: "nps"}
    for kind, identity in ids.items():
        before.append(entry(kind, identity, START - DAY, name, **{fields[kind]: 8}))
        when = START
        while when < history.end - DAY:
            when += timedelta(minutes=random.choice((45, 400, 1500, 3000)))
            changed = entry(kind, identity, when, name, **{fields[kind]: random.choice((2, 4, 5, 9))})
            inputs.append((when, changed))
    history.before, history.acts = before, []
    history.inputs = sorted(inputs, key=lambda each: each[0])
    return history


Stretches = dict[str, list[tuple[datetime, datetime | None]]]
"""By playbook, when its runs began and ended."""


def stretches(
    database: Engine, folder: Path, history: History, ticks: Iterable[datetime]
) -> tuple[str, Stretches]:
    """The ledger, and by playbook when its runs began and ended."""
    mine = company(database, folder, PLAYBOOKS, sources=SOURCES, fields=FIELDS)
    ledger = play(mine, history, ticks)
    found: Stretches = {}
    for run in mine.runs():
        found.setdefault(run.playbook, []).append((run.started_at, run.ended_at))
    return ledger, found


def assert_alike(seed: int, one: Engine, other: Engine, folder: Path) -> None:
    """Every way to ask the same starts and ends its runs at the same instants, whenever the ticks are."""
    history = scored_history(seed)
    ledger, found = stretches(one, folder, history, [])
    for ways in ASKED.values():
        runs = [found.get(name, []) for name in ways]
        assert runs[1:] == runs[:-1]
        assert runs[0]
    again, _ = stretches(other, folder, history, at_random(seed, history, 20))
    assert difference(ledger, again) == []


@pytest.mark.parametrize("seed", range(3))
def test_what_is_counted_goes_stale_as_what_is_asked(seed: int, fresh: Fresh, tmp_path: Path) -> None:
    """A metric's value and a contact's field, asked directly, counted and summed."""
    assert_alike(seed, fresh(), fresh(), tmp_path)


def test_what_is_counted_goes_stale_on_postgresql_too(
    fresh: Fresh, postgresql_database: Engine, tmp_path: Path
) -> None:
    """And on both databases."""
    assert_alike(7, fresh(), postgresql_database, tmp_path)


def test_what_is_counted_goes_stale_in_memory_too(fresh: Fresh, tmp_path: Path) -> None:
    """A replay comes to the same ledger."""
    history = scored_history(9)
    mine = company(fresh(), tmp_path, PLAYBOOKS, sources=SOURCES, fields=FIELDS)
    expected = play(mine, history, [])
    assert difference(expected, play(replayed(mine, fresh(), START), history, [])) == []


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(900, 960))
def test_what_is_counted_goes_stale_for_long(seed: int, fresh: Fresh, tmp_path: Path) -> None:
    """More of the above."""
    assert_alike(seed, fresh(), fresh(), tmp_path)
