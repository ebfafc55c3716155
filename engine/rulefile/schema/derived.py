"""Schemas of counts and sums over what an account has."""

from collections.abc import Iterable

from engine.conditions.catalogue import METRIC_VALUE, OF_A_METRIC, Catalogue, FieldType, Kind
from engine.conditions.operators import Argument
from engine.rulefile.model import Leave
from engine.rulefile.parse_arguments import MOST_COUNTED
from engine.rulefile.parse_conditions import GROUPS
from engine.rulefile.parse_derived import COUNTED, EVENT
from engine.rulefile.parse_predicates import FAMILIES
from engine.rulefile.parse_time_arguments import RUN_START
from engine.rulefile.schema import words
from engine.rulefile.schema.conditions import (
    ANY_SUBJECT,
    any_condition,
    exactly_one,
    field_predicate,
    group,
)
from engine.rulefile.schema.shapes import pair_of, paths, reference, shape_of, visible
from engine.rulefile.schema.values import (
    Schema,
    duration,
    number,
    one_of,
    percentage,
    property_path,
    text,
    whole,
)
from engine.rulefile.shared_conditions import USE_KEY


def derived_definitions(catalogue: Catalogue, kind: Kind | None) -> dict[str, Schema]:
    """What a playbook about `kind` can count and sum, and who counts where its subjects are counted."""
    subject = kind or ANY_SUBJECT
    amounts = paths(each for each in visible(catalogue, kind) if shape_of(each).is_amount)
    leave = {"leave": {**one_of(Leave), "default": Leave.STAY.value, "description": words.ABOUT["leave"]}}
    found = {
        f"{subject}.count": _count(amounts, ["within"]),
        f"{subject}.count.run": _count(amounts, ["within", "since"]),
        f"{subject}.count.audience": _count(amounts, ["within"], leave),
        f"{subject}.sum": _sum(catalogue, amounts, ["within"]),
        f"{subject}.sum.run": _sum(catalogue, amounts, ["within", "since"]),
        f"{subject}.sum.audience": _sum(catalogue, amounts, ["within"], leave),
    }
    if kind in COUNTED:
        found[f"{subject}.where"] = _where(subject)
    metrics = [*OF_A_METRIC.values(), *visible(catalogue, Kind.METRIC)]
    found[f"{Kind.METRIC}.field.state"] = field_predicate(metrics, "state")
    found[f"{Kind.METRIC}.where"] = _where(Kind.METRIC)
    return found


def _where(counted: str) -> Schema:
    """Who counts."""
    kinds = {each: group(each, f"{counted}.where") for each in GROUPS}
    return any_condition(
        {"field": reference(f"{counted}.field.state"), USE_KEY: reference("shared"), **kinds}
    )


def _of_events(spans: list[str]) -> Schema:
    """The keys that say which events."""
    span = {"within": duration(zero=False, business=False), "since": one_of([RUN_START])}
    return {"name": text(), **{key: span[key] for key in spans}}


def _count(amounts: Schema, spans: list[str], besides: Schema | None = None) -> Schema:
    keys = _of_events(spans)
    members = [_for("count", {"enum": [kind]}, _members(kind, keys)) for kind in COUNTED]
    events = _for("count", {"enum": [EVENT]}, *_events(spans))
    about = {"count": one_of([*COUNTED, EVENT]), "where": {}, **keys}
    return _compared(amounts, about, whole(0, MOST_COUNTED), [*members, events], besides)


def _members(kind: str, keys: Iterable[str]) -> Schema:
    """What goes with what an account has of a kind."""
    return {"where": reference(f"{kind}.where"), **dict.fromkeys(keys, False)}


def _events(spans: list[str]) -> tuple[Schema, Schema]:
    """What goes with events, and what is needed."""
    return {"where": reference("event.where")}, {"required": ["name"], **exactly_one(spans)}


def _sum(catalogue: Catalogue, amounts: Schema, spans: list[str], besides: Schema | None = None) -> Schema:
    summed = [
        each
        for each in catalogue.fields.values()
        if each.kind in (Kind.CONTACT, Kind.SUBSCRIPTION, Kind.TICKET)
        and each.type in (FieldType.NUMBER, FieldType.MONEY)
    ] + [METRIC_VALUE]
    keys = _of_events(spans)
    members = [
        _for("sum", {"enum": [each.path for each in summed if each.kind is kind]}, _members(kind, keys))
        for kind in COUNTED
    ]
    events = _for("sum", property_path(), *_events(spans))
    about = {"sum": {"anyOf": [paths(summed), property_path()]}, "where": {}, **keys}
    return _compared(amounts, about, number(), [*members, events], besides)


def _for(about: str, names: Schema, properties: Schema, more: Schema | None = None) -> Schema:
    """What goes with these things to count or sum."""
    asked = {"properties": {about: names}, "required": [about]}
    return {"if": asked, "then": {"properties": properties, **(more or {})}}


def _compared(
    amounts: Schema,
    about: Schema,
    value: Schema,
    members: list[Schema],
    besides: Schema | None,
) -> Schema:
    """What is counted or summed, and one comparison: with a value, or with a percentage of an amount."""
    rows = FAMILIES["count"]
    plain = {key: _ARGUMENTS[row.argument](value) for key, row in rows.items()}
    share = {key: percentage() if row.takes_of else False for key, row in rows.items()}
    is_share = {"properties": {"of": {"not": {"const": Kind.ACCOUNT.value}}}, "required": ["of"]}
    described = {key: {**each, "description": words.ABOUT[key]} for key, each in about.items()}
    of = {"anyOf": [one_of([Kind.ACCOUNT]), amounts], "description": words.OF_ACCOUNT}
    return {
        "type": "object",
        "properties": {
            **described,
            "of": of,
            **{key: {"description": words.OPERATORS[row.keyword]} for key, row in rows.items()},
            **(besides or {}),
        },
        "required": [next(iter(about))],
        "additionalProperties": False,
        **exactly_one(rows),
        "allOf": [
            *members,
            {"if": is_share, "then": {"properties": share}, "else": {"properties": plain}},
        ],
    }


_ARGUMENTS = {
    Argument.VALUE: lambda value: value,
    Argument.VALUES: lambda value: {"type": "array", "items": value, "minItems": 1, "uniqueItems": True},
    Argument.RANGE: pair_of,
}
