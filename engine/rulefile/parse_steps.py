"""Steps: when each one acts, what it does, and how they hang together."""

import re
from collections.abc import Callable, Iterator, Mapping

from engine.clock.durations import Duration
from engine.rulefile.asked import Place
from engine.rulefile.model import AfterTiming, AnchorTiming, DayTiming, Escalation, OnTiming, Step, Timing
from engine.rulefile.notes import RefusedError, Table
from engine.rulefile.parse_actions import ACTIONS, CHOOSE, read_step_action
from engine.rulefile.parse_conditions import read_condition
from engine.rulefile.parse_values import choice, duration, slug, text, whole
from engine.rulefile.problem import quote
from engine.rulefile.scope import Scope
from engine.rulefile.source import Mapping as MappingNode
from engine.rulefile.source import Node, Scalar, Sequence

TIMINGS = ("day", "at", "after", "on")
STEP_KEYS = ("id", *TIMINGS, "repeat", "if", *ACTIONS, CHOOSE, "purpose", "escalate", "expires")
MOST_DAYS = 3660
REPEATS = ("each",)

_AT = re.compile(r"T([+-])(\d{1,4})", re.ASCII)
_WHOLE_DAYS = frozenset(["d", "bd"])


def outcomes_by_step(node: Node | None) -> dict[str, tuple[str, ...]]:
    """What conditions may ask of which step, read before anything is checked."""
    found: dict[str, tuple[str, ...]] = {}
    for item in node.items if isinstance(node, Sequence) else ():
        name = item.get("id") if isinstance(item, MappingNode) else None
        if isinstance(item, MappingNode) and isinstance(name, Scalar):
            listed = [each for task in _tasks(item) for each in _outcomes(task)]
            found.setdefault(name.text, tuple(dict.fromkeys(listed)))
    return found


def _tasks(step: MappingNode) -> Iterator[Node]:
    """The task of a step, or those of its branches."""
    choose = step.get(CHOOSE)
    for holder in [step, *(choose.items if isinstance(choose, Sequence) else ())]:
        task = holder.get("task") if isinstance(holder, MappingNode) else None
        if task is not None:
            yield task


def _outcomes(task: Node) -> tuple[str, ...]:
    listed = task.get("outcomes") if isinstance(task, MappingNode) else None
    items = listed.items if isinstance(listed, Sequence) else ()
    return tuple(item.text for item in items if isinstance(item, Scalar))


def read_steps(node: Node, scope: Scope, has_anchor: bool) -> tuple[Step, ...]:
    """The steps that could be read, in the order of the file. Problems of the others are noted."""
    steps: list[Step] = scope.notes.each(lambda item: _step(item, scope, has_anchor), node, "steps")
    places = _places(node)
    if not _note_repeated(places, scope):
        _note_circles(steps, places, scope)
    _note_uncounted(steps, node, scope)
    return tuple(steps)


def _step(node: Node, scope: Scope, has_anchor: bool) -> Step | None:
    table = scope.notes.table(node, STEP_KEYS, "a step")
    name = table.required("id", slug, "a step")
    path = f"steps.{name or '?'}"
    timing = _timing(table, scope, path, has_anchor)
    action = read_step_action(table, scope, path)
    condition = table.maybe(
        "if", lambda each: read_condition(each, scope, Place(f"{path}.if", "state", True))
    )
    escalate = table.maybe("escalate", lambda each: _escalation(each, scope))
    expires = table.maybe("expires", duration)
    purpose = table.maybe("purpose", slug)
    if "escalate" in table and not any(_tasks(table.node)):
        scope.notes.add(
            table.key("escalate"), "escalate: only a task can be escalated; remove it or add a task"
        )
    if name is None or timing is None or action is None:
        return None
    return Step(name, timing, action, condition, escalate, expires, purpose)


def _escalation(node: Node, scope: Scope) -> Escalation | None:
    table = scope.notes.table(node, ("after", "to"), "an escalation")
    after = table.required("after", duration, "an escalation")
    to = table.required("to", scope.role, "an escalation")
    return Escalation(after, to) if after is not None and to is not None else None


# Timings


