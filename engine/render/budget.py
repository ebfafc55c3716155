"""How much one rendering may do. Counted, not timed, so that a template fails the same way everywhere."""

from dataclasses import dataclass

STEPS = 200_000
"""Evaluated expressions, and eighths of the characters worked on; about half a second at the most."""

OUTPUT_CHARACTERS = 256 * 1024
VALUE_CHARACTERS = 32 * 1024
"""The longest text a template may build on the way."""

LIST_ITEMS = 10_000
INTEGER_BITS = 256


class RefusedError(Exception):
    """A template did something it may not do; the message says what, and what to do instead."""


@dataclass
class Budget:
    """What is left to one rendering. Spending more than there is raises RefusedError."""

    steps: int = STEPS
    characters: int = OUTPUT_CHARACTERS

    def spend(self, steps: int) -> None:
        """Take `steps` off the work that is left."""
        self.steps -= steps
        if self.steps < 0:
            raise RefusedError("does too much work; shorten its loops")

    def print(self, text: str) -> None:
        """Take `text` off the output that is left."""
        self.characters -= len(text)
        if self.characters < 0:
            raise RefusedError(f"prints more than {OUTPUT_CHARACTERS:,} characters; shorten it")


def sized(value: object) -> int:
    """The steps that one operation on `value` costs."""
    if isinstance(value, str):
        return 1 + len(value) // 8
    if isinstance(value, list | tuple | dict | range):
        return 1 + len(value)
    return 1


def bounded_text(length: int) -> None:
    """Refuse a text of `length` characters before it is built, if it is too long."""
    if length > VALUE_CHARACTERS:
        raise RefusedError(f"builds a text of more than {VALUE_CHARACTERS:,} characters")


def bounded_list(length: int) -> None:
    """Refuse a list of `length` items before it is built, if it is too long."""
    if length > LIST_ITEMS:
        raise RefusedError(f"builds a list of more than {LIST_ITEMS:,} items")


def bounded_integer(bits: int) -> None:
    """Refuse a whole number of more than `bits` binary digits before it is calculated."""
    if bits > INTEGER_BITS:
        raise RefusedError("calculates a number that is far too large")
