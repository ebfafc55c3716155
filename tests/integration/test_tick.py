"""A tick at the edges: the same instant again, late data, data that arrives meanwhile, rules that change."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from engine.rulebook import go_live
from engine.state import tables
from engine.state.database import writing
from engine.tick import TickInThePastError
from tests.builders import SLIDE, START, account, company, happening, write_rules
from tests.histories import DAY, HOUR, MINUTE, PLAYBOOKS, play, random_history

REQUEST = """
playbook: request
title: A request
owner: cs
subject: account
on: {event: cancel_requested}
steps:
  - {id: call, day: 0, task: {to: csm, title: "Call", due: 1bd, outcomes: [reached, silent]}}
  - id: again
    after: call + 30min
    if: {step: call, outcome: silent}
    task: {to: csm, title: "Again", due: 1bd}
"""


def test_tick_in_the_past_is_refused(sqlite_database: Engine, tmp_path: Path) -> None:
    """Time only moves forward, and the message says so."""
    mine = company(sqlite_database, tmp_path)
    mine.tick(START)
    with pytest.raises(TickInThePastError, match="the last tick was at 2026-03-02T12:00:00Z"):
        mine.tick(START - MINUTE)


def test_tick_at_the_same_instant_takes_what_came_since(database: Engine, tmp_path: Path) -> None:
    """An import between two ticks at one instant is judged by the second."""
    mine = company(database, tmp_path)
    mine.take(account(START - DAY, health=70))
    mine.tick(START)
    mine.take(account(START - HOUR, health=30))
    mine.tick(START)
    assert [each.started_at for each in mine.runs()] == [START]


def test_tick_at_the_same_instant_sees_finished_tasks(database: Engine, tmp_path: Path) -> None:
    """A task finished at the instant of the last tick moves its run on in the next one there."""
    mine = company(database, tmp_path, [REQUEST])
    mine.take(account(START - DAY))
    mine.tick(START)
    mine.take(happening("cancel_requested", START + HOUR))
    mine.tick(START + HOUR)
    mine.finish(START + HOUR, "silent")
    mine.tick(START + HOUR)
    assert mine.steps()["call"].state == "done"
    mine.tick(START + 2 * HOUR)
    assert [each.step for each in mine.tasks()] == ["call", "again"]
    assert mine.steps()["again"].acted_at == START + HOUR + 30 * MINUTE


def test_tick_decides_first_about_accounts_with_something_new(database: Engine, tmp_path: Path) -> None:
    """A long pass over what only time asks for does not keep them waiting."""
    mine = company(
        database, tmp_path, [SLIDE + "  - {id: next, after: call + 1d, task: {to: csm, title: Next}}"]
    )
    mine.take(account(START - DAY, "a", health=70), account(START - DAY, "z", health=70))
    mine.tick(START)
    mine.take(account(START + HOUR, "a", health=30), account(START + HOUR, "z", health=30))
    mine.tick(START + HOUR)
    known = len(mine.rows(tables.Decision))
    mine.take(account(START + 4 * DAY, "z", health=70))
    mine.tick(START + 4 * DAY)
    assert [each.account_id for each in mine.rows(tables.Decision)[known:]] == ["z", "z", "a"]


def test_tick_at_the_instant_of_a_rule_change_takes_what_came_since(database: Engine, tmp_path: Path) -> None:
    """The changed set goes live an instant after its tick; a second tick there still takes in new data."""
    mine = company(database, tmp_path)
    mine.take(account(START - DAY, health=70))
    mine.tick(START)
    write_rules(tmp_path, [SLIDE.replace("drops_below: 40", "drops_below: 45")])
    mine.tick(START + HOUR)
    mine.take(account(START + HOUR, health=42))
    mine.tick(START + HOUR)
    mine.tick(START + 2 * HOUR)
    assert len(mine.runs()) == 1


@pytest.mark.parametrize("rest", [MINUTE, DAY])
def test_late_data_is_judged_at_the_tick_that_finds_it(
    database: Engine, tmp_path: Path, rest: timedelta
) -> None:
    """What applied before the last tick opens at the next one, and rewrites nothing."""
    mine = company(database, tmp_path)
    mine.take(account(START - DAY, health=70))
    mine.tick(START)
    mine.tick(START + DAY)
    mine.take(account(START + HOUR, health=30))
    mine.tick(START + DAY + rest)
    assert [each.started_at for each in mine.runs()] == [START + DAY + rest]


def test_late_data_that_is_superseded_moves_only_thresholds_with_recovery(
    database: Engine, tmp_path: Path
) -> None:
    """Health was 30 before it was 45: not recovered to 50, so the state holds, from when that is learned."""
    mine = company(database, tmp_path)
    mine.take(account(START - DAY, health=70))
    mine.tick(START)
    mine.take(account(START + 2 * HOUR, health=45))
    mine.tick(START + 3 * HOUR)
    assert mine.runs() == []
    mine.take(account(START + HOUR, recorded=START + 3 * HOUR, health=30))
    mine.tick(START + 4 * HOUR)
    assert [each.started_at for each in mine.runs()] == [START + 4 * HOUR]


def test_late_data_between_what_is_known_moves_thresholds_with_recovery(
    database: Engine, tmp_path: Path
) -> None:
    """38, then 40: not recovered. That it was 70 between the two is learned late, and ends the stretch."""
    mine = company(database, tmp_path)
    mine.take(account(START - DAY, health=70))
    mine.tick(START)
    mine.take(account(START + 2 * HOUR, health=38), account(START + 10 * HOUR, health=40))
    mine.tick(START + 12 * HOUR)
    mine.take(account(START + 3 * HOUR, recorded=START + 4 * HOUR, health=70))
    mine.tick(START + 13 * HOUR)
    (episode,) = mine.episodes()
    assert (episode.opened_at, episode.resolved_at) == (START + 2 * HOUR, START + 13 * HOUR)


def test_late_data_does_not_colour_what_was_decided_before_it_was_found(
    database: Engine, tmp_path: Path
) -> None:
    """Between the last tick and the one that finds it, thresholds still remember what was known."""
    mine = company(database, tmp_path)
    mine.take(account(START - DAY, health=70), account(START - 2 * HOUR, health=45))
    mine.tick(START)
    mine.tick(START + HOUR)
    mine.take(account(START - 3 * HOUR, health=30), account(START + 2 * HOUR, health=46))
    mine.tick(START + 3 * HOUR)
    assert [each.started_at for each in mine.runs()] == [START + 3 * HOUR]


def test_late_event_is_a_moment_of_the_tick_that_finds_it(database: Engine, tmp_path: Path) -> None:
    """It starts its run late rather than never, and once."""
    mine = company(database, tmp_path, [REQUEST])
    mine.take(account(START - DAY))
    mine.tick(START)
    mine.tick(START + DAY)
    mine.take(happening("cancel_requested", START + HOUR))
    mine.tick(START + DAY + MINUTE)
    mine.take(happening("cancel_requested", START + HOUR))
    mine.tick(START + DAY + HOUR)
    assert [each.started_at for each in mine.runs()] == [START + DAY + MINUTE]


def test_data_known_ahead_waits_for_its_time(database: Engine, tmp_path: Path) -> None:
    """A change announced for tomorrow does nothing today."""
    mine = company(database, tmp_path)
    mine.take(account(START - DAY, health=70), account(START + DAY, recorded=START - DAY, health=30))
    mine.tick(START)
    mine.tick(START + HOUR)
    assert mine.runs() == []
    mine.tick(START + 2 * DAY)
    assert [each.started_at for each in mine.runs()] == [START + DAY]


def test_account_created_between_ticks_fires_for_what_it_does_then(database: Engine, tmp_path: Path) -> None:
    """It is born healthy and slides: that is an opening like any other."""
    mine = company(database, tmp_path)
    mine.tick(START)
    mine.take(account(START + HOUR, health=70), account(START + 2 * HOUR, health=30))
    mine.tick(START + DAY)
    assert [each.started_at for each in mine.runs()] == [START + 2 * HOUR]


def test_three_days_of_downtime_lose_and_repeat_nothing(database: Engine, tmp_path: Path) -> None:
    """What became due meanwhile happens with the times it was due at, once."""
    mine = company(database, tmp_path, [REQUEST])
    mine.take(account(START - DAY))
    mine.tick(START)
    mine.take(happening("cancel_requested", START + HOUR))
    mine.tick(START + 3 * DAY)
    mine.tick(START + 3 * DAY + MINUTE)
    assert [(each.step, each.created_at) for each in mine.tasks()] == [("call", START + HOUR)]
    assert mine.steps()["again"].reason == "not needed: step call has no outcome yet"


def test_paused_between_rule_sets_open_runs_keep_their_version(database: Engine, tmp_path: Path) -> None:
    """A run goes on with the steps it started with, whatever the file says now."""
    mine = company(database, tmp_path, [REQUEST])
    mine.take(account(START - DAY))
    mine.tick(START)
    mine.take(happening("cancel_requested", START + HOUR))
    mine.tick(START + HOUR)
    write_rules(tmp_path, [REQUEST.replace("again", "later"), SLIDE])
    mine.tick(START + HOUR + MINUTE)
    mine.finish(START + HOUR + 2 * MINUTE, "silent")
    mine.tick(START + 3 * HOUR)
    assert [each.step for each in mine.tasks()] == ["call", "again"]


def test_playbook_that_is_gone_starts_nothing_more(database: Engine, tmp_path: Path) -> None:
    """Its open run goes on to its end, its condition is no longer watched."""
    mine = company(database, tmp_path, [REQUEST, SLIDE])
    mine.take(account(START - DAY, health=70))
    mine.tick(START)
    mine.take(happening("cancel_requested", START + HOUR))
    mine.tick(START + HOUR)
    write_rules(tmp_path, [SLIDE])
    mine.tick(START + 2 * HOUR)
    mine.take(happening("cancel_requested", START + 3 * HOUR))
    mine.tick(START + 4 * HOUR)
    assert len(mine.runs()) == 1
    mine.finish(START + 5 * HOUR, "reached")
    mine.tick(START + DAY)
    assert mine.runs()[0].outcome == "completed"


def test_broken_rule_file_changes_nothing(sqlite_database: Engine, tmp_path: Path) -> None:
    """The set last live goes on deciding."""
    mine = company(sqlite_database, tmp_path)
    mine.take(account(START - DAY, health=70))
    mine.tick(START)
    write_rules(tmp_path, ["playbook: ["])
    mine.take(account(START + HOUR, health=30))
    mine.tick(START + 2 * HOUR)
    assert len(mine.runs()) == 1


def test_emptied_rules_folder_changes_nothing(sqlite_database: Engine, tmp_path: Path) -> None:
    """The set last live goes on deciding, and the empty folder is told."""
    mine = company(sqlite_database, tmp_path)
    mine.take(account(START - DAY, health=70))
    mine.tick(START)
    for file in mine.library.settings.rules.rglob("*.yaml"):
        file.unlink()
    assert mine.library.refresh()
    assert [each.message for each in mine.library.problems] == [
        "holds no playbook; those in force, if any, stay"
    ]
    mine.take(account(START + HOUR, health=30))
    mine.tick(START + 2 * HOUR)
    assert len(mine.runs()) == 1


def test_first_tick_cut_short_after_going_live_is_taken_up_from_there(
    database: Engine, tmp_path: Path
) -> None:
    """The playbooks are live from the instant that was written, though nothing was judged then."""
    mine = company(database, tmp_path)
    mine.take(account(START - DAY, health=70))
    with writing(database) as connection:
        go_live(connection, mine.library, START)
    mine.take(account(START + HOUR, health=30))
    mine.tick(START + DAY)
    assert [each.started_at for each in mine.runs()] == [START + HOUR]


def test_tick_with_nothing_due_looks_at_nothing(database: Engine, tmp_path: Path) -> None:
    """The work of a tick follows what changed."""
    mine = company(database, tmp_path, PLAYBOOKS)
    play(mine, random_history(500, days=12), [])
    end = START + timedelta(days=12)
    assert mine.tick(end).accounts == 0
