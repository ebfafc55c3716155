"""Fields and values in the words of a person who reads why a task exists."""

from datetime import date, datetime
from decimal import Decimal

from engine.clock.durations import Duration
from engine.conditions.catalogue import Field, FieldType, Kind, Value, encode
from engine.conditions.tree import Comparison, Derived

_DURATION_UNITS = {"min": "minute", "h": "hour", "d": "day", "w": "week", "bd": "business day"}

_LONGEST_TEXT = 60


def label(field: Field | Derived) -> str:
    """`account.open_tickets` as "open tickets", `subscription.usage` as "subscription usage"."""
    if isinstance(field, Derived):
        return field.label
    name = field.name.removesuffix("_at") if field.type is FieldType.INSTANT else field.name
    spaced = name.replace("_", " ")
    return spaced if field.kind is Kind.ACCOUNT else f"{field.kind} {spaced}"


def show(value: Value | None, field: Field | None = None) -> str:
    """A value for people: 12,500, 35%, yes, 2026-01-31, 2026-01-31 09:00 UTC; "missing" without one.

    Text is put on one line and cut at 60 characters.
    """
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        sign = "%" if field is not None and field.type is FieldType.PERCENT else ""
        return show_number(value) + sign
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, date):
        return value.isoformat()
    return _shortened(value) or '""'


def show_number(value: Decimal) -> str:
    """A decimal with thousands separators and without needless zeros."""
    whole, _, decimals = (encode(value) or "").partition(".")
    grouped = f"{abs(int(whole)):,}"
    negative = "-" if value < 0 else ""
    return f"{negative}{grouped}.{decimals}" if decimals else f"{negative}{grouped}"


def show_duration(duration: Duration) -> str:
    """`30d` as "30 days"."""
    return _counted(duration.amount, _DURATION_UNITS[duration.unit])


def show_comparison(comparison: Comparison) -> str:
    """ "at most 90 days", "between 0 and 120 days", "exactly 1 day"."""
    if comparison.operator == "between":
        return f"between {comparison.low} and {comparison.high} days"
    prefix = "exactly" if comparison.operator == "equals" else comparison.operator.replace("_", " ")
    return f"{prefix} {_counted(comparison.low, 'day')}"


def show_days_ahead(ahead: int) -> str:
    """ "in 3 days", "today", "3 days ago"."""
    if ahead == 0:
        return "today"
    return f"in {_counted(ahead, 'day')}" if ahead > 0 else f"{_counted(-ahead, 'day')} ago"


def show_list(texts: list[str], joiner: str = "or") -> str:
    """ "a", "a or b", "a, b or c"."""
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {joiner} {texts[-1]}"


def _shortened(text: str) -> str:
    """Text on one line and at a length that fits into a sentence."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"


def _counted(amount: int, noun: str) -> str:
    return f"{amount} {noun}" if abs(amount) == 1 else f"{amount} {noun}s"


def plural(number: int, noun: str) -> str:
    """`1 task`, `12 tasks`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
