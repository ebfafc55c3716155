"""The field catalogue: every field a rule may name, with its type and unit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

from engine.clock.zones import format_instant, parse_instant

Value: TypeAlias = Decimal | str | bool | date | datetime
"""What a field may hold. A missing value is `None`, never an empty string."""

LARGEST = Decimal(10) ** 12
"""Numbers are kept to six decimals below this bound, so that they fit a 64-bit integer in fixed point."""


class Kind(StrEnum):
    """What a playbook or a field can be about."""

    ACCOUNT = "account"
    CONTACT = "contact"
    SUBSCRIPTION = "subscription"
    TICKET = "ticket"
    METRIC = "metric"
    SOURCE = "source"
    EVENT = "event"


KEPT = tuple(each for each in Kind if each is not Kind.EVENT)
"""The kinds whose fields are declared, and keep their values until they change."""


def seen_from(subject: Kind) -> tuple[Kind, ...]:
    """The kinds whose fields a subject sees: its own, its account's, and the account's metrics."""
    if subject in (Kind.SOURCE, Kind.EVENT):
        return (subject,)
    return tuple(dict.fromkeys([subject, Kind.ACCOUNT, Kind.METRIC]))


class FieldType(StrEnum):
    """How a field's values are read, kept and compared."""

    NUMBER = "number"
    MONEY = "money"
    PERCENT = "percent"
    TEXT = "text"
    FLAG = "flag"
    DATE = "date"
    INSTANT = "instant"
    ENUM = "enum"

    @property
    def is_numeric(self) -> bool:
        """Whether values are decimals that can be ordered and taken a percentage of."""
        return self in (FieldType.NUMBER, FieldType.MONEY, FieldType.PERCENT)

    @property
    def is_temporal(self) -> bool:
        """Whether values are dates or instants."""
        return self in (FieldType.DATE, FieldType.INSTANT)


@dataclass(frozen=True, slots=True)
class Field:
    """One declared field: `account.health`, a number in points."""

    kind: Kind
    name: str
    type: FieldType
    unit: str = ""
    choices: tuple[str, ...] = ()
    is_custom: bool = False
    is_derived: bool = False
    """Whether Tminus keeps it itself, so that no source may give it."""
    is_any: bool = False
    """Of what an event carries, whether a value of any type will do."""

    @property
    def path(self) -> str:
        """The name as a rule writes it."""
        return f"{self.kind}.{self.name}"


METRIC_NAME = Field(Kind.METRIC, "name", FieldType.TEXT)
METRIC_VALUE = Field(Kind.METRIC, "value", FieldType.NUMBER)
OF_A_METRIC = {each.path: each for each in (METRIC_NAME, METRIC_VALUE)}
"""What one of the metrics that are counted has; elsewhere `metric.NAME` is the metric of that name."""


class UnknownField(LookupError):
    """A rule or mapping names a field the catalogue does not have."""

    def __init__(self, path: str, suggestion: str | None) -> None:
        self.path = path
        self.suggestion = suggestion
        hint = f' (did you mean "{suggestion}"?)' if suggestion else ""
        super().__init__(f'unknown field "{path}"{hint}')


@dataclass(frozen=True)
class Catalogue:
    """All fields by path."""

    fields: Mapping[str, Field] = field(default_factory=dict)

    def get(self, path: str) -> Field:
        """The field at `path`. Raises UnknownField with the nearest name."""
        found = self.fields.get(path)
        if found is None:
            raise UnknownField(path, self._nearest(path))
        return found

    def _nearest(self, path: str) -> str | None:
        """The likeliest field: of the kind named, by the name after it, else by the whole path."""
        kind, _, name = path.partition(".")
        if kind in KEPT:
            near = get_close_matches(name, self.of_kind(Kind(kind)), n=1, cutoff=0.6)
            return f"{kind}.{near[0]}" if near else None
        near = get_close_matches(path, self.fields, n=1, cutoff=0.6)
        return near[0] if near else None

    def of_kind(self, kind: Kind) -> Mapping[str, Field]:
        """The fields of one kind by their bare name."""
        return self._by_kind[kind]

    @cached_property
    def _by_kind(self) -> Mapping[Kind, Mapping[str, Field]]:
        found: dict[Kind, dict[str, Field]] = {kind: {} for kind in Kind}
        for each in self.fields.values():
            found[each.kind][each.name] = each
        return found

    def extended(self, extra: Iterable[Field]) -> "Catalogue":
        """This catalogue with custom fields added. Raises ValueError when a name is taken."""
        merged = dict(self.fields)
        for each in extra:
            if each.path in merged:
                raise ValueError(f'field "{each.path}" is already in the catalogue')
            merged[each.path] = each
        return Catalogue(merged)


