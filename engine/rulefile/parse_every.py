"""`every`: what the calendar starts, once in each period."""

from collections.abc import Mapping

from engine.clock.durations import Duration
from engine.clock.periods import DayOfPeriod, Period
from engine.conditions.catalogue import Field, Kind
from engine.rulefile.asked import Place
from engine.rulefile.model import Every
from engine.rulefile.notes import RefusedError, Table
from engine.rulefile.parse_conditions import read_condition
from engine.rulefile.parse_values import article, choice, duration, text, whole
from engine.rulefile.scope import Scope
from engine.rulefile.source import Node

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1}
_BUSINESS_DAYS = {f"{word} business day": DayOfPeriod(n, True) for word, n in _ORDINALS.items()}
_ENDS = {f"{word} day": DayOfPeriod(_ORDINALS[word]) for word in ("first", "last")}
SPREAD_UNITS = ("d", "w", "bd")

EVERY_KEYS = (*Period, "spread", "if")


def day_names(period: Period) -> Mapping[str, DayOfPeriod]:
    """The words that name a day of such a period."""
    if period is not Period.WEEK:
        return {**_BUSINESS_DAYS, **_ENDS}
    return {**{name: DayOfPeriod(n) for n, name in enumerate(WEEKDAYS, 1)}, **_BUSINESS_DAYS}


def longest_spread(period: Period, unit: str) -> int:
    """The largest amount of a spread in this unit: no account may be a whole period behind another."""
    weeks = period.shortest.days // 7
    return {"d": period.shortest.days, "w": weeks, "bd": weeks * 5 if period.months < 3 else weeks * 4}[unit]


def read_every(node: Node, scope: Scope) -> Every | None:
    """The trigger at `node`; None when something in it had to be noted."""
    table = scope.notes.table(node, EVERY_KEYS, "a calendar trigger")
    key = table.one_of(tuple(Period), "a calendar trigger")
    condition = table.maybe("if", lambda each: read_condition(each, scope, Place("every.if")))
    if key is None:
        return None
    period = Period(key)
    day = table.maybe(key, lambda each: _day(each, period, scope))
    spread = table.maybe("spread", lambda each: _spread(each, period))
    return Every(period, day, spread, condition) if day is not None else None


def _day(node: Node, period: Period, scope: Scope) -> DayOfPeriod | Field:
    written = text(node)
    if period.months and "." in written:
        return _date_field(node, scope)
    if period.months and not written[:1].isalpha():
        return DayOfPeriod(whole(1, period.longest_days)(node))
    names = day_names(period)
    return names[choice(names)(node)]


def _date_field(node: Node, scope: Scope) -> Field:
    found = scope.field(node)
    if not found.type.is_temporal or found.kind is Kind.METRIC:
        raise RefusedError(node, f"{found.path} is {article(found.type)}; name a date that comes round")
    return found


def _spread(node: Node, period: Period) -> Duration:
    found = duration(node)
    if found.unit not in SPREAD_UNITS or not found.amount:
        raise RefusedError(node, f"{found} is no number of days; write 10d, 2w or 10bd")
    most = longest_spread(period, found.unit)
    if found.amount > most:
        whole_one = period.replace("_", "-")
        raise RefusedError(node, f"{found} is too wide for a {whole_one}; {most}{found.unit} is the most")
    return found


def note_every(table: Table) -> None:
    """Note what does not go with a calendar trigger, or goes badly."""
    if "every" not in table:
        return
    for key in ("run_per", "group_by"):
        if key in table:
            message = f"{key}: cannot stand beside every, which starts one run a period; remove one"
            table.notes.add(table.key(key), message)
    if "guard" not in table:
        message = (
            "every: starts its whole audience within hours, and the guard of the settings may hold that; "
            'say in "guard:" how many starts are right'
        )
        table.notes.add(table.key("every"), message, "warning")
