"""Values that are not there: a name nobody knows, and a known one without a value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NoReturn

from jinja2 import StrictUndefined
from jinja2.runtime import Undefined


class Unknown(StrictUndefined):
    """A name that nothing has: a mistake in the template."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or f'there is no "{self._undefined_name}"'


class Missing(StrictUndefined):
    """A value that is known by name but not set: false in a condition, refused where it would print."""

    __slots__ = ()

    def __bool__(self) -> bool:  # type: ignore[override]
        return False

    def __eq__(self, other: object) -> bool:  # type: ignore[override]
        return other is None or isinstance(other, Undefined)

    def __ne__(self, other: object) -> bool:  # type: ignore[override]
        return not self == other

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(None)

    def __getattr__(self, name: str) -> "Missing":
        if name.startswith("_"):
            raise AttributeError(name)
        return missing(f"{self._undefined_name}.{name}")


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping of values that knows what the template calls it."""

    name: str
    values: Mapping[Any, Any]

    def get(self, key: Any) -> Any:
        """The value at `key`; a missing or an unknown one says so when it is used."""
        path = f"{self.name}.{key}".lstrip(".")
        if key not in self.values:
            return unknown_name(path, str(key), self.values)
        found = self.values[key]
        if isinstance(found, Mapping):
            return Record(path, found)
        return missing(path) if found is None else found


def refuse_undefined(value: Undefined) -> NoReturn:
    """Raise what the value has to say for itself."""
    value._fail_with_undefined_error()


def missing(path: str) -> Missing:
    """The missing value called `path`."""
    hint = f'"{path}" is missing; write {{{{ {path} | default("…") }}}} or ask with {{% if {path} %}} first'
    return Missing(hint, name=path)


def unknown_name(path: str, name: str, names: Iterable[object]) -> Unknown:
    """The undefined value for a name that is not among `names`, with the nearest one suggested."""
    near = get_close_matches(name, [each for each in names if isinstance(each, str)], n=1, cutoff=0.6)
    hint = f' (did you mean "{near[0]}"?)' if near else ""
    return Unknown(f'there is no "{path}"{hint}', name=path)
