"""The filters and tests a template may use: a written list, each bounded in what it builds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import wraps
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2 import tests as jinja_tests
from jinja2.runtime import Context, Undefined
from markupsafe import Markup, escape

from engine.clock.zones import zone
from engine.render import budget, wording
from engine.render.absent import refuse_undefined
from engine.render.budget import RefusedError


def _default(value: object, otherwise: object = "") -> object:
    """`otherwise` where a value is missing."""
    return otherwise if value is None or isinstance(value, Undefined) else value


@pass_context
def _date(context: Context, value: object) -> str:
    return wording.as_date(value, _zone_of(context))


def _zone_of(context: Context) -> ZoneInfo | None:
    account = context.parent.get("account")
    name = account.get("timezone") if isinstance(account, Mapping) else None
    try:
        return zone(name) if isinstance(name, str) else None
    except ValueError:
        return None


def _text(value: object) -> str:
    if isinstance(value, Undefined):
        refuse_undefined(value)
    return wording.as_text(value)


def _items(value: object) -> list[Any]:
    """A list to work on. Raises RefusedError for what is none, and for a missing value."""
    if isinstance(value, Undefined):
        refuse_undefined(value)
    if not isinstance(value, list | tuple | dict | range | str):
        raise RefusedError("wants a list here")
    budget.bounded_list(len(value))
    return list(value)


def _join(value: object, separator: str = "") -> str:
    texts = [_text(each) for each in _items(value)]
    budget.bounded_text(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _length(value: Sequence[Any]) -> int:
    return len(_items(value))


def _first(value: object) -> object:
    items = _items(value)
    return items[0] if items else None


def _last(value: object) -> object:
    items = _items(value)
    return items[-1] if items else None


def _sort(value: object, reverse: bool = False, attribute: str | None = None) -> list[Any]:
    def key(item: Any) -> Any:
        found = _attribute(item, attribute) if attribute else item
        if found is None or isinstance(found, list | tuple | Mapping):
            raise RefusedError("sorts something that has no order; give it an attribute that every item has")
        return found[:_COMPARED].casefold() if isinstance(found, str) else found

    return sorted(_items(value), key=key, reverse=bool(reverse))


_COMPARED = 200
"""Texts are put in order by their first characters, case aside."""


def _map(value: object, attribute: str, default: object = None) -> list[Any]:
    found = [_attribute(item, attribute) for item in _items(value)]
    return [default if each is None else each for each in found]


def _where(value: object, attribute: str, wanted: object = True) -> list[Any]:
    return [item for item in _items(value) if _attribute(item, attribute) == wanted]


def _attribute(item: object, attribute: str) -> Any:
    return item.get(attribute) if isinstance(item, Mapping) else None


def _sum(value: object, attribute: str | None = None) -> Decimal:
    found = [_attribute(item, attribute) if attribute else item for item in _items(value)]
    if not all(isinstance(each, int | Decimal) for each in found):
        raise RefusedError("sums something that is no number; give it an attribute that every item has")
    return sum(map(Decimal, found), Decimal(0))


def _least(value: object) -> object:
    return _first(_sort(value))


def _most(value: object) -> object:
    return _last(_sort(value))


def _round(value: object, places: int = 0) -> Decimal:
    return round(Decimal(wording.as_number(value).replace(",", "")), wording.checked_places(places))


def _absolute(value: object) -> Decimal:
    return abs(_round(value, 6))


def _integer(value: object) -> int:
    return int(_round(value, 6))


def _replace(value: object, old: str, new: str) -> str:
    text = _text(value)
    if not old:
        raise RefusedError('"replace" needs a text to look for')
    budget.bounded_text(len(text) + text.count(old) * max(0, len(new) - len(old)))
    return text.replace(old, new)


def _truncate(value: object, length: int = 80) -> str:
    text = _text(value)
    return text if len(text) <= length else text[: max(0, length - 1)].rstrip() + "…"


def _title(value: object) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in _text(value).split(" "))


def _url_part(value: object) -> str:
    return quote(_text(value), safe="")


@pass_context
def _button(context: Context, words: object, url: str) -> str:
    """A link that looks like a button; outside HTML, the words and the address."""
    label, address = _text(words), _text(url)
    if not (context.name or "").endswith((".html", ".html.j2")):
        return f"{label}: {address}"
    return Markup(
        '<table role="presentation" class="button" cellpadding="0" cellspacing="0" border="0"><tr>'
        '<td class="button"><a class="button" href="{}">{}</a></td></tr></table>'
    ).format(address, label)


def _of_text(change: Callable[[str], str]) -> Callable[[object], str]:
    return lambda value: change(_text(value))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": _absolute,
    "button": _button,
    "capitalize": _of_text(str.capitalize),
    "count": _length,
    "d": _default,
    "date": _date,
    "default": _default,
    "first": _first,
    "int": _integer,
    "join": _join,
    "last": _last,
    "length": _length,
    "list": _items,
    "lower": _of_text(str.lower),
    "map": _map,
    "max": _most,
    "min": _least,
    "money": wording.as_money,
    "number": wording.as_number,
    "percent": wording.as_percent,
    "replace": _replace,
    "round": _round,
    "sort": _sort,
    "string": _text,
    "sum": _sum,
    "title": _title,
    "trim": _of_text(str.strip),
    "truncate": _truncate,
    "upper": _of_text(str.upper),
    "urlencode": _url_part,
    "where": _where,
}
"""Every filter by name. docs/templates.md describes them."""

_JINJA: Mapping[str, Any] = jinja_tests.TESTS
_JINJA_TESTS = (
    *("defined", "undefined", "true", "false", "odd", "even", "string", "number"),
    *("eq", "ne", "gt", "ge", "lt", "le"),
)

TESTS: Mapping[str, Callable[..., Any]] = {
    **{name: _JINJA[name] for name in _JINJA_TESTS},
    "none": lambda value: value is None or isinstance(value, Undefined),
}
"""Every test by name."""


def charged(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` as a filter that pays for the size of what it gets and of what it gives."""
    takes_context = hasattr(function, "jinja_pass_arg")

    @pass_context
    @wraps(function)
    def pay(context: Any, value: object, *args: Any, **kwargs: Any) -> Any:
        context.budget.spend(budget.sized(value))
        if isinstance(value, Undefined) and function is not _default:
            refuse_undefined(value)
        result = (
            function(context, value, *args, **kwargs) if takes_context else function(value, *args, **kwargs)
        )
        context.budget.spend(budget.sized(result))
        if isinstance(result, str):
            budget.bounded_text(len(result))
        return result

    return pay


def concatenated(parts: Iterable[object]) -> str:
    """What `a ~ b` gives; escaped as a whole where a part is already markup."""
    found = list(parts)
    texts: list[str] = [_text(each) for each in found]
    budget.bounded_text(sum(map(len, texts)))
    if any(isinstance(each, Markup) for each in texts):
        return Markup("").join(map(escape, texts))
    return "".join(texts)


def is_flat(value: object) -> bool:
    """Whether a value may stand in a list a template writes: no lists of lists, which grow without end."""
    return value is None or isinstance(value, str | int | float | Decimal | date | Undefined)
