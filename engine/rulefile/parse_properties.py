"""What an event carries, as rules name it: `event.plan`. No list says what there is, so any name will do.

A rule says by how it asks whether the property is text, a number or a flag.
"""

from collections.abc import Iterable
from dataclasses import replace

from engine.conditions.catalogue import Field, FieldType, Kind
from engine.conditions.operators import Argument, Operator
from engine.rulefile.notes import RefusedError
from engine.rulefile.parse_values import article, is_flag, is_number, text
from engine.rulefile.problem import quote
from engine.rulefile.source import Node, Scalar, Sequence

PREFIX = f"{Kind.EVENT}."
NEEDLESS = "properties."
"""How properties are called where an event is told, and no rule need say."""

_VALUES = frozenset([Argument.VALUE, Argument.VALUES, Argument.RANGE])
TAKEN = frozenset([*_VALUES, Argument.PRESENCE, Argument.TEXT_PART, Argument.PATTERN])
"""What may be asked about a property: what compares it as it is."""


def is_property(node: Node) -> bool:
    """Whether the path names what an event carries."""
    return isinstance(node, Scalar) and node.text.strip().startswith(PREFIX)


def property_of(node: Node, kind: FieldType = FieldType.TEXT) -> Field:
    """The property a path names. Raises RefusedError."""
    path = text(node)
    name = path.removeprefix(PREFIX)
    if not is_property(node):
        bare = path.removeprefix(NEEDLESS)
        if path.partition(".")[0] in list(Kind):
            mend = 'ask about it beside the event, and join the two with "all:"'
            message = f'"where" of an event asks only about what the event carries, not about {path}; {mend}'
        else:
            message = f"{quote(path)} names nothing that an event carries; write {quote(PREFIX + bare)}"
        raise RefusedError(node, message, stands_alone=True)
    bare = name.removeprefix(NEEDLESS).strip()
    if name != bare or not bare:
        mend = f"; write {quote(PREFIX + bare)}" if bare else ", such as event.plan"
        raise RefusedError(node, f"{quote(path)} names no property{mend}", stands_alone=True)
    return Field(Kind.EVENT, name, kind)


def asked_property(found: Field, row: Operator, node: Node) -> Field:
    """The property as what the operator compares. Raises RefusedError for values of several types."""
    if row.argument is Argument.PRESENCE:
        return replace(found, is_any=True)
    if row.argument not in _VALUES:
        return found
    if FieldType.TEXT not in row.types or row.argument is Argument.RANGE:
        return replace(found, type=FieldType.NUMBER)
    return replace(found, type=_type_of(node.items if isinstance(node, Sequence) else [node]))


def _type_of(given: Iterable[Node]) -> FieldType:
    """What the values are. Raises RefusedError where they are not all of one type."""
    found = FieldType.TEXT
    for index, each in enumerate(given):
        kind = _written(each)
        if index and kind is not found:
            message = f"is {article(kind)} beside {article(found)}; a property is compared with values of one"
            raise RefusedError(each, f"{message} type, and quotes make text of any")
        found = kind
    return found


def _written(node: Node) -> FieldType:
    """What a value is by the way it is written: a number or a flag without quotes, else text."""
    if not isinstance(node, Scalar) or not node.is_plain:
        return FieldType.TEXT
    found = node.text.strip()
    return FieldType.NUMBER if is_number(found) else FieldType.FLAG if is_flag(found) else FieldType.TEXT
