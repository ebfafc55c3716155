"""Conditions as values: predicates joined by `all`, `any` and `none`."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Literal, TypeAlias

from engine.clock.durations import Duration
from engine.conditions.catalogue import Field, FieldType, Kind, Value
from engine.identity import digest


@dataclass(frozen=True, slots=True)
class Comparison:
    """A whole-number comparison inside `days_until` and `days_since`: at_most 90, between 0 and 120."""

    operator: Literal["equals", "below", "at_most", "above", "at_least", "between"]
    low: int
    high: int | None = None
    """Only for `between`, which includes both ends."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """Thresholds that a number may cross, and which of those it crosses count."""

    thresholds: tuple[Decimal, ...]
    """At least one, in ascending order."""
    direction: Literal["up", "down"] = "up"
    takes_furthest: bool = True
    """Whether of several crossed in one jump only the furthest counts."""
    is_once: bool = True
    """Whether a threshold counts only the first time in its subject's life that it is reached."""

    def is_reached(self, threshold: Decimal, value: Decimal) -> bool:
        """Whether the value lies at the threshold or beyond it."""
        return value >= threshold if self.direction == "up" else value <= threshold

    def crossed(self, old: Decimal, new: Decimal) -> list[Decimal]:
        """The thresholds that `new` has reached and `old` had not, the furthest last."""
        found = [
            each for each in self.thresholds if self.is_reached(each, new) and not self.is_reached(each, old)
        ]
        return found if self.direction == "up" else found[::-1]


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a number has moved: by an amount, or by a percentage of where it moved from."""

    amount: Decimal
    """Above zero."""
    is_share: bool = False


@dataclass(frozen=True)
class Stream:
    """The events of a name that a condition on what they carry lets through."""

    name: str
    where: "Condition | None" = None
    """Which count, judged for each from its properties alone, so once and for all; every one when None."""
    summed: Field | None = None
    """The property that is summed."""

    @property
    def is_plain(self) -> bool:
        """Whether it is all events of the name, whatever they carry."""
        return self.where is None and self.summed is None

    @cached_property
    def _hash(self) -> int:
        return hash((self.name, self.where, self.summed))

    def __hash__(self) -> int:
        return self._hash


@lru_cache(maxsize=1024)
def _plain(name: str) -> Stream:
    """All events of a name; kept, because a fold asks for it again and again."""
    return Stream(name)


@dataclass(frozen=True)
class Derived:
    """A number that follows from what an account has: how many there are, or the sum of one of their fields.

    Its content is its identity, so that rules which ask for the same share one computation.
    """

    kind: Kind | None = None
    """What is counted or summed over; None for events."""
    where: "Condition | None" = None
    """Who counts, judged for each with its account, an event by itself; without paths. All when None."""
    summed: Field | None = None
    """The field that is summed, of events the property; None for a count."""
    event: str | None = None
    window: Duration | None = None
    """With `event`, over the last how long."""
    is_since_start: bool = False
    """With `event`, whether those after the start of the run count."""
    label: str = field(default="", compare=False)
    """In words: "number of contacts where contact status is active"."""

    @property
    def is_count(self) -> bool:
        """Whether it is a whole number that is never below zero."""
        return self.summed is None

    @property
    def type(self) -> FieldType:
        """How it is read, kept and compared."""
        return FieldType.NUMBER if self.summed is None else self.summed.type

    @property
    def unit(self) -> str:
        """What it counts."""
        if self.summed is not None:
            return self.summed.unit
        return "events" if self.kind is None else f"{self.kind}s"

    @cached_property
    def stream(self) -> Stream | None:
        """The events that are counted or summed over."""
        return None if self.event is None else Stream(self.event, self.where, self.summed)

    @cached_property
    def path(self) -> str:
        """A name that no other content has."""
        return f"derived.{digest(repr(replace(self, label='')))}"

    @cached_property
    def _hash(self) -> int:
        return hash((self.kind, self.where, self.summed, self.event, self.window, self.is_since_start))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Predicate:
    """One question with the operator that answers it.

    `operator` names a row of the operator table. Which other parts are set depends on that row:
    a field operator has `field` (or `derived` in its place) and `value`, an event operator `event` and
    `window`, a step operator `step` and `value`.
    """

    operator: str
    path: str
    """The place in the rule file: `when.all[0]`."""
    field: Field | None = None
    value: Value | tuple[Value, ...] | Comparison | Crossing | Shift | None = None
    of: Field | None = None
    """With `of`, `value` is a percentage of this other field."""
    otherwise: Field | None = None
    """The field that counts when the first has no value."""
    recovers_at: Value | None = None
    was: Value | None = None
    """The value that a change must start from."""
    event: str | None = None
    window: Duration | None = None
    step: str | None = None
    derived: Derived | None = None
    """The number that is compared, where it is counted or summed."""
    where: "Condition | None" = None
    """With `event`, which of them count, judged for each by itself; without paths. All when None."""
    where_words: str = dataclasses.field(default="", compare=False)
    """The same for people."""

    @property
    def stream(self) -> Stream | None:
        """The events that are asked about, or counted or summed over."""
        if self.derived is not None:
            return self.derived.stream
        if self.event is None:
            return None
        return _plain(self.event) if self.where is None else Stream(self.event, self.where)


@dataclass(frozen=True, slots=True)
class Group:
    """Members joined by Kleene logic. `none` is true when every member is false."""

    kind: Literal["all", "any", "none"]
    members: tuple["Condition", ...]
    path: str
    name: str = ""
    """Of the shared condition that was used here."""


Condition: TypeAlias = Predicate | Group


def predicates(condition: Condition) -> Iterator[Predicate]:
    """Every predicate of the tree, in the order of the file."""
    if isinstance(condition, Predicate):
        yield condition
    else:
        for member in condition.members:
            yield from predicates(member)


def deep_predicates(condition: Condition) -> Iterator[Predicate]:
    """Every predicate of the tree and, after each that counts or sums, those that say who counts.

    Those that say which events count are left out: what an event carries is no field of anybody.
    """
    for predicate in predicates(condition):
        yield predicate
        derived = predicate.derived
        if derived is not None and derived.kind is not None and derived.where is not None:
            yield from deep_predicates(derived.where)


def placeless(condition: Condition) -> Condition:
    """The condition without the places in the file, so that equal ones are equal wherever they stand."""
    if isinstance(condition, Predicate):
        return replace(condition, path="")
    return Group(condition.kind, tuple(placeless(each) for each in condition.members), "")
