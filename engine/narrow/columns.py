"""The columns of a subject as the operators see them, on SQLite and on PostgreSQL."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Float,
    FromClause,
    Interval,
    Numeric,
    case,
    cast,
    collate,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.sql.elements import False_

from engine.conditions.catalogue import Field, FieldType, Kind, Value, encode
from engine.conditions.columns import Bounds, Expression, is_known, is_never
from engine.conditions.feed import NO_FEEDS, Feeds
from engine.conditions.narrowing import bounds
from engine.conditions.tree import Derived, Predicate
from engine.state import tables
from engine.state.columns import Fixed, Instant
from engine.state.subjects import TABLES

_METRIC: Any = tables.Metric.__table__  # type: ignore[attr-defined]
_EVENT: Any = tables.Event.__table__  # type: ignore[attr-defined]
_CHANGE: Any = tables.Change.__table__  # type: ignore[attr-defined]

_MEMBERS = {kind: table.alias("member") for kind, table in TABLES.items()}

_DAYS_OFF = 3
"""How far the first instant of a date may lie from its day in UTC, whatever the zone; rather more."""
_REACH = 600_000
"""Days; more than lie between any two dates that are taken in."""
_SECONDS_OFF = 2
"""SQLite's arithmetic rounds to milliseconds."""
_LONGEST_PATTERN, _MOST_PARTS = 1_000, 8
"""Beyond these a text is left to the reference: LIKE is not made for such patterns."""
_ROUNDING = 1e-12
"""More than what is lost, as a share, where numbers are compared as binary fractions."""
_MICRO = 1_000_000.0
_SMALLEST = 1e-6


