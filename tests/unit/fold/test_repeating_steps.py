"""Steps with `repeat: each`: an occurrence at every moment, and each time a state holds anew."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from engine.admit.silences import add_silence
from engine.conditions.catalogue import Kind
from engine.fold.case import MOST_ROUNDS
from engine.identity import digest
from engine.state import tables
from tests.builders import START, Company, account, entry, happening
from tests.histories import DAY, HOUR, MINUTE

Opened = Callable[..., Company]

CARE = """
playbook: care
owner: cs
subject: account
on: {event: go}
steps:
  - {id: plan, day: 0, task: {to: csm, title: "Plan"}}
  - {id: answer, on: {event: complaint}, repeat: each, STEP}
exit:
  - {outcome: gone, when: {field: account.stage, equals: churned}}
"""
TASK = (
    'task: {to: csm, title: "Answer", due: 1d, outcomes: [calm, angry]}, '
    "escalate: {after: 4h, to: csm_manager}"
)
WHO = """
playbook: who
owner: cs
subject: contact
on: {field: contact.role, changes_to: champion}
steps:
  - {id: hello, day: 0, task: {to: csm, title: "Hello"}}
  - {id: title, on: {field: contact.title, changes: true}, repeat: each, task: {to: csm, title: "Title"}}
"""
LOW = "on: {field: account.health, below: 40}, repeat: each"


def care(opened: Opened, step: str = TASK, *, on: str = "on: {event: complaint}, repeat: each") -> Company:
    """A run that began at one o'clock on a Monday, with a step that repeats."""
    text = CARE.replace("on: {event: complaint}, repeat: each", on).replace("STEP", step)
    mine = opened(text)
    mine.take(account(START - DAY, name="Acme", csm="dana", health=70, timezone="UTC", country="US"))
    mine.tick(START)
    mine.take(happening("go", START + HOUR))
    mine.tick(START + HOUR)
    return mine


def complain(mine: Company, *when: Any) -> None:
    """Complaints at these instants, seen at the last of them."""
    mine.take(*(happening("complaint", each) for each in when))
    mine.tick(when[-1])


def occurrences(mine: Company, step: str = "answer") -> list[tuple[int, str]]:
    """Number and state of each occurrence of a step."""
    rows = [each for each in mine.rows(tables.StepRow) if each.step == step]
    return [(each.occurrence, each.state) for each in sorted(rows, key=lambda row: row.occurrence)]


def test_a_repeated_step_acts_at_every_moment(opened: Opened) -> None:
    """Each has a row and a task of its own; the first has the name it would have without `repeat`."""
    mine = care(opened)
    first = START + 2 * HOUR
    complain(mine, first, first + HOUR, first + DAY)
    assert occurrences(mine) == [(1, "open"), (2, "open"), (3, "open")]
    run = mine.runs()[0].id
    found = [each for each in mine.tasks() if each.step == "answer"]
    assert [(each.created_at, each.occurrence) for each in found] == [
        (first, 1), (first + HOUR, 2), (first + DAY, 3),
    ]  # fmt: skip
    assert [each.id for each in found] == [
        digest("task", run, "answer"),
        digest("task", run, "answer", "2"),
        digest("task", run, "answer", "3"),
    ]


def test_each_occurrence_is_closed_and_escalated_by_itself(opened: Opened) -> None:
    """Closing the second leaves the first open, which is handed on four hours after it was made."""
    mine = care(opened)
    first = START + 2 * HOUR
    complain(mine, first, first + 2 * HOUR)
    second = next(each.id for each in mine.tasks() if each.occurrence == 2)
    mine.finish_task(second, first + 3 * HOUR, "calm")
    mine.tick(first + DAY)
    assert occurrences(mine) == [(1, "open"), (2, "done")]
    answers = {each.occurrence: each for each in mine.tasks() if each.step == "answer"}
    assert answers[1].escalated_at == first + 4 * HOUR
    assert answers[2].escalated_at is None


def test_two_moments_at_one_instant_are_two_occurrences(opened: Opened) -> None:
    """What happens twice at once is answered twice."""
    mine = care(opened)
    when = START + 2 * HOUR
    mine.take(*(happening("complaint", when, identity=each) for each in ("c1", "c2")))
    mine.tick(when)
    assert occurrences(mine) == [(1, "open"), (2, "open")]


def test_a_moment_shared_by_two_steps_is_one_for_each(opened: Opened) -> None:
    """Two steps that wait for the same moment have one occurrence each of it."""
    mine = opened(
        CARE.replace("STEP", TASK).replace(
            "exit:",
            "  - {id: note, on: {event: complaint}, repeat: each, task: {to: csm, title: N}}\nexit:",
        )
    )
    mine.take(account(START - DAY, name="Acme"), happening("go", START + HOUR))
    mine.tick(START)
    mine.take(happening("complaint", START + 2 * HOUR))
    mine.tick(START + 2 * HOUR)
    assert occurrences(mine) == [(1, "open")]
    assert occurrences(mine, "note") == [(1, "open")]


