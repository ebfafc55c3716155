"""The course of a run: when steps act, what they wait for, and how it ends."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from engine.conditions.catalogue import Kind
from tests.builders import START, Company, account, at, entry, happening
from tests.histories import DAY, HOUR, MINUTE

Opened = Callable[..., Company]

HEAD = """
playbook: trial
title: A trial
owner: cs
subject: account
on: {event: go}
"""
TERM = """
playbook: term
title: A term ends
owner: cs
subject: subscription
when: {field: subscription.renews_on, days_until: {between: [0, 60]}}
run_per: subscription.term
anchor: subscription.renews_on
existing: fire
"""
WELL = """exit:
  - {outcome: well, when: {field: account.health, at_least: 60}, for: 2d}
"""
WON = """exit:
  - {outcome: won, when: {step: one, outcome: yes}}
"""


def going(mine: Company, **values: Any) -> Company:
    """A run that starts at START plus an hour, on a Monday at one, in UTC."""
    mine.take(account(START - DAY, name="Acme", csm="dana", timezone="UTC", country="US", **values))
    contact = {"name": "Kim", "role": "champion", "status": "active", "email": "kim@acme.example"}
    mine.take(entry(Kind.CONTACT, "kim", START - DAY, **contact))
    mine.tick(START)
    mine.take(happening("go", START + HOUR))
    mine.tick(START + HOUR)
    return mine


def task(step: str, timing: str, rest: str = "", outcomes: str = "") -> str:
    """A step with a task."""
    chosen = f", outcomes: [{outcomes}]" if outcomes else ""
    return f'  - {{id: {step}, {timing}{rest}, task: {{to: csm, title: "{step}", due: 1bd{chosen}}}}}\n'


@pytest.mark.parametrize(
    ("timing", "acted", "due"),
    [
        ("day: 0", "2026-03-02 13:00", date(2026, 3, 2)),
        ("day: 1", "2026-03-03 08:00", date(2026, 3, 3)),
        ("day: 5", "2026-03-07 08:00", date(2026, 3, 7)),
        ("day: 5bd", "2026-03-09 08:00", date(2026, 3, 9)),
        ("on: {event: go, within: 1d}", "2026-03-02 13:00", date(2026, 3, 2)),
        ("on: {field: account.health, below: 40}", "2026-03-04 03:00", date(2026, 3, 4)),
        ("on: {event: alarm}", "2026-03-05 22:00", date(2026, 3, 5)),
    ],
)
def test_step_acts_when_its_timing_says(opened: Opened, timing: str, acted: str, due: date) -> None:
    """What time makes due acts in the working morning; what an input causes acts at once."""
    mine = going(opened(f"{HEAD}steps:\n{task('one', timing)}{task('last', 'day: 9')}"))
    mine.take(account(at("2026-03-04 03:00"), health=30), happening("alarm", at("2026-03-05 22:00")))
    mine.tick(START + 10 * DAY)
    step = mine.steps()["one"]
    assert (step.acted_at, step.due_on) == (at(acted), due)


@pytest.mark.parametrize(
    ("offset", "acted"),
    [
        ("1d", "2026-03-03 08:00"), ("2bd", "2026-03-04 08:00"), ("4h", "2026-03-02 17:00"),
        ("30min", "2026-03-02 13:30"),
    ],
)  # fmt: skip
def test_step_after_another_counts_from_when_that_acted(opened: Opened, offset: str, acted: str) -> None:
    """Hours are elapsed time, days begin in the morning."""
    mine = going(opened(f"{HEAD}steps:\n{task('one', 'day: 0')}{task('two', f'after: one + {offset}')}"))
    mine.tick(START + 10 * DAY)
    assert mine.steps()["two"].acted_at == at(acted)


def test_step_after_a_skipped_one_counts_from_the_skip(opened: Opened) -> None:
    """The chain goes on."""
    skipped = task("one", "day: 1", ", if: {field: account.health, below: 40}")
    mine = going(opened(f"{HEAD}steps:\n{skipped}{task('two', 'after: one + 1d')}"), health=70)
    mine.tick(START + 10 * DAY)
    steps = mine.steps()
    assert (steps["one"].state, steps["one"].reason) == ("skipped", "not needed: health is 70 (not below 40)")
    assert steps["two"].acted_at == at("2026-03-04 08:00")


def test_unknown_if_skips_with_the_reason(opened: Opened) -> None:
    """Nobody knows the health, so nobody is asked to act on it."""
    mine = going(opened(f"{HEAD}steps:\n{task('one', 'day: 1', ', if: {field: account.health, below: 40}')}"))
    mine.tick(START + 2 * DAY)
    assert mine.steps()["one"].reason == "unknown: health is missing"


def test_if_is_read_when_the_step_falls_due(opened: Opened) -> None:
    """Not at the start of the run."""
    text = f"{HEAD}steps:\n{task('one', 'day: 2', ', if: {field: account.health, below: 40}')}"
    mine = going(opened(text), health=70)
    mine.take(account(START + DAY, health=30), account(START + 3 * DAY, health=70))
    mine.tick(START + 10 * DAY)
    assert mine.steps()["one"].acted_at == at("2026-03-04 08:00")


@pytest.mark.parametrize(
    ("outcome", "expected"), [("silent", ["one", "two"]), ("reached", ["one"]), (None, ["one"])]
)
def test_outcome_decides_what_follows(opened: Opened, outcome: str | None, expected: list[str]) -> None:
    """A step may ask how another ended."""
    one = task("one", "day: 0", outcomes="reached, silent")
    two = task("two", "day: 2", ", if: {step: one, outcome: silent}")
    mine = going(opened(f"{HEAD}steps:\n{one}{two}"))
    if outcome:
        mine.finish(START + 2 * HOUR, outcome)
    mine.tick(START + 5 * DAY)
    assert [each.step for each in mine.tasks()] == expected


def test_unfinished_task_escalates_and_a_finished_one_does_not(opened: Opened) -> None:
    """To the manager of the CSM, on the morning two business days later."""
    late = task("late", "day: 0", ", escalate: {after: 2bd, to: csm_manager}")
    done = task("done", "day: 0", ", escalate: {after: 2bd, to: csm_manager}")
    mine = going(opened(f"{HEAD}steps:\n{late}{done}"))
    mine.finish(START + 2 * HOUR, step="done")
    mine.tick(START + 10 * DAY)
    found = {each.step: each for each in mine.tasks()}
    assert (found["late"].assignee, found["late"].escalated_from) == ("max", "dana")
    assert found["late"].escalated_at == at("2026-03-04 08:00")
    assert (found["done"].assignee, found["done"].escalated_at) == ("dana", None)


def test_task_finished_after_its_escalation_was_escalated_first(opened: Opened) -> None:
    """One late tick sees both, in their order."""
    mine = going(opened(f"{HEAD}steps:\n{task('one', 'day: 0', ', escalate: {after: 4h, to: csm_manager}')}"))
    mine.finish(START + DAY)
    mine.tick(START + 2 * DAY)
    (found,) = mine.tasks()
    assert (found.escalated_at, found.closed_at, found.state) == (START + 5 * HOUR, START + DAY, "done")


@pytest.mark.parametrize(("missed", "state"), [(2 * DAY, "open"), (4 * DAY, "skipped")])
def test_missed_step_expires(opened: Opened, missed: timedelta, state: str) -> None:
    """After three days nobody wants it any more; until then it runs once, with its own time."""
    mine = going(opened(f"{HEAD}steps:\n{task('one', 'day: 1', ', expires: 3d')}"))
    mine.tick(at("2026-03-03 08:00") + missed)
    assert mine.steps()["one"].state == state


@pytest.mark.parametrize(
    ("late", "acted", "skipped"),
    [
        ("run", ["a", "b", "c"], []),
        ("latest", ["b", "c"], ["a"]),
        ("skip", ["c"], ["a", "b"]),
    ],
)
def test_late_says_which_past_steps_run(
    opened: Opened, late: str, acted: list[str], skipped: list[str]
) -> None:
    """Enrolled 20 days before the anchor, with steps at T-60, T-30 and T-20."""
    steps = task("a", "at: T-60") + task("b", "at: T-30") + task("c", "at: T-20") + task("d", "at: T-0")
    mine = opened(f"{TERM}late: {late}\nsteps:\n{steps}")
    mine.take(account(START - DAY, timezone="UTC"))
    renews = {"term": "1", "renews_on": date(2026, 3, 22)}
    mine.take(entry(Kind.SUBSCRIPTION, "s", START - DAY, **renews))
    mine.tick(START)
    mine.tick(START + DAY)
    assert [each.step for each in sorted(mine.tasks(), key=lambda each: each.step)] == acted
    assert sorted(name for name, each in mine.steps().items() if each.state == "skipped") == skipped


def test_anchored_steps_act_on_the_morning_of_their_date_there(opened: Opened) -> None:
    """T-7 of a renewal in Auckland begins at eight in Auckland."""
    mine = opened(f"{TERM}steps:\n{task('a', 'at: T-7')}")
    mine.take(account(START - DAY, timezone="Pacific/Auckland"))
    mine.take(entry(Kind.SUBSCRIPTION, "s", START - DAY, term="1", renews_on=date(2026, 3, 22)))
    mine.tick(START)
    mine.tick(START + 20 * DAY)
    assert mine.steps()["a"].acted_at == at("2026-03-14 19:00")


def test_exit_cancels_open_tasks_waiting_steps_and_unsent_mail(opened: Opened) -> None:
    """And does its own last actions, which go out."""
    text = f"""{HEAD}steps:
{task("one", "day: 0")}{task("two", "day: 3")}
  - {{id: mail, day: 0, email: {{to: [champion], template: hello, topic: tips}}}}
