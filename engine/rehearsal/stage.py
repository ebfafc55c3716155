"""Where a test plays: the engine itself, on a database of its own, under the test's own clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, insert, select
from sqlmodel import SQLModel

from engine.admit.holds import list_holds, release_holds
from engine.admit.silences import SilenceError, add_silence, end_silence, list_silences
from engine.clock.zones import format_instant
from engine.conditions.catalogue import Catalogue
from engine.explain import explain
from engine.fold.case import Passed
from engine.match.matcher import ReferenceMatcher
from engine.rehearsal.script import Category, Completion, Move, Quiet, Rehearsal
from engine.render.wording import as_text
from engine.rulebook import Library
from engine.rulefile.load import Rules
from engine.runs.run import StepState
from engine.runs.task_actions import TaskActionError, complete
from engine.settings import Settings
from engine.state import tables
from engine.state.book_reader import TABLES
from engine.state.database import reading, writing
from engine.state.ingest import ingest
from engine.tick import Ticker

_SOURCE = "test"
_INSTANT = timedelta(microseconds=1)
"""What lies between two moves that a test gives the same time."""
_MOST_TICKS = 10_000
"""Between two moves. A playbook with so many boundaries would never come to rest."""


class CannotPlayError(Exception):
    """A move of the timeline cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Happened:
    """What has happened since the last look."""

    starts: int
    ended: tuple[str, ...]
    items: dict[Category, list[dict[str, str]]]
    open_steps: tuple[str, ...]
    held: int


