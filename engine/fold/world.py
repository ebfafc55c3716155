"""What a fold needs to know besides the account itself. All of it is fixed for one tick."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from engine.admit.pause import Pause
from engine.clock.workdays import LocalCalendar
from engine.conditions.catalogue import Field, Kind, Value
from engine.conditions.feed import Feeds
from engine.conditions.operators import OPERATORS, Argument
from engine.conditions.tree import (
    Condition,
    Derived,
    Group,
    Predicate,
    deep_predicates,
    predicates,
)
from engine.health.model import LiveHealth
from engine.rulefile.model import ChooseAction, OnTiming, Playbook
from engine.rulefile.mutes import mute_levels
from engine.runs.owners import Team
from engine.settings import Settings
from engine.state.book import EXISTS

MOMENTS = frozenset(name for name, each in OPERATORS.items() if each.is_moment)
TIMED = frozenset(
    name
    for name, each in OPERATORS.items()
    if each.argument
    in (
        Argument.DAYS,
        Argument.DAYS_SINCE,
        Argument.EVENT_WINDOW,
        Argument.EVENT_COUNT,
        Argument.SHIFT,
        Argument.CHANGED,
    )
)


@dataclass(frozen=True)
class LivePlaybook:
    """A playbook that decides, and since when."""

    playbook: Playbook
    live_since: datetime
    changed_at: datetime

    @cached_property
    def condition(self) -> Condition | None:
        """Audience and `when` as one condition; None where only moments start it."""
        if self.playbook.when is None:
            return None
        return _joined(self.playbook.audience, self.playbook.when, "when")

    @cached_property
    def touched_by(self) -> "Reads":
        """What could change the verdict, or the key of its run."""
        return reads(self.condition) | _key(self.playbook) if self.condition is not None else Reads()

    @cached_property
    def timed(self) -> tuple[Predicate, ...]:
        """The predicates whose answer time alone can change."""
        return timed_predicates(self.condition) if self.condition is not None else ()


@dataclass(frozen=True)
class Reads:
    """Fields and events that a condition reads."""

    fields: frozenset[tuple[Kind, str]] = frozenset()
    events: frozenset[str] = frozenset()

    def __or__(self, other: "Reads") -> "Reads":
        return Reads(self.fields | other.fields, self.events | other.events)

    def meets(self, fields: set[tuple[Kind, str]], events: set[str]) -> bool:
        """Whether any of what was touched is read."""
        return not self.fields.isdisjoint(fields) or not self.events.isdisjoint(events)


def moment_condition(playbook: Playbook, index: int) -> Condition | None:
    """Audience and `if` of the playbook's moment at `index`, as one condition."""
    moment = playbook.on[index]
    if moment.condition is None:
        return playbook.audience
    return _joined(playbook.audience, moment.condition, f"on[{index}]")


def every_condition(playbook: Playbook) -> Condition | None:
    """Audience and `if` of the playbook's calendar trigger, as one condition."""
    if playbook.every is None or playbook.every.condition is None:
        return playbook.audience
    return _joined(playbook.audience, playbook.every.condition, "every")


def _joined(audience: Condition | None, condition: Condition, path: str) -> Condition:
    return condition if audience is None else Group("all", (audience, condition), path)


def reads(condition: Condition) -> Reads:
    """Everything `condition` reads."""
    fields: set[tuple[Kind, str]] = set()
    events: set[str] = set()
    for predicate in deep_predicates(condition):
        named = (predicate.field, predicate.of, predicate.otherwise)
        fields.update((each.kind, each.name) for each in named if each is not None)
        if predicate.event is not None:
            events.add(predicate.event)
        if predicate.derived is not None:
            _add_derived(predicate.derived, fields, events)
    return Reads(frozenset(fields), frozenset(events))


def _add_derived(derived: Derived, fields: set[tuple[Kind, str]], events: set[str]) -> None:
    """What a count or sum reads besides what `where` asks: that there is one more, and the amounts."""
    if derived.event is not None:
        events.add(derived.event)
    if derived.kind is not None:
        fields.add((derived.kind, EXISTS))
    if derived.kind is not None and derived.summed is not None:
        fields.add((derived.summed.kind, derived.summed.name))


def _key(playbook: Playbook) -> Reads:
    """The field that names a run."""
    key = playbook.run_per
    return Reads() if key is None else Reads(frozenset({(key.kind, key.name)}))


def moved_by_time(live: LivePlaybook, feeds: Feeds) -> tuple[Predicate, ...]:
    """The predicates of its state whose answer time alone can change, by making values stale too."""
    if live.condition is None or not feeds.fields:
        return live.timed
    return tuple(
        each
        for each in predicates(live.condition)
        if each in live.timed or any(feeds.keeping(*place) for place in reads(each).fields)
    )


