"""Stretches of scores with a name and a colour."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from engine.health.config import BandSettings, Colour


@dataclass(frozen=True, slots=True)
class Band:
    """The scores from `at_least` up to where the next higher band begins."""

    name: str
    at_least: Decimal
    colour: Colour


@dataclass(frozen=True, slots=True)
class Bands:
    """All bands, the highest first. At least one."""

    bands: tuple[Band, ...]

    def of(self, score: Decimal | None) -> Band | None:
        """The band of a score; the lowest one reaches down without end. None without a score."""
        if score is None:
            return None
        return next((each for each in self.bands if score >= each.at_least), self.bands[-1])


_STANDARD: tuple[Band, ...] = (
    Band("healthy", Decimal(80), "green"),
    Band("stable", Decimal(60), "green"),
    Band("at_risk", Decimal(40), "amber"),
    Band("critical", Decimal(20), "red"),
    Band("emergency", Decimal(0), "red"),
)


def bands_of(declared: Mapping[str, BandSettings]) -> Bands:
    """The declared bands, or the standard five where none is."""
    found = [Band(name, each.at_least, each.colour) for name, each in declared.items()]
    return Bands(tuple(sorted(found, key=lambda each: -each.at_least)) or _STANDARD)
