"""What the events of a test carry."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import Any

from engine.rulefile.notes import RefusedError
from engine.rulefile.parse_values import flag, is_flag, is_number, number, text
from engine.rulefile.source import Mapping, Node, Scalar, Sequence
from engine.state.accept import Refused, accepted_properties


@dataclass(frozen=True, slots=True)
class Named:
    """An event that happens in a test."""

    name: str
    subject: str | None = None
    carried: Dictionary[str, Any] | None = None


def read_properties(node: Node) -> Dictionary[str, Any]:
    """`{plan: trial, seats: 3, is_paid: false}`, with lists and mappings within. Raises RefusedError."""
    if not isinstance(node, Mapping):
        raise RefusedError(node, "takes a mapping from names to what the event carries")
    try:
        return accepted_properties(_json(node)) or {}
    except Refused as error:
        raise RefusedError(node, str(error)) from error


def _json(node: Node) -> Any:
    """The node as JSON has it: numbers, flags and nulls where they stand without quotes."""
    if isinstance(node, Mapping):
        return {name: _json(value) for name, (_, value) in node.entries.items()}
    if isinstance(node, Sequence):
        return [_json(each) for each in node.items]
    return _scalar(node)


def _scalar(node: Scalar) -> Any:
    found = node.text.strip()
    if node.is_null:
        return None
    if node.is_plain and is_flag(found):
        return flag(node)
    if node.is_plain and is_number(found):
        value = number(node)
        return int(value) if value == value.to_integral_value() else float(value)
    return text(node) if found else ""
