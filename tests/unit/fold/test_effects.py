"""Playbooks that change the state themselves: events they record, and fields they update."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.conditions.catalogue import Kind
from engine.fold.case import MOST_ROUNDS
from engine.state import tables
from engine.state.database import open_database
from tests.builders import START, Company, account, at, company, difference, entry, happening
from tests.histories import DAY, HOUR, MINUTE

Opened = Callable[..., Company]

GO = "owner: cs\nsubject: account\non: {event: go}\n"
CALL = 'task: {to: csm, title: "Call {{ account.name }}"}'


def playbook(name: str, steps: str, head: str = GO) -> str:
    """A playbook of one-line steps."""
    listed = "".join(f"  - {{{each.strip()}}}\n" for each in steps.strip().splitlines())
    return f"playbook: {name}\n{head}steps:\n{listed}"


def going(mine: Company, **values: Any) -> Company:
    """The event `go` at one o'clock on a Monday, at an account in New York."""
    known = {"name": "Acme", "csm": "dana", "timezone": "America/New_York", "country": "US", **values}
    mine.take(account(START - DAY, **known))
    mine.tick(START)
    mine.take(happening("go", START + 5 * HOUR))
    mine.tick(START + 5 * HOUR)
    return mine


def current(mine: Company) -> Any:
    """The account's row."""
    return mine.rows(tables.Account)[0]


def test_record_writes_an_event_that_others_see_at_once(opened: Opened) -> None:
    """At the very instant, with its properties, and one event however often the account is judged."""
    first = playbook(
        "first",
        'id: tell, day: 0, record: {event: onboarded, properties: {by: "{{ csm.name }}", n: 3, ok: true}}',
    )
    second = playbook("second", f"id: call, day: 0, {CALL}", GO.replace("go", "onboarded"))
    mine = going(opened(first, second))
    (event,) = mine.rows(tables.Event, name="onboarded")
    assert (event.occurred_at, event.subject_id) == (START + 5 * HOUR, None)
    assert event.properties == {"by": "Dana", "n": 3, "ok": True}
    assert [each.playbook for each in mine.runs()] == ["first", "second"]
    assert [each.created_at for each in mine.tasks()] == [START + 5 * HOUR]
    mine.ask_all(START + 6 * HOUR)
    mine.tick(START + 6 * HOUR)
    assert len(mine.rows(tables.Event, name="onboarded")) == 1
    assert len(mine.runs()) == 2


def test_record_of_a_contact_is_an_event_of_that_contact(opened: Opened) -> None:
    """Playbooks about it, and those about its account, see it; those about other contacts do not."""
    head = "owner: cs\nsubject: contact\non: {field: contact.status, changes_to: departed}\n"
    told = "owner: cs\nsubject: contact\non: {event: gone}\n"
    mine = opened(
        playbook("first", "id: tell, day: 0, record: {event: gone}", head),
        playbook("same", "id: call, day: 0, task: {to: csm, title: x}", told),
        playbook("whole", "id: call, day: 0, task: {to: csm, title: x}", GO.replace("go", "gone")),
    )
    mine.take(account(START - DAY, name="Acme"))
    mine.take(*(entry(Kind.CONTACT, each, START - DAY, status="active") for each in ("kim", "lee")))
    mine.tick(START)
    mine.take(entry(Kind.CONTACT, "kim", START + HOUR, status="departed"))
    mine.tick(START + HOUR)
    started = [(each.playbook, each.subject_id) for each in mine.runs()]
    assert sorted(started) == [("first", "kim"), ("same", "kim"), ("whole", "acme")]


def test_update_changes_fields_and_says_who_did(opened: Opened) -> None:
    """Literals, another field's value, the time and nothing; with the source and both times in history."""
    steps = """
    id: set, day: 0, update: {account.effective_segment: {field: account.segment}, account.ae: null}
    id: more, day: 0, update: {account.last_touch_at: now, account.churned_on: today, account.arr: 1200}
    id: name, day: 0, update: {account.plan: "P of {{ csm.name }}"}
    """
    mine = going(
        opened(playbook("first", steps)), segment="low_touch", ae="max", effective_segment="tech_touch"
    )
    row = current(mine)
    assert (row.effective_segment, row.arr, row.ae, row.plan) == ("low_touch", 1200, None, "P of Dana")
    assert (row.last_touch_at, row.churned_on.isoformat()) == (START + 5 * HOUR, "2026-03-02")
    (change,) = mine.rows(tables.Change, field="effective_segment", new="low_touch")
    assert (change.old, change.source) == ("tech_touch", "playbook:first")
    assert change.effective_at == change.recorded_at == START + 5 * HOUR
    said = [each.reason for each in mine.rows(tables.Decision, "id") if each.answer == "update"]
    assert said[0] == "effective segment: tech_touch → low_touch; ae: max → missing"


