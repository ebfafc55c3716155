"""Schemas of single values, as the readers of `parse_values` take them."""

from collections.abc import Iterable
from typing import Any, TypeAlias

from engine.clock.periods import Period
from engine.conditions.catalogue import LARGEST, FieldType
from engine.rulefile.parse_every import SPREAD_UNITS, longest_spread
from engine.rulefile.parse_steps import MOST_DAYS
from engine.rulefile.parse_values import LARGEST_PERCENTAGE, LONGEST_SPAN, LONGEST_TEXT

Schema: TypeAlias = dict[str, Any]

PLAIN = ["string", "number", "boolean"]
"""A value without quotes may look like a number or a flag and is text all the same."""

_NAME = "[a-z0-9][a-z0-9_-]{0,63}"
_MOST_DIGITS = 5
"""Of the amount of a duration."""


def text() -> Schema:
    """Any text of one line."""
    line = r"^[^\S\r]*\S([^\r\n]*\S)?[^\S\r]*$"
    return {"type": PLAIN, "pattern": line, "maxLength": LONGEST_TEXT}


def pattern() -> Schema:
    """Text of one line with a `*` in it, and something else."""
    return {**text(), "type": "string", "allOf": [{"pattern": r"\*"}, {"pattern": r"[^*\s]"}]}


def property_path() -> Schema:
    """`event.plan`: what an event carries, whatever its name."""
    return {
        "type": "string",
        "pattern": r"^[^\S\r]*event\.(?!properties\.)\S([^\r\n]*\S)?[^\S\r]*$",
        "maxLength": LONGEST_TEXT,
    }


def slug() -> Schema:
    """A name in small letters, digits, `-` and `_`."""
    return {"type": ["string", "integer", "boolean"], "pattern": f"^{_NAME}$", "minimum": 0}


def one_of(names: Iterable[str]) -> Schema:
    """One of these texts, also where without quotes it reads as a number or a flag."""
    known = list(names)
    return {"enum": known + [each for each in map(_unquoted, known) if each is not None]}


def _unquoted(name: str) -> object:
    if name in ("true", "false"):
        return name == "true"
    return int(name) if name.isdecimal() and name.isascii() else None


def whole(low: int, high: int) -> Schema:
    """A whole number from `low` to `high`."""
    return {"type": "integer", "minimum": low, "maximum": high}


def number() -> Schema:
    """A number that is kept exactly."""
    return {"type": "number", "exclusiveMinimum": -int(LARGEST), "exclusiveMaximum": int(LARGEST)}


def percentage() -> Schema:
    """`80%`."""
    most = int(LARGEST_PERCENTAGE)
    decimals = r"\.[0-9]{0,6}0*"
    below = rf"0*({up_to(most - 1)})({decimals})?"
    return {"type": "string", "pattern": rf"^\+?({below}|{most}(\.0*)?|\.[0-9]{{1,6}}0*)\s*%$"}


def part() -> Schema:
    """`5%`: above zero and at most 100."""
    above = r"^\+?0*([1-9][0-9]{3,}|[2-9][0-9]{2}|1[1-9][0-9]|10[1-9]|100\.0*[1-9])"
    return {**percentage(), "allOf": [{"pattern": "[1-9]"}, {"not": {"pattern": above}}]}


def shift(*, is_share: bool) -> Schema:
    """`15`, or where a percentage can be taken `20%`; above zero."""
    amount = {**number(), "exclusiveMinimum": 0}
    share = {**percentage(), "allOf": [{"pattern": "[1-9]"}]}
    return {"anyOf": [amount, share]} if is_share else amount


def duration(*, zero: bool = True, business: bool = True) -> Schema:
    """A number and a unit, at most as long as the parser takes."""
    return {"type": "string", "pattern": f"^({_duration(zero=zero, business=business)})$"}


def spread(period: Period | None) -> Schema:
    """`10bd`: at most as many days as the shortest such period has, or any at all."""
    units = {unit: longest_spread(period or Period.YEAR, unit) for unit in SPREAD_UNITS}
    written = "|".join(f"(?!0+[a-z])({_padded(most)}){unit}" for unit, most in units.items())
    return {"type": "string", "pattern": f"^({written})$"}


def day() -> Schema:
    """`3` or `3bd`: so many days after the start."""
    written = "|".join(f"({_padded(MOST_DAYS)}){unit}" for unit in ("d", "bd"))
    return {"anyOf": [whole(0, MOST_DAYS), {"type": "string", "pattern": f"^({written})$"}]}


def at() -> Schema:
    """`T-90`."""
    return {"type": "string", "pattern": rf"^T[+-]({_padded(MOST_DAYS, 4)})$"}


def after() -> Schema:
    """`call + 2bd`."""
    return {"type": "string", "pattern": rf"^{_NAME}\s*\+\s*({_duration(zero=True, business=True)})$"}


def typed(kind: FieldType, choices: Iterable[str]) -> Schema:
    """A value of a field of this type."""
    if kind is FieldType.ENUM:
        return one_of(choices)
    if kind is FieldType.PERCENT:
        return {"anyOf": [number(), percentage()]}
    if kind.is_numeric:
        return number()
    if kind is FieldType.FLAG:
        return {"type": "boolean"}
    return _TEMPORAL[kind] if kind.is_temporal else text()


_DAY = r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]+)?)?"
_OFFSET = r"(Z|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])"
_TEMPORAL: dict[FieldType, Schema] = {
    FieldType.DATE: {"type": "string", "format": "date", "pattern": f"^{_DAY}$"},
    FieldType.INSTANT: {"type": "string", "pattern": f"^{_DAY}[T ]{_CLOCK}{_OFFSET}$"},
}


def _duration(*, zero: bool, business: bool) -> str:
    days = LONGEST_SPAN.days
    most = {"min": days * 1440, "h": days * 24, "d": days, "w": days // 7, "bd": days}
    above = "" if zero else "(?!0+[a-z])"
    units = [unit for unit in most if business or unit != "bd"]
    return "|".join(f"{above}({_padded(most[unit])}){unit}" for unit in units)


def _padded(most: int, digits: int = _MOST_DIGITS) -> str:
    """A pattern of the whole numbers up to `most` in at most so many digits, leading zeros among them."""
    if most >= 10**digits - 1:
        return f"[0-9]{{1,{digits}}}"
    room = digits - len(str(most))
    zeros = f"0{{0,{room}}}" if room else ""
    return f"{zeros}({up_to(most)})"


def up_to(most: int) -> str:
    """A pattern of the whole numbers from 0 to `most` in at most as many digits as `most` has."""
    digits = str(most)
    found = [f"[0-9]{{1,{len(digits) - 1}}}"] if len(digits) > 1 else []
    for index, digit in enumerate(digits):
        if digit != "0":
            rest = len(digits) - index - 1
            tail = f"[0-9]{{{rest}}}" if rest else ""
            found.append(f"{digits[:index]}[0-{int(digit) - 1}]{tail}")
    return "|".join([*found, digits])
