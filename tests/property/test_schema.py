"""The schema for editors and the parser agree on every rule file, sound or broken."""

import copy
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.clock.periods import Period
from engine.conditions.catalogue import BUILT_IN, METRIC_VALUE, OF_A_METRIC, Field, FieldType, Kind, seen_from
from engine.conditions.operators import Argument
from engine.rulefile.known import Known
from engine.rulefile.model import Guard
from engine.rulefile.parse_arguments import STEP_STATES
from engine.rulefile.parse_every import SPREAD_UNITS, day_names, longest_spread
from engine.rulefile.parse_playbook import SUBJECTS, Parsed, parse_playbook
from engine.rulefile.parse_predicates import FAMILIES, LOOKED_BACK_ON
from engine.rulefile.parse_time_arguments import DAY_COMPARISONS
from engine.rulefile.schema.document import rule_file_schema
from engine.rulefile.shared import read_shared
from engine.rulefile.source import read_source

ROLES = ("csm", "csm_manager", "exec_sponsor")
CATALOGUE = BUILT_IN.extended(
    [
        Field(Kind.METRIC, "logins", FieldType.NUMBER, "logins", is_custom=True),
        Field(Kind.ACCOUNT, "region", FieldType.ENUM, "", ("emea", "true", "7"), is_custom=True),
        Field(Kind.CONTACT, "is_admin", FieldType.FLAG, is_custom=True),
    ]
)
VALIDATOR = Draft202012Validator(rule_file_schema(CATALOGUE, ROLES))

SEMANTIC = re.compile(
    r"unknown step|unknown shared condition|c\.yaml:\d+:\d+\)"
    r"|: outcome: .* is not |has no task with outcomes|is already on line|in a circle"
    r"|the playbook mutes itself|must not be above the second|recovers_at must not be|from must be another"
    r"|is no valid template|names .* twice|is the playbook's own name|is the same field"
    r"|repeats, so there is no one time"
)
"""What no schema can say: how the parts of a file refer to one another, and the order of two values."""

PROOF = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])

Tree = Any

SHARED, _ = read_shared(
    {
        "c.yaml": read_source(
            "c.yaml",
            "conditions: {at_risk: {field: account.health, below: 40}, 7: {event: x, within: 3d}}",
        )
    },
    CATALOGUE,
)


KNOWN = Known(CATALOGUE, ROLES, Guard(25, timedelta(hours=1)))


def parse_text(text: str) -> Parsed:
    """The parser's answer; every template exists."""
    return parse_playbook("rules/a.yaml", text, KNOWN, templates=lambda path: "{}", shared=SHARED)


def parse(tree: Tree) -> Parsed:
    """The parser's answer; JSON is YAML."""
    return parse_text(json.dumps(tree, ensure_ascii=False))


NAMES = st.sampled_from(["a", "call-2", "on_track", "x" * 64, "7", 7, True])
TEXTS = st.sampled_from(["Call", "Two words", "Überprüfung: ok?", "#cs", 12, 0.5, False, "x" * 500])
LENGTHS = st.sampled_from(["1min", "4h", "30d", "2w", "3660d", "522w", "87840h"])
SPANS = LENGTHS | st.sampled_from(["0d", "2bd", "3660bd", "00005d"])
NUMBERS = st.integers(-999, 999) | st.sampled_from([0.5, -3.25, 999_999_999_999])
SHARES = st.sampled_from(["80%", "0.5%", "10000%", "+007 %", ".5%"])
DAYS = st.sampled_from(["2026-01-31", "2024-02-29", "1999-12-01"])
INSTANTS = st.sampled_from(["2026-01-31T09:00:00Z", "2026-01-31 09:00+02:00", "2026-01-31T09:00:00.5-0330"])


def values(field: Field) -> st.SearchStrategy[Tree]:
    """Values of the field's type."""
    plain: dict[FieldType, st.SearchStrategy[Tree]] = {
        FieldType.FLAG: st.booleans(),
        FieldType.DATE: DAYS,
        FieldType.INSTANT: INSTANTS,
        FieldType.PERCENT: NUMBERS | SHARES,
        FieldType.TEXT: TEXTS,
    }
    if field.type is FieldType.ENUM:
        return st.sampled_from(field.choices)
    return plain.get(field.type, NUMBERS)