def test_update_is_seen_by_the_next_step_and_by_other_playbooks_at_once(opened: Opened) -> None:
    """Steps of one instant act in the order of the file, each on what the ones before it did."""
    steps = f"""
    id: lift, day: 0, update: {{account.effective_segment: high_touch}}
    id: call, day: 0, if: {{field: account.effective_segment, equals: high_touch}}, {CALL}
    """
    head = "owner: cs\nsubject: account\nwhen: {field: account.effective_segment, equals: high_touch}\n"
    mine = going(opened(playbook("first", steps), playbook("second", f"id: hi, day: 0, {CALL}", head)))
    assert {each.step: each.created_at for each in mine.tasks()} == dict.fromkeys(
        ["call", "hi"], START + 5 * HOUR
    )


def test_update_with_what_is_so_already_changes_nothing(opened: Opened) -> None:
    """It is done all the same, and says so."""
    mine = going(
        opened(playbook("first", "id: set, day: 0, update: {account.stage: active}")), stage="active"
    )
    assert mine.steps()["set"].state == "done"
    assert len(mine.rows(tables.Change, field="stage")) == 1
    (said,) = [each for each in mine.rows(tables.Decision) if each.answer == "update"]
    assert said.reason == "stage is active already"


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("update: {account.stage: active, account.plan: {field: account.industry}}", "industry is missing"),
        ('update: {account.timezone: "{{ csm.name }}"}', "account.timezone: "),
        ('update: {account.plan: "{{ account.industry }}"}', "template error: "),
        ('record: {event: e, properties: {a: "{{ account.industry }}"}}', "template error: "),
    ],
)
def test_effect_that_cannot_be_done_is_skipped_whole(opened: Opened, action: str, reason: str) -> None:
    """With the reason; nothing of it has happened, and the run goes on."""
    mine = going(opened(playbook("first", f"id: set, day: 0, {action}\nid: call, day: 0, {CALL}")))
    step = mine.steps()["set"]
    assert step.state == "skipped"
    assert reason in step.reason
    assert current(mine).stage is None
    assert mine.rows(tables.Event, name="e") == []
    assert len(mine.tasks()) == 1


def test_update_gives_way_to_what_a_source_says_later(opened: Opened) -> None:
    """And stands against what a source says late about an earlier time."""
    mine = going(opened(playbook("first", "id: set, day: 0, update: {account.stage: active}")), stage="trial")
    late = START + 5 * HOUR - MINUTE
    mine.take(account(late, recorded=START + 6 * HOUR, stage="onboarding"))
    mine.tick(START + 6 * HOUR)
    assert current(mine).stage == "active"
    mine.take(account(START + 7 * HOUR, stage="churned"))
    mine.tick(START + 7 * HOUR)
    assert current(mine).stage == "churned"


def test_exit_records_and_updates(opened: Opened) -> None:
    """What an exit brings about is seen at once too; of two values for one field the later one stays."""
    ending = (
        "exit:\n  - outcome: won\n    on: {event: won}\n    then:\n      - {record: {event: party}}\n"
        "      - {update: {account.stage: trial}}\n      - {update: {account.stage: active}}\n"
    )
    mine = opened(
        playbook("first", f"id: call, day: 0, {CALL}") + ending,
        playbook("second", f"id: call, day: 0, {CALL}", GO.replace("go", "party")),
    )
    going(mine)
    mine.take(happening("won", START + 6 * HOUR))
    mine.tick(START + 6 * HOUR)
    assert current(mine).stage == "active"
    assert [each.playbook for each in mine.runs()] == ["first", "second"]
    answers = [
        each.answer for each in mine.rows(tables.Decision, "id") if (each.step or "").startswith("exit:")
    ]
    assert answers == ["record", "update", "update"]


