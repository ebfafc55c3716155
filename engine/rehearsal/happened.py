"""What has happened on the stage of a test since somebody last looked."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from engine.clock.zones import format_instant
from engine.rehearsal.script import Category
from engine.render.wording import as_text
from engine.replay.memory import Account, Memory, Row
from engine.rulefile.model import Playbook
from engine.runs.run import Run, Step, StepState, Task

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Happened:
    """What has happened since the last look."""

    starts: int
    ended: tuple[str, ...]
    items: dict[Category, list[dict[str, str]]]
    open_steps: tuple[str, ...]
    held: int


class Lookout:
    """Looks at what one playbook does in a memory, and reports everything once."""

    def __init__(self, memory: Memory, playbook: Playbook) -> None:
        """`playbook` is the one whose doings count; others may run beside it."""
        self._memory = memory
        self._name = playbook.name
        self._positions = {step.id: position for position, step in enumerate(playbook.steps)}
        self._seen: set[str] = set()

    def look(self) -> Happened:
        """What has happened since the beginning, or since the last look."""
        runs = self._runs()
        ended = self._new("end", [each for each in runs if each.state == "ended"])
        return Happened(
            starts=len(self._new("start", runs)),
            ended=tuple(each.outcome or "" for each in ended),
            items=self._items(runs),
            open_steps=tuple(each.step for each in self._tasks() if each.state == "open"),
            held=sum(
                each.owed == "held" and each.playbook == self._name
                for account in self._accounts
                for each in account.episodes.values()
            ),
        )

    def fates(self, steps: Sequence[str]) -> list[str]:
        """What has become of each of these steps in the newest run: skipped and why, or still waiting."""
        runs = self._runs()
        newest = runs[-1].id if runs else None
        found = {each.step: _fate(each) for each in self._steps() if each.run_id == newest}
        return [f"step {each}: {found[each]}" for each in steps if each in found]

    @property
    def _accounts(self) -> Iterable[Account]:
        return self._memory.accounts.values()

    def _items(self, runs: Sequence[Run]) -> dict[Category, list[dict[str, str]]]:
        tasks = self._tasks()
        sent = sorted(self._sent(), key=lambda row: (*self._turn(row["created_at"], row["step"]), row["id"]))
        ids = {each.id for each in runs}
        steps = [each for each in self._steps() if each.run_id in ids]
        escalated = [each for each in tasks if each.escalated_at is not None]
        return {
            "tasks": [_task(each) for each in self._new("task", tasks)],
            "emails": [_email(row) for row in self._new_rows("email", sent) if row["contact_id"] is not None],
            "messages": [_message(row) for row in self._new_rows("message", sent) if _is_chat(row)],
            "webhooks": [_webhook(row) for row in self._new_rows("webhook", sent) if _is_webhook(row)],
            **self._effects(),
            "chosen": [
                {"step": each.step, "branch": str(each.branch), "reason": each.reason or ""}
                for each in self._new("choice", self._by_time(_chosen(steps)))
            ],
            "escalated": [
                {"step": each.step, "from": each.escalated_from or "", "to": each.assignee}
                for each in self._new("escalation", escalated)
            ],
            "skipped": [
                {"step": each.step, "reason": each.reason or ""}
                for each in self._new("skip", self._by_time(_skipped(steps)))
            ],
        }

    def _effects(self) -> dict[Category, list[dict[str, str]]]:
        """Events and changes that the playbook brought about, in the order in which it did."""
        found: dict[Category, list[dict[str, str]]] = {"records": [], "updates": []}
        for number, each in enumerate(self._memory.decisions):
            if each.playbook != self._name or each.answer not in ("record", "update"):
                continue
            if not self._is_new(f"effect {number}"):
                continue
            for told in each.evidence or ():
                if each.answer == "record":
                    found["records"].append(_record(each.step or "", told))
                else:
                    found["updates"].append(_update(each.step or "", told))
        return found

    def _runs(self) -> list[Run]:
        mine = [
            each
            for account in self._accounts
            for each in account.runs.values()
            if each.playbook == self._name
        ]
        return sorted(mine, key=lambda each: (each.started_at, each.id))

    def _tasks(self) -> list[Task]:
        mine = [
            each
            for account in self._accounts
            for each in account.tasks.values()
            if each.playbook == self._name
        ]
        return self._by_time((each.created_at, each) for each in mine)

    def _sent(self) -> Iterator[Row]:
        for account in self._accounts:
            yield from (row for row in account.messages.values() if row["playbook"] == self._name)

    def _steps(self) -> list[Step]:
        return [each for account in self._accounts for each in account.steps.values()]

    def _by_time(self, timed: Iterable[tuple[datetime, Any]]) -> list[Any]:
        """In order of time, and at one instant in the order of the file; what an exit does comes last."""
        ordered = sorted(
            timed, key=lambda pair: (*self._turn(pair[0], pair[1].step), pair[1].occurrence, pair[1].id)
        )
        return [each for _, each in ordered]

    def _turn(self, at: datetime, step: str) -> tuple[datetime, int]:
        return at, self._positions.get(step, len(self._positions))

    def _new(self, what: str, rows: Iterable[Item]) -> list[Item]:
        """The rows not looked at before under that heading."""
        return [each for each in rows if self._is_new(f"{what} {each.id}")]  # type: ignore[attr-defined]

    def _new_rows(self, what: str, rows: Iterable[Row]) -> list[Row]:
        return [row for row in rows if self._is_new(f"{what} {row['id']}")]

    def _is_new(self, mark: str) -> bool:
        if mark in self._seen:
            return False
        self._seen.add(mark)
        return True


def _chosen(steps: Iterable[Step]) -> Iterator[tuple[datetime, Step]]:
    for each in steps:
        if each.branch is not None and each.acted_at is not None:
            yield each.acted_at, each


def _skipped(steps: Iterable[Step]) -> Iterator[tuple[datetime, Step]]:
    for each in steps:
        if each.state == StepState.SKIPPED and each.settled_at is not None:
            yield each.settled_at, each


def _fate(step: Step) -> str:
    reason = f", {step.reason}" if step.reason else ""
    if step.state != StepState.WAITING:
        return f"{step.state}{reason}"
    when = f"waits for {format_instant(step.act_at)}" if step.act_at else "waits for what triggers it"
    return f"{when}{reason}"


def _task(task: Task) -> dict[str, str]:
    return {
        "step": task.step,
        "assignee": task.escalated_from or task.assignee,
        "title": task.title,
        "due": task.due_on.isoformat(),
        "role": task.role,
        "body": task.body,
        "reason": task.reason,
    }


def _email(row: Row) -> dict[str, str]:
    return {
        "step": row["step"],
        "to": row["recipient"],
        "subject": row["subject"],
        "at": format_instant(row["available_at"]),
        "text": row["payload"]["text"],
    }


def _is_webhook(row: Row) -> bool:
    return "webhook" in row["payload"]


def _is_chat(row: Row) -> bool:
    return row["contact_id"] is None and not _is_webhook(row)


def _webhook(row: Row) -> dict[str, str]:
    return {"step": row["step"], "via": row["connector"], "body": row["payload"]["text"]}


def _message(row: Row) -> dict[str, str]:
    return {
        "step": row["step"],
        "to": row["recipient"],
        "via": row["connector"],
        "text": row["payload"]["text"],
    }


def _record(step: str, told: Mapping[str, Any]) -> dict[str, str]:
    carried = ", ".join(f"{name}: {as_text(value)}" for name, value in told["properties"].items())
    return {"event": told["event"], "step": step, "properties": carried}


def _update(step: str, told: Mapping[str, Any]) -> dict[str, str]:
    """A value that is not there is told as `missing`."""
    values = {key: "missing" if told[key] is None else told[key] for key in ("from", "to")}
    return {"field": told["field"], **values, "step": step}
