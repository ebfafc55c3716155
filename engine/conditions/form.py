"""A predicate as the matching engine sees it: one property of a flat fact, compared with constants.

The engine compares whole numbers and plain text alone, so every value is first put into one of those two:
numbers as millionths, dates as days and instants as microseconds since 1970, flags as 0 and 1.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Literal, TypeAlias

from engine.conditions.catalogue import Value

Sign: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">="]

LIMIT = 2**53 - 1
"""The largest whole number a fact carries. Facts are clamped to it; a constant must stay below it."""

MILLIONTHS = Decimal(10) ** 6

_INVERSE: dict[Sign, Sign] = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}", re.ASCII)


class OutsideEnvelope(ValueError):
    """A condition the matching engine is not known to answer rightly; the reference evaluator decides it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison of the predicate's property with a constant."""

    sign: Sign
    constant: int | str

    @property
    def inverse(self) -> "Check":
        """The comparison that holds exactly when this one does not, for a property that is there."""
        return Check(_INVERSE[self.sign], self.constant)


@dataclass(frozen=True, slots=True)
class Form:
    """True when all, or any, of the checks hold for the property; unknown when the property is left out."""

    join: Literal["all", "any"]
    checks: tuple[Check, ...]

    @property
    def inverse(self) -> "Form":
        """True exactly when this form is false."""
        return Form("any" if self.join == "all" else "all", tuple(each.inverse for each in self.checks))


def single(sign: Sign, constant: int | str) -> Form:
    """A form of one check."""
    return Form("all", (Check(sign, constant),))


def clamp(number: int) -> int:
    """The number, or the limit it lies beyond: no comparison with a constant inside the limits changes."""
    return max(-LIMIT, min(LIMIT, number))


def fact_of(value: Value | None) -> int | str | None:
    """A value as a fact carries it. A missing value stays missing."""
    if value is None:
        return None
    encoded = _encode(value)
    return encoded if isinstance(encoded, str) else clamp(encoded)


def constant_of(value: Value | int) -> int | str:
    """A value as a rule's constant. Raises OutsideEnvelope for a number that facts cannot reach exactly."""
    if isinstance(value, Decimal) and value * MILLIONTHS != int(value * MILLIONTHS):
        raise OutsideEnvelope(f"{value} has more than six decimal places")
    encoded = _encode(value)
    if isinstance(encoded, int) and abs(encoded) >= LIMIT:
        raise OutsideEnvelope(f"{value} is too large for an exact comparison in the matching engine")
    return encoded


def microseconds(span: timedelta) -> int:
    """A span as whole microseconds."""
    return span // timedelta(microseconds=1)


def _encode(value: Value | int) -> int | str:
    if isinstance(value, str):
        return text_token(value)
    if isinstance(value, Decimal):
        return int(value * MILLIONTHS)
    if isinstance(value, datetime):
        return microseconds(value - _EPOCH)
    if isinstance(value, date):
        return value.toordinal() - _EPOCH.toordinal()
    return int(value)


def text_token(text: str) -> str:
    """A plain ASCII word that stands for this text alone.

    Only equality is ever asked of text. A short word stands for itself; anything else (quotes, control
    characters, other scripts, long or empty text) is named by its SHA-256.
    """
    if _PLAIN_TEXT.fullmatch(text):
        return text
    return "#" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
