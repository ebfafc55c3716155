"""Operators that ask whether an event has happened, how long ago, and how often.

Of the events of a name those may be meant that carry something. Where it is unknown whether one is meant, an
answer is known only if it is the same either way.
"""

from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from engine.clock.zones import local_date
from engine.conditions.absence import once_seen
from engine.conditions.columns import Bounds, Columns, Expression, is_known, unasked
from engine.conditions.feed import FOREVER
from engine.conditions.form import LIMIT, clamp, constant_of, microseconds, single
from engine.conditions.operator_row import NO_FIELD, Argument, Operator, no_boundary, unanswered
from engine.conditions.tree import Predicate, Stream
from engine.conditions.view import View
from engine.conditions.wording import show_duration

_NEVER = LIMIT
"""The age of an event that never happened."""

_TICK = timedelta(microseconds=1)
"""The smallest step of time."""


def event() -> Operator:
    """The moment an event of a name happens."""
    return Operator(
        "event", Argument.EVENT, NO_FIELD, True, False,
        unanswered, lambda p, v: _last(p, v), unanswered, lambda p: single("==", 1), no_boundary,
        lambda p: f"event {_event_name(p)} happens{_where(p)}",
        lambda p, v: f"event {_event_name(p)} happened{_where(p)}", unasked,
    )  # fmt: skip


def event_within() -> Operator:
    """Whether an event of a name happened no longer ago than the window; false when there never was one."""

    def is_recent(predicate: Predicate, view: View, happened_at: datetime | None) -> bool:
        return happened_at is not None and view.now - happened_at <= _window(predicate)

    def evaluate(predicate: Predicate, view: View) -> bool | None:
        if is_recent(predicate, view, _last(predicate, view)):
            return True
        return None if is_recent(predicate, view, _last(predicate, view, surely=False)) else False

    def fact(predicate: Predicate, view: View) -> int | None:
        answer = evaluate(predicate, view)
        return None if answer is None else _age_of(_last(predicate, view, surely=answer), view, _NEVER)

    def actual(predicate: Predicate, view: View) -> datetime | None:
        last = _last(predicate, view, surely=evaluate(predicate, view) is True)
        return last if predicate.where is None or is_recent(predicate, view, last) else None

    def reason(predicate: Predicate, view: View) -> str:
        answer, last, within = evaluate(predicate, view), actual(predicate, view), _within(predicate)
        if predicate.where is None:
            return f"{_last_words(predicate, last, view)} ({'' if answer else 'not '}{within})"
        if answer is False:
            return f"no {_event_name(predicate)} event {within}{_where(predicate)}"
        return f"{_last_words(predicate, last, view, is_sure=answer is True)} ({within})"

    def narrow(predicate: Predicate, columns: Columns) -> Bounds:
        last, window = columns.nth_event(predicate.event or "", 1), _window(predicate)
        return _at_most((last >= columns.now - window).is_(True), last, predicate, columns)

    row = Operator(
        "event_within", Argument.EVENT_WINDOW, NO_FIELD, False, False,
        evaluate, actual, fact, lambda p: single("<=", constant_of(microseconds(_window(p)))),
        _end_of_window(_TICK),
        lambda p: f"event {_event_name(p)} happened {_within(p)}{_where(p)}", reason, narrow,
    )  # fmt: skip

    def proof(predicate: Predicate, view: View) -> datetime | None:
        if evaluate(predicate, view) is not False:
            return None
        return _over(predicate, _last(predicate, view, surely=False) or view.known_since())

    return once_seen(row, proof)


def _at_most(answer: Expression, last: Expression, predicate: Predicate, columns: Columns) -> Bounds:
    """What is known when so many events of the name give the answer; fewer of them may be meant.

    `last` is the one without which there would be too few.
    """
    if predicate.where is not None:
        return Bounds(columns.false, answer, columns.false, answer)
    end = columns.after(last, _window(predicate) + _TICK)
    return Bounds(answer, answer, columns.false, answer, turns_false=(end,))


def _over(predicate: Predicate, since: datetime | None) -> datetime | None:
    """The first instant at which the window that began with an event no longer holds it."""
    return None if since is None else since + _window(predicate) + _TICK


