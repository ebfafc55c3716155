"""A playbook that rests owes what it would have started, and starts it when it is resumed."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from engine.admit.pauses import PauseError, list_pauses
from engine.admit.silences import add_silence
from engine.explain import explain
from tests.builders import START, Company, account, company, happening, write_rules
from tests.histories import DAY, HOUR, MINUTE

LOW = """
playbook: low
owner: cs
subject: account
when: {field: account.health, below: 40}
on: {event: cancel_requested}
steps:
  - {id: call, day: 0, task: {to: csm, title: Call}}
  - {id: tell, day: 0, message: {via: slack, to: "#cs", template: note}}
"""


@pytest.fixture
def mine(database: Engine, tmp_path: Path) -> Company:
    """A healthy account, and a playbook that is paused an hour after it went live."""
    built = company(database, tmp_path, (LOW,))
    built.take(account(START - DAY, name="Acme", csm="dana", health=70))
    built.tick(START)
    built.pause("low", START + HOUR)
    return built


def test_opening_is_owed_and_starts_at_the_resumption(mine: Company) -> None:
    """At that very instant, by the next tick, though nothing else moves the account."""
    mine.take(account(START + 2 * HOUR, health=30))
    mine.tick(START + 3 * HOUR)
    assert mine.runs() == []
    assert mine.decisions() == [(START + 2 * HOUR, "owed: paused")]
    mine.resume("low", START + 5 * HOUR)
    mine.tick(START + 6 * HOUR)
    assert [each.started_at for each in mine.runs()] == [START + 5 * HOUR]
    assert [each.created_at for each in mine.tasks()] == [START + 5 * HOUR]


def test_state_that_ends_meanwhile_starts_nothing(mine: Company) -> None:
    """Whether or not a tick came in between."""
    mine.take(account(START + 2 * HOUR, health=30), account(START + 3 * HOUR, health=80))
    mine.resume("low", START + 5 * HOUR)
    mine.tick(START + 6 * HOUR)
    assert mine.runs() == []


def test_moment_waits_for_the_resumption(mine: Company) -> None:
    """As it does for the end of a silence."""
    mine.take(happening("cancel_requested", START + 2 * HOUR))
    mine.tick(START + 3 * HOUR)
    mine.resume("low", START + 5 * HOUR)
    mine.tick(START + 6 * HOUR)
    assert [each.started_at for each in mine.runs()] == [START + 5 * HOUR]


def test_open_run_goes_on_and_sends_nothing(database: Engine, tmp_path: Path) -> None:
    """Its task is made; its message waits, and says what is so then."""
    text = LOW.replace("id: tell, day: 0", "id: tell, after: call + 1h").replace(
        "id: call, day: 0", "id: call, after: first + 1h"
    )
    text = text.replace("steps:", "steps:\n  - {id: first, day: 0, task: {to: csm, title: First}}")
    mine = company(database, tmp_path, (text,))
    mine.take(account(START - DAY, name="Acme", csm="dana", health=70))
    mine.tick(START)
    mine.take(account(START + MINUTE, health=30))
    mine.tick(START + 2 * MINUTE)
    mine.pause("low", START + 3 * MINUTE)
    mine.tick(START + DAY)
    assert [each.step for each in mine.tasks()] == ["first", "call"]
    assert mine.messages() == []
    assert "paused by max since 2026-03-02 12:03 UTC: a review" in mine.steps()["tell"].reason
    mine.resume("low", START + DAY + HOUR)
    mine.tick(START + DAY + 2 * HOUR)
    assert [each.step for each in mine.messages()] == ["tell"]


def test_resumption_during_a_tick_is_found_by_the_next(mine: Company) -> None:
    """What such a tick wrote down as owed, knowing nothing of it, is not left behind."""
    mine.take(account(START + 2 * HOUR, health=30))
    mine.resume("low", START + 5 * HOUR)
    mine.pause("low", START + 6 * HOUR)
    mine.tick(START + 4 * HOUR)
    mine.resume("low", START + 7 * HOUR)
    mine.tick(START + 8 * HOUR)
    assert [each.started_at for each in mine.runs()] == [START + 5 * HOUR]


def test_pause_outlives_an_edit_and_a_renaming(mine: Company, tmp_path: Path) -> None:
    """It is of the playbook, not of one version or name of it."""
    write_rules(tmp_path, [LOW.replace("playbook: low", "playbook: lower\nrenamed_from: low")])
    mine.tick(START + 2 * HOUR)
    mine.take(account(START + 3 * HOUR, health=30))
    mine.tick(START + 4 * HOUR)
    assert [each[1] for each in mine.decisions()] == ["owed: paused"]
    mine.resume("lower", START + 5 * HOUR)
    mine.tick(START + 6 * HOUR)
    assert [each.started_at for each in mine.runs()] == [START + 5 * HOUR]


def test_explain_says_that_a_playbook_rests(mine: Company) -> None:
    """While it does, by whom and why; not before and not after."""
    mine.take(account(START + 2 * HOUR, health=30))
    mine.tick(START + 3 * HOUR)
    mine.resume("low", START + 5 * HOUR)
    mine.tick(START + 6 * HOUR)
    found = {
        hours: explain(mine.database, mine.library, "low", "acme", START + hours * HOUR)
        for hours in (0, 4, 6)
    }
    assert "paused by max since 2026-03-02 13:00 UTC: a review" in found[4].conclusion
    topics = {hours: "pause" in [each.topic for each in one.reasoning] for hours, one in found.items()}
    assert topics == {0: False, 4: True, 6: False}


def test_silence_counts_beside_a_pause(mine: Company) -> None:
    """An account that is silenced for longer starts when that is over."""
    end = START + 9 * HOUR
    add_silence(mine.database, "acme", playbook=None, at=START + HOUR, until=end, by="max", why="m")
    mine.take(account(START + 2 * HOUR, health=30))
    mine.resume("low", START + 5 * HOUR)
    mine.tick(START + 12 * HOUR)
    assert [each.started_at for each in mine.runs()] == [end]


def test_pausing_twice_or_resuming_what_goes_on_is_refused(mine: Company) -> None:
    """With what is so."""
    with pytest.raises(PauseError, match=r"paused by max since .* already"):
        mine.pause("low", START + 2 * HOUR)
    with pytest.raises(PauseError, match="not in force"):
        mine.pause("lw", START + 2 * HOUR)
    mine.resume("low", START + 2 * HOUR)
    with pytest.raises(PauseError, match="not paused"):
        mine.resume("low", START + 3 * HOUR)
    (pause,) = list_pauses(mine.database, only_lasting=False)
    assert (pause.since, pause.ended_at) == (START + HOUR, START + 2 * HOUR)
    assert list_pauses(mine.database, only_lasting=True) == []
    assert pause.ended_at is not None
    assert pause.ended_at - pause.since == timedelta(hours=1)