exit:
  - outcome: saved
    on: {{event: saved}}
    then: [{{message: {{via: slack, to: "#wins", template: note}}}}]
"""
    mine = going(opened(text))
    mine.take(happening("saved", START + 2 * HOUR))
    mine.tick(START + 2 * HOUR)
    assert [(each.state, each.closed_by, each.note) for each in mine.tasks()] == [
        ("cancelled", "tminus", "The run ended: saved")
    ]
    assert {name: each.state for name, each in mine.steps().items()} == {
        "one": "cancelled", "two": "cancelled", "mail": "done",
    }  # fmt: skip
    assert [(each.connector, each.state) for each in mine.messages()] == [
        ("email", "cancelled"), ("slack", "available"),
    ]  # fmt: skip
    assert [(each.outcome, each.ended_at) for each in mine.runs()] == [("saved", START + 2 * HOUR)]


@pytest.mark.parametrize(
    ("changes", "ended"),
    [
        ([(2, 70)], 2 + 48),
        ([(2, 70), (40, 50), (60, 70)], 60 + 48),
        ([(2, 70), (40, None)], 50),
        ([(2, 70), (40, 65)], 2 + 48),
    ],
)
def test_exit_with_for_wants_its_state_to_hold(
    opened: Opened, changes: list[tuple[int, int | None]], ended: int
) -> None:
    """Two days of good health; a relapse begins the wait anew; not knowing only stops the answer."""
    text = f"{HEAD}steps:\n{task('one', 'day: 9')}{WELL}"
    mine = going(opened(text), health=30)
    mine.take(*(account(START + hour * HOUR, health=value) for hour, value in changes))
    mine.tick(START + 8 * DAY)
    expected = None if changes[-1][1] is None else START + ended * HOUR
    assert [each.ended_at for each in mine.runs()] == [expected]


def test_exit_by_an_outcome_ends_at_once(opened: Opened) -> None:
    """A person's answer may be the end."""
    text = f"{HEAD}steps:\n{task('one', 'day: 0', outcomes='yes, no')}{task('two', 'day: 3')}{WON}"
    mine = going(opened(text))
    mine.finish(START + 2 * HOUR, "yes")
    mine.tick(START + DAY)
    assert [(each.outcome, each.ended_at) for each in mine.runs()] == [("won", START + 2 * HOUR)]


