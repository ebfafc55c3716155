"""The steps of a run: set out, placed in time, triggered, skipped and followed."""

from typing import Any

from engine.conditions.catalogue import encode
from engine.fold.case import Case
from engine.fold.world import date_of
from engine.identity import digest
from engine.rulefile import model
from engine.rulefile.model import AfterTiming, AnchorTiming, DayTiming, Playbook
from engine.runs import schedule
from engine.runs.run import Decision, OpenRun, Run, Step, StepState, Task


def enrol(case: Case, playbook: Playbook, run: Run) -> None:
    """Set out the steps of a run that starts now."""
    course = OpenRun(run)
    for spec in playbook.steps:
        identity = digest("step", run.id, spec.id)
        step = Step(identity, run.id, run.account_id, spec.id, StepState.WAITING)
        if isinstance(spec.timing, DayTiming):
            place(
                step,
                schedule.after_start(
                    spec, spec.timing, case.now, case.calendar, by_calendar=case.by_calendar
                ),
            )
        course.add(step)
        case.touch(step)
    case.open[run.id] = course
    place_anchored(case, playbook, course)


def place(step: Step, slot: schedule.Slot) -> None:
    """Put a waiting step into its slot."""
    step.due_on, step.act_at = slot.due_on, slot.act_at


def place_anchored(case: Case, playbook: Playbook, course: OpenRun) -> None:
    """Give every `at:` step that has not acted its slot, from the anchor as it now stands."""
    if playbook.anchor is None:
        return
    anchor = date_of(case.view_of(course).known(playbook.anchor), case.calendar)
    if course.run.anchor != anchor:
        course.run.anchor = anchor
        case.touch(course.run)
    waiting = [
        (spec, spec.timing)
        for spec in playbook.steps
        if isinstance(spec.timing, AnchorTiming) and course.steps[spec.id].state == StepState.WAITING
    ]
    if anchor is None:
        for spec, _ in waiting:
            _wait_for_a_date(case, course.steps[spec.id])
        return
    slots = schedule.anchored(
        waiting, anchor, case.now, case.calendar, playbook.late, by_calendar=case.by_calendar
    )
    for spec, _ in waiting:
        step, slot = course.steps[spec.id], slots[spec.id]
        case.touch(step)
        if slot is None:
            skip(case, playbook, course, step, "late: its date had passed when it was scheduled")
        else:
            place(step, slot)


def _wait_for_a_date(case: Case, step: Step) -> None:
    if step.act_at is not None:
        step.due_on, step.act_at = None, None
        case.touch(step)


def relocate(case: Case) -> None:
    """Let the steps that wait for a day of the account act on that day where the account is now."""
    for course in list(case.open.values()):
        playbook = case.world.pinned(course.run.version)
        if playbook.anchor is not None and course.run.anchor is not None:
            anchor = date_of(case.view_of(course).known(playbook.anchor), case.calendar)
            if anchor != course.run.anchor and not _is_of_another_term(case, playbook, course):
                place_anchored(case, playbook, course)
        for step in course.occurrences():
            spec = playbook.step(step.step)
            is_ahead = step.state == StepState.WAITING and step.act_at is not None and step.act_at > case.now
            if is_ahead and step.due_on is not None and not _counts_hours(spec):
                place(step, schedule.on_day(step.due_on, case.now, spec, case.calendar, by_calendar=True))
                case.touch(step)


def _counts_hours(spec: model.Step) -> bool:
    return isinstance(spec.timing, AfterTiming) and spec.timing.offset.unit in ("h", "min")


def rearrange(case: Case, fields: set[tuple[str, str]]) -> None:
    """Move the steps that have not happened where the anchor of their run was among the changed fields."""
    for course in list(case.open.values()):
        playbook = case.world.pinned(course.run.version)
        anchor = playbook.anchor
        if anchor is None or (anchor.kind.value, anchor.name) not in fields:
            continue
        if not _is_of_another_term(case, playbook, course):
            place_anchored(case, playbook, course)


def _is_of_another_term(case: Case, playbook: Playbook, course: OpenRun) -> bool:
    """Whether the subject has moved on to the next `run_per`, whose date is not this run's."""
    if playbook.run_per is None or not course.run.key:
        return False
    return (encode(case.view_of(course).known(playbook.run_per)) or course.run.key) != course.run.key


def skip(case: Case, playbook: Playbook, course: OpenRun, step: Step, reason: str) -> None:
    """Settle a step without acting, with the reason, and go on to those that count from it."""
    step.settle(StepState.SKIPPED, case.now, reason)
    case.touch(step)
    note(case, course.run, "skipped", reason, step.step)
    follow(case, playbook, course, step.step)


def settle_by_hand(case: Case, course: OpenRun, task: Task) -> None:
    """Bring the step of a task to the end that a person gave it."""
    step = course.step_of(task)
    if step is None or step.state != StepState.OPEN:
        return
    if task.state == "skipped":
        words = f"{task.closed_by}: {task.note}"
        step.settle(StepState.SKIPPED, case.now, words)
        note(case, course.run, "skipped", words, step.step)
    else:
        step.settle(StepState.DONE, case.now)
        step.outcome = task.outcome
        note(case, course.run, "done", task.outcome or "", step.step)
    case.touch(step)


def follow(case: Case, playbook: Playbook, course: OpenRun, settled: str) -> None:
    """Schedule the steps that count from the one that has just acted or been skipped."""
    for spec in playbook.steps:
        timing = spec.timing
        if isinstance(timing, AfterTiming) and timing.step == settled:
            step = course.steps[spec.id]
            if step.state == StepState.WAITING:
                place(step, schedule.after_step(spec, timing, case.now, case.calendar))
                case.touch(step)


def note(
    case: Case,
    run: Run,
    answer: str,
    reason: str,
    step: str | None = None,
    evidence: list[Any] | None = None,
) -> None:
    """Record what became of a step, or of the run."""
    case.decide(
        Decision(
            run.account_id,
            run.playbook,
            run.kind,
            run.subject_id,
            case.now,
            answer,
            reason,
            evidence or None,
            run.id,
            step,
        )
    )
