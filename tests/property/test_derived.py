"""Counts and sums answer as an oracle does that tries everything that may be so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from engine.clock.durations import Duration
from engine.conditions.catalogue import BUILT_IN, Field, FieldType, Kind
from engine.conditions.evaluate import evaluate, next_boundary
from engine.conditions.tree import Derived, Group, Predicate
from engine.fold.view import BookView
from engine.state.book import Book
from engine.state.flow import Flow

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
CSAT, STATUS = BUILT_IN.get("ticket.csat"), BUILT_IN.get("ticket.status")
ESCALATED = BUILT_IN.get("ticket.escalated")
OPEN = Predicate("equals", "", field=STATUS, value="open")
HOT = Predicate("equals", "", field=ESCALATED, value=True)
WHERES = {
    "everyone": None,
    "open": OPEN,
    "open and hot": Group("all", (OPEN, HOT), ""),
    "open or hot": Group("any", (OPEN, HOT), ""),
    "neither": Group("none", (OPEN, HOT), ""),
}
FAR = Decimal(10) ** 9
"""Stands for an amount of which nothing is known, in either direction."""

tickets = st.fixed_dictionaries(
    {
        "csat": st.sampled_from([None, -2, 0, 1, 3]),
        "status": st.sampled_from([None, "open", "closed"]),
        "escalated": st.sampled_from([None, True, False]),
    }
)
comparisons = st.one_of(
    st.tuples(
        st.sampled_from(["equals", "not_equals", "below", "at_most", "above", "at_least"]), st.integers(0, 4)
    ),
    st.tuples(
        st.sampled_from(["in", "not_in", "between"]),
        st.lists(st.integers(0, 4), min_size=2, max_size=2, unique=True).map(sorted).map(tuple),
    ),
)
ASKED: dict[str, Any] = {
    "equals": lambda number, wanted: number == wanted,
    "not_equals": lambda number, wanted: number != wanted,
    "below": lambda number, wanted: number < wanted,
    "at_most": lambda number, wanted: number <= wanted,
    "above": lambda number, wanted: number > wanted,
    "at_least": lambda number, wanted: number >= wanted,
    "in": lambda number, wanted: number in wanted,
    "not_in": lambda number, wanted: number not in wanted,
    "between": lambda number, wanted: wanted[0] <= number <= wanted[1],
}


def counts(where: str, ticket: dict[str, Any]) -> set[bool]:
    """Whether the ticket counts, for all that its missing values may be."""
    statuses = ["open", "closed"] if ticket["status"] is None else [ticket["status"]]
    flags = [True, False] if ticket["escalated"] is None else [ticket["escalated"]]
    found = set()
    for status, flag in product(statuses, flags):
        is_open, is_hot = status == "open", flag
        found.add(
            {
                "everyone": True,
                "open": is_open,
                "open and hot": is_open and is_hot,
                "open or hot": is_open or is_hot,
                "neither": not is_open and not is_hot,
            }[where]
        )
    return found


def view(seen: list[dict[str, Any]], times: list[datetime] | None = None, now: datetime = NOW) -> BookView:
    """What an account with these tickets and logins sees."""
    values = {
        f"t{number}": {
            name: Decimal(each) if name == "csat" else each
            for name, each in ticket.items()
            if each is not None
        }
        for number, ticket in enumerate(seen)
    }
    book = Book("acme", {Kind.ACCOUNT: {"acme": {}}, Kind.TICKET: values})
    for each in times or []:
        book.happen("login", each, None)
    return BookView(book, Kind.ACCOUNT, "acme", now, ZoneInfo("UTC"))


def question(derived: Derived, operator: str, wanted: Any) -> Predicate:
    """The comparison as the parser would build it."""
    value = tuple(map(Decimal, wanted)) if isinstance(wanted, tuple) else Decimal(wanted)
    return Predicate(operator, "when", derived=derived, value=value)


def agreed(answers: set[bool]) -> bool | None:
    """What all say, or unknown."""
    return answers.pop() if len(answers) == 1 else None


@given(st.sampled_from(sorted(WHERES)), st.lists(tickets, max_size=5), comparisons)
def test_count_answers_as_everything_that_may_be_so(
    where: str, seen: list[dict[str, Any]], asked: tuple[str, Any]
) -> None:
    """It is true, or false, exactly when the comparison is for every way in which the unknown may be."""
    operator, wanted = asked
    ways = product(*(sorted(counts(where, each)) for each in seen))
    expected = agreed({ASKED[operator](sum(way), wanted) for way in ways})
    predicate = question(Derived(Kind.TICKET, WHERES[where]), operator, wanted)
    assert evaluate(predicate, view(seen)) is expected


@given(st.sampled_from(sorted(WHERES)), st.lists(tickets, max_size=5), comparisons)
def test_sum_is_never_surer_than_what_may_be_so(
    where: str, seen: list[dict[str, Any]], asked: tuple[str, Any]
) -> None:
    """An answer is the one of every way; and where nothing is unknown, there is one."""
    operator, wanted = asked
    options = [
        [
            (Decimal(each["csat"]) if each["csat"] is not None else amount) if is_in else Decimal(0)
            for is_in in counts(where, each)
            for amount in (-FAR, Decimal(0), Decimal(1), FAR)
        ]
        for each in seen
    ]
    expected = agreed({ASKED[operator](sum(way), wanted) for way in product(*map(set, options))})
    predicate = question(Derived(Kind.TICKET, WHERES[where], CSAT), operator, wanted)
    answer = evaluate(predicate, view(seen))
    assert answer is None or answer is expected
    if all(len(set(each)) == 1 for each in options):
        assert answer is expected


@given(st.lists(st.integers(-8 * 24, 0), max_size=6), comparisons)
def test_count_of_events_turns_when_it_says(hours: list[int], asked: tuple[str, Any]) -> None:
    """The answer is that of counting, and holds until just before the boundary it names."""
    operator, wanted = asked
    times = sorted(NOW + timedelta(hours=each) for each in hours)
    predicate = question(Derived(event="login", window=Duration(5, "d")), operator, wanted)

    def counted(now: datetime) -> bool:
        return bool(ASKED[operator](sum(now - 5 * DAY <= each <= now for each in times), wanted))

    now = view([], times)
    assert evaluate(predicate, now) is counted(NOW)
    boundary = next_boundary(predicate, now)
    ends = [each + 5 * DAY + TICK for each in times if each + 5 * DAY >= NOW]
    turns = [each for each in ends if counted(each) is not counted(NOW)]
    assert boundary == (min(turns) if turns else None)
    if boundary is not None:
        assert evaluate(predicate, view([], times, boundary)) is counted(boundary)


PLAN, PAID = Field(Kind.EVENT, "plan", FieldType.TEXT), Field(Kind.EVENT, "paid", FieldType.FLAG)
AMOUNT = Field(Kind.EVENT, "amount", FieldType.NUMBER)
IS_TRIAL, IS_PAID = (
    Predicate("equals", "", field=PLAN, value="trial"),
    Predicate("equals", "", field=PAID, value=True),
)
WHICH: dict[str, Any] = {
    "everyone": None,
    "open": IS_TRIAL,
    "open and hot": Group("all", (IS_TRIAL, IS_PAID), ""),
    "open or hot": Group("any", (IS_TRIAL, IS_PAID), ""),
    "neither": Group("none", (IS_TRIAL, IS_PAID), ""),
}
"""Over a trial for an open ticket, and a payment for a hot one."""

logins = st.fixed_dictionaries(
    {
        "hours": st.integers(-8 * 24, 0),
        "plan": st.sampled_from([None, "trial", "trial", "pro", 3, ["trial"]]),
        "paid": st.sampled_from([None, True, False, "true", 1]),
        "amount": st.sampled_from([None, -2, 0, 0.5, 1, 3, "3", True, float("inf")]),
    }
)


def as_ticket(login: dict[str, Any]) -> dict[str, Any]:
    """The login as a ticket of which the same is known."""
    plan, paid = login["plan"], login["paid"]
    status = {"trial": "open", "pro": "closed"}.get(plan) if isinstance(plan, str) else None
    return {"status": status, "escalated": paid if isinstance(paid, bool) else None}


def ways(where: str, login: dict[str, Any], *, is_sum: bool) -> set[Decimal]:
    """What the login may add."""
    amounts = [Decimal(1)]
    if is_sum:
        said, is_flag = login["amount"], isinstance(login["amount"], bool)
        is_known = isinstance(said, int | float) and not is_flag and said != float("inf")
        amounts = [Decimal(str(said))] if is_known else [-FAR, Decimal(0), Decimal(1), FAR]
    return {each if is_in else Decimal(0) for is_in in counts(where, as_ticket(login)) for each in amounts}


def seeing(derived: Derived, told: list[dict[str, Any]], now: datetime = NOW) -> BookView:
    """What an account with these logins sees."""
    seen = view([], now=now)
    assert derived.stream is not None
    seen.book.flows[derived.stream] = Flow(derived.stream)
    for each in told:
        at = NOW + timedelta(hours=each["hours"])
        seen.book.happen("login", at, {name: each[name] for name in each if each[name] is not None})
    return seen


@given(st.sampled_from(sorted(WHICH)), st.booleans(), st.lists(logins, max_size=4), comparisons)
def test_events_answer_as_everything_that_they_may_carry(
    where: str, is_sum: bool, told: list[dict[str, Any]], asked: tuple[str, Any]
) -> None:
    """It is answered when every way in which the unknown may be answers alike, and so until it turns."""
    operator, wanted = asked
    summed = AMOUNT if is_sum else None
    derived = Derived(where=WHICH[where], summed=summed, event="login", window=Duration(5, "d"))
    predicate = question(derived, operator, wanted)

    def expected(now: datetime) -> bool | None:
        inside = [each for each in told if now - 5 * DAY <= NOW + timedelta(hours=each["hours"])]
        options = product(*(sorted(ways(where, each, is_sum=is_sum)) for each in inside))
        return agreed({ASKED[operator](sum(way), wanted) for way in options})

    seen = seeing(derived, told)
    answer = evaluate(predicate, seen)
    assert answer is None or answer is expected(NOW)
    if not is_sum:
        assert answer is expected(NOW)
    boundary = next_boundary(predicate, seen)
    leaving = sorted({NOW + timedelta(hours=each["hours"]) + 5 * DAY + TICK for each in told})
    before = [each for each in leaving if each > NOW and (boundary is None or each < boundary)]
    for each in before:
        assert evaluate(predicate, replace(seen, now=each)) is answer
    if boundary is not None:
        assert evaluate(predicate, seeing(derived, told, boundary)) is not answer
