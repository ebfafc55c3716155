"""How values read to people: the same everywhere, whatever the machine's locale."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from engine.render.budget import RefusedError

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_LARGEST_DIGITS = 60
_TURNING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def as_text(value: object) -> str:
    """A value as it prints without a filter. Raises RefusedError for lists and records.

    Of a text, what turns round the words after it (the explicit marks of Unicode's UAX 9) is left out.
    """
    if isinstance(value, str):
        return value.translate(_TURNING)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float | Decimal):
        return _plain(_decimal(value, "printing"))
    if isinstance(value, date):
        return as_date(value)
    raise RefusedError(f"cannot print {_name(value)}; print one of its values, or join a list")


def as_json(value: object) -> str:
    """A value as it prints into a JSON document: plain, in the form of machines, and without its quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(as_text(value), ensure_ascii=False)[1:-1]


def as_money(value: object, symbol: str = "$") -> str:
    """`$120,000`; cents only where there are some: `$1,234.50`."""
    amount = round(_decimal(value, "money"), 2)
    sign = "-" if amount < 0 else ""
    whole = amount == amount.to_integral_value()
    return f"{sign}{symbol}{abs(amount):,.{0 if whole else 2}f}"


def as_number(value: object, places: int | None = None) -> str:
    """`12,345.6`; with `places`, that many decimals exactly."""
    number = _decimal(value, "number")
    if places is None:
        return _plain(number, grouped=True)
    return f"{number:,.{checked_places(places)}f}"


def as_percent(value: object, places: int | None = None) -> str:
    """`62.5%` of a value that counts in hundredths."""
    return f"{as_number(value, places)}%"


def as_date(value: object, zone: ZoneInfo | None = None) -> str:
    """`3 March 2026`. An instant is the local date in `zone`, else in UTC; text is read as ISO."""
    day = _day(value, zone)
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def checked_places(places: object) -> int:
    """A count of decimals between 0 and 10. Raises RefusedError otherwise."""
    if not isinstance(places, int) or not 0 <= places <= 10:
        raise RefusedError("rounds to 0 to 10 decimals only")
    return places


def _day(value: object, zone: ZoneInfo | None) -> date:
    if isinstance(value, str):
        return _day(_read_instant(value), zone)
    if isinstance(value, datetime):
        return value.astimezone(zone or UTC).date() if value.tzinfo else value.date()
    if isinstance(value, date):
        return value
    raise RefusedError(f'"date" wants a date, not {_name(value)}')


def _read_instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError(f'"date" wants a date, not "{text[:40]}"') from None


def _decimal(value: object, wanted_by: str) -> Decimal:
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            raise RefusedError(f'"{wanted_by}" wants a number, not {_name(value)}')
        number = Decimal(str(value))
    except (InvalidOperation, ValueError):
        raise RefusedError(f'"{wanted_by}" wants a number, not "{str(value)[:40]}"') from None
    if not number.is_finite() or abs(number.adjusted()) > _LARGEST_DIGITS:
        raise RefusedError(f'"{wanted_by}" wants a number of ordinary size')
    return number


def _plain(number: Decimal, *, grouped: bool = False) -> str:
    number = round(number, 6).normalize() + 0
    return format(number, ",f" if grouped else "f")


def _name(value: object) -> str:
    names: dict[type, str] = {
        bool: "yes or no",
        list: "a list",
        tuple: "a list",
        type(None): "a missing value",
    }
    return names.get(type(value), "a whole record")
