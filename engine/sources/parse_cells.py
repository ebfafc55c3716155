"""Single values of a mapping: columns, files, signs, words and constants."""

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.clock.zones import zone
from engine.conditions.catalogue import Catalogue, Field, FieldType, Kind, Value
from engine.rulefile.notes import RefusedError
from engine.rulefile.parse_values import scalar, text, typed
from engine.rulefile.problem import alternatives, quote
from engine.rulefile.source import Mapping as MappingNode
from engine.rulefile.source import Node, Scalar, Sequence
from engine.sources.mapping import Column
from engine.state.accept import Refused, accepted_values


def column(node: Node) -> Column:
    """A column's name, with its place."""
    found = scalar(node)
    return Column(found.text, found.line, found.column)


def file_name(node: Node) -> str:
    """A file inside the folder that is imported."""
    found = text(node)
    if Path(found).is_absolute() or ".." in Path(found).parts:
        raise RefusedError(node, f"{quote(found)} must lie in the folder that is imported")
    return found


def delimiter(node: Node) -> str:
    """One of the signs that part cells."""
    found = {"tab": "\t"}.get(scalar(node).text, scalar(node).text)
    if found not in (",", ";", "\t", "|"):
        raise RefusedError(node, f"{quote(found)} is not one of {alternatives([',', ';', 'tab', '|'])}")
    return found


def time_zone(node: Node) -> ZoneInfo:
    """A time zone by its IANA name."""
    try:
        return zone(text(node))
    except ValueError as error:
        raise RefusedError(node, str(error)) from error


def texts(node: Node) -> list[str]:
    """One text or a list of them."""
    if isinstance(node, Sequence):
        return [scalar(each).text for each in node.items]
    return [scalar(node).text]


def words(node: Node) -> frozenset[str]:
    """One word or a list of them, in small letters."""
    return frozenset(each.lower() for each in texts(node))


def values(node: Node) -> dict[str, str]:
    """From what cells hold to what is meant; an empty text in quotes stands for a missing value."""
    if not isinstance(node, MappingNode):
        raise RefusedError(node, "takes a mapping from what cells hold to what is meant")
    return {key.text: _meant(value) for key, value in node.entries.values()}


def _meant(node: Node) -> str:
    return "" if isinstance(node, Scalar) and not node.is_plain and not node.text else scalar(node).text


def constant(catalogue: Catalogue, kind: FieldType, field: Field | None) -> Callable[[Node], Value | None]:
    """A reader of a fixed value of that type, checked as if it came from a cell."""
    read = typed(field or Field(Kind.ACCOUNT, "property", kind))

    def read_constant(node: Node) -> Value | None:
        value = read(node)
        if field is None:
            return value
        try:
            accepted = accepted_values(catalogue, field.kind, {field.name: field}, {field.name: value})
            return accepted[field.name]
        except Refused as error:
            raise RefusedError(node, str(error)) from error

    return read_constant
