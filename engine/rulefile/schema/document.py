"""The whole schema of a rule file: its keys, the parts of steps and exits, and who may be named."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from engine.clock.periods import Period
from engine.conditions.catalogue import Catalogue, Field, Kind
from engine.rulefile.model import Late, Leave, Missing, Mode, OpenSteps
from engine.rulefile.parse_actions import ACTIONS, CHOOSE, OF_ACCOUNTS, WEBHOOK_KEYS
from engine.rulefile.parse_effects import LONGEST_EVENT, MOST_PROPERTIES
from engine.rulefile.parse_every import day_names
from engine.rulefile.parse_playbook import SUBJECTS
from engine.rulefile.parse_steps import REPEATS, TIMINGS
from engine.rulefile.schema import words
from engine.rulefile.schema.conditions import (
    condition_definitions,
    shared_definitions,
)
from engine.rulefile.schema.derived import derived_definitions
from engine.rulefile.schema.effects import property_value, update_schema
from engine.rulefile.schema.shapes import paths, reference, visible
from engine.rulefile.schema.values import (
    Schema,
    after,
    at,
    day,
    duration,
    one_of,
    part,
    slug,
    spread,
    text,
    whole,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_ELAPSED = duration(business=False)
_LONGER_THAN_ZERO = duration(zero=False, business=False)


def rule_file_schema(catalogue: Catalogue, roles: Collection[str]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a rule file that may name these fields and roles."""
    definitions = {**shared_definitions(catalogue), "task": _task(roles), "message": _message()}
    definitions["webhook"] = object_of({"via": slug(), "template": slug()}, words.WEBHOOK, WEBHOOK_KEYS)
    definitions["record"] = _record()
    definitions["escalation"] = object_of(
        {"after": duration(), "to": one_of(roles)}, words.ESCALATION, ("after", "to")
    )
    for subject in SUBJECTS:
        definitions |= condition_definitions(catalogue, subject)
        definitions |= derived_definitions(catalogue, subject)
        definitions |= _parts(catalogue, subject)
    keys = {**{key: {} for key in words.PLAYBOOK}, **_keys()}
    return {
        "$schema": DIALECT,
        "title": "Tminus playbook",
        "description": "One playbook: when it starts, what its steps do, and how its runs end.",
        **object_of(keys, words.PLAYBOOK, ("playbook", "subject", "steps")),
        "anyOf": [{"required": [key]} for key in ("when", "on", "every")],
        "allOf": [
            *({"if": _is_about(each), "then": _of_subject(catalogue, each)} for each in SUBJECTS),
            *(
                {"not": {"required": [other, key]}}
                for key in ("run_per", "group_by")
                for other in ("repeat_every", "every")
            ),
            {"if": _has_anchored_step(), "then": {"required": ["anchor"]}},
            {
                "if": _has_only_repeated_steps(),
                "then": {"anyOf": [{"required": ["exit"]}, _exits_audience()]},
            },
        ],
        "$defs": definitions,
    }


def _keys() -> dict[str, Schema]:
    """The keys that are the same whatever the playbook is about."""
    since = object_of({"since": _LONGER_THAN_ZERO}, {"since": words.SINCE}, ("since",))
    guard = {"max_starts": whole(1, 1_000_000), "max_share": part(), "within": _LONGER_THAN_ZERO}
    return {
        "playbook": slug(),
        "renamed_from": {
            "if": {"type": "array"},
            "then": {**_list(slug()), "uniqueItems": True},
            "else": slug(),
        },
        "title": text(),
        "owner": text(),
        "review_every": _LONGER_THAN_ZERO,
        "subject": one_of(SUBJECTS),
        "priority": {**whole(0, 100), "default": 50},
        "for": {**_ELAPSED, "default": "0d"},
        "on_missing": {**one_of(Missing), "default": Missing.FREEZE.value},
        "existing": {"anyOf": [one_of(["wait", "fire"]), since], "default": "wait"},
        "keep_active_for": {**_ELAPSED, "default": "0d"},
        "cooldown": _ELAPSED,
        "repeat_every": _LONGER_THAN_ZERO,
        "mode": {**one_of(Mode), "default": Mode.SINGLE.value},
        "group_by": one_of([Kind.ACCOUNT]),
        "late": {**one_of(Late), "default": Late.LATEST.value},
        "guard": object_of(guard, words.GUARD, ()),
        "mutes": _mutes(),
    }


def _mutes() -> Schema:
    keys = {
        "playbooks": {**_list(slug()), "uniqueItems": True},
        "open_steps": {**one_of(OpenSteps), "default": OpenSteps.HOLD.value},
    }
    return object_of(keys, words.MUTES, ("playbooks",))


def _is_about(subject: Kind) -> Schema:
    return {"properties": {"subject": {"const": subject.value}}, "required": ["subject"]}


def _has_anchored_step() -> Schema:
    anchored = {"type": "object", "required": ["at"]}
    return {"properties": {"steps": {"type": "array", "contains": anchored}}, "required": ["steps"]}


def _has_only_repeated_steps() -> Schema:
    once = {"not": {"type": "object", "required": ["repeat"]}}
    return {
        "properties": {"steps": {"type": "array", "not": {"contains": once}}},
        "required": ["steps"],
    }


def _exits_audience() -> Schema:
    leaves = {"type": "object", "properties": {"leave": {"const": Leave.EXIT.value}}, "required": ["leave"]}
    return {"properties": {"audience": leaves}, "required": ["audience"]}


