"""A Jinja2 environment in which a template can read its values, choose, loop and format, and nothing else."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jinja2 import nodes, pass_context
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from engine.render import budget
from engine.render.absent import Missing, Record, Unknown, missing, refuse_undefined
from engine.render.budget import Budget, RefusedError, sized
from engine.render.filters import FILTERS, TESTS, charged, concatenated, is_flat
from engine.render.screen import screen
from engine.render.wording import as_json, as_text

_LOOP = frozenset(
    ("index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem")
)
_DATE = frozenset(("year", "month", "day"))
_INSTANT = _DATE | {"hour", "minute"}
_TEXT_METHODS = frozenset(
    ("lower", "upper", "title", "capitalize", "strip", "lstrip", "rstrip", "split", "startswith", "endswith")
)
_LONGEST_ARGUMENT = 100


class BoundedContext(Context):
    """A template's values, with what is left of its budget."""

    budget: Budget

    def derived(self, locals: dict[str, Any] | None = None) -> Context:
        """A copy for a nested scope, on the same budget."""
        copy = super().derived(locals)
        assert isinstance(copy, BoundedContext)
        copy.budget = self.budget
        return copy

    def resolve_or_missing(self, key: str) -> Any:
        """The value called `key`; None becomes a missing value that can name itself."""
        found = super().resolve_or_missing(key)
        if found is None:
            return missing(key)
        return Record(key, found) if isinstance(found, Mapping) else found


