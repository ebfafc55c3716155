"""A small company for tests: playbooks in folders of their own, a ticker, and the ledger as text."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from difflib import unified_diff
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Engine, select

from engine.admit.holds import list_holds, release_holds
from engine.admit.pauses import pause_playbook, resume_playbook
from engine.admit.silences import add_silence, end_silence, list_silences
from engine.clock.zones import format_instant
from engine.conditions.catalogue import Kind, Value
from engine.judging import TickReport
from engine.match.matcher import Matcher, ReferenceMatcher
from engine.rulebook import Library
from engine.runs.task_actions import complete
from engine.settings import Settings
from engine.state import tables
from engine.state.database import reading, writing
from engine.state.entries import Entry, EventEntry, source_book
from engine.state.ingest import ingest
from engine.state.upsert import upsert
from engine.tick import Ticker

Fresh = Callable[[], Engine]
"""Makes empty, migrated SQLite databases, as the fixture `fresh` does."""

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday noon: every playbook of a test goes live then unless it says otherwise."""

SLIDE = """
playbook: slide
title: A slide
owner: cs
subject: account
when: {field: account.health, drops_below: 40, recovers_at: 50}
steps:
  - id: call
    day: 0
    task: {to: csm, title: "Call {{ account.name }}", due: 1bd, outcomes: [reached, silent]}
"""
"""The plainest playbook: a state, and one task at once."""

ROLES = {
    "csm": {"field": "account.csm", "fallback": "cs_pool"},
    "csm_manager": {"manager_of": "csm", "fallback": "cs_ops"},
    "cs_pool": {},
    "cs_ops": {},
}
PEOPLE = (
    {"id": "dana", "name": "Dana", "email": "dana@us.example", "role": "csm", "manager": "max"},
    {"id": "max", "name": "Max", "email": "max@us.example", "role": "csm_manager", "manager": None},
)
TEMPLATES = {
    "emails/_layout.html.j2": '<html lang="en"><body>{{ body }}</body></html>',
    "emails/hello/subject.txt.j2": "Hello {{ account.name }}",
    "emails/hello/body.txt.j2": "Hello {{ contact.name }}, it is {{ today }}.",
    "emails/hello/body.html.j2": "<p>Hello {{ contact.name }}, it is {{ today }}.</p>",
    "messages/note.txt.j2": "{{ account.name }}: {{ run.reason }}",
}