@st.composite
def predicates(draw: st.DrawFn, subject: Kind, takes: str, steps: bool) -> Tree:
    """One question that may stand there."""
    shared = ["condition"] if takes != "moment" and subject is not Kind.SOURCE else []
    derives = ["derived"] if takes != "moment" and subject is not Kind.SOURCE else []
    about = draw(
        st.sampled_from(["field", "field", "event", *(["step"] if steps else []), *shared, *derives])
    )
    if about == "condition":
        return {"condition": draw(st.sampled_from(["at_risk", "7", 7]))}
    if about == "derived":
        return draw(derived(subject, steps))
    if about == "step":
        return {
            "step": "first",
            **draw(st.sampled_from([*({"is": s} for s in STEP_STATES), {"outcome": "yes"}])),
        }
    if about == "event":
        windows = {"state": ["within", "absent_for"], "moment": [""], "either": ["", "within", "absent_for"]}
        which = draw(optional({"where": carried()}))
        if steps and takes != "moment" and draw(st.booleans()):
            return {"event": draw(TEXTS), "since": "run_start", **which}
        window = draw(st.sampled_from(windows[takes]))
        count = (
            {"at_least": draw(st.integers(1, 10_000))} if window == "within" and draw(st.booleans()) else {}
        )
        return {"event": draw(TEXTS), **({window: draw(LENGTHS)} if window else {}), **count, **which}
    seen = [each for each in CATALOGUE.fields.values() if each.kind in seen_from(subject)]
    field = draw(st.sampled_from(seen))
    rows = {
        key: row
        for key, row in FAMILIES["field"].items()
        if field.type in row.types
        and (takes in ("either", "moment" if row.is_moment else "state") or row.argument in LOOKED_BACK_ON)
    }
    key = draw(st.sampled_from(sorted(rows)))
    amounts = [each.path for each in seen if each.type in (FieldType.NUMBER, FieldType.MONEY)]
    is_share = rows[key].takes_of and field.path in amounts and draw(st.booleans())
    if is_share:
        return {"field": field.path, key: draw(SHARES), "of": draw(st.sampled_from(amounts))}
    asked = {"field": field.path, **draw(arguments(key, rows[key].argument, field))}
    looks_back = rows[key].argument in LOOKED_BACK_ON and (
        takes == "state" or (takes == "either" and draw(st.booleans()))
    )
    return {**asked, "within": draw(LENGTHS)} if looks_back else asked


@st.composite
def derived(draw: st.DrawFn, subject: Kind, steps: bool) -> Tree:
    """A count or a sum with its comparison."""
    amounts = [each for each in CATALOGUE.fields.values() if each.type in (FieldType.NUMBER, FieldType.MONEY)]
    what = draw(st.sampled_from(["contact", "subscription", "ticket", "metric", "event", "sum"]))
    found: Tree = {"count": what}
    if what == "event":
        found = draw(st.sampled_from([{"count": "event"}, {"sum": "event.amount"}, {"sum": "event.a.b c"}]))
        spans = [LENGTHS.map(lambda span: {"within": span})]
        spans += [st.just({"since": "run_start"})] if steps else []
        found |= {"name": draw(TEXTS), **draw(st.one_of(spans)), **draw(optional({"where": carried()}))}
    elif what == "sum":
        kinds = (Kind.CONTACT, Kind.SUBSCRIPTION, Kind.TICKET)
        summed = draw(st.sampled_from([METRIC_VALUE, *(each for each in amounts if each.kind in kinds)]))
        found, what = {"sum": summed.path}, str(summed.kind)
    if what != "event" and draw(st.booleans()):
        found["where"] = draw(wheres(Kind(what)))
    number = st.integers(0, 999) if "count" in found else NUMBERS
    key = draw(st.sampled_from(sorted(FAMILIES["count"])))
    row = FAMILIES["count"][key]
    if row.takes_of and draw(st.booleans()):
        seen = [each.path for each in amounts if each.kind in (subject, Kind.ACCOUNT, Kind.METRIC)]
        return {**found, key: draw(SHARES), "of": draw(st.sampled_from(seen))}
    value = {
        Argument.VALUE: number,
        Argument.VALUES: st.lists(number, min_size=1, max_size=3, unique=True),
        Argument.RANGE: number.map(lambda one: [one, one]),
    }[row.argument]
    return {**found, key: draw(value), **draw(optional({"of": st.just("account")}))}