TRADE = "owner: cs\nsubject: account\nguard: {max_starts: 1000}\n"
THERE = f"{TRADE}on: {{field: account.stage, changes_to: trial}}\n"
BACK = f"{TRADE}on: {{field: account.stage, changes_to: active}}\n"


def test_playbooks_that_undo_each_other_are_stopped(sqlite_database: Engine, tmp_path: Path) -> None:
    """With the reason at the step and an incident; what else is due at the account goes on."""
    mine = company(
        sqlite_database,
        tmp_path,
        [
            playbook("there", "id: set, day: 0, update: {account.stage: active}", THERE),
            playbook("back", "id: set, day: 0, update: {account.stage: trial}", BACK),
            playbook("third", f"id: call, day: 0, {CALL}"),
        ],
    )
    going(mine, stage="onboarding")
    mine.take(account(START + 6 * HOUR, stage="trial"))
    report = mine.tick(START + 6 * HOUR)
    assert len(mine.runs(playbook="there")) == MOST_ROUNDS + 1
    assert len(mine.runs(state="open", playbook="back")) == 0
    (incident,) = report.circles
    assert "playbook there, step set, acme: stopped at 2026-03-02 18:00:00 UTC" in incident
    assert [(each.category, each.message) for each in mine.rows(tables.Incident)] == [("circle", incident)]
    (stopped,) = mine.rows(tables.StepRow, state="skipped")
    assert stopped.reason.startswith("stopped: it did this")
    mine.take(account(START + 7 * HOUR, name="Acme Inc"), happening("go", START + 7 * HOUR))
    assert mine.tick(START + 7 * HOUR).circles == []


def test_a_playbook_that_records_its_own_event_does_not_go_round(opened: Opened) -> None:
    """Its run is still open when the event happens."""
    mine = going(opened(playbook("first", "id: again, day: 0, record: {event: go}")))
    assert len(mine.runs()) == 1
    assert [each for _, each in mine.decisions() if each == "passed over"] == ["passed over"]


CHAIN = (
    playbook(
        "first",
        """
    id: ask, day: 1, task: {to: csm, title: x, outcomes: [yes, no]}
    id: lift, after: ask + 2d, update: {account.effective_segment: high_touch, account.health: 35}
    id: tell, after: lift + 4h, record: {event: lifted, properties: {why: "{{ run.reason }}"}}
    """,
    ),
    playbook(
        "second",
        f"id: call, day: 1, {CALL}",
        "owner: cs\nsubject: account\nwhen: {field: account.health, drops_below: 40, recovers_at: 50}\n",
    ),
    playbook(
        "third",
        f"id: call, day: 0, {CALL}\nid: quiet, day: 5, record: {{event: quiet}}",
        "owner: cs\nsubject: account\nwhen: {event: lifted, absent_for: 3d}\ncooldown: 2d\n",
    ),
)


def chained(mine: Company, pause: timedelta) -> str:
    """The ledger after two weeks, ticked at that pace."""
    mine.take(account(START - DAY, name="Acme", csm="dana", timezone="UTC", health=70))
    mine.tick(START)
    mine.take(happening("go", START + HOUR), account(START + 5 * DAY, health=80))
    mine.take(account(START + 9 * DAY, health=30))
    ticked = START
    while ticked < START + 13 * DAY:
        ticked = min(ticked + pause, START + 13 * DAY)
        mine.tick(ticked)
    assert {each.playbook for each in mine.runs()} == {"first", "second", "third"}
    return mine.ledger()


def test_effects_are_the_same_whenever_ticks_happen(
    sqlite_template: Path, database: Engine, tmp_path: Path
) -> None:
    """Seldom or often, and on either database, with values that come in between."""
    shutil.copyfile(sqlite_template, tmp_path / "other.db")
    other = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    once = chained(company(other, tmp_path, CHAIN), 13 * DAY)
    other.dispose()
    assert difference(once, chained(company(database, tmp_path, CHAIN), 5 * HOUR)) == []


def test_record_reaches_a_playbook_in_its_working_hours(opened: Opened) -> None:
    """What the calendar makes due is recorded when the working day begins there."""
    mine = going(opened(playbook("first", "id: tell, day: 1, record: {event: told}")))
    mine.tick(START + 2 * DAY)
    (event,) = mine.rows(tables.Event, name="told")
    assert event.occurred_at == at("2026-03-03 13:00")
