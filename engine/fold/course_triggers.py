"""The steps under `on:`: triggered by a moment, or when a state newly holds, once or each time."""

from collections.abc import Iterable

from engine.conditions.evaluate import evaluate
from engine.conditions.tree import Condition
from engine.fold.case import Case, NoRestError
from engine.fold.course_end import end
from engine.fold.course_steps import place, skip
from engine.fold.world import is_moment
from engine.identity import digest
from engine.rulefile import model
from engine.rulefile.model import OnTiming, Playbook
from engine.runs import schedule
from engine.runs.run import OpenRun, Step, StepState, naming

TRIGGERED = "was triggered"
"""What is counted of a step that repeats, so that a circle ends."""


def moments_happen(case: Case, matches: Iterable[tuple[OpenRun, Condition, int]]) -> None:
    """Trigger the steps, then the exits, that wait for a moment that has just happened, so many times."""
    for course, condition, times in matches:
        playbook = case.world.pinned(course.run.version)
        for spec in playbook.steps:
            if isinstance(spec.timing, OnTiming) and spec.timing.condition == condition:
                for _ in range(times):
                    _trigger(case, playbook, course, spec)
        for leaving in playbook.exits:
            if course.run.is_open and leaving.condition == condition:
                end(case, playbook, course, leaving.outcome, leaving)


def states_hold(case: Case, playbook: Playbook, course: OpenRun) -> None:
    """Trigger the steps whose `on:` state holds for the first time in the run, or holds anew."""
    view = case.view_of(course)
    for spec in playbook.steps:
        timing = spec.timing
        if not isinstance(timing, OnTiming) or is_moment(timing.condition):
            continue
        step = course.steps[spec.id]
        if (step.is_untriggered or timing.repeats) and _newly_holds(
            case, step, evaluate(timing.condition, view)
        ):
            _trigger(case, playbook, course, spec)


def _newly_holds(case: Case, step: Step, verdict: bool | None) -> bool:
    """Whether the state holds and did not when it was last known; notes it when it no longer does."""
    if step.is_untriggered:
        return bool(verdict)
    if verdict is False and step.fell_at is None:
        step.fell_at = case.now
        case.touch(step)
    if not verdict or step.fell_at is None:
        return False
    step.fell_at = None
    case.touch(step)
    return True


def _trigger(case: Case, playbook: Playbook, course: OpenRun, spec: model.Step) -> None:
    """Have a step that waits for something act now, or when its work begins."""
    step = course.steps[spec.id]
    if not course.run.is_open:
        return
    if spec.repeats:
        _trigger_again(case, playbook, course, spec)
    elif step.is_untriggered:
        _place(case, spec, step)


def _trigger_again(case: Case, playbook: Playbook, course: OpenRun, spec: model.Step) -> None:
    """Let one more occurrence of a step begin, unless there are too many at this instant.

    The first that is too many is skipped with the reason; it stands for those after it.
    """
    run, latest = course.run, course.steps[spec.id]
    if case.is_stopped(run.playbook, spec.id, run.subject_id, TRIGGERED):
        return
    step = latest if latest.is_untriggered else _next_occurrence(course, latest)
    try:
        case.check_rest(run.playbook, spec.id, run.subject_id, TRIGGERED)
    except NoRestError as error:
        skip(case, playbook, course, step, str(error))
        return
    _place(case, spec, step)


def _next_occurrence(course: OpenRun, latest: Step) -> Step:
    occurrence = latest.occurrence + 1
    identity = digest("step", latest.run_id, *naming(latest.step, occurrence))
    step = Step(
        identity, latest.run_id, latest.account_id, latest.step, StepState.WAITING, occurrence=occurrence
    )
    course.add(step)
    return step


def _place(case: Case, spec: model.Step, step: Step) -> None:
    place(step, schedule.at_once(case.now, spec, case.calendar, by_calendar=case.by_calendar))
    case.touch(step)
