"""The course of a run: its steps fall due and act, its tasks escalate, it ends."""

from datetime import datetime

from engine.admit.pause import pause_at
from engine.admit.silence import silence_at
from engine.clock.durations import Duration
from engine.clock.zones import format_instant, parse_instant
from engine.conditions.evaluate import because, evaluate, trace
from engine.conditions.wording import label
from engine.fold.actions import perform
from engine.fold.case import Case
from engine.fold.choices import Chosen, chosen
from engine.fold.course_end import end, stop
from engine.fold.course_steps import follow, note, settle_by_hand, skip
from engine.fold.course_triggers import states_hold
from engine.fold.effects import Effect, NotDoneError
from engine.fold.world import is_moment
from engine.rulefile import model
from engine.rulefile.model import AnchorTiming, Playbook
from engine.runs import schedule
from engine.runs.run import Message, OpenRun, Run, Step, StepState, Task


def judge(case: Case, course: OpenRun) -> None:
    """Trigger steps whose `on:` state holds, and end the run where an exit holds long enough."""
    playbook = case.world.pinned(course.run.version)
    if _has_left(case, playbook, course):
        assert playbook.audience is not None
        case.passes(playbook.name, "audience")
        stop(case, course, "left_audience", because(trace(playbook.audience, case.view_of(course))))
        return
    for index, leaving in enumerate(playbook.exits):
        if not is_moment(leaving.condition) and _has_held(case, course, index, leaving):
            end(case, playbook, course, leaving.outcome, leaving)
            return
    states_hold(case, playbook, course)


def _has_left(case: Case, playbook: Playbook, course: OpenRun) -> bool:
    """Whether the run is to end because its subject is no longer in the audience; not knowing keeps it."""
    if playbook.leave is model.Leave.STAY or playbook.audience is None:
        return False
    return evaluate(playbook.audience, case.view_of(course)) is False


def _has_held(case: Case, course: OpenRun, index: int, leaving: model.Exit) -> bool:
    """Whether an exit's state has held for its `for`. Since when is kept with the run."""
    verdict = evaluate(leaving.condition, case.view_of(course))
    since = dict(course.run.exits_since or {})
    if verdict is None:
        return False
    if not verdict:
        if since.pop(str(index), None) is not None:
            course.run.exits_since = since
            case.touch(course.run)
        return False
    if str(index) not in since and leaving.held_for:
        since[str(index)] = format_instant(case.now)
        course.run.exits_since = since
        case.touch(course.run)
    held_since = parse_instant(since[str(index)]) if leaving.held_for else case.now
    return case.now >= held_since + leaving.held_for


def act_due(case: Case, course: OpenRun) -> bool:
    """Act every step whose time has come, in the order of their times. True when something acted.

    A step that changes the account itself is the last for now, so that the next one sees the change.
    """
    playbook = case.world.pinned(course.run.version)
    order = {spec.id: position for position, spec in enumerate(playbook.steps)}
    acted = False
    while course.run.is_open and not case.unseen:
        due = [
            (step.act_at, order[step.step], step.occurrence, step)
            for step in course.occurrences()
            if step.state == StepState.WAITING
            and step.act_at is not None
            and step.act_at <= case.now
            and not _is_put_off(case, course, playbook.steps[order[step.step]], step)
            and step.act_at <= case.now
        ]
        if not due:
            break
        _, position, _, step = min(due, key=lambda each: each[:3])
        _act(case, playbook, course, playbook.steps[position], step)
        acted = True
    return acted


def _is_put_off(case: Case, course: OpenRun, spec: model.Step, step: Step) -> bool:
    """Whether a step that is due has to wait for something to lift. The reason is kept with the step."""
    hindrance = _hindrance(case, course, spec)
    if hindrance == step.reason:
        return hindrance is not None
    step.reason = hindrance
    case.touch(step)
    if hindrance is None:
        step.act_at = schedule.at_once(case.now, spec, case.calendar, by_calendar=case.by_calendar).act_at
        return False
    note(case, course.run, "put off", hindrance, step.step)
    return True


def _hindrance(case: Case, course: OpenRun, spec: model.Step) -> str | None:
    """What a step has to wait for although its time has come: a mute, or what keeps it from sending."""
    mute = case.muted_by(course.run.playbook, holding=True)
    if mute is not None or not any(map(model.is_sent, model.deeds(spec.action))):
        return mute
    name = course.run.playbook
    quiet = pause_at(case.world.pauses, name, case.now) or silence_at(case.silences, name, case.now)
    return None if quiet is None else quiet.words