def event_absent_for() -> Operator:
    """Whether the last event is at least the window ago; unknown when there never was one."""

    def is_absent(predicate: Predicate, view: View, *, surely: bool) -> bool | None:
        last = _last(predicate, view, surely=surely)
        return None if last is None else view.now - last >= _window(predicate)

    def evaluate(predicate: Predicate, view: View) -> bool | None:
        answer = is_absent(predicate, view, surely=True)
        return answer if answer is is_absent(predicate, view, surely=False) else None

    def fact(predicate: Predicate, view: View) -> int | None:
        known = evaluate(predicate, view) is not None
        return _age_of(_last(predicate, view), view, None) if known else None

    def reason(predicate: Predicate, view: View) -> str:
        answer, last = evaluate(predicate, view), _last(predicate, view)
        maybe = _last(predicate, view, surely=False)
        if answer is None and maybe != last:
            return _last_words(predicate, maybe, view, is_sure=False)
        if last is None or not answer:
            note = "" if last is None else f" (less than {_window_words(predicate)} ago)"
            return _last_words(predicate, last, view) + note
        day, where = local_date(last, view.zone), _where(predicate)
        return f"no {_event_name(predicate)} event{where} since {day} ({_window_words(predicate)} or more)"

    def narrow(predicate: Predicate, columns: Columns) -> Bounds:
        last, window = columns.nth_event(predicate.event or "", 1), _window(predicate)
        answer = last <= columns.now - window
        if predicate.where is not None:
            low, high = answer & columns.unknown, is_known(last)
            return Bounds(low, high, low, high)
        return Bounds(answer, answer, answer, is_known(last), turns_true=(columns.after(last, window),))

    def proof(predicate: Predicate, view: View) -> datetime | None:
        last = _last(predicate, view, surely=False)
        return last + _window(predicate) if last and evaluate(predicate, view) else None

    row = Operator(
        "event_absent_for", Argument.EVENT_WINDOW, NO_FIELD, False, False,
        evaluate, lambda p, v: _last(p, v), fact,
        lambda p: single(">=", constant_of(microseconds(_window(p)))), _end_of_window(timedelta(0)),
        lambda p: f"no {_event_name(p)} event{_where(p)} for {_window_words(p)}", reason, narrow,
    )  # fmt: skip
    return once_seen(row, proof)


def event_since() -> Operator:
    """Whether an event of a name happened after the run started; its very instant does not count."""

    def evaluate(predicate: Predicate, view: View) -> bool | None:
        if view.started_at is None:
            return None
        if _is_after(_last(predicate, view), view.started_at):
            return True
        return None if _is_after(_last(predicate, view, surely=False), view.started_at) else False

    def fact(predicate: Predicate, view: View) -> int | None:
        answer = evaluate(predicate, view)
        return None if answer is None else int(answer)

    def actual(predicate: Predicate, view: View) -> datetime | None:
        answer = evaluate(predicate, view)
        last = _last(predicate, view, surely=answer is True)
        return None if predicate.where is not None and answer is False else last

    def reason(predicate: Predicate, view: View) -> str:
        answer, since = evaluate(predicate, view), "since the run started"
        if predicate.where is not None and not answer and view.started_at is None:
            return "no run has started"
        if predicate.where is not None and answer is False:
            return f"no {_event_name(predicate)} event {since}{_where(predicate)}"
        is_sure = predicate.where is None or answer is True
        denied = "" if answer or not is_sure else "not "
        return f"{_last_words(predicate, actual(predicate, view), view, is_sure=is_sure)} ({denied}{since})"

    row = Operator(
        "event_since", Argument.EVENT_SINCE, NO_FIELD, False, False,
        evaluate, actual, fact, lambda p: single("==", 1), no_boundary,
        lambda p: f"event {_event_name(p)} happened since the run started{_where(p)}", reason, unasked,
    )  # fmt: skip
    return once_seen(row, lambda p, v: FOREVER if evaluate(p, v) is False else None)


def _is_after(happened_at: datetime | None, started_at: datetime) -> bool:
    return happened_at is not None and happened_at > started_at


