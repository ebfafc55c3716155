"""What follows an operator: one reader for every shape of argument in the operator table."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, cast

from engine.clock.durations import Duration
from engine.conditions.catalogue import Field, FieldType, Kind, Value
from engine.conditions.operators import Argument, Operator
from engine.conditions.tree import Comparison, Crossing, Derived, Predicate, Shift
from engine.rulefile.notes import RefusedError, Table
from engine.rulefile.parse_values import (
    article,
    choice,
    flag,
    longer_than_zero,
    number,
    percentage,
    text,
    typed,
    whole,
)
from engine.rulefile.problem import quote
from engine.rulefile.scope import Scope
from engine.rulefile.source import Mapping, Node, Scalar, Sequence

STEP_STATES = ("waiting", "open", "done", "skipped", "cancelled")
MOST_DAYS = 36_600


@dataclass(frozen=True, slots=True)
class Place:
    """Where a condition stands, and so what it may ask."""

    path: str
    """`steps.outreach.if`"""
    takes: Literal["state", "moment", "either"] = "state"
    has_steps: bool = False
    """Whether it is read within a run, whose steps it can see."""
    is_where: bool = False
    """Whether it says who counts, and so sees one member and its account, and nothing else."""

    def member(self, kind: str, index: int) -> "Place":
        """The place of a member of a group, where only states make sense."""
        return Place(f"{self.path}.{kind}[{index}]", "state", self.has_steps, self.is_where)

    def where(self) -> "Place":
        """The place of what says who counts."""
        return Place(f"{self.path}.where", is_where=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """One predicate being read: the operator is known, what follows it is not."""

    row: Operator
    key: str
    """The operator's key in the file; empty for a bare event."""
    table: Table
    scope: Scope
    place: Place
    field: Field | None = None
    derived: Derived | None = None
    """What is counted or summed in place of a field."""

    @property
    def is_share(self) -> bool:
        """Whether the value is a percentage of another field: `of` names more than whose they are."""
        if "of" not in self.table:
            return False
        node = self.table.node.entries["of"][1]
        is_relation = isinstance(node, Scalar) and node.text.strip() == Kind.ACCOUNT
        return self.derived is None or not is_relation

    @property
    def node(self) -> Node:
        """What stands after the operator."""
        return self.table.node.entries[self.key][1]

    def predicate(self, **parts: Any) -> Predicate:
        """The finished predicate."""
        return Predicate(self.row.keyword, self.place.path, field=self.field, derived=self.derived, **parts)


def _field_of(asked: Asked) -> Field:
    assert asked.field is not None
    return asked.field


MOST_COUNTED = 1_000_000
RUN_START = "run_start"


def _reader(asked: Asked) -> Callable[[Node], Any]:
    """The reader of a value of what is asked about."""
    if asked.derived is None:
        return typed(_field_of(asked))
    if asked.derived.is_count:
        return lambda node: Decimal(whole(0, MOST_COUNTED)(node))
    return number


def _read_value(asked: Asked) -> Predicate | None:
    if not asked.is_share:
        return asked.predicate(value=_reader(asked)(asked.node))
    other = asked.table.maybe("of", asked.scope.field)
    for field in (asked.field, other):
        if field is not None and (not field.type.is_numeric or field.type is FieldType.PERCENT):
            message = f"{field.path} is not an amount, and a percentage is taken between two amounts"
            asked.scope.notes.add(asked.table.key("of"), f"of: {message}")
            return None
    value = percentage(asked.node)
    return asked.predicate(value=value, of=other) if other else None


def _read_values(asked: Asked) -> Predicate | None:
    found: list[Value] = asked.scope.notes.each(_reader(asked), asked.node, asked.key)
    if len(set(found)) < len(found):
        raise RefusedError(asked.node, "names a value twice; keep one of them")
    return asked.predicate(value=tuple(found)) if _is_whole(asked.node, found) else None


def _is_whole(node: Node, found: list[Value]) -> bool:
    return isinstance(node, Sequence) and 0 < len(found) == len(node.items)


def _pair(node: Node) -> tuple[Node, Node]:
    if not isinstance(node, Sequence) or len(node.items) != 2:
        raise RefusedError(node, "takes a list of two values, the lowest and the highest, such as [10, 20]")
    return node.items[0], node.items[1]