def _act(case: Case, playbook: Playbook, course: OpenRun, spec: model.Step, step: Step) -> None:
    reason = _objection(case, course, spec, step)
    choice = reason or chosen(spec.action, case.view_of(course))
    if isinstance(choice, str):
        if reason is None:
            case.passes(playbook.name, f"steps.{spec.id}.choose", answer=False)
        skip(case, playbook, course, step, choice)
        return
    if choice.branch is not None:
        case.passes(playbook.name, f"steps.{spec.id}.choose[{choice.branch - 1}]")
        step.branch, step.reason = choice.branch, f"branch {choice.branch}: {choice.why}"
    try:
        done = perform(
            case,
            playbook,
            course.run,
            spec.id,
            choice.deed,
            _why(case, course, spec, choice),
            spec.escalate,
            step.occurrence,
        )
    except NotDoneError as error:
        skip(case, playbook, course, step, str(error))
        return
    step.acted_at = case.now
    case.passes(playbook.name, f"steps.{spec.id}")
    if isinstance(done, Task):
        step.state = StepState.OPEN
        course.tasks[done.id] = done
    else:
        step.settle(StepState.DONE, case.now)
    case.touch(step)
    told = _told(done)
    words = f"{told.words} ({step.reason})" if choice.branch else told.words
    note(case, course.run, told.answer, words, spec.id, told.evidence)
    follow(case, playbook, course, spec.id)


def _told(done: Task | Message | Effect) -> Effect:
    """What is recorded of what was done."""
    match done:
        case Task():
            return Effect("task", f"{done.title} → {done.assignee}", [])
        case Message():
            answer = "webhook" if "webhook" in done.payload else "email" if done.contact_id else "message"
            return Effect(answer, f"to {done.recipient}", [])
        case Effect():
            return done


def _why(case: Case, course: OpenRun, spec: model.Step, choice: Chosen) -> str:
    """Why a step acts: what started the run or the date it counts from, and its own conditions."""
    run, anchor = course.run, case.world.pinned(course.run.version).anchor
    reason = run.reason
    if isinstance(spec.timing, AnchorTiming) and anchor is not None and run.anchor is not None:
        sign = "-" if spec.timing.days <= 0 else "+"
        reason = f"T{sign}{abs(spec.timing.days)}: {label(anchor)} {run.anchor:%-d %B %Y}"
    if spec.condition is not None:
        reason = f"{reason}; {because(trace(spec.condition, case.view_of(course)))}"
    return f"{reason}; {choice.why}" if choice.branch is not None else reason


def _objection(case: Case, course: OpenRun, spec: model.Step, step: Step) -> str | None:
    """Why the step is not to act, or None."""
    assert step.act_at is not None
    expires = spec.expires or _length_of_period(case.world.pinned(course.run.version), course.run)
    if expires is not None and case.until > _expiry(case, step.act_at, expires):
        return f"expired: it was missed by more than {expires}"
    if spec.condition is None:
        return None
    view = case.view_of(course)
    verdict = evaluate(spec.condition, view)
    if verdict is not None:
        case.passes(course.run.playbook, f"steps.{spec.id}.if", verdict)
    if verdict:
        return None
    words = because(trace(spec.condition, view))
    return f"unknown: {words}" if verdict is None else f"not needed: {words}"


def _length_of_period(playbook: Playbook, run: Run) -> Duration | None:
    """How long a step waits for a service that is down where the calendar started its run: no two at once."""
    if playbook.every is None or not run.key:
        return None
    return Duration(playbook.every.period.shortest.days, "d")


def _expiry(case: Case, act_at: datetime, expires: Duration) -> datetime:
    if expires.is_business:
        return case.calendar.deadline(act_at, expires)
    return act_at + expires.elapsed


def close_task(case: Case, course: OpenRun, task: Task) -> None:
    """A person has finished or skipped the task of a step."""
    settle_by_hand(case, course, task)
    course.tasks.pop(task.id, None)


def escalate_due(case: Case, course: OpenRun) -> bool:
    """Hand unfinished tasks on whose time is up. True when one was."""
    escalated = False
    for task in list(course.tasks.values()):
        if task.escalates_at is None or task.escalates_at > case.now or task.is_closed_at(task.escalates_at):
            continue
        assert task.escalates_to is not None
        task.escalated_from, task.escalated_at = task.assignee, case.now
        task.assignee = case.world.team.owner(task.escalates_to, case.account)
        task.role, task.escalates_at = task.escalates_to, None
        case.touch(task)
        note(case, course.run, "escalated", f"{task.escalated_from} → {task.assignee}", task.step)
        escalated = True
    return escalated