def test_run_completes_with_its_last_step(opened: Opened) -> None:
    """Steps that wait for something to happen do not keep it open."""
    mine = going(opened(f"{HEAD}steps:\n{task('one', 'day: 0')}{task('never', 'on: {event: alarm}')}"))
    mine.finish(START + 2 * HOUR)
    mine.tick(START + DAY)
    assert [(each.outcome, each.ended_at) for each in mine.runs()] == [("completed", START + 2 * HOUR)]
    assert mine.steps()["never"].state == "cancelled"


def test_email_waits_for_working_hours(opened: Opened) -> None:
    """Whatever causes it, nobody is written to at night."""
    mine = opened(
        f"{HEAD}steps:\n  - {{id: mail, day: 0, email: {{to: [champion], template: hello, topic: tips}}}}\n"
    )
    mine.take(account(START - DAY, name="Acme", timezone="America/New_York"))
    mine.take(entry(Kind.CONTACT, "kim", START - DAY, name="Kim", role="champion", email="kim@acme.example"))
    mine.tick(START)
    mine.take(happening("go", START + 12 * HOUR))
    mine.tick(START + 2 * DAY)
    assert [each.created_at for each in mine.messages()] == [at("2026-03-03 13:00")]


def test_email_to_nobody_is_skipped_with_the_reason(opened: Opened) -> None:
    """The run goes on without it."""
    mine = opened(
        f"{HEAD}steps:\n  - {{id: mail, day: 0, email: {{to: [champion], template: hello, topic: tips}}}}\n"
    )
    mine.take(account(START - DAY))
    mine.tick(START)
    mine.take(happening("go", START + HOUR))
    mine.tick(START + DAY)
    assert mine.steps()["mail"].reason == "no active contact with an email address in the role champion"
    assert mine.runs()[0].outcome == "completed"