def _timing(table: Table, scope: Scope, path: str, has_anchor: bool) -> Timing | None:
    repeats = table.maybe("repeat", choice(REPEATS)) is not None
    readers: dict[str, Callable[[Node], Timing | None]] = {
        "day": _day,
        "at": lambda node: _at(node, has_anchor),
        "after": lambda node: _after(node, scope),
        "on": lambda node: _on(node, scope, path, repeats),
    }
    key = table.one_of(TIMINGS, "the timing of a step")
    if "repeat" in table and key not in (None, "on"):
        message = f"repeat: goes with on:, whose time can come again; {key}: has one time, so remove repeat"
        scope.notes.add(table.key("repeat"), message)
    return table.maybe(key, readers[key]) if key else None


def _day(node: Node) -> DayTiming:
    if re.fullmatch(r"[-+]?\d+", text(node)):
        return DayTiming(Duration(whole(0, MOST_DAYS)(node), "d"))
    offset = duration(node)
    if offset.unit not in _WHOLE_DAYS:
        raise RefusedError(node, f"{offset} is not a day; write 2 or 2bd")
    return DayTiming(offset)


def _at(node: Node, has_anchor: bool) -> AnchorTiming:
    written = text(node)
    found = _AT.fullmatch(written)
    if found is None or int(found[2]) > MOST_DAYS:
        raise RefusedError(
            node, f"{quote(written)} is not a day before or after the anchor; write T-90, T-0 or T+30"
        )
    if not has_anchor:
        raise RefusedError(
            node, f'{written} needs an anchor; add "anchor: FIELD" with a date to the playbook'
        )
    return AnchorTiming(int(found[1] + found[2]))


def _after(node: Node, scope: Scope) -> AfterTiming:
    written = text(node)
    step, plus, offset = (part.strip() for part in written.partition("+"))
    if not plus:
        raise RefusedError(node, f'{quote(written)} is not a step and a duration; write "{step[:64]} + 2bd"')
    scope.step(_part(node, step))
    return AfterTiming(step, duration(_part(node, offset)))


def _part(node: Node, part: str) -> Scalar:
    """A part of a value, at the place of the whole."""
    return Scalar(part, False, node.line, node.column, node.via)


def _on(node: Node, scope: Scope, path: str, repeats: bool) -> OnTiming | None:
    condition = read_condition(node, scope, Place(f"{path}.on", "either", True))
    return OnTiming(condition, repeats) if condition else None


# Checks over all steps


def _places(node: Node) -> dict[int, tuple[str, Scalar]]:
    """The id of each step by its index, with its place."""
    found = {}
    for index, item in enumerate(node.items if isinstance(node, Sequence) else ()):
        name = item.get("id") if isinstance(item, MappingNode) else None
        if isinstance(name, Scalar):
            found[index] = (name.text, name)
    return found


def _note_repeated(places: Mapping[int, tuple[str, Scalar]], scope: Scope) -> bool:
    """Note every id given a second time; whether there is any."""
    first: dict[str, Scalar] = {}
    for name, node in places.values():
        if name in first:
            scope.notes.add(
                node, f"step {quote(name)} is already on line {first[name].line}; rename one of the two"
            )
        first.setdefault(name, node)
    return len(first) < len(places)


def _note_circles(steps: list[Step], places: Mapping[int, tuple[str, Scalar]], scope: Scope) -> None:
    """Note each circle of steps that wait for one another, at its first step."""
    waits = {step.id: step.timing.step for step in steps if isinstance(step.timing, AfterTiming)}
    nodes = dict(reversed(list(places.values())))
    cleared: set[str] = set()
    for start in waits:
        trail: list[str] = []
        at = start
        while at in waits and at not in cleared:
            cleared.add(at)
            trail.append(at)
            at = waits[at]
        if at in trail:
            circle = " -> ".join([*trail[trail.index(at) :], at])
            scope.notes.add(nodes[at], f"steps wait for one another in a circle: {circle}")


def _note_uncounted(steps: list[Step], node: Node, scope: Scope) -> None:
    """Note each step that counts from one that repeats, which has no one time to count from."""
    repeated = {step.id for step in steps if step.repeats}
    counting = {step.id: step.timing.step for step in steps if isinstance(step.timing, AfterTiming)}
    for item in node.items if isinstance(node, Sequence) else ():
        name = item.get("id") if isinstance(item, MappingNode) else None
        counted = counting.get(name.text) if isinstance(name, Scalar) else None
        if isinstance(item, MappingNode) and counted in repeated:
            message = (
                f"after: step {quote(str(counted))} repeats, so there is no one time to count from; "
                f'count from another step, or remove "repeat: each" from {quote(str(counted))}'
            )
            scope.notes.add(item.entries["after"][1], message)
