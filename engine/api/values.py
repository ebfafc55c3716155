"""JSON values read by the type the catalogue declares, and the names and times around them."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from engine.clock.zones import parse_instant, zone
from engine.conditions.catalogue import Field, FieldType, Value, decode_number
from engine.rulefile.problem import nearest

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Nothing before this is believed to have happened."""
AHEAD = timedelta(days=1)
"""How far a sender's clock may run ahead."""
LONGEST_TEXT = 4000
"""Characters of one text value."""
LONGEST_NAME = 200
"""Characters of an id or a name of an event or metric."""

_DECIMAL = re.compile(r"-?\d{1,32}(\.\d{1,32})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})", re.ASCII)


class ValueRefused(ValueError):
    """A value that does not fit; what is wrong with it, and the mend."""

    def __init__(self, detail: str, mend: str) -> None:
        super().__init__(f"{detail}; {mend}")
        self.detail = detail
        self.mend = mend


def read_value(field: Field, given: Any) -> Value | None:
    """The value in the field's type; null and empty text are missing values. Raises ValueRefused."""
    if given is None or given == "":
        return None
    return _READERS[field.type](field, given)


def read_name(given: Any, what: str) -> str:
    """An id, or the name of an event or metric: 1 to 200 visible characters. Raises ValueRefused."""
    if not isinstance(given, str):
        raise ValueRefused(f"{what} is {_described(given)}", "send it as text")
    if not given or len(given) > LONGEST_NAME:
        raise ValueRefused(f"{what} has {len(given):,} characters", f"send 1 to {LONGEST_NAME}")
    if given != given.strip() or not given.isprintable():
        raise ValueRefused(f"{what} has blanks around it or control characters", "leave them out")
    return given


def read_time(given: Any, now: datetime) -> datetime:
    """When something happened: an instant between 1990 and tomorrow. Raises ValueRefused."""
    found = read_instant(given)
    if found < EARLIEST:
        raise ValueRefused(f"{given} lies before {EARLIEST.year}", "send when it really happened")
    if found > now + AHEAD:
        raise ValueRefused(f"{given} lies in the future", "send when it really happened, with its offset")
    return found


@lru_cache(maxsize=4096)
def unknown_name(given: str, known: tuple[str, ...], what: str) -> ValueRefused:
    """The refusal of a name that is not among the known ones, with the nearest."""
    near = nearest(given, known)
    mend = f'did you mean "{near}"?' if near else "leave it out, or declare it under fields: in config.yaml"
    return ValueRefused(f'unknown {what} "{given[:80]}"', mend)


def _number(field: Field, given: Any) -> Decimal:
    is_text = isinstance(given, str) and _DECIMAL.fullmatch(given)
    if not is_text and not isinstance(given, Decimal):
        raise _wrong_type(field, given, "send a number")
    try:
        return decode_number(str(given))
    except (ValueError, ArithmeticError) as error:
        raise ValueRefused(f"{given} is too large", "numbers stay below 1,000,000,000,000") from error


def _flag(field: Field, given: Any) -> bool:
    if not isinstance(given, bool):
        raise _wrong_type(field, given, "send true or false")
    return given


def _text(field: Field, given: Any) -> str:
    if not isinstance(given, str):
        raise _wrong_type(field, given, "send text in quotes")
    longest = LONGEST_NAME if field.unit == "person" else LONGEST_TEXT
    if len(given) > longest:
        raise ValueRefused(f"the text has {len(given):,} characters", f"send at most {longest:,}")
    if field.name == "timezone":
        _check_zone(given)
    return given


def _choice(field: Field, given: Any) -> str:
    if not isinstance(given, str):
        raise _wrong_type(field, given, "send one of " + ", ".join(field.choices))
    if given not in field.choices:
        near = nearest(given, field.choices)
        hint = f' (did you mean "{near}"?)' if near else ""
        mend = f"send one of {', '.join(field.choices)}{hint}"
        raise ValueRefused(f'"{given[:80]}" is not a {field.name}', mend)
    return given


def _date(field: Field, given: Any) -> date:
    if not isinstance(given, str):
        raise _wrong_type(field, given, "send a date such as 2026-01-31")
    if not _DATE.fullmatch(given):
        raise ValueRefused(f'"{given[:80]}" is not a date', "write it as 2026-01-31")
    try:
        found = date.fromisoformat(given)
    except ValueError as error:
        raise ValueRefused(f"{given} is not in the calendar", "write a real date as 2026-01-31") from error
    if not 1900 <= found.year <= 2200:
        raise ValueRefused(f"{given} is not believable", "send a year from 1900 to 2200")
    return found


def _instant_value(field: Field, given: Any) -> datetime:
    if not isinstance(given, str):
        raise _wrong_type(field, given, "send an instant such as 2026-01-31T09:00:00Z")
    found = read_instant(given)
    if not 1900 <= found.year <= 2200:
        raise ValueRefused(f"{given} is not believable", "send a year from 1900 to 2200")
    return found


def read_instant(given: Any) -> datetime:
    form = "write it as 2026-01-31T09:00:00Z"
    if not isinstance(given, str):
        raise ValueRefused(f"{_described(given)} is not an instant", form)
    if not _INSTANT.fullmatch(given):
        raise ValueRefused(f'"{given[:80]}" is not an instant with an offset', form)
    try:
        return parse_instant(given)
    except (ValueError, OverflowError) as error:
        raise ValueRefused(f"{given} is not in the calendar", form) from error


def _check_zone(name: str) -> None:
    try:
        zone(name)
    except ValueError as error:
        mend = "use an IANA name such as Europe/Berlin"
        raise ValueRefused(f'"{name[:80]}" is not a time zone', mend) from error


def _wrong_type(field: Field, given: Any, mend: str) -> ValueRefused:
    return ValueRefused(f"{field.path} is {_TYPE_WORDS[field.type]}, and this is {_described(given)}", mend)


def _described(given: Any) -> str:
    """What kind of JSON value this is, in words."""
    for kind, words in _JSON_KINDS:
        if isinstance(given, kind):
            return words
    return "null"


_JSON_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (Decimal, "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "an object"),
)
_TYPE_WORDS = {
    FieldType.NUMBER: "a number",
    FieldType.MONEY: "an amount of money",
    FieldType.PERCENT: "a percentage",
    FieldType.TEXT: "text",
    FieldType.FLAG: "true or false",
    FieldType.DATE: "a date",
    FieldType.INSTANT: "an instant",
    FieldType.ENUM: "one of a few words",
}
_READERS: dict[FieldType, Callable[[Field, Any], Value]] = {
    FieldType.NUMBER: _number,
    FieldType.MONEY: _number,
    FieldType.PERCENT: _number,
    FieldType.TEXT: _text,
    FieldType.FLAG: _flag,
    FieldType.DATE: _date,
    FieldType.INSTANT: _instant_value,
    FieldType.ENUM: _choice,
}
