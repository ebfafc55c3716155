"""A playbook that is renamed goes on with its past, on both databases."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from engine.admit.silences import add_silence
from engine.explain import explain
from engine.rulebook import live_set
from tests.builders import START, Company, account, company, happening, write_rules
from tests.histories import DAY, HOUR

OLD = """
playbook: old
title: Old
owner: cs
subject: account
when: {field: account.health, below: 40}
on: {event: go}
cooldown: 5d
existing: fire
steps:
  - {id: call, day: 0, task: {to: csm, title: "Old call", outcomes: [yes, no]}}
  - {id: later, day: 2, task: {to: csm, title: "{{ playbook.name }} later"}}
exit:
  - {outcome: won, when: {step: call, outcome: yes}}
"""
NEW = OLD.replace("playbook: old", "playbook: new\nrenamed_from: old").replace("Old call", "New call")
NEWER = NEW.replace("playbook: new", "playbook: newer").replace("from: old", "from: [new, old]")


def renamed(mine: Company, folder: Path, text: str, when: Any) -> None:
    """The new file goes live in place of the old one."""
    write_rules(folder, [text])
    mine.tick(when)


def test_open_run_goes_on_under_the_new_name(database: Engine, tmp_path: Path) -> None:
    """Its steps, tasks and outcome; nobody who is in the state starts again."""
    mine = company(database, tmp_path, [OLD])
    mine.take(account(START - DAY, name="Acme", csm="dana", timezone="UTC", health=30))
    mine.tick(START)
    renamed(mine, tmp_path, NEW, START + HOUR)
    mine.tick(START + 3 * DAY)
    (run,) = mine.runs()
    assert (run.playbook, run.state) == ("new", "open")
    assert [(each.playbook, each.title) for each in mine.tasks()] == [
        ("new", "Old call"),
        ("new", "new later"),
    ]
    mine.finish(START + 3 * DAY + HOUR, "yes", step="call")
    mine.tick(START + 3 * DAY + HOUR)
    assert mine.runs()[0].outcome == "won"
    assert {each.playbook for each in mine.episodes()} == {"new"}
    found = explain(mine.database, mine.library, "new", "acme", START + 3 * DAY + HOUR)
    assert "started" in [each["answer"] for each in found.decisions]


def test_cooldown_and_what_is_owed_count_across_the_renaming(database: Engine, tmp_path: Path) -> None:
    """Twice renamed; the run that is owed starts when the cooldown of the old name is over."""
    mine = company(database, tmp_path, [OLD])
    mine.take(account(START - DAY, name="Acme", csm="dana", timezone="UTC", health=30))
    mine.tick(START)
    mine.finish(START + HOUR, "yes")
    mine.take(account(START + 2 * HOUR, health=60), account(START + 3 * HOUR, health=20))
    mine.tick(START + 4 * HOUR)
    assert mine.decisions()[-1][1] == "owed: cooldown"
    renamed(mine, tmp_path, NEW, START + 5 * HOUR)
    renamed(mine, tmp_path, NEWER, START + 6 * HOUR)
    mine.tick(START + 6 * DAY)
    first, second = mine.runs()
    assert (first.playbook, second.playbook) == ("newer", "newer")
    assert (second.generation, second.started_at) == (2, START + HOUR + 5 * DAY)
    assert [each.title for each in mine.tasks()] == ["Old call", "New call"]


def test_hold_silence_and_live_since_go_along(database: Engine, tmp_path: Path) -> None:
    """What the guard holds is released under the new name; a silence of the old one still counts."""
    guarded = OLD.replace("cooldown: 5d", "guard: {max_starts: 1}")
    mine = company(database, tmp_path, [guarded])
    for name in ("a", "b", "c"):
        mine.take(account(START - DAY, name, name=name, timezone="UTC", health=30))
    mine.tick(START)
    assert mine.runs() == []
    add_silence(database, "c", playbook="old", at=START, until=START + 9 * DAY, by="max", why="peace")
    text = guarded.replace("playbook: old", "playbook: new\nrenamed_from: old")
    renamed(mine, tmp_path, text, START + HOUR)
    assert mine.release(START + 2 * HOUR) == 1
    mine.tick(START + 2 * HOUR)
    assert [(each.playbook, each.subject_id) for each in mine.runs()] == [("new", "a"), ("new", "b")]
    with database.connect() as connection:
        (found,) = live_set(connection, mine.library)
    assert found.live_since == START


def test_name_with_a_past_of_its_own_takes_over_nothing(database: Engine, tmp_path: Path) -> None:
    """Nor does a key that has done its work do it again."""
    mine = company(database, tmp_path, [OLD, OLD.replace("playbook: old", "playbook: new")])
    mine.take(account(START - DAY, name="Acme", timezone="UTC", health=30))
    mine.tick(START)
    renamed(mine, tmp_path, NEW, START + HOUR)
    mine.take(happening("go", START + 2 * HOUR))
    mine.tick(START + 2 * HOUR)
    assert sorted(each.playbook for each in mine.runs()) == ["new", "old"]