@dataclass(frozen=True)
class SubjectColumns:
    """Implements `conditions.columns.Columns` over the tables of a subject and its account."""

    kind: Kind
    now: datetime
    is_sqlite: bool
    feeds: Feeds = NO_FEEDS
    is_member: bool = False
    """Whether the subject is one of those that an account has, beside the subject that is asked about."""

    @property
    def account(self) -> Any:
        """The table of accounts."""
        return tables.Account.__table__  # type: ignore[attr-defined]

    @property
    def subject(self) -> Any:
        """The table of subjects of the kind."""
        return _MEMBERS[self.kind] if self.is_member else TABLES[self.kind]

    @property
    def source(self) -> FromClause:
        """Every subject of the kind beside its account."""
        if self.kind is Kind.ACCOUNT:
            return self.account  # type: ignore[no-any-return]
        return self.subject.join(self.account, self.account.c.id == self.subject.c.account_id)  # type: ignore[no-any-return]

    @property
    def unknown(self) -> Expression:
        """The answer of what is never asked of a subject as it stands."""
        return cast(null(), Boolean)

    @property
    def false(self) -> Expression:
        """The answer no."""
        return false()

    def value(self, field: Field) -> Expression:
        """The field's value, to be compared with values of its type; NULL when it is missing."""
        if field.kind is Kind.METRIC:
            return self._metric(field)
        return self._custom(field) if field.is_custom else self._table(field).c[field.name]

    def rough(self, field: Field) -> Expression:
        """The field's value as a number that is not quite exact."""
        if field.is_custom:
            return cast(self._text(field), Float)
        return cast(type_coerce(self.value(field), BigInteger), Float) / _MICRO

    def size(self, number: Expression) -> Expression:
        """The number without its sign."""
        return func.abs(number)

    def excess(self, predicate: Predicate) -> tuple[Expression, Expression]:
        """A hundred times the value less the wanted percentage of `of`, and how far off that may be."""
        assert predicate.field is not None
        assert predicate.of is not None
        wanted: Any = predicate.value
        part = self.rough(predicate.field) * 100.0
        asked = func.nullif(self.rough(predicate.of), 0.0, type_=Float) * float(wanted)
        return part - asked, (func.abs(part) + func.abs(asked)) * _ROUNDING

    def span(self, derived: Derived) -> tuple[Expression, Expression] | None:
        """Between which numbers what is counted or summed lies; NULL where nothing bounds it."""
        if derived.kind in (None, Kind.METRIC, Kind.SOURCE, Kind.ACCOUNT) or self.is_member:
            return None
        members = SubjectColumns(derived.kind, self.now, self.is_sqlite, self.feeds, is_member=True)
        surely, maybe = true(), true()
        if derived.where is not None:
            found = bounds(derived.where, members)
            if found.turns_true or found.turns_false:
                return None
            surely, maybe = found.low.is_(True), found.high.is_not(False)
        if derived.summed is None:
            low, high = case((surely, 1.0), else_=0.0), case((maybe, 1.0), else_=0.0)
            return members.total(low, false()), members.total(high, false())
        amount = members.rough(derived.summed)
        is_open, nothing = maybe & amount.is_(None), 0.0
        least = case((surely, amount), (maybe & (amount < 0.0), amount), else_=nothing)
        most = case((surely, amount), (maybe & (amount > 0.0), amount), else_=nothing)
        slack = members.total(case((maybe, func.abs(amount)), else_=nothing), is_open) * _ROUNDING + _SMALLEST
        return members.total(least, is_open) - slack, members.total(most, is_open) + slack

    def total(self, number: Expression, is_open: Expression) -> Expression:
        """The sum of a number over what the account has; NULL where `is_open` is true of one of them."""
        # An aggregate over columns of the outer query alone would belong to that query.
        is_mine = self.subject.c.account_id == self.account.c.id
        mine = case((is_mine, cast(number, Float)))
        found: Expression = func.coalesce(func.sum(mine), 0.0)
        if not isinstance(is_open, False_):
            found = case(
                (
                    func.coalesce(func.sum(case((is_mine & is_open, 1), else_=0)), 0) == 0,
                    found,
                )
            )
        query = select(found).where(is_mine)
        return query.correlate(self.account).scalar_subquery()

    def events_within(self, derived: Derived) -> Expression:
        """How many of the events have been taken in; there may be more."""
        assert derived.window is not None
        query = select(func.count()).where(
            _EVENT.c.account_id == self.account.c.id,
            _EVENT.c.name == derived.event,
            _EVENT.c.occurred_at >= self.now - derived.window.elapsed,
            _EVENT.c.applies_at <= self.now,
        )
        return query.correlate(self.account).scalar_subquery()

    def has_form(self, field: Field, parts: Sequence[str]) -> Bounds:
        """Whether the text consists of these parts in lower case; unsure where it is more than ASCII."""
        text = self.value(field)
        pattern = "%".join(_escaped(each) for each in parts)
        if len(pattern) > _LONGEST_PATTERN or len(parts) > _MOST_PARTS:
            return Bounds(is_never(text), is_known(text), is_never(text), is_known(text))
        if self.is_sqlite:
            is_plain, lower = ~text.bool_op("GLOB")("*[^ -~]*"), func.lower(text)
        else:
            is_plain = func.octet_length(text) == func.char_length(text)
            lower = func.lower(collate(text, "C"))
        answer = lower.like(pattern, escape="~")
        low, high = answer & is_plain, answer | ~is_plain
        return Bounds(low, high, low, high)

    def has_been(
        self, field: Field, since: datetime, holds: Callable[[Expression], Expression]
    ) -> Expression:
        """Whether a value that the field had at `since` or after it satisfies `holds`, or may have.

        Every such value is the old or the new one of a change that applies after `since`.
        """
        old, new = cast(_CHANGE.c.old, Float), cast(_CHANGE.c.new, Float)
        return self._any_change(field, _CHANGE.c.applies_at > since, or_(holds(old), holds(new)))

    def has_changed(self, field: Field, since: datetime, to: Value | None) -> Expression:
        """Whether the field took that value, or any, at `since` or after it, were it its first one."""
        is_wanted = true() if to is None else _CHANGE.c.new == encode(to)
        # What was so at `since` or after it cannot have applied before.
        in_time = _CHANGE.c.applies_at >= since, _CHANGE.c.effective_at >= since
        return self._any_change(field, *in_time, is_wanted)

    def _any_change(self, field: Field, *wanted: Any) -> Expression:
        """Whether any change of the field that is known is of this kind."""
        return exists(
            select(1).where(
                _CHANGE.c.kind == field.kind.value,
                _CHANGE.c.subject_id == self._subject_id(field),
                _CHANGE.c.field == ("value" if field.kind is Kind.METRIC else field.name),
                _CHANGE.c.applies_at <= self.now,
                *wanted,
            )
        ).correlate(self.account, self.subject)

    def nth_event(self, name: str, number: int) -> Expression:
        """When the account's newest event of that name but `number - 1` happened; NULL without so many."""
        newest = (
            select(_EVENT.c.occurred_at)
            .where(
                _EVENT.c.account_id == self.account.c.id,
                _EVENT.c.name == name,
                _EVENT.c.applies_at <= self.now,
            )
            .order_by(_EVENT.c.occurred_at.desc())
            .limit(1)
            .offset(number - 1)
        )
        return newest.correlate(self.account).scalar_subquery()

    def days_from(self, field: Field, days: int) -> Expression:
        """When the local date so many days after the field's begins, early by a few days; NULL once past."""
        if abs(days) > _REACH:
            return cast(null(), Instant)
        value, early = self.value(field), timedelta(days=days - _DAYS_OFF)
        last = self.now - timedelta(days=days + _DAYS_OFF)
        is_to_come = value > (last.date() if field.type is FieldType.DATE else last)
        return case((is_to_come, self._moved(value, early)))

    def after(self, instant: Expression, span: timedelta) -> Expression:
        """The instant `span` after another, early by a few seconds; NULL once past."""
        return case((instant > self.now - span, self._moved(instant, span - timedelta(seconds=_SECONDS_OFF))))

    def _moved(self, value: Expression, span: timedelta) -> Expression:
        """A date's first instant in UTC, or an instant, so much later, to the second."""
        if self.is_sqlite:
            seconds = f"{int(span.total_seconds()):+d} seconds"
            text = func.strftime("%Y-%m-%d %H:%M:%S", value, seconds)
            return type_coerce(text.concat(".000000"), Instant)
        return type_coerce(cast(value, DateTime(timezone=True)) + literal(span, Interval), Instant)

    def _table(self, field: Field) -> Any:
        return self.account if field.kind is Kind.ACCOUNT else self.subject

    def _subject_id(self, field: Field) -> Any:
        if field.kind is Kind.METRIC:
            return self.account.c.id.concat(f":{field.name}")
        return self._table(field).c.id

    def _metric(self, field: Field) -> Expression:
        query = select(_METRIC.c.value).where(_METRIC.c.id == self._subject_id(field))
        return query.correlate(self.account).scalar_subquery()

    def _text(self, field: Field) -> Expression:
        """A custom field in the text form of the catalogue."""
        return func.nullif(self._table(field).c.custom[field.name].as_string(), "")

    def _custom(self, field: Field) -> Expression:
        text = self._text(field)
        if field.type.is_numeric:
            return type_coerce(self._millionths(text), Fixed)
        match field.type:
            case FieldType.FLAG:
                return case((text == "true", literal(True)), (text == "false", literal(False)))
            case FieldType.DATE:
                return type_coerce(text, Date) if self.is_sqlite else cast(text, Date)
            case FieldType.INSTANT if self.is_sqlite:
                spaced = func.replace(func.replace(text, "T", " "), "Z", "")
                return type_coerce(func.substr(spaced.concat(".000000"), 1, 26), Instant)
            case FieldType.INSTANT:
                return type_coerce(cast(text, DateTime(timezone=True)), Instant)
        return text

    def _millionths(self, text: Expression) -> Expression:
        """A decimal of at most six places as the whole number that its column would hold."""
        if not self.is_sqlite:
            return cast(cast(text, Numeric) * 1_000_000, BigInteger)
        point = func.instr(text, ".")
        places = case((point == 0, 0), else_=func.length(text) - point)
        digits = func.replace(text, ".", "").concat(func.substr("000000", 1, 6 - places))
        return cast(digits, BigInteger)


def _escaped(part: str) -> str:
    for each in "~%_":
        part = part.replace(each, f"~{each}")
    return part