def at(text: str) -> datetime:
    """The instant of `2026-03-02 14:30`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def number(value: Value | float | None) -> Value | None:
    """A value as ingest takes it: numbers as decimals."""
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


def entry(
    kind: Kind,
    identity: str,
    when: datetime,
    account_id: str = "acme",
    *,
    recorded: datetime | None = None,
    **values: Any,
) -> Entry:
    """What a source says about a subject, recorded when it was so unless told otherwise."""
    stated = {name: number(value) for name, value in values.items()}
    return Entry(kind, identity, account_id, stated, when, recorded or when)


def account(
    when: datetime, identity: str = "acme", *, recorded: datetime | None = None, **values: Any
) -> Entry:
    """What a source says about an account."""
    return entry(Kind.ACCOUNT, identity, when, identity, recorded=recorded, **values)


def happening(
    name: str,
    when: datetime,
    account_id: str = "acme",
    *,
    recorded: datetime | None = None,
    subject: str | None = None,
    identity: str | None = None,
    carries: Mapping[str, Any] | None = None,
) -> EventEntry:
    """One event, named for its account, name and time unless told otherwise."""
    known = identity or f"{account_id}/{name}/{when.isoformat()}"
    return EventEntry(known, account_id, name, when, recorded or when, subject, carries)


def feed(name: str, watermark: datetime, known: datetime | None = None) -> Entry:
    """A source that has said everything up to an instant; it says so then, or when told."""
    return entry(Kind.SOURCE, name, known or watermark, source_book(name), name=name, watermark=watermark)


def settings_in(folder: Path, playbooks: Sequence[str], **more: Any) -> Settings:
    """Settings whose rules and templates are written below `folder`, with `more` of them."""
    write_rules(folder, playbooks)
    for path, text in TEMPLATES.items():
        file = folder / "templates" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Settings(
        rules=folder / "rules",
        templates=folder / "templates",
        roles=ROLES,
        matching={"workers": 0},
        **more,
    )


def write_rules(folder: Path, playbooks: Sequence[str]) -> None:
    """Write each playbook to a file of its own, in place of all earlier ones."""
    rules = folder / "rules"
    rules.mkdir(parents=True, exist_ok=True)
    for old in rules.glob("*.yaml"):
        old.unlink()
    for index, text in enumerate(playbooks):
        (rules / f"{index:02d}.yaml").write_text(text, encoding="utf-8")


class Player(Protocol):
    """On what a history can be played: the engine over a database, or in memory."""

    def take(self, *given: Entry | EventEntry) -> None:
        """Take in entries and events; none may be refused."""

    def tick(self, when: datetime) -> TickReport:
        """One pass."""

    def accounts(self) -> list[str]:
        """The ids of all accounts, in their order."""

    def open_tasks(self) -> Sequence[Any]:
        """The tasks that are still to be done."""

    def finish_task(self, task_id: str, when: datetime, outcome: str | None = None) -> None:
        """Complete a task."""

    def release(self, when: datetime) -> Any:
        """Release everything that is held."""

    def silence(self, account_id: str, when: datetime, until: datetime, playbook: str | None) -> None:
        """Silence an account, in one playbook or in all."""

    def end_silences(self, when: datetime) -> None:
        """End everything that is silenced."""

    def pause(self, playbook: str, when: datetime) -> None:
        """Let a playbook rest."""

    def resume(self, playbook: str, when: datetime) -> None:
        """Let it go on."""

    def ledger(self) -> str:
        """See `ledger_json`."""


@dataclass
class Company:
    """One database with the engine over it."""

    database: Engine
    library: Library
    ticker: Ticker

    def take(self, *given: Entry | EventEntry) -> None:
        """Take in entries and events; none may be refused."""
        entries = [each for each in given if isinstance(each, Entry)]
        events = [each for each in given if isinstance(each, EventEntry)]
        report = ingest(self.database, self.library.catalogue, entries, events, source="test")
        if report.rejected:
            raise AssertionError(report.rejected)

    def tick(self, when: datetime) -> TickReport:
        """One pass, with the rule files as they are."""
        self.library.refresh()
        return self.ticker.tick(when)

    def rows(self, model: Any, *order: str, **where: Any) -> list[Any]:
        """Rows of a table by equal columns, in the order given, else by id."""
        table = model.__table__
        query = select(table).order_by(*(table.c[name] for name in (*order, "id")))
        for name, value in where.items():
            query = query.where(table.c[name] == value)
        with reading(self.database) as connection:
            return list(connection.execute(query))

    def runs(self, **where: Any) -> list[Any]:
        """Runs in the order of their starts."""
        return self.rows(tables.Run, "started_at", **where)

    def tasks(self, **where: Any) -> list[Any]:
        """Tasks in the order of their creation."""
        return self.rows(tables.Task, "created_at", **where)

    def steps(self, **where: Any) -> dict[str, Any]:
        """Steps by their id in the playbook; the last one of each name."""
        return {each.step: each for each in self.rows(tables.StepRow, "act_at", **where)}

    def messages(self, **where: Any) -> list[Any]:
        """Outbox entries in the order of their creation."""
        return self.rows(tables.Outbox, "created_at", **where)

    def episodes(self, **where: Any) -> list[Any]:
        """Episodes in the order of their beginnings."""
        return self.rows(tables.Episode, "since", **where)

    def decisions(self, **where: Any) -> list[tuple[datetime, str]]:
        """Instants and answers, in their order."""
        return [(each.at, each.answer) for each in self.rows(tables.Decision, "at", **where)]

    def watch(self, account_id: str = "acme") -> Any:
        """The account's row of `watch`."""
        table: Any = tables.Watch.__table__  # type: ignore[attr-defined]
        with reading(self.database) as connection:
            return connection.execute(select(table).where(table.c.account_id == account_id)).one()

    def finish(self, when: datetime, outcome: str | None = None, *, step: str | None = None) -> None:
        """Complete the first open task, of that step if one is named."""
        found = [each for each in self.tasks(state="open") if step in (None, each.step)]
        self.finish_task(found[0].id, when, outcome)

    def finish_task(self, task_id: str, when: datetime, outcome: str | None = None) -> None:
        """Complete a task."""
        complete(self.database, task_id, outcome=outcome, note=None, by="dana", now=when)

    def release(self, when: datetime) -> int:
        """Release everything that is held."""
        ids = [each.id for each in list_holds(self.database, only_held=True)]
        return release_holds(self.database, ids, by="max", at=when)

    def accounts(self) -> list[str]:
        """The ids of all accounts, in their order."""
        return [each.id for each in self.rows(tables.Account)]

    def open_tasks(self) -> list[Any]:
        """The tasks that are still to be done."""
        return self.tasks(state="open")

    def silence(self, account_id: str, when: datetime, until: datetime, playbook: str | None) -> None:
        """Silence an account, in one playbook or in all."""
        add_silence(
            self.database, account_id, playbook=playbook, at=when, until=until, by="max", why="a merger"
        )

    def end_silences(self, when: datetime) -> None:
        """End everything that is silenced."""
        for each in list_silences(self.database, lasting_at=when):
            end_silence(self.database, each.id, by="max", at=when)

    def pause(self, playbook: str, when: datetime) -> None:
        """Let a playbook rest."""
        pause_playbook(self.database, playbook, at=when, by="max", why="a review")

    def resume(self, playbook: str, when: datetime) -> None:
        """Let it go on."""
        resume_playbook(self.database, playbook, at=when, by="max")

    def ask_all(self, when: datetime) -> None:
        """Have every account looked at, whatever is stored about when that is needed."""
        table: Any = tables.Watch.__table__  # type: ignore[attr-defined]
        with writing(self.database) as connection:
            connection.execute(table.update().values(due_at=when))

    def ledger(self) -> str:
        """See `ledger_json`."""
        return ledger_json(self.database)


