"""The score of an account: steps, weights, what is missing, and when time alone moves it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.conditions.catalogue import Field, Kind, Value
from engine.health.config import HealthSettings
from engine.health.model import HealthModel
from engine.health.score import as_plain, from_plain, next_boundary, score, words
from engine.settings import Settings

UTC_ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """A view of an account by the paths of its fields."""

    values: Mapping[str, Value] = field(default_factory=dict)
    now: datetime = NOW
    zone: ZoneInfo = UTC_ZONE

    def value(self, field: Field) -> Value | None:
        """The value, or None."""
        return self.values.get(field.path)

    def keeping(self, field: Field) -> tuple[()]:
        """No source is declared."""
        return ()

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a score asks for {name}")


FIELDS = {
    "account.region": {"type": "text"},
    "metric.logins": {"type": "number"},
    "account.tier": {"type": "enum", "choices": ["gold", "iron"]},
}
ADOPTION = {"field": "account.adoption", "steps": {0: 0, 40: 50, 60: 80, 80: 100}}
ACTIVITY = {"days_since": "account.last_active_at", "steps": {0: 100, 7: 70, 14: 40, 30: 0}}
USAGE = {"field": "account.usage", "of": "account.usage_limit", "steps": {0: 0, 80: 100}}
TICKETS = {"field": "account.open_tickets", "steps": {0: 100, 3: 60, 6: 20}}


def model(**health: Any) -> HealthModel:
    """The model of these settings."""
    return Settings(health=health, fields=FIELDS).health_model()


def seen(now: datetime = NOW, **values: Any) -> Seen:
    """An account's view by bare names."""
    return Seen(
        {
            name if "." in name else f"account.{name}": Decimal(each)
            if isinstance(each, int) and not isinstance(each, bool)
            else each
            for name, each in values.items()
        },
        now,
    )


@pytest.mark.parametrize(
    ("adoption", "points"),
    [(-5, 0), (0, 0), (39, 0), (40, 50), (59, 50), (60, 80), (79, 80), (80, 100), (1000, 100)],
)
def test_steps_are_half_open(adoption: int, points: int) -> None:
    """A step begins at its number; below the first, the first one counts."""
    assert score(model(components={"adoption": ADOPTION}), seen(adoption=adoption)).score == points


@pytest.mark.parametrize(
    ("component", "values", "points"),
    [
        ({"field": "account.strategic", "values": {True: 90, False: 10}}, {"strategic": True}, 90),
        ({"field": "account.strategic", "values": {True: 90, False: 10}}, {"strategic": False}, 10),
        ({"field": "account.tier", "values": {"gold": 70}}, {"tier": "gold"}, 70),
        ({"field": "account.tier", "values": {"gold": 70}}, {"tier": "iron"}, None),
        ({"field": "account.region", "values": {"EU": 70}}, {"region": "EU"}, 70),
        ({"field": "metric.logins", "steps": {0: 0, 10: 55}}, {"metric.logins": 10}, 55),
        (USAGE, {"usage": 8, "usage_limit": 10}, 100),
        (USAGE, {"usage": 7, "usage_limit": 10}, 0),
        (USAGE, {"usage": 7, "usage_limit": 0}, None),
        (USAGE, {"usage": 7}, None),
        ({"days_until": "account.renews_on", "steps": {0: 10, 30: 60}}, {"renews_on": date(2026, 4, 1)}, 60),
        ({"days_until": "account.renews_on", "steps": {0: 10, 30: 60}}, {"renews_on": date(2026, 3, 31)}, 10),
        ({"days_since": "account.renews_on", "steps": {0: 10, 30: 60}}, {"renews_on": date(2026, 3, 31)}, 10),
    ],
)
def test_component_reads_fields_of_every_kind(
    component: Any, values: dict[str, Any], points: int | None
) -> None:
    """Flags, choices, text, metrics, percentages and days; what earns nothing named is missing."""
    assert score(model(components={"one": component}), seen(**values)).score == points


