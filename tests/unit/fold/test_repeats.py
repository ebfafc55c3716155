"""States that last: they start again, a run is restarted, and a short break is none."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.builders import START, Company, account, happening
from tests.histories import DAY, HOUR

Opened = Callable[..., Company]

LOW = """
playbook: low
title: Low
owner: cs
subject: account
when: {field: account.health, below: 40}
on: {event: cancel_requested}
steps:
  - {id: call, day: 0, task: {to: csm, title: "Call", due: 1bd, outcomes: [done]}}
  - {id: hello, day: 3, message: {via: slack, to: "#cs", template: note}}
"""


def playbook(**keys: str) -> str:
    """The playbook with these keys as well."""
    return LOW.replace("steps:", "".join(f"{key}: {value}\n" for key, value in keys.items()) + "steps:")


def ready(mine: Company, *healths: tuple[timedelta, float | None]) -> Company:
    """One healthy account, live from START, whose health becomes so."""
    mine.take(account(START - 30 * DAY, name="Acme", csm="dana", health=70))
    mine.tick(START)
    mine.take(*(account(START + after, health=value) for after, value in healths))
    return mine


def finish_all(mine: Company, until: int) -> None:
    """Tick every noon; a person finishes every open task an hour later."""
    for day in range(until):
        mine.tick(START + day * DAY)
        for task in mine.tasks(state="open"):
            mine.finish_task(task.id, START + day * DAY + HOUR, "done")
        mine.tick(START + day * DAY + HOUR)


def starts(mine: Company) -> list[timedelta]:
    """How long after START each run began."""
    return [each.started_at - START for each in mine.runs()]


def outcomes(mine: Company) -> list[str | None]:
    """How the runs ended, in the order of their starts."""
    return [each.outcome for each in mine.runs()]


def test_repeat_every_starts_again_while_the_state_lasts(opened: Opened) -> None:
    """Counted from the last start; not any more once the state has ended."""
    mine = ready(opened(playbook(repeat_every="5d")), (2 * HOUR, 30), (12 * DAY, 70))
    finish_all(mine, 25)
    assert starts(mine) == [2 * HOUR, 5 * DAY + 2 * HOUR, 10 * DAY + 2 * HOUR]
    assert len(mine.episodes()) == 1


def test_repeat_every_is_owed_while_a_run_is_open(opened: Opened) -> None:
    """It starts when that run has ended, and counts from there."""
    mine = ready(opened(playbook(repeat_every="5d")), (2 * HOUR, 30))
    mine.tick(START + 7 * DAY)
    assert starts(mine) == [2 * HOUR]
    assert "owed: open_run" in [answer for _, answer in mine.decisions()]
    mine.finish(START + 8 * DAY, "done")
    mine.tick(START + 9 * DAY)
    assert starts(mine) == [2 * HOUR, 8 * DAY]


def test_repeat_every_waits_for_the_cooldown(opened: Opened) -> None:
    """What stands in the way of a first start stands in the way of the others."""
    mine = ready(opened(playbook(repeat_every="5d", cooldown="4d")), (2 * HOUR, 30))
    finish_all(mine, 14)
    ended = mine.runs()[0].ended_at - START
    assert starts(mine)[:2] == [2 * HOUR, ended + 4 * DAY]


def test_repeat_every_leaves_what_existed_at_the_start_alone(opened: Opened) -> None:
    """What never started has nothing to repeat."""
    mine = opened(playbook(repeat_every="1d"))
    mine.take(account(START - DAY, name="Acme", health=30))
    mine.tick(START)
    mine.tick(START + 10 * DAY)
    assert starts(mine) == []


def test_repeat_every_waits_while_the_verdict_is_unknown(opened: Opened) -> None:
    """It starts when the state is known to hold."""
    mine = ready(opened(playbook(repeat_every="5d")), (2 * HOUR, 30), (4 * DAY, None), (7 * DAY, 35))
    finish_all(mine, 10)
    assert starts(mine) == [2 * HOUR, 7 * DAY]


def test_repeats_are_told_apart_by_the_guard(opened: Opened) -> None:
    """One look after a long rest: only the start that came too soon after another is held."""
    mine = ready(
        opened(playbook(repeat_every="5d", mode="restart", guard="{max_starts: 1, within: 3d}")),
        (2 * HOUR, 30),
    )
    mine.take(happening("cancel_requested", START + 4 * DAY))
    mine.tick(START + 30 * DAY)
    assert starts(mine)[:2] == [2 * HOUR, 4 * DAY]
    assert "owed: held" not in [answer for _, answer in mine.decisions()]


def test_mode_restart_ends_the_open_run_and_starts_anew(opened: Opened) -> None:
    """What it had still to do is cancelled."""
    mine = ready(opened(playbook(mode="restart")), (2 * HOUR, 30))
    mine.take(happening("cancel_requested", START + DAY))
    mine.tick(START + 2 * DAY)
    assert starts(mine) == [2 * HOUR, DAY]
    assert outcomes(mine) == ["restarted", None]
    assert sorted(each.state for each in mine.tasks()) == ["cancelled", "open"]


def test_mode_restart_needs_no_cooldown_from_the_run_it_ends(opened: Opened) -> None:
    """A cooldown counts from a run that came to its own end."""
    mine = ready(opened(playbook(mode="restart", cooldown="9d")), (2 * HOUR, 30))
    mine.take(happening("cancel_requested", START + DAY))
    mine.tick(START + 2 * DAY)
    assert starts(mine) == [2 * HOUR, DAY]


def test_mode_restart_with_repeats_keeps_the_run_fresh(opened: Opened) -> None:
    """Each repeat ends the one before."""
    mine = ready(opened(playbook(mode="restart", repeat_every="5d")), (2 * HOUR, 30))
    mine.tick(START + 12 * DAY)
    assert starts(mine) == [2 * HOUR, 5 * DAY + 2 * HOUR, 10 * DAY + 2 * HOUR]
    assert outcomes(mine) == ["restarted", "restarted", None]


def test_mode_single_passes_a_moment_over(opened: Opened) -> None:
    """As it does when nothing is said."""
    mine = ready(opened(playbook(mode="single")), (2 * HOUR, 30))
    mine.take(happening("cancel_requested", START + DAY))
    mine.tick(START + 2 * DAY)
    assert starts(mine) == [2 * HOUR]


@pytest.mark.parametrize(
    ("back", "episodes"), [(timedelta(hours=71), 1), (timedelta(hours=72), 1), (timedelta(hours=73), 2)]
)
def test_keep_active_for_bridges_a_break_that_is_shorter(
    opened: Opened, back: timedelta, episodes: int
) -> None:
    """A state that is back at its very end is back in time."""
    keeping = playbook(keep_active_for="3d", mode="restart")
    mine = ready(opened(keeping), (2 * HOUR, 30), (DAY, 70), (DAY + back, 30))
    mine.tick(START + 10 * DAY)
    assert len(mine.episodes()) == episodes
    assert len(mine.runs()) == episodes


def test_keep_active_for_resolves_at_its_end(opened: Opened) -> None:
    """The time is its own, whenever the service looks."""
    mine = ready(opened(playbook(keep_active_for="3d")), (2 * HOUR, 30), (DAY, 70))
    mine.tick(START + 10 * DAY)
    (episode,) = mine.episodes()
    assert (episode.state, episode.resolved_at, episode.lapsed_at) == (
        "resolved",
        START + 4 * DAY,
        START + DAY,
    )


def test_keep_active_for_starts_nothing_that_is_owed(opened: Opened) -> None:
    """It counts as holding so that nothing new opens, not so that something starts."""
    mine = ready(opened(playbook(keep_active_for="9d", cooldown="2d")), (2 * HOUR, 30), (DAY, 70))
    finish_all(mine, 4)
    assert len(mine.runs()) == 1
