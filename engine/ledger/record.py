"""What is written about accounts, read back for a fold."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from engine.admit.silences import read_silences
from engine.episodes.episode import Episode
from engine.fold.case import Record
from engine.runs.run import BY_HAND, Run, Step, Task
from engine.state import tables
from engine.state.feeds import read_waits
from engine.state.history import chunked

_Row = TypeVar("_Row")


def read_records(connection: Connection, account_ids: Collection[str]) -> dict[str, Record]:
    """The record of each account: open episodes, all runs, and the steps and tasks of open runs."""
    found: dict[str, Record] = {account_id: Record() for account_id in account_ids}
    episode, run = _table(tables.Episode), _table(tables.Run)
    step, task = _table(tables.StepRow), _table(tables.Task)
    episodes = _rows(
        connection,
        Episode,
        episode,
        episode.c.account_id.in_(account_ids),
        episode.c.state.in_(("pending", "active")),
    )
    for each in episodes:
        found[each.account_id].episodes.append(each)
    open_runs = []
    for each_run in _rows(connection, Run, run, run.c.account_id.in_(account_ids)):
        found[each_run.account_id].runs.append(each_run)
        if each_run.is_open:
            open_runs.append(each_run.id)
    for chunk in chunked(open_runs):
        for each_step in _rows(connection, Step, step, step.c.run_id.in_(chunk)):
            found[each_step.account_id].steps.append(each_step)
    is_open = set(open_runs)
    states = task.c.state.in_(("open", *BY_HAND))
    for each_task in _rows(connection, Task, task, task.c.account_id.in_(account_ids), states):
        if each_task.run_id in is_open:
            found[each_task.account_id].tasks.append(each_task)
    _add_releases(connection, found)
    for account_id, waits in read_waits(connection, account_ids).items():
        found[account_id].waits = waits
    for silence in read_silences(connection, list(account_ids)):
        record = found[silence.account_id]
        record.silences = [*record.silences, silence]
    return found


def _table(model: Any) -> Any:
    return model.__table__


def _rows(connection: Connection, cls: type[_Row], table: Any, *where: Any) -> list[_Row]:
    """Rows as the dataclass whose fields are columns of the table."""
    columns = [table.c[each.name] for each in fields(cls)]  # type: ignore[arg-type]
    query = select(*columns).where(*where).order_by(table.c.id)
    return [cls(*row) for row in connection.execute(query)]


def _add_releases(connection: Connection, found: dict[str, Record]) -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for account_id, record in found.items():
        for episode in record.episodes:
            if episode.hold_id is not None and episode.owed is not None:
                owners[episode.hold_id].add(account_id)
    if not owners:
        return
    hold = _table(tables.Hold)
    query = select(hold.c.id, hold.c.released_at).where(
        hold.c.id.in_(list(owners)), hold.c.released_at.is_not(None)
    )
    for hold_id, released_at in connection.execute(query):
        for account_id in owners[hold_id]:
            found[account_id].releases = {**found[account_id].releases, hold_id: released_at}
