"""JSON read strictly: finite numbers as decimals, no repeated keys, no text a database cannot keep."""

import json
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from engine.api.problems import Problem

DEEPEST = 32
"""Levels of nesting."""
_LONGEST_NUMBER = 64
"""Digits and signs of one number."""


class StrictJsonError(ValueError):
    """The text is not JSON that can be taken; the message says what is wrong."""


def parse_body(body: bytes) -> Any:
    """The body as values, with every number a Decimal. Raises Problem (400)."""
    try:
        return parse(body)
    except StrictJsonError as error:
        raise Problem(400, "Body is not usable JSON", f"{error}; nothing was taken.") from error


def parse_object(body: bytes, known: set[str]) -> dict[str, Any]:
    """The body as an object with no other keys than these; an empty body is an empty object.

    Raises Problem (400 or 422).
    """
    given = parse_body(body) if body.strip() else {}
    if not isinstance(given, dict):
        raise Problem(400, "Body does not fit", "Send a JSON object.")
    extra = sorted(set(given) - known)
    if extra:
        mend = f"this takes {', '.join(sorted(known))}"
        raise Problem(422, "Request does not fit", f'Unknown key "{extra[0][:80]}"; {mend}.')
    return given


def text_in(given: dict[str, Any], key: str) -> str | None:
    """The text under a key; None where there is none. Raises Problem (422) for anything else."""
    value = given.get(key)
    if value is not None and not isinstance(value, str):
        raise Problem(422, "Request does not fit", f"{key} must be text or null.")
    return value


def parse(body: bytes) -> Any:
    """The body as values, with every number a Decimal. Raises StrictJsonError."""
    try:
        value = json.loads(
            body.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_number,
            parse_int=_number,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError as error:
        raise StrictJsonError(f"byte {error.start} is not UTF-8; send the body as UTF-8") from error
    except json.JSONDecodeError as error:
        raise StrictJsonError(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise StrictJsonError(_too_deep()) from error
    _check(value, 0)
    return value


def _check(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise StrictJsonError(_too_deep())
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, list):
        for each in value:
            _check(each, depth + 1)
    elif isinstance(value, dict):
        for key, each in value.items():
            check_text(key)
            _check(each, depth + 1)


def check_text(text: str) -> None:
    """Raises StrictJsonError for NUL and for half a surrogate pair, which no database takes."""
    if "\x00" in text:
        raise StrictJsonError("a text contains a NUL character; leave it out")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise StrictJsonError("a text contains half of a surrogate pair; write whole characters") from error


def _too_deep() -> str:
    return f"the body is nested deeper than {DEEPEST} levels"


def _refuse_constant(text: str) -> NoReturn:
    raise StrictJsonError(f"{text} is not a JSON number; leave the field out or send null")


def _number(text: str) -> Decimal:
    if len(text) > _LONGEST_NUMBER:
        raise StrictJsonError(f"a number is longer than {_LONGEST_NUMBER} characters")
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise StrictJsonError(f"{text} is not a number that can be kept") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        repeated = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise StrictJsonError(f"the key {json.dumps(repeated)} is given twice in one object")
    return found