class Sandbox(ImmutableSandboxedEnvironment):
    """Reads plain values only: mappings, lists, texts, numbers, dates. Everything it does is counted."""

    context_class = BoundedContext
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%"})

    def __init__(self) -> None:
        super().__init__(
            undefined=Unknown,
            autoescape=_is_html,
            finalize=_printed,
            optimized=False,
            auto_reload=False,
            cache_size=0,
        )
        self.filters = {name: charged(function) for name, function in FILTERS.items()}
        self.filters |= {"_loop": _loop, "_flat": _flat, "_concat": _concat, "_searched": _searched}
        self.filters["_weighed"] = _weighed
        self.tests = dict(TESTS)
        self.globals = {"range": _range}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        screen(tree)
        return tree

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`: a key of a mapping, a part of a date, a harmless method of a text."""
        if isinstance(obj, Undefined):
            return _of_undefined(obj, attribute)
        if isinstance(obj, Record | Mapping):
            return _record(obj).get(attribute)
        if attribute in _attributes(obj):
            found = getattr(obj, attribute)
            return missing(f"loop.{attribute}") if found is None else found
        raise RefusedError(f'".{attribute}" cannot be used on this value')

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`: a key of a mapping, or a place in a list or text."""
        if isinstance(obj, Undefined):
            return _of_undefined(obj, str(argument))
        if isinstance(obj, Record | Mapping):
            return _record(obj).get(argument)
        if isinstance(obj, list | tuple | str | range) and isinstance(argument, int):
            try:
                return obj[argument]
            except IndexError:
                return missing(f"[{argument}]")
        raise RefusedError(f'"[{str(argument)[:40]}]" cannot be used on this value')

    def call(self, context: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call `range` or a method of a text; nothing else can be called."""
        for reserved in ("_loop_vars", "_block_vars"):
            kwargs.pop(reserved, None)
        owner = getattr(function, "__self__", None)
        if function is not _range and not (isinstance(owner, str) and function.__name__ in _TEXT_METHODS):
            raise RefusedError("calls something that is no function of templates")
        if any(isinstance(each, str) and len(each) > _LONGEST_ARGUMENT for each in (*args, *kwargs.values())):
            raise RefusedError(f"a method takes texts of at most {_LONGEST_ARGUMENT} characters")
        context.budget.spend(sized(owner))
        result = function(*args, **kwargs)
        context.budget.spend(sized(result))
        return result

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Calculate, after checking how large the result would be."""
        context.budget.spend(sized(left) + sized(right))
        left, right = _exact(left), _exact(right)
        _check_operands(operator, left, right)
        return super().call_binop(context, operator, left, right)


def _is_html(name: str | None) -> bool:
    return name is not None and name.endswith((".html", ".html.j2"))


def _attributes(obj: object) -> frozenset[str]:
    if isinstance(obj, LoopContext):
        return _LOOP
    if isinstance(obj, datetime):
        return _INSTANT
    if isinstance(obj, date):
        return _DATE
    return _TEXT_METHODS if isinstance(obj, str) else frozenset()


def _record(obj: Record | Mapping[Any, Any]) -> Record:
    return obj if isinstance(obj, Record) else Record("", obj)


def _of_undefined(obj: Undefined, name: str) -> Missing:
    if not isinstance(obj, Missing):
        refuse_undefined(obj)
    return missing(f"{obj._undefined_name}.{name}")


def _range(*bounds: int) -> range:
    if not all(isinstance(each, int) for each in bounds):
        raise RefusedError('"range" wants whole numbers')
    found = range(*bounds)
    try:
        length = len(found)
    except OverflowError:
        raise RefusedError("loops over far too large a range") from None
    budget.bounded_list(length)
    return found


def _check_operands(operator: str, left: Any, right: Any) -> None:
    kinds = (_shape(left), _shape(right))
    if kinds == ("number", "number"):
        if operator == "*":
            budget.bounded_integer(_bits(left) + _bits(right))
    elif operator == "+" and kinds == ("text", "text"):
        budget.bounded_text(len(left) + len(right))
    elif operator == "+" and kinds == ("list", "list"):
        budget.bounded_list(len(left) + len(right))
    elif operator == "*" and kinds == ("text", "number"):
        budget.bounded_text(len(left) * int(right))
    elif operator == "-" and kinds == ("date", "date"):
        raise RefusedError("cannot subtract dates; count days in a rule's condition instead")
    elif "undefined" not in kinds:
        raise RefusedError(f'cannot calculate {kinds[0]} "{operator}" {kinds[1]}; join texts with "~"')


def _exact(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, float) else value


def _shape(value: object) -> str:
    shapes: list[tuple[Any, str]] = [
        (bool, "yes or no"),
        (Undefined, "undefined"),
        (str, "text"),
        (list | tuple, "list"),
        (date, "date"),
    ]
    for kind, name in shapes:
        if isinstance(value, kind):
            return name
    return "number" if hasattr(value, "__round__") else "record"


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 64


@pass_context
def _printed(context: Any, value: object) -> object:
    """A value about to be printed, as text that means nothing where it is printed.

    In chat messages, what Slack would take as markup is escaped; in webhooks, what ends a JSON text.
    """
    context.budget.spend(sized(value))
    if isinstance(value, Undefined):
        refuse_undefined(value)
    if (context.name or "").startswith("templates/webhooks/"):
        return as_json(value)
    text = as_text(value)
    if isinstance(value, Markup) or not (context.name or "").startswith("templates/messages/"):
        return text
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@pass_context
def _loop(context: Any, value: Any, weight: int) -> Iterator[Any]:
    """The items of `value`, paying `weight` steps for each."""
    if isinstance(value, Undefined):
        refuse_undefined(value)
    if not isinstance(value, list | tuple | range | Mapping):
        raise RefusedError("loops over something that is no list")
    for each in value:
        context.budget.spend(weight)
        yield each


@pass_context
def _flat(context: Any, value: list[Any] | tuple[Any, ...]) -> list[Any]:
    context.budget.spend(sized(value))
    if not all(is_flat(each) for each in value):
        raise RefusedError("puts a list into a list")
    return list(value)


@pass_context
def _concat(context: Any, value: list[Any]) -> str:
    context.budget.spend(sum(map(sized, value)))
    return concatenated(value)


@pass_context
def _weighed(context: Any, value: object) -> object:
    """A value about to be compared or tested, missing ones included."""
    context.budget.spend(sized(value))
    return value


@pass_context
def _searched(context: Any, value: object) -> object:
    """What `in` looks through: one value that is no missing one."""
    context.budget.spend(sized(value))
    if isinstance(value, Undefined):
        refuse_undefined(value)
    return value