def test_task_without_a_csm_goes_to_the_shared_queue(opened: Opened) -> None:
    """No task is ownerless."""
    mine = opened(f"{HEAD}steps:\n{task('one', 'day: 0')}")
    mine.take(account(START - DAY))
    mine.tick(START)
    mine.take(happening("go", START + HOUR))
    mine.tick(START + HOUR + MINUTE)
    assert [each.assignee for each in mine.tasks()] == ["team:cs_pool"]


def test_run_of_waiting_steps_alone_waits_for_all_of_them(opened: Opened) -> None:
    """It is not over because nothing has happened yet."""
    steps = """steps:
  - {id: one, on: {event: first}, message: {via: slack, to: "#cs", template: note}}
  - {id: two, on: {event: second}, message: {via: slack, to: "#cs", template: note}}
"""
    mine = going(opened(HEAD + steps))
    states = []
    for hours, name in ((2, "first"), (3, "second")):
        mine.take(happening(name, START + hours * HOUR))
        mine.tick(START + hours * HOUR)
        states.append(mine.runs()[0].state)
    assert states == ["open", "ended"]


def test_steps_after_one_that_nothing_triggers_do_not_keep_a_run_open(opened: Opened) -> None:
    """They wait for it, and it waits for nothing that is still to come."""
    mine = opened(
        """
playbook: review
title: Review
owner: cs
subject: account
when: {field: account.health, below: 40}
steps:
  - {id: meet, day: 0, task: {to: csm, title: Meet, outcomes: [held, cancelled]}}
  - {id: notes, on: {step: meet, outcome: held}, task: {to: csm, title: Notes}}
  - {id: later, after: notes + 1d, task: {to: csm, title: Later}}
  - {id: last, after: later + 1d, task: {to: csm, title: Last}}
"""
    )
    mine.take(account(START - DAY, name="Acme", health=70))
    mine.tick(START)
    mine.take(account(START + HOUR, health=30))
    mine.tick(START + HOUR)
    mine.finish(START + 2 * HOUR, "cancelled")
    mine.tick(START + 2 * HOUR)
    assert [(each.state, each.outcome) for each in mine.runs()] == [("ended", "completed")]


