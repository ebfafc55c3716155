"""Which accounts a playbook that goes live is decided for, and when the others are looked at again."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from engine.conditions.catalogue import Kind
from engine.rulebook import INSTANT_AFTER
from tests.builders import START, Company, account, at, company, entry, happening, write_rules

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = START + DAY
STEPS = "steps: [{id: call, day: 0, task: {to: csm, title: Call}}]"
QUIET = f"""
playbook: quiet
owner: cs
subject: account
when: {{field: account.plan, equals: none}}
{STEPS}
"""


def playbook(trigger: str, subject: str = "account", name: str = "fresh") -> str:
    """A playbook with that trigger and one task."""
    return f"playbook: {name}\nowner: cs\nsubject: {subject}\n{trigger}\n{STEPS}\n"


def going_live(database: Engine, folder: Path, text: str, *more: str) -> Callable[..., Company]:
    """A company of two accounts that was evaluated, and in which `text` then goes live a day later."""

    def prepared(*given: Any) -> Company:
        mine = company(database, folder, (QUIET,))
        mine.take(account(START, "sick", health=30), account(START, "sound", health=80), *given)
        mine.tick(START)
        mine.tick(LATER)
        write_rules(folder, (QUIET, text, *more))
        return mine

    return prepared


@pytest.mark.parametrize(
    ("trigger", "looked_at"),
    [
        ("when: {field: account.health, below: 40}", 1),
        ("when: {field: account.health, drops_below: 40, recovers_at: 50}", 1),
        ("when: {field: account.csat, below: 40}", 0),
        ("when: {field: account.csat, below: 40}\non_missing: true", 2),
        ("when: {field: account.csat, below: 40}\non_missing: false", 0),
        ("audience: {field: account.csat, is_set: true}\nwhen: {field: account.health, below: 90}", 0),
        ("when: {none: [{event: login, within: 7d}]}", 2),
        ("when: {event: login, absent_for: 7d}", 0),
        ("when: {field: account.health, drops_by: 10, within: 3d}", 0),
        ("on: {event: login}", 0),
        ("every: {month: first business day}", 2),
    ],
)
def test_only_accounts_are_folded_for_which_it_may_hold(
    trigger: str, looked_at: int, database: Engine, tmp_path: Path
) -> None:
    """What the database denies, or knows to be unknown, is left as it is."""
    mine = going_live(database, tmp_path, playbook(trigger))()
    assert mine.tick(LATER).accounts == looked_at


def test_contacts_lead_to_their_account(database: Engine, tmp_path: Path) -> None:
    """One account is looked at for the sake of its contact."""
    text = playbook(
        "when: {all: [{field: contact.nps, below: 3}, {field: account.health, above: 50}]}", "contact"
    )
    contacts = [
        entry(Kind.CONTACT, f"{name}-{nps}", START, name, nps=nps, role="champion")
        for name in ("sick", "sound")
        for nps in (2, 9)
    ]
    mine = going_live(database, tmp_path, text)(*contacts)
    assert mine.tick(LATER).accounts == 1
    assert [each.subject_id for each in mine.episodes()] == ["sound-2"]


def test_removed_playbook_asks_for_the_accounts_it_is_under_way_in(database: Engine, tmp_path: Path) -> None:
    """Its episode and its run are there; the other account has nothing of it."""
    mine = going_live(
        database, tmp_path, playbook("when: {field: account.health, below: 40}\nexisting: fire")
    )()
    assert mine.tick(LATER).starts == 1
    write_rules(tmp_path, (QUIET,))
    assert mine.tick(LATER + HOUR).accounts == 1


def test_account_with_something_to_come_is_folded(database: Engine, tmp_path: Path) -> None:
    """Its columns already show what only applies tomorrow."""
    ahead = account(LATER + DAY, "sick", recorded=START, health=90)
    mine = going_live(database, tmp_path, playbook("when: {field: account.health, below: 40}"))(ahead)
    assert mine.tick(LATER).accounts == 1
    assert [each.subject_id for each in mine.episodes()] == ["sick"]


def test_account_is_looked_at_when_time_makes_it_true(database: Engine, tmp_path: Path) -> None:
    """A date that is far off asks for a look a few days early, and the run starts on its own day."""
    text = playbook("when: {field: account.renews_on, days_until: {at_most: 10}}")
    mine = going_live(database, tmp_path, text)(
        account(START, "sound", renews_on=at("2026-05-30 00:00").date())
    )
    assert mine.tick(LATER).accounts == 0
    due = mine.watch("sound").due_at
    assert at("2026-05-16 00:00") <= due <= at("2026-05-20 00:00")
    for day in range(1, 90):
        mine.tick(LATER + day * DAY)
    assert [each.since for each in mine.episodes()] == [at("2026-05-20 00:00")]


def test_silence_of_an_event_is_looked_at_in_time(database: Engine, tmp_path: Path) -> None:
    """The window of the last event ends a week after it."""
    mine = going_live(database, tmp_path, playbook("when: {event: login, absent_for: 7d}"))(
        happening("login", START, "sick")
    )
    assert mine.tick(LATER).accounts == 0
    mine.tick(START + 8 * DAY)
    assert [(each.subject_id, each.since) for each in mine.episodes()] == [("sick", START + 7 * DAY)]


def test_looking_is_by_index(sqlite_database: Engine, tmp_path: Path) -> None:
    """Events, changes, episodes and runs are sought by index, never read as a whole."""
    asked = "{event: login, within: 7d}, {field: account.health, drops_by: 10, within: 3d}"
    text = playbook(f"when: {{all: [{asked}]}}")
    mine = going_live(sqlite_database, tmp_path, text)()
    asked: list[tuple[str, Any]] = []

    @event.listens_for(sqlite_database, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("UPDATE watch SET due_at"):
            asked.append((statement, parameters))

    mine.tick(LATER + INSTANT_AFTER)
    with sqlite_database.connect() as connection:
        plans = [
            row[3]
            for statement, parameters in list(asked)
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    for table in ("event", "change", "episode", "run"):
        assert any(each.startswith(f"SEARCH {table} ") for each in plans), plans
        assert not any(each.startswith(f"SCAN {table}") for each in plans), plans