def event_at_least() -> Operator:
    """Whether at least so many events of a name happened within the window."""

    def number(predicate: Predicate, view: View, *, surely: bool = True) -> int:
        times = _times(predicate, view, surely=surely)
        return len(times) - bisect_left(times, view.now - _window(predicate))

    def evaluate(predicate: Predicate, view: View) -> bool | None:
        if number(predicate, view) >= _least(predicate):
            return True
        return None if number(predicate, view, surely=False) >= _least(predicate) else False

    def fact(predicate: Predicate, view: View) -> int | None:
        answer = evaluate(predicate, view)
        return None if answer is None else number(predicate, view, surely=answer)

    def counted(predicate: Predicate, view: View) -> str:
        surely, most = number(predicate, view), number(predicate, view, surely=False)
        return f"{surely}" if surely == most else f"{surely} to {most}"

    def actual(predicate: Predicate, view: View) -> Decimal | str:
        found = counted(predicate, view)
        return Decimal(found) if found.isdecimal() else found

    def boundary(predicate: Predicate, view: View) -> datetime | None:
        answer = evaluate(predicate, view)
        if answer is False:
            return None
        return _over(predicate, _times(predicate, view, surely=answer is True)[-_least(predicate)])

    def reason(predicate: Predicate, view: View) -> str:
        answer, found = evaluate(predicate, view), counted(predicate, view)
        noun = "event" if found == "1" else "events"
        said = f"{found} {_event_name(predicate)} {noun} {_within(predicate)}{_where(predicate)}"
        return said if answer is None else f"{said} ({'' if answer else 'not '}at least {_least(predicate)})"

    def narrow(predicate: Predicate, columns: Columns) -> Bounds:
        first = columns.nth_event(predicate.event or "", _least(predicate))
        return _at_most((first >= columns.now - _window(predicate)).is_(True), first, predicate, columns)

    def proof(predicate: Predicate, view: View) -> datetime | None:
        if evaluate(predicate, view) is not False:
            return None
        times, least = _times(predicate, view, surely=False), _least(predicate)
        return _over(predicate, times[-least] if len(times) >= least else view.known_since())

    row = Operator(
        "event_at_least", Argument.EVENT_COUNT, NO_FIELD, False, False,
        evaluate, actual, fact, lambda p: single(">=", _least(p)), boundary,
        lambda p: f"event {_event_name(p)} happened at least {_times_words(p)} {_within(p)}{_where(p)}",
        reason, narrow,
    )  # fmt: skip
    return once_seen(row, proof)


def _stream(predicate: Predicate) -> Stream:
    assert predicate.stream is not None
    return predicate.stream


def _last(predicate: Predicate, view: View, *, surely: bool = True) -> datetime | None:
    return view.last_event(_stream(predicate), surely=surely)


def _times(predicate: Predicate, view: View, *, surely: bool) -> list[datetime]:
    return view.event_times(_stream(predicate), surely=surely)


def _age_of(last: datetime | None, view: View, never: int | None) -> int | None:
    """Microseconds since the event."""
    return never if last is None else clamp(microseconds(view.now - last))


def _window(predicate: Predicate) -> timedelta:
    assert predicate.window is not None
    return predicate.window.elapsed


def _end_of_window(after: timedelta) -> Callable[[Predicate, View], datetime | None]:
    """The instant `after` the window that the last event opened has passed, if that is still to come.

    Where it is unknown which event that is, the earliest of them.
    """

    def boundary(predicate: Predicate, view: View) -> datetime | None:
        lasts = (_last(predicate, view, surely=surely) for surely in (True, False))
        ends = (each + _window(predicate) + after for each in lasts if each is not None)
        return min((each for each in ends if each > view.now), default=None)

    return boundary


def _least(predicate: Predicate) -> int:
    assert isinstance(predicate.value, Decimal)
    return int(predicate.value)


def _times_words(predicate: Predicate) -> str:
    return "once" if _least(predicate) == 1 else f"{_least(predicate)} times"


def _event_name(predicate: Predicate) -> str:
    return (predicate.event or "").replace("_", " ")


def _where(predicate: Predicate) -> str:
    return f" where {predicate.where_words}" if predicate.where_words else ""


def _within(predicate: Predicate) -> str:
    return f"within {_window_words(predicate)}"


def _window_words(predicate: Predicate) -> str:
    return "" if predicate.window is None else show_duration(predicate.window)


def _last_words(predicate: Predicate, last: datetime | None, view: View, *, is_sure: bool = True) -> str:
    name, where = _event_name(predicate), _where(predicate)
    if last is None:
        return f"no {name} event{where} yet"
    day = local_date(last, view.zone)
    if not is_sure:
        return f"last {name} event that may count on {day}, unknown whether it is one{where}"
    return f"last {name} event{where} on {day}"