def _fields(kind: Kind, text: str) -> list[Field]:
    """Read the compact declarations below: name type [unit] [choice|choice]."""
    found = []
    for line in text.strip().splitlines():
        name, type_name, *rest = line.split()
        choices = tuple(rest[0].split("|")) if type_name == "enum" else ()
        unit = rest[0] if rest and not choices else ""
        found.append(Field(kind, name, FieldType(type_name), unit, choices))
    return found


_ACCOUNT = """
name text
segment enum high_touch|low_touch|tech_touch
effective_segment enum high_touch|low_touch|tech_touch
stage enum trial|onboarding|active|churned
plan text
industry text
country text
timezone text
arr money per_year
health number points
adoption percent
usage number units
usage_limit number units
seats number seats
seats_used number seats
csat number points
nps number points
open_tickets number tickets
strategic flag
csm text person
ae text person
exec_sponsor text person
customer_since date
renews_on date
churned_on date
first_value_at instant
success_plan_at instant
last_touch_at instant
last_active_at instant
"""

_CONTACT = """
name text
email text
phone text
title text
role enum champion|economic_buyer|executive_sponsor|technical_owner|influencer|end_user|blocker
level enum executive|vp|director|manager|user
status enum active|departed
consent enum granted|withdrawn
nps number points
timezone text
locale text
last_touch_at instant
"""

_SUBSCRIPTION = """
plan text
term text
status enum trial|active|ended
started_on date
renews_on date
ended_on date
seats number seats
seats_used number seats
usage number units
limit number units
mrr money per_month
arr money per_year
auto_renew flag
signed flag
"""

_TICKET = """
subject text
priority enum low|medium|high|urgent
status enum open|closed
escalated flag
csat number points
first_response_minutes number minutes
opened_at instant
closed_at instant
"""

_SOURCE = """
name text
declared_at instant
last_sync_at instant
watermark instant
rows number rows
rejected number rows
"""

BUILT_IN = Catalogue(
    {
        each.path: each
        for each in [
            *_fields(Kind.ACCOUNT, _ACCOUNT),
            *_fields(Kind.CONTACT, _CONTACT),
            *_fields(Kind.SUBSCRIPTION, _SUBSCRIPTION),
            *_fields(Kind.TICKET, _TICKET),
            *_fields(Kind.SOURCE, _SOURCE),
        ]
    }
)


def encode(value: Value | None) -> str | None:
    """A value as the one text form used in history, JSON and reasons."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else "0"
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def decode(kind: FieldType, text: str | None) -> Value | None:
    """The value that `encode` wrote, and the strict reading of typed input.

    Raises ValueError saying what form is wanted. An empty text is a missing value.
    """
    if text is None or text == "":
        return None
    if kind.is_numeric:
        return decode_number(text)
    if kind is FieldType.FLAG:
        return decode_flag(text)
    if kind is FieldType.DATE:
        return _decode_date(text)
    if kind is FieldType.INSTANT:
        return parse_instant(text)
    if "\x00" in text:
        raise ValueError("text must not contain a NUL character")
    return text


def decode_number(text: str) -> Decimal:
    """A finite decimal of at most six places. Raises ValueError otherwise."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not a number") from error
    if not value.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    if abs(value) >= LARGEST:
        raise ValueError(f"{text!r} is too large; numbers stay below {LARGEST:,}")
    return round(value, 6)


def decode_flag(text: str) -> bool:
    """`true` or `false`, in any case. Raises ValueError otherwise."""
    match text.strip().lower():
        case "true":
            return True
        case "false":
            return False
    raise ValueError(f"{text!r} is neither true nor false")


def _decode_date(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(f"{text!r} is not a date; write it as 2026-01-31") from error
