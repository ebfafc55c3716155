"""Every operator at its edges."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.clock.durations import parse_duration
from engine.conditions.catalogue import BUILT_IN, FieldType
from engine.conditions.operators import OPERATORS, Argument
from engine.conditions.tree import Comparison, Crossing, Predicate, Stream
from engine.match.synthetic import SyntheticView

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def ask(operator: str, path: str, value: Any = None, **parts: Any) -> Predicate:
    """A predicate about a built-in field."""
    return Predicate(operator, "when", field=BUILT_IN.get(path), value=value, **parts)


def seeing(**values: Any) -> SyntheticView:
    """A view of account fields at NOW in UTC."""
    return SyntheticView(now=NOW, values={f"account.{name}": value for name, value in values.items()})


def verdict(predicate: Predicate, view: SyntheticView) -> bool | None:
    """The reference answer."""
    return OPERATORS[predicate.operator].evaluate(predicate, view)


@pytest.mark.parametrize(
    ("operator", "at_39", "at_40", "at_41"),
    [
        ("equals", False, True, False),
        ("not_equals", True, False, True),
        ("below", True, False, False),
        ("at_most", True, True, False),
        ("above", False, False, True),
        ("at_least", False, True, True),
    ],
)
def test_comparison_at_its_edge(operator: str, at_39: bool, at_40: bool, at_41: bool) -> None:
    """Each comparison holds on its own side, and an end belongs where its name says."""
    predicate = ask(operator, "account.health", Decimal(40))
    found = [verdict(predicate, seeing(health=Decimal(each))) for each in ("39.999999", "40", "40.000001")]
    assert found == [at_39, at_40, at_41]
    assert verdict(predicate, seeing()) is None


@pytest.mark.parametrize(
    ("operator", "path", "wanted", "actual", "expected"),
    [
        ("equals", "account.segment", "high_touch", "high_touch", True),
        ("equals", "account.segment", "high_touch", "High_touch", False),
        ("not_equals", "account.plan", "pro", "pro ", True),
        ("equals", "account.strategic", True, False, False),
        ("equals", "account.strategic", False, False, True),
        ("equals", "account.renews_on", date(2026, 4, 1), date(2026, 4, 1), True),
        ("below", "account.renews_on", date(2026, 4, 1), date(2026, 3, 31), True),
        ("at_least", "account.last_touch_at", NOW, NOW - TICK, False),
        ("at_least", "account.last_touch_at", NOW, NOW, True),
        ("in", "account.segment", ("high_touch", "low_touch"), "low_touch", True),
        ("in", "account.segment", ("high_touch", "low_touch"), "tech_touch", False),
        ("not_in", "account.segment", ("high_touch", "low_touch"), "tech_touch", True),
        ("not_in", "account.segment", ("high_touch", "low_touch"), "low_touch", False),
        ("in", "account.seats", (Decimal(1), Decimal(2)), Decimal("2.00"), True),
        ("between", "account.health", (Decimal(30), Decimal(40)), Decimal(30), True),
        ("between", "account.health", (Decimal(30), Decimal(40)), Decimal(40), True),
        ("between", "account.health", (Decimal(30), Decimal(40)), Decimal("29.999999"), False),
        ("between", "account.health", (Decimal(30), Decimal(40)), Decimal("40.000001"), False),
        ("between", "account.renews_on", (date(2026, 1, 1), date(2026, 1, 2)), date(2026, 1, 2), True),
    ],
)
def test_value_operator_on_each_type(
    operator: str, path: str, wanted: Any, actual: Any, expected: bool
) -> None:
    """Values are compared as what they are; text exactly."""
    predicate = ask(operator, path, wanted)
    name = path.removeprefix("account.")
    assert verdict(predicate, seeing(**{name: actual})) is expected
    assert verdict(predicate, seeing()) is None


@pytest.mark.parametrize(
    ("operator", "when_set", "when_missing"), [("is_set", True, False), ("is_missing", False, True)]
)
def test_presence_is_never_unknown(operator: str, when_set: bool, when_missing: bool) -> None:
    """Whether a value is there is always known, and a false flag or a zero is there."""
    assert verdict(ask(operator, "account.strategic"), seeing(strategic=False)) is when_set
    assert verdict(ask(operator, "account.health"), seeing(health=Decimal(0))) is when_set
    assert verdict(ask(operator, "account.health"), seeing()) is when_missing


@pytest.mark.parametrize(
    ("operator", "usage", "limit", "expected"),
    [
        ("at_least", "79.999999", "100", False),
        ("at_least", "80", "100", True),
        ("above", "80", "100", False),
        ("below", "0.000079", "0.000100", True),
        ("equals", "0.8", "1", True),
        ("at_most", "800000000000", "999999999999.999999", False),
        ("at_most", "799999999999.999999", "999999999999.999999", True),
        ("at_least", "80", "0", None),
        ("at_least", "80", None, None),
        ("at_least", None, "100", None),
    ],
)
def test_percentage_of_another_field_is_exact(
    operator: str, usage: str | None, limit: str | None, expected: bool | None
) -> None:
    """A share is compared without rounding; of nothing, or of something missing, it is unknown."""
    predicate = ask(operator, "account.usage", Decimal(80), of=BUILT_IN.get("account.usage_limit"))
    view = seeing(usage=usage and Decimal(usage), usage_limit=limit and Decimal(limit))
    assert verdict(predicate, view) is expected


def test_percentage_actual_is_the_share() -> None:
    """What was found for a percentage is the share itself, to two places."""
    predicate = ask("at_least", "account.usage", Decimal(80), of=BUILT_IN.get("account.usage_limit"))
    view = seeing(usage=Decimal(2), usage_limit=Decimal(3))
    assert OPERATORS["at_least"].actual(predicate, view) == Decimal("66.67")


@pytest.mark.parametrize("operator", ["drops_below", "rises_above"])
@pytest.mark.parametrize("latched", [True, False, None])
def test_threshold_is_its_latch(operator: str, latched: bool | None) -> None:
    """A threshold with recovery answers with its latch, whatever the value is now."""
    predicate = ask(operator, "account.health", Decimal(40), recovers_at=Decimal(50))
    view = SyntheticView(values={"account.health": Decimal(45)}, latches={"when": latched})
    assert verdict(predicate, view) is latched


@pytest.mark.parametrize(
    ("operator", "renews_on", "expected"),
    [
        ("days_until", date(2026, 3, 10), True),
        ("days_until", date(2026, 3, 12), True),
        ("days_until", date(2026, 3, 13), False),
        ("days_until", date(2026, 3, 9), False),
        ("days_since", date(2026, 3, 10), True),
        ("days_since", date(2026, 3, 8), True),
        ("days_since", date(2026, 3, 7), False),
        ("days_since", date(2026, 3, 11), False),
    ],
)
def test_days_count_whole_dates(operator: str, renews_on: date, expected: bool) -> None:
    """Today is day 0, and days on the other side of it are negative."""
    predicate = ask(operator, "account.renews_on", Comparison("between", 0, 2))
    assert verdict(predicate, seeing(renews_on=renews_on)) is expected
    assert verdict(predicate, seeing()) is None


@pytest.mark.parametrize(
    ("operator", "low", "days", "expected"),
    [
        ("equals", 2, 2, True),
        ("equals", 2, 3, False),
        ("below", 2, 1, True),
        ("below", 2, 2, False),
        ("at_most", 2, 2, True),
        ("at_most", 2, 3, False),
        ("above", 2, 3, True),
        ("above", 2, 2, False),
        ("at_least", 2, 2, True),
        ("at_least", 2, 1, False),
    ],
)
def test_days_take_every_comparison(operator: Any, low: int, days: int, expected: bool) -> None:
    """The comparison inside days_until has the same edges as one of values."""
    predicate = ask("days_until", "account.renews_on", Comparison(operator, low))
    view = seeing(renews_on=NOW.date() + timedelta(days=days))
    assert verdict(predicate, view) is expected


def test_days_go_by_the_local_date() -> None:
    """An instant counts by its date in the account's zone, as now does."""
    view = SyntheticView(now=datetime(2026, 3, 10, 23, 30, tzinfo=UTC), zone=ZoneInfo("Asia/Tokyo"))
    view.values["account.last_touch_at"] = datetime(2026, 3, 10, 1, tzinfo=UTC)
    predicate = ask("days_since", "account.last_touch_at", Comparison("equals", 1))
    assert verdict(predicate, view) is True


