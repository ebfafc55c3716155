"""The health part of config.yaml: what is refused, and with which words."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.health.model import version_of
from engine.settings import ConfigError, Settings, load_settings

WELL = """
health:
  components:
    adoption: {field: account.adoption, steps: {0: 0, 60: 100}}
    activity: {days_since: account.last_active_at, steps: {0: 100, 30: 0}}
  weights:
    high_touch: {adoption: 40, activity: 60}
    default: {adoption: 100}
"""


def loaded(folder: Path, text: str) -> Settings:
    """The settings of a file with this text."""
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file)


def test_settings_with_health_are_read(tmp_path: Path) -> None:
    """What the example says is what the model holds."""
    found = loaded(tmp_path, WELL).health_model()
    assert [each.name for each in found.components] == ["adoption", "activity"]
    assert found.weights_of("high_touch") == {"adoption": Decimal(40), "activity": Decimal(60)}
    assert found.weights_of("low_touch") == found.weights_of(None) == {"adoption": Decimal(100)}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "account.adoption",
            "account.adoptoin",
            'adoption.field: unknown field "account.adoptoin" (did you mean "account.adoption"?)',
        ),
        (
            "field: account.adoption",
            "field: contact.nps",
            "health.components.adoption.field: contact.nps is not the account's own",
        ),
        ("field: account.adoption", "field: account.health", "health cannot be made of itself"),
        (
            "field: account.adoption",
            "field: account.renews_on",
            "account.renews_on is a date; use days_since or days_until",
        ),
        (
            "days_since: account.last_active_at",
            "days_since: account.adoption",
            "account.adoption is a percent; days are counted from a date or instant",
        ),
        (
            "field: account.adoption",
            "field: account.plan",
            "account.plan is no number; give points by value under values:",
        ),
        (
            "field: account.adoption, steps: {0: 0, 60: 100}",
            "field: account.stage, values: {activ: 100}",
            'account.stage is never "activ" (did you mean "active"?)',
        ),
        (
            "field: account.adoption, steps: {0: 0, 60: 100}",
            "field: account.strategic, values: {maybe: 100}",
            'account.strategic is never "maybe"; it is true, false',
        ),
        (
            "steps: {0: 0, 60: 100}",
            "values: {x: 100}",
            "account.adoption is counted; give points under steps:",
        ),
        (
            "field: account.adoption",
            "field: account.adoption, of: account.name",
            "a percentage takes two numbers",
        ),
        (
            "days_since: account.last_active_at",
            "days_since: account.last_active_at, of: account.seats",
            "of makes a percentage of a number: it goes with field only",
        ),
        ("steps: {0: 0, 60: 100}", "steps: {}", "say what it earns"),
        ("steps: {0: 0, 60: 100}", "steps: {0: 0}, values: {x: 1}", "has both steps and values"),
        (
            "field: account.adoption",
            "field: account.adoption, days_since: account.renews_on",
            "name one of field, days_since and days_until; this has field and days_since",
        ),
        ("field: account.adoption, ", "", "this has none of them"),
        (
            "60: 100",
            "60: 101",
            "health.components.adoption.steps.60: Input should be less than or equal to 100",
        ),
        ("60: 100", "a: 100", "health.components.adoption.steps.a.[key]: Input should be a valid decimal"),
        (
            "steps: {0: 0, 60: 100}",
            "stpes: {0: 0}",
            "health.components.adoption.stpes: Extra inputs are not permitted",
        ),
        (
            "high_touch:",
            "hightouch:",
            'health.weights: "hightouch" is not a segment (did you mean "high_touch"?)',
        ),
        (
            "{adoption: 100}",
            "{adaption: 100}",
            'weights.default: there is no component "adaption" (did you mean "adoption"?)',
        ),
        ("{adoption: 100}", "{adoption: 0}", "weights.default: nothing weighs more than 0"),
        (
            "{adoption: 100}",
            "{adoption: -1}",
            "health.weights.default.adoption: Input should be greater than or equal to 0",
        ),
        ("    default: {adoption: 100}", "", "weights need a default"),
        ("activity: 60}", "activity: 0}", 'component "activity" has no weight in any segment'),
        (
            "  weights:",
            "  missing: forget\n  weights:",
            "health.missing: Input should be 'reweigh', 'neutral' or 'unknown'",
        ),
        ("  weights:", "  min_known: 0\n  weights:", "health.min_known: Input should be greater than 0"),
        (
            "  weights:",
            "  bands: {a: {at_least: 10, colour: blue}}\n  weights:",
            "health.bands.a.colour: Input should be 'green', 'amber' or 'red'",
        ),
        (
            "  weights:",
            "  bands: {a: {at_least: 10, colour: red}, b: {at_least: 10, colour: red}}\n  weights:",
            '"a" and "b" both begin at 10',
        ),
        (
            "  weights:",
            "  bands: {at risk: {at_least: 10, colour: red}}\n  weights:",
            '"at risk" is not a name',
        ),
        ("    adoption: {", "    ad option: {", '"ad option" is not a name'),
    ],
)
def test_settings_refuse_what_cannot_be_meant(old: str, new: str, message: str, tmp_path: Path) -> None:
    """Each error names the file, the place and the mend."""
    assert old in WELL
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, WELL.replace(old, new, 1))
    assert str(raised.value).startswith(str(tmp_path / "config.yaml"))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("score", "name", "colour"),
    [(100, "healthy", "green"), (80, "healthy", "green"), (79, "stable", "green"), (60, "stable", "green"),
     (59, "at_risk", "amber"), (40, "at_risk", "amber"), (39, "critical", "red"), (20, "critical", "red"),
     (19, "emergency", "red"), (0, "emergency", "red"), (-3, "emergency", "red")],
)  # fmt: skip
def test_bands_are_half_open(score: int, name: str, colour: str) -> None:
    """The five that hold where none is configured."""
    band = Settings().bands().of(Decimal(score))
    assert band is not None
    assert (band.name, band.colour) == (name, colour)


def test_bands_of_ones_own_take_their_place() -> None:
    """In whatever order they are written; without a score there is none."""
    declared: Any = {"bad": {"at_least": 0, "colour": "red"}, "good": {"at_least": 50, "colour": "green"}}
    bands = Settings(health={"bands": declared}).bands()
    assert [each.name for each in bands.bands] == ["good", "bad"]
    assert bands.of(None) is None


def test_version_changes_with_what_decides_a_score(tmp_path: Path) -> None:
    """Weights do, and so do bands, for rules may ask about them."""
    well = loaded(tmp_path, WELL).health
    again = loaded(tmp_path, WELL + "  missing: reweigh\n").health
    moved = loaded(tmp_path, WELL.replace("activity: 60", "activity: 61")).health
    named = loaded(tmp_path, WELL + "  bands: {all: {at_least: 0, colour: green}}\n").health
    assert version_of(well) == version_of(again)
    assert len({version_of(each) for each in (well, moved, named)}) == 3