@st.composite
def wheres(draw: st.DrawFn, kind: Kind) -> Tree:
    """Who counts."""
    seen = [each for each in CATALOGUE.fields.values() if each.kind in (kind, Kind.ACCOUNT)]
    seen += OF_A_METRIC.values() if kind is Kind.METRIC else ()
    asked = []
    for field in draw(st.lists(st.sampled_from(seen), min_size=1, max_size=2)):
        rows = {
            key: row
            for key, row in FAMILIES["field"].items()
            if field.type in row.types and (not row.is_moment or row.argument in LOOKED_BACK_ON)
        }
        key = draw(st.sampled_from(sorted(rows)))
        more = {"within": draw(LENGTHS)} if rows[key].argument in LOOKED_BACK_ON else {}
        asked.append({"field": field.path, **draw(arguments(key, rows[key].argument, field)), **more})
    return asked[0] if len(asked) == 1 else {"all": asked}


@st.composite
def carried(draw: st.DrawFn) -> Tree:
    """Which events, by what they carry."""
    asked = []
    for path in draw(
        st.lists(st.sampled_from(["event.plan", "event.Größe", "event.a.b"]), min_size=1, max_size=2)
    ):
        some = draw(st.sampled_from([NUMBERS, st.booleans(), TEXTS.filter(lambda one: isinstance(one, str))]))
        few = st.lists(some, min_size=1, max_size=3, unique_by=lambda one: (type(one), one))
        listed = few.filter(lambda each: len({isinstance(one, int | float) for one in each}) == 1)
        compared = {
            **dict.fromkeys(["equals", "not_equals"], some),
            **dict.fromkeys(["in", "not_in"], listed),
            **dict.fromkeys(["below", "at_most", "above", "at_least"], NUMBERS),
            "between": NUMBERS.map(lambda one: [one, one]),
            "contains": TEXTS,
            "matches": st.sampled_from(["*x", "a*b"]),
            **dict.fromkeys(["is_set", "is_missing"], st.just(True)),
        }
        key = draw(st.sampled_from(sorted(compared)))
        asked.append({"field": path, key: draw(compared[key])})
    return asked[0] if len(asked) == 1 else {draw(st.sampled_from(["all", "any", "none"])): asked}


@st.composite
def arguments(draw: st.DrawFn, key: str, argument: Argument, field: Field) -> Tree:
    """What follows an operator that asks about a field."""
    if argument is Argument.PRESENCE:
        return {key: True}
    if argument is Argument.PATTERN:
        return {key: draw(st.sampled_from(["*@acme.example", "a*b*c", "** x", "*" * 499 + "x"]))}
    if argument is Argument.CHANGE:
        return {key: True, **({"from": draw(values(field))} if draw(st.booleans()) else {})}
    if argument is Argument.SHIFT:
        shares = SHARES if field.type is not FieldType.PERCENT else st.nothing()
        return {key: draw(st.sampled_from([15, 0.5, 999_999_999_999]) | shares), "within": draw(LENGTHS)}
    if argument is Argument.CROSSING:
        how = draw(
            optional(
                {
                    "direction": st.sampled_from(["up", "down"]),
                    "take": st.sampled_from(["highest", "each"]),
                    "once": st.sampled_from(["per_threshold", "never"]),
                }
            )
        )
        listed = st.lists(NUMBERS, min_size=1, max_size=3, unique=True)
        return {key: draw(listed), **how}
    if argument is Argument.VALUES:
        return {
            key: draw(st.lists(values(field), min_size=1, max_size=3, unique_by=lambda x: str(x).strip("%")))
        }
    if argument is Argument.RANGE:
        return {key: [draw(values(field))] * 2}
    if argument in (Argument.DAYS, Argument.DAYS_SINCE):
        comparison = draw(st.sampled_from(DAY_COMPARISONS))
        count = draw(st.integers(-36_600, 36_600))
        found = {key: {comparison: [count, count] if comparison == "between" else count}}
        known = ("source.declared_at", "source.last_sync_at")
        known = known if field.kind is Kind.SOURCE else ("account.customer_since", "account.renews_on")
        others = sorted({*known} - {field.path})
        more = {"else_since": st.sampled_from(others)} if argument is Argument.DAYS_SINCE else {}
        return {**found, **draw(optional(more))}
    value = draw(values(field))
    recovers = argument is Argument.THRESHOLD and draw(st.booleans())
    return {key: value, **({"recovers_at": value} if recovers else {})}