WINDOW = parse_duration("30d")


@pytest.mark.parametrize(
    ("operator", "age", "expected"),
    [
        ("event_within", timedelta(0), True),
        ("event_within", WINDOW.elapsed, True),
        ("event_within", WINDOW.elapsed + TICK, False),
        ("event_within", None, False),
        ("event_absent_for", WINDOW.elapsed - TICK, False),
        ("event_absent_for", WINDOW.elapsed, True),
        ("event_absent_for", None, None),
    ],
)
def test_event_windows_at_their_edges(operator: str, age: timedelta | None, expected: bool | None) -> None:
    """A window includes its end; an event that never happened is not within, and its absence is unknown."""
    predicate = Predicate(operator, "when", event="login", window=WINDOW)
    view = SyntheticView(now=NOW, events={Stream("login"): None if age is None else NOW - age})
    assert verdict(predicate, view) is expected


@pytest.mark.parametrize(
    ("operator", "state", "outcome", "expected"),
    [
        ("step_is", "open", None, True),
        ("step_is", "done", None, False),
        ("step_is", None, None, None),
        ("step_outcome", "done", "open", True),
        ("step_outcome", "done", "other", False),
        ("step_outcome", "waiting", None, False),
        ("step_outcome", None, None, None),
    ],
)
def test_step_operators(operator: str, state: str | None, outcome: str | None, expected: bool | None) -> None:
    """A step has no state outside a run, and has not the outcome until a person chooses it."""
    predicate = Predicate(operator, "when", step="call", value="open")
    view = SyntheticView(states={"call": state}, outcomes={"call": outcome})
    assert verdict(predicate, view) is expected


