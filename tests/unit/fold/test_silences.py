"""Silences: what they stop, what they let pass, and what follows when they end."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from engine.admit.silences import SilenceError, add_silence, end_silence
from engine.conditions.catalogue import Kind
from engine.state import tables
from tests.builders import START, Company, account, entry, happening
from tests.histories import DAY, HOUR

Opened = Callable[..., Company]

LOW = """
playbook: low
title: Low
owner: cs
subject: account
when: {field: account.health, below: 40}
cooldown: 2d
steps:
  - {id: note, day: 0, message: {via: slack, to: "#cs", template: note}}
  - {id: call, day: 1, task: {to: csm, title: "Call", due: 1bd}}
  - {id: hello, day: 1, email: {to: [any], template: hello, topic: tips}}
exit:
  - outcome: better
    when: {field: account.health, at_least: 60}
    then: [{message: {via: slack, to: "#wins", template: note}}]
"""
REQUEST = """
playbook: request
title: A request
owner: cs
subject: account
on: {event: cancel_requested}
steps:
  - {id: call, day: 0, task: {to: csm, title: "Call", due: 1bd}}
"""


def ready(mine: Company) -> Company:
    """One healthy account with a contact, live from START."""
    mine.take(
        account(START - 30 * DAY, name="Acme", csm="dana", health=70),
        entry(Kind.CONTACT, "kim", START - 30 * DAY, name="Kim", status="active", email="kim@acme.example"),
    )
    mine.tick(START)
    return mine


def hush(mine: Company, since: timedelta, until: timedelta, playbook: str | None = None) -> str:
    """Silence the account; the id of the silence."""
    made = add_silence(
        mine.database,
        "acme",
        playbook=playbook,
        at=START + since,
        until=START + until,
        by="max",
        why="merger",
    )
    return made.id


def starts(mine: Company) -> list[timedelta]:
    """How long after START each run began."""
    return [each.started_at - START for each in mine.runs()]


def answers(mine: Company, answer: str) -> list[tuple[timedelta, str]]:
    """When, after START, that was decided, and why."""
    found = mine.rows(tables.Decision, "at", answer=answer)
    return [(each.at - START, each.reason) for each in found]


def test_start_is_owed_with_who_and_why_until_the_silence_ends(opened: Opened) -> None:
    """The state that began under a silence starts at its end."""
    mine = ready(opened(LOW))
    hush(mine, HOUR, 3 * DAY)
    mine.take(account(START + 2 * HOUR, health=30))
    mine.tick(START + 10 * DAY)
    assert starts(mine) == [3 * DAY]
    assert answers(mine, "owed: silenced") == [
        (2 * HOUR, "silenced by max until 2026-03-05 12:00 UTC: merger")
    ]


def test_state_that_ends_under_a_silence_starts_nothing(opened: Opened) -> None:
    """What is owed is withdrawn."""
    mine = ready(opened(LOW))
    hush(mine, HOUR, 3 * DAY)
    mine.take(account(START + 2 * HOUR, health=30), account(START + DAY, health=50))
    mine.tick(START + 10 * DAY)
    assert starts(mine) == []
    assert [answer for _, answer in mine.decisions()] == ["owed: silenced", "withdrawn"]


def test_moment_waits_for_the_end_of_a_silence(opened: Opened) -> None:
    """A request made meanwhile is not lost."""
    mine = ready(opened(REQUEST))
    hush(mine, HOUR, 3 * DAY)
    mine.take(happening("cancel_requested", START + 2 * HOUR))
    mine.tick(START + DAY)
    assert starts(mine) == []
    mine.tick(START + 10 * DAY)
    assert starts(mine) == [3 * DAY]
    assert mine.episodes(state="active") == []


def test_silence_ended_early_starts_what_is_owed_at_once(opened: Opened) -> None:
    """A person ended it, so nothing waits for working hours."""
    mine = ready(opened(LOW))
    silence = hush(mine, HOUR, 30 * DAY)
    mine.take(account(START + 2 * HOUR, health=30))
    mine.tick(START + DAY)
    end_silence(mine.database, silence, by="dana", at=START + DAY + 10 * HOUR)
    mine.tick(START + 2 * DAY)
    assert starts(mine) == [DAY + 10 * HOUR]
    assert mine.messages(step="note")[0].created_at == START + DAY + 10 * HOUR


def test_silence_of_one_playbook_leaves_the_others(opened: Opened) -> None:
    """Only what it names is stopped."""
    mine = ready(opened(LOW, REQUEST))
    hush(mine, HOUR, 3 * DAY, "low")
    mine.take(account(START + 2 * HOUR, health=30), happening("cancel_requested", START + 2 * HOUR))
    mine.tick(START + DAY)
    assert [each.playbook for each in mine.runs()] == ["request"]


def test_open_runs_make_tasks_and_put_off_what_they_would_send(opened: Opened) -> None:
    """The email of the second day leaves at the silence's end, in working hours."""
    mine = ready(opened(LOW))
    mine.take(account(START + HOUR, health=30))
    mine.tick(START + 2 * HOUR)
    hush(mine, 3 * HOUR, 3 * DAY + 12 * HOUR)
    mine.tick(START + 10 * DAY)
    (task,) = mine.tasks()
    assert task.created_at == START + 20 * HOUR
    (email,) = mine.messages(step="hello")
    assert email.created_at == START + 3 * DAY + 20 * HOUR
    assert answers(mine, "put off") == [(20 * HOUR, "silenced by max until 2026-03-06 00:00 UTC: merger")]


def test_overlapping_silences_last_until_the_later_end(opened: Opened) -> None:
    """The reason names the one that lasts longest when the start is owed."""
    mine = ready(opened(LOW))
    hush(mine, HOUR, 3 * DAY)
    hush(mine, HOUR, 4 * DAY)
    mine.take(account(START + 2 * HOUR, health=30))
    mine.tick(START + 10 * DAY)
    assert starts(mine) == [4 * DAY]


def test_silence_is_refused_without_account_or_time(opened: Opened) -> None:
    """Both say what to do."""
    mine = ready(opened(LOW))
    with pytest.raises(SilenceError, match="is not after"):
        hush(mine, HOUR, HOUR)
    with pytest.raises(SilenceError, match="no account"):
        add_silence(mine.database, "nobody", playbook=None, at=START, until=START + DAY, by="max", why="x")
    with pytest.raises(SilenceError, match="there is no silence x"):
        end_silence(mine.database, "x", by="max", at=START)
