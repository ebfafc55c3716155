"""A health as people look at it: its band, and what it is made of where it was computed."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.conditions.catalogue import encode
from engine.health.bands import Band, Bands
from engine.health.score import KeptScore, Part, Score, as_plain, words


@dataclass(frozen=True, slots=True)
class Composition:
    """An account's health at an instant."""

    health: Decimal | None
    band: Band | None
    """None without a health."""
    parts: tuple[Part, ...]
    """Empty where a source gave it, or nothing is known of it."""
    stale: tuple[str, ...] = ()
    """Of what it is made of, what counts as missing because its source is silent, in sentences."""

    @property
    def words(self) -> str:
        """ "health 38 = adoption 20 of 40 (31%), activity missing"; empty where there is nothing to say."""
        made = [words(Score(self.health, self.parts))] if self.parts else []
        return "; ".join([*made, *self.stale])


def composition(health: Decimal | None, kept: KeptScore | None, bands: Bands) -> Composition:
    """A health beside the score that was kept last: its parts belong to it while both are the same."""
    is_computed = kept is not None and kept.parts is not None and kept.score == health
    return Composition(
        health, bands.of(health), (kept.parts or ()) if kept is not None and is_computed else ()
    )


def plain_composition(found: Composition) -> dict[str, Any]:
    """The composition as JSON values; numbers as text, so that they stay exact."""
    return {
        "health": encode(found.health),
        "band": None if found.band is None else found.band.name,
        "colour": None if found.band is None else found.band.colour,
        "parts": as_plain(found.parts),
        "stale": list(found.stale),
    }