class Stage:
    """One database, used by one test after another."""

    def __init__(
        self, database: Engine, settings: Settings, catalogue: Catalogue, rules: Rules, file: str
    ) -> None:
        """`rules` holds the playbook under test, read from `file`, and those live beside it."""
        self._database = database
        self._catalogue = catalogue
        library = Library(settings, catalogue, database)
        library.use(rules)
        self._ticker = Ticker(database, settings, library, ReferenceMatcher())
        tested = next(each for each in rules.playbooks if each.file == file)
        self._playbook = tested
        self._positions = {step.id: position for position, step in enumerate(tested.steps)}
        self._seen: set[str] = set()
        self._account = ""
        self._ticked_at = datetime.min.replace(tzinfo=UTC)
        self.passed: set[Passed] = set()
        """The places of rule files that did something, in all tests played here."""

    def open(self, test: Rehearsal) -> None:
        """Empty the stage, put the test's people and account on it, and let the playbook go live."""
        _empty(self._database)
        self._seen.clear()
        people: Table = tables.Person.__table__  # type: ignore[attr-defined]
        if test.people:
            with writing(self._database) as connection:
                connection.execute(insert(people), [each.model_dump() for each in test.people])
        self._account = test.entries[0].account_id
        self._take_in(test)
        self._tick(test.at)

    def play(self, move: Move) -> None:
        """Let time pass up to the move, make it, and let the engine answer. Raises CannotPlayError."""
        self._pass_time(move.at)
        now = max(move.at, self._ticked_at + _INSTANT)
        if move.entries or move.events:
            self._take_in(move)
        if move.completion is not None:
            self._complete(move.completion, now)
        if move.releases:
            self._release(now)
        if move.silence is not None:
            self._silence(move.silence, now)
        if move.ends_silences:
            for each in list_silences(self._database, lasting_at=now):
                end_silence(self._database, each.id, by="test", at=now)
        if self._ticker.is_due(now):
            self._tick(now)

    def look(self) -> Happened:
        """What has happened since the test began, or since the last look."""
        with reading(self._database) as connection:
            runs = self._own(connection, tables.Run, "started_at")
            return Happened(
                starts=len(self._new(runs, "start")),
                ended=tuple(
                    row.outcome for row in self._new([each for each in runs if each.state == "ended"], "end")
                ),
                items=self._items(connection),
                open_steps=self._open_steps(connection),
                held=_held(connection, self._playbook.name),
            )

    def reasons(self, at: datetime) -> list[str]:
        """Of each subject, the sentence that explains what the playbook makes of it at this moment."""
        now = max(at, self._ticked_at)
        library, playbook = self._ticker.library, self._playbook
        with reading(self._database) as connection:
            table: Table = TABLES[playbook.subject].__table__  # type: ignore[attr-defined]
            ids = list(connection.scalars(select(table.c.id).order_by(table.c.id)))
        told = {each: explain(self._database, library, playbook.name, each, now).conclusion for each in ids}
        return [f"{each}: {words}" if len(ids) > 1 else words for each, words in told.items()]

    def fates(self, steps: Sequence[str]) -> list[str]:
        """What has become of each of these steps in the newest run: skipped and why, or still waiting."""
        with reading(self._database) as connection:
            runs = self._own(connection, tables.Run, "started_at")
            rows = _rows(connection, tables.StepRow, "act_at")
        newest = runs[-1].id if runs else None
        found = {each.step: _fate(each) for each in rows if each.run_id == newest}
        return [f"step {each}: {found[each]}" for each in steps if each in found]

    def _items(self, connection: Connection) -> dict[Category, list[dict[str, str]]]:
        tasks = self._by_step(self._own(connection, tables.Task, "created_at"), "created_at")
        sent = self._by_step(self._own(connection, tables.Outbox, "created_at"), "created_at")
        chats = [row for row in sent if row.contact_id is None and "webhook" not in row.payload]
        documents = [row for row in sent if "webhook" in row.payload]
        runs = {each.id for each in self._own(connection, tables.Run, "started_at")}
        known = [each for each in _rows(connection, tables.StepRow, "settled_at") if each.run_id in runs]
        steps = self._by_step(known, "settled_at")
        chosen = self._by_step([each for each in known if each.branch is not None], "acted_at")
        escalated = [each for each in tasks if each.escalated_at is not None]
        return {
            "tasks": [_task(row) for row in self._new(tasks, "task")],
            "emails": [_email(row) for row in self._new(sent, "email") if row.contact_id is not None],
            "messages": [_message(row) for row in self._new(chats, "message")],
            "webhooks": [_webhook(row) for row in self._new(documents, "webhook")],
            **self._effects(connection),
            "chosen": [
                {"step": row.step, "branch": str(row.branch), "reason": row.reason or ""}
                for row in self._new(chosen, "choice")
            ],
            "escalated": [
                {"step": row.step, "from": row.escalated_from, "to": row.assignee}
                for row in self._new(escalated, "escalation")
            ],
            "skipped": [
                {"step": row.step, "reason": row.reason or ""}
                for row in self._new([each for each in steps if each.state == "skipped"], "skip")
            ],
        }

    def _effects(self, connection: Connection) -> dict[Category, list[dict[str, str]]]:
        """Events and changes that the playbook brought about, in the order in which it did."""
        decided = self._own(connection, tables.Decision, "id")
        fresh = self._new([each for each in decided if each.answer in ("record", "update")], "effect")
        told = [(each.answer, each.step or "", one) for each in fresh for one in each.evidence or ()]
        return {
            "records": [_record(step, one) for answer, step, one in told if answer == "record"],
            "updates": [_update(step, one) for answer, step, one in told if answer == "update"],
        }

    def _own(self, connection: Connection, kind: Any, order: str) -> list[Any]:
        """Rows of the playbook under test alone."""
        return [each for each in _rows(connection, kind, order) if each.playbook == self._playbook.name]

    def _new(self, rows: list[Any], what: str) -> list[Any]:
        """The rows not looked at before under that heading."""
        fresh = [row for row in rows if f"{what} {row.id}" not in self._seen]
        self._seen.update(f"{what} {row.id}" for row in fresh)
        return fresh

    def _by_step(self, rows: list[Any], instant: str) -> list[Any]:
        """In order of time, and at one instant in the order of the file; what an exit does comes last."""
        last = len(self._positions)
        return sorted(
            (row for row in rows if getattr(row, instant) is not None),
            key=lambda row: (
                getattr(row, instant),
                self._positions.get(row.step, last),
                getattr(row, "occurrence", 1),
                row.id,
            ),
        )

    def _open_steps(self, connection: Connection) -> tuple[str, ...]:
        tasks = self._by_step(self._own(connection, tables.Task, "created_at"), "created_at")
        return tuple(row.step for row in tasks if row.state == "open")

    def _pass_time(self, until: datetime) -> None:
        """Tick whenever something is due, as a service does that never rests."""
        for _ in range(_MOST_TICKS):
            due = self._next_due()
            if due is None or due >= until:
                return
            self._tick(max(due, self._ticked_at + _INSTANT))
        raise CannotPlayError(f"the playbook wants more than {_MOST_TICKS:,} looks before {until}")

    def _tick(self, at: datetime) -> None:
        self.passed |= self._ticker.tick(at).passed
        self._ticked_at = at

    def _next_due(self) -> datetime | None:
        watch: Table = tables.Watch.__table__  # type: ignore[attr-defined]
        with reading(self._database) as connection:
            found: datetime | None = connection.scalar(select(func.min(watch.c.due_at)))
            return found

    def _take_in(self, given: Rehearsal | Move) -> None:
        report = ingest(self._database, self._catalogue, given.entries, given.events, source=_SOURCE)
        for rejection in report.rejected:
            raise CannotPlayError(f"{rejection.id}: {rejection.reason}")

    def _complete(self, completion: Completion, now: datetime) -> None:
        with reading(self._database) as connection:
            tasks = [each for each in _rows(connection, tables.Task, "created_at") if each.state == "open"]
        named = [each for each in tasks if each.step == completion.step]
        named = [each for each in named if each.playbook == self._playbook.name] or named
        if len({(each.run_id, each.step) for each in named}) == 1:
            named = sorted(named, key=lambda each: each.occurrence)[:1]
        found = [each.id for each in named]
        if len(found) != 1:
            known = ", ".join(sorted({each.step for each in tasks})) or "none"
            raise CannotPlayError(
                f'step "{completion.step}" has {len(found) or "no"} open task{"s" if found else ""}; '
                f"steps with open tasks: {known}"
            )
        try:
            complete(
                self._database, found[0], outcome=completion.outcome, note=completion.note, by="test", now=now
            )
        except TaskActionError as error:
            raise CannotPlayError(str(error)) from error

    def _release(self, now: datetime) -> None:
        ids = [each.id for each in list_holds(self._database, only_held=True)]
        release_holds(self._database, ids, by="test", at=now)

    def _silence(self, quiet: Quiet, now: datetime) -> None:
        try:
            add_silence(
                self._database,
                self._account,
                playbook=quiet.playbook,
                at=now,
                until=quiet.until,
                by=quiet.by,
                why=quiet.why,
            )
        except SilenceError as error:
            raise CannotPlayError(str(error)) from error