def test_weights_follow_the_segment() -> None:
    """A segment's own weights, else the default; a component without weight is no part."""
    weighed = model(
        components={"adoption": ADOPTION, "tickets": TICKETS},
        weights={"high_touch": {"adoption": 3, "tickets": 1}, "default": {"tickets": 5}},
    )
    high = score(weighed, seen(segment="high_touch", adoption=0, open_tickets=0))
    assert high.score == 25
    assert [(each.component, each.share, each.adds) for each in high.parts] == [
        ("adoption", 75, 0),
        ("tickets", 25, 25),
    ]
    for segment in ({"segment": "tech_touch"}, {}):
        other = score(weighed, seen(adoption=0, open_tickets=3, **segment))
        assert (other.score, [each.component for each in other.parts]) == (60, ["tickets"])


@pytest.mark.parametrize(
    ("missing", "known", "expected"),
    [
        ({"missing": "reweigh"}, {"adoption": 80, "open_tickets": 6}, 73),
        ({"missing": "reweigh", "min_known": 61}, {"adoption": 80}, None),
        ({"missing": "reweigh", "min_known": 60}, {"adoption": 80}, 100),
        ({"missing": "reweigh"}, {"open_tickets": 0, "last_active_at": NOW}, None),
        ({"missing": "neutral"}, {"adoption": 80}, 80),
        ({"missing": "neutral", "neutral": 0}, {"adoption": 80}, 60),
        ({"missing": "neutral"}, {}, None),
        ({"missing": "unknown"}, {"adoption": 80, "open_tickets": 0}, None),
        ({"missing": "unknown"}, {"adoption": 80, "open_tickets": 0, "last_active_at": NOW}, 100),
    ],
)
def test_missing_component_follows_the_policy(
    missing: dict[str, Any], known: dict[str, Any], expected: int | None
) -> None:
    """Left out, neutral or no score; and no score at all while too little of the weight is known."""
    weighed = model(
        components={"adoption": ADOPTION, "tickets": TICKETS, "activity": ACTIVITY},
        weights={"default": {"adoption": 60, "tickets": 30, "activity": 10}},
        **missing,
    )
    assert score(weighed, seen(**known)).score == expected


@pytest.mark.parametrize(("points", "expected"), [(39, 40), (40, 40), (38, 39)])
def test_score_is_rounded_half_up(points: int, expected: int) -> None:
    """Half a point counts as a whole one: 39.5 is 40."""
    two = {"one": ADOPTION | {"steps": {0: 40}}, "two": TICKETS | {"steps": {0: points}}}
    assert score(model(components=two), seen(adoption=1, open_tickets=1)).score == expected


def test_score_says_what_it_is_made_of() -> None:
    """For each component the points it adds, the most it could, and its value."""
    weighed = model(
        components={"adoption": ADOPTION, "open_tickets": TICKETS, "activity": ACTIVITY, "tier": {
            "field": "account.tier", "values": {"gold": 1}}},
        weights={"default": {"adoption": 40, "open_tickets": 10, "activity": 30, "tier": 20}},
    )  # fmt: skip
    found = score(weighed, seen(adoption=41, open_tickets=4, tier="iron"))
    assert words(found) == (
        "health 52 = adoption 40 of 80 (41%), open tickets 12 of 20 (4), activity missing, "
        "tier not counted (iron)"
    )
    assert from_plain(as_plain(found.parts)) == found.parts  # type: ignore[arg-type]
    assert (
        words(score(model(components={"adoption": ADOPTION}), seen())) == "health missing = adoption missing"
    )


def test_boundary_is_the_local_midnight_of_the_next_step() -> None:
    """Days since a last login are counted in the account's zone."""
    active = NOW - timedelta(days=10)
    view = Seen({"account.last_active_at": active}, NOW, ZoneInfo("Asia/Tokyo"))
    both = model(components={"activity": ACTIVITY, "renewal": {
        "days_until": "account.renews_on", "steps": {0: 0, 30: 100}}})  # fmt: skip
    assert next_boundary(both, view) == datetime(2026, 3, 5, 15, tzinfo=UTC)
    sooner = Seen({**view.values, "account.renews_on": date(2026, 4, 2)}, NOW, view.zone)
    assert next_boundary(both, sooner) == datetime(2026, 3, 3, 15, tzinfo=UTC)
    assert next_boundary(both, Seen({"account.last_active_at": NOW - timedelta(days=30)})) is None
    assert next_boundary(both, Seen()) is None


