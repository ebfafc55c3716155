"""What an event carries, and whether by that it counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias, cast

from engine.conditions.catalogue import LARGEST, Field, FieldType, Value
from engine.conditions.evaluate import evaluate
from engine.conditions.feed import Feed
from engine.conditions.tree import Condition
from engine.conditions.view import View

Properties: TypeAlias = Mapping[str, Any] | None
"""A JSON object, or nothing."""


def counts(where: Condition | None, properties: Properties) -> bool | None:
    """Whether an event that carries this counts; None where that is unknown."""
    return True if where is None else evaluate(where, cast(View, _Carried(properties)))


def property_value(field: Field, properties: Properties) -> Value | None:
    """The value of a property as the type by which it is asked about.

    None where there is none, and where it is of another type: a number is no text. Numbers
    are rounded to six places, and one that no field could hold is none.
    """
    found = _at(field.name, properties)
    if field.is_any:
        return None if found is None or found == "" else "any"
    if field.type is FieldType.FLAG:
        return found if isinstance(found, bool) else None
    if field.type.is_numeric:
        return _number(found)
    return found if isinstance(found, str) and found else None


def _at(name: str, given: Any) -> Any:
    """What stands under the whole name; else what the part before a dot stands for is looked into."""
    while isinstance(given, Mapping):
        if name in given:
            return given[name]
        first, _, name = name.partition(".")
        given = given.get(first) if name else None
    return None


def _number(found: Any) -> Decimal | None:
    if isinstance(found, bool) or not isinstance(found, int | float | Decimal):
        return None
    try:
        value = Decimal(str(found))
    except (InvalidOperation, ValueError):
        return None
    return round(value, 6) if value.is_finite() and abs(value) < LARGEST else None


@dataclass(frozen=True, slots=True)
class _Carried:
    """One event as a condition on its properties sees it, which compares values and asks no more."""

    properties: Properties

    def value(self, field: Field) -> Value | None:
        return property_value(field, self.properties)

    def keeping(self, field: Field) -> tuple[Feed, ...]:
        """None: what happened never goes stale."""
        return ()
