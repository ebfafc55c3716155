"""One rule set of durable-rules, and the proof it must pass."""

import threading
from decimal import Decimal

import pytest

from engine.clock.durations import Duration
from engine.conditions.catalogue import BUILT_IN, Kind
from engine.conditions.evaluate import evaluate
from engine.conditions.operators import OPERATORS
from engine.conditions.tree import Comparison, Condition, Crossing, Derived, Group, Predicate, Shift
from engine.match import shard as shard_module
from engine.match.compile import BATCH, MOST_CONDITIONS
from engine.match.samples import samples, views
from engine.match.self_test import failure
from engine.match.shard import Shard

HEALTH = BUILT_IN.get("account.health")
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")


def below(number: int) -> Predicate:
    """Health below a number."""
    return Predicate("below", "when", field=HEALTH, value=Decimal(number))


OF_EVERY_OPERATOR: dict[str, Predicate] = {
    "equals": Predicate("equals", "when", field=BUILT_IN.get("account.plan"), value='a "b"\\\n日本'),
    "not_equals": Predicate("not_equals", "when", field=BUILT_IN.get("account.strategic"), value=True),
    "in": Predicate("in", "when", field=BUILT_IN.get("account.segment"), value=("high_touch", "low_touch")),
    "not_in": Predicate("not_in", "when", field=HEALTH, value=(Decimal(1), Decimal(2))),
    "below": below(40),
    "at_most": Predicate("at_most", "when", field=HEALTH, value=Decimal(-40)),
    "above": Predicate("above", "when", field=HEALTH, value=Decimal("0.000001")),
    "at_least": Predicate(
        "at_least",
        "when",
        field=BUILT_IN.get("account.usage"),
        value=Decimal(80),
        of=BUILT_IN.get("account.usage_limit"),
    ),
    "between": Predicate("between", "when", field=HEALTH, value=(Decimal(30), Decimal(40))),
    "contains": Predicate("contains", "when", field=BUILT_IN.get("account.plan"), value="pro"),
    "matches": Predicate("matches", "when", field=BUILT_IN.get("account.name"), value="*acme*"),
    "is_set": Predicate("is_set", "when", field=BUILT_IN.get("account.csm")),
    "is_missing": Predicate("is_missing", "when", field=BUILT_IN.get("account.last_touch_at")),
    "drops_below": Predicate("drops_below", "when", field=HEALTH, value=Decimal(40)),
    "rises_above": Predicate("rises_above", "when", field=HEALTH, value=Decimal(40)),
    "changes_to": Predicate("changes_to", "when", field=BUILT_IN.get("account.stage"), value="churned"),
    "drops_by": Predicate(
        "drops_by", "when", field=HEALTH, value=Shift(Decimal(15)), window=Duration(2, "w")
    ),
    "rises_by": Predicate(
        "rises_by", "when", field=HEALTH, value=Shift(Decimal("0.5"), is_share=True), window=Duration(2, "w")
    ),
    "changes": Predicate("changes", "when", field=BUILT_IN.get("account.stage")),
    "changed_within": Predicate(
        "changed_within",
        "when",
        field=BUILT_IN.get("account.stage"),
        value="churned",
        window=Duration(9, "d"),
    ),
    "crosses": Predicate("crosses", "when", field=HEALTH, value=Crossing((Decimal(100), Decimal(1000)))),
    "days_until": Predicate(
        "days_until", "when", field=BUILT_IN.get("account.renews_on"), value=Comparison("between", 0, 120)
    ),
    "days_since": Predicate(
        "days_since", "when", field=BUILT_IN.get("account.last_touch_at"), value=Comparison("above", -3)
    ),
    "event": Predicate("event", "when", event="login"),
    "event_within": Predicate("event_within", "when", event="login", window=Duration(30, "d")),
    "event_absent_for": Predicate("event_absent_for", "when", event="login", window=Duration(2, "w")),
    "event_since": Predicate("event_since", "when", event="login"),
    "event_at_least": Predicate(
        "event_at_least", "when", event="login", value=Decimal(3), window=Duration(7, "d")
    ),
    "step_is": Predicate("step_is", "when", step="call", value="open"),
    "step_outcome": Predicate("step_outcome", "when", step="call", value="no_response"),
}


