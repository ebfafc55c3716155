"""Steps and exits as rule files write them."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from engine.clock.durations import Duration
from engine.conditions.tree import Predicate
from engine.rulefile.model import (
    Action,
    AfterTiming,
    AnchorTiming,
    Branch,
    ChooseAction,
    DayTiming,
    EmailAction,
    Escalation,
    MessageAction,
    OnTiming,
    Playbook,
    Step,
    TaskAction,
    Timing,
)

CALL = "{id: call, day: 0, task: {to: csm, title: Call, outcomes: [reached, lost]}}"


def second(sound: Callable[..., Playbook], text: str, **parts: str) -> Step:
    """The step `text`, which follows the step `call`."""
    return sound(steps=f"[{CALL}, {text}]", **parts).steps[1]


@pytest.mark.parametrize(
    ("text", "timing"),
    [
        ("day: 0", DayTiming(Duration(0, "d"))),
        ("day: 3", DayTiming(Duration(3, "d"))),
        ("day: 3d", DayTiming(Duration(3, "d"))),
        ("day: 2bd", DayTiming(Duration(2, "bd"))),
        ("at: T-90", AnchorTiming(-90)),
        ("at: T+30", AnchorTiming(30)),
        ("at: T-0", AnchorTiming(0)),
        ("after: call + 2bd", AfterTiming("call", Duration(2, "bd"))),
        ("after: call+4h", AfterTiming("call", Duration(4, "h"))),
        ("on: {event: login}", OnTiming(Predicate("event", "steps.it.on", event="login"))),
        (
            "on: {step: call, outcome: lost}",
            OnTiming(Predicate("step_outcome", "steps.it.on", step="call", value="lost")),
        ),
    ],
)
def test_timing_is_read(sound: Callable[..., Playbook], text: str, timing: Timing) -> None:
    """Each of the four timings, in each of its forms."""
    step = second(sound, f"{{id: it, {text}, task: {{to: csm, title: x}}}}", anchor="account.renews_on")
    assert step.timing == timing


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("task: {to: csm, title: Call}", TaskAction("csm", "Call", None, Duration(1, "bd"), ())),
        (
            'task: {to: csm_manager, title: "Call {{ x }}", template: guide, due: 4h, outcomes: [yes, no]}',
            TaskAction("csm_manager", "Call {{ x }}", "guide", Duration(4, "h"), ("yes", "no")),
        ),
        (
            "email: {to: champion, template: hello, topic: usage}",
            EmailAction(("champion",), "hello", "usage"),
        ),
        (
            "email: {to: [champion, any], template: hello, topic: usage}",
            EmailAction(("champion", "any"), "hello", "usage"),
        ),
        ('message: {via: slack, to: "#cs", template: alert}', MessageAction("slack", "#cs", "alert")),
        (
            "choose: [{if: {step: call, outcome: lost}, task: {to: csm, title: Call}}, "
            "{email: {to: any, template: hello, topic: usage}}]",
            ChooseAction(
                (
                    Branch(
                        Predicate("step_outcome", "steps.it.choose[0].if", step="call", value="lost"),
                        TaskAction("csm", "Call", None, Duration(1, "bd"), ()),
                    ),
                    Branch(None, EmailAction(("any",), "hello", "usage")),
                )
            ),
        ),
    ],
)
def test_action_is_read(sound: Callable[..., Playbook], text: str, action: Action) -> None:
    """Each of the actions, with and without what may be left out."""
    assert second(sound, f"{{id: it, day: 1, {text}}}").action == action


def test_email_may_go_to_the_contact_that_is_the_subject(sound: Callable[..., Playbook]) -> None:
    """Only a playbook about contacts has one."""
    playbook = sound(
        subject="contact",
        steps="[{id: a, day: 0, email: {to: [subject, any], template: hello, topic: usage}}]",
    )
    action = playbook.steps[0].action
    assert isinstance(action, EmailAction)
    assert action.to == ("subject", "any")


def test_conditions_may_ask_about_outcomes_of_every_branch(sound: Callable[..., Playbook]) -> None:
    """A step has the outcomes of whichever task it comes to."""
    branches = "{if: {event: go, within: 1d}, task: {to: csm, title: a, outcomes: [yes]}}, "
    branches += "{task: {to: csm, title: b, outcomes: [no, yes]}}"
    steps = f"[{{id: a, day: 0, choose: [{branches}], escalate: {{after: 1d, to: csm_manager}}}}, "
    steps += "{id: b, day: 1, if: {step: a, outcome: no}, task: {to: csm, title: c}}]"
    assert sound(steps=steps).step("a").escalate == Escalation(Duration(1, "d"), "csm_manager")


def test_step_has_condition_escalation_and_expiry(sound: Callable[..., Playbook]) -> None:
    """What a step may have beside its timing and its action."""
    text = (
        "{id: it, day: 1, if: {step: call, is: open}, escalate: {after: 2bd, to: csm_manager}, expires: 3d, "
        "task: {to: csm, title: x}}"
    )
    step = second(sound, text)
    assert step.condition == Predicate("step_is", "steps.it.if", step="call", value="open")
    assert step.escalate == Escalation(Duration(2, "bd"), "csm_manager")
    assert step.expires == Duration(3, "d")


def test_after_may_name_a_later_step(sound: Callable[..., Playbook]) -> None:
    """The order of the file says nothing about time."""
    steps = "[{id: b, after: a + 1d, task: {to: csm, title: x}}, {id: a, day: 0, task: {to: csm, title: x}}]"
    assert [step.id for step in sound(steps=steps).steps] == ["b", "a"]


def test_each_circle_is_noted_once(messages: Callable[..., list[str]]) -> None:
    """Steps that lead into a circle without being in it are not blamed."""
    waits = {"lead": "a", "a": "b", "b": "a", "self": "self"}
    steps = ", ".join(
        f"{{id: {name}, after: {other} + 1d, task: {{to: csm, title: x}}}}" for name, other in waits.items()
    )
    assert messages(steps=f"[{steps}]") == [
        'playbook "small": steps wait for one another in a circle: a -> b -> a',
        'playbook "small": steps wait for one another in a circle: self -> self',
    ]


def test_exits_are_read(sound: Callable[..., Playbook]) -> None:
    """By state, held for a while, with actions; and by moment."""
    playbook = sound(
        exit="[{outcome: better, when: {field: account.health, at_least: 60}, for: 7d, "
        'then: [{message: {via: slack, to: "#wins", template: won}}, {task: {to: csm, title: Thank}}]}, '
        "{outcome: gone, on: {field: account.stage, changes_to: churned}}]"
    )
    better, gone = playbook.exits
    assert (better.outcome, better.held_for) == ("better", timedelta(days=7))
    assert [type(each) for each in better.then] == [MessageAction, TaskAction]
    assert isinstance(gone.condition, Predicate)
    assert (gone.condition.operator, gone.held_for, gone.then) == ("changes_to", timedelta(0), ())
