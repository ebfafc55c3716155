"""The `health` part of config.yaml: components, weights, what a missing one means, and bands."""

from collections.abc import Iterable
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Points: TypeAlias = Annotated[Decimal, Field(ge=0, le=100, max_digits=9, decimal_places=6)]
Weight: TypeAlias = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=13, decimal_places=6)]
Bound: TypeAlias = Annotated[Decimal, Field(gt=-(10**12), lt=10**12, decimal_places=6)]
Colour: TypeAlias = Literal["green", "amber", "red"]

DEFAULT = "default"
"""The weights of accounts whose segment has none of its own."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BandSettings(_Strict):
    """A stretch of scores with a name, from `at_least` up to where the next one begins."""

    at_least: Points
    colour: Colour


class ComponentSettings(_Strict):
    """One part of the score: what it reads, and how many points that earns."""

    field: str | None = None
    days_since: str | None = None
    """A date or instant: the number of local dates since it is what counts."""
    days_until: str | None = None
    of: str | None = None
    """With it, `field` counts as a percentage of this other one."""
    steps: dict[Bound, Points] | None = None
    """Points from each number on, up to the next."""
    values: dict[bool | str, Points] | None = None
    """Points of each value of a flag, an enum or a text."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        """One thing that is read, and one way to earn points from it."""
        reads = [name for name in ("field", "days_since", "days_until") if getattr(self, name) is not None]
        if len(reads) != 1:
            found = " and ".join(reads) or "none of them"
            raise ValueError(f"name one of field, days_since and days_until; this has {found}")
        if not self.steps and not self.values:
            raise ValueError("say what it earns: steps such as {0: 0, 60: 100}, or values such as {pro: 100}")
        if self.steps and self.values:
            raise ValueError("has both steps and values; numbers and days take steps, other fields values")
        if self.of is not None and self.field is None:
            raise ValueError("of makes a percentage of a number: it goes with field only")
        return self


class HealthSettings(_Strict):
    """How health is computed and named. Without components it is only what sources give."""

    bands: dict[str, BandSettings] = {}
    """By name; without any, the five that Tminus brings."""
    components: dict[str, ComponentSettings] = {}
    weights: dict[str, dict[str, Weight]] = {}
    """By segment, or `default`, and component. Without any, all components weigh the same."""
    missing: Literal["reweigh", "neutral", "unknown"] = "reweigh"
    """What a component without a value means: left out, `neutral` points, or no score at all."""
    neutral: Points = Decimal(50)
    min_known: Annotated[Decimal, Field(gt=0, le=100)] = Decimal(50)
    """The percentage of the weight that must be known for there to be a score."""

    @field_validator("bands")
    @classmethod
    def _bands_differ(cls, bands: dict[str, BandSettings]) -> dict[str, BandSettings]:
        """No two begin at the same score, and names are plain words."""
        starts: dict[Decimal, str] = {}
        for name, band in bands.items():
            _check_name(name)
            if band.at_least in starts:
                raise ValueError(f'"{starts[band.at_least]}" and "{name}" both begin at {band.at_least}')
            starts[band.at_least] = name
        return bands

    @field_validator("components")
    @classmethod
    def _components_are_named(cls, components: dict[str, ComponentSettings]) -> dict[str, ComponentSettings]:
        """Plain words, for they are read in reasons and on pages."""
        for name in components:
            _check_name(name)
        return components

    @model_validator(mode="after")
    def _weights_fit(self) -> Self:
        """Weights are of components that exist, and every component counts somewhere."""
        if not self.weights:
            return self
        if DEFAULT not in self.weights:
            raise ValueError("weights need a default, for accounts of other segments and of none")
        for segment, weights in self.weights.items():
            for name in weights:
                if name not in self.components:
                    hint = suggestion(name, self.components)
                    raise ValueError(f'weights.{segment}: there is no component "{name}"{hint}')
            if not any(weights.values()):
                raise ValueError(f"weights.{segment}: nothing weighs more than 0, so there is no score")
        idle = [name for name in self.components if not any(each.get(name) for each in self.weights.values())]
        if idle:
            raise ValueError(f'component "{idle[0]}" has no weight in any segment; give it one, or remove it')
        return self


def suggestion(name: str, known: Iterable[str]) -> str:
    """` (did you mean "x"?)`, or nothing."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f' (did you mean "{near[0]}"?)' if near else ""


def _check_name(name: str) -> None:
    if not name.isidentifier() or not name.isascii() or len(name) > 60:
        raise ValueError(f'"{name[:60]}" is not a name; use letters, digits and "_"')
