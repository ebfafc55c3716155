"""Playbooks as people see them: what each waits for, what it does, and what became of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, func, select

from engine.conditions.phrase import condition_words
from engine.people.plain import plain
from engine.people.playbook_words import action_words, exit_words, subject_words, timing_words, trigger_words
from engine.rulefile.model import Playbook
from engine.state.tables import PlaybookVersion, Rulebook, Run

_RUN: Table = Run.__table__  # type: ignore[attr-defined]
_RULEBOOK: Table = Rulebook.__table__  # type: ignore[attr-defined]
_VERSION: Table = PlaybookVersion.__table__  # type: ignore[attr-defined]

WEEKS = 12
"""Weeks of starts that are told."""


@dataclass
class Tally:
    """A playbook's runs: how many were started, are open, and ended how."""

    started: int = 0
    open: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """Since when a playbook decides, and whether it does."""

    live_since: datetime
    changed_at: datetime
    paused: bool


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step as a line."""

    id: str
    timing: str
    action: str
    subject: str
    condition: str
    escalation: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One playbook as shown."""

    playbook: Playbook
    triggers: tuple[str, ...]
    audience: str
    steps: tuple[StepLine, ...]
    exits: tuple[tuple[str, str], ...]
    tally: Tally
    standing: Standing | None

    @property
    def review_due(self) -> datetime | None:
        """When somebody should look it over again, so long after its last change; None where nobody said."""
        if self.playbook.review_every is None or self.standing is None:
            return None
        return self.standing.changed_at + self.playbook.review_every.elapsed

    def as_json(self) -> dict[str, Any]:
        """The one JSON form of a playbook."""
        it, standing = self.playbook, self.standing
        return {
            "name": it.name,
            "title": it.title,
            "owner": it.owner,
            "subject": it.subject.value,
            "priority": it.priority,
            "review_every": str(it.review_every) if it.review_every else None,
            "file": it.file,
            "version": it.version,
            "live_since": plain(standing.live_since) if standing else None,
            "changed_at": plain(standing.changed_at) if standing else None,
            "review_due": plain(self.review_due),
            "paused": bool(standing and standing.paused),
            "audience": self.audience or None,
            "triggers": list(self.triggers),
            "steps": [asdict(each) for each in self.steps],
            "exits": [{"outcome": outcome, "when": words} for outcome, words in self.exits],
            "runs": asdict(self.tally),
        }


def sheets(connection: Connection, playbooks: Iterable[Playbook]) -> list[Sheet]:
    """The playbooks, those of the highest priority first."""
    counted, standings = tallies(connection), live(connection)
    ordered = sorted(playbooks, key=lambda each: (-each.priority, each.name))
    return [sheet(each, counted.get(each.name, Tally()), standings.get(each.name)) for each in ordered]


def one(connection: Connection, playbooks: Iterable[Playbook], name: str) -> Sheet | None:
    """The playbook of that name; None where there is none among them."""
    found = next((each for each in playbooks if each.name == name), None)
    if found is None:
        return None
    return sheet(found, tallies(connection, name).get(name, Tally()), live(connection).get(name))


def sheet(playbook: Playbook, tally: Tally, standing: Standing | None) -> Sheet:
    """One playbook in words."""
    steps = tuple(
        StepLine(
            step.id,
            timing_words(step),
            action_words(step),
            subject_words(step),
            condition_words(step.condition),
            f"{step.escalate.to.replace('_', ' ')} after {step.escalate.after}" if step.escalate else "",
        )
        for step in playbook.steps
    )
    exits = tuple((each.outcome, exit_words(each)) for each in playbook.exits)
    triggers = tuple(trigger_words(playbook))
    return Sheet(playbook, triggers, condition_words(playbook.audience), steps, exits, tally, standing)


def tallies(connection: Connection, playbook: str | None = None) -> Mapping[str, Tally]:
    """Every playbook's runs, or those of one, counted."""
    query = select(_RUN.c.playbook, _RUN.c.state, _RUN.c.outcome, func.count().label("runs")).group_by(
        _RUN.c.playbook, _RUN.c.state, _RUN.c.outcome
    )
    if playbook is not None:
        query = query.where(_RUN.c.playbook == playbook)
    found: dict[str, Tally] = defaultdict(Tally)
    for row in connection.execute(query):
        tally = found[row.playbook]
        tally.started += row.runs
        if row.state == "open":
            tally.open += row.runs
        elif row.outcome:
            tally.outcomes[row.outcome] = tally.outcomes.get(row.outcome, 0) + row.runs
    return found


def live(connection: Connection) -> Mapping[str, Standing]:
    """The live set by playbook."""
    columns = (_RULEBOOK.c.live_since, _RULEBOOK.c.changed_at, _RULEBOOK.c.paused)
    rows = connection.execute(select(_RULEBOOK.c.playbook, *columns))
    return {row.playbook: Standing(row.live_since, row.changed_at, row.paused) for row in rows}


def rule_file(connection: Connection, playbook: Playbook) -> str | None:
    """The text of the rule file that decides, as it was when this version went live."""
    files = connection.scalar(select(_VERSION.c.files).where(_VERSION.c.version == playbook.version))
    return files.get(playbook.file) if files else None


def starts_by_week(connection: Connection, playbook: str, now: datetime) -> tuple[tuple[date, int], ...]:
    """How many runs started in each of the last weeks, the present one last. Weeks begin on Monday in UTC."""
    this_week = now.date() - timedelta(days=now.weekday())
    weeks = [this_week - timedelta(weeks=number) for number in reversed(range(WEEKS))]
    begins = [datetime(each.year, each.month, each.day, tzinfo=UTC) for each in weeks]
    at = _RUN.c.started_at
    counts = [func.count().filter(at >= begin, at < begin + timedelta(weeks=1)) for begin in begins]
    query = select(*counts).where(_RUN.c.playbook == playbook, at >= begins[0])
    return tuple(zip(weeks, connection.execute(query).one(), strict=True))
