"""What an open run waits for: the instants at which time alone moves it, and sources that lag."""

from collections.abc import Iterator
from datetime import datetime

from engine.clock.zones import parse_instant
from engine.conditions import evaluate as evaluation
from engine.conditions.evaluate import next_boundary
from engine.conditions.tree import Condition, predicates
from engine.fold.case import Case
from engine.fold.world import is_moment
from engine.rulefile import model
from engine.rulefile.model import OnTiming, Playbook
from engine.runs.run import OpenRun, StepState


def deadlines(case: Case, course: OpenRun) -> Iterator[datetime]:
    """The instants at which time alone moves this run."""
    playbook = case.world.pinned(course.run.version)
    for step in course.occurrences():
        if step.state == StepState.WAITING and step.act_at is not None:
            yield step.act_at
    for task in course.tasks.values():
        if task.escalates_at is not None and not task.is_closed_at(task.escalates_at):
            yield task.escalates_at
    for index, leaving in enumerate(playbook.exits):
        since = (course.run.exits_since or {}).get(str(index))
        if since is not None:
            yield parse_instant(since) + leaving.held_for
    yield from _boundaries(case, playbook, course)


def _boundaries(case: Case, playbook: Playbook, course: OpenRun) -> Iterator[datetime]:
    view = case.view_of(course)
    for condition in _standing_conditions(playbook, course):
        boundary = next_boundary(condition, view)
        if boundary is not None:
            yield boundary


def awaited(case: Case) -> Iterator[tuple[str, datetime]]:
    """The sources that open runs wait for, each with the watermark that it has to reach."""
    for run in case.open.values():
        view = case.view_of(run)
        for condition in _standing_conditions(case.world.pinned(run.run.version), run):
            yield from evaluation.awaited(predicates(condition), view)


def _standing_conditions(playbook: Playbook, course: OpenRun) -> Iterator[Condition]:
    """The states that end a run or may trigger its steps."""
    conditions = [each.condition for each in playbook.exits]
    if playbook.leave is model.Leave.EXIT and playbook.audience is not None:
        conditions.append(playbook.audience)
    conditions += [
        spec.timing.condition
        for spec in playbook.steps
        if isinstance(spec.timing, OnTiming)
        and (spec.repeats or course.steps[spec.id].state == StepState.WAITING)
    ]
    yield from (each for each in conditions if not is_moment(each))
