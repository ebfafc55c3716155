"""Where the next page of a list begins, as text that a reader gives back."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any


class BadCursorError(ValueError):
    """A cursor was not one that a page of a list handed out."""

    def __init__(self) -> None:
        super().__init__("the cursor is not one this service gave; start again without it")


def write_cursor(place: Sequence[Any]) -> str:
    """The text of a place, which is made of what JSON can hold."""
    return base64.urlsafe_b64encode(json.dumps(list(place)).encode()).decode().rstrip("=")


def read_cursor(text: str) -> list[Any]:
    """The parts of a place; whoever asks checks them. Raises BadCursorError."""
    try:
        padded = text + "=" * (-len(text) % 4)
        place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError, binascii.Error) as error:
        raise BadCursorError from error
    if not isinstance(place, list):
        raise BadCursorError
    return place
