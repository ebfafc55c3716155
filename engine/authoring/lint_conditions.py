"""Conditions that can never hold, and steps that an exit always forestalls."""

from collections.abc import Iterator
from dataclasses import replace

from engine.authoring.possible import Claim, conflict, conjuncts
from engine.authoring.warning import Warned
from engine.conditions.tree import Condition, Predicate, placeless, predicates
from engine.fold.world import conditions_of
from engine.rulefile.model import ChooseAction, Exit, Moment, OnTiming, Playbook, Step


def condition_warnings(playbook: Playbook) -> Iterator[Warned]:
    """Every condition of the playbook that can never hold, or that an exit answers first."""
    yield from _counts(playbook)
    yield from _triggers(playbook)
    for step in playbook.steps:
        yield from _of_step(playbook, step)
        if isinstance(step.action, ChooseAction):
            yield from _of_branches(step, step.action)
    for index, each in enumerate(playbook.exits):
        why = conflict([(each.condition, True)])
        if why:
            yield Warned(each.condition.path, f"exit {each.outcome}: can never hold, for {why}")
        elif _ends_at_once(playbook, each):
            yield Warned(
                f"exit[{index}]",
                f"exit {each.outcome}: holds whenever the playbook starts, so a run ends as it begins",
            )


def _counts(playbook: Playbook) -> Iterator[Warned]:
    """Counts and sums that are always 0, and events that never happen, because nothing can be what counts."""
    for condition in conditions_of(playbook):
        for predicate in predicates(condition):
            where = predicate.where if predicate.derived is None else predicate.derived.where
            why = None if where is None else conflict([(where, True)])
            if why:
                what = "nobody" if predicate.stream is None else "no event"
                yield Warned(f"{predicate.path}.where", f"where: {what} can ever count, for {why}")


def _triggers(playbook: Playbook) -> Iterator[Warned]:
    audience: list[Claim] = [(playbook.audience, True)] if playbook.audience else []
    nobody = conflict(audience) if audience else None
    if nobody:
        yield Warned("audience", f"audience: excludes everybody, for {nobody}")
    if playbook.when is not None:
        yield from _trigger("when", [(playbook.when, True)], [] if nobody else audience)
    for index, moment in enumerate(playbook.on):
        path = moment.predicate.path or f"on[{index}]"
        yield from _trigger(path, _before(moment), [] if nobody else audience)

    if playbook.every is not None and playbook.every.condition is not None:
        yield from _trigger("every.if", [(playbook.every.condition, True)], [] if nobody else audience)


def _trigger(path: str, claims: list[Claim], audience: list[Claim]) -> Iterator[Warned]:
    why = conflict(claims)
    if why:
        yield Warned(path, f"{path}: can never hold, for {why}")
        return
    why = conflict([*audience, *claims]) if audience else None
    if why:
        yield Warned(path, f"{path}: can never hold for anybody in the audience, for {why}")


def _before(moment: Moment) -> list[Claim]:
    """What must be so just before the moment: its condition, and another value than it changes to."""
    claims: list[Claim] = [(moment.condition, True)] if moment.condition else []
    if moment.predicate.operator == "changes_to":
        claims.append((replace(moment.predicate, operator="equals"), False))
    return claims


def _of_step(playbook: Playbook, step: Step) -> Iterator[Warned]:
    conditions = {"if": step.condition}
    if isinstance(step.timing, OnTiming):
        conditions["on"] = step.timing.condition
    for key, condition in conditions.items():
        if condition is None:
            continue
        path = f"steps.{step.id}.{key}"
        why = conflict([(condition, True)])
        if why:
            yield Warned(path, f"step {step.id}: {key}: can never hold, so it never acts; for {why}")
            continue
        exit_ = next((each for each in playbook.exits if _is_forestalled(condition, each)), None)
        if exit_ is not None:
            yield Warned(path, f"step {step.id}: never acts, because exit {exit_.outcome} ends the run first")


def _of_branches(step: Step, action: ChooseAction) -> Iterator[Warned]:
    """Branches that are never taken: their condition cannot hold, or one before them is always true."""
    always = next((index for index, each in enumerate(action.branches) if each.condition is None), None)
    for index, branch in enumerate(action.branches):
        path = f"steps.{step.id}.choose[{index}]"
        if always is not None and index > always:
            taken = f"branch {always + 1} has no if and is always taken"
            yield Warned(path, f"step {step.id}: branch {index + 1} is never reached, because {taken}")
            continue
        if branch.condition is None:
            continue
        given: list[Claim] = [(step.condition, True)] if step.condition else []
        why = conflict([*given, (branch.condition, True)])
        earlier = [each.condition for each in action.branches[:index] if each.condition is not None]
        first = next((each for each in earlier if _follows(branch.condition, each)), None)
        if why is None and first is not None:
            number = [each.condition for each in action.branches].index(first) + 1
            why = f"branch {number} is true whenever it is"
        if why is not None:
            yield Warned(f"{path}.if", f"step {step.id}: branch {index + 1} can never be taken, for {why}")


def _follows(condition: Condition, other: Condition) -> bool:
    """Whether `other` is true whenever `condition` is, as far as that is plain to see."""
    if _asks(other) <= _asks(condition):
        return True
    if not isinstance(condition, Predicate) or not isinstance(other, Predicate) or condition.field is None:
        return False
    is_known = condition.operator != "is_missing" and (condition.field, condition.of) == (
        other.field,
        other.of,
    )
    return is_known and conflict([(condition, True), (other, False)]) is not None


def _is_forestalled(condition: Condition, exit_: Exit) -> bool:
    """Whether the exit holds whenever the condition does: it asks nothing that the condition does not."""
    return not exit_.held_for and _asks(exit_.condition) <= _asks(condition)


def _ends_at_once(playbook: Playbook, exit_: Exit) -> bool:
    if playbook.when is None or exit_.held_for or conflict([(playbook.when, True)]):
        return False
    asked = _asks(playbook.when) | (_asks(playbook.audience) if playbook.audience else set())
    return _asks(exit_.condition) <= asked


def _asks(condition: Condition) -> set[Condition]:
    """The conditions that must all be true, wherever in the file they stand."""
    return {placeless(each) for each in conjuncts(condition)}