@given(
    days=st.integers(-40, 60),
    ahead=st.integers(1, 60),
    zone=st.sampled_from(["UTC", "Pacific/Kiritimati", "America/New_York"]),
)
def test_score_moves_by_time_only_at_its_boundary(days: int, ahead: int, zone: str) -> None:
    """Until the boundary it stays as it is; at the boundary another step applies."""
    activity = model(components={"activity": ACTIVITY})
    values = {"account.last_active_at": NOW - timedelta(days=days, hours=5)}
    view = Seen(values, NOW, ZoneInfo(zone))
    found, boundary = score(activity, view), next_boundary(activity, view)
    later = Seen(values, NOW + timedelta(days=ahead), ZoneInfo(zone))
    if boundary is None or later.now < boundary:
        assert score(activity, later).score == found.score
    if boundary is not None:
        assert score(activity, Seen(values, boundary, view.zone)).score != found.score
        before = Seen(values, boundary - timedelta(microseconds=1), view.zone)
        assert score(activity, before).score == found.score


NUMBERS = st.decimals(-200, 200, places=2)
STEPS = st.dictionaries(st.integers(-100, 100), st.integers(0, 100), min_size=1, max_size=6)


@given(
    tables=st.lists(STEPS, min_size=3, max_size=3),
    weights=st.lists(st.integers(0, 50), min_size=3, max_size=3).filter(
        lambda each: min(each) > 0 or sum(each) > 0
    ),
    values=st.lists(st.none() | NUMBERS, min_size=3, max_size=3),
    missing=st.sampled_from(["reweigh", "neutral", "unknown"]),
    min_known=st.integers(1, 100),
)
def test_score_equals_the_rule_written_out(
    tables: list[dict[int, int]],
    weights: list[int],
    values: list[Decimal | None],
    missing: str,
    min_known: int,
) -> None:
    """Fractions and plain loops come to the same, to half a point."""
    names = ("arr", "nps", "csat")
    wanted = {name: weight for name, weight in zip(names, weights, strict=True) if weight}
    parts = {
        name: {"field": f"account.{name}", "steps": steps}
        for name, steps in zip(names, tables, strict=True)
        if name in wanted
    }
    made = model(components=parts, weights={"default": wanted}, missing=missing, min_known=min_known)
    given = {name: value for name, value in zip(names, values, strict=True) if value is not None}
    assert score(made, Seen({f"account.{name}": value for name, value in given.items()})).score == _oracle(
        {name: parts[name]["steps"] for name in parts},
        wanted,
        given,
        missing,
        min_known,  # type: ignore[misc]
    )


def _oracle(
    steps: dict[str, dict[int, int]],
    weights: dict[str, int],
    values: dict[str, Decimal],
    missing: str,
    min_known: int,
) -> int | None:
    total = sum(weights.values())
    known = sum(weights[name] for name in weights if name in values)
    if Fraction(known, total) < (1 if missing == "unknown" else Fraction(min_known, 100)):
        return None
    earned, of = Fraction(0), 0
    for name, weight in weights.items():
        if name in values:
            start = max((each for each in steps[name] if each <= values[name]), default=min(steps[name]))
            earned += weight * steps[name][start]
            of += weight
        elif missing == "neutral":
            earned += weight * 50
            of += weight
    exact = earned / of
    return int(exact + Fraction(1, 2))


def test_model_without_components_scores_nothing() -> None:
    """Nothing is known of health where nothing is configured."""
    assert score(model(), seen(adoption=80)).score is None
    assert HealthSettings().components == {}


def test_model_names_every_field_that_can_move_it() -> None:
    """The segment chooses the weights, so it moves scores as well."""
    found = model(components={"use": {"field": "account.usage", "of": "metric.logins", "steps": {0: 0}}})
    assert found.places() == {
        (Kind.ACCOUNT, "segment"),
        (Kind.ACCOUNT, "usage"),
        (Kind.METRIC, "logins"),
    }
