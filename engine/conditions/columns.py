"""An operator as the database sees it: what can be said of its answer before the account is read.

A row of the operator table builds its SQL form from the expressions of a `Columns`, with the operators of
Python and the few methods that database libraries share; so this package needs no database.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias

from engine.conditions.catalogue import Field, Value
from engine.conditions.feed import Feeds
from engine.conditions.tree import Derived, Predicate

Expression: TypeAlias = Any
"""An expression over columns. Compared with a value it is true, false, or NULL, which is unknown."""


@dataclass(frozen=True)
class Bounds:
    """Between which answers the true one lies, in the order false, unknown, true.

    The answer is a certain yes where `low` is true, and a certain no where `high` is false.
    """

    low: Expression
    high: Expression
    always: Expression
    """At most the answer at any later time, if nothing but time passes."""
    ever: Expression
    """At least the answer at any later time, if nothing but time passes."""
    turns_true: tuple[Expression, ...] = ()
    """Instants, early rather than late, or NULL: when time alone could make it true where `high` is not."""
    turns_false: tuple[Expression, ...] = ()
    """Instants, early rather than late, or NULL: when time alone could make it false where `low` is not."""


class Columns(Protocol):
    """The columns of one subject, its account and the account's past, at `now`."""

    @property
    def now(self) -> datetime:
        """The instant of judgement, in UTC."""

    @property
    def feeds(self) -> Feeds:
        """The sources that lag: where an answer rests on one, it may be unknown whatever the columns say."""

    @property
    def unknown(self) -> Expression:
        """The answer of what is never asked of a subject as it stands."""

    @property
    def false(self) -> Expression:
        """The answer no."""

    def value(self, field: Field) -> Expression:
        """The field's value, to be compared with values of its type; NULL when it is missing."""

    def excess(self, predicate: Predicate) -> tuple[Expression, Expression]:
        """A hundred times the value less the wanted percentage of `of`, and how far off that may be.

        NULL when either is missing, or the other field is zero.
        """

    def span(self, derived: Derived) -> tuple[Expression, Expression] | None:
        """Between which numbers what is counted or summed lies; NULL where nothing bounds it.

        None where the columns do not tell, or where time alone could change it.
        """

    def events_within(self, derived: Derived) -> Expression:
        """How many of the events have been taken in; there may be more."""

    def has_form(self, field: Field, parts: Sequence[str]) -> Bounds:
        """Whether the text consists of these parts in lower case, with any text between them."""

    def has_been(
        self, field: Field, since: datetime, holds: Callable[[Expression], Expression]
    ) -> Expression:
        """Whether a value that the field had at `since` or after it satisfies `holds`, or may have.

        `holds` is given the past value as a number that is not quite exact.
        """

    def has_changed(self, field: Field, since: datetime, to: Value | None) -> Expression:
        """Whether the field took that value, or any, at `since` or after it, were it its first one."""

    def rough(self, field: Field) -> Expression:
        """The field's value as a number that is not quite exact."""

    def size(self, number: Expression) -> Expression:
        """The number without its sign."""

    def nth_event(self, name: str, number: int) -> Expression:
        """When the account's newest event of that name but `number - 1` happened; NULL without so many."""

    def days_from(self, field: Field, days: int) -> Expression:
        """When the local date so many days after the field's begins, early by a few days; NULL once past."""

    def after(self, instant: Expression, span: timedelta) -> Expression:
        """The instant `span` after another, early by a few seconds; NULL once past."""


def exact(answer: Expression) -> Bounds:
    """An answer that the database knows, and that time does not change."""
    return Bounds(answer, answer, answer, answer)


def widened(found: Bounds, columns: Columns) -> Bounds:
    """The bounds of an answer that may be unknown instead, now or later."""
    unknown = columns.unknown
    return replace(
        found,
        low=found.low & unknown,
        high=found.high | unknown,
        always=found.always & unknown,
        ever=found.ever | unknown,
    )


def unasked(predicate: Predicate, columns: Columns) -> Bounds:
    """For moments, which have no answer as a state, and for steps, which have none outside a run."""
    return exact(columns.unknown)


def unsure(columns: Columns) -> Bounds:
    """For what no column tells, such as a count over what the account has."""
    return Bounds(columns.false, ~columns.false, columns.false, ~columns.false)


def is_known(value: Expression) -> Expression:
    """True where there is a value, else unknown: the most that can be answered about it."""
    return value == value


def is_never(value: Expression) -> Expression:
    """False where there is a value, else unknown: the least that can be answered about it."""
    return value != value
