"""Steps that choose: which branch is taken, what is recorded of it, and when nothing is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from engine.admit.silences import add_silence
from engine.conditions.catalogue import Kind
from engine.state import tables
from tests.builders import START, Company, account, at, entry, happening
from tests.histories import DAY, HOUR, MINUTE

Opened = Callable[..., Company]

TRIAL = """
playbook: trial
title: A trial
owner: cs
subject: account
on: {event: go}
steps:
  - id: nudge
    day: 2
    choose:
      - if: {field: account.health, below: 40}
        task: {to: csm_manager, title: "Save {{ account.name }}", outcomes: [saved, lost]}
      - if: {field: account.adoption, below: 60}
        message: {via: slack, to: "#cs", template: note}
@LAST@
    escalate: {after: 4h, to: cs_ops}
  - id: after
    on: {step: nudge, outcome: saved}
    task: {to: csm, title: "Thank {{ account.name }}"}
  - {id: end, day: 9, task: {to: csm, title: "End"}}
"""
LAST = "      - task: {to: csm, title: Look in}\n"


def started(mine: Company, **values: Any) -> Company:
    """A run of the account from START plus an hour."""
    mine.take(account(START - DAY, name="Acme", csm="dana", timezone="UTC", country="US", **values))
    contact = {"name": "Kim", "role": "champion", "status": "active", "email": "kim@acme.example"}
    mine.take(entry(Kind.CONTACT, "kim", START - DAY, **contact))
    mine.tick(START)
    mine.take(happening("go", START + HOUR))
    mine.tick(START + HOUR)
    return mine


def trial(last: str = LAST) -> str:
    """The playbook with this last branch."""
    return TRIAL.replace("@LAST@\n", last)


@pytest.mark.parametrize(
    ("values", "branch", "reason", "did"),
    [
        ({"health": 30, "adoption": 10}, 1, "branch 1: health is 30", "Save Acme"),
        ({"health": 40, "adoption": 10}, 2, "branch 2: adoption is 10%", "#cs"),
        ({"health": 40, "adoption": 60}, 3, "branch 3: no other was true", "Look in"),
        ({"adoption": 59}, 2, "branch 2: adoption is 59%", "#cs"),
        ({}, 3, "branch 3: no other was true", "Look in"),
    ],
)
def test_choose_takes_the_first_true_branch(
    opened: Opened, values: dict[str, Any], branch: int, reason: str, did: str
) -> None:
    """In the order of the file; a branch that may or may not be true is passed by."""
    mine = started(opened(trial()), **values)
    mine.tick(at("2026-03-04 08:00"))
    step = mine.steps()["nudge"]
    assert step.branch == branch
    assert step.reason.startswith(reason)
    done = [each.title for each in mine.tasks()] + [each.recipient for each in mine.messages()]
    assert done == [did]
    (said,) = [each for each in mine.rows(tables.Decision, "at") if each.step == "nudge"]
    assert step.reason in said.reason


def test_choose_skips_the_step_where_no_branch_is_true(opened: Opened) -> None:
    """The reason has everything that was compared, and says what could not be."""
    mine = started(opened(trial("")), health=45)
    mine.tick(at("2026-03-04 08:00"))
    step = mine.steps()["nudge"]
    assert (step.state, step.branch) == ("skipped", None)
    assert step.reason == (
        "no branch is true (1: health is 45 (not below 40); 2: unknown: adoption is missing)"
    )
    assert mine.tasks() == []


def test_choose_reads_the_state_at_which_the_step_acts(opened: Opened) -> None:
    """Not that of the start; and what comes after knows nothing of it."""
    mine = started(opened(trial()), health=30)
    mine.take(account(START + DAY, health=90, adoption=90))
    mine.tick(at("2026-03-04 08:00"))
    mine.take(account(at("2026-03-04 09:00"), health=10))
    mine.tick(at("2026-03-04 09:00"))
    assert [each.title for each in mine.tasks()] == ["Look in"]


def test_chosen_task_is_escalated_and_ends_with_its_outcome(opened: Opened) -> None:
    """A task of a branch is like any other, and keeps why it was chosen when it is done."""
    mine = started(opened(trial()), health=30)
    mine.tick(at("2026-03-04 12:30"))
    (task,) = mine.tasks()
    assert (task.assignee, task.escalated_from) == ("team:cs_ops", "max")
    assert task.reason.endswith("; health is 30 (below 40)")
    mine.finish(at("2026-03-04 13:00"), "saved")
    mine.tick(at("2026-03-04 13:00"))
    assert mine.steps()["nudge"].reason == "branch 1: health is 30 (below 40)"
    assert mine.steps()["after"].state == "open"


def test_choose_is_put_off_by_a_silence_whatever_it_would_take(opened: Opened) -> None:
    """What the silence covers does not depend on which branch happens to be true meanwhile."""
    mine = started(opened(trial()), health=30)
    until = START + 4 * DAY
    add_silence(mine.database, "acme", playbook=None, at=START + 2 * HOUR, until=until, by="max", why="peace")
    mine.tick(START + 3 * DAY)
    assert mine.tasks() == []
    assert "peace" in mine.steps()["nudge"].reason
    mine.tick(START + 4 * DAY)
    assert [each.title for each in mine.tasks()] == ["Save Acme"]


EMAILS = """
playbook: letters
title: Letters
owner: cs
subject: account
on: {event: go}
steps:
  - id: letter
    after: first + 8h
    choose:
      - {if: {field: account.health, below: 40}, email: {to: [champion], template: hello, topic: tips}}
      - @OTHER@
  - {id: first, day: 0, task: {to: csm, title: First}}
"""


@pytest.mark.parametrize(
    ("other", "acted"),
    [
        ("email: {to: [any], template: hello, topic: tips}", at("2026-03-03 08:00")),
        ("task: {to: csm, title: Other}", at("2026-03-02 21:00")),
    ],
)
def test_choose_waits_for_working_hours_where_it_can_only_be_an_email(
    opened: Opened, other: str, acted: Any
) -> None:
    """Whatever is chosen, the email itself leaves within them."""
    mine = started(opened(EMAILS.replace("@OTHER@", other)), health=30)
    mine.tick(START + 2 * DAY)
    assert mine.steps()["letter"].acted_at == acted
    (message,) = mine.messages()
    assert message.available_at == at("2026-03-03 08:00")


def test_choose_gives_the_same_whenever_ticks_happen(opened: Opened) -> None:
    """A value that changes between two ticks changes nothing that came before it."""
    mine = started(opened(trial()), health=30)
    mine.take(account(at("2026-03-04 08:00") + MINUTE, health=80, adoption=90))
    mine.tick(START + timedelta(days=6))
    assert mine.steps()["nudge"].branch == 1