def _in_ascending_order(node: Node, low: Any, high: Any) -> None:
    if low > high:
        raise RefusedError(node, "the first of the two values must not be above the second")


def _read_range(asked: Asked) -> Predicate | None:
    read = _reader(asked)
    low, high = (read(each) for each in _pair(asked.node))
    _in_ascending_order(asked.node, low, high)
    return asked.predicate(value=(low, high))


def _read_text_part(asked: Asked) -> Predicate:
    return asked.predicate(value=text(asked.node))


def _read_pattern(asked: Asked) -> Predicate:
    pattern = text(asked.node)
    if "*" not in pattern:
        mend = f'write "*{pattern}*" for text that holds it, or use "equals"'
        raise RefusedError(asked.node, f"{quote(pattern)} has no * in it, which stands for any text; {mend}")
    if not pattern.replace("*", "").strip():
        raise RefusedError(asked.node, f'{quote(pattern)} is true of any text; write "is_set: true"')
    return asked.predicate(value=pattern)


def _read_presence(asked: Asked) -> Predicate:
    if not flag(asked.node):
        opposite = {"is_set": "is_missing", "is_missing": "is_set"}.get(asked.key)
        mend = f'; write "{opposite}: true"' if opposite else ""
        raise RefusedError(asked.node, f"takes only true{mend}")
    return asked.predicate()


def _read_threshold(asked: Asked) -> Predicate:
    read = typed(_field_of(asked))
    value: Any = read(asked.node)
    recovery: Any = asked.table.maybe("recovers_at", read)
    if recovery is not None and asked.key in _WRONG_RECOVERY:
        is_wrong, words = _WRONG_RECOVERY[asked.key]
        if is_wrong(recovery, value):
            node = asked.table.node.entries["recovers_at"][1]
            raise RefusedError(node, f"recovers_at must not be {words} the threshold", stands_alone=True)
    return asked.predicate(value=value, recovers_at=recovery)


_WRONG_RECOVERY: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "drops_below": (lambda recovery, threshold: recovery < threshold, "below"),
    "rises_above": (lambda recovery, threshold: recovery > threshold, "above"),
}


def _read_choice(asked: Asked) -> Predicate:
    read = typed(_field_of(asked))
    value, was = read(asked.node), asked.table.maybe("from", read)
    if was == value:
        node = asked.table.node.entries["from"][1]
        raise RefusedError(node, "from must be another value than the one it changes to", stands_alone=True)
    return asked.predicate(value=value, was=was)


def _read_change(asked: Asked) -> Predicate:
    was = asked.table.maybe("from", typed(_field_of(asked)))
    if not flag(asked.node):
        raise RefusedError(asked.node, "takes only true; remove it, or write changes_to: VALUE")
    return asked.predicate(was=was)


DIRECTIONS = ("up", "down")
TAKES = ("highest", "each")
ONCE = ("per_threshold", "never")


def _read_crossing(asked: Asked) -> Predicate | None:
    read = asked.table.optional
    direction = read("direction", choice(DIRECTIONS), "up")
    takes, once = read("take", choice(TAKES), "highest"), read("once", choice(ONCE), "per_threshold")
    found: list[Any] = asked.scope.notes.each(typed(_field_of(asked)), asked.node, asked.key)
    if len(set(found)) < len(found):
        raise RefusedError(asked.node, "names a threshold twice; keep one of them")
    crossing = Crossing(
        tuple(sorted(found)), cast(Any, direction), takes == "highest", once == "per_threshold"
    )
    return asked.predicate(value=crossing) if _is_whole(asked.node, found) else None


DAY_COMPARISONS = ("equals", "below", "at_most", "above", "at_least", "between")


def _read_days(asked: Asked) -> Predicate | None:
    if not isinstance(asked.node, Mapping):
        raise RefusedError(
            asked.node, "takes a comparison of whole days such as {at_most: 90} or {equals: 90}"
        )
    otherwise = _otherwise(asked)
    table = asked.scope.notes.table(asked.node, DAY_COMPARISONS, "a comparison of days")
    chosen = table.one_of(DAY_COMPARISONS, "a comparison of days")
    if chosen is None or len(asked.node.entries) > 1 or (otherwise is None and "else_since" in asked.table):
        return None
    days = whole(-MOST_DAYS, MOST_DAYS)
    operator = cast(Any, chosen)
    node = asked.node.entries[chosen][1]
    if chosen != "between":
        return asked.predicate(value=Comparison(operator, days(node)), otherwise=otherwise)
    low, high = (days(each) for each in _pair(node))
    _in_ascending_order(node, low, high)
    return asked.predicate(value=Comparison(operator, low, high), otherwise=otherwise)