def conditions(subject: Kind, takes: str = "state", steps: bool = False) -> st.SearchStrategy[Tree]:
    """A condition that may stand there, with groups where groups may."""
    states = st.recursive(
        predicates(subject, "state", steps),
        lambda inner: st.builds(
            lambda kind, members: {kind: members},
            st.sampled_from(["all", "any", "none"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        max_leaves=4,
    )
    return (
        states
        if takes == "state"
        else predicates(subject, takes, steps) | states
        if takes == "either"
        else (predicates(subject, takes, steps))
    )


@st.composite
def optional(draw: st.DrawFn, parts: dict[str, st.SearchStrategy[Tree]]) -> Tree:
    """Some of these keys."""
    return {key: draw(part) for key, part in parts.items() if draw(st.booleans())}


def as_key(name: Tree) -> str:
    """As JSON writes a key."""
    return json.dumps(name) if isinstance(name, bool) else str(name)


@st.composite
def updates(draw: st.DrawFn, subject: Kind) -> Tree:
    """Some fields with what each may be set to."""
    own = [each for each in CATALOGUE.fields.values() if each.kind in (subject, Kind.ACCOUNT)]
    seen = [each for each in CATALOGUE.fields.values() if each.kind in (subject, Kind.ACCOUNT, Kind.METRIC)]
    found = {}
    for field in draw(st.lists(st.sampled_from(own), min_size=1, max_size=3, unique=True)):
        same = [each for each in seen if each.type is field.type and set(each.choices) <= set(field.choices)]
        given = values(field) | st.none() | st.sampled_from(same).map(lambda each: {"field": each.path})
        clock = {FieldType.INSTANT: "now", FieldType.DATE: "today"}.get(field.type)
        found[field.path] = draw(given | st.just(clock) if clock else given)
    return found


@st.composite
def actions(draw: st.DrawFn, subject: Kind) -> Tree:
    """One action."""
    contacts = ["champion", "any", *(["subject"] if subject is Kind.CONTACT else [])]
    to = st.sampled_from(contacts) | st.lists(st.sampled_from(contacts), min_size=1, unique=True)
    task = {"to": draw(st.sampled_from(ROLES)), "title": draw(TEXTS)}
    extra = optional(
        {"template": NAMES, "due": SPANS, "outcomes": st.lists(NAMES, min_size=1, max_size=3, unique_by=str)}
    )
    carried = TEXTS.filter(lambda each: each != 0) | NUMBERS | st.booleans()
    record = st.fixed_dictionaries(
        {"event": TEXTS.filter(lambda each: len(str(each)) <= 200)},
        optional={"properties": st.dictionaries(NAMES.map(as_key), carried, min_size=1, max_size=3)},
    )
    return draw(
        st.sampled_from(
            ["task", "message", "webhook", *([] if subject is Kind.SOURCE else ["email", "update", "record"])]
        ).flatmap(
            lambda key: st.fixed_dictionaries(
                {
                    key: {
                        "task": extra.map(lambda more: {**task, **more}),
                        "email": st.fixed_dictionaries({"to": to, "template": NAMES, "topic": NAMES}),
                        "message": st.fixed_dictionaries({"via": NAMES, "to": TEXTS, "template": NAMES}),
                        "webhook": st.fixed_dictionaries({"via": NAMES, "template": NAMES}),
                        "record": record,
                        "update": updates(subject),
                    }[key]
                }
            )
        )
    )


@st.composite
def steps(draw: st.DrawFn, subject: Kind, index: int, anchored: bool) -> Tree:
    """One step."""
    timings: dict[str, st.SearchStrategy[Tree]] = {
        "day": st.integers(0, 3660) | st.sampled_from(["3d", "3bd", "3660bd"]),
        "after": SPANS.map(lambda span: f"first + {span}"),
        "on": conditions(subject, "either", steps=True),
        **({"at": st.sampled_from(["T-90", "T+0", "T+3660", "T-0007"])} if anchored else {}),
    }
    key = draw(st.sampled_from(sorted(timings)))
    branch = st.builds(
        lambda condition, action: {**condition, **action},
        optional({"if": conditions(subject, steps=True)}),
        actions(subject),
    )
    choose = st.fixed_dictionaries({"choose": st.lists(branch, min_size=1, max_size=3)})
    step = {"id": f"step-{index}", key: draw(timings[key]), **draw(actions(subject) | choose)}
    more = {"if": conditions(subject, steps=True), "expires": SPANS, "purpose": NAMES}
    if key == "on":
        more["repeat"] = st.just("each")
    if any("task" in each for each in [step, *step.get("choose", ())]):
        more["escalate"] = st.fixed_dictionaries({"after": SPANS, "to": st.sampled_from(ROLES)})
    return {**step, **draw(optional(more))}


@st.composite
def exits(draw: st.DrawFn, subject: Kind) -> Tree:
    """One exit."""
    end = draw(
        st.fixed_dictionaries({"when": conditions(subject, steps=True)})
        | st.fixed_dictionaries({"on": predicates(subject, "moment", False)})
    )
    more: dict[str, st.SearchStrategy[Tree]] = {"then": st.lists(actions(subject), min_size=1, max_size=2)}
    if "when" in end:
        more["for"] = LENGTHS
    return {"outcome": draw(NAMES), **end, **draw(optional(more))}


@st.composite
def calendars(draw: st.DrawFn, subject: Kind, dates: list[str]) -> Tree:
    """One calendar trigger."""
    period = draw(st.sampled_from(list(Period)))
    names = st.sampled_from(sorted(day_names(period)))
    anyway = st.integers(1, period.longest_days) | st.sampled_from(dates) if period.months else names
    unit = draw(st.sampled_from(SPREAD_UNITS))
    width = st.integers(1, longest_spread(period, unit)).map(lambda n: f"{n}{unit}")
    return {
        period.value: draw(names | anyway),
        **draw(optional({"spread": width, "if": conditions(subject)})),
    }


@st.composite
def rule_files(draw: st.DrawFn) -> Tree:
    """A sound rule file, as JSON has it."""
    subject = draw(st.sampled_from(SUBJECTS))
    anchors = [
        each.path
        for each in CATALOGUE.fields.values()
        if each.kind in seen_from(subject) and each.type.is_temporal
    ]
    own = [each.path for each in CATALOGUE.fields.values() if each.kind is subject]
    moment = st.builds(
        lambda one, more: {**one, **more},
        predicates(subject, "moment", False),
        optional({"if": conditions(subject)}),
    )
    head = draw(
        optional(
            {
                "renamed_from": st.sampled_from(["old", 9, ["old", "older"]]),
                "title": TEXTS,
                "owner": TEXTS,
                "review_every": LENGTHS,
                "priority": st.integers(0, 100),
                "audience": st.builds(
                    lambda who, leave: {**who, **leave},
                    conditions(subject),
                    optional({"leave": st.sampled_from(["exit", "stay"])}),
                ),
                "for": LENGTHS | st.just("0d"),
                "on_missing": st.sampled_from(["freeze", "false", False, "true", True]),
                "existing": st.sampled_from(["wait", "fire", {"since": "14d"}]),
                "cooldown": LENGTHS,
                "keep_active_for": LENGTHS | st.just("0d"),
                "repeat_every": LENGTHS,
                "mode": st.sampled_from(["single", "restart"]),
                "run_per": st.sampled_from(own),
                "group_by": st.just("account"),
                "anchor": st.sampled_from(anchors),
                "late": st.sampled_from(["run", "latest", "skip"]),
                "guard": optional(
                    {
                        "max_starts": st.integers(1, 1_000_000),
                        "max_share": st.sampled_from(["5%", "100%", "0.5 %", "+007%"]),
                        "within": LENGTHS,
                    }
                ),
                "mutes": st.fixed_dictionaries(
                    {"playbooks": st.lists(st.sampled_from(["low", "usage-2", 12]), min_size=1, unique=True)},
                    optional={"open_steps": st.sampled_from(["hold", "cancel"])},
                ),
                "exit": st.lists(exits(subject), min_size=1, max_size=2),
            }
        )
    )
    starts = {
        "when": conditions(subject),
        "on": moment | st.lists(moment, min_size=1, max_size=2),
        "every": calendars(subject, anchors),
    }
    chosen = draw(
        st.sampled_from([("when",), ("on",), ("when", "on"), ("every",), ("every", "when"), ("every", "on")])
    )
    if "repeat_every" in head or "every" in chosen:
        head = {key: value for key, value in head.items() if key not in ("run_per", "group_by")}
    first = {"id": "first", "day": 0, "task": {"to": "csm", "title": "x", "outcomes": ["yes", "no"]}}
    count = draw(st.integers(0, 2))
    return {
        "playbook": draw(NAMES),
        "subject": subject.value,
        **head,
        **{key: draw(starts[key]) for key in chosen},
        "steps": [first, *(draw(steps(subject, index, "anchor" in head)) for index in range(count))],
    }


JUNK = st.sampled_from(
    json.loads(
        """[
        {"condition": "at_risk"}, {"condition": "at_risk", "for": "3d"}, {"condition": []},
        null, true, false, "up", "down", "highest", "each", "never", "0%",
        {"event": "x", "at_least": 3}, {"event": "x", "at_least": 3, "within": "2d"},
        {"event": "x", "since": "run_start"}, "run_start", "ticket", "event", {"count": "contact"},
        {"count": "contact", "below": 2}, {"count": "event", "name": "x", "within": "2d", "above": 1},
        {"count": "event", "name": "x", "since": "run_start", "above": 1}, "subscription.arr",
        {"count": "ticket", "where": {"field": "ticket.status", "equals": "open"}, "at_least": 2},
        {"sum": "subscription.arr", "below": 5}, {"sum": "metric.value", "below": 5}, "metric.name",
        {"count": "metric", "where": {"field": "metric.name", "equals": "x"}, "below": 5}, "metric",
        {"sum": "ticket.subject", "below": 5}, "event.plan", "event.", "event.properties.x", " event.x",
        {"field": "event.plan", "equals": "trial"}, {"field": "event.plan", "in": [1, 2]},
        {"field": "event.plan", "in": [1, true]}, {"field": "event.plan", "below": "x"},
        {"field": "event.plan", "days_until": {"below": 3}}, {"field": "event.plan", "drops_below": 3},
        {"event": "x", "within": "2d", "where": {"field": "event.plan", "is_set": true}},
        {"count": "event", "name": "x", "within": "2d", "above": 1, "where": {"field": "event.n", "in": []}},
        {"sum": "event.n", "name": "x", "within": "2d", "above": 0.5},
        {"sum": "subscription.arr", "of": "account.arr", "below": "5%"},
        [100, 1000], "*", "* *", "*x",
        0, 5, -5, 101, 0.5, 10000000000000, "", " ", "a", "Bad Name", "two\\nlines",
        [], {}, ["a"], ["a", "a"], [1, 2], [[]], {"a": 1}, "40", "80%", "80 %", "10001%", "-1%", "%",
        "30", "30d", "0d", "2bd", "3661d", "523w", "99999min", "100000min", "1y", "T-90", "T-3661",
        "T90", "T-0", "a + 2bd", "first + 2bd", "first+2bd", "first + x", "first", "true", "csm",
        "nobody", "champion", "any", "subject", "account.health", "account.nothing", "contact.role",
        "ticket.status", "subscription.usage", "metric.logins", "account.renews_on", "account.segment",
        "high_touch", "2026-01-31", "2026-13-01", "2026-01-31T09:00:00Z", "2026-01-31T09:00:00",
        "account", "contact", "first business day", "monday", "last day",
        31, 93, "5bd", "181d", "fire", "waiting", "latest", {"since": "14d"}, {"since": 14}, {"event":
        "x"}, {"event": "x", "within": "2d"}, {"step": "first"}, {"field": "account.health", "below":
        40}, {"field": "account.health", "below": 40, "above": 2}, {"field": "account.segment",
        "changes_to": "high_touch"}, {"step": "first", "is": "open"}, {"all": [{"field":
        "account.health", "below": 40}]}, {"all": []}, {"any": [{"event": "x"}]}, {"field":
        "account.usage", "below": "5%", "of": "account.usage_limit"}, [{"event": "x"}], {"field":
        "account.adoption", "below": "5%"}, {"at_most": 90}, {"between": [1, 2]}, {"field":
        "account.adoption", "below": "5%", "of": "account.arr"}, {"field": "account.health"}, {"field":
        "account.health", "drops_below": 40, "recovers_at": 50}, {"field": "account.arr", "recovers_at":
        1}, {"task": {"to": "csm", "title": "x"}}, {"via": "slack", "to": "#a", "template": "b"}
        ]"""
    )
) | st.sampled_from(["x" * 65, "x" * 501])
"""Right things in wrong places, and wrong things."""
_KEYS = """
playbook titel title renamed_from choose when on for if then id day at after task email message webhook
record update to template purpose topic via properties escalate outcome outcomes is all any none field
event step within absent_for of recovers_at anchor since from direction take once at_least every week
month quarter half_year year spread condition
else_since count sum where name repeat
"""
KEYS = st.sampled_from([*_KEYS.split(), *FAMILIES["field"]])


def places(tree: Tree) -> Iterator[tuple[Tree, Any]]:
    """Every value of the tree, as its parent and where it is there."""
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from places(tree[key])


@st.composite
def broken(draw: st.DrawFn) -> Tree:
    """A sound rule file with a few things changed."""
    tree = copy.deepcopy(draw(rule_files()))
    for _ in range(draw(st.integers(1, 2))):
        known = list(places(tree))
        parent, key = known[draw(st.integers(0, len(known) - 1))]
        change = draw(st.sampled_from(["value", "value", "remove", "add", "rename", "repeat"]))
        if change == "value" or isinstance(parent, list):
            parent[key] = copy.deepcopy(draw(JUNK))
        elif change == "remove":
            del parent[key]
        elif change == "add":
            parent[draw(KEYS)] = copy.deepcopy(draw(JUNK))
        elif change == "rename":
            value = parent.pop(key)
            parent[draw(KEYS)] = value
        elif isinstance(parent[key], list):
            parent[key] = parent[key] * 2
    return tree


def complaints(tree: Tree) -> list[str]:
    """What the schema has against it."""
    return [f"{each.json_path}: {each.message[:300]}" for each in VALIDATOR.iter_errors(tree)]


@PROOF
@given(rule_files())
def test_schema_and_parser_accept_sound_files(tree: Tree) -> None:
    """What the model can say, both take."""
    assert [str(each) for each in parse(tree).problems if each.is_error] == []
    assert complaints(tree) == []


@PROOF
@given(broken())
def test_schema_refuses_exactly_what_the_parser_refuses(tree: Tree) -> None:
    """A mistake in the shape of a file is one to both, and what is none to one is none to the other."""
    errors = [str(each) for each in parse(tree).problems if each.is_error]
    assume(not any(SEMANTIC.search(each) for each in errors))
    assert bool(complaints(tree)) == bool(errors), (errors, complaints(tree))