COUNT = Derived(Kind.CONTACT)
COUNTS: dict[str, Predicate] = {
    "few": Predicate("below", "when", derived=COUNT, value=Decimal(2)),
    "other": Predicate("not_equals", "when", derived=COUNT, value=Decimal(2)),
    "some": Predicate("in", "when", derived=COUNT, value=(Decimal(1), Decimal(3))),
    "between": Predicate("between", "when", derived=COUNT, value=(Decimal(1), Decimal(3))),
    "share": Predicate(
        "at_least",
        "when",
        derived=Derived(Kind.SUBSCRIPTION, summed=BUILT_IN.get("subscription.arr")),
        value=Decimal(50),
        of=BUILT_IN.get("account.arr"),
    ),
}


def test_shard_agrees_on_counts_and_sums() -> None:
    """A number that is known, known only as a range, or not at all answers as the reference does."""
    assert failure(Shard("counts", COUNTS), COUNTS) is None
    answers = {each: {evaluate(one, view) for view in views(one)} for each, one in COUNTS.items()}
    assert all(found == {True, False, None} for found in answers.values())


@pytest.mark.parametrize("start", range(0, len(OF_EVERY_OPERATOR), MOST_CONDITIONS // 2))
def test_shards_agree_on_every_operator(start: int) -> None:
    """Operators together, each at, around and without its boundary, answer as the reference does."""
    assert OF_EVERY_OPERATOR.keys() == OPERATORS.keys()
    some = dict(list(OF_EVERY_OPERATOR.items())[start : start + MOST_CONDITIONS // 2])
    assert failure(Shard("every operator", some), some) is None


def test_shard_starts_no_threads() -> None:
    """The library's polling timers stay off."""
    before = threading.active_count()
    Shard("threads", {"low": below(40)})
    assert threading.active_count() == before


def test_shard_answers_more_than_a_batch() -> None:
    """Questions beyond one batch are answered in order, and equal facts each get their answer."""
    shard = Shard("large", {"low": below(40)})
    numbers = [each % 80 for each in range(3 * BATCH + 7)]
    answers = shard.answers([("low", {"p0": number * 1_000_000}) for number in numbers])
    assert answers == [number < 40 for number in numbers]


def test_shard_where_nothing_matches() -> None:
    """A batch without a single match is the normal case."""
    assert Shard("nothing", {"low": below(40)}).answers([("low", {})] * 3) == [None] * 3


def test_conditions_of_a_shard_do_not_mix() -> None:
    """A fact is judged by its own condition alone."""
    conditions: dict[str, Condition] = {f"below {each}": below(each) for each in range(24)}
    shard = Shard("mixed", conditions)
    asked = [(rule, {"p0": 12_000_000}) for rule in conditions]
    assert shard.answers(asked) == [each > 12 for each in range(24)]


def test_too_many_conditions_are_refused() -> None:
    """A rule set beyond what the library holds is never built."""
    with pytest.raises(ValueError, match="25 conditions"):
        Shard("too large", {str(each): below(each) for each in range(25)})


def test_self_test_tells_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that gets the boundary wrong is found by the fact that lies on it."""

    def flawed(condition: Condition, slot: str) -> tuple[dict[str, object], dict[str, object]]:
        yes, no = ({sign: {f"{slot}_p0": 40_000_000}} for sign in ("$lte", "$gt"))
        return ({"$and": [{"slot": slot}, each]} for each in (yes, no))  # type: ignore[return-value]

    monkeypatch.setattr(shard_module, "rules_of", flawed)
    problem = failure(Shard("flawed", {"low": below(40)}), {"low": below(40)})
    assert problem == "for low with {'p0': 40000000} durable-rules says True, the reference False"


def test_samples_lie_around_every_boundary() -> None:
    """The self-test looks just below, at and just above a number, and at a missing one."""
    found = [sample.values["account.health"] for sample in samples(below(40))]
    assert found == [Decimal("39.999999"), Decimal(40), Decimal("40.000001"), None]


def test_views_let_each_predicate_decide() -> None:
    """Among the made-up subjects of a condition some flip its verdict through each predicate alone."""
    segment = Predicate("equals", "when.all[1]", field=BUILT_IN.get("account.segment"), value="high_touch")
    condition = Group("all", (below(40), Group("none", (segment,), "when.all[1]")), "when")
    seen = [
        (view.values.get("account.health"), view.values.get("account.segment")) for view in views(condition)
    ]
    assert (Decimal(40), "high_touchx") in seen
    assert (Decimal("39.999999"), "high_touch") in seen
