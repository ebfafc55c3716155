"""Differences between what was expected and what happened."""

from typing import Any

import pytest

from engine.rehearsal.compare import Difference, differences
from engine.rehearsal.happened import Happened
from engine.rehearsal.script import KEYS, Category, Expectation, Wanted

REVIEW = {
    "step": "review",
    "assignee": "dana",
    "title": "Review Acme",
    "due": "2026-03-03",
    "role": "csm",
    "body": "Read the last three tickets,\nnot only their titles.",
    "reason": "health drops below 40",
}
CALL = {**REVIEW, "step": "call", "title": "Call Acme"}


def happened(*tasks: dict[str, str], starts: int = 0, ended: tuple[str, ...] = (), **more: Any) -> Happened:
    """Something that happened, with these tasks."""
    items: dict[Category, list[dict[str, str]]] = {key: [] for key in KEYS}
    items["tasks"] = list(tasks)
    return Happened(starts, ended, items, **{"open_steps": (), "held": 0, **more})


def expecting(*tasks: dict[str, str], **more: Any) -> Expectation:
    """An expectation of these tasks."""
    values = {"starts": None, "ended": None, "items": {"tasks": tuple(map(Wanted, tasks))}, **more}
    return Expectation(1, 1, **values)


def test_differences_are_none_when_all_is_as_expected() -> None:
    """Only what is said of a task counts; of long texts a part is enough."""
    wanted = {"step": "review", "due": "2026-03-03", "body": "last three tickets"}
    assert differences(expecting(wanted, starts=1), happened(REVIEW, starts=1)) == []


@pytest.mark.parametrize(
    ("expected", "actual", "difference"),
    [
        (expecting(), happened(starts=1), Difference("starts", ("- 0", "+ 1"))),
        (expecting(starts=2), happened(starts=1), Difference("starts", ("- 2", "+ 1"))),
        (expecting(), happened(ended=("churned",)), Difference("ended", ("- none", "+ churned"))),
        (expecting(ended=("won",)), happened(), Difference("ended", ("- won", "+ none"))),
        (expecting(open_steps=("call",)), happened(), Difference("open", ("- call", "+ "))),
        (expecting(held=1), happened(held=3), Difference("held", ("- 1", "+ 3"))),
        (
            expecting({"step": "review", "assignee": "max"}),
            happened(REVIEW),
            Difference("tasks", ("- step: review, assignee: max", "+ step: review, assignee: dana")),
        ),
        (
            expecting({"step": "review"}, {"step": "call"}),
            happened(CALL),
            Difference("tasks", ("- step: review", "  step: call")),
        ),
        (
            expecting({"step": "call"}),
            happened(REVIEW, CALL),
            Difference("tasks", ("+ step: review", "  step: call")),
        ),
        (
            expecting({"step": "call"}, {"step": "review"}),
            happened(REVIEW, CALL),
            Difference("tasks", ("- step: call", "  step: review", "+ step: call")),
        ),
        (
            expecting(),
            happened(REVIEW),
            Difference(
                "tasks",
                ("+ step: review, assignee: dana, title: Review Acme, due: 2026-03-03, role: csm",),
            ),
        ),
    ],
)
def test_differences_show_both_sides(expected: Expectation, actual: Happened, difference: Difference) -> None:
    """A minus stands before what is missing, a plus before what happened instead."""
    assert differences(expected, actual) == [difference]


def test_differences_ignore_the_unnamed_where_others_are_allowed() -> None:
    """Starts, ends and tasks that are not named pass then."""
    actual = happened(REVIEW, starts=1, ended=("won",))
    assert differences(Expectation(1, 1, None, None, {}, is_strict=False), actual) == []
    assert differences(Expectation(1, 1, 0, (), {"tasks": ()}, is_strict=False), actual) != []


def test_differences_compare_skips_and_escalations_only_when_named() -> None:
    """They are details of what the tasks already show."""
    actual = happened()
    actual.items["skipped"].append({"step": "thanks", "reason": "not needed: signed is false"})
    assert differences(expecting(), actual) == []
    named = Expectation(1, 1, 0, (), {"skipped": (Wanted({"step": "thanks", "reason": "unknown"}),)})
    assert [each.about for each in differences(named, actual)] == ["skipped"]


def test_differences_shorten_long_texts() -> None:
    """A body of a page is shown as one line."""
    found = differences(expecting({"body": "x" * 500}), happened(REVIEW))
    assert all(len(line) < 120 for each in found for line in each.lines)