def company(
    database: Engine,
    folder: Path,
    playbooks: Sequence[str] = (SLIDE,),
    matcher: Matcher | None = None,
    **more: Any,
) -> Company:
    """The engine over `database` with these playbooks, which must be sound, two people and more settings."""
    settings = settings_in(folder, playbooks, **more)
    people: Any = tables.Person.__table__  # type: ignore[attr-defined]
    with writing(database) as connection:
        upsert(connection, people, PEOPLE, keep=True)
    library = Library(settings, settings.catalogue(), database)
    if not library.rules.is_sound:
        raise AssertionError([str(each) for each in library.problems])
    return Company(database, library, Ticker(database, settings, library, matcher or ReferenceMatcher()))


_LEDGER: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "episodes": (tables.Episode, ("id",)),
    "runs": (tables.Run, ("id",)),
    "steps": (tables.StepRow, ("id",)),
    "tasks": (tables.Task, ("id",)),
    "messages": (tables.Outbox, ("id",)),
    "holds": (tables.Hold, ("id",)),
    "decisions": (tables.Decision, ("account_id", "at", "id")),
    "events": (tables.Event, ("id",)),
    "changes": (tables.Change, ("account_id", "kind", "subject_id", "field", "applies_at", "id")),
}
_HIDDEN = {
    "messages": frozenset({"payload", "finished_at"}),
    "decisions": frozenset({"id"}),
    "events": frozenset({"revision"}),
    "changes": frozenset({"id", "revision"}),
}


def ledger_json(database: Engine) -> str:
    """Everything known and decided, with its times: equal histories give equal text on any database.

    Left out are serial ids, which intake brought what, and what an outbox entry says about its
    delivery and its secret links.
    """
    lines = []
    with reading(database) as connection:
        for name, (model, order) in _LEDGER.items():
            table = model.__table__
            shown = [each for each in table.c if each.name not in _HIDDEN.get(name, ())]
            names = ["", *(each.name for each in shown)]
            query = select(*shown).order_by(*(table.c[each] for each in order))
            lines += [
                _LINE.encode(dict(zip(names, (name, *row), strict=True))) for row in connection.execute(query)
            ]
    return "\n".join(lines)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value))


_LINE = json.JSONEncoder(sort_keys=True, default=_text)


def snapshot(database: Engine) -> list[Any]:
    """Every row of the ledger as the database keeps it: a quick way to compare a database with itself."""
    with reading(database) as connection:
        return [
            connection.exec_driver_sql(f'SELECT * FROM "{model.__table__.name}" ORDER BY id').all()
            for model, _ in _LEDGER.values()
        ]


def difference(one: str, other: str) -> list[str]:
    """The first few lines in which two ledgers differ; none when they are equal byte for byte."""
    if one == other:
        return []
    lines = unified_diff(_spread(one), _spread(other), "one", "other", n=12, lineterm="")
    return list(islice(lines, 80))


def _spread(ledger: str) -> list[str]:
    """One value a line."""
    lines = (json.dumps(json.loads(row), indent=1) for row in ledger.splitlines())
    return [each for row in lines for each in row.splitlines()]
