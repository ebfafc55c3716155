"""Moments of change: any change, one from a value, and the crossing of thresholds."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from engine.conditions.catalogue import Kind
from tests.builders import START, Company, account, entry
from tests.histories import DAY, HOUR, MINUTE

Opened = Callable[..., Company]


def playbook(on: str, subject: str = "account") -> str:
    """A playbook that only notes that its moment happened, so that the next one finds no open run."""
    return f"""
playbook: note
title: A note
owner: cs
subject: {subject}
on: {on}
steps:
  - {{id: note, day: 0, message: {{via: slack, to: "#cs", template: note}}}}
"""


def reasons(mine: Company) -> list[str]:
    """Why the runs were started, in their order."""
    return [each.reason for each in mine.runs()]


def lived(opened: Opened, on: str, *values: Any, field: str = "usage") -> Company:
    """A company whose field has the first value at go-live and then one of the others every hour."""
    mine = opened(playbook(on))
    mine.take(account(START - DAY, name="Acme", **{field: values[0]}))
    mine.tick(START)
    for index, value in enumerate(values[1:], 1):
        mine.take(account(START + index * HOUR, **{field: value}))
    mine.tick(START + DAY)
    return mine


@pytest.mark.parametrize(
    ("on", "values", "expected"),
    [
        ("changes: true", ("a", "b", "b", "c"), ["plan changed from a to b", "plan changed from b to c"]),
        ("changes: true", (None, "b", None, "c"), ["plan changed from b to missing"]),
        ("changes: true, from: b", ("a", "b", "c", "b", "a"), [f"plan changed from b to {x}" for x in "ca"]),
        ("changes_to: c, from: b", ("a", "c", "b", "c"), ["plan changed from b to c"]),
        ("changes_to: c, from: b", ("a", "c"), []),
    ],
)  # fmt: skip
def test_change_from_and_to(opened: Opened, on: str, values: tuple[Any, ...], expected: list[str]) -> None:
    """The first value is no change, nor one after none; a value that goes missing is one."""
    assert reasons(lived(opened, f"{{field: account.plan, {on}}}", *values, field="plan")) == expected


LATELY = """
playbook: lately
title: Lately
owner: cs
subject: account
when: {WHEN}
steps:
  - {id: late, day: 30, task: {to: csm, title: Late}}
exit:
  - {outcome: over, when: {none: [{WHEN}]}}
"""


@pytest.mark.parametrize(
    ("asked", "changes", "started", "over"),
    [
        ("changes_to: b", ((1, "b"), (5, "a")), 1, 49),
        ("changes_to: b, from: c", ((1, "b"), (5, "c"), (9, "b")), 9, 57),
        ("changes: true", ((1, "b"), (5, "a"), (60, "a")), 1, 53),
        ("changes: true, from: b", ((1, "b"), (5, None), (9, "b")), 5, 53),
    ],
)
@pytest.mark.parametrize("is_looked_at", [True, False])
def test_change_counts_until_its_window_has_passed(
    opened: Opened,
    asked: str,
    changes: tuple[tuple[int, str | None], ...],
    started: int,
    over: int,
    is_looked_at: bool,
) -> None:
    """From the change to the last instant of the window, whenever somebody looks."""
    question = f"{{field: account.plan, {asked}, within: 2d}}"
    mine = opened(LATELY.replace("{WHEN}", question))
    mine.take(account(START - DAY, name="Acme", plan="a"))
    mine.tick(START)
    for hours, plan in changes:
        mine.take(account(START + hours * HOUR, plan=plan))
        if is_looked_at:
            mine.tick(START + hours * HOUR)
    mine.tick(START + 9 * DAY)
    (run,) = mine.runs()
    ended_at = START + over * HOUR + timedelta(microseconds=1)
    assert (run.started_at, run.ended_at, run.outcome) == (START + started * HOUR, ended_at, "over")


def test_change_learned_late_counts_from_when_it_was_so(opened: Opened) -> None:
    """It starts what is still within the time, though another value has taken its place."""
    mine = opened(LATELY.replace("{WHEN}", "{field: account.plan, changes_to: b, within: 2d}"))
    mine.take(account(START - DAY, name="Acme", plan="a"))
    mine.tick(START)
    mine.take(account(START + 3 * HOUR, plan="c"))
    mine.tick(START + 4 * HOUR)
    mine.take(account(START + HOUR, recorded=START + 5 * HOUR, plan="b"))
    mine.tick(START + 6 * HOUR)
    mine.tick(START + 9 * DAY)
    (run,) = mine.runs()
    ended_at = START + 49 * HOUR + timedelta(microseconds=1)
    assert (run.started_at, run.ended_at) == (START + 5 * HOUR, ended_at)


@pytest.mark.parametrize(
    ("how", "values", "expected"),
    [
        ("", (50, 100), ["50 to 100 (crossed 100)"]),
        ("", (50, 99.999999), []),
        ("", (100, 150), []),
        ("", (None, 150, 1500), ["150 to 1,500 (crossed 1,000)"]),
        ("", (50, 5000), ["50 to 5,000 (crossed 1,000)"]),
        ("take: each", (50, 5000), ["50 to 5,000 (crossed 1,000)", "50 to 5,000 (crossed 100)"]),
        ("", (50, 150, 50, 150), ["50 to 150 (crossed 100)"]),
        ("", (50, 150, None, 50, 150), ["50 to 150 (crossed 100)"]),
        ("", (50, 5000, 50, 150, 1500), ["50 to 5,000 (crossed 1,000)"]),
        ("", (500, 50, 150, 1500), ["150 to 1,500 (crossed 1,000)"]),
        ("once: never", (50, 150, 50, 150), ["50 to 150 (crossed 100)"] * 2),
        ("direction: down", (500, 100), ["500 to 100 (crossed 100)"]),
        ("direction: down", (5000, 50), ["5,000 to 50 (crossed 100)"]),
        ("direction: down", (500, 100.000001, 5000), []),
        ("direction: down", (500, 50, 500, 50), ["500 to 50 (crossed 100)"]),
        ("direction: down, once: never", (500, 50, 500, 50), ["500 to 50 (crossed 100)"] * 2),
    ],
)
def test_crossing_at_its_edges(
    opened: Opened, how: str, values: tuple[Any, ...], expected: list[str]
) -> None:
    """Reaching a threshold crosses it; a jump counts once; the field's past decides what came first."""
    on = "{field: account.usage, crosses: [1000, 100]" + (f", {how}}}" if how else "}")
    found = reasons(lived(opened, on, *values))
    assert sorted(found) == sorted(f"usage changed from {each}" for each in expected)