@pytest.mark.parametrize(
    ("healths", "expected"),
    [
        ([30], 1),
        ([30, 20, 10], 1),
        ([30, 50, 20], 2),
        ([30, None, 20], 1),
        ([30, None, 50, None, 20], 2),
        ([50, 60], 0),
    ],
)
def test_a_state_acts_each_time_it_holds_anew(
    opened: Opened, healths: list[float | None], expected: int
) -> None:
    """Staying true is one occurrence, and not knowing ends nothing."""
    mine = care(opened, on=LOW)
    for index, health in enumerate(healths):
        mine.take(account(START + (index + 2) * HOUR, health=health))
    mine.tick(START + DAY)
    assert len([each for each in mine.tasks() if each.step == "answer"]) == expected


def test_the_fall_of_a_state_is_remembered_between_ticks(opened: Opened) -> None:
    """One look an hour gives what one look at the end does."""
    mine = care(opened, on=LOW)
    for index, health in enumerate([30, 50, 20, 60, 10]):
        mine.take(account(START + (index + 2) * HOUR, health=health))
        mine.tick(START + (index + 2) * HOUR)
        mine.tick(START + (index + 2) * HOUR + MINUTE)
    assert occurrences(mine) == [(1, "open"), (2, "open"), (3, "open")]


def test_time_alone_lets_a_state_hold_anew(opened: Opened) -> None:
    """A silence of two days, ended by a login, begins again."""
    mine = care(opened, on="on: {event: login, absent_for: 2d}, repeat: each")
    mine.take(happening("login", START + 2 * HOUR), happening("login", START + 3 * DAY))
    mine.tick(START + 8 * DAY)
    found = [each.created_at for each in mine.tasks() if each.step == "answer"]
    assert found == [START + 2 * DAY + 2 * HOUR, START + 5 * DAY]


def test_every_threshold_crossed_in_one_jump_is_an_occurrence(opened: Opened) -> None:
    """`take: each` makes several moments of one change."""
    mine = care(opened, on="on: {field: account.usage, crosses: [10, 20, 30], take: each}, repeat: each")
    mine.take(account(START + 2 * HOUR, usage=5))
    mine.take(account(START + 3 * HOUR, usage=25))
    mine.take(account(START + 4 * HOUR, usage=35))
    mine.tick(START + 5 * HOUR)
    assert occurrences(mine) == [(1, "open"), (2, "open"), (3, "open")]


def test_questions_about_a_repeated_step_ask_its_latest_occurrence(opened: Opened) -> None:
    """The outcome of the first does not count once there is a second."""
    mine = opened(
        CARE.replace("STEP", TASK).replace(
            "exit:",
            "exit:\n  - outcome: calmed\n"
            "    when: {all: [{step: answer, outcome: calm}, {step: plan, is: done}]}\n",
        )
    )
    mine.take(account(START - DAY, name="Acme"), happening("go", START + HOUR))
    mine.tick(START)
    first = START + 2 * HOUR
    complain(mine, first)
    mine.finish(first + HOUR, "calm", step="answer")
    complain(mine, first + 2 * HOUR)
    mine.finish(first + 3 * HOUR, step="plan")
    mine.tick(first + 3 * HOUR)
    assert mine.runs()[0].state == "open"
    mine.finish(first + 4 * HOUR, "calm", step="answer")
    mine.tick(first + 4 * HOUR)
    assert mine.runs()[0].outcome == "calmed"


def test_a_run_waits_for_open_occurrences_and_for_no_further_one(opened: Opened) -> None:
    """It completes when the last open task is done, whether or not there might be another complaint."""
    mine = care(opened)
    first = START + 2 * HOUR
    complain(mine, first, first + HOUR)
    mine.finish(first + 2 * HOUR, step="plan")
    mine.tick(first + 2 * HOUR)
    second = next(each.id for each in mine.tasks() if each.occurrence == 2)
    mine.finish_task(second, first + 3 * HOUR, "calm")
    mine.tick(first + 3 * HOUR)
    assert mine.runs()[0].state == "open"
    mine.finish(first + 4 * HOUR, "calm", step="answer")
    mine.tick(first + 4 * HOUR)
    assert (mine.runs()[0].outcome, mine.runs()[0].ended_at) == ("completed", first + 4 * HOUR)


def test_a_run_of_repeated_steps_alone_ends_by_its_exit(opened: Opened) -> None:
    """It does not complete at its start, nor between two occurrences; its end cancels what is open."""
    text = CARE.replace("STEP", TASK)
    text = "".join(line for line in text.splitlines(keepends=True) if "id: plan" not in line)
    mine = opened(text)
    mine.take(account(START - DAY, name="Acme"), happening("go", START + HOUR))
    mine.tick(START)
    first = START + 2 * HOUR
    complain(mine, first)
    mine.finish(first + HOUR, "calm")
    complain(mine, first + 2 * HOUR, first + 3 * HOUR)
    assert mine.runs()[0].state == "open"
    mine.take(account(first + DAY, stage="churned"))
    mine.tick(first + DAY)
    assert mine.runs()[0].outcome == "gone"
    assert occurrences(mine) == [(1, "done"), (2, "cancelled"), (3, "cancelled")]
    assert [each.state for each in mine.tasks()] == ["done", "cancelled", "cancelled"]
    complain(mine, first + 2 * DAY)
    assert len(occurrences(mine)) == 3


