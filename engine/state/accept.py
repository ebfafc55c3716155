"""What ingest accepts as a value, an id and an instant; anything else is refused with its reason."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from engine.clock.zones import zone
from engine.conditions.catalogue import LARGEST, Catalogue, Field, FieldType, Kind, UnknownField, Value

LONGEST_ID = 200
"""Characters. Ids are part of database indexes, which hold short texts only."""
LONGEST_TEXT = 10_000
"""Characters of one text value."""
DEEPEST = 32
"""Levels of lists and objects in what an event carries."""
_TOO_DEEP = f"the properties lie deeper within one another than {DEEPEST} levels"
EARLIEST, LATEST = 1900, 2999
"""Years. Dates outside are taken for mistakes, and would overflow when days are added to them."""

METRIC_FIELDS = {"value": Field(Kind.METRIC, "value", FieldType.NUMBER)}
"""A metric holds one number under whatever name it has."""


class Refused(ValueError):
    """An input that cannot be taken in; the message is the reason a person reads."""


def accepted_properties(properties: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What an event carries, as a JSON object. Raises Refused for what JSON cannot hold."""
    if properties is None:
        return None
    try:
        text = json.dumps(dict(properties), allow_nan=False)
    except TypeError as error:
        raise Refused(f"the properties are not JSON: {error}") from error
    except ValueError as error:
        raise Refused("the properties are not JSON: they hold a number that is not finite") from error
    except RecursionError as error:
        raise Refused(_TOO_DEEP) from error
    if _is_deeper(properties, DEEPEST):
        raise Refused(_TOO_DEEP)
    if len(text) > LONGEST_TEXT:
        raise Refused(f"the properties have {len(text)} characters; at most {LONGEST_TEXT} are allowed")
    return dict(properties)


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects lie deeper within one another than so many levels."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return levels < 0 or any(_is_deeper(each, levels - 1) for each in inner)


def fields_of(catalogue: Catalogue, kind: Kind) -> Mapping[str, Field]:
    """The fields an entry of that kind may give, by bare name."""
    return METRIC_FIELDS if kind is Kind.METRIC else catalogue.of_kind(kind)


def accepted_id(name: str, what: str = "id") -> str:
    """The id as it is. Raises Refused for one that is empty, too long or holds control characters."""
    if not isinstance(name, str) or not name.strip():
        raise Refused(f"the {what} is missing")
    if len(name) > LONGEST_ID:
        raise Refused(f"the {what} has {len(name)} characters; at most {LONGEST_ID} are allowed")
    if not name.isprintable():
        raise Refused(f"the {what} {name!r} contains a control character")
    return name


def accepted_instant(value: datetime, what: str) -> datetime:
    """The instant in UTC. Raises Refused for a naive or an absurd one."""
    if value.tzinfo is None:
        raise Refused(f"{what} has no time zone")
    if not EARLIEST <= value.year <= LATEST:
        raise Refused(f"{what} lies in the year {value.year}; years from {EARLIEST} to {LATEST} are accepted")
    return value.astimezone(UTC)


def accepted_values(
    catalogue: Catalogue, kind: Kind, fields: Mapping[str, Field], values: Mapping[str, Value | None]
) -> dict[str, Value | None]:
    """The values as they will be stored. Raises Refused naming the field that cannot be."""
    accepted: dict[str, Value | None] = {}
    for name, value in values.items():
        field = fields.get(name)
        if field is None:
            raise Refused(_unknown(catalogue, kind, name))
        if field.is_derived:
            raise Refused(f"{field.path} cannot be given: Tminus keeps it itself")
        try:
            accepted[name] = accepted_value(field, value)
        except Refused as error:
            raise Refused(f"{field.path}: {error}") from error
    return accepted


def accepted_value(field: Field, value: Value | None) -> Value | None:
    """A field's value as it will be stored. Raises Refused for one that cannot be."""
    return None if value is None else _READERS[field.type](field, value)


def _unknown(catalogue: Catalogue, kind: Kind, name: str) -> str:
    if kind is Kind.METRIC:
        return f'a metric has only "value", not "{name}"'
    try:
        catalogue.get(f"{kind}.{name}")
    except UnknownField as error:
        return str(error)
    return f'unknown field "{kind}.{name}"'


def _number(field: Field, value: Value) -> Decimal:
    if not isinstance(value, Decimal):
        raise Refused(f"{value!r} is not a number")
    if not value.is_finite() or abs(value) >= LARGEST:
        raise Refused(f"{value} is not a number below {LARGEST:,}")
    return value if value.as_tuple().exponent >= -6 else round(value, 6)  # type: ignore[operator]


def _flag(field: Field, value: Value) -> bool:
    if not isinstance(value, bool):
        raise Refused(f"{value!r} is neither true nor false")
    return value


def _date(field: Field, value: Value) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Refused(f"{value!r} is not a date")
    if not EARLIEST <= value.year <= LATEST:
        raise Refused(f"{value} is outside the years {EARLIEST} to {LATEST}")
    return value


def _instant(field: Field, value: Value) -> datetime:
    if not isinstance(value, datetime):
        raise Refused(f"{value!r} is not an instant")
    return accepted_instant(value, str(value))


def _text(field: Field, value: Value) -> str | None:
    if not isinstance(value, str):
        raise Refused(f"{value!r} is not a text")
    longest = LONGEST_ID if field.unit == "person" else LONGEST_TEXT
    if len(value) > longest:
        raise Refused(f"the text has {len(value)} characters; at most {longest} are allowed")
    if "\x00" in value:
        raise Refused("the text contains a NUL character")
    if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        raise Refused("the text contains half a character (a lone surrogate)")
    if field.name == "timezone" and value:
        _check_zone(value)
    return value or None


def _check_zone(name: str) -> None:
    try:
        zone(name)
    except ValueError as error:
        raise Refused(str(error)) from error


def _choice(field: Field, value: Value) -> str | None:
    if value == "":
        return None
    if value not in field.choices:
        raise Refused(f"{value!r} is not one of {', '.join(field.choices)}")
    return str(value)


_READERS: dict[FieldType, Callable[[Field, Value], Value | None]] = {
    FieldType.NUMBER: _number,
    FieldType.MONEY: _number,
    FieldType.PERCENT: _number,
    FieldType.TEXT: _text,
    FieldType.FLAG: _flag,
    FieldType.DATE: _date,
    FieldType.INSTANT: _instant,
    FieldType.ENUM: _choice,
}