def timed_predicates(condition: Condition) -> tuple[Predicate, ...]:
    """The predicates of `condition` that ask about time."""
    return tuple(each for each in predicates(condition) if _is_timed(each))


def _is_timed(predicate: Predicate) -> bool:
    derived = predicate.derived
    if derived is None:
        return predicate.operator in TIMED
    return derived.window is not None or (derived.where is not None and bool(timed_predicates(derived.where)))


def conditions_of(playbook: Playbook) -> list[Condition]:
    """Every condition of a playbook, wherever it stands."""
    found = [each for each in (playbook.audience, playbook.when) if each is not None]
    for moment in playbook.on:
        found.append(moment.predicate)
        if moment.condition is not None:
            found.append(moment.condition)
    if playbook.every is not None and playbook.every.condition is not None:
        found.append(playbook.every.condition)
    for step in playbook.steps:
        if step.condition is not None:
            found.append(step.condition)
        if isinstance(step.action, ChooseAction):
            found += [each.condition for each in step.action.branches if each.condition is not None]
        if isinstance(step.timing, OnTiming):
            found.append(step.timing.condition)
    return found + [each.condition for each in playbook.exits]


def dates_of(playbook: Playbook) -> list[Field]:
    """The dates a playbook counts from."""
    found = [playbook.anchor] if playbook.anchor is not None else []
    if playbook.every is not None and isinstance(playbook.every.day, Field):
        found.append(playbook.every.day)
    return found


def is_moment(condition: Condition) -> bool:
    """Whether the condition is a single moment."""
    return isinstance(condition, Predicate) and condition.operator in MOMENTS


@dataclass(frozen=True)
class World:
    """One tick's playbooks, people, configuration and templates."""

    live: tuple[LivePlaybook, ...]
    pinned: Callable[[str], Playbook]
    """The playbook of a version; open runs follow the one they started with."""
    render: Callable[[str, str, Mapping[str, Any]], str]
    """(version, template path, context) to text. Raises RenderError."""
    render_line: Callable[[str, Mapping[str, Any]], str]
    """(template source, context) to one line. Raises RenderError."""
    compose: Callable[[str, str, Mapping[str, Any]], Mapping[str, str]]
    """(version, email name, context) to subject, html and text. Raises RenderError."""
    unsubscribe_url: Callable[[str, str], str]
    """(contact id, topic) to a link."""
    team: Team
    settings: Settings
    field_names: Mapping[Kind, tuple[str, ...]]
    """Every declared field by kind, so that a template can ask for one that is missing."""
    health: LiveHealth | None = None
    """How health is computed where no source gives it."""
    pauses: tuple[Pause, ...] = ()
    """When playbooks rested, or still do."""
    _calendars: dict[tuple[str, str], LocalCalendar] = field(default_factory=dict)
    _reads: dict[str, Reads] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> Mapping[str, LivePlaybook]:
        """The live playbooks by name."""
        return {each.playbook.name: each for each in self.live}

    @cached_property
    def levels(self) -> Mapping[str, int]:
        """By name, how deep each playbook stands below those that mute it."""
        return mute_levels(each.playbook for each in self.live)

    @cached_property
    def depth(self) -> int:
        """How many levels there are."""
        return 1 + max(self.levels.values(), default=0)

    def level_of(self, playbook: str) -> int:
        """The level at which a playbook is judged within one instant."""
        return self.levels.get(playbook, 0)

    @cached_property
    def live_reads(self) -> Reads:
        """Everything that can matter to a live playbook before it runs."""
        found = Reads(frozenset({(Kind.ACCOUNT, "timezone"), (Kind.ACCOUNT, "country")}))
        for each in self.live:
            found |= self.reads_of(each.playbook)
        return found

    def reads_of(self, playbook: Playbook) -> Reads:
        """Everything a version of a playbook reads, in its trigger or within its runs."""
        if playbook.version not in self._reads:
            found = _key(playbook)
            for condition in conditions_of(playbook):
                found |= reads(condition)
            dates = frozenset((each.kind, each.name) for each in dates_of(playbook))
            found |= Reads(dates)
            self._reads[playbook.version] = found
        return self._reads[playbook.version]

    def calendar(self, account: Mapping[str, Value]) -> LocalCalendar:
        """Where and when the account works; settings stand in for what it lacks."""
        name = str(account.get("timezone") or self.settings.timezone)
        country = str(account.get("country") or self.settings.country)
        if (name, country) not in self._calendars:
            self._calendars[name, country] = self.settings.calendar(name, country)
        return self._calendars[name, country]


def date_of(value: Value | None, calendar: LocalCalendar) -> date | None:
    """A date field's value, or the local date of an instant."""
    if isinstance(value, datetime):
        return calendar.day_of(value)
    return value if isinstance(value, date) else None