def _otherwise(asked: Asked) -> Field | None:
    """The date or instant that counts when the first has no value."""
    found = asked.table.maybe("else_since", asked.scope.field)
    if found is None:
        return None
    node = asked.table.node.entries["else_since"][1]
    if not found.type.is_temporal:
        raise RefusedError(
            node,
            f"else_since: {found.path} is {article(found.type)}, not a date or an instant",
            stands_alone=True,
        )
    if found == asked.field:
        raise RefusedError(
            node, f"else_since: {found.path} is the same field; name another", stands_alone=True
        )
    return found


def _read_event(asked: Asked) -> Predicate:
    return asked.predicate(event=text(asked.table.node.entries["event"][1]))


def _read_event_window(asked: Asked) -> Predicate | None:
    event = asked.table.maybe("event", text)
    window = longer_than_zero(asked.node)
    return asked.predicate(event=event, window=window) if event else None


def _read_event_since(asked: Asked) -> Predicate | None:
    event = asked.table.maybe("event", text)
    choice([RUN_START])(asked.node)
    return asked.predicate(event=event) if event else None


MOST_EVENTS = 10_000


def _read_event_count(asked: Asked) -> Predicate | None:
    event, count = asked.table.maybe("event", text), whole(1, MOST_EVENTS)(asked.node)
    window = _window(asked)
    return asked.predicate(event=event, value=Decimal(count), window=window) if event and window else None


def _window(asked: Asked) -> Duration | None:
    return asked.table.required("within", longer_than_zero, quote(asked.key))


def _read_shift(asked: Asked) -> Predicate | None:
    field, window = _field_of(asked), _window(asked)
    is_share = isinstance(asked.node, Scalar) and asked.node.text.strip().endswith("%")
    if is_share and field.type is FieldType.PERCENT:
        mend = "write the points as a plain number"
        raise RefusedError(asked.node, f"could be points or a part of {field.path}, a percent; {mend}")
    amount = percentage(asked.node) if is_share else number(asked.node)
    if amount <= 0:
        raise RefusedError(asked.node, "takes a number above 0")
    return asked.predicate(value=Shift(amount, is_share), window=window) if window else None


def _read_step_state(asked: Asked) -> Predicate | None:
    step = asked.table.maybe("step", asked.scope.step)
    state = choice(STEP_STATES)(asked.node)
    return asked.predicate(step=step, value=state) if step else None


def _read_step_outcome(asked: Asked) -> Predicate | None:
    step = asked.table.maybe("step", asked.scope.step)
    if step is None:
        return None
    outcomes = asked.scope.steps[step]
    if not outcomes:
        raise RefusedError(asked.node, f"step {quote(step)} has no task with outcomes; add some to it")
    return asked.predicate(step=step, value=choice(outcomes)(asked.node))


READERS: dict[Argument, Callable[[Asked], Predicate | None]] = {
    Argument.VALUE: _read_value,
    Argument.VALUES: _read_values,
    Argument.RANGE: _read_range,
    Argument.TEXT_PART: _read_text_part,
    Argument.PATTERN: _read_pattern,
    Argument.PRESENCE: _read_presence,
    Argument.THRESHOLD: _read_threshold,
    Argument.CHOICE: _read_choice,
    Argument.CHANGE: _read_change,
    Argument.CROSSING: _read_crossing,
    Argument.SHIFT: _read_shift,
    Argument.DAYS: _read_days,
    Argument.DAYS_SINCE: _read_days,
    Argument.EVENT_SINCE: _read_event_since,
    Argument.EVENT: _read_event,
    Argument.EVENT_WINDOW: _read_event_window,
    Argument.EVENT_COUNT: _read_event_count,
    Argument.STEP_STATE: _read_step_state,
    Argument.STEP_OUTCOME: _read_step_outcome,
}