def test_moments_have_no_answer_as_states() -> None:
    """Moments are marked so, are unknown as states and give the matcher no fact."""
    moments = {keyword for keyword, row in OPERATORS.items() if row.is_moment}
    assert moments == {"changes", "changes_to", "crosses", "event"}
    changes = ask("changes_to", "account.stage", "churned")
    happens = Predicate("event", "on", event="login")
    crosses = ask("crosses", "account.usage", Crossing((Decimal(100),)))
    for each in (changes, crosses, happens):
        assert verdict(each, seeing(stage="churned")) is None
        assert OPERATORS[each.operator].fact(each, seeing(stage="churned")) is None


def test_every_row_names_itself_and_fits_its_argument() -> None:
    """A row's key is its keyword; operators of fields have types, the others none."""
    fieldless = {
        Argument.EVENT, Argument.EVENT_WINDOW, Argument.EVENT_COUNT, Argument.EVENT_SINCE,
        Argument.STEP_STATE, Argument.STEP_OUTCOME,
    }  # fmt: skip
    for keyword, row in OPERATORS.items():
        assert row.keyword == keyword
        assert bool(row.types) is (row.argument not in fieldless)
    assert {keyword for keyword, row in OPERATORS.items() if row.takes_of} == {
        "equals", "below", "at_most", "above", "at_least",
    }  # fmt: skip
    assert FieldType.TEXT not in OPERATORS["between"].types


SHARE = ask("at_least", "subscription.usage", Decimal(80), of=BUILT_IN.get("subscription.limit"))


