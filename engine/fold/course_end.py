"""How a run ends: by an exit, from outside, or when its last step has settled."""

from engine.conditions.evaluate import because, trace
from engine.fold.actions import perform
from engine.fold.case import Case
from engine.fold.course_steps import note, settle_by_hand
from engine.fold.effects import Effect, NotDoneError
from engine.fold.world import is_moment
from engine.rulefile import model
from engine.rulefile.model import AfterTiming, OnTiming, Playbook
from engine.runs.run import OpenRun, StepState


def complete_if_settled(case: Case, course: OpenRun) -> bool:
    """End the run when nothing is left but steps that wait for something to happen.

    A run of such steps alone ends when all of them have settled, but for those that repeat; a run of steps
    that repeat has no end of its own.
    """
    playbook = case.world.pinned(course.run.version)
    if all(spec.repeats for spec in playbook.steps):
        return False
    wanted = [spec for spec in playbook.steps if not _waits_for_something(playbook, spec, course)]
    if all(isinstance(spec.timing, OnTiming) for spec in playbook.steps):
        wanted = [
            spec for spec in playbook.steps if not (spec.repeats and course.steps[spec.id].is_untriggered)
        ]
    if not all(course.steps[spec.id].is_settled for spec in wanted):
        return False
    if not all(step.is_settled for step in course.earlier):
        return False
    end(case, playbook, course, "completed", None)
    return True


def _waits_for_something(playbook: Playbook, spec: model.Step, course: OpenRun) -> bool:
    """Whether an `on:` step has not been triggered, or the step counts from one that has not."""
    if not course.steps[spec.id].is_untriggered:
        return False
    if isinstance(spec.timing, AfterTiming):
        return _waits_for_something(playbook, playbook.step(spec.timing.step), course)
    return isinstance(spec.timing, OnTiming)


def mute_others(case: Case, playbook: Playbook) -> None:
    """End the open runs that a run of `playbook`, which starts now, cancels."""
    mutes = playbook.mutes
    if mutes is None or mutes.open_steps is not model.OpenSteps.CANCEL:
        return
    for course in list(case.open.values()):
        if course.run.playbook in mutes.playbooks:
            stop(case, course, "muted", f"{playbook.name} started")


def stop(case: Case, course: OpenRun, outcome: str, reason: str) -> None:
    """End a run from outside: what it has not sent yet is cancelled."""
    case.silenced_runs.add(course.run.id)
    end(case, case.world.pinned(course.run.version), course, outcome, None, reason)


def end(
    case: Case,
    playbook: Playbook,
    course: OpenRun,
    outcome: str,
    leaving: model.Exit | None,
    reason: str = "",
) -> None:
    """End a run: what has not happened is cancelled, and the exit's own actions follow.

    `reason` says why where no exit does.
    """
    run = course.run
    run.state, run.outcome, run.ended_at = "ended", outcome, case.now
    case.touch(run)
    for task in course.tasks.values():
        if task.is_closed_at(case.now):
            settle_by_hand(case, course, task)
    for step in course.occurrences():
        if not step.is_settled:
            step.settle(StepState.CANCELLED, case.now, f"the run ended: {outcome}")
            case.touch(step)
    for task in course.tasks.values():
        if task.state != "open":
            continue
        task.state, task.closed_at, task.closed_by = "cancelled", case.now, "tminus"
        task.note = f"The run ended: {outcome}"
        case.touch(task)
    del case.open[run.id]
    if leaving is not None:
        case.silenced_runs.add(run.id)
        case.passes(playbook.name, f"exit[{playbook.exits.index(leaving)}]")
    if leaving is not None and not is_moment(leaving.condition):
        reason = because(trace(leaving.condition, case.view_of(course)))
    note(case, run, f"ended: {outcome}", reason)
    for position, action in enumerate(leaving.then if leaving is not None else ()):
        name = f"exit:{outcome}:{position}"
        try:
            done = perform(case, playbook, run, name, action, reason or run.reason)
        except NotDoneError as error:
            note(case, run, "skipped", str(error), name)
            continue
        if isinstance(done, Effect):
            note(case, run, done.answer, done.words, name, done.evidence)
