"""How a score comes about, with every field found in the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from engine.conditions.catalogue import BUILT_IN, Catalogue, Field, FieldType, Kind, UnknownField, encode
from engine.conditions.days import Direction
from engine.health.bands import Bands, bands_of
from engine.health.config import DEFAULT, ComponentSettings, HealthSettings, suggestion
from engine.identity import digest

GIVEN = Field(Kind.ACCOUNT, "given_health", FieldType.NUMBER, "points", is_custom=True, is_derived=True)
"""What sources say of health, where it is computed: while there is a value, it is the account's health."""
BAND = "health_band"
"""The field of the account that names the band its health lies in."""
SOURCE = "health"
"""Who says so, in the history of a score that was computed."""
SEGMENT = BUILT_IN.get("account.segment")
HEALTH = BUILT_IN.get("account.health")


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the score."""

    name: str
    field: Field
    of: Field | None = None
    """With it, the value counts as a percentage of this other field."""
    counts: Direction | None = None
    """Whether the local dates since, or until, the value are what counts."""
    steps: tuple[tuple[Decimal, Decimal], ...] = ()
    """(from, points) ascending; below the first, the first one's points."""
    values: Mapping[str, Decimal] | None = None
    """Points by value in its text form, where there are no steps."""


@dataclass(frozen=True, slots=True)
class HealthModel:
    """Components with their weights. Without components nothing is computed."""

    components: tuple[Component, ...]
    weights: Mapping[str, Mapping[str, Decimal]]
    """By segment, or `default`, and component."""
    missing: Literal["reweigh", "neutral", "unknown"]
    neutral: Decimal
    min_known: Decimal
    """Percent."""
    bands: Bands

    @property
    def computes(self) -> bool:
        """Whether there is anything to make a score of."""
        return bool(self.components)

    def weights_of(self, segment: str | None) -> Mapping[str, Decimal]:
        """What each component weighs for accounts of that segment."""
        return self.weights.get(segment or DEFAULT, self.weights.get(DEFAULT, {}))

    def places(self) -> frozenset[tuple[Kind, str]]:
        """The kind and name of every field that can move a score."""
        fields = [SEGMENT, *(each.field for each in self.components)]
        fields += [each.of for each in self.components if each.of is not None]
        return frozenset((each.kind, each.name) for each in fields)


@dataclass(frozen=True, slots=True)
class LiveHealth:
    """A model that decides, and since when."""

    model: HealthModel
    changed_at: datetime


def health_model(settings: HealthSettings, catalogue: Catalogue) -> HealthModel:
    """The model that the settings describe. Raises ValueError naming the setting and the mend."""
    components = tuple(_component(name, each, catalogue) for name, each in settings.components.items())
    for segment in settings.weights:
        if segment != DEFAULT and segment not in SEGMENT.choices:
            hint = suggestion(segment, [*SEGMENT.choices, DEFAULT])
            raise ValueError(f'health.weights: "{segment}" is not a segment{hint}')
    same = {DEFAULT: {each.name: Decimal(1) for each in components}}
    weights = settings.weights or same
    return HealthModel(
        components, weights, settings.missing, settings.neutral, settings.min_known, bands_of(settings.bands)
    )


def kept_fields(settings: HealthSettings) -> tuple[Field, ...]:
    """The fields that Tminus keeps itself where health is computed."""
    if not settings.components:
        return ()
    names = tuple(each.name for each in bands_of(settings.bands).bands)
    return GIVEN, Field(Kind.ACCOUNT, BAND, FieldType.ENUM, "", names, is_custom=True, is_derived=True)


def version_of(settings: HealthSettings) -> str:
    """A digest of all that decides a score and its band."""
    return digest("health", settings.model_dump_json())


def _component(name: str, settings: ComponentSettings, catalogue: Catalogue) -> Component:
    place = f"health.components.{name}"
    read, path = next(
        (key, path)
        for key in ("field", "days_since", "days_until")
        if (path := getattr(settings, key)) is not None
    )
    field = _field(f"{place}.{read}", path, catalogue)
    of = None if settings.of is None else _field(f"{place}.of", settings.of, catalogue)
    counts: Direction | None = {"days_since": "since", "days_until": "until"}.get(read)  # type: ignore[assignment]
    _check_type(f"{place}.{read}", field, counts, of)
    if settings.steps is not None:
        if counts is None and not field.type.is_numeric:
            raise ValueError(f"{place}.steps: {field.path} is no number; give points by value under values:")
        return Component(name, field, of, counts, tuple(sorted(settings.steps.items())))
    return Component(name, field, of, counts, values=_values(f"{place}.values", settings, field, counts))


def _field(place: str, path: str, catalogue: Catalogue) -> Field:
    try:
        found = catalogue.get(path)
    except UnknownField as error:
        raise ValueError(f"{place}: {error}") from error
    if found.kind not in (Kind.ACCOUNT, Kind.METRIC):
        raise ValueError(f"{place}: {path} is not the account's own; name a field of account or metric")
    if found.path == HEALTH.path:
        raise ValueError(f"{place}: health cannot be made of itself")
    return found


def _check_type(place: str, field: Field, counts: Direction | None, of: Field | None) -> None:
    if counts is not None and not field.type.is_temporal:
        raise ValueError(f"{place}: {field.path} is a {field.type}; days are counted from a date or instant")
    if counts is None and field.type.is_temporal:
        raise ValueError(f"{place}: {field.path} is a {field.type}; use days_since or days_until")
    if of is not None and not (field.type.is_numeric and of.type.is_numeric):
        raise ValueError(f"{place}: a percentage takes two numbers, {field.path} of {of.path} is none")


def _values(
    place: str, settings: ComponentSettings, field: Field, counts: Direction | None
) -> Mapping[str, Decimal]:
    assert settings.values is not None
    if counts is not None or field.type.is_numeric:
        raise ValueError(f"{place}: {field.path} is counted; give points under steps:")
    found = {encode(value) or "": points for value, points in settings.values.items()}
    known = ("true", "false") if field.type is FieldType.FLAG else field.choices
    for name in found:
        if known and name not in known:
            hint = suggestion(name, known)
            raise ValueError(f'{place}: {field.path} is never "{name}"{hint}; it is {", ".join(known)}')
    return found