@pytest.mark.parametrize(
    ("predicate", "words"),
    [
        (ask("equals", "account.segment", "high_touch"), "segment is high_touch"),
        (ask("not_equals", "account.segment", "high_touch"), "segment is not high_touch"),
        (ask("in", "account.stage", ("trial", "active")), "stage is trial or active"),
        (ask("not_in", "account.stage", ("trial", "active")), "stage is not trial or active"),
        (ask("below", "account.arr", Decimal("12500.50")), "arr is below 12,500.5"),
        (ask("above", "account.adoption", Decimal(30)), "adoption is above 30%"),
        (SHARE, "subscription usage is at least 80% of subscription limit"),
        (
            ask("between", "account.health", (Decimal(-1), Decimal(40))),
            "health is between -1 and 40",
        ),
        (ask("is_set", "account.csm"), "csm is known"),
        (ask("is_missing", "account.first_value_at"), "first value is missing"),
        (
            ask("drops_below", "account.health", Decimal(40), recovers_at=Decimal(50)),
            "health drops below 40 (recovers at 50)",
        ),
        (ask("rises_above", "account.health", Decimal(80)), "health rises above 80"),
        (ask("changes_to", "contact.status", "departed"), "contact status changes to departed"),
        (ask("changes_to", "account.plan", "b", was="a"), "plan changes from a to b"),
        (ask("changes", "account.plan"), "plan changes"),
        (ask("changes", "account.plan", was="a"), "plan changes from a"),
        (
            ask("crosses", "account.adoption", Crossing((Decimal(5), Decimal(50)), "down")),
            "adoption goes down across 5% or 50%",
        ),
        (
            ask("days_until", "account.renews_on", Comparison("at_most", 90)),
            "renews on is at most 90 days away",
        ),
        (
            ask("days_since", "account.last_touch_at", Comparison("equals", 1)),
            "last touch is exactly 1 day ago",
        ),
        (Predicate("event", "on", event="cancel_requested"), "event cancel requested happens"),
        (
            Predicate("event_within", "when", event="login", window=WINDOW),
            "event login happened within 30 days",
        ),
        (
            Predicate("event_absent_for", "when", event="login", window=parse_duration("1w")),
            "no login event for 1 week",
        ),
        (Predicate("step_is", "if", step="call", value="open"), "step call is open"),
        (Predicate("step_outcome", "if", step="call", value="reached"), "step call ended with reached"),
    ],
)
def test_words_say_the_question(predicate: Predicate, words: str) -> None:
    """Each operator puts its question in plain words."""
    assert OPERATORS[predicate.operator].words(predicate) == words


def seeing_much(**parts: Any) -> SyntheticView:
    """A view with a bit of everything."""
    return SyntheticView(
        now=NOW,
        values={
            "account.health": Decimal(45),
            "account.segment": "low_touch",
            "account.renews_on": date(2026, 4, 1),
            "account.last_touch_at": NOW,
            "subscription.usage": Decimal(850),
            "subscription.limit": Decimal(1000),
        },
        **parts,
    )


