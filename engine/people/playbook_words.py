"""A playbook's conditions in words."""

from datetime import timedelta

from engine.clock.durations import Duration
from engine.conditions.phrase import condition_words
from engine.conditions.wording import label, plural
from engine.episodes.recurrence import every_words
from engine.rulefile.effects import RecordAction, UpdateAction
from engine.rulefile.model import (
    AfterTiming,
    AnchorTiming,
    ChooseAction,
    DayTiming,
    Deed,
    EmailAction,
    Exit,
    MessageAction,
    Playbook,
    Step,
    TaskAction,
    WebhookAction,
    deeds,
)


def trigger_words(playbook: Playbook) -> list[str]:
    """What starts the playbook: each state or moment in words."""
    found = [f"while {condition_words(playbook.when)}{_held(playbook.held_for)}"] if playbook.when else []
    for moment in playbook.on:
        extra = f", if {condition_words(moment.condition)}" if moment.condition else ""
        found.append(f"when {condition_words(moment.predicate)}{extra}")
    if playbook.every is not None:
        extra = f", if {condition_words(playbook.every.condition)}" if playbook.every.condition else ""
        found.append(f"{every_words(playbook.every)}{extra}")
    return found


def exit_words(exit_: Exit) -> str:
    """When a run ends before its last step."""
    return condition_words(exit_.condition) + _held(exit_.held_for)


def timing_words(step: Step) -> str:
    """When a step falls due."""
    timing = step.timing
    if isinstance(timing, DayTiming):
        return f"day {timing.offset}" if timing.offset.is_business else f"day {timing.offset.amount}"
    if isinstance(timing, AnchorTiming):
        return f"T{timing.days:+d}" if timing.days else "T-0"
    if isinstance(timing, AfterTiming):
        return f"{timing.step} + {_span(timing.offset)}"
    return f"{'each time' if timing.repeats else 'when'} {condition_words(timing.condition)}"


def action_words(step: Step) -> str:
    """What a step does, and for whom."""
    if not isinstance(step.action, ChooseAction):
        return _deed_words(step.action)
    parts = [
        f"{_deed_words(each.action)} {f'if {condition_words(each.condition)}' if each.condition else 'else'}"
        for each in step.action.branches
    ]
    return "; ".join(parts)


def _deed_words(deed: Deed) -> str:
    match deed:
        case TaskAction(to=to):
            return f"task for {to.replace('_', ' ')}"
        case EmailAction(to=to):
            return f"email to {' or '.join(each.replace('_', ' ') for each in to)}"
        case MessageAction(via=via, to=to):
            return f"message to {to} by {via}"
        case WebhookAction(via=via):
            return f"webhook by {via}"
        case RecordAction(event=event):
            return f"records the event {event}"
        case UpdateAction(settings=settings):
            return f"sets {', '.join(label(each.field) for each in settings)}"


def subject_words(step: Step) -> str:
    """The step's title or template, or those of its branches."""
    return "; ".join(filter(None, map(_subject, deeds(step.action))))


def _subject(deed: Deed) -> str:
    match deed:
        case TaskAction():
            return deed.title
        case RecordAction() | UpdateAction():
            return ""
    return deed.template


def _held(span: timedelta) -> str:
    if not span:
        return ""
    units = {"day": timedelta(days=1), "hour": timedelta(hours=1), "minute": timedelta(minutes=1)}
    unit = next((name for name, length in units.items() if not span % length), "minute")
    return f" for {plural(span // units[unit], unit)}"


def _span(offset: Duration) -> str:
    return "at once" if offset.amount == 0 else str(offset)
