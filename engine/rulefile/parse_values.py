"""Single values of a rule file. Each reader returns the value or raises RefusedError with the mend."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from engine.clock.durations import Duration, parse_duration
from engine.conditions.catalogue import Field, FieldType, Kind, Value, decode, decode_number
from engine.rulefile.notes import RefusedError
from engine.rulefile.problem import alternatives, nearest, quote
from engine.rulefile.source import Mapping, Node, Scalar, Sequence

Result = TypeVar("Result")

LONGEST_TEXT = 500
LONGEST_SPAN = timedelta(days=3660)
"""Ten years. Longer spans are slips, and would run past the end of the calendar."""
LARGEST_PERCENTAGE = Decimal(10_000)

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[-+]?\d{1,9}", re.ASCII)
_TRUE = frozenset(["true", "True", "TRUE"])
_FALSE = frozenset(["false", "False", "FALSE"])


@dataclass(frozen=True, slots=True)
class Written:
    """Text with the place where it was written."""

    text: str
    node: Scalar


def scalar(node: Node) -> Scalar:
    """The node as a single value that is neither null nor empty."""
    if isinstance(node, Mapping):
        raise RefusedError(node, "takes a single value, not a mapping")
    if isinstance(node, Sequence):
        raise RefusedError(node, "takes a single value, not a list")
    if node.is_null:
        raise RefusedError(
            node, 'has no value; write one (in quotes if it begins with "#") or remove the key'
        )
    if not node.text.strip():
        raise RefusedError(node, "is empty; write a value or remove the key")
    return node


def text(node: Node) -> str:
    """Any text of one line."""
    found = scalar(node).text
    if len(found) > LONGEST_TEXT:
        raise RefusedError(node, f"is {len(found):,} characters long; {LONGEST_TEXT} may be used")
    if "\n" in found.strip() or "\r" in found:
        raise RefusedError(node, "must be a single line")
    return found.strip()


def written(node: Node) -> Written:
    """Text of one line, with its place."""
    return Written(text(node), scalar(node))


def slug(node: Node) -> str:
    """A name in small letters, digits, `-` and `_`, as playbooks, steps, outcomes and templates have."""
    found = text(node)
    if not _SLUG.fullmatch(found):
        mend = re.sub(r"[^a-z0-9_]+", "-", found.lower()).strip("-_")[:64]
        like = f"; write it as {quote(mend)}" if mend else ""
        raise RefusedError(node, f"{quote(found)} may hold only small letters, digits, - and _{like}")
    return found


def choice(names: Iterable[str]) -> Callable[[Node], str]:
    """A reader of one of `names`."""
    known = list(names)

    def read(node: Node) -> str:
        found = text(node)
        if found not in known:
            near = nearest(found, known)
            hint = f" (did you mean {quote(near)}?)" if near else ""
            wanted = f"one of {alternatives(known)}" if len(known) > 1 else known[0]
            raise RefusedError(node, f"{quote(found)} is not {wanted}{hint}")
        return found

    return read


def _plain(node: Node, wanted: str) -> str:
    found = scalar(node)
    if not found.is_plain:
        raise RefusedError(node, f"{quote(found.text)} is text, not {wanted}; remove the quotes")
    return found.text


def whole(low: int, high: int) -> Callable[[Node], int]:
    """A reader of a whole number from `low` to `high`."""

    def read(node: Node) -> int:
        found = _plain(node, "a whole number")
        if not _WHOLE.fullmatch(found) or not low <= int(found) <= high:
            raise RefusedError(node, f"{quote(found)} is not a whole number from {low:,} to {high:,}")
        return int(found)

    return read


def is_number(found: str) -> bool:
    """Whether text without quotes reads as a number."""
    return _NUMBER.fullmatch(found) is not None


def is_flag(found: str) -> bool:
    """Whether text without quotes reads as true or false."""
    return found in _TRUE | _FALSE


def number(node: Node) -> Decimal:
    """A decimal of at most six places."""
    found = _plain(node, "a number")
    if found.endswith("%"):
        raise RefusedError(
            node, f'{found} is a percentage of nothing; add "of: FIELD", or write a plain number'
        )
    return _decimal(node, found)


def _decimal(node: Node, found: str) -> Decimal:
    if not _NUMBER.fullmatch(found):
        raise RefusedError(node, f"{quote(found)} is not a number")
    try:
        value = decode_number(found)
    except ValueError as error:
        raise RefusedError(node, f"{quote(found)} is too large a number") from error
    if value != Decimal(found):
        raise RefusedError(node, f"{quote(found)} has more than six decimal places")
    return value


def percentage(node: Node) -> Decimal:
    """`80%` as 80."""
    found = scalar(node).text.strip()
    if not found.endswith("%"):
        raise RefusedError(node, f'{quote(found)} must be a percentage such as 80%, because "of" is given')
    value = _decimal(node, found[:-1].rstrip())
    if not 0 <= value <= LARGEST_PERCENTAGE:
        raise RefusedError(node, f"{quote(found)} is not between 0% and {LARGEST_PERCENTAGE}%")
    return value


def share(node: Node) -> Decimal:
    """A part of a whole: `5%` as 5, above zero and at most 100."""
    found = scalar(node).text.strip()
    if not found.endswith("%"):
        raise RefusedError(node, f"{quote(found)} is no percentage; write it as 5%")
    value = _decimal(node, found[:-1].rstrip())
    if not 0 < value <= 100:
        raise RefusedError(node, f"{quote(found)} is not above 0% and at most 100%")
    return value


def flag(node: Node) -> bool:
    """`true` or `false`."""
    found = _plain(node, "true or false")
    if found in _TRUE:
        return True
    if found in _FALSE:
        return False
    raise RefusedError(node, f"{quote(found)} is neither true nor false")


def duration(node: Node) -> Duration:
    """A number and a unit, at most ten years."""
    found = text(node)
    if re.fullmatch(r"\d+", found):
        raise RefusedError(
            node, f"{found} has no unit; write {found}d" if len(found) < 6 else f"{quote(found)} has no unit"
        )
    try:
        span = parse_duration(found if found.isascii() else "")
    except ValueError as error:
        forms = "15min, 4h, 30d, 2w or 2bd"
        raise RefusedError(
            node, f"{quote(found)} is not a duration; write a number and a unit: {forms}"
        ) from error
    length = timedelta(days=span.amount) if span.is_business else span.elapsed
    if length > LONGEST_SPAN:
        raise RefusedError(node, f"{found} is longer than ten years")
    return span


def elapsed_duration(node: Node) -> Duration:
    """A duration of fixed length: no business days."""
    span = duration(node)
    if span.is_business:
        raise RefusedError(
            node, f"{span} counts business days, which have no fixed length; write {span.amount}d or hours"
        )
    return span


def elapsed(node: Node) -> timedelta:
    """A duration of fixed length as elapsed time, zero included."""
    return elapsed_duration(node).elapsed


def longer_than_zero(node: Node) -> Duration:
    """A duration of fixed length above zero."""
    span = elapsed_duration(node)
    if not span.amount:
        raise RefusedError(node, f"{span} is no time at all; write a longer one")
    return span


def pair(node: Node) -> tuple[Node, Node]:
    """The two ends of a range."""
    if not isinstance(node, Sequence) or len(node.items) != 2:
        raise RefusedError(node, "takes a list of two values, the lowest and the highest, such as [10, 20]")
    return node.items[0], node.items[1]


def in_ascending_order(node: Node, low: Any, high: Any) -> None:
    """Raises RefusedError when the ends of a range are the wrong way round."""
    if low > high:
        raise RefusedError(node, "the first of the two values must not be above the second")


def typed(field: Field) -> Callable[[Node], Value]:
    """A reader of a value of the field's type."""

    def read(node: Node) -> Value:
        if field.type is FieldType.ENUM:
            return choice(field.choices)(node)
        try:
            return _typed(field, node)
        except RefusedError as refused:
            raise RefusedError(refused.node, f"{refused.message} ({_described(field)})") from refused

    return read


def _typed(field: Field, node: Node) -> Value:
    if field.type is FieldType.PERCENT:
        return percentage(node) if scalar(node).text.strip().endswith("%") else number(node)
    if field.type.is_numeric:
        return number(node)
    if field.type is FieldType.FLAG:
        return flag(node)
    if field.type.is_temporal:
        return _temporal(field, node)
    return text(node)


def _temporal(field: Field, node: Node) -> Value:
    found = text(node)
    try:
        value = decode(field.type, found)
    except (ValueError, OverflowError) as error:
        form = "2026-01-31" if field.type is FieldType.DATE else "2026-01-31T09:00:00Z"
        raise RefusedError(
            node, f"{quote(found)} is not {article(field.type)}; write it as {form}"
        ) from error
    assert value is not None
    return value


def article(kind: FieldType) -> str:
    """`a number`, `an enum`."""
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _described(field: Field) -> str:
    if field.kind is Kind.EVENT:
        return f"{field.path} is asked about as {article(field.type)}"
    unit = f" in {field.unit.replace('_', ' ')}" if field.unit else ""
    return f"{field.path} is {article(field.type)}{unit}"
