"""What a playbook may bring into the state itself: events that happen, and fields that get other values."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from engine.conditions.catalogue import Field, Value


@dataclass(frozen=True, slots=True)
class Line:
    """A template of one line that stands in the rule file itself."""

    source: str


class Clock(Enum):
    """The time at which a step acts, as a value."""

    NOW = "now"
    """The instant."""
    TODAY = "today"
    """The account's local date."""


@dataclass(frozen=True, slots=True)
class RecordAction:
    """Lets an event of the subject happen, which playbooks can wait for."""

    event: str
    properties: tuple[tuple[str, Line | int | float | bool], ...] = ()


Given: TypeAlias = Value | Field | Line | Clock | None
"""What a field is set to: a value, another field's, a rendered line, the time, or nothing."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One field and what it is set to."""

    field: Field
    given: Given


@dataclass(frozen=True, slots=True)
class UpdateAction:
    """Gives fields of the subject or its account other values."""

    settings: tuple[Setting, ...]


def lines_of(action: RecordAction | UpdateAction) -> Iterator[tuple[str, str]]:
    """Every template of one line in it, with the path of what it is for."""
    if isinstance(action, RecordAction):
        for name, given in action.properties:
            if isinstance(given, Line):
                yield f"record.properties.{name}", given.source
    else:
        for each in action.settings:
            if isinstance(each.given, Line):
                yield f"update.{each.field.path}", each.given.source