@pytest.mark.parametrize(
    ("predicate", "view", "reason"),
    [
        (ask("below", "account.health", Decimal(50)), seeing_much(), "health is 45 (below 50)"),
        (ask("below", "account.health", Decimal(40)), seeing_much(), "health is 45 (not below 40)"),
        (ask("below", "account.health", Decimal(40)), seeing(), "health is missing"),
        (ask("equals", "account.segment", "low_touch"), seeing_much(), "segment is low_touch"),
        (
            ask("equals", "account.segment", "high_touch"),
            seeing_much(),
            "segment is low_touch (not high_touch)",
        ),
        (
            ask("not_equals", "account.segment", "high_touch"),
            seeing_much(),
            "segment is low_touch (not high_touch)",
        ),
        (ask("not_equals", "account.segment", "low_touch"), seeing_much(), "segment is low_touch"),
        (ask("in", "account.segment", ("low_touch",)), seeing_much(), "segment is low_touch"),
        (ask("in", "account.segment", ("a", "b")), seeing_much(), "segment is low_touch (not a or b)"),
        (ask("not_in", "account.segment", ("a", "b")), seeing_much(), "segment is low_touch (not a or b)"),
        (ask("not_in", "account.segment", ("low_touch",)), seeing_much(), "segment is low_touch"),
        (
            ask("between", "account.health", (Decimal(0), Decimal(40))),
            seeing_much(),
            "health is 45 (not between 0 and 40)",
        ),
        (SHARE, seeing_much(), "subscription usage is 85% of subscription limit (at least 80%)"),
        (SHARE, seeing(), "subscription usage is missing"),
        (
            SHARE,
            SyntheticView(values={"subscription.usage": Decimal(1), "subscription.limit": Decimal(0)}),
            "subscription limit is 0",
        ),
        (ask("is_set", "account.health"), seeing_much(), "health is 45"),
        (ask("is_missing", "account.csm"), seeing_much(), "csm is missing"),
        (
            ask("drops_below", "account.health", Decimal(40), recovers_at=Decimal(50)),
            seeing_much(latches={"when": True}),
            "health is 45 (dropped below 40, recovers at 50)",
        ),
        (
            ask("drops_below", "account.health", Decimal(40), recovers_at=Decimal(50)),
            seeing_much(latches={"when": False}),
            "health is 45 (has not dropped below 40)",
        ),
        (ask("rises_above", "account.health", Decimal(40)), seeing(), "health is missing"),
        (
            ask("changes_to", "contact.status", "departed"),
            seeing(),
            "contact status changed to departed",
        ),
        (
            ask("days_until", "account.renews_on", Comparison("between", 0, 120)),
            seeing_much(),
            "renews on 2026-04-01 (in 22 days, between 0 and 120 days away)",
        ),
        (
            ask("days_since", "account.last_touch_at", Comparison("above", 3)),
            seeing_much(),
            "last touch 2026-03-10 (today, not above 3 days ago)",
        ),
        (ask("days_until", "account.renews_on", Comparison("equals", 1)), seeing(), "renews on is missing"),
        (
            Predicate("event_within", "when", event="big_login", window=WINDOW),
            seeing_much(events={Stream("big_login"): NOW}),
            "last big login event on 2026-03-10 (within 30 days)",
        ),
        (
            Predicate("event_within", "when", event="login", window=WINDOW),
            seeing(),
            "no login event yet (not within 30 days)",
        ),
        (
            Predicate("event_absent_for", "when", event="login", window=WINDOW),
            seeing_much(events={Stream("login"): NOW - timedelta(days=31)}),
            "no login event since 2026-02-07 (30 days or more)",
        ),
        (
            Predicate("event_absent_for", "when", event="login", window=WINDOW),
            seeing_much(events={Stream("login"): NOW}),
            "last login event on 2026-03-10 (less than 30 days ago)",
        ),
        (
            Predicate("event_absent_for", "when", event="login", window=WINDOW),
            seeing(),
            "no login event yet",
        ),
        (Predicate("event", "on", event="login"), seeing(), "event login happened"),
        (
            Predicate("step_is", "if", step="call", value="open"),
            SyntheticView(states={"call": "done"}),
            "step call is done (not open)",
        ),
        (Predicate("step_is", "if", step="call", value="open"), seeing(), "step call is not under way"),
        (
            Predicate("step_outcome", "if", step="call", value="reached"),
            SyntheticView(states={"call": "open"}),
            "step call has no outcome yet",
        ),
        (
            Predicate("step_outcome", "if", step="call", value="reached"),
            SyntheticView(states={"call": "done"}, outcomes={"call": "no_response"}),
            "step call ended with no_response (not reached)",
        ),
        (Predicate("step_outcome", "if", step="call", value="x"), seeing(), "step call is not under way"),
    ],
)
def test_reason_says_the_answer(predicate: Predicate, view: SyntheticView, reason: str) -> None:
    """Each operator puts its answer in words that a person can act on."""
    assert OPERATORS[predicate.operator].reason(predicate, view) == reason