def _of_subject(catalogue: Catalogue, subject: Kind) -> Schema:
    """The keys whose values depend on what the playbook is about."""
    fields = visible(catalogue, subject)
    start = reference(f"{subject}.start")
    return {
        "properties": {
            "audience": reference(f"{subject}.audience"),
            "when": reference(f"{subject}.state"),
            "on": {"if": {"type": "array"}, "then": _list(start), "else": start},
            "every": _every(fields, subject),
            "run_per": paths(each for each in fields if each.kind is not Kind.METRIC),
            "anchor": paths(each for each in fields if each.type.is_temporal),
            "steps": _list(reference(f"{subject}.step")),
            "exit": _list(reference(f"{subject}.exit")),
        }
    }


def _every(fields: Iterable[Field], subject: Kind) -> Schema:
    """The calendar trigger: one of the periods with one of its days, and over which days it is spread."""
    dates = paths(each for each in fields if each.type.is_temporal and each.kind is not Kind.METRIC)
    keys: dict[str, Schema] = {"spread": spread(None), "if": reference(f"{subject}.state")}
    for period in Period:
        names = one_of(day_names(period))
        anyway = [whole(1, period.longest_days), dates] if period.months else []
        keys[period.value] = {"anyOf": [names, *anyway]}
    fits = [
        {"if": {"required": [period.value]}, "then": {"properties": {"spread": spread(period)}}}
        for period in Period
    ]
    return {**object_of(keys, words.EVERY, ()), **_exactly_one(tuple(Period)), "allOf": fits}


def _parts(catalogue: Catalogue, subject: Kind) -> dict[str, Schema]:
    """Steps, exits and emails of a playbook about `subject`."""
    return {
        f"{subject}.step": _step(subject),
        f"{subject}.branch": _branch(subject),
        f"{subject}.exit": _exit(subject),
        f"{subject}.email": _email(catalogue, subject),
        f"{subject}.update": update_schema(catalogue, subject),
    }


def _actions(subject: Kind) -> dict[str, Schema]:
    found = {key: reference(f"{subject}.{key}" if key in ("email", "update") else key) for key in ACTIONS}
    refused = OF_ACCOUNTS if subject is Kind.SOURCE else ()
    return {**found, **{key: {"not": {}} for key in refused}}


def _step(subject: Kind) -> Schema:
    keys = {
        "id": slug(),
        "day": day(),
        "at": at(),
        "after": after(),
        "on": reference(f"{subject}.run_either"),
        "repeat": one_of(REPEATS),
        "if": reference(f"{subject}.run_state"),
        **_actions(subject),
        CHOOSE: _list(reference(f"{subject}.branch")),
        "purpose": slug(),
        "escalate": reference("escalation"),
        "expires": duration(),
    }
    return {
        **object_of(keys, words.STEP, ("id",)),
        "allOf": [_exactly_one(TIMINGS), _exactly_one((*ACTIONS, CHOOSE))],
        "dependentRequired": {"repeat": ["on"]},
        "dependentSchemas": {"escalate": {"anyOf": [{"required": ["task"]}, _chooses_task()]}},
    }


def _chooses_task() -> Schema:
    with_task = {"type": "object", "required": ["task"]}
    return {"properties": {CHOOSE: {"type": "array", "contains": with_task}}, "required": [CHOOSE]}


def _branch(subject: Kind) -> Schema:
    keys = {"if": reference(f"{subject}.run_state"), **_actions(subject)}
    return {**object_of(keys, {**words.STEP, **words.BRANCH}, ()), **_exactly_one(ACTIONS)}


def _exit(subject: Kind) -> Schema:
    action = {**object_of(_actions(subject), words.STEP, ()), **_exactly_one(ACTIONS)}
    keys = {
        "outcome": slug(),
        "when": reference(f"{subject}.run_state"),
        "on": reference(f"{subject}.moment"),
        "for": {**_ELAPSED, "default": "0d"},
        "then": _list(action),
    }
    return {
        **object_of(keys, words.EXIT, ("outcome",)),
        **_exactly_one(("when", "on")),
        "dependentRequired": {"for": ["when"]},
    }


def _task(roles: Collection[str]) -> Schema:
    keys = {
        "to": one_of(roles),
        "title": text(),
        "template": slug(),
        "due": {**duration(), "default": "1bd"},
        "outcomes": {**_list(slug()), "uniqueItems": True},
    }
    return object_of(keys, words.TASK, ("to", "title"))


def _email(catalogue: Catalogue, subject: Kind) -> Schema:
    role = catalogue.fields.get(f"{Kind.CONTACT}.role")
    known = [*(role.choices if role else ()), "any", *(["subject"] if subject is Kind.CONTACT else [])]
    recipient = one_of(known)
    to = {"if": {"type": "array"}, "then": {**_list(recipient), "uniqueItems": True}, "else": recipient}
    return object_of(
        {"to": to, "template": slug(), "topic": slug()}, words.EMAIL, ("to", "template", "topic")
    )


def _message() -> Schema:
    keys = {"via": slug(), "to": text(), "template": slug()}
    return object_of(keys, words.MESSAGE, ("via", "to", "template"))


def _record() -> Schema:
    carried = {
        "type": "object",
        "propertyNames": {"pattern": slug()["pattern"]},
        "additionalProperties": property_value(),
        "minProperties": 1,
        "maxProperties": MOST_PROPERTIES,
    }
    event = {**text(), "maxLength": LONGEST_EVENT}
    return object_of({"event": event, "properties": carried}, words.RECORD, ("event",))


def object_of(keys: Mapping[str, Schema], about: Mapping[str, str], required: Iterable[str]) -> Schema:
    """A mapping of exactly these keys, each with what it is for."""
    return {
        "type": "object",
        "properties": {key: {**schema, "description": about[key]} for key, schema in keys.items()},
        "required": list(required),
        "additionalProperties": False,
    }


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1}


def _exactly_one(keys: Iterable[str]) -> Schema:
    return {"oneOf": [{"required": [key]} for key in keys]}
