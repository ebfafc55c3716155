"""Where an account stands when a fold begins, and when what stands moves by itself."""

from collections.abc import Iterator
from datetime import datetime

from engine.episodes.episode import Episode
from engine.fold.case import Case, Record
from engine.fold.course_waits import deadlines
from engine.fold.openings import repeats_at
from engine.runs.run import OpenRun, StepState, Task


def take_up(case: Case, record: Record) -> None:
    """Take up what was under way."""
    for run in sorted(record.runs, key=lambda each: (each.started_at, each.id)):
        case.runs.setdefault(run.playbook, []).append(run)
        if run.is_open:
            case.open[run.id] = OpenRun(run)
    for step in sorted(record.steps, key=lambda each: each.occurrence):
        case.open[step.run_id].add(step)
    for task in record.tasks:
        found = case.open.get(task.run_id)
        made_by = found.step_of(task) if found is not None else None
        if found is not None and made_by is not None and made_by.state == StepState.OPEN:
            found.tasks[task.id] = task
    for episode in record.episodes:
        if episode.is_moment:
            case.moments[episode.id] = episode
        else:
            case.states[episode.playbook, episode.subject_id] = episode


def closings(record: Record, since: datetime, until: datetime) -> list[tuple[datetime, Task]]:
    """Tasks that people closed and the runs have not seen, at the instant each counts from; late ones now."""
    unseen = {(step.run_id, step.step, step.occurrence) for step in record.steps if step.state == "open"}
    found = []
    for task in record.tasks:
        named = (task.run_id, task.step, task.occurrence)
        if task.closing_at is not None and named in unseen:
            found.append((task.closing_at if task.closing_at > since else until, task))
    return sorted(found, key=lambda each: (each[0], each[1].id))


def turning_points(case: Case) -> Iterator[datetime]:
    """When episodes, silences, pauses, holds and open runs move without an input."""
    yield from case.retries.values()
    for silence in case.silences:
        yield silence.since
        yield silence.end
    for pause in case.world.pauses:
        yield pause.since
        if pause.ended_at is not None:
            yield pause.ended_at
    for (name, _), episode in case.states.items():
        yield from _of_episode(case, name, episode)
    for episode in [*case.states.values(), *case.moments.values()]:
        released_at = case.releases.get(episode.hold_id or "")
        if released_at is not None and episode.owed is not None:
            yield released_at
    for run in case.open.values():
        yield from deadlines(case, run)


def _of_episode(case: Case, name: str, episode: Episode) -> Iterator[datetime]:
    """When time alone moves an episode on."""
    live = case.world.by_name.get(name)
    if live is None:
        return
    if episode.state == "pending":
        yield episode.since + live.playbook.held_for
    if episode.lapsed_at is not None:
        yield episode.lapsed_at + live.playbook.keep_active_for
    again_at = repeats_at(case, episode)
    if again_at is not None:
        yield again_at
