"""What one row of the operator table says."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.conditions.catalogue import Field, FieldType, Value
from engine.conditions.columns import Bounds, Columns
from engine.conditions.form import Form
from engine.conditions.tree import Derived, Predicate
from engine.conditions.view import View
from engine.conditions.wording import label


class Argument(StrEnum):
    """What stands after the operator in a rule file, and where the predicate keeps it."""

    VALUE = "value"
    """One value of the field's type in `value`; where `takes_of`, a percentage when `of` is set."""
    VALUES = "values"
    """A tuple of values of the field's type in `value`, at least one."""
    RANGE = "range"
    """A tuple (low, high) of values of the field's type in `value`; both ends belong to it."""
    TEXT_PART = "text_part"
    """Text in `value` that is looked for within the field's."""
    PATTERN = "pattern"
    """Text in `value` in which every `*` stands for any text, none included."""
    PRESENCE = "presence"
    """Nothing: `true` in the file, `value` stays None."""
    THRESHOLD = "threshold"
    """One number in `value`, with another in `recovers_at` or None."""
    CHOICE = "choice"
    """The one value of the field's type that it becomes, in `value`; maybe the one it had, in `was`."""
    CHANGE = "change"
    """Nothing: `true` in the file; maybe the value it had, in `was`."""
    CHANGED = "changed"
    """Elapsed time in `window`; maybe the value that it became in `value`, and the one it had in `was`."""
    CROSSING = "crossing"
    """A Crossing of numbers of the field's type in `value`."""
    SHIFT = "shift"
    """A Shift in `value`, elapsed time in `window`."""
    DAYS = "days"
    """A Comparison of whole days in `value`."""
    DAYS_SINCE = "days_since"
    """The same, and in `otherwise` maybe a field that counts when the first has no value."""
    EVENT = "event"
    """The name of an event in `event`."""
    EVENT_WINDOW = "event_window"
    """The name of an event in `event`, elapsed time in `window`."""
    EVENT_SINCE = "event_since"
    """The name of an event in `event`, within a run."""
    EVENT_COUNT = "event_count"
    """The name of an event in `event`, a whole number in `value`, elapsed time in `window`."""
    STEP_STATE = "step_state"
    """A step in `step`, one of its states in `value`."""
    STEP_OUTCOME = "step_outcome"
    """A step in `step`, one of its outcomes in `value`."""


@dataclass(frozen=True)
class Operator:
    """One operator with all that the rest of the engine asks about it."""

    keyword: str
    """The key in `Predicate.operator`."""
    argument: Argument
    types: frozenset[FieldType]
    """The types of field it takes; empty for operators that ask about events and steps."""
    is_moment: bool
    """Whether it happens at an instant (`on`) instead of holding over a stretch (`when`)."""
    takes_of: bool
    """Whether the value may be a percentage of another numeric field."""
    evaluate: Callable[[Predicate, View], bool | None]
    """The reference answer."""
    actual: Callable[[Predicate, View], Value | None]
    """What the answer was found from: the value, the number of days, the percentage, the last event."""
    fact: Callable[[Predicate, View], int | str | None]
    """The flat fact's property; None leaves it out, and the answer is unknown."""
    form: Callable[[Predicate], Form]
    """The comparisons of that property that are true exactly when the answer is. Raises OutsideEnvelope."""
    boundary: Callable[[Predicate, View], datetime | None]
    """The earliest instant strictly after `now` at which time alone could change the answer."""
    words: Callable[[Predicate], str]
    """The question in words: "health drops below 40 (recovers at 50)"."""
    reason: Callable[[Predicate, View], str]
    """The answer in words: "health is 35 (dropped below 40)"."""
    narrow: Callable[[Predicate, Columns], Bounds]
    """The SQL form: what the database can say of the answer, and when time alone could change that."""
    awaits: Callable[[Predicate, View], Iterable[tuple[str, datetime]]] = lambda predicate, view: ()
    """The sources for which an answer waits, each with the watermark that it has to reach."""


ALL_TYPES = frozenset(FieldType)
NUMERIC = frozenset(each for each in FieldType if each.is_numeric)
TEMPORAL = frozenset(each for each in FieldType if each.is_temporal)
ORDERED = NUMERIC | TEMPORAL
TEXTS = frozenset({FieldType.TEXT})
NO_FIELD: frozenset[FieldType] = frozenset()


def field_of(predicate: Predicate) -> Field:
    """The field the predicate asks about. Raises ValueError when it has none."""
    if predicate.field is None:
        raise ValueError(f"{predicate.path}: {predicate.operator} needs a field")
    return predicate.field


def asked_of(predicate: Predicate) -> Field | Derived:
    """The field the predicate asks about, or what it counts or sums in place of one."""
    return field_of(predicate) if predicate.derived is None else predicate.derived


def asked_label(predicate: Predicate) -> str:
    """What is asked about, in words."""
    otherwise = "" if predicate.otherwise is None else f" or else {label(predicate.otherwise)}"
    return label(asked_of(predicate)) + otherwise


def value_of(predicate: Predicate, view: View) -> Value | None:
    """The value of the predicate's field."""
    return view.value(field_of(predicate))


def no_boundary(predicate: Predicate, view: View) -> datetime | None:
    """For answers that time alone never changes."""
    return None


def unanswered(predicate: Predicate, view: View) -> None:
    """For moments, which have no answer as a state."""
