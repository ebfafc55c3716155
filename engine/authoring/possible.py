"""Whether a condition can ever hold, as far as that follows from the condition alone.

Sure when it says no. What depends on more than single values (two fields compared, texts that match) counts
as possible.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations, islice
from typing import Any, TypeAlias

from engine.conditions.catalogue import Field, FieldType, Kind
from engine.conditions.operators import OPERATORS
from engine.conditions.tree import Comparison, Condition, Derived, Group, Predicate
from engine.rulefile.parse_arguments import STEP_STATES

Claim: TypeAlias = tuple[Condition, bool]
"""A condition, and the verdict it is to have."""
Literal: TypeAlias = tuple[Predicate, bool]

MOST_WORK = 50_000
"""Predicates looked at; a condition that would take more counts as possible."""

MOST_PAIRS = 20_000
"""Pairs looked at to name the two that exclude each other."""


def conflict(claims: Iterable[Claim]) -> str | None:
    """Why the claims can never be met together, in words; None when they can, or may."""
    given = list(claims)
    literals, choices = _split(given)
    if _search(literals, choices, _Budget()):
        return None
    for pair in islice(combinations(literals, 2), MOST_PAIRS):
        if not _is_consistent(pair):
            return f"{_said(pair[0])} excludes {_said(pair[1])}"
    if not choices and len(literals) == 1:
        return f"{_said(literals[0])} is never so"
    return "its parts exclude one another"


def _said(literal: Literal) -> str:
    predicate, is_true = literal
    return f'{"" if is_true else "not "}"{OPERATORS[predicate.operator].words(predicate)}"'


@dataclass(slots=True)
class _Budget:
    left: int = MOST_WORK


def _split(claims: Sequence[Claim]) -> tuple[list[Literal], list[list[Claim]]]:
    """What must be so at once, and the choices of which one must be."""
    literals: list[Literal] = []
    choices: list[list[Claim]] = []
    pending = list(reversed(claims))
    while pending:
        condition, is_true = pending.pop()
        if isinstance(condition, Predicate):
            literals.append((condition, is_true))
            continue
        members = [(each, is_true is not (condition.kind == "none")) for each in condition.members]
        if is_true is (condition.kind != "any"):
            pending += reversed(members)
        else:
            choices.append(members)
    return literals, choices


def _search(literals: list[Literal], choices: list[list[Claim]], budget: _Budget) -> bool:
    budget.left -= 1 + len(literals) + len(choices)
    if budget.left < 0:
        return True
    if not _is_consistent(literals):
        return False
    if not choices:
        return True
    first, *rest = choices
    for alternative in first:
        more, further = _split([alternative])
        if _search(literals + more, rest + further, budget):
            return True
    return False


@dataclass(slots=True)
class _Range:
    """What is left of the values that one field, share, count of days or age can have."""

    low: Any = None
    is_low_open: bool = False
    high: Any = None
    is_high_open: bool = False
    allowed: set[Any] | None = None
    excluded: set[Any] = field(default_factory=set)
    present: set[bool] = field(default_factory=set)
    types: set[FieldType] = field(default_factory=set)
    """As which what an event carries is asked about; it is only one of them."""
    is_never: bool = False

    def at_least(self, bound: Any, is_open: bool = False) -> None:
        if self.low is None or bound > self.low or (bound == self.low and is_open):
            self.low, self.is_low_open = bound, is_open

    def at_most(self, bound: Any, is_open: bool = False) -> None:
        if self.high is None or bound < self.high or (bound == self.high and is_open):
            self.high, self.is_high_open = bound, is_open

    def only(self, values: Iterable[Any]) -> None:
        self.allowed = set(values) if self.allowed is None else self.allowed & set(values)

    @property
    def is_empty(self) -> bool:
        if self.is_never or len(self.present) == 2 or len(self.types) > 1:
            return True
        if False in self.present:
            return False
        if self.allowed is not None:
            return not any(map(self._holds, self.allowed))
        if self.low is None or self.high is None:
            return False
        if self.low == self.high:
            return self.is_low_open or self.is_high_open or self.low in self.excluded
        return bool(self.low > self.high)

    def _holds(self, value: Any) -> bool:
        if value in self.excluded:
            return False
        above = self.low is None or value > self.low or (value == self.low and not self.is_low_open)
        below = self.high is None or value < self.high or (value == self.high and not self.is_high_open)
        return bool(above and below)


def _is_consistent(literals: Iterable[Literal]) -> bool:
    ranges: dict[tuple[str, ...], _Range] = {}
    for predicate, is_true in literals:
        _narrow(ranges, predicate, is_true)
    return not any(each.is_empty for each in ranges.values())


def _narrow(ranges: dict[tuple[str, ...], _Range], predicate: Predicate, is_true: bool) -> None:
    """Take away what the literal rules out."""
    if predicate.event is not None:
        key = ("event", predicate.event, repr(predicate.where) if predicate.where is not None else "")
        _narrow_age(ranges.setdefault(key, _Range()), predicate, is_true)
    elif predicate.step is not None:
        states = set(STEP_STATES) if predicate.operator == "step_is" else None
        found = ranges.setdefault((predicate.operator, predicate.step), _Range(allowed=states))
        _compare(found, "equals", predicate.value, is_true)
    elif predicate.derived is not None:
        _narrow_derived(ranges, predicate, predicate.derived, is_true)
    elif predicate.field is not None:
        own = ranges.setdefault(("field", predicate.field.path), _of_field(predicate.field))
        _narrow_field(ranges, own, predicate, predicate.field, is_true)


def _narrow_derived(
    ranges: dict[tuple[str, ...], _Range], predicate: Predicate, derived: Derived, is_true: bool
) -> None:
    """A count is never below zero; nor is what cannot be met by anyone counted by it above."""
    if predicate.of is not None:
        found = ranges.setdefault(("share", derived.path, predicate.of.path), _Range())
    else:
        found = ranges.setdefault(("derived", derived.path), _Range())
        if derived.is_count:
            found.at_least(Decimal(0))
        if derived.where is not None and conflict([(derived.where, True)]):
            found.only([Decimal(0)])
    _compare(found, predicate.operator, predicate.value, is_true)


def _of_field(about: Field) -> _Range:
    if about.type is FieldType.ENUM:
        return _Range(allowed=set(about.choices))
    return _Range(allowed={True, False}) if about.type is FieldType.FLAG else _Range()


def _narrow_field(
    ranges: dict[tuple[str, ...], _Range], own: _Range, predicate: Predicate, about: Field, is_true: bool
) -> None:
    if predicate.operator in ("is_set", "is_missing"):
        own.present.add(is_true is (predicate.operator == "is_set"))
        return
    is_past = OPERATORS[predicate.operator].is_moment or predicate.operator == "changed_within"
    if is_past or predicate.otherwise is not None:
        return
    own.present.add(True)
    if about.kind is Kind.EVENT:
        own.types.add(about.type)
    if predicate.of is not None:
        own = ranges.setdefault(("share", about.path, predicate.of.path), _Range())
    if isinstance(predicate.value, Comparison):
        days = ranges.setdefault(("days", about.path), _Range())
        _narrow_days(days, predicate.operator, predicate.value, is_true)
    elif predicate.operator in _THRESHOLDS:
        end = predicate.recovers_at if is_true and predicate.recovers_at is not None else predicate.value
        _compare(own, _THRESHOLDS[predicate.operator], end, is_true)
    else:
        _compare(own, predicate.operator, predicate.value, is_true)


_THRESHOLDS = {"drops_below": "below", "rises_above": "above"}
"""While a threshold holds, the value has not recovered; while it does not, the value has not passed it."""


def _compare(found: _Range, operator: str, value: Any, is_true: bool) -> None:
    if operator in ("not_equals", "not_in"):
        operator, is_true = {"not_equals": "equals", "not_in": "in"}[operator], not is_true
    values = value if operator == "in" else (value,)
    match operator, is_true:
        case (("equals" | "in"), True):
            found.only(values)
        case (("equals" | "in"), False):
            found.excluded.update(values)
        case "between", True:
            found.at_least(value[0])
            found.at_most(value[1])
        case ("below", True) | ("at_least", False):
            found.at_most(value, is_open=True)
        case ("at_most", True) | ("above", False):
            found.at_most(value)
        case ("above", True) | ("at_most", False):
            found.at_least(value, is_open=True)
        case ("at_least", True) | ("below", False):
            found.at_least(value)


def _narrow_days(found: _Range, operator: str, wanted: Comparison, is_true: bool) -> None:
    """Whole days ahead; days since a date are so many days behind."""
    low, high = wanted.low, wanted.low if wanted.high is None else wanted.high
    by_operator: dict[str, tuple[int | None, int | None]] = {
        "equals": (low, low),
        "between": (low, high),
        "below": (None, low - 1),
        "at_most": (None, low),
        "above": (low + 1, None),
        "at_least": (low, None),
    }
    first, last = by_operator[wanted.operator]
    if not is_true:
        if first is not None and last is not None:
            return
        first, last = (
            (last + 1, None) if last is not None else (None, first - 1 if first is not None else None)
        )
    if operator == "days_since":
        first, last = (None if last is None else -last), (None if first is None else -first)
    if first is not None:
        found.at_least(first)
    if last is not None:
        found.at_most(last)


def _narrow_age(found: _Range, predicate: Predicate, is_true: bool) -> None:
    """The age of the last event; one that never happened is older than any window.

    Of those that no event can be, it is false that one happened, and unknown for how long there was none.
    """
    if predicate.where is not None and conflict([(predicate.where, True)]):
        found.is_never |= is_true or predicate.operator == "event_absent_for"
    if predicate.window is None:
        return
    if predicate.operator == "event_at_least" and not is_true:
        return
    operator = "at_least" if predicate.operator == "event_absent_for" else "at_most"
    _compare(found, operator, predicate.window.elapsed, is_true)


def conjuncts(condition: Condition) -> list[Condition]:
    """The conditions that must all be true for this one to be."""
    if isinstance(condition, Group) and condition.kind == "all":
        return [one for member in condition.members for one in conjuncts(member)]
    return [condition]