def test_a_silence_puts_off_every_occurrence(opened: Opened) -> None:
    """Three complaints during a silence are three messages at its end, each with a key of its own."""
    mine = care(opened, 'message: {via: slack, to: "#cs", template: note}')
    until = START + 2 * DAY
    add_silence(mine.database, "acme", playbook=None, at=START + HOUR, until=until, by="max", why="a merger")
    complain(mine, *(START + (2 + index) * HOUR for index in range(3)))
    assert occurrences(mine) == [(1, "waiting"), (2, "waiting"), (3, "waiting")]
    mine.tick(until + DAY)
    assert occurrences(mine) == [(1, "done"), (2, "done"), (3, "done")]
    run = mine.runs()[0].id
    keys = [digest("outbox", run, *parts, "#cs") for parts in (("answer",), ("answer", "2"), ("answer", "3"))]
    assert sorted(each.id for each in mine.messages()) == sorted(keys)


def test_each_occurrence_reads_its_own_if_and_branch(opened: Opened) -> None:
    """What is so when it falls due decides, each time."""
    choose = (
        "if: {field: account.health, is_set: true}, choose: "
        '[{if: {field: account.health, below: 50}, message: {via: slack, to: "#cs", template: note}}, '
        '{task: {to: csm, title: "Look"}}]'
    )
    mine = care(opened, choose)
    first = START + 2 * HOUR
    mine.take(account(first + MINUTE, health=30), account(first + 2 * HOUR, health=None))
    complain(mine, first, first + HOUR, first + 3 * HOUR)
    rows = sorted(
        (each for each in mine.rows(tables.StepRow) if each.step == "answer"), key=lambda row: row.occurrence
    )
    assert [(each.state, each.branch) for each in rows] == [("open", 2), ("done", 1), ("skipped", None)]


def test_a_circle_of_a_repeated_step_is_stopped(opened: Opened) -> None:
    """A step that records the event it waits for acts so often at one instant, and says why it stops."""
    mine = care(opened, "record: {event: complaint}")
    when = START + 2 * HOUR
    mine.take(happening("complaint", when))
    report = mine.tick(when)
    found = occurrences(mine)
    assert [state for _, state in found] == ["done"] * MOST_ROUNDS + ["skipped"]
    assert len(mine.rows(tables.Event, name="complaint")) == MOST_ROUNDS + 1
    assert any("care, step answer" in each for each in report.circles)
    mine.take(happening("complaint", when + HOUR))
    mine.tick(when + HOUR)
    assert len(occurrences(mine)) == 2 * MOST_ROUNDS + 2


def test_a_flood_at_one_instant_is_bounded(opened: Opened) -> None:
    """Of many complaints of one instant the first twenty are answered, and one row tells of the rest."""
    mine = care(opened)
    when = START + 2 * HOUR
    mine.take(*(happening("complaint", when, identity=f"c{index}") for index in range(200)))
    report = mine.tick(when)
    assert [state for _, state in occurrences(mine)] == ["open"] * MOST_ROUNDS + ["skipped"]
    assert len(report.circles) == 1


def test_a_repeated_update_makes_each_change(opened: Opened) -> None:
    """Every fall is lifted again."""
    mine = care(opened, "update: {account.health: 60}", on=LOW)
    for index in range(3):
        mine.take(account(START + (2 + index) * HOUR, health=20 + index))
    mine.tick(START + DAY)
    assert occurrences(mine) == [(1, "done"), (2, "done"), (3, "done")]
    assert mine.rows(tables.Account)[0].health == 60


def test_an_old_occurrence_that_expired_lets_the_next_act(opened: Opened) -> None:
    """What the service missed by too long is skipped, each by its own time."""
    mine = care(opened, f"expires: 1d, {TASK}")
    first = START + 2 * HOUR
    mine.take(happening("complaint", first), happening("complaint", first + 3 * DAY))
    mine.tick(first + 3 * DAY + timedelta(hours=1))
    assert occurrences(mine) == [(1, "skipped"), (2, "open")]


def test_a_moment_of_another_contact_is_no_occurrence(opened: Opened) -> None:
    """A run about one contact counts that contact's changes alone."""
    mine = opened(WHO)
    mine.take(account(START - DAY, name="Acme"))
    for who in ("kim", "lee"):
        mine.take(entry(Kind.CONTACT, who, START - DAY, role="end_user", title="a"))
    mine.tick(START)
    mine.take(entry(Kind.CONTACT, "kim", START + HOUR, role="champion"))
    for index, who in enumerate(("kim", "lee", "kim")):
        mine.take(entry(Kind.CONTACT, who, START + (2 + index) * HOUR, title=f"t{index}"))
    mine.tick(START + DAY)
    assert occurrences(mine, "title") == [(1, "open"), (2, "open")]