def _rows(connection: Connection, kind: Any, order: str) -> list[Any]:
    table: Table = kind.__table__
    return list(connection.execute(select(table).order_by(table.c[order], table.c.id)).all())


def _fate(row: Any) -> str:
    reason = f", {row.reason}" if row.reason else ""
    if row.state != StepState.WAITING:
        return f"{row.state}{reason}"
    when = f"waits for {format_instant(row.act_at)}" if row.act_at else "waits for what triggers it"
    return f"{when}{reason}"


def _held(connection: Connection, playbook: str) -> int:
    episode: Table = tables.Episode.__table__  # type: ignore[attr-defined]
    query = select(func.count()).where(episode.c.owed == "held", episode.c.playbook == playbook)
    return int(connection.scalar(query) or 0)


def _task(row: Any) -> dict[str, str]:
    due: date = row.due_on
    return {
        "step": row.step,
        "assignee": row.escalated_from or row.assignee,
        "title": row.title,
        "due": due.isoformat(),
        "role": row.role,
        "body": row.body,
        "reason": row.reason,
    }


def _email(row: Any) -> dict[str, str]:
    return {
        "step": row.step,
        "to": row.recipient,
        "subject": row.subject,
        "at": format_instant(row.available_at),
        "text": row.payload["text"],
    }


def _record(step: str, told: dict[str, Any]) -> dict[str, str]:
    carried = ", ".join(f"{name}: {as_text(value)}" for name, value in told["properties"].items())
    return {"event": told["event"], "step": step, "properties": carried}


def _update(step: str, told: dict[str, Any]) -> dict[str, str]:
    """A value that is not there is told as `missing`."""
    values = {key: "missing" if told[key] is None else told[key] for key in ("from", "to")}
    return {"field": told["field"], **values, "step": step}


def _webhook(row: Any) -> dict[str, str]:
    return {"step": row.step, "via": row.connector, "body": row.payload["text"]}


def _message(row: Any) -> dict[str, str]:
    return {"step": row.step, "to": row.recipient, "via": row.connector, "text": row.payload["text"]}


def _empty(database: Engine) -> None:
    with writing(database) as connection:
        for table in reversed(SQLModel.metadata.sorted_tables):
            connection.execute(table.delete())