def test_crossing_before_go_live_counts_as_the_first(opened: Opened) -> None:
    """What the history knows from before the playbook was there is not the first time any more."""
    mine = opened(playbook("{field: account.usage, crosses: [100]}"))
    for hours, usage in ((9, 50), (8, 150), (7, 60)):
        mine.take(account(START - hours * HOUR, name="Acme", usage=usage))
    mine.tick(START)
    mine.take(account(START + HOUR, usage=200))
    mine.tick(START + DAY)
    assert mine.runs() == []


def test_crossing_learned_late_counts_as_the_first(opened: Opened) -> None:
    """An import of the past that had been at 150 takes the threshold away, and starts nothing itself."""
    mine = opened(playbook("{field: account.usage, crosses: [100]}"))
    mine.take(account(START - DAY, name="Acme", usage=50), account(START - HOUR, usage=60))
    mine.tick(START)
    mine.take(account(START - 2 * HOUR, recorded=START + HOUR, usage=150))
    mine.tick(START + 2 * HOUR)
    mine.take(account(START + 3 * HOUR, usage=200))
    mine.tick(START + DAY)
    assert mine.runs() == []


@pytest.mark.parametrize("pace", [MINUTE * 20, DAY])
def test_crossing_does_not_depend_on_ticks(opened: Opened, pace: Any) -> None:
    """A rise and fall between two ticks crosses all the same, and uses its threshold up."""
    mine = opened(playbook("{field: account.usage, crosses: [100, 1000]}"))
    mine.take(account(START - DAY, name="Acme", usage=50))
    mine.tick(START)
    for hours, usage in ((1, 150), (2, 50), (3, 1500), (4, 20), (5, 2000)):
        mine.take(account(START + hours * HOUR, usage=usage))
    for index in range(1, DAY // pace + 1):
        mine.tick(START + index * pace)
    assert [each.started_at for each in mine.runs()] == [START + HOUR, START + 3 * HOUR]


def test_crossing_is_per_subject(opened: Opened) -> None:
    """One subscription at its milestone leaves the other's to come."""
    mine = opened(playbook("{field: subscription.usage, crosses: [100]}", "subscription"))
    mine.take(account(START - DAY, name="Acme"))
    for each in ("one", "two"):
        mine.take(entry(Kind.SUBSCRIPTION, each, START - DAY, usage=50))
    mine.tick(START)
    mine.take(entry(Kind.SUBSCRIPTION, "one", START + HOUR, usage=150))
    mine.tick(START + HOUR)
    mine.take(entry(Kind.SUBSCRIPTION, "two", START + 2 * HOUR, usage=150))
    mine.tick(START + DAY)
    assert [each.subject_id for each in mine.runs()] == ["one", "two"]


def test_latch_before_a_change_does_not_know_the_change(opened: Opened) -> None:
    """The `if` of a change sees a threshold as it stood before, also where only the past decides."""
    latch = "{field: account.health, drops_below: 40, recovers_at: 50}"
    on = f"{{field: account.health, changes: true, if: {latch}}}"
    mine = lived(opened, on, 70, 45, 30, field="health")
    assert mine.runs() == []
