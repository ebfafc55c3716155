"""JSON documents that templates give."""

import json
from typing import Any

LONGEST_DOCUMENT = 64 * 1024
"""Characters."""


class NotJsonError(ValueError):
    """A rendered text is no JSON document; `line` is where in it."""

    def __init__(self, message: str, line: int = 1) -> None:
        self.line = line
        super().__init__(message)


def read_document(text: str) -> str:
    """The document in its shortest form. Raises NotJsonError."""
    if len(text) > LONGEST_DOCUMENT:
        raise NotJsonError(f"it is longer than {LONGEST_DOCUMENT:,} characters")
    try:
        found: Any = json.loads(text)
        if not isinstance(found, dict | list):
            raise NotJsonError("it must be an object or a list")
        return json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except json.JSONDecodeError as error:
        raise NotJsonError(
            f"{error.msg} (line {error.lineno}, column {error.colno})", error.lineno
        ) from error
    except RecursionError as error:
        raise NotJsonError("it is nested too deeply") from error
    except NotJsonError:
        raise
    except ValueError as error:
        raise NotJsonError("it holds a number that JSON has no form for") from error