MOVING = """
playbook: moving
title: Moving
owner: cs
subject: account
when: {field: account.health, below: 40}
anchor: account.renews_on
steps:
  - {id: day, day: 3, message: {via: slack, to: "#a", template: note}}
  - {id: business, day: 5bd, message: {via: slack, to: "#a", template: note}}
  - {id: anchored, at: T-5, message: {via: slack, to: "#a", template: note}}
  - {id: first, day: 0, message: {via: slack, to: "#a", template: note}}
  - {id: hours, after: first + 70h, message: {via: slack, to: "#a", template: note}}
"""


def test_steps_act_on_their_day_where_the_account_is_now(opened: Opened) -> None:
    """From New York to Tokyo: the dates stay, the mornings are those of the new place; hours stay hours."""
    mine = opened(MOVING)
    zone, renews_on = "America/New_York", date(2026, 3, 17)
    mine.take(account(START - DAY, name="Acme", health=70, timezone=zone, renews_on=renews_on))
    mine.tick(START)
    mine.take(account(START + HOUR, health=30), account(START + DAY, timezone="Asia/Tokyo"))
    mine.tick(START + 20 * DAY)
    assert {name: (each.due_on, each.acted_at) for name, each in mine.steps().items()} == {
        "first": (date(2026, 3, 2), START + HOUR),
        "hours": (date(2026, 3, 5), START + 71 * HOUR),
        "day": (date(2026, 3, 5), at("2026-03-04 23:00")),
        "business": (date(2026, 3, 9), at("2026-03-08 23:00")),
        "anchored": (date(2026, 3, 12), at("2026-03-11 23:00")),
    }


def test_steps_wait_while_the_date_they_count_from_is_missing(opened: Opened) -> None:
    """A date that is taken away moves nothing to a day nobody knows; when it comes back they follow it."""
    mine = opened(MOVING)
    mine.take(account(START - DAY, name="Acme", health=70, timezone="UTC", renews_on=date(2026, 3, 17)))
    mine.tick(START)
    mine.take(account(START + HOUR, health=30), account(START + 5 * DAY, renews_on=None))
    mine.tick(START + 20 * DAY)
    assert mine.steps()["anchored"].act_at is None
    assert [each.state for each in mine.runs()] == ["open"]
    mine.take(account(START + 21 * DAY, renews_on=date(2026, 4, 1)))
    mine.tick(START + 40 * DAY)
    assert mine.steps()["anchored"].acted_at == at("2026-03-27 08:00")


@pytest.mark.parametrize(("zone", "acted"), [("UTC", "2026-03-12 08:00"), ("Asia/Tokyo", "2026-03-12 23:00")])
def test_steps_count_from_the_local_date_of_an_instant(zone: str, acted: str, opened: Opened) -> None:
    """Late on the 2nd in UTC is the 3rd in Tokyo."""
    text = MOVING.replace("account.renews_on", "account.first_value_at").replace("T-5", "T+10")
    mine = opened(text)
    value = at("2026-03-02 20:00")
    mine.take(account(START - DAY, name="Acme", health=70, timezone=zone, first_value_at=value))
    mine.tick(START)
    mine.take(account(START + HOUR, health=30))
    mine.tick(START + 20 * DAY)
    assert mine.steps()["anchored"].acted_at == at(acted)
