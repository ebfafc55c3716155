"""What a playbook changes itself: events it lets happen, and fields it gives other values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.conditions.catalogue import Field, Kind, Value, encode
from engine.conditions.wording import label, show
from engine.fold.case import Case, NoRestError
from engine.fold.context import context
from engine.identity import digest
from engine.render.templates import RenderError
from engine.rulefile.effects import Clock, Line, RecordAction, Setting, UpdateAction
from engine.rulefile.model import Playbook
from engine.runs.run import Run, naming
from engine.state.accept import Refused, accepted_properties, accepted_value
from engine.state.entries import EventEntry
from engine.state.said import PLAYBOOK


class NotDoneError(Exception):
    """The action cannot be done: nobody to go to, a failed template …; the message is the reason recorded."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a step has changed: the answer to record, in words and as values."""

    answer: str
    words: str
    evidence: list[Any]


def record(
    case: Case, playbook: Playbook, run: Run, step: str, action: RecordAction, occurrence: int = 1
) -> Effect:
    """Let the event happen now. Raises NotDoneError."""
    properties = properties_of(case, playbook, run, action)
    subject_id = None if run.kind == Kind.ACCOUNT else run.subject_id
    event = EventEntry(
        digest("event", run.id, *naming(step, occurrence)),
        run.account_id,
        action.event,
        case.now,
        case.now,
        subject_id,
        properties,
    )
    _check_rest(case, run, step)
    case.record(event)
    return Effect("record", action.event, [{"event": action.event, "properties": properties or {}}])


def properties_of(case: Case, playbook: Playbook, run: Run, action: RecordAction) -> dict[str, Any] | None:
    """What the event carries, rendered. Raises NotDoneError."""
    names = context(case, playbook, run)
    found = {
        name: _rendered(case, given, names) if isinstance(given, Line) else given
        for name, given in action.properties
    }
    try:
        return accepted_properties(found or None)
    except Refused as error:
        raise NotDoneError(str(error)) from error


def update(case: Case, playbook: Playbook, run: Run, step: str, action: UpdateAction) -> Effect:
    """Give the fields their new values now. Raises NotDoneError, and then has changed none of them."""
    new = values_of(case, playbook, run, action)
    by_kind: dict[Kind, dict[str, Value | None]] = {}
    for field, value in new.items():
        by_kind.setdefault(field.kind, {})[field.name] = value
    old: dict[tuple[Kind, str], Value | None] = {}
    _check_rest(case, run, step)
    for kind, values in by_kind.items():
        subject_id = run.account_id if kind is Kind.ACCOUNT else run.subject_id
        changed = case.change(kind, subject_id, values, f"{PLAYBOOK}{playbook.name}")
        old |= {(kind, name): value for name, value in changed.items()}
    return _updated(new, old)


def _updated(new: Mapping[Field, Value | None], old: Mapping[tuple[Kind, str], Value | None]) -> Effect:
    words, evidence = [], []
    for field, value in new.items():
        place = (field.kind, field.name)
        if place not in old:
            words.append(f"{label(field)} is {show(value, field)} already")
            continue
        words.append(f"{label(field)}: {show(old[place], field)} → {show(value, field)}")
        evidence.append({"field": field.path, "from": encode(old[place]), "to": encode(value)})
    return Effect("update", "; ".join(words), evidence)


def values_of(case: Case, playbook: Playbook, run: Run, action: UpdateAction) -> dict[Field, Value | None]:
    """What each field is to become. Raises NotDoneError where one cannot be said."""
    names = context(case, playbook, run)
    return {each.field: _value(case, run, each, names) for each in action.settings}


def _value(case: Case, run: Run, setting: Setting, names: Mapping[str, Any]) -> Value | None:
    given = setting.given
    if given is None:
        return None
    found: Value | None
    match given:
        case Field():
            found = case.view(Kind(run.kind), run.subject_id).known(given)
            if found is None:
                raise NotDoneError(f"{label(given)} is missing, so {label(setting.field)} was left as it is")
        case Line():
            found = _rendered(case, given, names)
        case Clock():
            found = case.now if given is Clock.NOW else case.calendar.day_of(case.now)
        case _:
            found = given
    try:
        return accepted_value(setting.field, found)
    except Refused as error:
        raise NotDoneError(f"{setting.field.path}: {error}") from error


def _check_rest(case: Case, run: Run, step: str) -> None:
    try:
        case.check_rest(run.playbook, step, run.subject_id)
    except NoRestError as error:
        raise NotDoneError(str(error)) from error


def _rendered(case: Case, line: Line, names: Mapping[str, Any]) -> str:
    try:
        return case.world.render_line(line.source, names)
    except RenderError as error:
        raise NotDoneError(f"template error: {error}") from error
